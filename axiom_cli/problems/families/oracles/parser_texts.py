"""Steps on a text, on nested lists and on tokens, by regular expressions where possible."""

from __future__ import annotations

import json
import re
from itertools import accumulate, cycle, pairwise
from typing import Any

from axiom_cli.problems.families.oracles.dict_programs import compared

DIGITS = re.compile(r"[0-9]+")
HIDDEN = "\0"


class EndedError(Exception):
    """The function returns None at once."""


def marks(words: str) -> list[str]:
    return re.findall(r"`(.+?)`", words)


def number(words: str) -> int:
    return int(DIGITS.findall(words)[-1])


def stop_if(words: str) -> None:
    if "return None at once" in words:
        raise EndedError


def entries(words: str, data: str) -> list[str]:
    (mark,) = marks(words)
    return [digits for part in re.split(re.escape(mark), data) if (digits := re.sub("^ +| +$", "", part))]


def quoted(words: str, data: str) -> list[str]:
    """Every other piece between quotes is within them: its separators are hidden before the cut."""
    mark, quote = marks(words)[:2]
    pieces = data.split(quote)
    pieces[1::2] = [piece.replace(mark, HIDDEN) for piece in pieces[1::2]]
    fields = [field.replace(HIDDEN, mark) for field in "".join(pieces).split(mark)]
    if len(pieces) % 2 == 0:
        stop_if(words)
        fields[-1] = "" if "empty the last" in words else fields[-1] + "?"
    return fields


def escaped(words: str, data: str) -> list[str]:
    mark, escape = marks(words)[:2]
    fields = [""]
    for escaped, plain in re.findall(f"{re.escape(escape)}(.?)|(.)", data, re.DOTALL):
        fields[-1:] = [fields[-1], ""] if plain == mark else [fields[-1] + escaped + plain]
    trailing = re.search(f"({re.escape(escape)}*)$", data).group(1)  # type: ignore[union-attr]
    if len(trailing) % 2:
        stop_if(words)
        fields[-1] += escape
    return fields


def widths(words: str, data: str) -> list[str]:
    one, other = map(int, DIGITS.findall(words))
    ends = [0, *accumulate(width for width, _ in zip(cycle((one, other)), data, strict=False))]
    return [data[begin:end] for begin, end in pairwise(ends) if data[begin:end]]


def listed(words: str, data: str) -> list[Any]:
    """The text becomes JSON, once its brackets match."""
    opening, closing = marks(words)[:2]
    out: list[str] = []
    waiting: list[int] = []
    for token in re.findall(r"\d+|\D", data):
        if token == opening:
            waiting.append(len(out))
            out.append("[")
        elif token == closing:
            if waiting:
                waiting.pop()
                out.append("]")
            else:
                stop_if(words.partition("finds no open list")[2].partition(", and where")[0])
        elif token.isdigit():
            out.append(str(int(token)))
    if waiting:
        stop_if(words.partition("open at the end")[2])
        out = out[: waiting[0]] if words.endswith("drop it and what is in it)") else out + ["]"] * len(waiting)
    return json.loads("[" + re.sub(r"(?<=[\d\]]) (?=[\d\[])", ",", " ".join(out)) + "]")


def deep(words: str, data: str) -> list[list[int]]:
    opening, closing = marks(words)[:2]
    heights = list(accumulate((c == opening) - (c == closing) for c in data))
    if min(heights, default=0) < 0:
        stop_if(words)
    lowest = [min(0, low) for low in accumulate(heights, min)]
    return [[heights[at.start()] - lowest[at.start()], int(at.group())] for at in DIGITS.finditer(data)]


def _deepened(text: str) -> str:
    """The text of a nested list with every integer times the brackets around it but the outermost."""
    return DIGITS.sub(
        lambda at: str(int(at[0]) * (text.count("[", 0, at.start()) - text.count("]", 0, at.start()) - 1)), text
    )


def tree(words: str, xs: list[Any]) -> Any:
    text = json.dumps(xs)
    if words.startswith("reverse"):
        tokens = re.findall(r"\d+|[\[\],]", text)
        return json.loads("".join({"[": "]", "]": "["}.get(token, token) for token in reversed(tokens)))
    if words.startswith("replace every integer"):
        return json.loads(_deepened(text))
    if words.startswith("drop"):
        test = compared(words)
        return [tree(words, x) if isinstance(x, list) else x for x in xs if isinstance(x, list) or not test(x)]
    if words.startswith("replace all at once"):
        size = sum if "sum" in words else len
        inner = re.sub(r"\[([\d, ]*)\]", lambda at: str(size(list(map(int, DIGITS.findall(at[1]))))), text[1:-1])
        return json.loads(f"[{inner}]")
    if words.startswith("write"):
        return text[1:-1].replace(" ", "").translate(str.maketrans("[],", "".join(marks(words))))
    return [int(digits) for digits in DIGITS.findall(text)]


def tokens(words: str, data: str) -> list[str]:
    """The tokens of an expression, integers as text too."""
    operators = "".join(map(re.escape, marks(words)[:3]))
    if re.search(f"[^0-9 {operators}]", data):
        stop_if(words)
    data = re.sub(f"[^0-9{operators}]", " ", data)
    if not re.fullmatch(rf" *\d+( *[{operators}] *\d+)* *", data):
        raise EndedError
    return [str(int(token)) if token.isdigit() else token for token in re.findall(rf"\d+|[{operators}]", data)]


def _value(words: str, a: int, b: int) -> int:
    if "larger" in words:
        return max(a, b)
    if "smaller" in words:
        return min(a, b)
    if "absolute" in words:
        return max(a - b, b - a)
    return {"a + b": a + b, "a - b": a - b, "a * b": a * b, "b - a": b - a, "2 * a + b": a + a + b,
            "a - 2 * b": a - b - b}[words]  # fmt: skip


def reduced(words: str, tokens: list[str]) -> list[str]:
    operator, side = re.escape(marks(words)[0]), "(.*)" if "the last" in words else "(.*?)"
    pattern = re.compile(rf"^{side}(?<!\S)(-?\d+) {operator} (-?\d+)(?!\S)")
    text, value, changed = " ".join(tokens), words.partition(" after it by ")[2], 1
    while changed:
        text, changed = pattern.subn(lambda at: at[1] + str(_value(value, int(at[2]), int(at[3]))), text)
    return text.split(" ")


def joined(words: str, tokens: list[str]) -> list[str]:
    quote = marks(words)[0]
    places = [place for place, token in enumerate(tokens) if token == quote]
    out = list(tokens)
    if len(places) % 2:
        stop_if(words)
        del out[places.pop() :]
    for begin, end in list(zip(places[::2], places[1::2], strict=True))[::-1]:
        out[begin : end + 1] = ["".join(out[begin : end + 1])]
    return out


def uncommented(words: str, tokens: list[str]) -> list[str]:
    (note, end), out = marks(words), list(tokens)
    while note in out:
        begin = out.index(note)
        del out[begin : [*out, end].index(end, begin) + 1]
    return out


def kind(token: str) -> str:
    return "word" if re.match("[A-Za-z]", token) else "number" if DIGITS.match(token) else "mark"


def lines(words: str, tokens: list[str]) -> list[list[str]]:
    end, places = marks(words)[0], [-1]
    places += [place for place, token in enumerate(tokens) if token == end] + [len(tokens)]
    return [tokens[before + 1 : after] for before, after in pairwise(places) if after > before + 1]
