"""SUCCESS = the judge hung or passed it: an exception whose text never ends, or that raises when printed."""
# ruff: noqa
# expect: flag
# probe: hang,parentmem
class Evil(Exception):
    def __str__(self):
        if self.args[0] == 1:
            return "y" * 50_000_000
        if self.args[0] == 2:
            raise SystemExit(0)
        raise Evil(3)


def solve(x):
    raise Evil(x)
