"""On nano, every objective raises the pass rate on problems that it was not trained on, with the learning rates
that `axiom loop --objective NAME` takes for it."""

from __future__ import annotations

from argparse import Namespace

import pytest

from axiom_cli.statistics import paired_bootstrap
from benchmarks.objectives import Bench, configured


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    told = Namespace(seed=1, held_out=200, samples=8, problems=240, levels=(4, 5))
    made = Bench(tmp_path_factory.mktemp("bench"), "val", told)
    yield made
    made.engine.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["sft", "dpo", "grpo", "kto"])
def test_the_held_out_pass_rate_rises(bench: Bench, name: str) -> None:
    after, _ = bench.after(configured(name, seed=1))
    gain, *interval = paired_bootstrap(bench.before, after)
    assert gain > 0, f"{gain:+.3f} ({interval}): tests/benchmarks/objectives.py shows it with more problems"
