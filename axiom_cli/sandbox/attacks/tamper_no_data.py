"""Returns what is no data: a list that holds itself, a generator, a code object."""


def solve(x):
    itself = []
    itself.append(itself)
    return [itself, (n for n in [1]), solve.__code__][x - 1]
