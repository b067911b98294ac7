"""How an answer or a program is read out of a completion: in one way, for training and for evaluation.

Nothing that a model wrote is evaluated here. A program is only parsed, to see what it defines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from axiom_cli import syntax
from axiom_cli.records import STDIN_STDOUT, Problem, Sample

INSTRUCTIONS = {
    "answer": (
        "Solve the problem. Reason step by step between <think> and </think>, "
        "then give one line that starts with 'Answer: ' and holds the answer alone."
    ),
    "program": (
        "Write the program. Reason step by step between <think> and </think>, "
        "then give the whole function in one block that starts with ```python and ends with ```."
    ),
    "script": (
        "Write the program. Reason step by step between <think> and </think>, "
        "then give the whole program in one block that starts with ```python and ends with ```."
    ),
}
MARK = "Answer:"
FENCE = "```"
OPEN, CLOSE = "<think>", "</think>"
THINKING = {
    OPEN: CLOSE,
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<seed:think>": "</seed:think>",
    "<|begin_of_thought|>": "<|end_of_thought|>",
    "[THINK]": "[/THINK]",
}
"""The tags around the reasoning of models. The first pair, which the instructions name, counts anywhere. The others
count only at the start of a line, or at its end if they close, and not inside a fenced or indented block, where they
are most likely part of a program."""
TAGS = [tag for pair in THINKING.items() for tag in pair]
OTHER_TAGS = TAGS[2:]
INDENT = " " * 4
PYTHON_NAMES = {"python", "py", "python3", "py3"}
ACCEPTED_LANGUAGES = PYTHON_NAMES | {""}


def messages(problem: Problem) -> list[dict[str, str]]:
    """The conversation that a model gets, in training and in sampling alike."""
    script = problem.program is not None and problem.program.entry_point == STDIN_STDOUT
    return [
        {"role": "system", "content": INSTRUCTIONS["script" if script else problem.form]},
        {"role": "user", "content": problem.prompt},
    ]


def without_reasoning(text: str) -> str:
    """The text outside the reasoning: after the last tag that closes it, and before a tag that opens it and is never
    closed. See THINKING for what counts as a tag."""
    return text[_spoken_part(text)]


def has_reasoning(text: str) -> bool:
    """Whether there is any text before a tag that closes the reasoning, or after one that opens it and is never
    closed."""
    spoken = _spoken_part(text)
    reasoning = text[: spoken.start] + text[spoken.stop :]
    for tag in TAGS:
        reasoning = reasoning.replace(tag, "")
    return bool(reasoning.strip())


def _spoken_part(text: str) -> slice:
    """Where in `text` the part outside the reasoning is."""
    start = text.rfind(CLOSE) + len(CLOSE) if CLOSE in text else 0
    stop = text.find(OPEN, start) if OPEN in text[start:] else len(text)
    if not any(tag in text for tag in OTHER_TAGS):
        return slice(start, stop)
    first, last, _ = _spoken_lines(text[start:stop])
    return slice(start + first, start + last)


def missing_closing_tag(text: str) -> str:
    """The tag that would close the reasoning in which `text` ends; empty if it does not end in reasoning."""
    if text.rfind(OPEN) > text.rfind(CLOSE):
        return CLOSE
    return _spoken_lines(text[text.rfind(CLOSE) + len(CLOSE) :] if CLOSE in text else text)[2]


def _spoken_lines(text: str) -> tuple[int, int, str]:
    """(start, end, missing closing tag) of the part outside the reasoning, by OTHER_TAGS. An opening tag is closed by
    its own closing tag, wherever that stands."""
    first, last, position, fence, closing = 0, len(text), 0, "", ""
    for line in text.split("\n"):
        if not closing and not (fence := _open_fence(line, fence)):
            opening, closes = _tags(line)
            if opening:
                closing, last = closes, position + line.index(opening)
            elif closes:
                first = position + line.rindex(closes) + len(closes)
        if closing and closing in line:
            first, last, fence, closing = position + line.rindex(closing) + len(closing), len(text), "", ""
        position += len(line) + 1
    return first, last, closing


def _open_fence(line: str, fence: str) -> str:
    """The fence that is open after `line`, if `fence` was open before it. Empty if none is."""
    ticks, language = _fence(line)
    if not fence:
        return ticks
    return "" if not language and len(ticks) >= len(fence) else fence


def _tags(line: str) -> tuple[str, str]:
    """The pair of tags if the line starts with an opening one; ("", closing tag) if one stands at either end."""
    bare = line.strip()
    if line.startswith(INDENT):
        return "", ""
    for opening, closing in THINKING.items():
        if bare.startswith(opening):
            return opening, closing
        if bare.startswith(closing) or bare.endswith(closing):
            return "", closing
    return "", ""


def read_answer(text: str) -> str | None:
    """The rest of the last line that starts with "Answer:", runs of white space as one space. None if there is no
    such line outside the reasoning, or it is empty."""
    lines = [line for line in without_reasoning(text).split("\n") if line.startswith(MARK)]
    return " ".join(lines[-1][len(MARK) :].split()) or None if lines else None


def written_program(sample: Sample) -> str | None:
    """The program in a sample's text: what `read_program` finds for its entry point, or for a class `Solution`. If the
    sample was cut off at its length limit, a block without an end does not count."""
    if sample.problem.program is None:
        return None
    for name in (sample.problem.program.entry_point, "Solution"):
        if (code := read_program(sample.text, name, cut_off=sample.finish == "length")) is not None:
            return code
    return None


def read_program(text: str, entry_point: str, *, cut_off: bool = False) -> str | None:
    """The last block of Python outside the reasoning that defines `entry_point`, else the bare text if it does. None if
    nothing does.

    A fence may name Python (python, py, python3, py3, in any case) or no language; a block in another language never
    counts. The last block may lack its closing fence, unless the text was `cut_off`. For a script, any block that names
    Python counts, else one without a language that calls something, which shown output does not do.
    """
    outside = without_reasoning(text)
    blocks = [block for block in _blocks(outside) if block.closed or not cut_off]
    blocks.reverse()
    if entry_point == STDIN_STDOUT:
        unnamed = [block for block in blocks if not block.named and _calls_something(block.code)]
        blocks = [block for block in blocks if block.named] + unnamed
    candidates = [*(block.code for block in blocks), outside.strip("\n")]
    return next((code for code in candidates if defines(code, entry_point)), None)


class _Block(NamedTuple):
    """The code between two fences; `named` if the first one says Python, `closed` if there is a second one."""

    code: str
    named: bool
    closed: bool = True


def _blocks(text: str) -> Iterator[_Block]:
    """The blocks of Python, or of no language, in order. A fence that names Python ends a block that does not."""
    lines: list[str] = []
    fence, language = "", ""
    for line in text.split("\n"):
        ticks, name = _fence(line)
        if fence and not name and len(ticks) >= len(fence):
            if language in ACCEPTED_LANGUAGES:
                yield _Block("\n".join(lines), bool(language))
            fence = ""
        elif ticks and (not fence or (name in PYTHON_NAMES and language not in PYTHON_NAMES)):
            lines, fence, language = [], ticks, name
        else:
            lines.append(line)
    if fence and language in ACCEPTED_LANGUAGES:
        yield _Block("\n".join(lines), bool(language), closed=False)


def _fence(line: str) -> tuple[str, str]:
    """The backquotes of a fence, and the language after them in lower case; both empty for any other line."""
    line = line.strip()
    rest = line.lstrip("`")
    ticks = line[: len(line) - len(rest)]
    if len(ticks) < len(FENCE) or "`" in rest:
        return "", ""
    return ticks, (rest.split() or [""])[0].lower()


def _calls_something(code: str) -> bool:
    tree = syntax.parse(code)
    return tree is not None and any(isinstance(node, ast.Call) for node in ast.walk(tree))


def defines(code: str, name: str) -> bool:
    """Whether `code` parses and binds `name` at its top level, branches included, by `def`, `class`, import or
    assignment. A script only has to contain a statement."""
    first = name.partition(".")[0]
    if (
        name != STDIN_STDOUT and first not in code and code.isascii()
    ):  # Python normalises names (NFKC), so other letters may spell it
        return False
    tree = syntax.parse(code)
    if tree is None or name == STDIN_STDOUT:
        return tree is not None and bool(tree.body)
    return any(_binds(statement, first) for statement in _top_level(tree))


def _top_level(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements at the top level, and those in its branches. Not recursive: each `elif` is nested in its `if`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, (ast.stmt, ast.ExceptHandler))
            ]


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return statement.name == name
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in statement.names)
    if isinstance(statement, ast.Assign):
        return any(_assigns(target, name) for target in statement.targets)
    return isinstance(statement, ast.AnnAssign) and bool(statement.value) and _assigns(statement.target, name)


def _assigns(target: ast.expr, name: str) -> bool:
    """Whether an assignment to `target` binds `name`, alone or among others."""
    names = (node for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == name for node in names)
