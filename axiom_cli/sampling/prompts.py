"""Prompts as token ids: rendered in one way for sampling and for training, so that the two cannot differ.

The tokenizer is an argument: nothing heavy is imported. A chat template only has to render text up to the generation
prompt; it need not mark what an assistant said, and no mask is made from it. What follows are the sampled ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers

Messages = Sequence[Mapping[str, str]]
PROMPT_DIGEST = "prompt_digest"
"""The key in a sample's `extra` for the digest of the ids of its prompt."""
SYSTEM_FOLDED = "system_folded"
"""The key in a sample's `extra` that says, of a model without a system role, that the system message stood in the
user's turn."""
THOUGHT_CUT = "thought_cut"
"""The key in a sample's `extra` for a thought that reached its limit: the start and end, among its ids, of the tag that
closed the thought. These ids were not sampled."""
DATE = {
    "%Y-%m-%d": "2024-07-26", "%Y": "2024", "%y": "24", "%m": "07", "%-m": "7", "%d": "26", "%-d": "26", "%e": "26",
    "%B": "July", "%b": "Jul", "%h": "Jul", "%A": "Friday", "%a": "Fri", "%j": "208", "%H": "00", "%I": "12",
    "%M": "00", "%S": "00", "%p": "AM", "%F": "2024-07-26", "%D": "07/26/24", "%T": "00:00:00",
}  # fmt: skip
"""The date for templates that ask for it: the one that Llama 3's use without a clock. A prompt that changed overnight
would differ between sampling and training, and in a run that is resumed tomorrow."""
CLOCK = "strftime_now"
PROBE = "What is 2 + 2?"
REPLY = "It is four."


def conversation_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """The ids of any conversation, ending in the generation prompt. A template writes the beginning-of-text token
    itself; without a template it is added here, if the tokenizer has one."""
    ids = list(tokenizer(conversation(tokenizer, messages), add_special_tokens=False)["input_ids"])
    if getattr(tokenizer, "chat_template", None):
        return ids
    beginning = tokenizer("")["input_ids"][:1]
    return [*(int(i) for i in beginning if i == getattr(tokenizer, "bos_token_id", None)), *ids]


def digest(ids: Sequence[int]) -> str:
    """A short digest of a prompt's ids. A sample keeps it, so that training can tell whether its prompt is the same."""
    return content_id(list(ids), 16)


def conversation(tokenizer: Any, messages: Messages) -> str:
    """The text of a conversation. If the template has no system role, the system message goes in front of the user's
    first one; without a template, the text is the contents with blank lines between them.

    Raises InputError if the template accepts neither.
    """
    if not getattr(tokenizer, "chat_template", None):
        return "".join(f"{message['content']}\n\n" for message in messages)
    return _rendered(tokenizer, messages, generation=True)


def folded(messages: Messages) -> Messages:
    """The conversation for a model without a system role: the system message stands in front of the user's first one.
    Without a system message, or a user's after it, the same conversation."""
    if len(messages) < 2 or [message["role"] for message in messages[:2]] != ["system", "user"]:
        return messages
    system, first, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def opening(tokenizer: Any) -> str:
    """The tag that every prompt ends in if the template opens the model's thought, with the white space after it; else
    nothing."""
    text = conversation(tokenizer, [{"role": "user", "content": PROBE}])
    tag = next((tag for tag in answers.THINKING if text.rstrip().endswith(tag)), None)
    return text[text.rindex(tag) :] if tag else ""


def turn_end(tokenizer: Any) -> list[int]:
    """The ids that the template writes after an assistant's turn; none if it does not render such turns."""
    if not getattr(tokenizer, "chat_template", None):
        return []
    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": REPLY}]
    _, reply, after = _rendered(tokenizer, turns, generation=False).rpartition(REPLY)
    return list(tokenizer(after, add_special_tokens=False)["input_ids"]) if reply else []


def sees_system(tokenizer: Any) -> bool:
    """Whether a system message reaches the model: some templates silently drop it."""
    turns = [{"role": "system", "content": REPLY}, {"role": "user", "content": PROBE}]
    return REPLY in conversation(tokenizer, turns)


def _rendered(tokenizer: Any, messages: Messages, *, generation: bool) -> str:
    from jinja2 import TemplateError

    try:
        return _render(tokenizer, messages, generation=generation)
    except TemplateError as error:
        refusal = error
    if (merged := folded(messages)) != messages:
        try:
            return _render(tokenizer, merged, generation=generation)
        except TemplateError as error:
            refusal = error
    roles = ", ".join(message["role"] for message in messages)
    raise InputError(
        f"the model's chat template does not accept a conversation of {roles}: {refusal}",
        "use an instruction-tuned model, or correct chat_template.jinja in its folder",
    )


def _render(tokenizer: Any, messages: Messages, *, generation: bool) -> str:
    template, fixed_date = tokenizer.get_chat_template(), None
    if CLOCK in template:
        # A macro of that name in front of the template hides the function that reads the clock.
        replaced = "".join(f" | replace('{directive}', '{value}')" for directive, value in DATE.items())
        fixed_date = f"{{% macro {CLOCK}(format) %}}{{{{ format{replaced} }}}}{{% endmacro %}}{template}"
    turns = [dict(message) for message in messages]
    return tokenizer.apply_chat_template(
        turns, chat_template=fixed_date, add_generation_prompt=generation, tokenize=False
    )
