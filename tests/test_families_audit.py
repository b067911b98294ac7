"""The audit passes the families that ship, and sees each kind of broken family."""

from __future__ import annotations

from pathlib import Path

import pytest

from axiom_cli import families
from axiom_cli.errors import MissingError
from axiom_cli.families import programs, second
from axiom_cli.families.arithmetic import Arithmetic
from axiom_cli.stages import mutants
from axiom_cli.stages.audit import audit


@pytest.mark.parametrize(
    ("names", "draws"),
    [(families.names()[::5], 100), pytest.param([*families.names(), "handwritten"], 1000, marks=pytest.mark.slow)],
    ids=["some", "all"],
)
def test_every_family_that_ships_passes(names, draws):
    rows = list(audit(names, draws=draws))
    forms = {name: families.get(name).forms for name in names if name != "handwritten"} | {"handwritten": ("program",)}
    assert [(row["family"], row["form"]) for row in rows] == [(name, form) for name in names for form in forms[name]]
    assert [row["failures"] for row in rows if not row["passed"]] == []
    assert all(row["mutation_score"] >= 0.9 for row in rows if row["form"] == "program")
    assert all(row["distinct"] > 0.95 * row["draws"] for row in rows)


class TowardZero(Arithmetic):
    """States floor division, and rounds toward zero."""

    def answer(self, task):
        def value(tree):
            if isinstance(tree, int):
                return tree
            left, right = value(tree[1]), value(tree[2])
            if tree[0] in ("//", "%"):
                quotient = int(left / right)
                return quotient if tree[0] == "//" else left - right * quotient
            return {"+": left + right, "-": left - right, "*": left * right}[tree[0]]

        return str(value(task))


class Ambiguous(Arithmetic):
    """Keeps a part of the question to itself."""

    def statement(self, task):
        return super().statement(task).rpartition(" ")[0]


class Guessable(Arithmetic):
    """Nearly always answers yes."""

    def answer(self, task):
        return "yes"


class Telling(Arithmetic):
    """Shows the answer."""

    def statement(self, task):
        return f"{super().statement(task)}\nAnswer: {self.answer(task)}"


class Repeating(Arithmetic):
    """Asks the same at every level."""

    def draw(self, random, level):
        return ("+", random.randint(1, 30), random.randint(1, 30))


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (TowardZero, "disagreements"),
        (Ambiguous, "ambiguous"),
        (Telling, "leaks"),
        (Repeating, "collisions"),
    ],
)
def test_a_broken_family_fails(broken, field, monkeypatch):
    monkeypatch.setattr(families, "get", lambda name: broken())
    monkeypatch.setattr(broken, "forms", ("answer",))
    (row,) = audit(["arithmetic"], draws=1500)
    assert not row["passed"]
    assert row[field] > 0
    assert row["failures"]


def test_a_guess_that_pays_fails(monkeypatch):
    monkeypatch.setattr(families, "get", lambda name: Guessable())
    monkeypatch.setattr(Guessable, "forms", ("answer",))
    (row,) = audit(["arithmetic"], draws=100)
    assert row["guessable"] == 1.0
    assert any("one guess" in failure for failure in row["failures"])


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
    assert mutants.outcome(endless, []) == ("error", "TooLong")


def test_second_solvers_share_no_code_with_the_families():
    for path in Path(second.__path__[0]).glob("*.py"):
        for line in path.read_text().splitlines():
            if line.startswith(("from axiom_cli", "import axiom_cli")):
                assert line.startswith("from axiom_cli.families.second"), (path.name, line)
