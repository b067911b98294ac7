"""A problem family from outside: sums of Roman numerals.

    pip install ./examples/roman_family
    axiom problems gen roman --count 5

One definition makes the statement, the answer and the solver-teacher's reasoning, so that they cannot disagree; then
`axiom problems audit roman` draws thousands and says whether the family is fit to train on.
"""

from axiom_cli.problems.families.family import Family

DIGITS = [
    (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"),
    (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
]  # fmt: skip


def roman(number):
    """1 to 3999 as a Roman numeral."""
    out = ""
    for value, letters in DIGITS:
        count, number = divmod(number, value)
        out += letters * count
    return out


class Roman(Family):
    """A task is a list of integers."""

    name = "roman"
    about = "sums of Roman numerals"
    levels = "level n adds two numbers below 2 ** (n + 3), and three from level 6"

    def draw(self, random, level):
        """Two or three numbers whose sum still has a Roman numeral."""
        while True:
            task = [random.randint(1, 2 ** (level + 3) - 1) for _ in range(2 + (level > 5))]
            if sum(task) < 4000:
                return task

    def statement(self, task):
        """The question."""
        return f"Add, and answer with a Roman numeral: {' + '.join(map(roman, task))}"

    def answer(self, task):
        """The sum."""
        return roman(sum(task))

    def second(self, prompt):
        """The sum again, read from the prompt as a stranger would: a smaller letter before a larger one counts less."""
        values = {letter: value for value, letter in DIGITS if len(letter) == 1}
        total = 0
        for numeral in prompt.partition(": ")[2].split(" + "):
            digits = [values[letter] for letter in numeral]
            total += sum(-n if n < max(digits[at:]) else n for at, n in enumerate(digits))
        return roman(total)

    def trace(self, task):
        """By way of the usual digits."""
        return [" + ".join(map(str, task)), str(sum(task)), self.answer(task)]

    def shared(self, task, level, form):
        """A sum of small numbers can be drawn at every level that is large enough; it belongs to one of them."""
        return [n for n in range(1, 11) if (n > 5) == (len(task) == 3) and max(task) < 2 ** (n + 3)]
