"""What a model is asked for, and how its answer is read out of a completion: in one way, for training and for
evaluation. docs/answers.md has the forms. Nothing that a model wrote is evaluated here."""

from __future__ import annotations

import json
import re
from collections import deque

from axiom_cli.problems.fences import fence
from axiom_cli.problems.reasoning import without_reasoning
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
REASONING = "Reason step by step between <think> and </think>, then give"
BARE_INSTRUCTIONS = {
    form: f"{text.replace(REASONING, 'Give')} Do not show how you found it." for form, text in INSTRUCTIONS.items()
}
"""The same for an answer, or a program, without reasoning in front of it."""
MARK = "Answer:"
LABEL = re.compile(
    r"(?P<before>[\s>#*_`~+•-]*(?:\d{1,3}[.)]\s+)?[\s#*_`]*)"
    r"(?:(?:so|thus|hence|therefore),?\s+)?(?:(?:the|my|our)\s+)?(?:(?:final|correct|corrected|revised|updated|actual)\s+){0,3}"
    r"(?:answers?|ans)"
    r"(?:\s*\([^()]{0,40}\))?[*_`]{0,3}(?:\s+is)?\s*(?:[:：]|\s[-–—]\s)",
    re.IGNORECASE,
)
HEADING = re.compile(
    r"(?P<before>)\s*(?:#{1,6}\s|\*{2,3}|__)[\s*_]*(?:(?:the|my|final|correct)\s+){0,3}answer[\s*_]*$", re.IGNORECASE
)
DELIMITERS = ("$$", "\\[", "\\]", "---", "***")
BOX = re.compile(r"\\(?:boxed|fbox)\s*\{|\\boxed\s+(?P<bare>\w)|\\.|[{}]", re.DOTALL)
BETWEEN_BOXES = re.compile(r"(?:[\s$,;&]|\\[,;()\[\]]|\\q?quad|\\text\{\s*(?:and|or)\s*\}|and|or)*")
LONGEST_GAP = 40
LONGEST_LEAD_IN = 20
JSON_FIELD = re.compile(r'(?<=[{,\s])"(?:final[_ ]?)?answer"\s{0,9}:\s{0,9}', re.IGNORECASE)
JSON = json.JSONDecoder()
SENTENCE = re.compile(r"\banswer\s{1,9}(?:is|equals|=)\s{0,9}[:=]?(?=[\s*$\\\"'(\[\d-])\s{0,9}([^\n]+)", re.IGNORECASE)
HASHES = re.compile(r"^[ \t]{0,9}####[ \t]*((?:[-+−$€£*]|\\\$)*\d[^\n]*)", re.MULTILINE)


def messages(problem: Problem, *, think: bool = True) -> list[dict[str, str]]:
    """The conversation that a model gets, in training and in sampling alike; unless `think`, one that asks for the
    answer alone."""
    script = problem.program is not None and problem.program.entry_point == STDIN_STDOUT
    instructions = INSTRUCTIONS if think else BARE_INSTRUCTIONS
    return [
        {"role": "system", "content": instructions["script" if script else problem.form]},
        {"role": "user", "content": problem.prompt},
    ]


def read_answer(text: str) -> str | None:
    """The answer outside the reasoning, runs of white space as one space; None if there is none.

    It is what the last of these holds: a line that starts with a label ("Answer:", "**Final answer:**"), `\\boxed{}`,
    a field "answer" of JSON, a tag `<answer>`. If there are none of these, the last "the answer is ...", "#### 42" or
    line below a heading "Final answer". A label alone on its line names the next line; one with nothing behind it is
    no answer.
    """
    outside = without_reasoning(text)
    for readers in ((_labelled, boxed, _in_json, _in_tag), (_in_sentence, _after_hashes, _under_heading)):
        stated = [part for reader in readers if (part := reader(outside))]
        if stated:
            return " ".join(max(stated)[1].split()) or None
    return None


Part = tuple[int, str]
"""Where in a text something begins, and what it says."""


def _labelled(text: str, label: re.Pattern[str] = LABEL) -> Part | None:
    """What the last line with a label says. A label that is alone on its line names the next line with text."""
    place = len(text)
    following = ""
    for line in reversed(text.split("\n")):
        place -= len(line)
        match = label.match(line) if "nswer" in line or "ANS" in line or "ns:" in line else None
        if match:
            said = _without_open_mark(line[match.end() :], match["before"].rstrip()) or following
            sentence = _in_sentence(said)
            return place, sentence[1] if sentence and sentence[0] < LONGEST_LEAD_IN else said
        if line.strip() and not fence(line) and line.strip() not in DELIMITERS:
            following = line
        place -= 1
    return None


def _under_heading(text: str) -> Part | None:
    """What the line below the last heading "Final answer" says."""
    return _labelled(text, HEADING)


def _without_open_mark(said: str, before: str) -> str:
    """The text without the other end of the mark that stands in front of the label: `**Answer:** 42`,
    `**Answer: 42**`."""
    said = said.strip()
    for mark in ("***", "**", "__", "*", "_", "`"):
        if before.endswith(mark):
            if said.startswith(mark):
                return said[len(mark) :].lstrip()
            return said[: -len(mark)] if said.endswith(mark) and said.count(mark) % 2 else said
    return said


def boxed(text: str) -> Part | None:
    """What the last box holds. Boxes in a row, with nothing but commas and the like between, count as one."""
    if "\\boxed" not in text and "\\fbox" not in text:
        return None
    opened: list[tuple[int, int]] = []
    boxes: list[tuple[int, int, str]] = []
    for token in BOX.finditer(text):
        if token["bare"]:
            boxes.append((token.start(), token.end(), token["bare"]))
        elif token[0].endswith("{") and token[0] != "\\{":
            opened.append((token.start() if token[0] != "{" else -1, token.end()))
        elif token[0] == "}" and opened:
            begin, inner = opened.pop()
            if begin >= 0:
                while boxes and boxes[-1][0] > begin:
                    boxes.pop()
                boxes.append((begin, token.end(), text[inner : token.start()]))
    if not boxes:
        return None
    row = [boxes.pop()]
    while boxes and BETWEEN_BOXES.fullmatch(text[boxes[-1][1] : row[0][0]][:LONGEST_GAP]):
        row.insert(0, boxes.pop())
    return row[-1][0], ", ".join(content for _, _, content in row)


def _in_json(text: str) -> Part | None:
    """The value of the last field "answer" of an object."""
    if '"' not in text or (match := _last_match(JSON_FIELD, text)) is None:
        return None
    try:
        value, end = JSON.raw_decode(text, match.end())
    except (ValueError, RecursionError):
        return None
    return match.start(), value if isinstance(value, str) else text[match.end() : end]


def _in_tag(text: str) -> Part | None:
    """What the last `<answer>` holds."""
    lower = text.lower() if text.isascii() else text
    stop = lower.rfind("</answer>")
    start = lower.rfind("<answer>", 0, max(stop, 0))
    return (start, text[start + len("<answer>") : stop]) if start >= 0 else None


def _in_sentence(text: str) -> Part | None:
    """What the last sentence says that the answer is."""
    match = _last_match(SENTENCE, text)
    return (match.start(), re.split(r"\.(?=[\s*_]|$)", match[1])[0]) if match else None


def _after_hashes(text: str) -> Part | None:
    """What stands on the last line of a number after four hashes."""
    match = _last_match(HASHES, text)
    return (match.start(), match[1]) if match else None


def _last_match(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    matches = deque(pattern.finditer(text), 1)
    return matches[0] if matches else None
