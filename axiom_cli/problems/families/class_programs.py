"""Programs that define a small class, whose methods and their rules vary, and run operations on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar

from axiom_cli.problems.families.composed import Written, levels_of_half
from axiom_cli.problems.families.family import Exercise


@dataclass(frozen=True)
class Method:
    """One method: its head, what it does in words, and its body. `{0}` and `{1}` are drawn from `ranges`."""

    head: str
    words: str
    body: str
    ranges: tuple[range, ...] = ()


VALUE = (
    Method("get()", "returns the value", "return self.value"),
    Method("add(n)", "adds n to the value and returns the new value", "self.value += n\nreturn self.value"),
    Method("take(n)", "subtracts n from the value and returns True if at least {0} is left, otherwise changes nothing "
           "and returns False", "if self.value - n < {0}:\n    return False\nself.value -= n\nreturn True",
           (range(-6, 4),)),
    Method("fill(n)", "adds n to the value, sets it to {0} if it is then greater than {0}, and returns the new value",
           "self.value = min(self.value + n, {0})\nreturn self.value", (range(4, 14),)),
    Method("times()", "multiplies the value by {0} and returns nothing (None)", "self.value *= {0}", (range(2, 4),)),
    Method("half()", "divides the value by 2, rounding down, and returns the remainder (0 or 1)",
           "rest = self.value % 2\nself.value //= 2\nreturn rest"),
    Method("reset()", "sets the value to {0} and returns the value before", "before = self.value\nself.value = {0}\n"
           "return before", (range(-3, 6),)),
    Method("fee()", "subtracts {0} if the value is greater than {1}, and returns the new value",
           "if self.value > {1}:\n    self.value -= {0}\nreturn self.value", (range(1, 5), range(2, 9))),
    Method("bonus(n)", "adds n to the value, or {0} times n if n is at least {1}, and returns the amount added",
           "amount = {0} * n if n >= {1} else n\nself.value += amount\nreturn amount", (range(2, 4), range(2, 6))),
    Method("swap(n)", "sets the value to n and returns n minus the value before",
           "change = n - self.value\nself.value = n\nreturn change"),
    Method("pay(n)", "subtracts from the value n or the whole value, whichever is smaller (nothing if that is "
           "negative), and returns the amount subtracted",
           "amount = max(0, min(n, self.value))\nself.value -= amount\nreturn amount"),
    Method("over(n)", "returns True if the value is at least {0} times n, otherwise False",
           "return self.value >= {0} * n", (range(1, 4),)),
    Method("turn()", "changes the sign of the value and returns True if it is then below {0}, otherwise False",
           "self.value = -self.value\nreturn self.value < {0}", (range(-4, 3),)),
)  # fmt: skip
ITEMS = (
    Method("push(n)", "puts n at the end and returns True, or changes nothing and returns False if there are already "
           "{0} items", "if len(self.items) >= {0}:\n    return False\nself.items.append(n)\nreturn True",
           (range(2, 8),)),
    Method("front(n)", "puts n at the front, unless one of the items equals n, and returns the number of items",
           "if n not in self.items:\n    self.items.insert(0, n)\nreturn len(self.items)"),
    Method("pop()", "removes the last item and returns it, or returns None if there is none",
           "return self.items.pop() if self.items else None"),
    Method("shift()", "removes the first item and returns it, or returns None if there is none",
           "return self.items.pop(0) if self.items else None"),
    Method("all()", "returns the list of the items", "return list(self.items)"),
    Method("total()", "returns the sum of the items, plus {0}", "return sum(self.items) + {0}", (range(0, 5),)),
    Method("drop(n)", "removes every item equal to n and returns how many there were",
           "count = self.items.count(n)\nself.items = [x for x in self.items if x != n]\nreturn count"),
    Method("best()", "returns the largest item, or None if there is none", "return max(self.items, default=None)"),
    Method("trim()", "keeps only the last {0} of the items (all where there are fewer) and returns how many were "
           "removed", "count = max(0, len(self.items) - {0})\nself.items = self.items[count:]\nreturn count",
           (range(1, 5),)),
    Method("turn()", "reverses the order of the items and returns how many there are",
           "self.items = self.items[::-1]\nreturn len(self.items)"),
    Method("raise_all(n)", "adds n to every item and returns how many items are then greater than {0}",
           "self.items = [x + n for x in self.items]\nreturn sum(x > {0} for x in self.items)", (range(2, 9),)),
    Method("join()", "replaces the last two items by their sum and returns it, or returns None if there are fewer than "
           "two", "if len(self.items) < 2:\n    return None\nself.items.append(self.items.pop() + self.items.pop())\n"
           "return self.items[-1]"),
    Method("keep(n)", "removes every item less than n and returns the list of the items that are left",
           "self.items = [x for x in self.items if x >= n]\nreturn list(self.items)"),
)  # fmt: skip
KINDS = {"value": VALUE, "items": ITEMS}
STARTS = {"value": (0, 1, 2, 3, 5, 8), "items": ("[]",)}
BEGIN = {"value": "an integer, the value, at first {}", "items": "a list of items, at first empty"}

Spec = tuple[str, Any, tuple[tuple[Method, tuple[int, ...]], ...]]


class ClassPrograms(Written):
    """Accounts, stacks, queues and so on: a class whose rules vary, and operations on it."""

    name: ClassVar[str] = "class_programs"
    about: ClassVar[str] = "define a class with stated methods and run a list of operations on an object of it"
    levels: ClassVar[str] = "level n: 2 + n // 2 methods"

    def draw(self, random: Random, level: int) -> Spec:
        kind = random.choice(list(KINDS))
        first, *others = KINDS[kind]
        methods = [first] if kind == "items" else []
        methods += random.sample(others, 2 + level // 2 - len(methods))
        random.shuffle(methods)
        return kind, random.choice(STARTS[kind]), tuple(
            (method, tuple(random.choice(choice) for choice in method.ranges)) for method in methods
        )  # fmt: skip

    def statement(self, task: Spec) -> str:
        return (
            f"makes an object that holds {BEGIN[task[0]].format(task[1])}, calls its methods as operations says, each "
            "a list of a method's name and its arguments, and returns the list of the results of all calls (an empty "
            f"list if there is none). Its methods: {'; '.join(self.trace(task))}."
        )

    def trace(self, task: Spec) -> list[str]:
        return [f"{method.head} {method.words.format(*numbers)}" for method, numbers in task[2]]

    def shared(self, task: Spec, level: int, form: str) -> Sequence[int]:
        """Only the number of methods depends on the level."""
        return levels_of_half(level)

    def exercise(self, task: Spec, level: int, random: Random) -> Exercise:
        heads = [method.head for method, _ in task[2]]
        signature = "solve(operations: list) -> list"
        return Exercise(
            "solve",
            signature,
            self.statement(task),
            _source(task) + f"\n\ndef {signature}:\n    thing = Thing()\n"
            "    return [getattr(thing, name)(*arguments) for name, *arguments in operations]\n",
            lambda random: [[_call(random.choice(heads), random) for _ in range(random.randint(6, 16))]],
            tuple([operations] for operations in _edges(heads)),
            ("write the class with its methods", *self.trace(task), "call them by name, collect the results"),
        )


def _source(task: Spec) -> str:
    """The class that a task describes."""
    lines = ["class Thing:", "    def __init__(self):", f"        self.{task[0]} = {task[1]}"]
    for method, numbers in task[2]:
        head = method.head.replace("()", "(self)").replace("(n)", "(self, n)")
        lines += ["", f"    def {head}:", *("        " + line for line in method.body.format(*numbers).split("\n"))]
    return "\n".join(lines) + "\n"


def _call(head: str, random: Random, low: int = -2, high: int = 7) -> list[Any]:
    """One operation."""
    name, _, rest = head.partition("(")
    return [name, random.randint(low, high)] if rest == "n)" else [name]


def _edges(heads: list[str]) -> list[list[Any]]:
    """No call, one, each method many times in a row with others between, small steps and large ones."""
    random = Random("edges")
    out: list[list[Any]] = [[], [_call(heads[0], random)], [_call(head, random) for head in heads]]
    for low, high in ((1, 1), (0, 3), (3, 3), (1, 6), (-4, 9), (-1, 2)):
        out.append([_call(random.choice(heads), random, low, high) for _ in range(12 + 2 * len(heads))])
    runs = [_call(head, random, 1, 2) for head in heads for _ in range(9)]
    return [*out, runs, runs[::-1], [call for head in heads[:4] for call in ([_call(head, random, 1, 1)] * 5)]]
