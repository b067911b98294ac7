"""A loop whose samples come from a cluster: two nodes on loopback. `pip install 'axiom-rl[ray]'`."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from axiom_cli import jsonl
from axiom_cli.records import Metrics
from axiom_cli.workspace.store import Workspace
from command_line import AXIOM, axiom, environment, failed
from ray_cluster import TOKEN, Cluster

NO_RAY = pytest.mark.skipif(not find_spec("ray"), reason="ray is not installed here: pip install 'axiom-rl[ray]'")
pytestmark = [NO_RAY, pytest.mark.slow, pytest.mark.timeout(1200)]
LOOP = [
    "loop", "--experiment", "spread", "--problems", "register_machine", "--min-difficulty", "2", "--max-difficulty",
    "4", "--iterations", "1", "--train-size", "60", "--val-size", "8", "--test-size", "8", "--samples", "2",
    "--epochs", "0.5", "--max-tokens", "160", "--curriculum", "fixed",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def token() -> Iterator[None]:
    """Nobody else on this machine may use the cluster, and no token of the user is used or made."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in TOKEN.items():
            environ.setenv(name, value)
        yield


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    try:
        started.add()
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same loop by one process."""
    home = tmp_path_factory.mktemp("alone")
    done = axiom(*LOOP, cwd=home)
    assert done.returncode == 0, done.stderr.decode()
    return home


def _made(home: Path) -> tuple[dict[str, str], list[tuple[int, str, str, int, float]]]:
    """The models by their names, and the rates that were measured."""
    rows = jsonl.load(home / "experiments" / "spread" / "metrics.jsonl", Metrics)
    return Workspace.open(home / ".axiom").refs(), [(r.iteration, r.split, r.family, r.level, r.rate) for r in rows]


def test_a_cluster_makes_what_one_process_makes_and_a_lost_node_costs_its_shard(
    cluster: Cluster, alone: Path, tmp_path: Path
) -> None:
    words = [*AXIOM, *LOOP, "--distribute", "ray", "--ray-address", cluster.address]
    log = tmp_path / "log"
    with (
        log.open("wb") as said,
        subprocess.Popen(
            words, cwd=tmp_path, env=environment(**TOKEN), stdin=subprocess.DEVNULL, stdout=said, stderr=said
        ) as process,
    ):
        until = time.monotonic() + 600
        killed = False
        while process.poll() is None and time.monotonic() < until:
            if not killed and cluster.busy(cluster.nodes[1]):
                cluster.kill(cluster.nodes[1])
                killed = True
            time.sleep(0.02)
    told = log.read_text()
    assert process.returncode == 0, told
    assert killed and "1 worker lost" in told, told
    assert _made(tmp_path) == _made(alone)


def test_without_a_cluster_it_says_so_and_makes_nothing(tmp_path: Path) -> None:
    done = axiom(*LOOP, "--distribute", "ray", "--ray-address", "127.0.0.1:9", cwd=tmp_path, env={**os.environ})
    failed(done, 4, "127.0.0.1:9")
    assert not (tmp_path / "experiments" / "spread" / "metrics.jsonl").exists()
