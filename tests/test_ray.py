"""`--distribute ray` on a real cluster: two nodes with one core each, on loopback. `pip install 'axiom-rl[ray]'`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import axiom_cli
from axiom_cli import jsonl
from axiom_cli.records import Problem, Program
from axiom_cli.sandbox import isolation_level
from command_line import AXIOM, axiom, environment, failed, rows
from ray_cluster import TOKEN, Cluster, free_port, raylets
from ray_runs import Going, first, judged, nobody_left, on, receipts, slow_programs
from tiny import sample

NO_RAY = pytest.mark.skipif(not find_spec("ray"), reason="ray is not installed here: pip install 'axiom-rl[ray]'")
pytestmark = [NO_RAY, pytest.mark.slow, pytest.mark.timeout(400)]
NANO = ("solve", "--model", "nano", "--samples", "2", "--max-tokens", "48")
MANY = 480


@pytest.fixture(scope="module", autouse=True)
def token() -> Iterator[None]:
    """Nobody else on this machine may use the cluster, and no token of the user is used or made."""
    with pytest.MonkeyPatch.context() as environ:
        for name, value in TOKEN.items():
            environ.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    try:
        started.add()
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def problems(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    home = tmp_path_factory.mktemp("gen")
    return axiom("problems", "gen", "arithmetic", "rpn", "--count", str(MANY), cwd=home).stdout


@pytest.fixture(scope="module")
def alone(problems: bytes, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What one machine writes for all problems."""
    done = axiom(*NANO, cwd=tmp_path_factory.mktemp("alone"), stdin=problems)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def programs() -> bytes:
    return slow_programs()


def test_solve_writes_the_same_bytes_and_receipts(cluster: Cluster, problems: bytes, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    one = axiom(*NANO, cwd=here, stdin=first(problems, 60))
    two = axiom(*NANO, *on(cluster), cwd=there, stdin=first(problems, 60))
    assert two.returncode == 0, two.stderr
    assert len(rows(two.stdout)) == 120
    assert two.stdout == one.stdout
    assert two.stderr == one.stderr
    assert receipts(there) == receipts(here)
    assert nobody_left(cluster)


@pytest.mark.parametrize("strategy", [("retry",), ("best-of-n", "--early-stop"), ("vote",), ("adaptive",)])
def test_every_strategy_works(cluster: Cluster, problems: bytes, tmp_path: Path, strategy: tuple[str, ...]) -> None:
    words = ("solve", "--engine", "scripted", "--model", "solver:0.5", "--samples", "4", "--strategy", *strategy)
    one = axiom(*words, cwd=tmp_path, stdin=first(problems, 100))
    two = axiom(*words, *on(cluster), "--workspace", "other", cwd=tmp_path, stdin=first(problems, 100))
    assert two.returncode == 0, two.stderr
    assert two.stdout == one.stdout
    assert two.stderr == one.stderr


def test_verify_gives_the_same_verdicts(cluster: Cluster, programs: bytes, tmp_path: Path) -> None:
    one = axiom("verify", cwd=tmp_path, stdin=programs)
    two = axiom("verify", *on(cluster), cwd=tmp_path, stdin=programs)
    assert two.returncode == 0, two.stderr
    assert judged(two.stdout) == judged(one.stdout)
    assert {row["status"] for row in rows(two.stdout)} == {"pass", "fail"}
    assert two.stderr == one.stderr
    assert nobody_left(cluster)


def test_a_judge_of_the_user_s_is_asked_on_the_machine_of_the_command(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "judges.py").write_text("def even(problem, text):\n    return len(text) % 2 == 0, 'odd'\n")
    judged_problem = Problem("p", "f", "t", "?", 3, "train", answer="", checker="judges:even")
    program = Program("f", "f(x)", tests=[{"args": [1], "expected": 1}])
    asked = [judged_problem, Problem("q", "f", "t", "?", 3, "train", program=program)]
    texts = ["ab", "abc", "```python\ndef f(x): return x\n```"]
    lines = b"".join(jsonl.dump(sample(asked[at // 2], text, at)) for at, text in enumerate(texts))
    two = axiom("verify", *on(cluster), "--allow-checkers", "judges", cwd=tmp_path, stdin=lines)
    assert [(row["status"], row["reason"]) for row in rows(two.stdout)] == [("pass", ""), ("fail", "odd"), ("pass", "")]
    failed(axiom("verify", *on(cluster), cwd=tmp_path, stdin=lines), 2, "line 1: problem p is judged by judges:even")


def test_verdicts_come_before_the_input_ends(cluster: Cluster, programs: bytes, tmp_path: Path) -> None:
    lines = programs.splitlines(keepends=True)
    with subprocess.Popen(
        [*AXIOM, "verify", *on(cluster)], cwd=tmp_path, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        for line in lines[:3]:
            process.stdin.write(line)
        process.stdin.flush()
        assert [bool(process.stdout.readline()) for _ in range(3)] == [True] * 3
        process.stdin.close()
        assert process.stdout.read() == b""


def test_a_bad_line_is_named_after_the_verdicts_before_it(cluster: Cluster, programs: bytes, tmp_path: Path) -> None:
    done = axiom("verify", *on(cluster), cwd=tmp_path, stdin=first(programs, 40) + b"nonsense\n")
    failed(done, 3, "line 41")
    assert len(rows(done.stdout)) == 40


NASTY = [
    "import os, signal\ndef f(x):\n    os.kill(os.getppid(), 9)\n    return x",
    "import os\ndef f(x):\n    while True: os.fork()",
    "import socket\ndef f(x):\n    socket.create_connection(('127.0.0.1', {port})).close()\n    return x",
    "def f(x):\n    open('/tmp/from-the-sandbox', 'w').close()\n    return x",
    "def f(x):\n    while True: pass",
    "def f(x):\n    return [0] * 10**10",
    "import sys\nsys.stdout.write('x' * 10**7)\ndef f(x): return x",
    "def f(x): return x",
]


def test_the_sandbox_holds_inside_a_worker(cluster: Cluster, tmp_path: Path) -> None:
    port = cluster.address.rpartition(":")[2]
    program = Program("f", "def f(x)", tests=[{"args": [1], "expected": 1}])
    asked = Problem("0" * 16, "made", "made", "", 3, "train", program=program)
    texts = [f"```python\n{code.replace('{port}', port)}\n```" for code in NASTY]
    lines = b"".join(jsonl.dump(sample(asked, text, index)) for index, text in enumerate(texts))
    limits = ("--timeout", "1", "--isolation", isolation_level()[0])
    one = axiom("verify", *limits, cwd=tmp_path, stdin=lines)
    two = axiom("verify", *limits, *on(cluster), cwd=tmp_path, stdin=lines)
    assert two.returncode == 0, two.stderr
    passed = [row["status"] == "pass" for row in rows(two.stdout)]
    assert passed == [False] * (len(NASTY) - 2) + [True] * 2
    assert judged(two.stdout) == judged(one.stdout)
    assert b"given to others" not in two.stderr


LESSER = """
import ctypes, os, struct, sys
from axiom_cli.sandbox.inside import kernel
def op(code, value, yes=0): return struct.pack("=HBBI", code, yes, 0, value)
calls = {"x86_64": (272, 444), "aarch64": (97, 444)}[kernel.MACHINE]  # unshare, landlock_create_ruleset
code = op(0x20, 0) + op(0x15, calls[0], 2) + op(0x15, calls[1], 1) + op(6, 0x7FFF0000) + op(6, 0x50001)
code = ctypes.create_string_buffer(code, len(code))
kernel.prctl(38, 1)
header = ctypes.create_string_buffer(struct.pack("@HP", 5, ctypes.addressof(code)))
kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.addressof(header))
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.skipif(isolation_level()[0] in ("none", "limited", "basic"), reason="there is nothing to take away here")
def test_a_verdict_has_its_workers_level_and_a_lesser_worker_can_be_refused(programs: bytes, tmp_path: Path) -> None:
    cluster = Cluster()
    try:
        cluster.add(sys.executable, "-c", LESSER)
        done = axiom("verify", *on(cluster), cwd=tmp_path, stdin=programs)
        assert done.returncode == 0, done.stderr
        assert {row["isolation"] for row in rows(done.stdout)} == {"exact", "basic", isolation_level()[0]}
        refused = axiom("verify", *on(cluster), "--isolation", "good", cwd=tmp_path, stdin=programs)
        failed(refused, 4, "on ", "basic")
    finally:
        cluster.close()


def test_a_killed_worker_costs_nothing_but_time(cluster: Cluster, programs: bytes, tmp_path: Path) -> None:
    going = Going("verify", *on(cluster), cwd=tmp_path, stdin=programs)
    going.wait_for_output(lambda: bool(cluster.busy()))
    cluster.busy()[0].kill()
    code, out, said = going.end()
    assert code == 0, said
    assert judged(out) == judged(axiom("verify", cwd=tmp_path, stdin=programs).stdout)
    assert "1 worker lost; " in said


@pytest.mark.parametrize("command", ["solve", "verify"])
def test_a_killed_node_costs_nothing_but_time(
    command: str, problems: bytes, alone: bytes, programs: bytes, tmp_path: Path
) -> None:
    cluster = Cluster()
    try:
        node = cluster.add()
        words, stdin = (NANO, problems) if command == "solve" else (("verify",), programs)
        going = Going(*words, *on(cluster), cwd=tmp_path, stdin=stdin)
        going.wait_for_output(lambda: bool(cluster.busy(node)))
        cluster.kill(node)
        code, out, said = going.end()
    finally:
        cluster.close()
    assert code == 0, said
    assert "1 worker lost; " in said
    assert "given to others" in said
    if command == "solve":
        assert out == alone
    else:
        assert judged(out) == judged(axiom("verify", cwd=tmp_path, stdin=programs).stdout)


def test_an_interrupted_run_goes_on_from_there(cluster: Cluster, problems: bytes, alone: bytes, tmp_path: Path) -> None:
    going = Going(*NANO, *on(cluster), cwd=tmp_path, stdin=problems)
    going.wait_for_output()
    going.interrupt()
    code, out, said = going.end()
    assert code == 130, said
    assert "finished work is kept" in said
    assert "Traceback" not in said
    assert alone.startswith(out) and out.endswith(b"\n")
    kept = len(receipts(tmp_path))
    assert 0 < kept < MANY
    assert nobody_left(cluster)
    done = axiom(*NANO, *on(cluster), cwd=tmp_path, stdin=problems)
    assert done.stdout == alone
    assert len(receipts(tmp_path)) == MANY


def test_a_model_of_the_workspace_is_read_where_it_can_be(cluster: Cluster, problems: bytes, tmp_path: Path) -> None:
    from axiom_cli.models.nano import WEIGHTS
    from axiom_cli.workspace.store import Workspace

    kept = Workspace.create(tmp_path / ".axiom")
    kept.set_ref("mine@1", kept.put_tree(WEIGHTS))
    done = axiom(*NANO, "--model", "mine", *on(cluster), cwd=tmp_path, stdin=first(problems, 8))
    assert done.returncode == 0, done.stderr
    assert {row["model"]["name"] for row in rows(done.stdout)} == {"mine"}
    failed(
        axiom(*NANO, "--model", "none", *on(cluster), cwd=tmp_path, stdin=first(problems, 8)), 4, "on ", "every node"
    )


def test_another_version_on_a_node_is_said(problems: bytes, tmp_path: Path) -> None:
    package = Path(axiom_cli.__file__).parent
    shutil.copytree(package, tmp_path / "old" / "axiom_cli", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "old" / "axiom_cli" / "__init__.py").write_text('__version__ = "0.0.1"\n')
    cluster = Cluster(PYTHONPATH=str(tmp_path / "old"))
    try:
        words = ("solve", "--engine", "scripted", "--model", "solver", *on(cluster))
        failed(axiom(*words, cwd=tmp_path, stdin=first(problems, 8)), 4, "has axiom-rl 0.0.1", "pip install axiom-rl==")
    finally:
        cluster.close()


def test_a_cluster_for_this_run_alone_is_gone_after_it(
    problems: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in TOKEN:
        monkeypatch.delenv(name)
    words = ("solve", "--engine", "scripted", "--model", "solver", "--distribute", "ray", "--ray-address", "local")
    before = raylets()
    done = axiom(*words, cwd=tmp_path, stdin=first(problems, 8), env={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert len(rows(done.stdout)) == 64
    until = time.monotonic() + 20
    while (left := raylets() - before) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left
    assert not (tmp_path / ".ray").exists()


@pytest.mark.parametrize("wrong", [{"RAY_AUTH_TOKEN": "0" * 32}, {"RAY_AUTH_MODE": "disabled"}])
def test_a_wrong_token_is_said(cluster: Cluster, programs: bytes, tmp_path: Path, wrong: dict[str, str]) -> None:
    done = axiom("verify", *on(cluster), cwd=tmp_path, stdin=first(programs, 2), env=wrong)
    failed(done, 4, "refuses this run", "RAY_AUTH_TOKEN")


@pytest.mark.parametrize("command", [("solve", "--engine", "scripted", "--model", "solver"), ("verify",)])
def test_no_cluster_is_said_at_once(command: tuple[str, ...], problems: bytes, programs: bytes, tmp_path: Path) -> None:
    stdin = first(problems if command[0] == "solve" else programs, 8)
    address = f"127.0.0.1:{free_port()}"
    started = time.monotonic()
    done = axiom(*command, "--distribute", "ray", "--ray-address", address, cwd=tmp_path, stdin=stdin)
    failed(done, 4, f"no Ray cluster answers at {address}", "ray start --head")
    assert time.monotonic() - started < 60
    asked = axiom(*command, "--distribute", "ray", cwd=tmp_path, stdin=stdin, env={"RAY_ADDRESS": address})
    failed(asked, 4, f"no Ray cluster answers at {address}")


@pytest.mark.parametrize("address", ["nonsense", "ray://127.0.0.1:10001", "host:port"])
def test_no_address(address: str, programs: bytes, tmp_path: Path) -> None:
    done = axiom("verify", "--distribute", "ray", "--ray-address", address, cwd=tmp_path, stdin=first(programs, 2))
    failed(done, 2, address)
