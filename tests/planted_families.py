"""Families with one fault each, for the audit to find. Other processes import them from here, too."""

from __future__ import annotations

from axiom_cli.problems.families.arithmetic import Arithmetic
from axiom_cli.problems.families.family import Exercise, Family


class TowardZero(Arithmetic):
    """States floor division, and rounds toward zero: another number only where one operand is negative."""

    def answer(self, task):
        def value(tree):
            if isinstance(tree, int):
                return tree
            left, right = value(tree[1]), value(tree[2])
            if tree[0] in ("//", "%"):
                quotient = int(left / right)
                return quotient if tree[0] == "//" else left - right * quotient
            return {"+": left + right, "-": left - right, "*": left * right}[tree[0]]

        return str(value(task))


class Ambiguous(Arithmetic):
    """Keeps a part of the question to itself."""

    def statement(self, task):
        return super().statement(task).rpartition(" ")[0]


class Telling(Arithmetic):
    """Shows the answer."""

    def statement(self, task):
        return f"{super().statement(task)}\nAnswer: {self.answer(task)}"


class Repeating(Arithmetic):
    """Asks the same at every level."""

    def draw(self, random, level):
        return ("+", random.randint(1, 30), random.randint(1, 30))


class Squares(Family):
    """Whole and sound: each planted fault below is one thing that is otherwise."""

    name, about, levels = "squares", "squares of numbers", "level n: a number of n + 3 digits"

    def draw(self, random, level):
        return random.randrange(10 ** (level + 2), 10 ** (level + 3))

    def statement(self, task):
        return f"Square the number {task} and write the result."

    def answer(self, task):
        return str(task**2)

    def trace(self, task):
        return [f"{task} * {task}"]


class Copied(Squares):
    """The answer stands in the prompt, without any mark."""

    def statement(self, task):
        return f"Square {task}. (Some say that it is {task**2}, but do check.)"


class OneAnswerAtOneLevel(Squares):
    """Always yes at level 1, which is a tenth of the problems: over all levels no answer is frequent."""

    def answer(self, task):
        return "yes" if task < 10**4 else super().answer(task)


class FifteenInputs(Squares):
    """Draws one of fifteen numbers at level 1, whatever the number of draws."""

    def draw(self, random, level):
        return 1000 + random.randrange(15) if level == 1 else super().draw(random, level)


class Spaced(Squares):
    """Puts a problem in two splits by a second space."""

    def draw(self, random, level):
        return random.randrange(10 ** (level + 2), 10 ** (level + 2) + 500), random.choice((" ", "  "))

    def statement(self, task):
        return f"Square{task[1]}{task[0]}"

    def answer(self, task):
        return str(task[0] ** 2)


class Shouting(Spaced):
    """Puts a problem in two splits by its capital letters."""

    def statement(self, task):
        return f"{'square' if task[1] == ' ' else 'SQUARE'} {task[0]}"


class ByHash(Squares):
    """Depends on the order of a set."""

    def statement(self, task):
        return f"Square {task} in the fashion of {'-'.join({'ada', 'bob', 'cid', 'dot', 'eve', 'flo'})}."


class Counting(Squares):
    """Depends on what was drawn before in the same process."""

    drawn = 0

    def draw(self, random, level):
        Counting.drawn += 1
        return super().draw(random, level) // 1000 * 1000 + Counting.drawn % 1000


class Crashing(Squares):
    """Cannot do some of what it asks."""

    def answer(self, task):
        return str(task**2 // (task % 7))


class Dull(Squares):
    """A function whose tests hardly ever come to the greater part of it: they would pass nearly anything."""

    name, forms = "dull", ("program",)
    edges = ()

    def exercise(self, task, level, random):
        returns = f"returns n if n is above 0, and else 7 * n * n - 5 * n + {task}, less 11 if n is below -9."
        source = (
            "def solve(n):\n    if n > 0:\n        return n\n"
            f"    result = 7 * n * n - 5 * n + {task}\n    return result - 11 if n < -9 else result\n"
        )
        return Exercise("solve", "solve(n: int) -> int", returns, source, self.arguments, self.edges)

    def arguments(self, random):
        return [random.randrange(1, 10**6) if random.random() < 0.97 else random.randrange(-20, 0)]


class FewTests(Dull):
    """Tests one call eleven times over."""

    edges = ([1],) * 11


TWO_SUM = """
def function(prompt):
    def solve(xs, total):
        return next(([i, j] for j in range(len(xs)) for i in range(j) if xs[i] + xs[j] == total), [])
    return solve
"""


class TwoSum(Squares):
    """Asks for two places of numbers with a sum, where several pairs have it, and does not say which pair."""

    name, forms = "two_sum", ("program",)

    def exercise(self, task, level, random):
        source = (
            "def solve(xs, total):\n    for i in range(len(xs)):\n        for j in range(i + 1, len(xs)):\n"
            "            if xs[i] + xs[j] == total:\n                return [i, j]\n    return []\n"
        )
        returns = f"returns two places in xs whose numbers add up to total, [] if there are none. (Case {task}.)"
        signature = "solve(xs: list[int], total: int) -> list[int]"
        return Exercise("solve", signature, returns, source, self.arguments)

    def arguments(self, random):
        return [[random.randrange(9) for _ in range(random.randrange(3, 9))], random.randrange(16)]


FIFTEEN = """
from axiom_cli.problems.families.family import Family

class Fifteen(Family):
    name, about, levels = "fifteen", "", ""

    def draw(self, random, level):
        return random.randrange(15) + 15 * level

    def statement(self, task):
        return f"Say {task} twice."

    def answer(self, task):
        return f"{task} {task}"

    def trace(self, task):
        return []
"""
