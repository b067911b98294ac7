"""Sampling from any causal language model: the prompt once a problem, a finished row's slot given to the next row.

The usual `generate` steps every row until the last one of its batch ends, reads each copy of a prompt anew, and joins
keys and values at each token. Here rows live in slots (slots.py): as soon as a sixteenth of them are free, the next
rows move in, and once none are waiting the slots shrink to those still in use. Each row draws from its own stream of
uniform numbers. On processors whose matrix products give a row the same bits whatever stands beside it (`steady` asks),
a sample therefore depends on nothing but its prompt, its numbers and the weights.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import torch
from torch.nn import functional

from axiom_cli.errors import MissingError
from axiom_cli.sampling.engines.choosing import choose
from axiom_cli.sampling.engines.slots import BLOCK, LEAST, Slots, cache_argument, read, up

REFILL = 1 / 16
"""Free slots are given to waiting rows once they are this share of all."""
KEEP = 0.85
"""Without waiting rows, slots are given up once fewer than this share of them are in use."""
READ = 32
"""Prompts that are read side by side."""
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass
class Row:
    """One completion: what comes before it, the numbers in [0, 1) that it draws by (one a token, as many as it may be
    long), and what has been written of it: the ids (EOS included where it came), the sum of their log-probabilities,
    and how it finished, `stop` or `length`; nothing while it has not. `given` is what stands in `token_ids` without
    having been drawn: from one place to another."""

    prompt: Sequence[int]
    uniforms: torch.Tensor
    token_ids: list[int] = field(default_factory=list)
    logprob: float = 0.0
    finish: str = ""
    given: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Decoding:
    """How tokens are chosen, and which of them end a completion."""

    eos_ids: Sequence[int]
    temperature: float
    top_p: float = 1.0


def completed(model: torch.nn.Module, rows: Sequence[Row], decoding: Decoding, slots: int) -> Iterator[Row]:
    """Each row as it ends, in whatever order; at most `slots` side by side (a multiple of LEAST in any case, though
    some may be empty). Where memory runs out, rows that have not ended begin again in half as many. Raises MissingError
    where there is none even for LEAST."""
    waiting = sorted((row for row in rows if not row.finish), key=lambda row: len(row.prompt))
    while waiting:
        count = up(min(slots, len(waiting)), LEAST)
        try:
            yield from Writing(model, waiting, decoding, count).run()
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if count == LEAST:
                raise MissingError("memory ran out", "a smaller --max-tokens or model needs less") from None
            slots = count // 2
            gc.collect()
        waiting = [row for row in waiting if not row.finish]


def complete(model: torch.nn.Module, rows: Sequence[Row], decoding: Decoding, slots: int) -> None:
    """Writes every row to its end, as `completed`."""
    for _ in completed(model, rows, decoding, slots):
        pass


def out_of_memory(error: BaseException) -> bool:
    """Whether this is torch's way of saying that there is no more memory."""
    return isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY)


class Writing:
    """Rows on their way through slots. Tensors with the axis S have an entry a slot."""

    def __init__(self, model: torch.nn.Module, rows: Sequence[Row], decoding: Decoding, count: int) -> None:
        self.model, self.decoding, self.device = model, decoding, model.device
        self.waiting = deque(rows)
        self.rows: list[Row | None] = [None] * count
        self.slots = Slots(model, 0)
        self.places: dict[tuple[int, ...], int] = {}
        self.prompts: Slots | None = None
        self.stops = torch.tensor(list(decoding.eos_ids), device=self.device)
        longest = max(len(row.uniforms) for row in rows)
        self.token_S = torch.full((count,), decoding.eos_ids[0], device=self.device)  # to be read next
        self.place_S = torch.zeros(count, dtype=torch.long, device=self.device)  # the column it goes to
        self.made_S = torch.zeros_like(self.place_S)  # tokens written
        self.limit_S = torch.ones_like(self.place_S)  # tokens that may be
        self.alive_S = torch.zeros(count, dtype=torch.bool, device=self.device)
        self.logprob_S = torch.zeros(count, device=self.device)
        self.uniforms_SL = torch.zeros(count, longest, dtype=torch.float64, device=self.device)
        self.written_SL = torch.zeros(count, longest, dtype=torch.long, device=self.device)

    @torch.inference_mode()
    def run(self) -> Iterator[Row]:
        """Until every row has ended; each is handed on then."""
        while self.waiting or any(self.rows):
            free = [slot for slot, row in enumerate(self.rows) if row is None]
            if self.waiting and len(free) >= REFILL * len(self.rows):
                for start in range(0, min(len(free), len(self.waiting)), READ):
                    self._admit(free[start : start + READ])
            elif not self.waiting and len(self.rows) - len(free) < KEEP * len(self.rows):
                self._shrink(free)
            yield from self._step()

    def _admit(self, free: Sequence[int]) -> None:
        """Waiting rows into free slots, with all of their prompts but the last token, which the next step reads."""
        rows = [self.waiting.popleft() for _ in range(min(len(free), len(self.waiting)))]
        slots_N = torch.tensor(free[: len(rows)], device=self.device)
        prefixes = [tuple(row.prompt[:-1]) for row in rows]
        if width := max(map(len, prefixes)):
            self._read(prefixes)
            self._hold(max(width, int(self.place_S.max())) + 1)
            self.slots.open(self.prompts, len(self.rows))
            from_N = torch.tensor([self.places[prefix] for prefix in prefixes], device=self.device)
            self.slots.take(slots_N, self.prompts, from_N, width)
        self.token_S[slots_N] = torch.tensor([row.prompt[-1] for row in rows], device=self.device)
        self.place_S[slots_N] = torch.tensor([len(prefix) for prefix in prefixes], device=self.device)
        self.limit_S[slots_N] = torch.tensor([len(row.uniforms) for row in rows], device=self.device)
        self.made_S[slots_N], self.logprob_S[slots_N], self.alive_S[slots_N] = 0, 0.0, True
        for slot, row in zip(free, rows, strict=False):
            self.rows[slot] = row
            self.uniforms_SL[slot, : len(row.uniforms)] = row.uniforms

    def _read(self, prefixes: Sequence[tuple[int, ...]]) -> None:
        """Sees to it that `prompts` holds these: what was read last may, where a problem's samples came in parts."""
        if not self.places.keys() >= set(prefixes):
            self.places = {prefix: place for place, prefix in enumerate(dict.fromkeys(prefixes))}
            self.prompts = read(self.model, list(self.places), self.decoding.eos_ids[0])

    def _hold(self, columns: int) -> None:
        """Makes the slots long enough, and not twice as long as that."""
        wanted = up(columns, BLOCK)
        if not self.slots.capacity // 2 < wanted <= self.slots.capacity:
            self.slots.move(None, wanted)

    def _shrink(self, free: Sequence[int]) -> None:
        """Goes on with the slots in use, and with free ones up to a multiple of LEAST."""
        used = [slot for slot, row in enumerate(self.rows) if row is not None]
        kept = used + list(free[: up(len(used), LEAST) - len(used)])
        if len(kept) == len(self.rows):
            return
        kept_N = torch.tensor(kept, device=self.device)
        self.rows = [self.rows[slot] for slot in kept]
        self.slots.move(kept_N, self.slots.capacity)
        for name, value in vars(self).items():
            if name.endswith(("_S", "_SL")):
                setattr(self, name, value[kept_N])

    def _step(self) -> list[Row]:
        """One token more of each row. Returns those that end with it."""
        self._hold(int(self.place_S.max()) + 1)
        all_S = torch.arange(len(self.rows), device=self.device)
        self.slots.at(self.place_S, all_S)
        logits_SV = self.model(
            input_ids=self.token_S[:, None],
            attention_mask=self.slots.mask(self.place_S[:, None], self.model.dtype),
            position_ids=self.place_S[:, None],
            **{cache_argument(type(self.model)): self.slots.cache},
        ).logits[:, -1]
        uniforms_S = self.uniforms_SL[all_S, self.made_S]
        self.token_S, logprob_S = choose(logits_SV, uniforms_S, self.decoding.temperature, self.decoding.top_p)
        self.written_SL[all_S, self.made_S] = self.token_S
        self.logprob_S += logprob_S
        self.place_S += self.alive_S
        self.made_S += self.alive_S
        stopped_S = torch.isin(self.token_S, self.stops)
        ended_S = self.alive_S & (stopped_S | (self.made_S == self.limit_S))
        return self._leave(ended_S.nonzero().squeeze(-1), stopped_S) if ended_S.any() else []

    def _leave(self, slots_N: torch.Tensor, stopped_S: torch.Tensor) -> list[Row]:
        """Takes down what was written in these slots, and frees them."""
        left = []
        columns = (self.written_SL, self.made_S, self.logprob_S, stopped_S)
        for slot, ids, made, logprob, stopped in zip(
            slots_N.tolist(), *(column[slots_N].tolist() for column in columns), strict=True
        ):
            row, self.rows[slot] = self.rows[slot], None
            row.token_ids, row.logprob, row.finish = ids[:made], logprob, "stop" if stopped else "length"
            left.append(row)
        self.alive_S[slots_N] = False
        self.place_S[slots_N] = self.made_S[slots_N] = 0
        return left


@cache
def steady() -> bool:
    """Whether this processor gives a row the same bits, whatever stands beside it: asked of a few products."""
    if torch.cuda.is_available():
        return False
    random = torch.Generator().manual_seed(0)
    for dtype in (torch.float32, torch.bfloat16):
        for inputs, outputs in ((256, 768), (576, 1536), (1536, 576)):
            weight = torch.randn(outputs, inputs, generator=random).to(dtype)
            rows = torch.randn(64, inputs, generator=random).to(dtype)
            if not torch.equal(functional.linear(rows, weight)[:LEAST], functional.linear(rows[:LEAST], weight)):
                return False
    return True
