"""On nano, every objective raises the pass rate on problems that it was not trained on, as `train` is configured."""

from __future__ import annotations

from argparse import Namespace

import pytest

from axiom_cli.settings.configs import TrainConfig
from axiom_cli.statistics import paired_bootstrap
from benchmarks.objectives import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    told = Namespace(seed=1, held_out=300, samples=8, problems=200)
    made = Bench(tmp_path_factory.mktemp("bench"), "val", told)
    yield made
    made.engine.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", ["sft", "dpo", "grpo", "kto"])
def test_the_held_out_pass_rate_rises(bench: Bench, name: str) -> None:
    after, _ = bench.after(TrainConfig(objective=name, seed=1))
    gain, low, _ = paired_bootstrap(bench.before, after)
    print(f"{name}: {gain:+.3f}, from {low:+.3f}")
    assert (gain if name == "sft" else low) > 0, "imitation alone may gain too little for so few held-out problems"
