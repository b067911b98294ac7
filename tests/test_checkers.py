"""What a problem says about its tests: a checker for each, an argument in place of the result, what stands before."""

from __future__ import annotations

import pytest

from axiom_cli.errors import InputError
from axiom_cli.records import Program
from axiom_cli.sandbox import Limits, Sandbox


@pytest.fixture(scope="module")
def box():
    with Sandbox(Limits(timeout=2.0), jobs=1) as box:
        yield box


def program(*tests, entry="f", **fields):
    return Program(entry, f"{entry}(...)", tests=list(tests), **fields)


def case(args, expected, checker=None):
    return {"args": args, "expected": expected} | ({} if checker is None else {"checker": checker})


def test_the_checker_of_a_test_replaces_that_of_the_program(box):
    tests = case([1], 1.0), case([2], 2.0, "within:0.5"), case([3], 3.0, "")
    code = "def f(x): return x + 1e-9 * (x < 3) + 0.25 * (x == 2)"
    assert box.run(code, program(*tests, checker="float:1e-6")).status == "pass"
    outcome = box.run("def f(x): return x + 1e-9", program(*tests, checker="float:1e-6"))
    assert (outcome.status, outcome.passed, outcome.reason) == ("fail", 2, "wrong answer on test 3")


@pytest.mark.parametrize(
    ("checker", "right", "wrong"),
    [
        ("within:0.5", 10.5, 10.51),
        ("below:0.5", 10.49, 10.5),
        ("float:0.1", 11.0, 11.1),
        ("allclose:0.5:0.01", 10.6, 10.7),
        ("isclose:0.1:0.0", 11.1, 11.2),
        ("isclose:0:0.5", 9.5, 9.4),
    ],
)
def test_a_bound_is_taken_as_it_is_written(checker, right, wrong, box):
    for value, status in ((right, "pass"), (wrong, "fail"), (float("nan"), "fail"), (float("inf"), "fail")):
        code = f"from math import inf, nan\ndef f(): return {value!r}"
        assert box.run(code, program(case([], 10.0, checker))).status == status


EXACT = [
    (4000000, 4000001), ([1, 4000000], [1, 4000001]), ({"a": [4000000]}, {"a": [4000001]}),
    (2**70, 2**70 + 1), (-4000000, -4000001),
]  # fmt: skip


@pytest.mark.parametrize(
    "bound", ["float:1e-6", "within:5", "allclose:5:1e-6", "isclose:1e-6:5", "float:1e-6,unordered"]
)
def test_whole_numbers_are_exact_whatever_the_bound(bound, box):
    for expected, other in EXACT:
        assert box.run(f"def f(): return {expected!r}", program(case([], expected), checker=bound)).status == "pass"
        assert box.run(f"def f(): return {other!r}", program(case([], expected), checker=bound)).status == "fail"
    assert box.run("def f(): return 4000001.0", program(case([], 4000000.0), checker="float:1e-6")).status == "pass"


@pytest.mark.parametrize(
    ("expected", "printed", "status"),
    [
        ("2000000", "2000001", "fail"),
        ("2000000", "+02000000", "pass"),
        ("0", "-0", "pass"),
        ("7", "-7", "fail"),
        ("2000000.0", "2000000.5", "pass"),
        ("2000000", "2000000.5", "pass"),
        ("1" * 5000, "1" * 4999 + "2", "fail"),
        ("1e400", "1e401", "fail"),
        ("x 1.0", "x 1.0000001", "pass"),
    ],
)
def test_whole_numbers_are_exact_among_printed_words(expected, printed, status, box):
    script = program(case([""], expected + "\n"), entry="<stdin>", checker="tokens,float:1e-6")
    assert box.run(f"print({printed!r})", script).status == status


def test_true_is_one_only_where_the_checker_says_so(box):
    for expected, value in ((True, "1"), (1, "True"), ([0], "[False]"), ({"a": True}, "{'a': 1.0}"), (False, "0.0")):
        for checker, status in (("bool_is_int", "pass"), ("bool_is_int,unordered", "pass"), (None, "fail")):
            assert box.run(f"def f(): return {value}", program(case([], expected), checker=checker)).status == status
    assert box.run("def f(): return 2", program(case([], True), checker="bool_is_int")).status == "fail"


IN_PLACE = {
    "def f(a): a.append(a.pop(0))": "pass",
    "def f(a): pass": "fail",
    "def f(a): return a[1:] + a[:1]": "fail",
    "class Solution:\n    def f(self, a): a[:] = a[1:] + a[:1]; return 7": "pass",
    "def f(a): a = a[1:] + a[:1]": "fail",
}


@pytest.mark.parametrize("code", IN_PLACE)
def test_an_argument_is_compared_after_the_call(code, box):
    assert box.run(code, program(case([[1, 2, 3]], [2, 3, 1]), checker="in_place")).status == IN_PLACE[code]


def test_which_argument_and_by_which_rule(box):
    code = "def f(n, a, b):\n    b.clear()\n    a.reverse()\n    return n"
    tests = (
        case([1, [1, 2], []], [1, 2], "argument:1,unordered"),
        case([1, [1, 2], []], [2, 1], "argument:1"),
        case([1, [1], [3]], [], "argument:2"),
        case([1, [1], [3]], 1),
    )
    assert box.run(code, program(*tests)).status == "pass"
    with pytest.raises(InputError, match="test 1 .* has no argument 3"):
        box.run(code, program(case([1, [1], []], [], "argument:3")))


@pytest.mark.parametrize("wrong", ["argument", "argument:-1", "argument:x", "in_place:1", "allclose:1", "below:nan"])
def test_unknown_words_are_told_with_all_that_are_known(wrong, box):
    with pytest.raises(InputError, match="unknown checker") as error:
        box.run("def f(a): pass", program(case([[]], []), checker=wrong))
    assert "argument:N" in error.value.hint and "bool_is_int" in error.value.hint


PRELUDE = "from typing import List\nimport math\nclass Node:\n    def __init__(self, v): self.v = v\n"
HINTED = "def f(xs: List[int]) -> Node:\n    n = Node(sum(xs))\n    return math.floor(n.v)"


def test_a_prelude_stands_before_a_function_a_script_and_tests_that_are_code(box):
    assert box.run(HINTED, program(case([[1, 2]], 3))).status == "fail"
    assert box.run(HINTED, program(case([[1, 2]], 3), prelude=PRELUDE)).status == "pass"
    script = program(case(["4"], "2"), entry="<stdin>", prelude="from math import *\n")
    assert box.run("print(int(sqrt(int(input()))))", script).status == "pass"
    code = Program(
        "g", "g(...)", test_code="assert g(Node(3)) == twice(3)", prelude=PRELUDE + "def twice(x): return 2 * x"
    )
    assert box.run("def g(n: Node): return 2 * n.v", code).status == "pass"
    assert box.run("def g(n: Node): return 3 * n.v\ndef twice(x): return 9", code).status == "fail", "its own helper"


def test_a_prelude_leaves_the_line_numbers_of_the_program(box):
    long = "x = 1\n" * 40
    assert box.run("def f(:", program(case([], 1), prelude=long)).reason.endswith("line 1)")


def test_a_prelude_may_defer_all_hints(box):
    prelude = "from __future__ import annotations"
    assert box.run("def f(x: Unheard) -> Of: return x", program(case([1], 1), prelude=prelude)).status == "pass"


def test_a_prelude_that_does_not_run_is_no_label(box):
    for fields in ({"tests": [case([], 1)]}, {"test_code": "assert f() == 1"}):
        outcome = box.run("def f(): return 1", Program("f", "f()", prelude="import nothing_of_that_name", **fields))
        assert outcome.status == "infra" and outcome.reason.startswith("its prelude does not run: ModuleNotFound")
    for prelude in ("1 / 0", "raise SystemExit(0)"):
        script = Program("<stdin>", "", tests=[case(["1"], "1"), case(["2"], "2")], prelude=prelude)
        outcome = box.run("print(input())", script)
        assert outcome.status == "infra" and outcome.reason.startswith("its prelude does not run: "), "of every test"
    with pytest.raises(InputError, match="prelude .* is not Python"):
        box.run("def f(): return 1", program(case([], 1), prelude="import ("))


IMPOSSIBLE = {
    "a number printed": ("<stdin>", case(["1"], 3), "expects 3, but what a script prints is text"),
    "lines printed": ("<stdin>", case(["1"], ["3"]), "expects ['3'], but what a script prints is text"),
    "nothing printed": ("<stdin>", case(["1"], None), "expects None"),
    "a script's argument": ("<stdin>", case(["1"], "1", "in_place"), "a script has none"),
    "a number in place": ("f", case([3], 4, "in_place"), "no call can turn its argument 0, 3, into 4"),
    "text in place": ("f", case([[], "ab"], "ba", "argument:1"), "no call can turn its argument 1"),
    "a list into nothing": ("f", case([[1]], None, "in_place"), "no call can turn its argument 0"),
    "no list for a tuple": ("f", case([1], 2, "tuple"), "not a list that stands for a tuple"),
    "two bounds": ("f", case([1], 2.0, "float:1e-6,within:1"), "contradicts itself"),
    "a checker that is not text": ("f", case([1], 2.0, 3), "has the checker 3"),
    "too many to match": ("f", case([1], [["a", 1.5]] * 2001, "unordered,float:1e-6"), "more than 2000 items"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_nobody_could_pass_is_an_input_error(name, box):
    entry, test, said = IMPOSSIBLE[name]
    with pytest.raises(InputError) as error:
        box.run("def f(*args): pass", program(test, entry=entry))
    assert said in str(error.value)


PRINTED = {
    ("0.5\n", "0.5", "float:1e-6"): "pass",
    ("0.333333\n", "0.3333333333333333", "float:1e-6"): "pass",
    ("0.5\n", "0.6", "float:1e-6"): "fail",
    ("a\nb c\n", "b  c\n\na", "unordered"): "pass",
    ("a\nb c\n", "c b\na", "unordered"): "fail",
    ("a\na\nb\n", "a\nb\nb", "unordered"): "fail",
    ("x 1.0\ny 2.0\n", "y 2.0000001\nx 1", "unordered,within:1e-3"): "pass",
    ("x 1.0\ny 2.0\n", "y 1\nx 2", "unordered,within:1e-3"): "fail",
    ("a b\n", "a  b", ""): "pass",
    ("a b\n", "ab", ""): "fail",
    ("[1]\n", "[1]", "tuple_is_list"): "pass",
}


@pytest.mark.parametrize(("expected", "printed", "checker"), PRINTED)
def test_what_a_script_prints_is_compared_by_words_whatever_the_checker(expected, printed, checker, box):
    status = PRINTED[expected, printed, checker]
    code = f"print({printed!r})"
    assert box.run(code, program(case([""], expected), entry="<stdin>", checker=checker)).status == status
    assert box.run(code, program(case([""], expected, checker), entry="<stdin>", checker="within:9")).status == status


def test_a_list_that_stands_for_a_tuple(box):
    for value, status in (("(2, 1)", "pass"), ("[2, 1]", "fail"), ("(2, 1.0)", "pass"), ("(1, 2)", "fail")):
        assert box.run(f"def f(): return {value}", program(case([], [2, 1]), checker="tuple")).status == status


HINTS = {
    "a function": "def f(xs: List[int]) -> Optional[int]: return xs[0]",
    "a method": "class Solution:\n    def f(self, xs: List[int]) -> int: return xs[0]",
    "a function in a function": "def f(xs):\n    def g(x: Optional[Node]) -> Tuple[int]: return x\n    return g(xs[0])",
    "a variable": "total: Dict[str, int] = {}\ndef f(xs): return xs[0]",
    "an attribute": "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: List[int]\n"
                    "def f(xs): return A(xs).x[0]",
    "over lines": "def f(\n    xs: List[\n        int\n    ],\n): return xs[0]",
    "evaluated where they can be": "def f(xs: list[int]): return xs[f.__annotations__['xs'] != list[int]]",
    "only valid if evaluated": "def f(xs: (n := list)): return xs[0] if n is list else 0",
}  # fmt: skip


@pytest.mark.parametrize("name", HINTS)
def test_a_type_hint_without_its_import_fails_nothing(name, box):
    assert box.run(HINTS[name], program(case([[4, 5]], 4))).status == "pass"
    code = Program("f", "f(xs)", test_code="assert f([4, 5]) == 4")
    assert box.run(HINTS[name], code).status == "pass"


def test_a_name_that_is_used_and_not_only_hinted_at_is_missed(box):
    for code in (
        "def f(xs: List[int]): return List",
        "def f(xs: int): return deque(xs)[0]",
        "x: int = deque()\ndef f(xs): 0",
    ):
        outcome = box.run(code, program(case([[4, 5]], 4)))
        assert outcome.status == "fail" and "NameError" in outcome.reason


def test_a_script_may_have_hints_without_their_imports(box):
    code = "def main(xs: List[int]) -> None:\n    print(sum(xs))\nmain(list(map(int, input().split())))"
    assert box.run(code, program(case(["1 2"], "3"), entry="<stdin>")).status == "pass"


@pytest.mark.slow
def test_a_result_may_be_as_large_as_what_is_expected(box):
    digits = [n % 10 for n in range(400_000)]
    code = "def f(n): return [x % 10 for x in range(n)]"
    assert box.run(code, program(case([400_000], digits))).status == "pass"
    assert box.run(code, program(case([400_000], digits), case([4], digits[:4]))).status == "pass"
    floats = "def f(n): return [float(x % 10) for x in range(n)]"
    assert box.run(floats, program(case([400_000], digits))).status == "pass"
    script = program(case(["400000"], " ".join(map(str, digits))), entry="<stdin>")
    lines = "print(*(x % 10 for x in range(int(input()))), sep='\\n', end='\\n\\n')"
    assert box.run(lines, script).status == "pass"
    twice = f"text = {'ab' * 300_000!r}\nassert f(300_000) == text\nassert f(300_000) == text"
    assert box.run("def f(n): return 'ab' * n", Program("f", "f(n)", test_code=twice)).status == "pass"
    outcome = box.run("def f(n): return [0] * (10 * n)", program(case([400_000], digits)))
    assert (outcome.status, outcome.reason) == ("fail", "its results were too large")


def test_a_program_cannot_blame_a_prelude(box):
    write = "os.write(3, struct.pack('=cI', b'P', 4) + b'oops')"
    for code in (
        f"import os, struct\ndef f(): return 1\n{write}\nos._exit(0)",
        f"import os, struct\ndef f():\n    {write}\n    os._exit(0)",
    ):
        for fields in ({"tests": [case([], 1)]}, {"test_code": "assert f() == 1"}):
            assert box.run(code, Program("f", "f()", **fields)).status == "fail"
