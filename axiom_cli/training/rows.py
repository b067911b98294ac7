"""From accepted samples to token ids with a loss mask. Loss falls on the completion alone, its end-of-text included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.prompts import sample_prompt_ids
from axiom_cli.records import Sample


@dataclass(frozen=True)
class Row:
    """One training row: the prompt's ids (no loss), the completion's ids (loss), and how much it counts; below zero,
    against it. `recorded` holds the log-probability of each completion token before training (references.py), `sampled`
    the sum that the engine gave when it wrote them."""

    prompt_ids: list[int]
    completion_ids: list[int]
    weight: float = 1.0
    problem: str = ""
    recorded: Sequence[float] = ()
    sampled: float | None = None

    @property
    def length(self) -> int:
        """Tokens of prompt and completion."""
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass
class Encoded:
    """The rows, the number of the sample that each is of, and what became of the samples that gave none."""

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    too_long: int = 0
    truncated: int = 0
    encoded_here: int = 0


def end_ids(tokenizer: Any, model: Any = None) -> tuple[int, ...]:
    """The ids that end a completion, the one to write first. InputError where the tokenizer has none."""
    ids = [tokenizer.eos_token_id]
    config = getattr(model, "generation_config", None)
    more = getattr(config, "eos_token_id", None)
    ids += more if isinstance(more, list) else [more]
    found = tuple(dict.fromkeys(i for i in ids if i is not None))
    if not found:
        raise InputError("the tokenizer has no end-of-text token, so that no completion could ever end")
    return found


def encode(weighted: Iterable[tuple[Sample, float]], tokenizer: Any, ends: Sequence[int], max_length: int) -> Encoded:
    """Rows of at most `max_length` tokens from (sample, weight) pairs, in order. Truncated samples give none.

    The sampled ids are used as they are. Text without ids, or with the ids of another tokenizer, is encoded here, and
    gets its end. InputError where a completion is empty: a row without loss would be a silent no-op.
    """
    out = Encoded()
    prompts: dict[str, list[int]] = {}
    for number, (sample, weight) in enumerate(weighted):
        if sample.finish != "stop":
            out.truncated += 1
            continue
        prompt = _prompt(tokenizer, sample, prompts)
        completion, here = completion_ids(tokenizer, sample, ends)
        row = Row(prompt, completion, weight, sample.problem.id, sampled=None if here else sample.logprob)
        if row.length > max_length:
            out.too_long += 1
            continue
        out.encoded_here += here
        out.rows.append(row)
        out.numbers.append(number)
    return out


def completion_ids(tokenizer: Any, sample: Sample, ends: Sequence[int]) -> tuple[list[int], bool]:
    """The ids that the loss falls on, ending in one of `ends`, and whether they had to be encoded from the text."""
    here = not _are_of(tokenizer, sample, ends)
    ids = list(tokenizer(sample.text, add_special_tokens=False)["input_ids"]) if here else list(sample.token_ids)
    if not ids or (len(ids) == 1 and ids[0] in ends):
        raise InputError(f"the completion of problem {sample.problem.id} is empty: every token would be masked")
    if ids[-1] not in ends:
        ids.append(ends[0])
    return ids, here


def show_rows(rows: Iterable[Row], tokenizer: Any) -> Iterator[list[tuple[str, bool]]]:
    """For each row its tokens as text, each with whether the loss falls on it."""
    for row in rows:
        masked = [(i, False) for i in row.prompt_ids] + [(i, True) for i in row.completion_ids]
        yield [(tokenizer.decode([i]), loss) for i, loss in masked]


def _prompt(tokenizer: Any, sample: Sample, known: dict[str, list[int]]) -> list[int]:
    if sample.extra.get("messages"):
        return sample_prompt_ids(tokenizer, sample)
    if sample.problem.id not in known:
        known[sample.problem.id] = sample_prompt_ids(tokenizer, sample)
    return known[sample.problem.id]


def _are_of(tokenizer: Any, sample: Sample, ends: Sequence[int]) -> bool:
    """Whether the sample's ids are this tokenizer's: they read back as its text, whatever is done with spaces, with the
    end, and with special tokens that were sampled on the way."""
    ids = sample.token_ids
    if not ids or max(ids) >= len(tokenizer):
        return False
    said = ids[:-1] if ids[-1] in ends else ids
    readings = ((said, True), (said, False), (ids, False))
    wanted = "".join(sample.text.split())
    return any("".join(tokenizer.decode(part, skip_special_tokens=skip).split()) == wanted for part, skip in readings)
