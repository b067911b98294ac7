"""Every program in tests/attacks must fail, and do no harm, at each level that this machine can reach."""

from __future__ import annotations

import hashlib
import os
import re
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.sandbox.box import crowding

ATTACKS = sorted((Path(__file__).parent / "attacks").glob("*.py"))
SECRET = "SECRET-" + hashlib.sha256(os.urandom(16)).hexdigest()
LEVELS = {
    "strong": ("namespaces", "landlock", "seccomp"),
    "good": ("landlock", "seccomp"),
    "basic": ("seccomp",),
}
HONEST = "import math, bisect\ndef f(xs):\n    return [sum(xs), sorted(xs), math.gcd(*xs), bisect.bisect([1, 2], 1)]"
HONEST_PROGRAM = Program("f", "def f(xs)", tests=[{"args": [[6, 4]], "expected": [10, [4, 6], 2, 1]}])


def flag(x: int) -> str:
    return f"flag{{solve:{x}:{hashlib.sha256((SECRET + str(x)).encode()).hexdigest()[:16]}}}"


class Scene:
    """What an attack may harm: files, listeners, another process, this process."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "home" / ".ssh").mkdir(parents=True)
        (root / "home" / ".ssh" / "id_rsa").write_text(SECRET)
        (root / "tests.json").write_text(repr([flag(x) for x in (1, 2, 3)]))
        (root / "precious").write_text("precious")
        self.abstract = f"axiom-{os.getpid()}"
        self.listeners = [socket.socket(), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
        for listener, address in zip(
            self.listeners, [("127.0.0.1", 0), str(root / "sock"), "\0" + self.abstract], strict=True
        ):
            listener.bind(address)
            listener.listen()
            listener.setblocking(False)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.udp.setblocking(False)
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(6000)  # axiom_victim"])

    def fill_in(self, code: str) -> str:
        tokens = {"@@ROOT@@": self.root, "__TCP__": self.listeners[0].getsockname()[1], "@@ABS@@": self.abstract}
        tokens |= {"__UDP__": self.udp.getsockname()[1], "__VICTIM__": self.victim.pid}
        for token, value in tokens.items():
            code = code.replace(token, str(value))
        return code

    def harm(self) -> list[str]:
        found = [f"{each} exists" for each in ("pwned", "axhuge") if (self.root / each).exists()]
        found += [] if (self.root / "precious").read_text() == "precious" else ["a file was changed"]
        found += [] if self.victim.poll() is None else ["the victim is dead"]
        for listener in self.listeners:
            try:
                listener.accept()
            except BlockingIOError:
                continue
            found.append(f"somebody connected to {listener.getsockname()!r}")
        try:
            self.udp.recv(10)
            found.append("a datagram came")
        except BlockingIOError:
            pass
        return found

    def close(self) -> None:
        self.victim.kill()
        self.victim.wait()
        for each in (*self.listeners, self.udp):
            each.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    os.environ["AXIOM_SECRET"] = SECRET
    scene = Scene(tmp_path_factory.mktemp("scene"))
    yield scene
    scene.close()
    del os.environ["AXIOM_SECRET"]


@pytest.fixture(scope="module", params=LEVELS)
def box(request):
    with Sandbox(Limits(timeout=0.5), jobs=1, layers=LEVELS[request.param], isolation="none") as box:
        if box.level != request.param:
            pytest.skip(f"this machine reaches {box.level}: {box.missing}")
        yield box


def descendants(pid: int) -> list[int]:
    children = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                children.append(int(entry.name))
    return children + [deeper for child in children for deeper in descendants(child)]


def graded(source: str, form: str) -> Program:
    """The problem that an attack pretends to solve, its tests as data or as code."""
    expect = re.search(r"^# expect: (\S+)", source, re.M).group(1)
    wanted = {"flag": None, "SECRET": SECRET}.get(expect, expect)
    expected = {x: wanted or flag(x) for x in (1, 2, 3)}
    if form == "code":
        code = f"for x, wanted in {expected!r}.items():\n    assert solve(x) == wanted"
        return Program("solve", "def solve(x)", test_code=code)
    return Program("solve", "def solve(x)", tests=[{"args": [x], "expected": value} for x, value in expected.items()])


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these levels need Linux")
@pytest.mark.parametrize("form", ["data", "code"])
@pytest.mark.parametrize("path", ATTACKS, ids=lambda path: path.stem)
def test_an_attack_fails_and_does_no_harm(path, form, box, scene):
    source = path.read_text()
    program = graded(source, form)
    if "sibling" in source:
        answers = {x: flag(x) for x in (1, 2, 3)}
        assert box.check(f"ANSWERS = {answers!r}\ndef solve(x): return ANSWERS[x]", program).status == "pass"
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    outcome = box.check(scene.fill_in(source), program)
    assert outcome.status == "fail", outcome
    assert not outcome.passed
    assert outcome.reason
    assert time.monotonic() - began < 15 * crowding() ** 2
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) < 100_000
    assert scene.harm() == []
    wrapper = 1 if "namespaces" in box._layers else 0
    for worker in box._workers:
        assert len(descendants(worker._process.pid)) <= wrapper, "a process of the attack outlives it"
    assert box.check(HONEST + f"\n# after {path.stem} {form}", HONEST_PROGRAM).status == "pass"


@pytest.fixture(scope="module")
def open_box():
    with Sandbox(Limits(timeout=0.5), jobs=1, layers=(), isolation="none") as box:
        yield box


@pytest.mark.parametrize("form", ["data", "code"])
@pytest.mark.parametrize("path", [path for path in ATTACKS if path.stem[0] in "tj"], ids=lambda path: path.stem)
def test_no_verdict_is_forged_without_any_layer(path, form, open_box, scene):
    outcome = open_box.check(scene.fill_in(path.read_text()), graded(path.read_text(), form))
    assert outcome.status == "fail" and not outcome.passed and outcome.reason
