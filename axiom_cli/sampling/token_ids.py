"""The token ids that a sample is trained on and scored with: its prompt, its completion, and what may end it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.problems import answers
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts


def end_ids(tokenizer: Any, generation_config: Any = None) -> tuple[int, ...]:
    """The ids that end a completion, the one to write first: the one that the chat template writes after an assistant's
    turn, if it is among those that the model names or is a token of its own, else the tokenizer's end-of-text.
    InputError where there are none."""
    named = getattr(generation_config, "eos_token_id", None)
    ids = [tokenizer.eos_token_id, *(named if isinstance(named, list) else [named])]
    known = dict.fromkeys(i for i in ids if i is not None)
    ends = tuple(dict.fromkeys([*_turn_mark(tokenizer, known), *known]))
    if not ends:
        raise InputError(
            "the tokenizer has no end-of-text token, so no completion could ever end",
            'name one in its tokenizer_config.json: "eos_token": "<|im_end|>"',
        )
    return ends


def _turn_mark(tokenizer: Any, known: Container[int]) -> list[int]:
    """The token that ends an assistant's turn in the chat template: what it writes first, if that is one of `known` or
    a token that was added to the vocabulary; else one of `known` that it writes later. What opens the assistant's turn
    does not end it, though some templates write it once more."""
    before, after = prompts.around_a_reply(tokenizer)
    marks = tokenizer.added_tokens_decoder.keys() | set(tokenizer.all_special_ids)
    opening = [i for i in before if i in marks][-1:]
    first = next((i for i in after if i in marks or tokenizer.decode([i]).strip()), None)
    if first is not None and first in marks and first not in opening:
        return [first]
    return [i for i in after if i in known][:1]


def unknown_ids(tokenizer: Any, size: int, ends: Sequence[int]) -> slice | list[int]:
    """Which of the `size` ids that a model has logits for are no token of the tokenizer, and end nothing. They usually
    come last: vocabularies are padded."""
    unknown = sorted(set(range(size)) - {*tokenizer.get_vocab().values(), *ends})
    return slice(unknown[0], None) if unknown and unknown[0] == size - len(unknown) else unknown


def line_breaks(tokenizer: Any) -> frozenset[int]:
    """The ids of tokens that begin with a line break."""
    ids = sorted(tokenizer.get_vocab().values())
    texts = tokenizer.batch_decode([[i] for i in ids])
    return frozenset(i for i, text in zip(ids, texts, strict=True) if text.startswith("\n"))


def completion_ids(tokenizer: Any, sample: Sample, ends: Sequence[int], opening: str = "") -> tuple[list[int], bool]:
    """The ids that the loss falls on, ending in one of `ends`, and whether they had to be encoded from the text. What
    is encoded does not begin with `opening`, which the prompt already ends in (see `prompts.opening`)."""
    encoded = not _belong_to(tokenizer, sample, ends)
    ids = list(sample.token_ids)
    if encoded:
        text = sample.text
        if opening and text.startswith(opening.rstrip()):
            text = text.removeprefix(opening if text.startswith(opening) else opening.rstrip())
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    if not ids or (len(ids) == 1 and ids[0] in ends):
        raise InputError(
            f"the completion of problem {sample.problem.id} is empty: every token would be masked",
            "leave out verdicts of empty samples: jq -c 'select(.sample.text != \"\")'",
        )
    if ids[-1] not in ends:
        ids.append(ends[0])
    return ids, encoded


def prompt_ids(tokenizer: Any, sample: Sample, known: dict[str, list[int]]) -> list[int]:
    """The ids that the sample was drawn from: its problem's prompt, or for a later attempt, which had feedback, the
    conversation in `extra["messages"]`. For first attempts they are computed once per problem and kept in `known`."""
    conversation, problem = sample.extra.get("messages"), sample.problem
    name = "" if conversation else problem.id
    ids = known.get(name) or prompts.conversation_ids(tokenizer, conversation or answers.messages(problem))
    if not ids:
        message = f"the prompt of problem {problem.id} is empty: there is nothing to continue"
        raise InputError(message, "leave that problem out")
    if name:
        known[name] = ids
    return ids


def _belong_to(tokenizer: Any, sample: Sample, ends: Sequence[int]) -> bool:
    """Whether the sample's ids are this tokenizer's: they decode to its text, apart from spaces, the end, and special
    tokens that were sampled on the way."""
    ids = sample.token_ids
    if not ids or max(ids) >= len(tokenizer):
        return False
    without_end = ids[:-1] if ids[-1] in ends else ids
    readings = ((without_end, True), (without_end, False), (ids, False))
    wanted = "".join(sample.text.split())
    return any("".join(tokenizer.decode(part, skip_special_tokens=skip).split()) == wanted for part, skip in readings)


def scored_ids(
    tokenizer: Any, sample: Sample, ends: Sequence[int], opening: str, known: dict[str, list[int]]
) -> tuple[list[int], list[int], bool]:
    """The prompt ids, the completion ids and whether these had to be encoded, of a sample as it was sampled: without an
    end if it was cut off. A value function is fitted on these, and scores these."""
    prompt = prompt_ids(tokenizer, sample, known)
    ids, encoded = completion_ids(tokenizer, sample, ends, opening) if sample.text else ([ends[0]], False)
    return prompt, ids if sample.finish == "stop" or not sample.text else ids[:-1], encoded
