"""Faults of a plug-in family: each is named, and the families beside it go on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from axiom_cli import json_codec, jsonl
from axiom_cli.records import ModelRef, Problem, Sample
from command_line import ROOT, axiom, failed, rows, talk
from test_new_family import FAMILY, plugged

FAILING = FAMILY.replace("return f", "if task < 5: raise ValueError('no such task')\n        return f")
OPEN = (
    FAMILY.replace('"", ""\n', '"", ""\n    open_ended = True\n')
    + """
    def accepts(self, prompt, answer):
        return "no"
"""
)
PROGRAMS = (
    FAMILY.replace('"", ""\n', '"", ""\n    forms = ("answer", "program")\n')
    + """
    def exercise(self, task, level, random):
        from axiom_cli.problems.families.family import Exercise
        source = "def f(n):\\n    return RESULT\\n".replace("K", str(task))
        return Exercise("f", "f(n: int)", f"does {task}.", source, lambda random: [random.randrange(10 ** 6)])
"""
)


def test_where_one_raises_the_others_give_their_problems(tmp_path: Path) -> None:
    env = plugged(tmp_path, failing=FAILING)
    done = axiom("problems", "gen", "arithmetic", "failing", "--count", "90", "-o", "p.jsonl", cwd=tmp_path, env=env)
    failed(done, 3, "the plug-in family 'failing', level ", "ValueError: no such task (failing.py:", "AXIOM_DEBUG=1")
    kept = [row["family"] for row in rows((tmp_path / "p.jsonl").read_bytes())]
    assert kept.count("arithmetic") == 45 and f"{len(kept)} problems (train, levels 3-7, seed 0)" in talk(done)


def test_one_that_has_other_levels_is_left_out_of_all(tmp_path: Path) -> None:
    env = plugged(tmp_path, upper=FAMILY.replace('"", ""\n', '"", ""\n    has = range(8, 11)\n'))
    made = axiom("problems", "gen", "--count", "200", cwd=tmp_path, env=env)
    assert made.returncode == 0 and "upper" not in {row["family"] for row in rows(made.stdout)}
    made = axiom("problems", "gen", "--count", "200", "--difficulty", "8", cwd=tmp_path, env=env)
    assert "upper" in {row["family"] for row in rows(made.stdout)}
    failed(axiom("problems", "gen", "upper", cwd=tmp_path, env=env), 2, "upper has no such levels")


@pytest.mark.slow
def test_a_loop_takes_of_each_family_the_levels_that_it_has(tmp_path: Path) -> None:
    upper = FAMILY.replace('"", ""\n', '"", ""\n    has = range(8, 11)\n').replace("60", "6000")
    env = plugged(tmp_path, upper=upper)
    small = ("--train-size", "20", "--val-size", "10", "--test-size", "10", "--plan", "--ignore-gates")
    planned = axiom("loop", "--problems", "upper,rpn", "--max-difficulty", "8", *small, cwd=tmp_path, env=env)
    assert planned.returncode == 0, talk(planned)
    refused = axiom("loop", "--problems", "upper,rpn", "--max-difficulty", "5", *small, cwd=tmp_path, env=env)
    failed(refused, 2, "upper does not have level 1-5; it has 8-10", "--min-difficulty, --max-difficulty")
    programs = axiom("loop", "--problems", "upper", "--form", "program", *small, cwd=tmp_path, env=env)
    failed(programs, 2, "upper does not ask for programs", "--form program")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_one_that_ends_its_process_takes_no_row_of_the_others(jobs: str, tmp_path: Path) -> None:
    env = plugged(tmp_path, ending=FAMILY.replace("return f", "import os; os._exit(9)\n        return f"))
    words = ("problems", "audit", "gcd_chain", "ending", "clock", "--draws", "100", "--count", "20", "--jobs", jobs)
    done = axiom(*words, cwd=tmp_path, env=env)
    failures = {row["family"]: row["failures"] for row in rows(done.stdout)}
    assert failures == {"gcd_chain": [], "ending": ["it ended the process that it ran in"], "clock": []}
    failed(done, 6)


@pytest.mark.parametrize("result", ["(n, K)", "n * float('nan')", "n * float('inf')", "{n: K}"])
def test_what_no_record_holds_is_no_result_of_a_test(result: str, tmp_path: Path) -> None:
    env = plugged(tmp_path, odd=PROGRAMS.replace("RESULT", result), sound=PROGRAMS.replace("RESULT", "[n, K]"))
    made = axiom("problems", "gen", "odd", "sound", "--form", "program", "--count", "10", cwd=tmp_path, env=env)
    failed(made, 3, "the plug-in family 'odd', level 3, problem 0: ValueError: {'args': [", "use lists")
    assert {row["family"] for row in rows(made.stdout)} == {"sound"}
    audited = axiom("problems", "audit", "odd", "--draws", "100", "--count", "5", cwd=tmp_path, env=env)
    (row,) = [row for row in rows(audited.stdout) if row["form"] == "program"]
    assert "does not survive JSON" in row["failures"][0] and audited.returncode == 6


def test_what_is_noted_is_plain_data_and_changes_no_place(tmp_path: Path) -> None:
    noted = "\n    def noted(self, task):\n        return NOTED\n"
    sources = {"sets": "{'of': {1}}", "places": "{'seed': 'mine', 'more': 1}"}
    env = plugged(tmp_path, **{name: OPEN + noted.replace("NOTED", value) for name, value in sources.items()})
    failed(axiom("problems", "gen", "sets", cwd=tmp_path, env=env), 3, "the plug-in family 'sets'", "use lists")
    (row,) = rows(axiom("problems", "gen", "places", "--count", "1", cwd=tmp_path, env=env).stdout)
    assert (row["origin"]["seed"], row["origin"]["more"]) == (0, 1)


def test_a_judge_says_yes_or_no(tmp_path: Path) -> None:
    env = plugged(tmp_path, judging=OPEN)
    (row,) = rows(axiom("problems", "gen", "judging", "--count", "1", cwd=tmp_path, env=env).stdout)
    sample = Sample(Problem.from_dict(row), ModelRef("m", "d"), "scripted", {}, 0, 1, "Answer: 1")
    (verdict,) = rows(axiom("verify", cwd=tmp_path, env=env, stdin=jsonl.dump(sample)).stdout)
    assert verdict["status"] == "infra" and "it says 'no', not True or False" in verdict["reason"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('forms = "answer"', "its forms are 'answer', expected a tuple of 'answer' and 'program'"),
        ('forms = ("answers",)', "its forms are ('answers',)"),
        ("has = ()", "its levels (has) are (), expected some of 1 to 30"),
        ("has = (0, 3)", "its levels (has) are (0, 3)"),
        ('forms = ("answer", "program")', "it has the form 'program' but no `exercise`"),
    ],
)
def test_what_it_offers_has_to_be_there(line: str, said: str, tmp_path: Path) -> None:
    env = plugged(tmp_path, offering=FAMILY.replace('"", ""\n', f'"", ""\n    {line}\n'))
    failed(axiom("problems", "gen", "offering", cwd=tmp_path, env=env), 4, f"does not load: TypeError: {said}")
    assert axiom("problems", "gen", "--count", "50", cwd=tmp_path, env=env).returncode == 0


def test_what_json_carries() -> None:
    for value in ([1, 2.5, "é", None, True, {"a": [10**30]}], {}, -0.0):
        assert json_codec.round_trips(value)
    for value in ((1,), [{1: 2}], {1}, float("nan"), [float("inf")], "\ud800", b"", [object()]):
        assert not json_codec.round_trips(value)


def test_the_name_of_a_built_in_family_is_taken(tmp_path: Path) -> None:
    done = axiom("problems", "list", cwd=tmp_path, env=plugged(tmp_path, rpn=FAMILY))
    assert "the plug-in family 'rpn' (rpn:Plugged) has the name of a built-in one" in " ".join(talk(done))
    made = axiom("problems", "gen", "--count", "100", cwd=tmp_path, env={"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"})
    assert "rpn" in {row["family"] for row in rows(made.stdout)}


@pytest.mark.parametrize(
    ("trace", "said"),
    [("1 / 0", "ZeroDivisionError: division by zero (traced.py:"), ("'one text'", "the trace 'one text' is a string")],
)
def test_a_trace_that_cannot_be_taught_is_named(trace: str, said: str, tmp_path: Path) -> None:
    env = plugged(tmp_path, traced=FAMILY.replace("return []", f"return {trace}"))
    made = axiom("problems", "gen", "traced", "--count", "2", cwd=tmp_path, env=env)
    done = axiom("coldstart", cwd=tmp_path, env=env, stdin=made.stdout)
    failed(done, 3, f"the family 'traced' failed on problem {rows(made.stdout)[0]['id']}: ", said)


def test_an_error_s_text_is_told_on_one_line(tmp_path: Path) -> None:
    raising = FAMILY.replace("return f", "raise ValueError('one\\ntwo \\x1b[31m')\n        return f")
    done = axiom("problems", "gen", "raising", cwd=tmp_path, env=plugged(tmp_path, raising=raising))
    failed(done, 3, "ValueError: one two [31m (raising.py:")
