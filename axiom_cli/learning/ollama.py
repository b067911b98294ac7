"""A model's chat template in the words of Ollama: a Modelfile with a template in Go's language, and what ends answers.

The template is taken apart by rendering it: what it writes around the words of each role. Put together again, the parts
must give what the template itself gives for whole conversations, or it is not translated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os.path import commonprefix
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.sampling import prompts

Messages = Sequence[Mapping[str, str]]
SYSTEM, ASKED, ANSWERED, AGAIN = "Say it in verse.", "Why is 2 + 2 {4}?", 'Because "it" is.\n', "What of 3?"
TALKS: Sequence[Messages] = (
    [{"role": "user", "content": ASKED}],
    [{"role": "system", "content": SYSTEM}, {"role": "user", "content": ASKED}],
)
OTHER_TALKS: Sequence[Messages] = (
    [{"role": "user", "content": AGAIN}],
    [{"role": "system", "content": ASKED}, {"role": "user", "content": AGAIN}],
)
LONG_TALKS: Sequence[Messages] = tuple(
    [*talk, {"role": "assistant", "content": ANSWERED.strip()}, {"role": "user", "content": AGAIN}] for talk in TALKS
)


@dataclass(frozen=True)
class Parts:
    """What a template writes: at the start of a conversation without a system message, before and after the words of
    each role, and where an answer begins. `system` is None where it leaves out what the system says; `turns` says
    whether it takes an answer and a second question."""

    start: str
    system: tuple[str, str] | None
    user: tuple[str, str]
    assistant: tuple[str, str]
    answer: str
    turns: bool

    def render(self, messages: Messages) -> str:
        """The conversation, with the beginning of an answer."""
        around = {"system": self.system, "user": self.user, "assistant": self.assistant}
        text = "" if self.system and messages[0]["role"] == "system" else self.start
        for message in messages:
            if pair := around[message["role"]]:
                text += pair[0] + message["content"] + pair[1]
        return text + self.answer

    def template(self) -> str:
        """The template in Go's language, for Ollama."""
        before, after = (tuple(map(literal, pair)) for pair in zip(self.user, self.assistant, strict=True))
        (ask, reply), (user_end, reply_end) = before, after
        system_turn = [literal(part) for part in self.system or ("", "")]
        start = f"{{{{ if not .System }}}}{literal(self.start)}{{{{ end }}}}" if self.system else literal(self.start)
        start = start if self.start else ""
        answer = literal(self.answer)
        if not self.turns:
            system = (
                f"{{{{ if .System }}}}{system_turn[0]}{{{{ .System }}}}{system_turn[1]}{{{{ end }}}}"
                if self.system
                else ""
            )
            return f"{start}{system}{ask}{{{{ .Prompt }}}}{user_end}{answer}{{{{ .Response }}}}"
        system = (
            f'{{{{ else if eq .Role "system" }}}}{system_turn[0]}{{{{ .Content }}}}{system_turn[1]}'
            if self.system
            else ""
        )
        return (
            f"{start}{{{{ range .Messages }}}}"
            f'{{{{ if eq .Role "user" }}}}{ask}{{{{ .Content }}}}{user_end}'
            f'{{{{ else if eq .Role "assistant" }}}}{reply}{{{{ .Content }}}}{reply_end}{system}{{{{ end }}}}'
            f"{{{{ end }}}}{answer}"
        )


def literal(text: str) -> str:
    """Text that Go's templates write as it is."""
    return (
        f"{{{{ {json.dumps(text, ensure_ascii=False)} }}}}" if "{{" in text or "}}" in text or '"""' in text else text
    )


def modelfile(file_name: str, tokenizer: Any, ends: Sequence[int]) -> str:
    """The Modelfile for the .gguf file beside it. Raises InputError where the template cannot be translated."""
    stops = dict.fromkeys(tokenizer.decode([end], skip_special_tokens=False) for end in ends)
    lines = [f"FROM ./{file_name}", f'TEMPLATE """{parts(tokenizer).template()}"""']
    return "\n".join([*lines, *(f"PARAMETER stop {json.dumps(stop, ensure_ascii=False)}" for stop in stops)]) + "\n"


def parts(tokenizer: Any) -> Parts:
    """The parts of the tokenizer's chat template. Raises InputError where put together they are not what it renders."""

    def rendered(messages: Messages) -> str:
        text = prompts.conversation(tokenizer, messages)
        # Ollama itself begins a text as the file says.
        first = tokenizer.bos_token if tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id] else None
        return text.removeprefix(first) if first else text

    alone, with_system = map(rendered, TALKS)
    language = _single(alone, with_system)
    try:
        longer = list(map(rendered, LONG_TALKS))
    except InputError:
        longer = []
    if language and longer:
        several = _several(language, longer[0])
        if several and all(several.render(talk) == text for talk, text in zip(LONG_TALKS, longer, strict=True)):
            language = several
    if not language or any(language.render(talk) != rendered(talk) for talk in (*TALKS, *OTHER_TALKS)):
        raise InputError(
            "the model's chat template cannot be said in Ollama's language",
            "--gguf FILE has it as it is, for llama.cpp",
        )
    return language


def _single(alone: str, with_system: str) -> Parts | None:
    """The parts for one question, whose beginning counts as the start."""
    before, mark, after = alone.partition(ASKED)
    if not mark or ASKED in after:
        return None
    if with_system == alone:
        return Parts(before, None, ("", ""), ("", ""), after, turns=False)
    head, _, tail = with_system.partition(SYSTEM)
    between, mark, rest = tail.partition(ASKED)
    if not mark or rest != after:
        return None
    # What stands before the question in both cases belongs to the user's turn.
    ask = commonprefix([before[::-1], between[::-1]])[::-1]
    start, between = before.removesuffix(ask), between.removesuffix(ask)
    return Parts(start, (head, between), (ask, ""), ("", ""), after, turns=False)


def _several(single: Parts, longer: str) -> Parts | None:
    """The parts for several turns, from a conversation of two questions."""
    first = single.start + single.user[0] + ASKED
    answered = ANSWERED.strip()
    if not longer.startswith(first) or longer.count(answered) != 1 or not longer.endswith(AGAIN + single.answer):
        return None
    before, _, after = longer.removeprefix(first).partition(answered)
    after = after.removesuffix(AGAIN + single.answer)
    whole = single.start + single.user[0]
    ask = commonprefix([whole[::-1], after[::-1]])[::-1]
    prefix = commonprefix([before, single.answer])
    begins = before.removeprefix(prefix)
    start = whole.removesuffix(ask)
    system = single.system and (single.system[0], single.system[1] + single.user[0].removesuffix(ask))
    if single.system and len(ask) > len(single.user[0]):
        return None
    reply, answer = (begins, after.removesuffix(ask)), single.answer.removeprefix(prefix)
    return Parts(start, system, (ask, prefix), reply, answer, turns=True)
