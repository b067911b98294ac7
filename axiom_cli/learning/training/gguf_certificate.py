"""Whether llama.cpp answers from a .gguf file as the model itself does: the same tokens of the same text, the same
prompts from its template, and greedy answers that the model would give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel

from axiom_cli.learning.training import llama_runtime
from axiom_cli.learning.training.llama_runtime import Question
from axiom_cli.models.loading import load_model, load_tokenizer
from axiom_cli.problems import answers
from axiom_cli.problems.families import draw
from axiom_cli.sampling.prompts import conversation, conversation_ids, sees_system

FAMILIES, LEVELS = ("arithmetic", "rpn", "parentheses", "list_ops", "calendar"), (1, 2, 3, 4)
PROMPTS, MAX_TOKENS = 20, 64
NEAR_TIE, NEAR_TIE_OF_8_BITS = 0.1, 0.5
"""In nats: how much less likely than the model's own choice a token of the answers may be. Two tokens that are nearly
equally likely change places by rounding; by more where weights, or products, have 8 bits or fewer."""
EIGHT_BITS = frozenset({"q8_0", "bfloat16"})


@dataclass(frozen=True)
class GgufCertificate:
    """What llama.cpp made of the prompts and of their answers.

    prompts: how many; same_tokens: those that it cuts as the model's tokenizer does; same_templates: those that the
    file's template renders there as it does here (one that asks for the date does not); same_answers: those with the
    model's own greedy answer, of at most MAX_TOKENS tokens; tokens: all tokens of the answers; widest_gap: nats between
    the model's choice and llama.cpp's, where they differ most.
    """

    dtype: str
    prompts: int
    same_tokens: int
    same_templates: int
    same_answers: int
    tokens: int
    widest_gap: float

    @property
    def failures(self) -> list[str]:
        """Why the file is not the model; empty if it is."""
        most = NEAR_TIE_OF_8_BITS if self.dtype in EIGHT_BITS else NEAR_TIE
        reasons = []
        if self.same_tokens < self.prompts:
            reasons.append(f"llama.cpp cuts {self.prompts - self.same_tokens} of {self.prompts} prompts otherwise")
        if not self.widest_gap <= most:
            reasons.append(f"llama.cpp writes a token {self.widest_gap:.2g} nats behind the model's (at most {most})")
        return reasons


def certify(folder: Path, file: Path, dtype: str) -> GgufCertificate:
    """The certificate of `file`, which was made of the model in `folder`. Raises what `llama_runtime.ask` raises."""
    tokenizer = load_tokenizer(folder)
    questions = list(_questions(tokenizer))
    replies = llama_runtime.ask(file, questions, MAX_TOKENS)
    model, pairs = load_model(folder), list(zip(questions, replies, strict=True))
    gaps = [_gaps_T(model, question.ids, reply.answer) for question, reply in pairs]
    return GgufCertificate(
        dtype=dtype,
        prompts=len(pairs),
        same_tokens=sum(list(question.ids) == list(reply.ids) for question, reply in pairs),
        same_templates=sum(question.text == reply.rendered for question, reply in pairs),
        same_answers=sum(not gaps_T.any() for gaps_T in gaps),
        tokens=sum(map(len, gaps)),
        widest_gap=round(max((float(gaps_T.max()) for gaps_T in gaps if len(gaps_T)), default=0.0), 6),
    )


def _questions(tokenizer: Any) -> Iterator[Question]:
    """The prompts. A template that leaves out what the system says is shown the user's turn alone: llama.cpp would put
    the system's words there."""
    for problem in draw.problems(FAMILIES, PROMPTS, LEVELS, "test", 0):
        messages = answers.messages(problem)
        shown = messages if sees_system(tokenizer) else messages[1:]
        yield Question(shown, conversation(tokenizer, messages), conversation_ids(tokenizer, messages))


@torch.inference_mode()
def _gaps_T(model: PreTrainedModel, prompt: Sequence[int], answer: Sequence[int]) -> torch.Tensor:
    """By how many nats each token of the answer is less likely than the model's own choice there, (T,)."""
    ids_T = torch.tensor([*prompt, *answer], device=model.device)
    logprobs_TV = model(input_ids=ids_T[None, :-1]).logits[0, len(prompt) - 1 :].float().log_softmax(-1)
    chosen_T = logprobs_TV.gather(-1, ids_T[len(prompt) :, None]).squeeze(-1)
    return (logprobs_TV.max(-1).values - chosen_T).cpu()
