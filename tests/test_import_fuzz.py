"""Rows cut, retyped and mixed up: each is imported or refused by number and reason, and nothing else is lost."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random
from typing import Any

import pytest

from axiom_cli.importing.importer import import_problems
from axiom_cli.importing.readers import of_file
from axiom_cli.importing.registry import FORMATS
from axiom_cli.records import Problem
from axiom_cli.settings.configs import VerifyConfig
from command_line import axiom, rows
from published_rows import ROWS
from test_import_problems import HUMANEVAL, MBPP

LISTS = """\
def check(candidate):
    inputs = [[1, 2], [5, 6]]
    results = [3, 11]
    for i, (inp, exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0)
"""
EVALPLUS = {**HUMANEVAL, "base_input": [[1, 2]], "plus_input": [[3, 4], [5, 6]], "atol": 0}
JSONL = [
    {"prompt": "1 + 1?", "answer": 2, "level": "Level 2", "id": "a"},
    {
        "prompt": "Double.",
        "entry_point": "f",
        "tests": [{"args": [2], "expected": 4}],
        "reference": "f = lambda x: 2 * x",
    },
]
SEEDS: dict[str, list[dict[str, Any]]] = {
    "jsonl": JSONL,
    "humaneval": [HUMANEVAL],
    "mbpp": [MBPP],
    "evalplus": [
        EVALPLUS,
        {**HUMANEVAL, "test": LISTS},
    ],
    **ROWS,
}
ODD = [
    None,
    True,
    0,
    -1,
    10**30,
    0.5,
    "",
    " ",
    "\0",
    "[",
    "{}",
    "[[]]",
    "é\u2028",
    "x" * 5000,
    [],
    [[]],
    {},
    [None],
    {"": []},
]
ODD += [
    {"input": 3, "output": ["1"]},
    [{"input": "1"}],
    ["1"],
    1e308,
    "nan",
    "def (",
    "1/0",
    "import os",
    "#### ",
    "\\boxed{",
]


def mutate(row: dict[str, Any], random: Random) -> Any:
    """The row with a few faults."""
    row = json.loads(json.dumps(row))
    for _ in range(random.randint(1, 3)):
        if not isinstance(row, dict) or not row:
            return row
        name = random.choice(sorted(row))
        fault = random.randrange(8)
        if fault == 0:
            del row[name]
        elif fault == 1:
            row[name] = random.choice(ODD)
        elif fault == 2:
            other = random.choice(sorted(row))
            row[name], row[other] = row[other], row[name]
        elif fault == 3:
            row[name] = damaged(row[name], random)
        elif fault == 4:
            row[name] = [row[name]]
        elif fault == 5:
            row[name] = json.dumps(row[name])
        elif fault == 6:
            row = random.choice([row, [row], "row", None, 3, {**row, name.upper(): row[name]}])
        else:
            row[name] = deeper(row[name], random)
    return row


def damaged(value: Any, random: Random) -> Any:
    """A text cut or changed, also inside what it packs; any other value as text."""
    text = value if isinstance(value, str) else json.dumps(value)
    if random.random() < 0.3:
        try:
            data = bytearray(zlib.decompress(base64.b64decode(text)))
            data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            return base64.b64encode(zlib.compress(bytes(data))).decode()
        except ValueError:
            pass
        except zlib.error:
            pass
    at = random.randrange(len(text) + 1)
    return random.choice(
        [text[:at], text[at:], text[:at] + random.choice(["\0", '"', "]", "é", "\\", "9"]) + text[at:]]
    )


def deeper(value: Any, random: Random) -> Any:
    """The value with a fault somewhere inside, also inside the JSON that a text holds."""
    if isinstance(value, str) and value[:1] in "[{" and value:
        try:
            return json.dumps(deeper(json.loads(value), random))
        except ValueError:
            return value
    if isinstance(value, dict) and value:
        name = random.choice(sorted(value))
        return {**value, name: deeper(value[name], random)}
    if isinstance(value, list) and value:
        at = random.randrange(len(value))
        return [*value[:at], *random.choice([[], [deeper(value[at], random)]]), *value[at + 1 :]]
    return random.choice(ODD)


def fuzzed(form: str, count: int) -> list[Any]:
    """`count` rows, every tenth as it should be, with a prompt of its own."""
    random = Random(f"fuzz/{form}")
    made = []
    for n in range(count):
        row = json.loads(json.dumps(random.choice(SEEDS[form])))
        for name in ("prompt", "question", "problem", "Problem", "text", "description", "question_content"):
            if name in row and form not in ("humaneval", "evalplus", "leetcode"):
                row[name] += f" (number {n})"
        if "problem_description" in row:
            row["problem_description"] += f" (number {n})"
        if form in ("humaneval", "evalplus"):
            row["prompt"] = row["prompt"].replace("Adds", f"Adds, number {n}")
        row["id"] = f"id{n}"
        made.append(row if n % 10 == 0 else mutate(row, random))
    return made


def check(form: str, made: list[Any], config: VerifyConfig | None) -> None:
    lines = (line for line in of_file(_stream(made), "in.jsonl").lines)
    found = list(import_problems(lines, form, config))
    assert [one.row.number for one in found] == list(range(1, len(made) + 1)), "one result a row, in their order"
    for one, row in zip(found, made, strict=True):
        assert bool(one.problem) != bool(one.reason), (row, one)
        if one.problem:
            again = Problem.from_dict(json.loads(json.dumps(one.problem.to_dict())))
            assert again.to_dict() == one.problem.to_dict(), row
    right = found[::10]
    assert all(one.problem for one in right), next((one.reason, one.row.data) for one in right if not one.problem)


def _stream(made: list[Any]) -> Any:
    import io

    return io.BufferedReader(io.BytesIO("".join(f"{json.dumps(row)}\n" for row in made).encode()))


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_rows_with_faults_cost_themselves(form: str) -> None:
    check(form, fuzzed(form, 60), None if form != "evalplus" else VerifyConfig(jobs=1))


@pytest.mark.slow
@pytest.mark.parametrize("form", sorted(FORMATS))
def test_hundreds_of_rows_with_faults(form: str, tmp_path) -> None:
    made = fuzzed(form, 600)
    check(form, made, VerifyConfig(timeout=1, jobs=2))
    cut = [
        json.dumps(row)[: Random(n).randrange(1, 400)] if n % 7 == 3 else json.dumps(row) for n, row in enumerate(made)
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(cut))
    done = axiom("problems", "import", "in.jsonl", "--as", form, "--refused", "no.jsonl", cwd=tmp_path)
    assert done.returncode == 0 and "Traceback" not in done.stderr.decode(), done.stderr
    refused = rows((tmp_path / "no.jsonl").read_bytes())
    assert len(rows(done.stdout)) + len(refused) == len(made)
    assert all(row["reason"] for row in refused) and len({row["row"] for row in refused}) == len(refused)
