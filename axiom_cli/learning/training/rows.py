"""From samples to token ids with a loss mask. Loss falls on the completion alone, its end-of-text included."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from axiom_cli.errors import InputError
from axiom_cli.records import Sample
from axiom_cli.sampling import prompts
from axiom_cli.sampling.token_ids import completion_ids, prompt_ids, scored_ids


@dataclass(frozen=True)
class Row:
    """One training row: the prompt's ids (no loss), the completion's ids (loss), and how much it counts; below zero,
    against it. `ref_logprobs` are the log-probabilities of the completion tokens before training (reference.py),
    `engine_logprob` the sum that the engine gave when it sampled them; `label` is the share of its verdicts that are
    passes."""

    prompt_ids: list[int]
    completion_ids: list[int]
    weight: float = 1.0
    problem: str = ""
    ref_logprobs: Sequence[float] = ()
    engine_logprob: float | None = None
    label: float | None = None

    @property
    def length(self) -> int:
        """Tokens of prompt and completion."""
        return len(self.prompt_ids) + len(self.completion_ids)


@dataclass
class Encoded:
    """The rows, the number of each one's sample, and what became of the samples that gave no row.

    `encoded_here` rows were encoded from their text; `foreign` of these have ids, which are not this tokenizer's.
    `prompts_differ` counts rows whose sample was drawn from another prompt than the one that is trained on.
    `unreadable` samples are by the very model that is trained, yet their ids do not read back as their text: they give
    no row.
    """

    rows: list[Row] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    too_long: int = 0
    truncated: int = 0
    encoded_here: int = 0
    foreign: int = 0
    prompts_differ: int = 0
    unreadable: int = 0

    def add(self, number: int, row: Row) -> None:
        """Takes the row of the sample of this number."""
        self.rows.append(row)
        self.numbers.append(number)

    def counts(self) -> dict[str, int]:
        """What was counted, by name; `unreadable` only where there are such samples."""
        names = ("too_long", "truncated", "encoded_here", "foreign", "prompts_differ")
        return {name: getattr(self, name) for name in names} | (
            {"unreadable": self.unreadable} if self.unreadable else {}
        )

    def warnings(self, max_length: int, limit: str = "--max-length") -> list[str]:
        """A sentence for each kind of row that was left out, or that may not be what the model sampled. `limit` says
        what sets `max_length`."""
        total = f"of {len(self.rows):,} rows"
        sentences = {
            f"{self.too_long} rows longer than {max_length} tokens are left out ({limit})": self.too_long,
            f"{self.foreign:,} {total} hold another model's ids, which do not read back as their text with this "
            "tokenizer. Their text is encoded anew, perhaps to other tokens than were sampled": self.foreign,
            f"{self.prompts_differ:,} {total} were sampled from another prompt than the one that is trained on: the "
            "chat template or the instructions differ": self.prompts_differ,
            f"{self.unreadable:,} samples by the model that is trained are left out: their ids do not read back as "
            "their text, which was edited, or holds ids that the tokenizer does not know": self.unreadable,
        }
        return [sentence for sentence, count in sentences.items() if count]


def encode(
    weighted: Iterable[tuple[Sample, float]],
    tokenizer: Any,
    ends: Sequence[int],
    max_length: int,
    base: str = "",
) -> Encoded:
    """Rows of at most `max_length` tokens from (sample, weight) pairs, in order. Truncated samples give none. Where a
    thought was closed for the model, the loss falls on what it said then: the tag was not its own.

    The sampled ids are used as they are. Text without ids, or with the ids of another tokenizer, is encoded here, and
    gets its end. A sample of the very model that is trained, whose digest is `base`, gives no row where its ids do not
    read back as its text: what was sampled could not be what is learnt. InputError where it comes from another prompt,
    and where a completion or a prompt is empty (a row without loss would be a silent no-op).
    """
    out = Encoded()
    known: dict[str, list[int]] = {}
    opening = prompts.opening(tokenizer)
    for number, (sample, weight) in enumerate(weighted):
        if sample.finish != "stop":
            out.truncated += 1
            continue
        prompt = prompt_ids(tokenizer, sample, known)
        completion, here = completion_ids(tokenizer, sample, ends, opening)
        if here and sample.token_ids and sample.model.digest == base:
            out.unreadable += 1
            continue
        _, closed = sample.extra.get(prompts.THOUGHT_CUT, (0, 0))
        if closed and here:
            out.truncated += 1
            continue
        row = Row(
            prompt_ids=[*prompt, *completion[:closed]],
            completion_ids=completion[closed:],
            weight=weight,
            problem=sample.problem.id,
            engine_logprob=None if here or closed else sample.logprob,
        )
        if row.length > max_length:
            out.too_long += 1
            continue
        out.add(number, row)
        count(out, sample, prompt, base, encoded_here=here)
    return out


def encode_judged(
    judged: Iterable[tuple[Sample, float, float | None]], tokenizer: Any, ends: Sequence[int], max_length: int = 1 << 60
) -> Encoded:
    """Rows of at most `max_length` tokens from (sample, weight, share of passes), in order, each as it was sampled:
    without an end where it was cut off."""
    out, opening = Encoded(), prompts.opening(tokenizer)
    known: dict[str, list[int]] = {}
    for number, (sample, weight, label) in enumerate(judged):
        prompt, kept, here = scored_ids(tokenizer, sample, ends, opening, known)
        row = Row(prompt, kept, weight, sample.problem.id, label=label)
        if row.length > max_length:
            out.too_long += 1
            continue
        out.add(number, row)
        count(out, sample, prompt, "", encoded_here=here)
    return out


def count(out: Encoded, sample: Sample, prompt: list[int], base: str, *, encoded_here: bool) -> None:
    """Counts where a row's ids come from. InputError where a sample of the model `base` comes from another prompt."""
    drawn_from = sample.extra.get(prompts.PROMPT_DIGEST)
    differs = not encoded_here and bool(drawn_from) and drawn_from != prompts.digest(prompt)
    out.encoded_here += encoded_here
    out.foreign += encoded_here and bool(sample.token_ids)
    out.prompts_differ += differs
    if differs and sample.model.digest == base:
        raise InputError(
            f"sample {sample.index} of problem {sample.problem.id} is by the model that is trained, yet it comes from "
            "a different prompt than this version's",
            "sample it anew: axiom solve",
        )


def complete_groups(encoded: Encoded, size: int) -> list[Row]:
    """The rows of complete groups (`size` samples in a row, none left out), in order."""
    rows = dict(zip(encoded.numbers, encoded.rows, strict=True))
    groups = [range(first, first + size) for first in rows if first % size == 0]
    return [rows[number] for group in groups if all(n in rows for n in group) for number in group]
