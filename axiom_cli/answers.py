"""How an answer or a program is read out of a completion: the one reading, for training and for evaluation.

Nothing that a model wrote is evaluated here. A program is only parsed, to see what it defines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from axiom_cli import syntax
from axiom_cli.records import STDIN_STDOUT, Problem

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


def messages(problem: Problem) -> list[dict[str, str]]:
    """The conversation that a model is given, in training and in sampling alike."""
    script = problem.program is not None and problem.program.entry_point == STDIN_STDOUT
    return [
        {"role": "system", "content": INSTRUCTIONS["script" if script else problem.form]},
        {"role": "user", "content": problem.prompt},
    ]


def spoken(text: str) -> str:
    """What stands outside the reasoning: after the last `</think>`, and before a `<think>` that is not closed."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def reasons(text: str) -> bool:
    """Whether anything was thought: text before `</think>`, or after a `<think>` that is not closed."""
    thought = text.rpartition("</think>")[0] or text.partition("<think>")[2]
    return bool(thought.replace("<think>", "").strip())


def read_answer(text: str) -> str | None:
    """The rest of the last line that starts with "Answer:", runs of white space as one space. None if there is no
    such line outside the reasoning, or nothing on it."""
    lines = [line for line in spoken(text).split("\n") if line.startswith(MARK)]
    return " ".join(lines[-1][len(MARK) :].split()) or None if lines else None


def read_program(text: str, entry_point: str) -> str | None:
    """The last complete ```python block outside the reasoning that defines `entry_point`; without any block, the bare
    text if it does. Where the program is run as a script, any block of Python will do. None if nothing does."""
    outside = spoken(text)
    blocks = list(_blocks(outside))
    for code in reversed(blocks or [outside.strip("\n")]):
        if defines(code, entry_point):
            return code
    return None


def _blocks(text: str) -> Iterator[str]:
    block: list[str] | None = None
    for line in text.split("\n"):
        fence = line.strip()
        if block is None:
            block = [] if fence == "```python" else None
        elif fence == "```":
            yield "\n".join(block)
            block = None
        else:
            block.append(line)


def defines(code: str, name: str) -> bool:
    """Whether `code` parses and binds `name` at its top level, by `def`, `class` or assignment. A script only has to do
    something."""
    tree = syntax.parse(code)
    if tree is None or name == STDIN_STDOUT:
        return tree is not None and bool(tree.body)
    return any(_binds(statement, name.partition(".")[0]) for statement in tree.body)


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return statement.name == name
    if isinstance(statement, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)
    return isinstance(statement, ast.AnnAssign) and getattr(statement.target, "id", None) == name
