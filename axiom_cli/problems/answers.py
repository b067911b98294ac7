"""How an answer or a program is read out of a completion: the one reading, for training and for evaluation.

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
"""The tags between which models think. The first pair, which the instructions name, counts wherever it stands. The
others count at the beginning of a line, or its end where they close, and not within a fenced or an indented block,
where they are most likely part of a program."""
TAGS = [tag for pair in THINKING.items() for tag in pair]
OTHERS = TAGS[2:]
INDENT = " " * 4
NAMED = {"python", "py", "python3", "py3"}
PYTHON = NAMED | {""}


def messages(problem: Problem) -> list[dict[str, str]]:
    """The conversation that a model is given, in training and in sampling alike."""
    script = problem.program is not None and problem.program.entry_point == STDIN_STDOUT
    return [
        {"role": "system", "content": INSTRUCTIONS["script" if script else problem.form]},
        {"role": "user", "content": problem.prompt},
    ]


def spoken(text: str) -> str:
    """What stands outside the reasoning: after the last tag that closes it, and before one that opens it and is not
    closed. See THINKING for what counts as a tag."""
    return text[_said(text)]


def reasons(text: str) -> bool:
    """Whether anything was thought: text before a tag that closes the reasoning, or after one that is not closed."""
    said = _said(text)
    thought = text[: said.start] + text[said.stop :]
    for tag in TAGS:
        thought = thought.replace(tag, "")
    return bool(thought.strip())


def _said(text: str) -> slice:
    """Where in `text` the spoken part is."""
    start = text.rfind(CLOSE) + len(CLOSE) if CLOSE in text else 0
    stop = text.find(OPEN, start) if OPEN in text[start:] else len(text)
    if not any(tag in text for tag in OTHERS):
        return slice(start, stop)
    first, last, _ = _said_by_lines(text[start:stop])
    return slice(start + first, start + last)


def unclosed(text: str) -> str:
    """The tag that would close the thought which `text` breaks off in; nothing where it is not in one."""
    if text.rfind(OPEN) > text.rfind(CLOSE):
        return CLOSE
    return _said_by_lines(text[text.rfind(CLOSE) + len(CLOSE) :] if CLOSE in text else text)[2]


def _said_by_lines(text: str) -> tuple[int, int, str]:
    """Where the spoken part begins and ends, by the tags of OTHERS, and the tag that is still to come. What an opening
    tag began ends with its own closing tag wherever that stands."""
    first, last, at, fence, closing = 0, len(text), 0, "", ""
    for line in text.split("\n"):
        if not closing and not (fence := _within(line, fence)):
            opening, closes = _tags(line)
            if opening:
                closing, last = closes, at + line.index(opening)
            elif closes:
                first = at + line.rindex(closes) + len(closes)
        if closing and closing in line:
            first, last, fence, closing = at + line.rindex(closing) + len(closing), len(text), "", ""
        at += len(line) + 1
    return first, last, closing


def _within(line: str, fence: str) -> str:
    """The fence of the block that `line` leaves open, where `fence` is that of the block it stands in, or nothing."""
    ticks, said = _fence(line)
    if not fence:
        return ticks
    return "" if not said and len(ticks) >= len(fence) else fence


def _tags(line: str) -> tuple[str, str]:
    """The pair of tags by whose first one the line begins, or nothing and the closing tag at either of its ends."""
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
    such line outside the reasoning, or nothing on it."""
    lines = [line for line in spoken(text).split("\n") if line.startswith(MARK)]
    return " ".join(lines[-1][len(MARK) :].split()) or None if lines else None


def written_program(sample: Sample) -> str | None:
    """The program in a sample's text: what `read_program` finds for its entry point, or a class `Solution`. Where the
    sample was cut off at its length limit, a block without an end is none."""
    if sample.problem.program is None:
        return None
    names, cut = (sample.problem.program.entry_point, "Solution"), sample.finish == "length"
    return next((code for name in names if (code := read_program(sample.text, name, cut)) is not None), None)


def read_program(text: str, entry_point: str, cut: bool = False) -> str | None:
    """The last block of Python outside the reasoning that defines `entry_point`, else the bare text if it does. None if
    nothing does.

    A fence may name Python (python, py, python3, py3, in any case) or no language; a block in another language is never
    taken. The last block may want its end, unless the text was `cut` off. Where the program is run as a script, any
    block that names Python will do, else one without a language that calls something, which shown output does not.
    """
    outside = spoken(text)
    blocks = [block for block in _blocks(outside) if block.whole or not cut]
    blocks.reverse()
    if entry_point == STDIN_STDOUT:
        nameless = [block for block in blocks if not block.named and _calls(block.code)]
        blocks = [block for block in blocks if block.named] + nameless
    candidates = [*(block.code for block in blocks), outside.strip("\n")]
    return next((code for code in candidates if defines(code, entry_point)), None)


class _Block(NamedTuple):
    """What stands between two fences; `named` where the first says Python, `whole` where there is a second."""

    code: str
    named: bool
    whole: bool = True


def _blocks(text: str) -> Iterator[_Block]:
    """The blocks of Python, or of no language, in order. A fence that names Python ends a block that does not."""
    lines: list[str] = []
    fence, language = "", ""
    for line in text.split("\n"):
        ticks, said = _fence(line)
        if fence and not said and len(ticks) >= len(fence):
            if language in PYTHON:
                yield _Block("\n".join(lines), bool(language))
            fence = ""
        elif ticks and (not fence or (said in NAMED and language not in NAMED)):
            lines, fence, language = [], ticks, said
        else:
            lines.append(line)
    if fence and language in PYTHON:
        yield _Block("\n".join(lines), bool(language), whole=False)


def _fence(line: str) -> tuple[str, str]:
    """The backquotes of a fence, and the language behind them in small letters; empty for any other line."""
    line = line.strip()
    said = line.lstrip("`")
    ticks = line[: len(line) - len(said)]
    if len(ticks) < len(FENCE) or "`" in said:
        return "", ""
    return ticks, (said.split() or [""])[0].lower()


def _calls(code: str) -> bool:
    tree = syntax.parse(code)
    return tree is not None and any(isinstance(node, ast.Call) for node in ast.walk(tree))


def defines(code: str, name: str) -> bool:
    """Whether `code` parses and binds `name` at its top level, branches included, by `def`, `class`, import or
    assignment. A script only has to do something."""
    first = name.partition(".")[0]
    if name != STDIN_STDOUT and first not in code and code.isascii():  # other letters may spell the name, too: NFKC
        return False
    tree = syntax.parse(code)
    if tree is None or name == STDIN_STDOUT:
        return tree is not None and bool(tree.body)
    return any(_binds(statement, first) for statement in _top(tree))


def _top(tree: ast.Module) -> Iterator[ast.stmt]:
    """The statements at the top level, and those in its branches. Not by recursion: an `elif` lies in its `if`."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.stmt):
            yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting += [one for one in ast.iter_child_nodes(node) if isinstance(one, (ast.stmt, ast.ExceptHandler))]


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return statement.name == name
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in statement.names)
    if isinstance(statement, ast.Assign):
        return any(_names(target, name) for target in statement.targets)
    return isinstance(statement, ast.AnnAssign) and bool(statement.value) and _names(statement.target, name)


def _names(target: ast.expr, name: str) -> bool:
    """Whether `name` is bound by an assignment to `target`, alone or among others."""
    found = (node for node in ast.walk(target) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return any(node.id == name for node in found)
