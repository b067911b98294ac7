"""Sampling from any causal language model: each prompt is read once, and a finished row's slot goes to the next row.

The usual `generate` steps every row until the last one of its batch ends, reads each copy of a prompt anew, and joins
keys and values at each token. Here rows live in the slots of a KV cache: as soon as a sixteenth of the slots are free,
the next rows move in, and once none are waiting the cache shrinks to the slots still in use. Each row draws from a
stream of uniform numbers of its own. On processors whose matrix products give a row the same bits whatever stands
beside it (`batch_invariant` tells), a sample therefore depends on nothing but its prompt, its numbers and the weights.
"""

from __future__ import annotations

import gc
import math
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch.nn import functional
from transformers import PreTrainedModel

from axiom_cli.errors import MissingError
from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.sampling.engines.drafts import DRAFT, LineDrafts, is_listing
from axiom_cli.sampling.engines.kv_cache import ROW_BLOCK, PlainDecoder, round_up
from axiom_cli.sampling.engines.lean_decoder import LeanDecoder
from axiom_cli.sampling.engines.token_sampling import Decoding, sample_tokens

REFILL = 1 / 16
"""Free slots go to waiting rows once they are this share of all slots."""
KEEP = 0.85
"""With no rows waiting, the cache shrinks once fewer than this share of its slots are in use."""
PROMPTS = 32
"""Prompts that are read side by side."""
STEP_TOKENS = 384
"""Tokens that a step reads at most where it reads several of a row: more were not faster."""
PER_SLOT = (
    *("token_SQ", "column_S", "length_S", "limit_S", "alive_S", "logprob_S"),
    *("uniforms_SL", "tokens_SL"),
)
"""The tensors of a ContinuousBatch that have an entry for each slot."""


@dataclass
class Completion:
    """One completion: its prompt, the numbers in [0, 1) that its tokens are drawn with (their count is its limit), and
    what has been sampled so far: the ids (the end token included), the sum of their log-probabilities, and `finish`:
    `stop`, `length`, `error` where the model's logits are not finite, or empty until it ends. `inserted` is the part of
    `token_ids` that was not sampled: start and end. `on_token` is called with each token as it is sampled.
    """

    prompt: Sequence[int]
    uniforms: torch.Tensor
    token_ids: list[int] = field(default_factory=list)
    logprob: float = 0.0
    finish: str = ""
    inserted: tuple[int, int] = (0, 0)
    on_token: Callable[[int], None] | None = None

    def end(self, token_ids: list[int], logprob: float, *, stopped: bool) -> None:
        """Takes what was sampled. Logits that are not finite show in the log-probability, and the last token is then
        nobody's choice."""
        self.token_ids, self.logprob, self.finish = token_ids, logprob, "stop" if stopped else "length"
        if not math.isfinite(logprob):
            self.token_ids, self.finish = token_ids[:-1], "error"


def finished(  # noqa: PLR0913 - what is sampled, and how
    model: PreTrainedModel,
    rows: Sequence[Completion],
    decoding: Decoding,
    slots: int,
    decoder: PlainDecoder | LeanDecoder | None = None,
    breaks: Collection[int] = (),
) -> Iterator[Completion]:
    """Each row as it ends, in any order; at most `slots` side by side, rounded up to ROW_BLOCK. `decoder` is that of
    `model`, the plain one if none is given. With a LeanDecoder and `breaks`, the tokens that begin a line, rows whose
    prompts are listings get drafts (drafts.py). If memory runs out, unfinished rows start again in half as many slots.
    Raises MissingError if there is no memory for ROW_BLOCK."""
    decoder = decoder or PlainDecoder(model)
    waiting = sorted((row for row in rows if not row.finish), key=lambda row: -len(row.prompt))
    drafted = [isinstance(decoder, LeanDecoder) and is_listing(row.prompt, breaks) for row in waiting]
    for drafts in (False, True):
        part = [row for row, is_drafted in zip(waiting, drafted, strict=True) if is_drafted is drafts]
        yield from _finished(decoder, model.device, part, decoding, slots, breaks if drafts else ())


def _finished(  # noqa: PLR0913 - as `finished`
    decoder: PlainDecoder | LeanDecoder,
    device: torch.device,
    waiting: Sequence[Completion],
    decoding: Decoding,
    slots: int,
    breaks: Collection[int],
) -> Iterator[Completion]:
    """As `finished`, for rows all with drafts, or all without, where there are no `breaks`."""
    slots = min(slots, STEP_TOKENS // (1 + DRAFT)) if breaks else slots
    while waiting:
        count = round_up(min(slots, len(waiting)), ROW_BLOCK)
        try:
            yield from ContinuousBatch(decoder, device, waiting, decoding, count, breaks).run()
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            if count == ROW_BLOCK:
                raise MissingError("memory ran out", "use a smaller --max-tokens or a smaller model") from None
            slots = count // 2
            gc.collect()
        waiting = [row for row in waiting if not row.finish]


class ContinuousBatch:
    """Rows on their way through `count` slots. Tensors with the axis S have one entry per slot, with Q one for each
    token that a step reads of a row: the last one that was sampled, and the draft after it, if there are `breaks`."""

    def __init__(  # noqa: PLR0913 - as `finished`
        self,
        decoder: Any,  # a PlainDecoder or a LeanDecoder, each with a cache of its own
        device: torch.device,
        rows: Sequence[Completion],
        decoding: Decoding,
        count: int,
        breaks: Collection[int] = (),
    ) -> None:
        self.decoder, self.decoding, self.device, self.breaks = decoder, decoding, device, breaks
        self.width = 1 + DRAFT if breaks else 1
        self.waiting = deque(rows)
        self.watched = any(row.on_token for row in rows)
        self.rows: list[Completion | None] = [None] * count
        self.drafts: list[LineDrafts | None] = [None] * count
        self.cache = decoder.new_cache(count, self.width)
        self.prompt_slots: dict[tuple[int, ...], int] = {}
        self.prompts: Any = None
        self.stops = torch.tensor(list(decoding.eos_ids), device=self.device)
        longest = max(len(row.uniforms) for row in rows) + self.width
        self.token_SQ = torch.full((count, self.width), decoding.eos_ids[0], device=self.device)  # the next input
        self.column_S = torch.zeros(count, dtype=torch.long, device=self.device)  # the column that it begins at
        self.length_S = torch.zeros_like(self.column_S)  # tokens sampled so far
        self.limit_S = torch.ones_like(self.column_S)  # tokens at most
        self.alive_S = torch.zeros(count, dtype=torch.bool, device=self.device)
        self.logprob_S = torch.zeros(count, device=self.device)
        self.uniforms_SL = torch.zeros(count, longest, dtype=torch.float64, device=self.device)
        self.tokens_SL = torch.zeros(count, longest, dtype=torch.long, device=self.device)

    @torch.inference_mode()
    def run(self) -> Iterator[Completion]:
        """Each row as it ends."""
        while self.waiting or any(self.rows):
            free = [slot for slot, row in enumerate(self.rows) if row is None]
            if self.waiting and len(free) >= REFILL * len(self.rows):
                for start in range(0, min(len(free), len(self.waiting)), PROMPTS):
                    self._admit(free[start : start + PROMPTS])
            elif not self.waiting and len(self.rows) - len(free) < KEEP * len(self.rows):
                self._shrink(free)
            yield from self._step()

    def _admit(self, free: Sequence[int]) -> None:
        """Moves waiting rows into free slots, with their prompts but for the last token, which the next step reads.
        The prompts read last are kept: the samples of a problem may come in parts."""
        rows = [self.waiting.popleft() for _ in range(min(len(free), len(self.waiting)))]
        slots_N = torch.tensor(free[: len(rows)], device=self.device)
        prefixes = [tuple(row.prompt[:-1]) for row in rows]
        lengths_N = torch.tensor([len(prefix) for prefix in prefixes], device=self.device)
        self.column_S[slots_N], self.alive_S[slots_N] = lengths_N, True
        if any(prefixes):
            if self.prompts is None or not self.prompt_slots.keys() >= set(prefixes):
                self.prompt_slots = {prefix: place for place, prefix in enumerate(dict.fromkeys(prefixes))}
                self.prompts = self.decoder.prefill(list(self.prompt_slots), self.decoding.eos_ids[0])
            self.cache.fit((self.column_S + self.width) * self.alive_S)
            from_N = torch.tensor([self.prompt_slots[prefix] for prefix in prefixes], device=self.device)
            self.cache.copy_from(self.prompts, from_N, slots_N, lengths_N)
        self.token_SQ[slots_N, 0] = torch.tensor([row.prompt[-1] for row in rows], device=self.device)
        self.limit_S[slots_N] = torch.tensor([len(row.uniforms) for row in rows], device=self.device)
        self.length_S[slots_N], self.logprob_S[slots_N] = 0, 0.0
        for slot, row in zip(free, rows, strict=False):
            self.rows[slot] = row
            self.drafts[slot] = LineDrafts(row.prompt, self.breaks) if self.breaks else None
            self.uniforms_SL[slot, : len(row.uniforms)] = row.uniforms

    def _shrink(self, free: Sequence[int]) -> None:
        """Keeps the slots in use, and free ones up to a multiple of ROW_BLOCK."""
        used = [slot for slot, row in enumerate(self.rows) if row is not None]
        kept = used + list(free[: round_up(len(used), ROW_BLOCK) - len(used)])
        if len(kept) == len(self.rows):
            return
        kept_N = torch.tensor(kept, device=self.device)
        self.rows, self.drafts = [self.rows[slot] for slot in kept], [self.drafts[slot] for slot in kept]
        self.cache.keep(kept_N)
        for name in PER_SLOT:
            setattr(self, name, getattr(self, name)[kept_N])

    def _step(self) -> list[Completion]:
        """Samples one token per row, and those of its draft that are the next ones. Returns the rows that end so."""
        self.cache.fit((self.column_S + self.width) * self.alive_S)
        place_SQ = self.length_S[:, None] + torch.arange(self.width, device=self.device)
        logits_MV = self.decoder.step(self.cache, self.token_SQ, self.column_S).flatten(0, 1)
        sampled = sample_tokens(logits_MV, self.uniforms_SL.gather(1, place_SQ).flatten(), self.decoding)
        token_SQ, logprob_SQ = (values_M.view_as(place_SQ) for values_M in sampled)
        self.tokens_SL.scatter_(1, place_SQ, token_SQ)  # what is not kept is overwritten
        stop_SQ = torch.isin(token_SQ, self.stops)
        # A token follows from one before it that was read as it was sampled, and that did not end the row.
        follows_SQ = (self.token_SQ[:, 1:] == token_SQ[:, :-1]) & ~(stop_SQ | logprob_SQ.isnan())[:, :-1]
        kept_SQ = torch.cat((self.alive_S[:, None], follows_SQ), 1).cumprod(1).bool()
        kept_SQ &= place_SQ < self.limit_S[:, None]
        kept_S = kept_SQ.sum(1)
        for kept, logprob in zip(kept_SQ.unbind(1), logprob_SQ.unbind(1), strict=True):
            self.logprob_S += torch.where(kept, logprob, 0)
        self.column_S += kept_S
        self.length_S += kept_S
        last_S1 = (kept_S - 1).clamp_(min=0)[:, None]
        self.token_SQ[:, :1] = token_SQ.gather(1, last_S1)
        if self.watched or self.breaks:
            self._tell(token_SQ, kept_S)
        stopped_S = stop_SQ.gather(1, last_S1).squeeze(1)
        ended_S = self.alive_S & (stopped_S | (self.length_S == self.limit_S) | self.logprob_S.isnan())
        return self._leave(ended_S.nonzero().squeeze(-1), stopped_S) if ended_S.any() else []

    def _tell(self, token_SQ: torch.Tensor, kept_S: torch.Tensor) -> None:
        """Tells each row's listener, and its drafts, what was sampled, and reads the next draft."""
        draft_SQ = self.token_SQ[:, 1:].tolist()
        for slot, (ids, kept) in enumerate(zip(token_SQ.tolist(), kept_S.tolist(), strict=True)):
            row, drafts = self.rows[slot], self.drafts[slot]
            for token in ids[:kept]:
                if row and row.on_token:
                    row.on_token(token)
                if drafts:
                    drafts.add(token)
            if drafts:
                draft = drafts.draft(DRAFT)
                draft_SQ[slot][: len(draft)] = draft
        self.token_SQ[:, 1:] = torch.tensor(draft_SQ, dtype=torch.long).view(len(self.rows), -1)

    def _leave(self, slots_N: torch.Tensor, stopped_S: torch.Tensor) -> list[Completion]:
        """The rows in these slots, with what was sampled; the slots are free then."""
        ended = []
        columns = (self.tokens_SL, self.length_S, self.logprob_S, stopped_S)
        for slot, ids, length, logprob, stopped in zip(
            slots_N.tolist(), *(column[slots_N].tolist() for column in columns), strict=True
        ):
            row, self.rows[slot], self.drafts[slot] = self.rows[slot], None, None
            row.end(ids[:length], logprob, stopped=stopped)
            ended.append(row)
        self.cache.release(slots_N.tolist())
        self.alive_S[slots_N] = False
        self.column_S[slots_N] = self.length_S[slots_N] = 0
        return ended


@cache
def batch_invariant() -> bool:
    """Whether this processor's matrix products give a row the same bits whatever stands beside it; a few are tried."""
    if torch.cuda.is_available():
        return False
    random = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        for inputs, outputs in ((256, 768), (576, 1536), (1536, 576)):
            weight = torch.randn(outputs, inputs, generator=random).to(dtype)
            rows = torch.randn(64, inputs, generator=random).to(dtype)
            if not torch.equal(
                functional.linear(rows, weight)[:ROW_BLOCK], functional.linear(rows[:ROW_BLOCK], weight)
            ):
                return False
    return True
