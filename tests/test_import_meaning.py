"""An imported row means what it means in Python: a program passes here exactly if the row's own asserts hold for it."""

from __future__ import annotations

import contextlib
import io
import warnings

import pytest

from assert_rows import ROWS, mbpp_row
from axiom_cli.importing.importer import import_problems
from axiom_cli.sandbox import Limits, Sandbox
from axiom_cli.settings.configs import VerifyConfig

WRAPPED = "\n_right = f\ndef f(*args, **named):\n    r = _right(*args, **named)\n    return {}\n"
RESULTS = (
    "r", "list(r)", "tuple(r)", "set(r)", "float(r)", "int(r)", "bool(r)", "str(r)", "r + 1e-7", "r + 1e-4", "r + 0.02",
    "r * 1.0005", "r + 1", "r - 3", "not r", "[r]", "(r,)", "None", "1", "True", "r or None", "r[::-1]", "dict(r)",
    "iter(r)", "[*r, 0]", "1 / 0",
)  # fmt: skip
CODE = {
    "infinity", "infinity by literal", "no number", "half a pair", "bytes", "complex", "bare truth",
    "bare truth of a list", "number for truth", "something", "tuple argument", "list of tuples", "nested tuples",
    "list with tuples", "set argument", "set result", "set of the result", "dict by number", "dict by tuple",
    "wide bound", "isclose to whole numbers", "isclose of another module", "rounded", "sorted", "length", "first",
    "type", "generator", "always true", "not equal", "one of", "contains", "greater", "chained", "and",
    "several at once", "all", "named arguments", "unpacked arguments", "computed arguments", "computed results",
    "variable", "loop", "branch", "inside try", "that swallows", "raises", "function never called",
    "function that is called", "helper", "rebound", "bound elsewhere", "walrus", "given again",
}  # fmt: skip
"""The rows whose tests no calls with expected results can say."""


def holds(name: str, program: str) -> bool:
    """What Python itself says. These programs are ours, and harmless."""
    _code, asserts, imports = ROWS[name]
    space = {"__name__": "row"}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an assert that is always true
        try:
            exec("\n".join([program, *imports, *asserts]), space)
        except Exception:  # whatever the program or an assert raises
            return False
    return True


@pytest.fixture(scope="module")
def imported():
    rows = [mbpp_row(name) for name in ROWS]
    return {one.name.removeprefix("mbpp/"): one for one in import_problems(rows, "mbpp", VerifyConfig(jobs=1))}


def test_every_row_is_imported(imported):
    assert {name: one.reason for name, one in imported.items() if one.problem is None} == {}
    assert len(imported) == len(ROWS) >= 60


def test_asserts_become_calls_where_those_say_the_same(imported):
    assert {name for name, one in imported.items() if one.problem.program.test_code} == CODE


def disagreements(imported, results):
    """The programs on which we and Python do not agree."""
    items = []
    for name, one in imported.items():
        for result in results:
            program = ROWS[name][0].replace("\r", "") + WRAPPED.format(result)
            items.append(((name, result), program, one.problem.program))
    with Sandbox(Limits(timeout=2.0), jobs=2) as box:
        for (name, result), outcome in box.run_many(items):
            program = ROWS[name][0].replace("\r", "") + WRAPPED.format(result)
            if (outcome.status == "pass") != holds(name, program):
                yield name, result, outcome


@pytest.mark.slow
def test_right_programs_and_a_few_wrong_ones_are_judged_as_python_does(imported):
    assert list(disagreements(imported, ("r", "r + 1e-4"))) == []


@pytest.mark.slow
def test_many_wrong_programs_are_judged_as_python_does(imported):
    assert list(disagreements(imported, RESULTS)) == []
