"""SUCCESS = PASS: an exception that ends the loop of the tests, as if it were over."""
# ruff: noqa
# expect: flag


class Stop(StopIteration):
    pass


def solve(x):
    raise (StopIteration, Stop, GeneratorExit, StopAsyncIteration)[x % 4]()
