"""Rows in the layout of the sanitized MBPP, one for each way in which its asserts, and people's, are written.

Each is (solution, asserts, imports); the function is the last one that the solution defines.
"""

from __future__ import annotations

from typing import Any

ROWS: dict[str, tuple[str, list[str], list[str]]] = {}


def _row(name: str, code: str, *asserts: str, imports: tuple[str, ...] = ()) -> None:
    ROWS[name] = code, list(asserts), list(imports)


_row("whole numbers", "def f(n):\n    return n * n", "assert f(3) == 9", "assert f(0) == 0", "assert f(1)==(1)")
_row("negative numbers", "def f(n):\n    return -n", "assert f(3) == -3", "assert f(-3) == +3")
_row("large numbers", "def f(n):\n    return 2 ** n", "assert f(80) == 1208925819614629174706176", "assert f(3) == 8")
_row("floats", "def f(n):\n    return n / 2", "assert f(1) == 0.5", "assert f(4) == 2.0", "assert f(4) == 2")
_row("float of whole", "def f(n):\n    return (n * (n + 1)) / 2", "assert f(5) == 15", "assert f(6) == 21")
_row("negative zero", "def f(n):\n    return n * 0.0", "assert f(-1) == 0.0", "assert f(1) == -0.0")
_row("huge floats", "def f(n):\n    return n * 1e300", "assert f(2) == 2e300", "assert f(1e-300) == 1.0")
_row("infinity", "def f(x):\n    return x * 2", "assert f(float('inf')) == float('inf')", "assert f(1) == 2")
_row("infinity by literal", "def f(x):\n    return x * 2", "assert f(1e999) == 1e999", "assert f(1) == 2")
_row("no number", "def f(x):\n    return x * 1.0", "assert f(float('nan')) != f(float('nan'))", "assert f(1) == 1")
_row(
    "texts",
    "def f(s):\n    return s[::-1]",
    'assert f("abc") == "cba"',
    "assert f('') == ''",
    "assert f('é\\n') == '\\né'",
)
_row("half a pair", "def f(s):\n    return s + s", 'assert f("\\ud800") == "\\ud800\\ud800"', "assert f('a') == 'aa'")
_row("joined texts", "def f(s):\n    return s.upper()", "assert f('a' 'b') == 'A' 'B'", "assert f(r'\\d') == '\\\\D'")
_row("bytes", "def f(s):\n    return s.encode()", "assert f('a') == b'a'", "assert f('') == b''")
_row("complex", "def f(a):\n    return a * 1j", "assert f(2) == 2j", "assert f(0) == 0")
_row("truth by ==", "def f(n):\n    return n % 2 == 0", "assert f(2) == True", "assert f(3) == False")
_row("truth by is", "def f(n):\n    return n % 2 == 0", "assert f(2) is True", "assert f(3) is False")
_row("truth by is and ==", "def f(n):\n    return n % 2 == 0", "assert f(2) is True", "assert f(3) == False")
_row("bare truth", "def f(n):\n    return n % 2 == 0", "assert f(2)", "assert not f(3)")
_row(
    "bare truth of a list",
    "def f(s):\n    return [c for c in s if c in 'aeiou']",
    "assert f('abc')",
    "assert not f('xyz')",
)
_row(
    "number for truth",
    "def f(xs):\n    return sum(xs)",
    "assert f([True, False]) == 1",
    "assert f([True] * 2) == True + 1",
)
_row(
    "number that is one",
    "def f(xs):\n    return len(xs)",
    "assert f([7]) == 1",
    "assert f([]) == 0",
    "assert f([1, 2]) == 2",
)
_row(
    "truth in a list",
    "def f(xs):\n    return [x > 0 for x in xs]",
    "assert f([1, -1]) == [True, False]",
    "assert f([]) == []",
)
_row("nothing", "def f(xs):\n    return xs[0] if xs else None", "assert f([]) == None", "assert f([1]) == 1")
_row("nothing by is", "def f(xs):\n    return xs[0] if xs else None", "assert f([]) is None", "assert f([2]) == 2")
_row("something", "def f(xs):\n    return xs[0] if xs else None", "assert f([1]) is not None", "assert f([]) is None")
_row("lists", "def f(xs):\n    return sorted(xs)", "assert f([3, 1]) == [1, 3]", "assert f(['b', 'a']) == ['a', 'b']")
_row(
    "nested lists",
    "def f(xs):\n    return [sorted(x) for x in xs]",
    "assert f([[2, 1], []]) == [[1, 2], []]",
    "assert f([]) == []",
)
_row("tuple argument", "def f(t):\n    return len(set(t))", "assert f((1, 2, 1)) == 2", "assert f(()) == 0")
_row("list of tuples", "def f(a):\n    return len(set(a))", "assert f([(1, 2), (1, 2)]) == 1", "assert f([]) == 0")
_row("tuple result", "def f(a, b):\n    return (b, a)", "assert f(1, 2) == (2, 1)", "assert f([1], 'x') == ('x', [1])")
_row(
    "nested tuples",
    "def f(a, b):\n    return (a, (b, a))",
    "assert f(1, 2) == (1, (2, 1))",
    "assert f(3, 4) == (3, (4, 3))",
)
_row(
    "list with tuples", "def f(a, b):\n    return [(a, b)]", "assert f(1, 2) == [(1, 2)]", "assert f(3, 4) == [(3, 4)]"
)
_row("some tuples", "def f(a):\n    return tuple(a) if a else a", "assert f([1, 2]) == (1, 2)", "assert f([]) == []")
_row("set argument", "def f(s):\n    return len(s)", "assert f({1, 2}) == 2", "assert f(set()) == 0")
_row("set result", "def f(a):\n    return set(a)", "assert f([1, 2, 1]) == {1, 2}", "assert f([]) == set()")
_row("set of the result", "def f(a):\n    return a + a", "assert set(f([1, 2])) == {1, 2}", "assert f([]) == []")
_row(
    "dict by text",
    "def f(s):\n    return {c: s.count(c) for c in s}",
    "assert f('aab') == {'a': 2, 'b': 1}",
    "assert f('') == {}",
)
_row(
    "dict by number",
    "def f(a):\n    return {x: a.count(x) for x in a}",
    "assert f([7, 7])==({7: 2})",
    "assert f([]) == {}",
)
_row(
    "dict by tuple",
    "def f(a):\n    return {(a, a): 1}",
    "assert f(1) == {(1, 1): 1}",
    "assert f('x') == {('x', 'x'): 1}",
)
_row("dict argument", "def f(d):\n    return sum(d.values())", "assert f({'a': 1, 'b': 2}) == 3", "assert f({}) == 0")
_row(
    "counter",
    "import collections\ndef f(a):\n    return collections.Counter(a)",
    "assert f('aab') == {'a': 2, 'b': 1}",
    "assert f('') == {}",
)
_row(
    "named tuple",
    "from collections import namedtuple\nP = namedtuple('P', 'x y')\ndef f(x):\n    return P(x, x)",
    "assert f(1) == (1, 1)",
    "assert f(2) == (2, 2)",
)
_row("below", "def f(x):\n    return x / 3", "assert abs(f(1) - 0.3333) < 1e-3", "assert abs(f(3) - 1) < 0.001")
_row("within", "def f(x):\n    return x + 0.5", "assert abs(f(1) - 1) <= 0.5", "assert abs(2 - f(2)) <= 0.5")
_row(
    "above the difference",
    "def f(x):\n    return x / 3",
    "assert 1e-3 > abs(f(1) - 0.3333)",
    "assert 0.001 >= abs(f(3) - 1)",
)
_row("wide bound", "def f(x):\n    return x + 1", "assert abs(f(10) - 13) < 5", "assert abs(f(1) - 2) <= 1")
_row("narrow and exact", "def f(x):\n    return x / 2", "assert abs(f(1) - 0.5) < 1e-12", "assert f(4) == 2")
_row("one apart", "def f(x):\n    return x + 0.5", "assert abs(f(1) - 2) < 1", "assert abs(f(5) - 6) < 1")
_row(
    "isclose",
    "import math\ndef f(r):\n    return math.pi * r * r",
    "assert math.isclose(f(10), 314.159, rel_tol=0.001)",
    "assert math.isclose(f(2), 12.566370614359172)",
    imports=("import math",),
)
_row(
    "isclose absolutely",
    "def f(r):\n    return r / 3",
    "assert math.isclose(f(1), 0.33, rel_tol=0, abs_tol=0.01)",
    "assert math.isclose(0.0, f(0), abs_tol=1e-9)",
    imports=("import math",),
)
_row(
    "isclose to whole numbers",
    "def f(r):\n    return r * 1.0",
    "assert math.isclose(f(1000), 1001, rel_tol=0.01)",
    "assert math.isclose(f(3), 3)",
    imports=("import math",),
)
_row(
    "isclose of another module",
    "def f(r):\n    return r * 1.0",
    "assert isclose(f(3), 3.0)",
    "assert f(1) == 1",
    imports=("from math import isclose",),
)
_row("rounded", "def f(x):\n    return x / 3", "assert round(f(1), 2) == 0.33", "assert round(f(3), 2) == 1.0")
_row("sorted", "def f(x):\n    return [x, x - 1]", "assert sorted(f(2)) == [1, 2]", "assert sorted(f(0)) == [-1, 0]")
_row("length", "def f(x):\n    return [x] * x", "assert len(f(3)) == 3", "assert len(f(0)) == 0")
_row("first", "def f(x):\n    return [x] * 2", "assert f(3)[0] == 3", "assert f('a')[-1] == 'a'")
_row("type", "def f(x):\n    return int(x)", "assert isinstance(f('3'), int)", "assert type(f('4')) == int")
_row("generator", "def f(n):\n    yield from range(n)", "assert list(f(3)) == [0, 1, 2]", "assert list(f(0)) == []")
_row("with a message", "def f(x):\n    return x + 1", "assert f(1) == 2, 'one more'", "assert f(2) == 3, f'{f(2)}'")
_row("always true", "def f(x):\n    return x + 1", "assert (f(1) == 2, 'a tuple is true')", "assert f(2) == 3")
_row(
    "over lines",
    "def f(xs):\n    return sum(xs)",
    "assert f([\n    1,\n    2,\n]) == 3",
    "assert (\n    f([4])\n    == 4\n)",
)
_row("the other way round", "def f(x):\n    return x + 1", "assert 2 == f(1)", "assert 3 == f(2)")
_row("not equal", "def f(x):\n    return x + 1", "assert f(1) != 1", "assert f(2) == 3")
_row("one of", "def f(x):\n    return x % 3", "assert f(1) in (0, 1)", "assert f(2) in [2]")
_row("contains", "def f(x):\n    return str(x)", "assert '1' in f(12)", "assert f(3) == '3'")
_row("greater", "def f(x):\n    return x + 1", "assert f(1) > 1", "assert f(2) >= 3")
_row("chained", "def f(x):\n    return x + 1", "assert 1 < f(1) < 3", "assert f(1) == f(1) == 2")
_row("and", "def f(x):\n    return x + 1", "assert f(1) == 2 and f(2) == 3", "assert f(3) == 4 or f(3) == 5")
_row(
    "several at once", "def f(x):\n    return x % 2 == 0", "assert (f(4), f(5)) == (True, False)", "assert f(2) == True"
)
_row("all", "def f(x):\n    return x * 2", "assert all(f(n) == n + n for n in range(5))", "assert f(1) == 2")
_row("named arguments", "def f(a, b=2):\n    return a - b", "assert f(1, b=1) == 0", "assert f(b=1, a=3) == 2")
_row("default arguments", "def f(a, b=2):\n    return a - b", "assert f(1) == -1", "assert f(1, 1) == 0")
_row(
    "unpacked arguments",
    "def f(a, b):\n    return a - b",
    "assert f(*[3, 1]) == 2",
    "assert f(**{'a': 1, 'b': 1}) == 0",
)
_row("computed arguments", "def f(xs):\n    return sum(xs)", "assert f([1] * 3) == 3", "assert f(list(range(4))) == 6")
_row("computed results", "def f(x):\n    return x / 3", "assert f(1) == 1 / 3", "assert f(2) == 2.0 / 3")
_row("variable", "def f(xs):\n    return xs[0]", "x = [5]\nassert f(x) == 5", "assert f([6]) == 6")
_row("loop", "def f(x):\n    return x + 1", "for n in range(3):\n    assert f(n) == n + 1", "assert f(5) == 6")
_row("branch", "def f(x):\n    return x + 1", "if True:\n    assert f(1) == 2", "assert f(5) == 6")
_row(
    "inside try",
    "def f(x):\n    return 1 / x",
    "try:\n    assert f(0) == 1\nexcept ZeroDivisionError:\n    pass",
    "assert f(1) == 1",
)
_row(
    "that swallows",
    "def f(x):\n    return x",
    "try:\n    assert f(1) == 2\nexcept AssertionError:\n    pass",
    "assert f(1) == 1",
)
_row(
    "raises",
    "def f(x):\n    return [1, 2][x]",
    "try:\n    f(9)\n    assert False\nexcept IndexError:\n    pass",
    "assert f(1) == 2",
)
_row("function never called", "def f(x):\n    return x", "def unused():\n    assert f(1) == 2", "assert f(1) == 1")
_row(
    "function that is called",
    "def f(x):\n    return x",
    "def test_f():\n    assert f(1) == 1\ntest_f()",
    "assert f(2) == 2",
)
_row(
    "helper",
    "def f(x):\n    return x + x",
    "def twice(x):\n    return 2 * x\nassert f(3) == twice(3)",
    "assert f(1) == 2",
)
_row("rebound", "def f(x):\n    return x", "assert f(2) == 2", "candidate = lambda x: 1\nassert candidate(5) == 1")
_row("bound elsewhere", "def f(x):\n    return x", "abs = lambda x: 0\nassert abs(f(1) - 5) < 0.5", "assert f(2) == 2")
_row("literals under names", "def f(x):\n    return x", "LIMIT = 3\nassert f(1) == 1", "assert f(2) == 2", "'a word'")
_row("walrus", "def f(x):\n    return x", "assert (y := f(1)) == 1", "assert y == 1")
_row(
    "given again", "def f(xs):\n    return [x + 1 for x in xs]", "xs = [1]\nassert f(f(xs)) == [3]", "assert xs == [1]"
)
_row(
    "counts its calls",
    "seen = []\ndef f(x):\n    seen.append(x)\n    return len(seen)",
    "assert f(0) == 1",
    "assert f(0) == 2",
)
_row("carriage returns", "def f(x):\r\n    return x", "assert f(1) == 1", "assert f('\\r') == '\\r'")
_row("no result", "def f(x):\n    pass", "assert f(1) == None", "assert f(1) is None")


def mbpp_row(name: str) -> dict[str, Any]:
    """The row as the set writes it."""
    code, asserts, imports = ROWS[name]
    about = {"source_file": "rows.ipynb", "task_id": name, "prompt": f"Write a function: {name}."}
    return {**about, "code": code, "test_imports": imports, "test_list": asserts}
