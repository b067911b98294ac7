"""The steps of programs that read an expression or code. Words in capitals stand for the format's marks."""

from __future__ import annotations

from axiom_cli.problems.families.composed import Part
from axiom_cli.problems.families.parser_parts import NUMBERS, STOPS, each, long

TOKENS = """tokens, number = [], ""
for c in data + " ":
    if c.isdigit():
        number += c
        continue
    if number:
        tokens.append(int(number))
        number = ""
    if c in ("OP1", "OP2", "OP3"):
        tokens.append(c)
    elif c != " ":
        $0
if len(tokens) % 2 == 0 or any((i % 2 == 0) != isinstance(x, int) for i, x in enumerate(tokens)):
    return None
data = tokens"""
REDUCED = """out = []
for x in data[$0]:
    if out[-1:] == ["%s"]:
        out.pop()
        a, b = (out.pop(), x)[$0]
        x = $1
    out.append(x)
data = out[$0]"""
VALUES = ("a + b", "a - b", "a * b", "b - a", "2 * a + b", "a - 2 * b", "the larger of a and b|max(a, b)",
         "the smaller of a and b|min(a, b)", "the absolute value of a - b|abs(a - b)")  # fmt: skip


def _reduced(operator: str) -> Part:
    words = (
        f"as long as there is a `{operator}`, replace the $0 `{operator}`, the integer a before it and the integer b "
        "after it by $1"
    )
    return long("tokens", "tokens", words, REDUCED % operator, ("first|::1", "last|::-1"), VALUES)


EXPRESSION = (
    long("expression", "tokens", "make the list of the tokens of data: digits in a row are an integer, each `OP1`, "
         "`OP2` and `OP3` is an operator, spaces only separate, and at any other character $0 (after the last token "
         "return None, too, unless they are integer, operator, integer, operator, ..., integer)", TOKENS,
         ("do as at a space|continue", STOPS)),
    *map(_reduced, ("OP1", "OP2", "OP3")),
    each("tokens", "replace every integer greater than $0 by $0", "[min(x, $0) if isinstance(x, int) else x for x in "
         "data]", range(4, 9)),
    each("tokens", "replace every `OP3` by `OP1`", '["OP1" if x == "OP3" else x for x in data]'),
    each("tokens", "reverse the order of the tokens", "data[::-1]"),
    each("tokens", "add $0 to every integer", "[x + $0 if isinstance(x, int) else x for x in data]", range(1, 6)),
    each("tokens", "drop the first operator, if there is one, and the integer before it", "data[2:] or data"),
    each("tokens", "take the first token, an integer", "data[0]", gives="int"),
)  # fmt: skip
CUT = """tokens, last = [], ""
for c in data:
    kind = "word" if $0 else "number" if c.isdigit() else ""
    if kind and kind == last:
        tokens[-1] += c
    elif c != " ":
        tokens.append(c)
    last = kind
data = tokens"""
COMMENTS = """kept, comment = [], False
for x in data:
    comment = comment or x == "NOTE"
    if not comment:
        kept.append(x)
    comment = comment and x != "END"
data = kept"""
STRINGS = """joined, quoted = [], False
for x in data:
    if quoted:
        joined[-1] += x
    else:
        joined.append(x)
    quoted ^= x == "QUOTE"
if quoted:
    $0
data = joined"""
ARROWS = """joined = []
for x in data:
    if x == ">" and joined and joined[-1] == "-":
        joined[-1] = "->"
    else:
        joined.append(x)
data = joined"""
KINDED = "'word' if x[0].isalpha() else 'number' if x[0].isdigit() else 'mark'"
CODE = (
    long("code", "tokens", "cut data from left to right into tokens: $0, digits in a row, and every other character "
         "by itself, spaces only separating", CUT, ("letters in a row|c.isalpha()", "a letter with all letters and "
         "digits that follow it without a gap|c.isalpha() or (c.isdigit() and last == 'word')")),
    long("tokens", "tokens", "drop every `NOTE` with all tokens after it up to the next `END`, this one included (all "
         "to the end where there is none)", COMMENTS),
    long("tokens", "tokens", "join every token that is just `QUOTE` with all tokens after it, up to the next that is "
         "just `QUOTE`, this one included, to one token (from left to right, each `QUOTE` in one token only), and "
         "where the last has no partner, $0", STRINGS, (STOPS, "drop it and all after it|joined.pop()")),
    long("tokens", "tokens", "join every `-` and a `>` that is the next token to one token `->`", ARROWS),
    each("tokens", "make every letter of the tokens upper-case", "[x.upper() for x in data]"),
    each("tokens", "drop every token that is just `END`", '[x for x in data if x != "END"]'),
    each("tokens", "drop every token that does not begin with a $0", "[x for x in data if x[0].$0()]",
         ("letter|isalpha", "letter or digit|isalnum")),
    each("tokens", "drop the tokens of $0 $1 characters", "[x for x in data if not len(x) $0 $1]",
         ("more than|>", "at most|<="), (1, 2)),
    long("tokens", "lines", "cut the tokens into lines, lists that end before every `END` token, which is dropped, "
         "and drop the lines without a token", 'lines = [[]]\nfor x in data:\n    if x == "END":\n        '
         "lines.append([])\n    else:\n        lines[-1].append(x)\ndata = [line for line in lines if line]"),
    long("tokens", "lines", "make the list of [kind, token] of the tokens, the kind being `word` if it begins with a "
         "letter, `number` if it begins with a digit, else `mark`", f"data = [[{KINDED}, x] for x in data]"),
    long("tokens", "sums", "make a dict of the kinds of the tokens to how many tokens of the kind there are (`word` "
         "is one that begins with a letter, `number` with a digit, `mark` any other, and a kind without tokens is left "
         "out)", f"table = {{}}\nfor x in data:\n    kind = {KINDED}\n    table[kind] = table.get(kind, 0) + 1\n"
         "data = table"),
    each("tokens", "make the list of the lengths of the tokens", "[len(x) for x in data]", gives="numbers"),
    each("lines", "make the list of the last element of each list", "[line[-1] for line in data]", gives="strings"),
    each("lines", "drop the lists whose first element is that of an earlier list", "[line for i, line in "
         "enumerate(data) if line[0] not in [other[0] for other in data[:i]]]"),
    each("lines", "sort the lists by the length of their last element, shortest first, equal ones left in their "
         "order", "sorted(data, key=lambda line: len(line[-1]))"),
    *NUMBERS,
)  # fmt: skip
