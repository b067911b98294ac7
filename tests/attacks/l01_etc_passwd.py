"""SUCCESS = PASS: the program could read /etc/passwd."""
# ruff: noqa
# expect: LEAK
import io
def solve(x): return "LEAK" if b"root:" in io.FileIO("/etc/passwd").read() else ""
