"""Values extracted from small formats: key=value records, quoted CSV rows, log lines."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar

from axiom_cli.problems.families.family import Family

NAMES = (
    *("ann", "bob", "cai", "dee", "eva", "fay", "gus", "hal", "ida", "jon", "kim", "leo"),
    *("mia", "ned", "ola", "pam", "rex", "sue", "tom", "una", "vic", "wes", "zoe"),
)
ITEMS = (
    *("lamp", "cup", "bag", "pen", "hat", "box", "fan", "mat", "rug", "jar", "key", "saw"),
    *("map", "pot", "bell", "kite", "drum", "coat", "vase", "comb", "soap", "tape", "rope"),
)
CITIES, COLORS = ("rome", "oslo", "bern", "lima", "kyiv"), ("red", "blue", "grey", "pink")
GRADES, HOSTS = ("INFO", "WARN", "ERROR"), ("db", "web", "mail", "auth")
ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
FIELDS = {
    "records": ("name", "qty", "city"),
    "csv": ("item", "price", "color"),
    "log": ("time", "level", "host", "ms"),
}
FORMATS = {
    "records": "Records, the fields in any order: ",
    "csv": 'CSV, rows between |; in a quoted field "" is one quote: ',
    "log": "Log entries of time, level, host, ms: ",
}
Value = str | int


@dataclass(frozen=True)
class Table:
    """Rows of one format. `raw` is each row as it stands in the text, `conditions` are (field, relation, value).

    The answer is the first field of the rows that meet all conditions (or any of them).
    """

    kind: str
    rows: tuple[tuple[Value, ...], ...]
    raw: tuple[str, ...]
    conditions: tuple[tuple[int, str, Value], ...]
    every: bool


def holds(row: tuple[Value, ...], condition: tuple[int, str, Value]) -> bool:
    """Whether a row meets a condition."""
    field, relation, value = condition
    if relation == "is at least":
        return row[field] >= value  # type: ignore[operator]
    if relation == "is below":
        return row[field] < value  # type: ignore[operator]
    return (row[field] == value) == (relation == "is")


def chosen(task: Table) -> list[str]:
    """The answer's values, in the order of the rows."""
    wanted = all if task.every else any
    return [str(row[0]) for row in task.rows if wanted([holds(row, condition) for condition in task.conditions])]


def _quoted(random: Random, item: str) -> tuple[str, str]:
    """An item as a field's value, and as it stands in a row."""
    style = int(random.random() * 4)
    if style == 0:
        return item, item
    if style == 1:
        word = random.choice(("small", "old", "new", "flat"))
        return f"{item}, {word}", f'"{item}, {word}"'
    if style == 2:
        size = 2 + int(random.random() * 18)
        return f'{size}" {item}', f'"{size}"" {item}"'
    return f'the "{item}"', f'"the ""{item}"""'


def _record(random: Random, name: str) -> tuple[tuple[Value, ...], str]:
    row = (name, 1 + int(random.random() * 60), random.choice(CITIES))
    parts = (f"name={row[0]}", f"qty={row[1]}", f"city={row[2]}")
    first, second, third = random.choice(ORDERS)
    return row, f"{parts[first]} {parts[second]} {parts[third]}"


def _csv(random: Random, name: str) -> tuple[tuple[Value, ...], str]:
    item, written = _quoted(random, name)
    row = (item, 1 + int(random.random() * 60), random.choice(COLORS))
    return row, f"{written},{row[1]},{row[2]}"


def _entry(random: Random, minute: int) -> tuple[tuple[Value, ...], str]:
    time = f"{minute // 60:02d}:{minute % 60:02d}"
    row = (time, random.choice(GRADES), random.choice(HOSTS), 1 + int(random.random() * 90))
    return row, f"{time} {row[1]} {row[2]} {row[3]}"


def _condition(random: Random, field: int, value: Value) -> tuple[int, str, Value]:
    """A condition that `value` meets."""
    if isinstance(value, str):
        return field, "is", value
    slack = int(random.random() * 12)
    return (
        (field, "is at least", max(1, value - slack))
        if random.random() < 0.5
        else (field, "is below", value + 1 + slack)
    )


class TextParsing(Family):
    """Finds the rows of a small text that meet conditions."""

    name: ClassVar[str] = "text_parsing"
    about: ClassVar[str] = "records of key=value, quoted CSV rows or log lines: which entries meet the conditions"
    levels: ClassVar[str] = "level n: n + 2 rows; one condition up to level 3, two or three (all or any of them) above"

    def draw(self, random: Random, level: int) -> Table:
        kind = random.choice(("records", "csv", "log"))
        count = level + 2
        if kind == "log":
            minute, values = int(random.random() * 1000), []
            for _ in range(count):
                minute += 1 + int(random.random() * 30)
                values.append(_entry(random, minute))
        else:
            make, words = (_record, NAMES) if kind == "records" else (_csv, ITEMS)
            at, step = int(random.random() * len(words)), 1 + int(random.random() * (len(words) - 1))
            values = [make(random, words[(at + n * step) % len(words)]) for n in range(count)]
        rows, raw = zip(*values, strict=True)
        conditions, every = self._asked(random, rows, level)
        return Table(kind, rows, raw, conditions, every)

    @staticmethod
    def _asked(
        random: Random, rows: tuple[tuple[Value, ...], ...], level: int
    ) -> tuple[tuple[tuple[int, str, Value], ...], bool]:
        """Conditions on different fields that a row meets, and whether all of them must be met."""
        row, first = random.choice(rows), int(random.random() * 3)
        columns = len(rows[0]) - 1
        count = 1 if level <= 3 else 2 if level <= 7 else columns
        fields = [1 + (first + n) % columns for n in range(count)]
        if count == 1 and random.random() < 0.5:
            fields = [next(field for field in range(1, columns + 1) if isinstance(row[field], int))]
        every = random.random() < 0.5
        pivots = [row if every else random.choice(rows) for _ in fields]
        return tuple(
            _condition(random, field, pivot[field]) for field, pivot in zip(fields, pivots, strict=True)
        ), every

    def statement(self, task: Table) -> str:
        fields = FIELDS[task.kind]
        body = (" | " if task.kind == "csv" else "; ").join(task.raw)
        if task.kind == "csv":
            body = f"{','.join(fields)} | {body}"
        joint = " and " if task.every else " or "
        conditions = joint.join([f"{fields[field]} {relation} {value}" for field, relation, value in task.conditions])
        plain = ", without the quoting" if task.kind == "csv" else ""
        question = f"Give every {fields[0]} where {conditions}, in order{plain}, separated by a semicolon and a space."
        return f"{FORMATS[task.kind]}{body}. {question}"

    def answer(self, task: Table) -> str:
        return "; ".join(chosen(task))

    def trace(self, task: Table) -> list[str]:
        lines, total = [], 0
        for row in task.rows:
            checks = [holds(row, condition) for condition in task.conditions]
            described = [
                f"{row[field]} {relation[3:] or '='} {value} {'yes' if check else 'no'}"
                for (field, relation, value), check in zip(task.conditions, checks, strict=True)
            ]
            taken = all(checks) if task.every else any(checks)
            total += taken
            lines.append(f"{row[0]}: {', '.join(described)}: {f'take {total}' if taken else 'no'}")
        return lines
