"""Sampling by the library's own `generate`: slower than the slots, and right for every model that it serves.

Rows of one length go together, so that nothing is padded and a model whose positions depend on the longest row sees
rows of one length alone. Only the choice of the tokens is ours: each row draws with its own numbers, as in the slots.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from itertools import groupby

import torch
from transformers import GenerationConfig, LogitsProcessor, PreTrainedModel, StoppingCriteria

from axiom_cli.errors import MissingError
from axiom_cli.models.memory import is_out_of_memory
from axiom_cli.sampling.engines.continuous_batching import Completion
from axiom_cli.sampling.engines.token_sampling import Decoding, sample_tokens


def finished(
    model: PreTrainedModel, rows: Sequence[Completion], decoding: Decoding, slots: int
) -> Iterator[Completion]:
    """Each row, those of one prompt length after the other, at most `slots` side by side. If memory runs out,
    unfinished rows start again half as many at a time. Raises MissingError if there is no memory for one."""
    waiting = sorted((row for row in rows if not row.finish), key=lambda row: len(row.prompt))
    for _, equals in groupby(waiting, key=lambda row: len(row.prompt)):
        left = list(equals)
        while left:
            group = left[:slots]
            try:
                _generate(model, group, decoding)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                if len(group) == 1:
                    raise MissingError("memory ran out", "use a smaller --max-tokens or a smaller model") from None
                slots = len(group) // 2
                gc.collect()
                continue
            yield from group
            left = left[slots:]


def fault(model: PreTrainedModel, ids: Sequence[int], eos_ids: Sequence[int]) -> str:
    """Why the library cannot generate with `model`, or nothing. `ids` are those of an ordinary text."""
    if not model.can_generate():
        return "transformers cannot generate with it"
    try:
        _generate(model, [Completion(ids, torch.zeros(2))], Decoding(eos_ids, temperature=0))
    except Exception as error:  # noqa: BLE001 - an architecture's own code may raise anything
        if is_out_of_memory(error):
            raise
        return f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
    return ""


@torch.inference_mode()
def _generate(model: PreTrainedModel, rows: Sequence[Completion], decoding: Decoding) -> None:
    """Finishes rows whose prompts have one length."""
    ids_NT = torch.tensor([list(row.prompt) for row in rows], device=model.device)
    # Rotary factors that grow with the longest row seen start anew with a short one.
    model(input_ids=ids_NT[:1, :1], use_cache=False)
    choice = TokenChoice(rows, decoding, model.device)
    model.generate(  # type: ignore[operator]  # a mixin, which torch's types hide
        ids_NT,
        attention_mask=torch.ones_like(ids_NT),
        generation_config=GenerationConfig(
            max_new_tokens=max(len(row.uniforms) for row in rows), do_sample=False, pad_token_id=decoding.eos_ids[0]
        ),
        logits_processor=[choice],
        stopping_criteria=[AllEnded(choice)],
    )
    choice.write(rows)


class TokenChoice(LogitsProcessor):
    """Chooses the next token of each row, and leaves `generate` no other. Tensors as in `ContinuousBatch`."""

    def __init__(self, rows: Sequence[Completion], decoding: Decoding, device: torch.device) -> None:
        self.rows, self.decoding, self.step = rows, decoding, 0
        self.stops = torch.tensor(list(decoding.eos_ids), device=device)
        self.limit_S = torch.tensor([len(row.uniforms) for row in rows], device=device)
        self.length_S = torch.zeros_like(self.limit_S)
        self.alive_S = self.length_S < self.limit_S
        self.stopped_S = torch.zeros_like(self.alive_S)
        self.logprob_S = torch.zeros(len(rows), device=device)
        self.uniforms_SL = torch.nn.utils.rnn.pad_sequence([row.uniforms for row in rows], batch_first=True).to(device)
        self.tokens_SL = torch.zeros(self.uniforms_SL.shape, dtype=torch.long, device=device)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:  # noqa: ARG002 - fixed names
        """Scores that allow the chosen tokens alone."""
        tokens_S, logprob_S = sample_tokens(scores, self.uniforms_SL[:, self.step], self.decoding)
        self.tokens_SL[:, self.step] = tokens_S
        for slot, row in enumerate(self.rows):
            if row.on_token and self.alive_S[slot]:
                row.on_token(int(tokens_S[slot]))
        self.logprob_S += torch.where(self.alive_S, logprob_S, 0)
        self.length_S += self.alive_S
        self.stopped_S |= self.alive_S & torch.isin(tokens_S, self.stops)
        self.alive_S &= ~self.stopped_S & (self.length_S < self.limit_S) & self.logprob_S.isfinite()
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter_(1, tokens_S[:, None], 0)

    def write(self, rows: Sequence[Completion]) -> None:
        """Gives the rows what was chosen."""
        columns = (self.tokens_SL, self.length_S, self.logprob_S, self.stopped_S)
        for row, ids, length, logprob, stopped in zip(rows, *(column.tolist() for column in columns), strict=True):
            row.end(ids[:length], logprob, stopped=stopped)


class AllEnded(StoppingCriteria):
    """Which rows have ended."""

    def __init__(self, choice: TokenChoice) -> None:
        self.choice = choice

    def __call__(self, *_args, **_kwargs) -> torch.Tensor:
        """(N,)"""
        return ~self.choice.alive_S
