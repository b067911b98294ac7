"""Tests written for pytest or unittest, that import the program as `solution`: each test that nobody calls is run."""

from __future__ import annotations

import pytest

from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox

CODE = """
def f(x): return 2 * x
def g(x):
    if x < 0:
        raise ValueError('%d is negative' % x)
    return x + 0.1
class S:
    def __init__(self): self.v = 1
"""


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=3.0), jobs=1) as box:
        yield box


def program(test_code, reference=None):
    return Program("f", "def f(...)", test_code=test_code, reference=reference)


FROM = "import pytest\nfrom solution import f, g\n"
CASES = "@pytest.mark.parametrize('x, y', [(1, 2), (2, 4), pytest.param(3, {}, marks={}pytest.mark.skip)])\n"
HOLD = {
    "functions": "from solution import f\ndef test_a():\n    assert f(1) == 2\ndef test_b():\n    assert f(2) == 4",
    "a module": "import solution\ndef test_a():\n    assert solution.f(2) == 4 and solution.S().v == 1",
    "another name": "import solution as s\ndef test_a(): assert s.f(2) == 4\nif __name__ == '__main__':\n    test_a()",
    "a star": "from solution import *\ndef test_a():\n    assert g(2) == 2.1",
    "raises": FROM + "def test_a():\n    with pytest.raises(ValueError, match='-1 is') as e:\n        g(-1)\n"
              "    assert 'negative' in str(e.value) and e.type is ValueError\n    pytest.raises(ValueError, g, -1)",
    "approx": FROM + "def test_a():\n    assert g(0.2) == pytest.approx(0.3)\n"
              "    assert [g(1)] == pytest.approx([1.1])\n"
              "    assert g(1) != pytest.approx(1.2)\n    assert {'a': g(100)} == pytest.approx({'a': 100}, abs=0.2)",
    "parameters": FROM + CASES.format(7, "") + "def test_a(x, y):\n    assert f(x) == y",
    "a fixture": FROM + "@pytest.fixture\ndef two():\n    yield 2\ndef test_a(two):\n    assert f(two) == 4",
    "a class": "from solution import f\nclass TestF:\n    def setup_method(self):\n        self.x = 2\n"
               "    def test_a(self):\n        assert f(self.x) == 4",
    "unittest": "import unittest\nfrom solution import f, g\nclass Any(unittest.TestCase):\n    def setUp(self):\n"
                "        self.x = 2\n    def test_a(self):\n        self.assertEqual(f(self.x), 4)\n"
                "        with self.assertRaises(ValueError):\n            g(-1)\n"
                "        self.assertRaises(ValueError, g, -2)\n"
                "        with self.subTest('b'):\n            self.assertAlmostEqual(g(1), 1.1)\nunittest.main()",
    "a function that helps": "def test_one(a, b):\n    assert f(a) == b\ndef test_all():\n    test_one(1, 2)",
    "a method as candidate": "candidate = S().__init__\ndef check(candidate):\n    assert candidate(2) == 4\ncheck(f)",
}  # fmt: skip
FAIL = {
    "the second function": (HOLD["functions"].replace("4", "5"), "line 5"),
    "the last row": (FROM + CASES.format(7, "not ") + "def test_a(x, y):\n    assert f(x) == y", "line 5"),
    "nothing raised": (FROM + "def test_a():\n    with pytest.raises(ValueError):\n        g(1)", "line 4"),
    "another is raised": (
        FROM + "def test_a():\n    with pytest.raises(KeyError):\n        g(-1)",
        "ValueError: -1 is",
    ),
    "not near": (HOLD["approx"].replace("0.3", "0.31"), "line 4"),
    "a class": (HOLD["a class"].replace("== 4", "== 5"), "line 6"),
    "unittest": (HOLD["unittest"].replace("self.x), 4", "self.x), 5"), "line 7"),
    "a name that is not there": ("from solution import f, h\ndef test_a():\n    assert f(1) == 2", "does not define h"),
}
BEYOND = {
    "from solution import f\ndef test_a(tmp_path):\n    assert f(2) == 4": "cannot be judged: the fixture tmp_path",
    FROM + "def test_a():\n    with pytest.warns(UserWarning):\n        f(1)": "cannot be judged: pytest.warns",
    FROM + "@pytest.mark.skip\ndef test_a():\n    assert f(1) == 2": "never calls",
}


@pytest.mark.parametrize("name", HOLD)
def test_tests_that_hold(name, box):
    outcome = box.run(CODE, program(HOLD[name]))
    assert (outcome.status, outcome.reason) == ("pass", "")


@pytest.mark.parametrize("name", FAIL)
def test_tests_that_do_not_hold(name, box):
    tests, reason = FAIL[name]
    outcome = box.run(CODE, program(tests))
    assert outcome.status == "fail" and reason in outcome.reason, outcome


@pytest.mark.parametrize("tests", BEYOND, ids=range(len(BEYOND)))
def test_what_cannot_be_judged_is_no_label(tests, box):
    outcome = box.run(CODE, program(tests))
    assert outcome.status == "infra" and BEYOND[tests] in outcome.reason, outcome


def test_a_name_that_the_reference_lacks_too_is_the_tests_fault(box):
    tests = "from solution import f, h\ndef test_a():\n    assert f(1) == 2"
    assert box.run(CODE, program(tests, reference=CODE + "h = 1")).status == "fail"
    assert box.run(CODE, program(tests, reference=CODE)).status == "infra"
