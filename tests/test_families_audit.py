"""The audit passes the families that ship, and sees each kind of broken family."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from axiom_cli.audit import mutants
from axiom_cli.audit.families import SeenPrompts, audit, audit_family
from axiom_cli.audit.findings import AuditRow, cells, conclude
from axiom_cli.audit.programs import MutationCount, check_program
from axiom_cli.audit.supply import estimate, expected_repeats
from axiom_cli.errors import MissingError
from axiom_cli.problems import families
from axiom_cli.problems.families import draw, oracles, programs
from axiom_cli.problems.families.parser_programs import ParserPrograms
from axiom_cli.settings.configs import AuditConfig
from command_line import ROOT, axiom, failed, rows, talk
from planted_families import (
    FIFTEEN,
    TWO_SUM,
    Ambiguous,
    ByHash,
    Copied,
    Counting,
    Crashing,
    Dull,
    FewTests,
    FifteenInputs,
    OneAnswerAtOneLevel,
    Repeating,
    Shouting,
    Spaced,
    Squares,
    Telling,
    TowardZero,
    TwoSum,
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "draws"),
    [
        (["parentheses", "syllogisms"], 100),
        pytest.param([*families.names(), "handwritten"], 1000, marks=pytest.mark.slow),
    ],
    ids=["some", "all"],
)
def test_every_family_that_ships_passes(names, draws):
    found = list(audit(names, AuditConfig(draws=draws)))
    forms = {name: families.get(name).forms for name in names if name != "handwritten"} | {"handwritten": ("program",)}
    assert [(row["family"], row["form"]) for row in found] == [(name, form) for name in names for form in forms[name]]
    assert [row["failures"] for row in found if not row["passed"]] == []
    assert all(row["mutation_score"] >= 0.9 for row in found if row["form"] == "program")
    assert all(row["distinct"] > 0.95 * row["draws"] for row in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("broken", "field"),
    [
        pytest.param(TowardZero, "disagreements", marks=pytest.mark.slow),
        (Ambiguous, "ambiguous"),
        pytest.param(Telling, "leaks", marks=pytest.mark.slow),
        pytest.param(Repeating, "collisions", marks=pytest.mark.slow),
    ],
)
def test_a_broken_family_fails(broken, field, monkeypatch):
    monkeypatch.setattr(broken, "forms", ("answer",))
    (row,) = audit_family(broken(), draws=500)
    assert not row["passed"]
    assert row[field] > 0
    assert row["failures"]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        pytest.param(
            Copied, "copying the prompt from word 8 is right 100% of the time at level 1", marks=pytest.mark.slow
        ),
        pytest.param(OneAnswerAtOneLevel, "always yes is right 100% of the time at level 1", marks=pytest.mark.slow),
        (FifteenInputs, "level 1 has 15 distinct problems, at least 40 are required"),
        (Spaced, "problems found in two places"),
        pytest.param(Shouting, "problems found in two places", marks=pytest.mark.slow),
        (ByHash, "in another process: the first problems differ"),
        pytest.param(Counting, "drawn again, the first problems differ", marks=pytest.mark.slow),
        (Crashing, "ZeroDivisionError: integer division or modulo by zero (planted_families.py"),
        (Dull, "mutation score 0."),
        (FewTests, "fewer than 15 distinct tests: Write a Python function"),
    ],
)
def test_a_planted_fault_is_found_and_said(broken, said):
    (row,) = audit_family(broken(), draws=500)
    assert not row["passed"]
    assert said in " ".join(row["failures"])


@pytest.mark.slow
def test_what_the_planted_faults_were_planted_in_passes():
    (row,) = audit_family(Squares(), draws=500)
    assert row["passed"], row["failures"]
    assert row["compared"] == 0 and row["notes"][-1] == "there is no second solver to compare with (Family.second)"
    assert not row["proven"] and cells(row)[-1] == "unproven"


@pytest.mark.slow
def test_a_plug_in_s_own_second_solver_is_agreed_with(monkeypatch):
    monkeypatch.setattr(Squares, "second", lambda self, prompt: str(int(prompt.split()[3]) ** 2))
    (row,) = audit_family(Squares(), draws=300)
    assert row["passed"] and row["proven"] and row["compared"] == 300 and cells(row)[-1] == "passed"
    monkeypatch.setattr(Squares, "second", lambda self, prompt: "5")
    (row,) = audit_family(Squares(), draws=300)
    first = row["examples"]["disagreements"]
    assert (first["level"], first["answers"][1]) == (1, "5") and first["prompt"].startswith("Square the number ")
    said = f"second solver disagrees: 300, such as at level 1: {first['prompt']!r} ({first['answers'][0]} or 5)"
    assert row["failures"] == [said]


@pytest.mark.slow
def test_a_slow_family_is_drawn_little_more_often_than_asked(monkeypatch):
    """What was drawn once serves for guesses and supply; no split is drawn to its end to count it."""
    drawn, told, found = [], [], {}

    class Larger(Squares):
        def draw(self, random, level):
            drawn.append(level)
            return super().draw(random, level + 6)

    for slow in (False, True):
        Larger.slow = slow
        drawn.clear()
        (found[slow],) = audit_family(Larger(), draws=5000)
        assert (found[slow]["failures"], found[slow]["draws"]) == ([], 5000)
        assert 5_500 < len(drawn) < 8_000 if slow else len(drawn) > 10_000
    assert found[True]["guess"] and found[True]["supply"]["level"] == 1
    assert [bool(found[slow]["supply"]["splits"]) for slow in (False, True)] == [True, False], "none was drawn twice"
    monkeypatch.setattr(FifteenInputs, "slow", True)
    (few,) = audit_family(FifteenInputs(), draws=500)
    assert few["supply"]["problems"] == 15 and few["supply"]["splits"]["test"]["problems"] == 1
    monkeypatch.setattr(families, "get", lambda name: Larger())
    list(audit(["squares"], AuditConfig(draws=500, jobs=1), told.append))
    phases = ["0 of 500 draws", "repeats at level 1 of train", "guesses at level 10", "supply of level 10"]
    assert [text for text in told if text.removeprefix("squares (answer): ") in phases] == [
        f"squares (answer): {phase}" for phase in phases
    ]


@pytest.mark.parametrize(
    ("broken", "finding"),
    [
        pytest.param(Ambiguous, "ambiguous", marks=pytest.mark.slow),
        (Spaced, "collisions"),
        pytest.param(Telling, "leaks", marks=pytest.mark.slow),
    ],
)
def test_the_first_problem_of_a_finding_is_shown(broken, finding, monkeypatch):
    monkeypatch.setattr(broken, "forms", ("answer",))
    (row,) = audit_family(broken(), draws=500)
    first = row["examples"][finding]
    assert first["level"] in range(1, 11) and first["prompt"] and first["answers"]
    assert sum("such as at level" in failure for failure in row["failures"]) == len(row["examples"])


def test_a_question_with_several_right_answers_that_says_not_which_is_found(tmp_path, monkeypatch):
    (tmp_path / "two_sum.py").write_text(TWO_SUM)
    monkeypatch.setattr(oracles, "__path__", [*oracles.__path__, str(tmp_path)])
    (row,) = audit_family(TwoSum(), draws=300)
    assert row["disagreements"] > 0 and row["compared"] == row["draws"]
    assert any("second solver disagrees" in failure for failure in row["failures"])


def test_a_second_solver_may_be_slow(monkeypatch: pytest.MonkeyPatch):
    """It is written to be plain, not fast: where it takes more steps than a mutant is given, it still agrees."""
    problem = next(draw.stream("number_programs", 4, "train", 0, "program"))
    plain = oracles.function("number_programs", problem.prompt, problem.program.entry_point)

    def slow(*args):
        for _ in range(mutants.MOST_STEPS):
            pass
        return plain(*args)

    monkeypatch.setattr(oracles, "function", lambda *asked: slow)
    row = AuditRow("number_programs", "program")
    check_program(row, problem.prompt, problem.program, 4)
    assert (row.compared, row.disagreements) == (1, 0)


def test_one_statement_with_other_examples_is_the_same_question():
    """Formats told apart by a mark that no step named: a split's problem, with other examples, stood in another one."""
    family, row, met = ParserPrograms(), AuditRow("parser_programs", "program"), SeenPrompts()
    steps = ((0, ()), (3, ()))
    for kind in ("entries &~%", "entries &:%", "entries &~%"):
        exercise = family.exercise((kind, steps), 1, Random(0))
        prompt, program = programs.build(exercise)
        met.check_prompt(row, draw.Drawn("id", prompt, None, exercise, program), json.dumps(program.to_dict()), 1, 1)
    assert row.ambiguous == 1


def test_a_grader_of_one_test_is_found():
    """The one shown example was the one test, in a prototype: `return 14` passed."""
    problem = next(draw.stream("number_programs", 4, "train", 0, "program"))
    exercise = draw.redraw(problem).exercise
    for tests, lowest, highest in ((problem.program.tests, 0.9, 1), (problem.program.tests[:1], 0, 0.8)):
        row, mutated = AuditRow("number_programs", "program"), MutationCount()
        program = replace(problem.program, tests=tests)
        check_program(row, problem.prompt, program, 4)
        mutated.add(exercise, program)
        row.mutation_score = mutated.score()
        assert lowest <= row.mutation_score <= highest
        assert len(conclude(row).failures) == (2 if len(tests) == 1 else 0)


@pytest.mark.slow
def test_the_supply_of_a_scarce_level_is_counted_and_of_a_rich_one_estimated():
    (row,) = audit_family(FifteenInputs(), draws=200, count=100)
    supply = row["supply"]
    assert (supply["level"], supply["problems"], supply["exact"]) == (1, 15, True)
    assert sum(part["problems"] for part in supply["splits"].values()) == 15
    assert row["notes"][0].startswith("level 1 has ") and "in train" in row["notes"][0]
    (row,) = audit_family(Squares(), draws=200, count=2000, split="test")
    assert list(row["supply"]["splits"]) == ["test"]
    assert 8000 <= row["supply"]["problems"] <= 10_000 and not row["supply"]["exact"]
    assert 850 < row["supply"]["splits"]["test"]["problems"] < 950 and row["supply"]["splits"]["test"]["exact"]
    assert row["passed"], "that so many cannot be had is no failure"


def test_expected_repeats_are_those_of_drawing_with_replacement():
    random = Random(0)
    repeats = [1000 - len({random.randrange(700) for _ in range(1000)}) for _ in range(200)]
    assert expected_repeats(1000, 700) == pytest.approx(sum(repeats) / 200, abs=3)
    assert expected_repeats(5, 1) == 4 and expected_repeats(5, 0) == 5 and expected_repeats(1, 10**9) == 0
    assert estimate(Counter({"a": 2, "b": 3}), 10).exact
    estimated = estimate(Counter(random.randrange(5000) for _ in range(2000)), 10)
    assert estimated.problems == pytest.approx(5000, rel=0.2) and not estimated.exact


@pytest.mark.slow
def test_families_side_by_side_give_the_same_rows_in_the_same_order():
    names = ["gcd_chain", "clock", "base_conversion"]
    assert list(audit(names, AuditConfig(draws=50, jobs=2))) == list(audit(names, AuditConfig(draws=50, jobs=1)))


@pytest.mark.slow
def test_the_command_shows_a_table_and_fails_where_a_family_does(tmp_path):
    (tmp_path / "fifteen.py").write_text(FIFTEEN)
    info = tmp_path / "fifteen-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: fifteen\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[axiom.families]\nfifteen = fifteen:Fifteen\n")
    path = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}
    done = axiom(
        "problems", "audit", "fifteen", "syllogisms", "--draws", "100", "--count", "50", cwd=tmp_path, env=path
    )
    failed(done, 6, "1 check of 2 failed", "fifteen (answer): level 1 has 15 distinct problems", "in test")
    assert [(row["family"], row["passed"]) for row in rows(done.stdout)] == [("fifteen", False), ("syllogisms", True)]
    header = next(line for line in talk(done) if line.startswith("family"))
    assert "scarcest level" in header and "guess" in header
    failed(axiom("problems", "audit", "clock", "--split", "dev", cwd=tmp_path), 2, "--split dev is not one of")


def test_an_unknown_family_is_missing():
    with pytest.raises(MissingError):
        list(audit(["arithmetics"]))


SOURCE = "def f(xs):\n    total = 0\n    while xs and xs[-1] > 2:\n        total += xs.pop()\n    return total\n"


def test_weak_tests_have_a_low_mutation_score():
    """The one shown example was the one test, in a prototype: `return 14` passed."""

    def compiled(source):
        return programs.compiled(source, "f")

    calls = [[[n, 3, 5, m]] for n in range(4) for m in range(5)]
    weak = mutants.score(SOURCE, compiled, [{"args": [[]], "expected": 0}], calls)
    strong = mutants.score(
        SOURCE, compiled, [{"args": call, "expected": compiled(SOURCE)(list(call[0]))} for call in calls], calls
    )
    assert weak[0] < 0.5 * weak[1]
    assert strong[0] == strong[1] == weak[1]


def test_mutants_that_never_end_are_ended():
    endless = programs.compiled("def f():\n    while True:\n        pass\n", "f")
    assert mutants.outcome(endless, []) == ("error", "TooManyStepsError")


def test_second_solvers_share_no_code_with_the_families():
    for path in Path(oracles.__path__[0]).glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from axiom_cli", "import axiom_cli")):
                assert line.startswith("from axiom_cli.problems.families.oracles"), (path.name, line)
