"""When two problems are one: what `problems overlap`, the loop's screen, the audit and the import call equal."""

from __future__ import annotations

from collections.abc import Iterable
from unicodedata import category

from axiom_cli.records import Problem


def plain(prompt: str) -> str:
    """The prompt with every run of white space as one space, and without characters that nobody sees."""
    if not prompt.isascii():
        prompt = "".join(one for one in prompt if category(one) != "Cf")
    return " ".join(prompt.split())


def folded(prompt: str, answer: str | None) -> tuple[str, str]:
    """The prompt without its case, and the answer: problems that differ in case alone are one where both are equal."""
    return plain(prompt).casefold(), answer or ""


class Contents:
    """What some problems ask.

    A problem is equal to another if it asks the same but for white space, whatever is said to be the answer; or the
    same but for case as well, with the same answer. Where case counts (how many a are in this text?) the answers tell.
    Ids, titles, families, levels and tests do not matter.
    """

    def __init__(self, problems: Iterable[Problem] = ()) -> None:
        self._known: set[str | tuple[str, str]] = set()
        self.update(problems)

    def update(self, problems: Iterable[Problem]) -> None:
        """Takes in more problems."""
        for problem in problems:
            self._known |= {plain(problem.prompt), folded(problem.prompt, problem.answer)}

    def __contains__(self, problem: Problem) -> bool:
        return plain(problem.prompt) in self._known or folded(problem.prompt, problem.answer) in self._known
