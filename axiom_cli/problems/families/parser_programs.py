"""Programs that read a small text format: entries, fields, nested lists, expressions or code."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import permutations, product
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import Composed, Part, Steps
from axiom_cli.problems.families.parser_parts import ENTRIES, FIELDS, NESTED
from axiom_cli.problems.families.parser_tokens import CODE, EXPRESSION

PARTS = {"entries": ENTRIES, "fields": FIELDS, "nested": NESTED, "expression": EXPRESSION, "code": CODE}
MARKS = {
    "entries": ("SEP", "EQ", "NOTE"),
    "fields": ("SEP", "QUOTE", "ESC"),
    "nested": ("OPEN", "CLOSE", "SEP"),
    "expression": ("OP1", "OP2", "OP3"),
    "code": ("QUOTE", "NOTE", "END"),
}
DRAWN = {
    "entries": product(",;|/&", "=:~", "#%!"),
    "fields": product(",;|/:", "'*^~", "!%#"),
    "nested": product(("()", "<>", "[]", "{}"), ",;|./"),
    "expression": permutations("@&~^!", 3),
    "code": product("'*^~", "#%!", ".;|/"),
}
FORMATS = {name: tuple("".join(marks) for marks in drawn) for name, drawn in DRAWN.items()}
KINDS = {name: tuple(f"{name} {marks}" for marks in formats) for name, formats in FORMATS.items()}
WORDS = {
    "entries": "a string data of ASCII characters that holds entries",
    "fields": "a string data of ASCII characters that holds fields",
    "nested": "a string data of ASCII characters that describes nested lists of integers",
    "expression": "a string data of ASCII characters that is to be an expression",
    "code": "a string data of ASCII characters that holds code",
}
# Texts that are always tested, with the marks of the format in place of their names.
EDGES = {
    "entries": (
        "", "SEP SEP", "a", "aEQ", "EQ7", "aEQ1 SEPAEQ2 SEP aEQ3EQ4", "NOTEaEQ1SEPbEQ2 NOTEcNOTEdSEPNOTE",
        "[x]SEPaEQ1SEP+2SEP+bSEP[]SEPbEQ@aSEP [y", "+aEQ1SEPbEQ@a SEPcEQ@x.bSEPdEQ@b SEP3*eEQ5SEP2*fSEP0*gEQ2",
        "xEQ@xSEPxEQ10SEPyEQ@xSEPzEQ@ySEPxEQSEPwEQ@x", "[SEP]SEP[SEPaEQ1", "aEQ1SEPbEQ007SEPcEQ1aSEPaEQ20SEPa EQ z",
    ),
    "fields": (
        "", "SEP", "a", "QUOTE", "ESC", "QUOTEaSEPbQUOTESEPc", "aESCSEPbSEP ESCESCSEPcESC", "QUOTEQUOTE12SEPSEP7",
        "SEPaSEPSEP bSEP", "a QUOTESEPQUOTE bSEPESCQUOTESEP12SEPaSEP3", "abcSEPdefgSEP12SEPabcSEP7SEP0",
        "12345678901234", "xSEP1SEPySEP22SEPxSEP3SEPzSEPSEPSEP5SEPx",
    ),
    "nested": (
        "", "OPENCLOSE", "7", "OPEN1SEP12CLOSESEP3", "CLOSE5OPEN6CLOSE", "OPENOPEN1SEP2CLOSE3",
        "1SEP2 3SEPOPENOPENOPEN4CLOSE5CLOSECLOSE", "OPEN8SEPOPEN9CLOSESEP2CLOSECLOSE4",
        "OPEN2SEP5SEPOPEN3SEP4CLOSECLOSE1SEPOPEN6SEP7SEPOPENCLOSECLOSE",
        "3OPEN2CLOSEOPENOPEN5SEP8CLOSEOPEN1CLOSECLOSE8", "OPEN10OPEN9OPEN8OPEN7",
    ),
    "expression": (
        "", "5", "OP1", "1 2", "3OP1", "OP2 3", "8OP12OP13", "9OP2 5OP24", "2 OP3 7OP35", "4OP15OP26OP37",
        "9OP37OP25OP13", "6OP1x7", "1a2", "3OP16 ?", "7OP210OP13OP28OP36OP15OP31", "2OP3OP13",
        "12OP34OP29OP33OP17OP25",
    ),
    "code": (
        "", "x", "END", "ab12 7cENDx->y", "QUOTEa bQUOTE NOTEcEND d", "xQUOTE1", "- > ->->ENDENDa>",
        "NOTE QUOTE END QUOTE", "a1b2 33END Ab=ab+1ENDab=7NOTEx1ENDQUOTEEND", "NOTENOTEENDENDf(x)ENDf y",
        "xxENDyENDxx zzENDabc",
    ),
}  # fmt: skip


@cache
def _filled(kind: str) -> tuple[Part, ...]:
    """The parts for one format, with its marks put in."""
    name, marks = kind.split()
    return tuple([
        replace(part, takes=kind if part.takes == name else part.takes, words=_marked(part.words, name, marks),
                code=_marked(part.code, name, marks),
                choices=tuple([[_marked(c, name, marks) if isinstance(c, str) else c for c in choice]
                               for choice in part.choices]))
        for part in PARTS[name]
    ])  # fmt: skip


def _marked(text: str, name: str, marks: str) -> str:
    for mark, char in zip(MARKS[name], marks, strict=True):
        text = text.replace(mark, char)
    return text


def _word(random: Random) -> str:
    return random.choice(("a", "b", "x", "Ab", "key", "Run", "on", "T2", "", "z z"))


def _number(random: Random) -> str:
    return str(random.choice((0, 1, 2, 3, 5, 7, 8, 12, 40)))


def _entry(random: Random) -> str:
    """One entry: mostly a key and a value, sometimes a header, a continuation or the like."""
    value = random.choice((_number(random), _word(random), "@" + random.choice("abx"), " 7 ", "uEQ9"))
    entry = f"{random.choice('abxAB')}{random.choice(('', '', ' '))}EQ{value}"
    front = random.choice(("", "", "", "", " ", "+", "NOTE", "2*", "3*"))
    behind = random.choice(("", "", "", " ", " NOTE no", "NOTEEQ1"))
    return random.choice((front + entry + behind, entry, entry, "[s]", "[Top]", "on", "", "+" + _number(random)))


def _field(random: Random) -> str:
    plain = random.choice((_word(random), _word(random), _number(random), _number(random), " " + _word(random)))
    whole = f"QUOTE{plain}SEP{_word(random)}QUOTE"
    return random.choice((plain, plain, plain, plain, "", whole, whole, "aESCSEPb", "ESCESC", "ESCQUOTEc", "QUOTE"))


def _nest(random: Random, depth: int = 0) -> str:
    if random.random() < 0.55 or depth == 3:
        return random.choice(("", "", "", " ")) + _number(random)
    inner = "SEP".join([_nest(random, depth + 1) for _ in range(random.choice((0, 1, 2, 2, 3)))])
    return f"OPEN{inner}CLOSE"


def _nested(random: Random) -> str:
    text = "SEP".join([_nest(random) for _ in range(random.randint(2, 5))])
    return random.choice((text,) * 6 + (text + "OPEN4", text + "CLOSE2", "OPEN" + text))


def _expression(random: Random) -> str:
    out = _number(random)
    for _ in range(random.randint(2, 6)):
        space = random.choice(("", "", "", " "))
        out += f"{space}{random.choice(('OP1', 'OP2', 'OP3'))}{space}{_number(random)}"
    return random.choice((out,) * 14 + (out + "OP1", "x" + out, out.replace("2", "2.", 1)))


def _code(random: Random) -> str:
    pool = ("x", "y1", "ab", "If", "12", "7", "->", "-", ">", "=", "(", "NOTE", "QUOTE", "QUOTEa bQUOTE", "END", "END")
    text = "".join([random.choice(pool) + random.choice(("", " ")) for _ in range(random.randint(6, 14))])
    return text + "QUOTE" * (text.count("QUOTE") % 2 and random.random() < 0.8)


def _text(name: str, random: Random) -> str:
    if name in ("entries", "fields"):
        drawn = _entry if name == "entries" else _field
        text = "SEP".join([drawn(random) for _ in range(random.randint(3, 8))])
        return text + "QUOTE" * (text.count("QUOTE") % 2 and random.random() < 0.8)
    return {"nested": _nested, "expression": _expression, "code": _code}[name](random)


class ParserPrograms(Composed):
    """Cuts a text of a drawn format into entries, fields, lists or tokens, and works on these."""

    name: ClassVar[str] = "parser_programs"
    about: ClassVar[str] = "write a function that reads a text format: entries, quoted fields, lists, expressions"
    levels: ClassVar[str] = "level n: steps whose weights (1 or 2 each) add up to n + 2"
    more = 2
    variable = "data"
    inputs: ClassVar[dict[str, tuple[str, str, str]]] = {
        kind: ("data", "data: str", WORDS[name]) for name, kinds in KINDS.items() for kind in kinds
    }
    results: ClassVar[dict[str, str]] = {
        "list": "list[str]",
        "pairs": "list[list[str]]",
        "strings": "list[str]",
        "dict": "dict[str, str]",
        "lists": "dict[str, list[str]]",
        "sums": "dict[str, int]",
        "any": "dict",
        "records": "list[list[str]]",
        "numbers": "list[int]",
        "int": "int",
        "tree": "list",
        "deep": "list[list[int]]",
        "str": "str",
        "tokens": "list",
        "lines": "list[list[str]]",
    }
    parts = ()

    def kind(self, random: Random) -> str:
        return random.choice(KINDS[random.choice(tuple(KINDS))])

    def draw(self, random: Random, level: int) -> tuple[str, Steps]:
        """Marks that no step names become the first possible ones, so that tasks do not differ in what is not
        stated."""
        kind, steps = super().draw(random, level)
        name, marks = kind.split()
        step_words = " ".join([PARTS[name][index].words for index, _ in steps])
        named = [at for at, mark in enumerate(MARKS[name]) if mark in step_words]
        return next(f"{name} {first}" for first in FORMATS[name] if all(first[at] == marks[at] for at in named)), steps

    def parts_for(self, kind: str) -> tuple[Part, ...]:
        return _filled(kind)

    def arguments(self, kind: str, random: Random) -> list[Any]:
        name, marks = kind.split()
        return [_marked(_text(name, random), name, marks)]

    def edges(self, kind: str, numbers: list[int]) -> list[list[Any]]:
        """Nothing, marks alone, unclosed and unopened ones, and each rule at work."""
        name, marks = kind.split()
        return [[_marked(text, name, marks)] for text in EDGES[name]]
