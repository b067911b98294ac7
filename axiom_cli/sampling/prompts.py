"""What a model is shown, as token ids: one rendering, for sampling and for training, so that the two cannot differ.

Sits above `answers` and below `engines` and `training`. The tokenizer is an argument: nothing heavy is imported. Of a
chat template nothing is asked but its text up to the generation prompt: no marks around what an assistant said, and no
mask made from them. What follows are the ids that were sampled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers
from axiom_cli.records import Problem, Sample

Messages = Sequence[Mapping[str, str]]
PROMPT_DIGEST = "prompt_digest"
"""Where a sample keeps, in its `extra`, the digest of the ids that it was drawn from."""
THOUGHT_CUT = "thought_cut"
"""Where a sample keeps, in its `extra`, that its thought had come to its limit: from which of its ids to before which
one the tag stands that closed it. These were not sampled."""
DATE = {
    "%Y-%m-%d": "2024-07-26", "%Y": "2024", "%y": "24", "%m": "07", "%-m": "7", "%d": "26", "%-d": "26", "%e": "26",
    "%B": "July", "%b": "Jul", "%h": "Jul", "%A": "Friday", "%a": "Fri", "%j": "208", "%H": "00", "%I": "12",
    "%M": "00", "%S": "00", "%p": "AM", "%F": "2024-07-26", "%D": "07/26/24", "%T": "00:00:00",
}  # fmt: skip
"""Today, for templates that ask: the day that Llama 3's take where they have no clock. A prompt that changed overnight
would be another one in training than in sampling, and in a run that goes on tomorrow."""
CLOCK = "strftime_now"
PROBE = "What is 2 + 2?"
REPLY = "It is four."


def prompt_ids(tokenizer: Any, problem: Problem) -> list[int]:
    """The ids of `problem`'s prompt, up to where the model goes on."""
    return conversation_ids(tokenizer, answers.messages(problem))


def sample_prompt_ids(tokenizer: Any, sample: Sample) -> list[int]:
    """The ids that `sample` was drawn from: its problem's, or those of `extra["messages"]` where a later attempt had
    been told more than the problem."""
    return conversation_ids(tokenizer, sample.extra.get("messages") or answers.messages(sample.problem))


def conversation_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """The ids of any conversation, the generation prompt at its end. A template writes the beginning of the text
    itself; without one it is the tokenizer's, where it has one."""
    ids = list(tokenizer(conversation(tokenizer, messages), add_special_tokens=False)["input_ids"])
    return ids if getattr(tokenizer, "chat_template", None) else [*_beginning(tokenizer), *ids]


def digest(ids: Sequence[int]) -> str:
    """A short name of a prompt's ids, which a sample keeps so that training can tell whether it sees the same ones."""
    return content_id(list(ids), 16)


def conversation(tokenizer: Any, messages: Messages) -> str:
    """The text of a conversation. A template that knows no system role gets it in front of the user's first message;
    a tokenizer without a template, the contents with blank lines between them.

    InputError where the template takes neither.
    """
    if not getattr(tokenizer, "chat_template", None):
        return "".join(f"{message['content']}\n\n" for message in messages)
    return _rendered(tokenizer, messages, True)


def opening(tokenizer: Any) -> str:
    """The tag that every prompt ends in, where the template begins the model's thinking for it, and the white space
    behind it; else nothing."""
    text = conversation(tokenizer, [{"role": "user", "content": PROBE}])
    tag = next((tag for tag in answers.THINKING if text.rstrip().endswith(tag)), None)
    return text[text.rindex(tag) :] if tag else ""


def turn_end(tokenizer: Any) -> list[int]:
    """The ids that the template writes after an assistant's turn; none where it has no place for one."""
    if not getattr(tokenizer, "chat_template", None):
        return []
    said = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": REPLY}]
    _, found, rest = _rendered(tokenizer, said, False).rpartition(REPLY)
    return list(tokenizer(rest, add_special_tokens=False)["input_ids"]) if found else []


def sees_system(tokenizer: Any) -> bool:
    """Whether what a system message says reaches the model: some templates drop it without a word."""
    told = [{"role": "system", "content": REPLY}, {"role": "user", "content": PROBE}]
    return REPLY in conversation(tokenizer, told)


def _rendered(tokenizer: Any, messages: Messages, generation: bool) -> str:
    from jinja2 import TemplateError

    try:
        return _render(tokenizer, messages, generation)
    except TemplateError as error:
        refused = error
    if messages[0]["role"] == "system" and len(messages) > 1:
        try:
            return _render(tokenizer, _without_system(messages), generation)
        except TemplateError as error:
            refused = error
    roles = ", ".join(message["role"] for message in messages)
    raise InputError(
        f"the model's chat template does not take a conversation of {roles}: {refused}",
        "use an instruction-tuned model, or mend chat_template.jinja in its folder",
    )


def _render(tokenizer: Any, messages: Messages, generation: bool) -> str:
    """The clock is a macro in front of the template, which hides the function of that name."""
    template = tokenizer.get_chat_template()
    clocked = _clock() + template if CLOCK in template else None
    given = [dict(message) for message in messages]
    return tokenizer.apply_chat_template(given, chat_template=clocked, add_generation_prompt=generation, tokenize=False)


def _clock() -> str:
    replaced = "".join(f" | replace('{directive}', '{value}')" for directive, value in DATE.items())
    return f"{{% macro {CLOCK}(format) %}}{{{{ format{replaced} }}}}{{% endmacro %}}"


def _without_system(messages: Messages) -> list[dict[str, str]]:
    system, first, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{first['content']}"}, *map(dict, rest)]


def _beginning(tokenizer: Any) -> list[int]:
    """The id that begins a text, where the tokenizer puts it there by itself."""
    ids = tokenizer("")["input_ids"][:1]
    return [int(i) for i in ids if i == getattr(tokenizer, "bos_token_id", None)]
