"""One question, one answer, as it is written."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

from axiom_cli.errors import InputError
from axiom_cli.ids import content_id
from axiom_cli.problems import answers
from axiom_cli.records import Problem, Sample
from axiom_cli.sampling import engines
from axiom_cli.sampling.engines.protocol import Request
from axiom_cli.settings.configs import AskConfig, SolveConfig
from axiom_cli.workspace.store import Workspace


def ask(
    model: str, text: str, config: AskConfig, workspace: Workspace | None, on_text: Callable[[str], None]
) -> Sample:
    """The answer of `model` to `text`, in the conversation that it was trained and is evaluated in. `on_text` gets it
    piece by piece. Nothing is verified or kept.

    Raises what `engines.open_engine` raises, and InputError where the model cannot answer.
    """
    name = "remote" if engines.is_endpoint(model) else "transformers"
    params = SolveConfig(
        samples=1,
        temperature=config.temperature,
        max_tokens=config.max_tokens,
        seed=config.seed,
        engine=name,
        dtype=config.dtype,
    )
    system = config.system or answers.INSTRUCTIONS[config.form]
    request = Request(
        Problem(content_id([system, text], 16), "ask", "", text, 0, "test", answer=""),
        messages=[{"role": "system", "content": system}, {"role": "user", "content": text}],
    )
    with closing(engines.open_engine(model, params, workspace)) as engine:
        sample = engine.stream_text(request, params, on_text)
    if sample.finish == "error":
        raise InputError(
            f"{sample.model.name} gave no answer: {sample.extra.get('error')}", "ask something shorter, or try again"
        )
    return sample
