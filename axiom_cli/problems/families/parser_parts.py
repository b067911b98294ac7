"""The steps of programs that read entries, fields or nested lists.

`SEP` and other words in capitals stand for characters that are drawn with the format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axiom_cli.problems.families.composed import COMPARED, Part, numbers

STOPS = "return None at once|return None"


def each(takes: str, words: str, expression: str, *choices: Sequence[Any], gives: str = "") -> Part:
    return Part(takes, gives or takes, 1, words, f"data = {expression}", choices)


def long(takes: str, gives: str, words: str, code: str, *choices: Sequence[Any]) -> Part:
    return Part(takes, gives, 2, words, code, choices)


NUMBERS = numbers("numbers", "data", 1)
PAIRED = """pairs = []
for x in data:
    if "EQ" not in x:
        $1
    key, _, value = x.$0("EQ")
    pairs.append([key.strip(" "), value.strip(" ")])
data = pairs"""
REFERRED = """known, pairs = {}, []
for key, value in data:
    if value[:1] == "@":
        if value[1:] not in known:
           $0
        value = known[value[1:]]
    known[key] = value
    pairs.append([key, value])
data = pairs"""
ENTRIES = (
    long("entries", "list", "split data at every `SEP`, cut the spaces off both ends of every entry, and drop the "
         "entries that are then empty", 'data = [x.strip(" ") for x in data.split("SEP")]\ndata = [x for x in data '
         "if x]"),
    each("list", "cut off from every entry the first `NOTE` and all that follows it, then the spaces at the end of "
         "the entry", '[x.split("NOTE")[0].rstrip(" ") for x in data]'),
    each("list", "drop the entries that begin with `NOTE`", '[x for x in data if x[:1] != "NOTE"]'),
    each("list", "make every letter of the entries lower-case", "[x.lower() for x in data]"),
    long("list", "list", "append every entry that begins with `+`, without this `+`, to the entry before it, if there "
         "is one (several in a row go to the same entry)", 'joined = []\nfor x in data:\n    if x[:1] == "+" and '
         "joined:\n        joined[-1] += x[1:]\n    else:\n        joined.append(x)\ndata = joined"),
    long("list", "list", "drop every entry that begins with `[` and ends with `]` (a header), and put what stands "
         "between the two and a `.` in front of every entry that follows, up to the next header", 'head, lines = "", '
         '[]\nfor x in data:\n    if x[:1] == "[" and x[-1:] == "]":\n        head = x[1:-1] + "."\n    else:\n'
         "        lines.append(head + x)\ndata = lines"),
    long("list", "list", "replace every entry that begins with a digit and `*` by so many copies of what follows the "
         "`*`", 'copies = []\nfor x in data:\n    if x[:1].isdigit() and x[1:2] == "*":\n        copies += [x[2:]] * '
         "int(x[0])\n    else:\n        copies.append(x)\ndata = copies"),
    long("list", "pairs", "cut every entry at its $0 `EQ` into [key, value], both without spaces at their ends, and "
         "where an entry has no `EQ`, $1", PAIRED, ("first|partition", "last|rpartition"),
         (STOPS, "leave it out|continue", 'append `EQon` to it first|x += "EQon"')),
    each("pairs", "drop the pairs whose $0 is empty", "[pair for pair in data if pair[$0]]", ("key|0", "value|1")),
    each("pairs", "make every letter of the keys upper-case", "[[key.upper(), value] for key, value in data]"),
    each("pairs", "keep only the pairs whose value consists of digits only (one or more)",
         "[pair for pair in data if pair[1].isdigit()]"),
    each("pairs", "of pairs with equal keys keep only the $0", "[pair for i, pair in enumerate(data) "
         "if pair[0] not in [other[0] for other in data[$0]]]", ("first|:i", "last|i + 1 :")),
    long("pairs", "pairs", "from the first pair to the last, replace a value that begins with `@` by the value (as it "
         "then is) of the last pair before it whose key is what follows the `@`, and where there is no such pair, $0",
         REFERRED, (STOPS, "drop this one|continue")),
    each("pairs", "make the list of the $0", "[pair[$0] for pair in data]", ("keys|0", "values|1"), gives="strings"),
    long("pairs", "dict", "make a dict of the pairs, and where a key comes several times, $0",
         "table = {}\nfor key, value in data:\n    $0\ndata = table",
         ("take its first value|table.setdefault(key, value)", "take its last value|table[key] = value")),
    long("pairs", "lists", "make a dict of each key to the list of its values, in order",
         "table = {}\nfor key, value in data:\n    table.setdefault(key, []).append(value)\ndata = table"),
    long("pairs", "sums", "make a dict of each key to the sum of those of its values that consist of digits only (one "
         "or more), 0 if there are none", "table = {}\nfor key, value in data:\n    table[key] = "
         "table.get(key, 0) + (int(value) if value.isdigit() else 0)\ndata = table"),
    each("dict", "replace every value that consists of digits only (one or more) by the integer, and every empty one "
         "by $0", "{key: int(x) if x.isdigit() else x or $0 for key, x in data.items()}", ("None", "0"), gives="any"),
)  # fmt: skip
QUOTED = """fields, quoted = [""], False
for c in data:
    if c == "QUOTE":
        quoted = not quoted
    elif c == "SEP" and not quoted:
        fields.append("")
    else:
        fields[-1] += c
if quoted:
    $0
data = fields"""
ESCAPED = """fields, escaped = [""], False
for c in data:
    if c == "ESC" and not escaped:
        escaped = True
    elif c == "SEP" and not escaped:
        fields.append("")
    else:
        fields[-1] += c
        escaped = False
if escaped:
    $0
data = fields"""
WIDTHS = """fields = []
while data:
    width = $0 if len(fields) % 2 == 0 else $1
    fields.append(data[:width])
    data = data[width:]
data = fields"""
FILLED = """filled = []
for x in data:
    filled.append(x or (filled[-1] if filled else "-"))
data = filled"""
GROUPED = """rest = len(data) % $0
if rest:
    $1
data = [data[i : i + $0] for i in range(0, len(data), $0)]"""
FIELDS = (
    long("fields", "list", "split data into fields at every `SEP` that is not within quotes (a `QUOTE` opens quotes "
         "and the next `QUOTE` closes them, wherever they stand, and both are removed), and where quotes are not "
         "closed, $0", QUOTED, (STOPS, 'empty the last field|fields[-1] = ""', 'append `?` to the last field|'
         'fields[-1] += "?"')),
    long("fields", "list", "split data into fields at every `SEP` that is not escaped (a `ESC` that is not escaped "
         "itself escapes the character after it, and is removed), and where the last character of data is such a "
         "`ESC`, $0", ESCAPED, (STOPS, 'append `ESC` to the last field|fields[-1] += "ESC"')),
    long("fields", "list", "cut data from left to right into fields of $0 and $1 characters in turn (the last may be "
         "shorter, and empty data has no field)", WIDTHS, (2, 3, 6), (1, 4, 5)),
    each("list", "cut the spaces off both ends of every field", '[x.strip(" ") for x in data]'),
    each("list", "drop the empty fields", "[x for x in data if x]"),
    each("list", "make every letter of the fields lower-case", "[x.lower() for x in data]"),
    each("list", "cut every field off after $0 characters", "[x[:$0] for x in data]", (2, 3, 4)),
    long("list", "list", "replace, from the first field to the last, every empty field by the field before it (as it "
         "then is), or by `-` if it is the first", FILLED),
    long("list", "records", "group the fields in their order into records of $0, and where the last record would be "
         "shorter, $1", GROUPED, (2, 3), (STOPS, "drop its fields|data = data[:-rest]")),
    each("list", "replace every field that consists of digits only (one or more) by its integer, and every other by "
         "$0", "[int(x) if x.isdigit() else $0 for x in data]", (0, -1, "its length|len(x)"), gives="numbers"),
    each("records", "drop the records whose $0 field is empty", "[r for r in data if r[$0]]", ("first|0", "last|-1")),
    each("records", "drop the records whose last field consists of digits only (one or more)",
         "[r for r in data if not r[-1].isdigit()]"),
    each("records", "sort the records by the length of their $0 field, shortest first, equal ones left in their order",
         "sorted(data, key=lambda r: len(r[$0]))", ("first|0", "last|-1")),
    each("records", "make the list of the number of characters of each record, all fields together",
         '[len("".join(r)) for r in data]', gives="numbers"),
    long("records", "lists", "make a dict of the first field of each record to the list of its other fields, and "
         "where several records have the same first field, $0", "table = {}\nfor key, *others in data:\n    $0\n"
         "data = table", ("take the first|table.setdefault(key, others)", "take the last|table[key] = others",
         "join their lists in order|table.setdefault(key, []).extend(others)")),
    *NUMBERS,
)  # fmt: skip
LISTED = """stack, number = [[]], ""
for c in data + " ":
    if c.isdigit():
        number += c
        continue
    if number:
        stack[-1].append(int(number))
        number = ""
    if c == "OPEN":
        stack.append([])
    elif c == "CLOSE":
        if len(stack) == 1:
           $0
        stack[-2].append(stack.pop())
while len(stack) > 1:
    $1
data = stack[0]"""
DEEP = """depth, number, deep = 0, "", []
for c in data + " ":
    if c.isdigit():
        number += c
        continue
    if number:
        deep.append([depth, int(number)])
        number = ""
    depth += (c == "OPEN") - (c == "CLOSE")
    if depth < 0:
        $0
data = deep"""
WALK = "def walk(x, depth):\n    if isinstance(x, int):\n        return %s\n    return %s\ndata = walk(data, 0)"
NESTED = (
    long("nested", "tree", "make the nested list that data describes: digits in a row are an integer, `OPEN` begins a "
         "list, `CLOSE` ends the list begun last of those still open, other characters only separate, and integers "
         "and lists at the top are elements of the result, a list (where a `CLOSE` finds no open list, $0, and where "
         "a list is open at the end, $1)", LISTED, (STOPS, "skip it|continue"),
         (STOPS, "close it there|stack[-2].append(stack.pop())", "drop it and what is in it|stack.pop()")),
    long("nested", "deep", "make the list of [depth, integer] for the integers in data, digits in a row each (the "
         "depth is 0 where data begins, each `OPEN` adds 1 to it and each `CLOSE` subtracts 1, and where this would "
         "make it negative, $0)", DEEP, (STOPS, "leave it at 0|depth = 0")),
    long("tree", "tree", "reverse the order of the elements of every list, the result itself included",
         WALK % ("x", "[walk(y, depth + 1) for y in x[::-1]]")),
    long("tree", "tree", "replace every integer, at any depth, by it times the number of lists that it is in, the "
         "result itself not counted", WALK % ("x * (depth - 1)", "[walk(y, depth + 1) for y in x]")),
    long("tree", "tree", "drop every integer that is $0 $1, at any depth", WALK % ("x", "[walk(y, depth + 1) for y in x"
         " if not (isinstance(y, int) and y $0 $1)]"), COMPARED, range(2, 9)),
    long("tree", "tree", "replace all at once every list that holds no list, other than the result itself, by the $0",
         WALK % ("x", "$0(x) if depth and all(isinstance(y, int) for y in x) else [walk(y, depth + 1) for y in x]"),
         ("sum of its integers (0 for none)|sum", "number of its integers|len")),
    long("tree", "str", "write the result as text: every list but the result itself between `OPEN` and `CLOSE`, and a "
         "`SEP` between any two elements that follow each other in a list, without spaces", "def walk(x):\n    return "
         'str(x) if isinstance(x, int) else "OPEN" + "SEP".join(map(walk, x)) + "CLOSE"\n'
         'data = "SEP".join(map(walk, data))'),
    long("tree", "numbers", "make the list of all integers, at any depth, from left to right", "def walk(x):\n    "
         "return [x] if isinstance(x, int) else [z for y in x for z in walk(y)]\ndata = walk(data)"),
    each("deep", "drop the pairs whose depth is $0 $1", "[pair for pair in data if not pair[0] $0 $1]", COMPARED,
         (1, 2)),
    each("deep", "drop the pairs whose integer is $0 $1", "[pair for pair in data if not pair[1] $0 $1]", COMPARED,
         range(2, 9)),
    each("deep", "sort the pairs by depth, smallest first, equal ones left in their order", "sorted(data, key=lambda "
         "pair: pair[0])"),
    each("deep", "make the list of depth times integer of the pairs", "[pair[0] * pair[1] for pair in data]",
         gives="numbers"),
    each("deep", "make the list of depth plus integer of the pairs", "[pair[0] + pair[1] for pair in data]",
         gives="numbers"),
    *NUMBERS,
)  # fmt: skip
