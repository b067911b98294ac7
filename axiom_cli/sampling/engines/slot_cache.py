"""The keys and values of the lean decoder, and attention to them: rows in slots, as long as each of them is.

A layer that sees everything keeps a row in pages of PAGE columns each (paged attention, 2309.06180), and a page is
multiplied by itself: rows of any lengths are read side by side, none further than to its end, and what a row computes
does not depend on the others. A layer with a window keeps no more columns than a step sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

import torch
from torch.nn import functional

from axiom_cli.sampling.engines.kv_cache import round_up

PAGE = 64
"""Columns of a page. A prompt is read into a multiple of them."""
RING_BLOCK = 16
"""The columns of a layer with a window are a multiple of this."""
GAPS = 1 / 8
"""The share of pages that may be free between others."""
NOWHERE, SCRAP = 0, 1
"""Two pages that belong to no row. The first fills up the lists of short rows and is never visible; empty slots write
to the second."""


class PromptCache:
    """Prompts side by side: by layer (prompts, heads, 2, columns, head size), keys and values."""

    def __init__(self, shape: tuple[int, int], layers: int, prompts: int) -> None:
        self.states = [torch.zeros(prompts, shape[0], 2, 0, shape[1]) for _ in range(layers)]

    def fit(self, columns: int) -> None:
        """Makes room for `columns` columns, if there are fewer."""
        missing = columns - self.states[0].shape[3]
        if missing > 0:
            self.states = [functional.pad(states, (0, 0, 0, missing)) for states in self.states]


class SlotCache:
    """By layer, values (pages, heads, PAGE, head size), or (slots, heads, columns, head size) where there is a window:
    a ring, in which a position's column is its remainder. A step of `width` tokens writes them all, and some are taken
    back: the ring is so long that they push out nothing which is still seen. Keys lie the other way, (..., head size,
    columns): they are multiplied twice as fast so when they are not in the processor's cache.

    Empty memory is zeros: masked columns are multiplied by zero, and NaN would survive that.
    """

    def __init__(self, shape: tuple[int, int], windows: Sequence[int], slots: int, width: int) -> None:
        self.heads, self.size = shape
        self.windows, self.width = windows, width
        self.rings = [round_up(window + width - 1, RING_BLOCK) if window else 0 for window in windows]
        sizes = [(slots if ring else 0, self.heads, ring or PAGE, self.size) for ring in self.rings]
        self.keys, self.values = ([torch.zeros(size) for size in sizes] for _ in range(2))
        self.keys = [keys.transpose(2, 3).contiguous() for keys in self.keys]
        self.owner_N, self.first_N = torch.zeros(2, 0, dtype=torch.long)  # of each page: its slot and first position
        self.pages: list[list[int]] = [[] for _ in range(slots)]  # of each slot, in order
        self.free: list[int] = []  # a heap
        self.used = SCRAP + 1  # pages from the first one on
        self.pages_SJ = torch.full((slots, 1), SCRAP)
        self.room_S = torch.zeros(slots, dtype=torch.long)
        self._fit_pages()

    def _fit_pages(self) -> None:
        """Makes room for all pages that are used."""
        missing = self.used - len(self.owner_N)
        if missing <= 0:
            return
        missing += self.used // 2
        for states in (self.keys, self.values):
            for number, ring in enumerate(self.rings):
                if not ring:
                    states[number] = functional.pad(states[number], (0, 0) * 3 + (0, missing))
        self.owner_N, self.first_N = (
            functional.pad(values_N, (0, missing)) for values_N in (self.owner_N, self.first_N)
        )
        self.first_N[NOWHERE] = torch.iinfo(torch.long).max

    def _give(self, slot: int, place: int, page: int) -> None:
        if place == self.pages_SJ.shape[1]:
            self.pages_SJ = functional.pad(self.pages_SJ, (0, 1))
        self.pages_SJ[slot, place] = page
        self.owner_N[page], self.first_N[page] = slot, place * PAGE

    def fit(self, end_S: torch.Tensor) -> None:
        """Makes room for the positions before each slot's end."""
        for slot in (end_S > self.room_S).nonzero().squeeze(1).tolist():
            own = self.pages[slot]
            while len(own) * PAGE < int(end_S[slot]):
                if not self.free:
                    heappush(self.free, self.used)
                    self.used += 1
                    self._fit_pages()
                own.append(heappop(self.free))
                self._give(slot, len(own) - 1, own[-1])
            self.room_S[slot] = len(own) * PAGE
        if len(self.free) > GAPS * self.used:
            self._close_gaps()

    def release(self, slots: Sequence[int]) -> None:
        """Takes the pages of slots that are empty now."""
        for slot in slots:
            for page in self.pages[slot]:
                heappush(self.free, page)
            self.pages[slot] = []
            self.pages_SJ[slot] = NOWHERE
            self.pages_SJ[slot, 0] = SCRAP
            self.room_S[slot] = 0

    def keep(self, kept_N: torch.Tensor) -> None:
        """Keeps these slots. The others are empty."""
        for states in (self.keys, self.values):
            for number, ring in enumerate(self.rings):
                if ring:
                    states[number] = states[number].index_select(0, kept_N)
        self.pages = [self.pages[slot] for slot in kept_N.tolist()]
        self.pages_SJ, self.room_S = self.pages_SJ[kept_N], self.room_S[kept_N]
        self.owner_N.zero_()
        for slot, own in enumerate(self.pages):
            self.owner_N[own] = slot

    def _close_gaps(self) -> None:
        """Moves the last pages to where earlier ones are free, since all before the last one that is used are read."""
        free = set(self.free)
        self.used -= len(free)
        gaps = sorted(page for page in free if page < self.used)
        moved = [page for page in range(self.used, self.used + len(free)) if page not in free]
        for states in (self.keys, self.values):
            for number, ring in enumerate(self.rings):
                if not ring and gaps:
                    states[number][gaps] = states[number][moved]
        for gap, page in zip(gaps, moved, strict=True):
            slot, place = int(self.owner_N[page]), int(self.first_N[page]) // PAGE
            self.pages[slot][place] = gap
            self._give(slot, place, gap)
        self.free = []

    def copy_from(
        self, other: PromptCache, from_N: torch.Tensor, into_N: torch.Tensor, lengths_N: torch.Tensor
    ) -> None:
        """Copies the first `lengths_N` columns of prompts `from_N` into slots `into_N`, for which there is room."""
        copies = [
            (row, place, self.pages[slot][place])
            for row, slot, length in zip(from_N.tolist(), into_N.tolist(), lengths_N.tolist(), strict=True)
            for place in range(-(-length // PAGE))
        ]
        row_C, place_C, page_C = torch.tensor(copies).view(-1, 3).unbind(1)
        for keys, values, theirs, ring in zip(self.keys, self.values, other.states, self.rings, strict=True):
            if ring:
                held_NT = _held(lengths_N[:, None] - 1, ring).clamp_(min=0)
                copied, into = theirs.movedim(3, 1)[from_N[:, None], held_NT].movedim(1, 3), into_N
            else:
                copied, into = theirs.unflatten(3, (-1, PAGE))[row_C, :, :, place_C], page_C
            keys[into], values[into] = copied[:, :, 0].transpose(2, 3), copied[:, :, 1]

    def begin(self, position_SQ: torch.Tensor) -> None:
        """The next tokens to be stored and to attend are those at these positions."""
        slots, width = position_SQ.shape
        self.places, self.masks = {}, {}
        self.own_SJ = self.pages_SJ[:, : max(1, *map(len, self.pages))]
        position_M = position_SQ.flatten()
        for window, ring in set(zip(self.windows, self.rings, strict=True)):
            if ring:
                self.places[ring] = torch.arange(slots).repeat_interleave(width), position_M % ring
                position_SQ1, held_S1T = position_SQ[..., None], _held(position_SQ[:, -1:, None], ring)
                seen = (held_S1T >= 0) & (held_S1T <= position_SQ1) & (held_S1T > position_SQ1 - window)
            else:
                self.places[ring] = self.pages_SJ.gather(1, position_SQ // PAGE).flatten(), position_M % PAGE
                last_NQ = position_SQ[self.owner_N[: self.used]] - self.first_N[: self.used, None]
                seen = torch.arange(PAGE) <= last_NQ[..., None]
            self.masks[window] = torch.zeros(seen.shape).masked_fill_(~seen, -torch.inf)[:, None, None]

    def store(self, number: int, key_MKD: torch.Tensor, value_MKD: torch.Tensor) -> None:
        """Keys and values of the step's tokens in layer `number`."""
        row_M, column_M = self.places[self.rings[number]]
        self.keys[number][row_M, :, :, column_M] = key_MKD
        self.values[number][row_M, :, column_M] = value_MKD

    def attend(self, number: int, query_SKQD: torch.Tensor) -> torch.Tensor:
        """What queries, already scaled, see in layer `number`: (S, K, Q, D). Those of the heads that share a key stand
        one after the other, each with all tokens of the step."""
        keys, values = self.keys[number], self.values[number]
        if self.rings[number]:
            scores = self._scores(number, keys, query_SKQD)
            return torch.bmm(scores.softmax(-1), values.flatten(0, 1)).view(query_SKQD.shape)
        owner_N = self.owner_N[: self.used]
        scores = self._scores(number, keys[: self.used], query_SKQD.index_select(0, owner_N))
        largest_SR = self._own(scores.amax(-1)).amax(1)
        weights = scores.sub_(largest_SR.index_select(0, owner_N).view(scores.shape[:2])[..., None]).exp_()
        seen = torch.bmm(weights, values[: self.used].flatten(0, 1))
        # The sum over pages, in their order and the absent ones last, is the same however many the longest row has.
        total_SR, seen_SRD = self._own(weights.sum(-1)).sum(1), self._own(seen).sum(1)
        return seen_SRD.view(query_SKQD.shape).div_(total_SR.view(*query_SKQD.shape[:3], 1))

    def _own(self, paged: torch.Tensor) -> torch.Tensor:
        """What was computed of each page, page by page of each slot, (S, J, ...)."""
        return paged.view(self.used, -1).index_select(0, self.own_SJ.flatten()).view(*self.own_SJ.shape, -1)

    def _scores(self, number: int, keys: torch.Tensor, query_NKQD: torch.Tensor) -> torch.Tensor:
        """Masked scores of slots or pages, (N K, Q, T)."""
        scores = torch.bmm(query_NKQD.flatten(0, 1), keys.flatten(0, 1))
        by_token = scores.view(len(keys), self.heads, -1, self.width, scores.shape[-1])
        by_token.add_(self.masks[self.windows[number]])
        return scores


def _held(position: torch.Tensor, ring: int) -> torch.Tensor:
    """The positions (..., ring) that a ring holds once it has read `position` (..., 1); negative where there is none
    yet."""
    return position - (position - torch.arange(ring)) % ring
