"""Raises exceptions whose text is endless, or leaves with status 0 when it is asked for."""


class Talkative(Exception):
    def __str__(self):
        if self.args[0] == 1:
            return "y" * 50_000_000
        if self.args[0] == 2:
            raise SystemExit(0)
        raise Talkative(3)


def solve(x):
    raise Talkative(x)
