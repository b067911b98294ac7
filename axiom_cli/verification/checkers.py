"""Judges that users bring: `checker` names a function as `package:function`, or an entry point of `axiom.checkers`.

Such a function gets the problem and the model's text, and says True, False, or (False, "the reason"). Its code is
trusted, and runs outside the sandbox, so that only the packages in `--allow-checkers` are used. It runs in a process of
its own: one that hangs, prints or ends its process harms nothing but its own verdict, which is `infra`.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
import sys
import time
from functools import cache
from importlib import metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec
from typing import Any

import orjson

from axiom_cli import installation, json_codec
from axiom_cli.errors import MissingError, UsageError
from axiom_cli.problems.families import GYM
from axiom_cli.records import Problem
from axiom_cli.sandbox import Outcome
from axiom_cli.sandbox.values import WITHIN
from axiom_cli.settings.configs import VerifyConfig

GROUP = "axiom.checkers"
NAMED = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")
TAKEN = frozenset([*WITHIN, "argument", GYM.removesuffix(":")])
"""What stands before the colon of a checker that is no package."""
BLAMED = "the checker "
"""How the reason of a verdict begins that a checker is to blame for."""
LOADING = 120.0
"""Seconds that a checker's package may take to be imported."""
START = "import sys; sys.path[:] = sys.argv[1:]; from axiom_cli.verification.checker_process import main; main()"


@cache
def _entries() -> dict[str, str]:
    return {entry.name: entry.value.replace(" ", "") for entry in metadata.entry_points(group=GROUP)}


def function(checker: str | None) -> str:
    """The function that a checker names, as `package:function`; empty if it is a rule or a family of ours."""
    if not checker:
        return ""
    named = NAMED.fullmatch(checker) is not None and checker.partition(":")[0] not in TAKEN
    return checker if named else _entries().get(checker, "")


def function_of(problem: Problem) -> str:
    """The function that judges a problem; empty if none does."""
    return function(problem.program.checker if problem.program else problem.checker)


def require(problem: Problem, config: VerifyConfig) -> None:
    """Raises UsageError where the function that judges a problem is not allowed, MissingError where its package is not
    installed. Nothing of it is imported."""
    if not (named := function_of(problem)):
        return
    module = named.partition(":")[0]
    package = module.partition(".")[0]
    allowed = [name.strip() for name in config.allow_checkers.split(",")]
    if not any(name and f"{module}.".startswith(f"{name}.") for name in allowed):
        raise UsageError(
            f"problem {problem.id} is judged by {named}, code that runs outside the sandbox",
            f"if you trust the package: --allow-checkers {package}",
        )
    if find_spec(package) is None and PathFinder.find_spec(package, [os.getcwd()]) is None:
        raise MissingError(
            f"the checker {named} is not installed", f"{installation.package(package)}, if that is its name"
        )


class CheckerProcess:
    """Calls checkers, one at a time, in a process that starts with the first call, and anew after one that hangs."""

    def __init__(self, config: VerifyConfig) -> None:
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None
        self._loaded: set[str] = set()

    def __enter__(self) -> CheckerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._loaded.clear()

    def judge(self, problem: Problem, text: str) -> Outcome:
        """What the problem's checker says of a text. Raises what `require` raises."""
        require(problem, self._config)
        named, limit = function_of(problem), self._config.checker_timeout
        reply: dict[str, Any] = {}
        if named not in self._loaded:
            reply = self._ask({"checker": named}, LOADING)
        if "error" not in reply:
            self._loaded.add(named)
            reply = self._ask({"checker": named, "problem": problem.to_dict(), "text": text}, limit)
        if "error" in reply:
            return Outcome("infra", 0, 1, f"{BLAMED}{named} {reply['error']}", settled=False)
        if reply["right"]:
            return Outcome("pass", 1, 1, "")
        return Outcome("fail", 0, 1, reply["reason"] or "wrong answer")

    def _ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        """The reply to a request. A process that does not give one in `limit` seconds is ended."""
        try:
            return self._exchange(json_codec.dumps(request, option=orjson.OPT_APPEND_NEWLINE), limit)
        except TimeoutError:
            error = f"took more than {limit:g} s"
        except (EOFError, BrokenPipeError):
            error = "ended its process"
        self.close()
        return {"error": error}

    def _exchange(self, line: bytes, limit: float) -> dict[str, Any]:
        """Raises TimeoutError, or EOFError or BrokenPipeError where the process has ended."""
        if self._process is None:
            command = [sys.executable, "-c", START, *(path or os.getcwd() for path in sys.path), os.getcwd()]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        requests, replies = self._process.stdin, self._process.stdout
        assert requests is not None and replies is not None
        requests.write(line)
        requests.flush()
        end, data = time.monotonic() + limit, b""
        poll = select.poll()
        poll.register(replies)
        while not data.endswith(b"\n"):
            if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise TimeoutError
            if not (more := os.read(replies.fileno(), 2**16)):
                raise EOFError
            data += more
        reply: dict[str, Any] = orjson.loads(data)
        return reply
