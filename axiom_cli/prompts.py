"""What a model is shown, as token ids: one rendering, for sampling and for training, so that the two cannot differ.

Sits above `answers` and below `engines` and `training`. The tokenizer is an argument: nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from axiom_cli import answers
from axiom_cli.records import Problem, Sample

Messages = Sequence[Mapping[str, str]]


def prompt_ids(tokenizer: Any, problem: Problem) -> list[int]:
    """The ids of `problem`'s prompt, up to where the model goes on."""
    return conversation_ids(tokenizer, answers.messages(problem))


def sample_prompt_ids(tokenizer: Any, sample: Sample) -> list[int]:
    """The ids that `sample` was drawn from: its problem's, or those of `extra["messages"]` where a later attempt had
    been told more than the problem."""
    return conversation_ids(tokenizer, sample.extra.get("messages") or answers.messages(sample.problem))


def conversation_ids(tokenizer: Any, messages: Messages) -> list[int]:
    """The ids of any conversation, the generation prompt at its end."""
    return list(tokenizer(conversation(tokenizer, messages), add_special_tokens=False)["input_ids"])


def conversation(tokenizer: Any, messages: Messages) -> str:
    """The text of a conversation. A template that knows no system role gets it in front of the user's first message;
    a tokenizer without a template, the contents with blank lines between them."""
    if not getattr(tokenizer, "chat_template", None):
        return "".join(f"{message['content']}\n\n" for message in messages)
    from jinja2 import TemplateError

    try:
        return _render(tokenizer, messages)
    except TemplateError:
        if messages[0]["role"] != "system":
            raise
        return _render(tokenizer, _without_system(messages))


def _render(tokenizer: Any, messages: Messages) -> str:
    return tokenizer.apply_chat_template([dict(m) for m in messages], add_generation_prompt=True, tokenize=False)


def _without_system(messages: Messages) -> list[dict[str, str]]:
    system, first, *rest = messages
    return [{"role": "user", "content": f"{system['content']}\n\n{first['content']}"}, *map(dict, rest)]
