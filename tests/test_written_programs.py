"""A program is read in one place: the right one of several blocks, with what it uses from the others."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from axiom_cli.problems import written_programs
from axiom_cli.problems.written_programs import read_program

PROGRAM = "def f(x):\n    return x"
QUOTING = 'def f(x):\n    """\n    ```\n    f(1)\n    ```\n    """\n    return x'
# Unclosed reasoning begins at a `<think>` wherever it stands, except in a string of a closed block that parses.
SAID = st.text(max_size=30).filter(lambda text: "think>" not in text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"```python\n{PROGRAM}\n```", PROGRAM),
        (f"<think>\nhm\n</think>\nHere:\n```python\n{PROGRAM}\n```\nDone.", PROGRAM),
        (f"```python\ndef f(x): pass\n```\n```python\n{PROGRAM}\n```", PROGRAM),
        (f"```python\n{PROGRAM}\n```\n```python\nprint(f(1))\n```", PROGRAM),
        (f"<think>\n```python\n{PROGRAM}\n```\n</think>\n", None),
        (f"```python\n{PROGRAM}", PROGRAM),
        (f"```\n{PROGRAM}\n```", PROGRAM),
        (f"```bash\npip install x\n```\n```py\n{PROGRAM}\n```\n```text\nf = 2\n```", PROGRAM),
        (f"```text\nno end\n```Python\n{PROGRAM}\n```", PROGRAM),
        (f"```\nf = 3\n```\n```py\n{PROGRAM}\n```", PROGRAM),
        (f"```py\n{PROGRAM}\n```\n```\nf = abs\n```", PROGRAM),
        (f"````python\n{PROGRAM}\n```\n````", None),
        (f"```python\n{PROGRAM}\n````", PROGRAM),
        (QUOTING, QUOTING),
        (PROGRAM, PROGRAM),
        (f"</think>\n{PROGRAM}\n", PROGRAM),
        ("f = lambda x: x", "f = lambda x: x"),
        (f"```python\nasync {PROGRAM}\n```\n```python\nprint(f(1))\n```", f"async {PROGRAM}"),
        (f"```python\n{PROGRAM}\n```\nOr:\n```python\nasync {PROGRAM}\n```", PROGRAM),
        ("```python\ndef g(x):\n    return x\n```", None),
        ("```python\ndef f(x:\n```", None),
        ("The function f returns x.", None),
    ],
)
def test_a_program_is_the_last_block_that_defines_the_entry_point(text, read):
    assert read_program(text, "f") == read


@pytest.mark.slow
@settings(deadline=None)
@given(SAID)
def test_programs_with_any_text_in_their_strings_come_back_whole(text):
    code = f"def f():\n    return {text!r}"
    assert read_program(f"```python\n{code}\n```", "f") == code


def test_the_output_that_is_shown_beside_a_script_is_no_script():
    script = "print(sum(map(int, input().split())))"
    assert read_program(f"```python\n{script}\n```\nIt prints\n```\n6\n```", "<stdin>") == script
    assert read_program(f"```\n{script}\n```\nIt prints\n```\n6\n```", "<stdin>") == script
    assert read_program("It prints\n```\n6\n```", "<stdin>") is None


@pytest.mark.parametrize(
    ("code", "bound"),
    [
        ("class f:\n    pass", True),
        ("f = lambda x: x", True),
        ("f: object = abs", True),
        ("f: object", False),
        ("g = f = abs", True),
        ("g, (f, *h) = abs, (abs,)", True),
        ("f.x = 1", False),
        ("f[0] = 1", False),
        ("g[f] = 1", False),
        ("import f", True),
        ("import os.path as f", True),
        ("import os.f", False),
        ("from math import gcd as f", True),
        ("from f import gcd", False),
        ("async def f(): pass", True),
        ("def g():\n    def f(): pass", False),
        ("class G:\n    def f(self): pass", False),
        ("if g:\n    pass\nelse:\n    def f(): pass", True),
        ("try:\n    from m import f\nexcept ImportError:\n    g = 1", True),
        ("try:\n    import m\nexcept ImportError:\n    def f(): pass", True),
        ("with g() as h:\n    if h:\n        f = 1", True),
        ("if g:\n    pass\n" + "elif g:\n    pass\n" * 2000 + "else:\n    f = 1", True),
        ("f", False),
        ("def \uff46(): pass", True),
    ],
)
def test_a_name_is_bound_at_the_top_level_or_in_its_branches(code, bound):
    assert written_programs.defines(code, "f") is bound


def test_hostile_programs_are_turned_down_without_harm():
    """Each is parsed in a fresh process: a crash of the interpreter would be seen."""
    hostile = [
        "'('*49000",
        "'-'*49000+'1'",
        "'x'+'.a'*24000",
        "'f'+'()'*24000",
        "'['*24000+']'*24000",
        "'1'+'+1'*24000",
        "'9'*49000",
        "'a\\0b'",
        "'\\ud800 = 1'",
        "'def f(): pass\\n'*10000",
    ]
    code = (
        "from axiom_cli.problems import written_programs\nfor t in ["
        + ",".join(hostile)
        + "]: assert not written_programs.defines(t, 'f')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_nothing_is_executed(tmp_path):
    target = tmp_path / "made"
    text = f"```python\nopen({str(target)!r}, 'w')\ndef f(): return 1\n```"
    assert read_program(text, "f")
    assert not target.exists()


def fenced(code, info="python"):
    return f"```{info}\n{code}\n```\n"


HELPER = "def twice(x):\n    return x + x"
USES = "def f(x):\n    return twice(x)"
STUB = "def f(x: int) -> int: ..."


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (fenced(PROGRAM) + "Usage:\n" + fenced("from solution import f\nprint(f(3))"), PROGRAM),
        (fenced(PROGRAM) + fenced("import f"), PROGRAM),
        (fenced(PROGRAM) + fenced("f = Solution().f"), PROGRAM),
        (fenced("f = lambda x: x") + fenced("from solution import f"), "f = lambda x: x"),
        (fenced("class f:\n    x = 1") + fenced("from m import f as f"), "class f:\n    x = 1"),
        (fenced("class Solution:\n    def f(self, x):\n        return x") + fenced("f = Solution().f"), None),
        (fenced(PROGRAM) + fenced(STUB), PROGRAM),
        (fenced(PROGRAM) + fenced("def f(x):\n    pass"), PROGRAM),
        (fenced(PROGRAM) + fenced('def f(x):\n    """Says x."""'), PROGRAM),
        (fenced(PROGRAM) + fenced('def f(x):\n    """Says x."""\n    ...'), PROGRAM),
        (fenced(PROGRAM) + fenced("def f(x):\n    raise NotImplementedError"), PROGRAM),
        (fenced(PROGRAM) + fenced("class Solution:\n    def f(self, x): ..."), PROGRAM),
        (fenced("def f(x):\n    return 1") + "Better:\n" + fenced(PROGRAM), PROGRAM),
        (fenced(PROGRAM) + fenced("def f(x):\n    if x:\n        pass"), "def f(x):\n    if x:\n        pass"),
        (fenced("class f(Base):\n    pass"), "class f(Base):\n    pass"),
        (fenced("from operator import neg as f"), "from operator import neg as f"),
    ],
)
def test_a_definition_goes_before_an_import_and_an_empty_body_last(text, read):
    assert read_program(text, "f") == (read or "class Solution:\n    def f(self, x):\n        return x")


@pytest.mark.parametrize("empty", [STUB, "def f(x): pass", 'def f(x):\n    """Says x."""'])
def test_an_empty_function_alone_is_no_program(empty):
    assert read_program(fenced(empty), "f") is None
    assert read_program(empty, "f") is None


def test_an_empty_class_alone_is_judged_as_it_stands():
    empty = "class f:\n    pass"
    assert read_program(fenced(empty), "f") == read_program(empty, "f") == empty
    assert read_program(fenced(PROGRAM) + fenced(empty), "f") == PROGRAM


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (fenced(HELPER) + "Then:\n" + fenced(USES), f"{HELPER}\n{USES}"),
        (fenced(USES) + "with\n" + fenced(HELPER), f"{HELPER}\n{USES}"),
        (fenced("import math") + fenced("def f(x):\n    return math.pi"), "import math\ndef f(x):\n    return math.pi"),
        (fenced("M = 7\nprint(M)") + fenced("def f(x):\n    return x % M"), "M = 7\ndef f(x):\n    return x % M"),
        (
            fenced("def a(x):\n    return x") + fenced("def twice(x):\n    return a(x) + x") + fenced(USES),
            f"def a(x):\n    return x\ndef twice(x):\n    return a(x) + x\n{USES}",
        ),
        (
            fenced("from functools import cache\n\n@cache\ndef twice(x):\n    return 2 * x") + fenced(USES),
            f"from functools import cache\n@cache\ndef twice(x):\n    return 2 * x\n{USES}",
        ),
        (fenced("def twice(x): ...") + fenced(USES), USES),
        (fenced(f"{HELPER}\n{USES}") + fenced(USES), f"{HELPER}\n{USES}"),
        (fenced(HELPER) + fenced(PROGRAM), PROGRAM),
        (fenced(HELPER, "bash") + fenced(USES), USES),
        (fenced("def twice(x):\n    return 3") + fenced(HELPER) + fenced(USES), f"{HELPER}\n{USES}"),
    ],
)
def test_what_the_program_uses_comes_from_other_blocks(text, read):
    assert read_program(text, "f") == read


READS = "n = int(input())\nprint(n * n)"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (fenced(READS) + fenced("print(3 * 3)"), READS),
        (fenced(READS) + fenced("def square(n):\n    return n * n"), READS),
        (fenced("import sys\nprint(sys.stdin.read())") + fenced("print(9)"), "import sys\nprint(sys.stdin.read())"),
        (fenced("print(open(0).read())") + fenced("print(9)"), "print(open(0).read())"),
        (fenced("import os\nprint(os.read(0, 9))") + fenced("print(9)"), "import os\nprint(os.read(0, 9))"),
        (fenced("from sys import stdin as s\nprint(s)") + fenced("print(9)"), "from sys import stdin as s\nprint(s)"),
        (fenced("for l in open('/dev/stdin'): print(l)") + fenced("print(9)"), "for l in open('/dev/stdin'): print(l)"),
        (fenced(READS, "") + fenced("print(9)", ""), READS),
        (fenced("print(8)") + fenced("print(9)"), "print(9)"),
        (fenced(READS) + "For 3 it prints\n" + fenced("9", ""), READS),
        (
            fenced("def main():\n    print(input())") + fenced("main()"),
            "def main():\n    print(input())\nmain()",
        ),
        (
            fenced("def square(n):\n    return n * n") + fenced("print(square(int(input())))"),
            "def square(n):\n    return n * n\nprint(square(int(input())))",
        ),
    ],
)
def test_a_script_that_reads_input_goes_before_one_that_only_prints(text, read):
    assert read_program(text, "<stdin>") == read


TOKENS = [
    "```",
    "~~~",
    "python",
    "\n",
    " ",
    ">",
    "- ",
    "1. ",
    '"""',
    PROGRAM,
    HELPER,
    USES,
    "</think>",
    "<think>",
    "(",
    "f",
    "\t",
    "\0",
    "é",
]


@settings(deadline=None, max_examples=300)
@example("```~~~def f(x):\n    return twice(x)")
@given(st.lists(st.sampled_from(TOKENS), max_size=40).map("".join))
def test_no_text_crashes_the_reader_and_what_it_reads_is_python(text):
    for name in ("f", "<stdin>"):
        code = read_program(text, name)
        assert code is None or compile(code, "", "exec")
