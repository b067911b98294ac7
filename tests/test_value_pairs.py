"""A value function that is trained by pairs (value-dpo): how likely it finds a completion is how good that is."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import tiny
from axiom_cli.errors import InputError, NothingToDoError
from axiom_cli.evaluation.ranking_metrics import Scored, auroc
from axiom_cli.evaluation.value_ranking import rank
from axiom_cli.learning.merge import merge
from axiom_cli.learning.preview import show
from axiom_cli.learning.train import train
from axiom_cli.models.adapters import compose
from axiom_cli.models.loading import load_model
from axiom_cli.records import Adapter
from axiom_cli.sampling.engines.value_function import load
from axiom_cli.sampling.token_ids import scored_ids
from axiom_cli.settings.configs import MergeConfig
from axiom_cli.workspace.store import Workspace
from value_cases import CONFIG, solving, verdicts

PAIRS = replace(CONFIG, objective="value-dpo", batch_size=8, lr=1e-2)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny.write_model(tmp_path_factory.mktemp("base")))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.create(tmp_path / ".axiom")


@pytest.fixture(scope="module")
def fitted(base: str, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    return train(verdicts(0, 40, cut=True), base, CONFIG, Workspace.create(tmp_path_factory.mktemp("ws") / ".axiom"))


@pytest.fixture(scope="module")
def preferring(base: str, tmp_path_factory: pytest.TempPathFactory) -> Adapter:
    return train(verdicts(0, 40, cut=True), base, PAIRS, Workspace.create(tmp_path_factory.mktemp("ws") / ".axiom"))


def test_a_verifier_by_pairs_ranks_what_it_never_saw_by_how_likely_it_finds_it(base: str, preferring: Adapter) -> None:
    """Its values against the definition, with a whole model and no cache."""
    assert (preferring.method, preferring.rows % 2) == ("value-dpo", 0)
    assert preferring.metrics["loss_last"] < 0.7 * preferring.metrics["loss_first"]
    fresh = list(verdicts(1000, 20))
    function = load(base, Path(preferring.path), has_head=False)
    samples = [verdict.sample for verdict in fresh]
    prefixes = function.prefixes(samples)
    assert auroc(Scored(p[-1], one.passed) for p, one in zip(prefixes, fresh, strict=True)) > 0.9
    whole = load_model(base)
    compose(whole, [Path(preferring.path)])
    prompt, completion, _ = scored_ids(function.tokenizer, samples[0], function.ends, "", {})
    row_1T = torch.tensor([[*prompt, *completion]])
    with torch.inference_mode():
        logprobs_TV = whole(row_1T).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    expected_T = logprobs_TV.gather(1, row_1T[0, len(prompt) :, None]).squeeze(1).cumsum(0).exp()
    assert prefixes[0] == pytest.approx(expected_T.tolist(), rel=1e-3)


@pytest.mark.slow
def test_a_verifier_by_pairs_reads_a_prompt_once_and_in_few_bits(base: str, preferring: Adapter) -> None:
    folder, samples = Path(preferring.path), [verdict.sample for verdict in verdicts(1000, 3, cut=True)]
    function = load(base, folder, has_head=False)
    together = function.prefixes(samples)
    function.alone = True
    assert sum(function.prefixes(samples), []) == pytest.approx(sum(together, []), rel=1e-3)
    half = load(base, folder, torch.bfloat16, has_head=False)
    logs = [[math.log(value) for value in one.values(samples)] for one in (half, function)]
    assert logs[0] == pytest.approx(logs[1], rel=0.05)


def test_pairs_are_of_one_problem_and_none_is_of_a_test_problem(base: str, workspace: Workspace) -> None:
    """Cut-off samples are in them, since it will rank such samples, too."""
    given = list(verdicts(0, 12, cut=True))
    rows = [json.loads(line) for line in show(given, base, PAIRS).lines()]
    assert [row["weight"] for row in rows] == [1, -1] * (len(rows) // 2)
    assert all(better["problem"] == worse["problem"] for better, worse in zip(rows[::2], rows[1::2], strict=True))
    cut_off = [row for row in rows if not "".join(text for text, _ in row["tokens"]).endswith("<eos>")]
    assert cut_off
    held_out = [replace(v, sample=replace(v.sample, problem=replace(v.sample.problem, split="test"))) for v in given]
    for objective in ("value", "value-dpo"):
        with pytest.raises(NothingToDoError, match="all 48 samples are of problems held out") as caught:
            train(held_out, base, replace(PAIRS, objective=objective), workspace)
        assert "no test problems" in caught.value.hint


@pytest.mark.slow
def test_several_functions_score_the_same_samples_and_are_compared(
    base: str, fitted: Adapter, preferring: Adapter, workspace: Workspace
) -> None:
    named = f"{preferring.path},{fitted.path}"
    scored = solving(base, workspace, value_function=named)
    assert {sample.extra["value_by"]["digest"] for sample in scored} == {preferring.digest}
    assert {sample.extra["values"][0]["value_by"]["digest"] for sample in scored} == {fitted.digest}
    one = solving(base, workspace, value_function=fitted.path)
    assert [s.extra["values"][0]["value"] for s in scored] == pytest.approx([s.extra["value"] for s in one])
    found = rank([tiny.verdict(s, "pass" if s.index % 2 else "fail") for s in scored])
    [rival] = found.rivals
    assert (found.value.digest, rival.ranking.value.digest) == (preferring.digest, fitted.digest)
    with pytest.raises(InputError, match="cannot be merged"):
        merge(preferring, MergeConfig(), workspace)
