"""Prompts as token ids: rendered in one way for sampling and for training, so that the two cannot differ.

The tokenizer is an argument: nothing heavy is imported. A chat template only has to render text up to the generation
prompt; it need not mark what an assistant said, and no mask is made from it. What follows are the sampled ids.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.models import nano
from axiom_cli.problems import reasoning
from axiom_cli.terminal import console

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
RAW = "[{'type': 'text'"
"""What a template that takes contents for text makes of a list of parts."""


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
    """The text of a conversation. If the template refuses the system role, the system message goes in front of the
    user's first one; without a template, the text is the contents with blank lines between them.

    Raises InputError if the template accepts neither, or does not show what the user says.
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
    tag = next((tag for tag in reasoning.THINKING if text.rstrip().endswith(tag)), None)
    return text[text.rindex(tag) :] if tag else ""


def around_a_reply(tokenizer: Any) -> tuple[list[int], list[int]]:
    """The ids that the template writes between a user's words and the assistant's, and after these; none if it does not
    render such turns."""
    if not getattr(tokenizer, "chat_template", None):
        return [], []
    turns = [{"role": "user", "content": PROBE}, {"role": "assistant", "content": REPLY}]
    before, reply, after = _rendered(tokenizer, turns, generation=False).rpartition(REPLY)
    if not reply:
        return [], []
    between = before.rpartition(PROBE)[2]
    ids = tokenizer([between, after], add_special_tokens=False)["input_ids"]
    return list(ids[0]), list(ids[1])


def sees_system(tokenizer: Any) -> bool:
    """Whether a system message reaches the model: some templates silently drop it."""
    said = [{"role": "system", "content": REPLY}, {"role": "user", "content": PROBE}]
    return REPLY in conversation(tokenizer, said)


def warn_of_template(tokenizer: Any, ends: Sequence[int] = ()) -> None:
    """Warns where there is no chat template, where it leaves out what the system says, and where it ends an assistant's
    turn with none of `ends`, so that a model that learned it may write on and on."""
    if not getattr(tokenizer, "chat_template", None):
        console.warn_once(
            "the model has no chat template: samples will come from a plain prompt, which is the instruction and the "
            "problem with a blank line after each. A model that was tuned for chat has one in chat_template.jinja"
        )
        return
    if not sees_system(tokenizer) and tokenizer.chat_template != (nano.WEIGHTS / "chat_template.jinja").read_text():
        console.warn_once(
            "the model's chat template leaves out system messages: the model does not see the instruction, which names "
            "the form of an answer"
        )
    _, after = around_a_reply(tokenizer)
    if ends and after and not set(after) & set(ends):
        written, *known = (
            repr(tokenizer.decode(ids, skip_special_tokens=False)) for ids in (after, *([i] for i in ends))
        )
        console.warn_once(
            f"the model's chat template ends an assistant's turn with {written}, and only {', '.join(known)} ends a "
            "completion: samples may run on to --max-tokens"
        )


def _folded(messages: Messages) -> Messages:
    """The same with the system message in front of the user's first one."""
    if len(messages) < 2 or messages[0]["role"] != "system":  # noqa: PLR2004 - a system message and a user's
        return messages
    system, first, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{first['content']}"}, *rest]


def _rendered(tokenizer: Any, messages: Messages, *, generation: bool) -> str:
    """The first rendering that shows what the user says: with the contents as texts, or as lists of parts, as templates
    of vision models read them; with the system message as such, or folded into the user's where it is refused."""
    refusal = ""
    for turns in (messages, _folded(messages)):
        for as_parts in (False, True):
            try:
                text = _render(tokenizer, turns, as_parts=as_parts, generation=generation)
            except Exception as error:  # noqa: BLE001 - a template is code of the model's and may raise anything
                refusal = refusal or str(error).strip().split("\n")[0] or type(error).__name__
                continue
            if all(_stands_in(turn["content"], text) for turn in turns if turn["role"] == "user") and RAW not in text:
                return text
    roles = ", ".join(message["role"] for message in messages)
    fault = f"does not accept a conversation of {roles}: {refusal}"
    if not refusal:
        fault = f"does not show the model what the user says: {messages[-1]['content'][:60]!r}"
    raise InputError(
        f"the model's chat template {fault}",
        "use an instruction-tuned model, or correct chat_template.jinja in its folder",
    )


def _stands_in(content: str, text: str) -> bool:
    """Whether `text` shows `content`, white space aside."""
    return content.strip() in text or "".join(content.split()) in "".join(text.split())


def _render(tokenizer: Any, messages: Messages, *, as_parts: bool, generation: bool) -> str:
    template, fixed_date = tokenizer.get_chat_template(), None
    if CLOCK in template:
        # A macro of that name in front of the template hides the function that reads the clock.
        replaced = "".join(f" | replace('{directive}', '{value}')" for directive, value in DATE.items())
        fixed_date = f"{{% macro {CLOCK}(format) %}}{{{{ format{replaced} }}}}{{% endmacro %}}{template}"
    turns: list[dict[str, Any]] = [dict(message) for message in messages]
    if as_parts:
        turns = [{**turn, "content": [{"type": "text", "text": turn["content"]}]} for turn in turns]
    return tokenizer.apply_chat_template(
        turns, chat_template=fixed_date, add_generation_prompt=generation, tokenize=False
    )
