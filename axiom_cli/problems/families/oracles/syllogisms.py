"""Judges conclusions in the largest model: one thing for every combination of kinds that the premises allow.

A combination is a bit position; what is said of the kinds becomes arithmetic on bit sets.
"""

from __future__ import annotations

import re

from axiom_cli.problems.families.oracles.sat import column

_SENTENCE = re.compile(r"(all|no|some) (\w+) are (not )?(\w+)")


def _counterexamples(sentence: tuple[str, ...], kinds: dict[str, int], allowed: int) -> int:
    """The allowed things that are what `sentence` speaks of: they refute a universal one, witness a particular one."""
    form, a, negation, b = sentence
    negative = bool(negation) or form == "all"
    return allowed & kinds[a] & (~kinds[b] if negative else kinds[b])


def _follows(sentence: tuple[str, ...], kinds: dict[str, int], allowed: int, needed: list[tuple[str, ...]]) -> bool:
    """A universal conclusion must hold of all that is allowed; a particular one, when whatever witnesses it is taken
    away, must leave some needed thing impossible."""
    counterexamples = _counterexamples(sentence, kinds, allowed)
    if sentence[0] != "some":
        return not counterexamples
    without = allowed & ~counterexamples
    missing = [premise for premise in needed if not _counterexamples(premise, kinds, without)]
    return bool(missing) or any(not without & members for members in kinds.values())


def answer(prompt: str) -> str:
    """yes or no for each conclusion."""
    premises, _, conclusions = prompt.partition("Premises: ")[2].partition(". For each")
    sentences = _SENTENCE.findall(premises)
    nouns = list(dict.fromkeys(noun for _, a, _, b in sentences for noun in (a, b)))
    kinds = {noun: column(place, len(nouns)) for place, noun in enumerate(nouns)}
    allowed = (1 << (1 << len(nouns))) - 1
    for sentence in sentences:
        if sentence[0] != "some":
            allowed &= ~_counterexamples(sentence, kinds, allowed)
    needed = [sentence for sentence in sentences if sentence[0] == "some"]
    if not all(_counterexamples(premise, kinds, allowed) for premise in needed) or not all(
        m & allowed for m in kinds.values()
    ):
        raise ValueError("the premises contradict each other")
    claims = _SENTENCE.findall(conclusions)
    return " ".join("yes" if _follows(conclusion, kinds, allowed, needed) else "no" for conclusion in claims)
