"""The code blocks of a text are found whatever fences a model puts around them, and in a moment."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axiom_cli.problems.written_programs import read_program
from test_written_programs import PROGRAM, QUOTING, SAID, fenced

OPENINGS = ["python", "py", "Python", "PYTHON3", "python3", "py3", "", " python", "  py  ", "python\t", "python a=b"]


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(OPENINGS), st.sampled_from(["\n```", "\n```  ", "\n````", ""]), SAID)
def test_a_fence_may_name_python_in_its_own_way_and_want_its_end(opening, end, text):
    code = f"def f():\n    return {text!r}"
    said = f"Here:\n```{opening}\n{code}{end}"
    assert read_program(said, "f") == code
    assert read_program(said, "f", cut_off=True) == (code if end else None)


@settings(deadline=None)
@given(st.sampled_from(["bash", "text", "json", "js", "pycon", "c", "Pythonic"]), st.sampled_from(["\n```\n", ""]))
def test_a_block_in_another_language_is_never_taken(language, end):
    assert read_program(f"```{language}\n{PROGRAM}{end}", "f") is None
    assert read_program(f"```{language}\nprint(1)\n{end}", "<stdin>") is None
    assert read_program(f"```py\n{PROGRAM}\n```\n```{language}\nf = 1{end}", "f") == PROGRAM


DEEP = "def f(x):\n    if x:\n        return x\n    return 0"


def indented(text, prefix):
    return "\n".join(prefix + line for line in text.split("\n"))


@pytest.mark.parametrize(
    "code", [PROGRAM, DEEP, QUOTING, "def f(x):\n  return x", "# it says x\ndef f(x):\n\treturn x"]
)
@pytest.mark.parametrize(
    "form",
    [
        "1. So:\n\n   ```python\n{3}\n   ```\n2. Done.",
        "1. ```python\n{3}\n   ```",
        "- ```python\n{2}\n  ```\n",
        "* So:\n  * And:\n    ```py\n{4}\n    ```",
        "10. So:\n\n    ~~~ python\n{4}\n    ~~~",
        "> ```python\n{>}\n> ```",
        ">```python\n{>}\n>```",
        "> > ```python\n{>>}\n> > ```",
        "- > ```python\n{->}\n  > ```",
        "~~~python\n{0}\n~~~",
        "~~~~\n{0}\n~~~~~",
        "````python\n{0}\n````",
        "```python:sq.py\n{0}\n```",
        "```{{.python}}\n{0}\n```",
        "```{{.python .numberLines}}\n{0}\n```",
        "```{{python}}\n{0}\n```",
        '```python title="sq.py"\n{0}\n```',
        "```python3.11\n{0}\n```",
        "```language-python\n{0}\n```",
        "```sq.py\n{0}\n```",
        "```ipython\n{0}\n```",
        "```Python 3\n{0}\n```",
        "```py3\n{0}\n```",
        "```python\n{0}```",
        "```python\n{0}``` \nIt works.",
        "```python\n{0}\n\n```python\nprint(f(1))\n```",
        "```python\n{4}\n```",
        "  ```python\n{2}\n  ```",
        "\t```python\n{tab}\n\t```",
        "```python\n{0}\n``` \n",
        "<think>\n```python\ndef f(x): return 2\n```\n</think>\n```python\n{0}\n```",
    ],
)
def test_a_program_is_read_from_every_fence_that_markdown_knows_and_models_write(form, code):
    prefixes = {"{>}": "> ", "{>>}": "> > ", "{->}": "  > ", "{tab}": "\t"}
    text = form.replace("{{", "{").replace("}}", "}")
    if "\n\n```python" in form and '"""' in code:
        return  # a fence may be part of the docstring
    for n in range(5):
        prefixes[f"{{{n}}}"] = " " * n
    for mark, prefix in prefixes.items():
        text = text.replace(mark, indented(code, prefix))
    read = read_program(text, "f")
    assert read is not None and read.rstrip() == code, text


@pytest.mark.parametrize("language", ["js", "text", "c", "python-repl", "pycon", "{.c}", "sq.js", "cython", "pythonic"])
def test_a_fence_that_names_another_language_is_no_program(language):
    assert read_program(fenced(PROGRAM, language), "f") is None


@pytest.mark.parametrize(
    "code",
    [
        QUOTING,
        'def f(x):\n    """\n```\nf(1)\n```\n    """\n    return x',
        'def f(x):\n    """\n    ```python\n    f(1)\n    ```\n    ```\n    2\n    ```\n    """\n    return x',
        "def f(x):\n  '''\n  ```\n  f(1)\n  ```\n  '''\n  return x",
        'TEXT = """\n```\n"""\ndef f(x):\n    return TEXT',
    ],
)
def test_a_fence_in_a_string_of_the_program_does_not_end_it(code):
    assert read_program(fenced(code), "f") == code
    assert read_program(fenced(code) + "So:\n" + fenced("1", ""), "f") == code


@pytest.mark.parametrize("tag", ["<think>", "</think>", "<thought>", "[/THINK]"])
@pytest.mark.parametrize(
    "code",
    [
        "def f(x):\n    tag = '{tag}'\n    return x",
        "def f(x):\n    return x  # {tag}",
        'def f(x):\n    """\n    {tag}\n    """\n    return x',
        "TAGS = ['{tag}', '{tag}', '{tag}']\ndef f(x):\n    return x",
    ],
)
def test_a_tag_in_a_text_of_the_program_hides_nothing(code, tag):
    code = code.replace("{tag}", tag)
    for before in (
        "",
        "<think>\nhm\n</think>\n",
        "<think>\n```python\ndef f(x): return 3\n```\n</think>\n",
        "hm\n</think>\n",
    ):
        assert read_program(f"{before}So:\n{fenced(code)}", "f") == code
        assert read_program(f"{before}{fenced(code)}Done.", "f") == code
    assert read_program(f"<think>\n{fenced(code)}", "f") is None, "the reasoning is never closed"


MARKS = [
    "`", "`\n", "``` ", "```\n", "~~~\n", "```python\n", "``` py\nf\n", "```\nx\n```\n", '```python\n"""\n```\n',
    "```py\ndef f():\n  g()\n```\n", "```py\n" + "f=g\n" * 12000 + "```\n", "```py\nx='</think>'\n```\n",
    "> ```py\n> f\n", "- " * 9, "1. ", "<thought>\n", "</think>\n", "[/THINK]x",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("mark", MARKS)
def test_a_megabyte_of_marks_is_read_in_a_moment(mark):
    began = time.process_time()
    for name in ("f", "<stdin>"):
        read_program(mark * (2**20 // len(mark) + 1), name)
    assert time.process_time() - began < 8
