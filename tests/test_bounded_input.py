"""Input that is longer, deeper or larger than anything is: one line of error, in flat memory. tests/benchmarks/fuzz.py
tries a million others by hand."""

from __future__ import annotations

import io
import json
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axiom_cli import jsonl
from axiom_cli.errors import AxiomError, InputError
from axiom_cli.models.gguf_header import check_header
from axiom_cli.models.safetensors_header import stored_tensors
from axiom_cli.problems.families import draw
from axiom_cli.records import KINDS, Problem
from command_line import axiom, failed, talk

sys.path.append(str(Path(__file__).parent / "benchmarks"))

import fuzz

LINE = jsonl.dump(next(iter(draw.problems(["rpn"], 1, [1], "train", 0))))


class Endless(io.RawIOBase):
    """A line of `left` bytes, with records around it, that is nowhere in memory as a whole."""

    def __init__(self, left: int) -> None:
        self._parts = iter([LINE, *[b"x" * (1 << 20)] * (left >> 20), b"\n", LINE])
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        self._rest = self._rest or next(self._parts, b"")
        count = min(len(buffer), len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count


@pytest.mark.slow
def test_a_line_without_an_end_is_passed_over_in_flat_memory() -> None:
    before, skipped = fuzz.memory(), []
    read = list(jsonl.read(io.BufferedReader(Endless(2 << 30)), Problem, skip=skipped.append))
    assert len(read) == 2 and [str(error) for error in skipped] == ["line 2: it is longer than 64 MiB"]
    assert fuzz.memory() - before < 500
    with pytest.raises(InputError, match="line 2: it is longer"):
        list(jsonl.read(io.BufferedReader(Endless(65 << 20)), Problem))


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'{"a":' * 100_000, b'{"kind":"problem","level":' + b"9" * 100_000 + b"}", b"1e999999"]
)
def test_deep_and_long_json_is_one_bad_line(text: bytes) -> None:
    skipped: list[AxiomError] = []
    assert len(list(jsonl.read(io.BytesIO(LINE + text + b"\n" + LINE), Problem, skip=skipped.append))) == 2
    assert len(skipped) == 1 and str(skipped[0]).startswith("line 2: ")


FORGED = {
    "values": struct.pack("<IQQ", 3, 0, 2**60),
    "tensors": struct.pack("<IQQ", 3, 2**63, 0),
    "version": struct.pack("<IQQ", 77, 0, 0),
    "a name": struct.pack("<IQQQ", 3, 0, 1, 2**64 - 1) + bytes(40),
    "an array": struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 8, 2**60),
    "numbers": struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 10, 2**61),
    "nesting": struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"a", 9) + struct.pack("<IQ", 9, 1) * 100_000,
    "a type": struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"a", 99) + bytes(40),
    "dimensions": struct.pack("<IQQQ1sI", 3, 1, 0, 1, b"a", 2**32 - 1) + bytes(40),
    "nothing": b"",
}


@pytest.mark.parametrize("name", list(FORGED))
def test_a_gguf_file_that_names_more_than_it_holds_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + FORGED[name])
    (tmp_path / "p").write_bytes(LINE)
    if name == "values":
        failed(axiom("solve", "p", "--model", str(tmp_path / "m.gguf"), cwd=tmp_path), 3, "m.gguf is damaged: it names")
    with pytest.raises(InputError, match=r"m\.gguf is damaged: "):
        check_header(tmp_path / "m.gguf", "hint")


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape",
    [[2**62] * 100_000, [2**200, 1], [10**4000], [-1], [1.5], "4"],
    ids=["many", "large", "huge", "-1", "1.5", "text"],
)
def test_a_safetensors_header_with_forged_shapes_is_refused_at_once(tmp_path: Path, shape: object) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 16]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
    with pytest.raises(InputError, match=r"m\.safetensors is damaged"):
        stored_tensors(tmp_path / "m.safetensors")


@pytest.mark.slow
def test_no_broken_input_is_a_traceback() -> None:
    assert [(kind, what) for kind, what, _ in fuzz.run(6000, 1, set())] == []


@pytest.mark.slow
@given(st.lists(st.recursive(st.none() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=20)))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_values_of_any_shape_are_records_or_bad_lines(values: list[object]) -> None:
    def lines() -> Iterator[bytes]:
        for value in values:
            yield json.dumps({"kind": "problem", "prompt": value, "level": value, "program": value}).encode() + b"\n"

    skipped: list[AxiomError] = []
    read = list(jsonl.read(lines(), *KINDS.values(), skip=skipped.append))
    assert len(read) + len(skipped) == len(values)


@pytest.mark.slow
def test_a_long_line_on_stdin_is_one_bad_line(tmp_path: Path) -> None:
    done = axiom("verify", "--skip-bad", cwd=tmp_path, stdin=b"x" * (65 << 20) + b"\n")
    assert done.returncode == 5 and "longer than 64 MiB" in done.stderr.decode(), talk(done)
