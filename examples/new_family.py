"""A problem family in thirty lines. `python examples/new_family.py` prints some of its problems and an audit of it."""

import json

from axiom_cli.audit.families import audit_family
from axiom_cli.problems.families import draw
from axiom_cli.problems.families.family import Family


class Digits(Family):
    name, about, levels = "digits", "sums of digits", "level n: a number of n + 4 digits"

    def draw(self, random, level):  # only `random` decides, so that the nth problem is always the same
        return random.randrange(10 ** (level + 3), 10 ** (level + 4))

    def statement(self, task):  # complete, with one right answer
        return f"What is {task} times the sum of its digits?"

    def answer(self, task):
        return str(task * sum(map(int, str(task))))

    def trace(self, task):  # steps by which a model could find the answer, each from the ones before
        total = sum(map(int, str(task)))
        return [f"{' + '.join(str(task))} = {total}", f"{task} * {total}"]


if __name__ == "__main__":
    problems = [next(draw.stream(Digits(), level, "train", seed=0)).to_dict() for level in (1, 5, 10)]
    print(*map(json.dumps, [*problems, *audit_family(Digits(), draws=1000)]), sep="\n")
