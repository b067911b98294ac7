"""The process in which checkers run: a line of JSON in, a line out. What a checker prints goes to stderr."""

from __future__ import annotations

import os
import signal
import sys
from functools import cache
from importlib import import_module
from typing import Any

import orjson

from axiom_cli import json_codec
from axiom_cli.problems.families import plug_ins
from axiom_cli.records import Problem


def main() -> None:
    """Answers requests until there are no more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this process ends it
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    for line in sys.stdin.buffer:
        replies.write(orjson.dumps(answer(json_codec.loads(line)), option=orjson.OPT_APPEND_NEWLINE))
        replies.flush()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """What the checker says: `right` and `reason`, or an `error` after its name. Without a problem it is only
    loaded."""
    try:
        checker = load(request["checker"])
    except BaseException as error:  # noqa: BLE001 - a user's package may raise anything
        return {"error": f"does not load: {plug_ins.describe_error(error)}"}
    if not callable(checker):
        return {"error": "is not a function"}
    if "problem" not in request:
        return {}
    try:
        verdict = checker(Problem.from_dict(request["problem"]), request["text"])
    except BaseException as error:  # noqa: BLE001 - a user's function may raise anything
        return {"error": f"raised {plug_ins.describe_error(error)}"}
    right, reason = verdict if isinstance(verdict, tuple) and len(verdict) == 2 else (verdict, "")
    if not isinstance(right, bool) or not isinstance(reason, str):
        return {"error": f"returned {verdict!r:.60}, expected True, False or (False, 'the reason')"}
    return {"right": right, "reason": " ".join(reason.split())[:300]}


@cache
def load(named: str) -> Any:
    """What `package:function` names; None where the package has no such name. Raises whatever the package raises."""
    module, _, function = named.partition(":")
    return getattr(import_module(module), function, None)
