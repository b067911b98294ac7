"""A program whose functions are called from another process, by tests that are code and that it never sees.

What it returns goes out as plain data. An object that is not data stays here and goes out as a number, by which the
tests can call it, ask for its attributes or hand it back.
"""

from __future__ import annotations

import builtins
import contextlib
import marshal
import operator
import sys
from collections.abc import Callable
from itertools import islice
from typing import Any

from . import child, messages, plain

ENTRY = 0  # the number of the function that is asked for

OPERATIONS: dict[str, Callable[..., Any]] = {
    "call": lambda function, *args, **named: function(*args, **named),
    "get": getattr,
    "set": setattr,
    "bool": bool,
    "iter": iter,
    "take": lambda items: list(islice(items, 1)),
    "item": operator.getitem,
    "len": len,
    "text": str,
}


def serve(job: dict[str, Any], _order: messages.Order, _cage: child.Cage) -> None:
    """Runs the program, then what is asked for, until nobody asks any more."""
    if (function := child.prepared(job)) is None:
        return
    held: list[Any] = [lambda *args, **named: function()(*args, **named)]
    names = vars(sys.modules["solution"])
    messages.send(child.SOCKET, messages.VALUE, marshal.dumps([name for name in job["names"] if name in names], 2))
    with contextlib.suppress(EOFError):
        while True:
            answer(marshal.loads(messages.receive(child.SOCKET)[1]), held, names)


def answer(request: list[Any], held: list[Any], names: dict[str, Any]) -> None:
    """One frame: what an operation gives, or the exception that it raises."""

    def hold(value: Any) -> tuple[Any, int]:
        held.append(value)
        return ..., len(held) - 1

    operation, args, named = plain.restored(request, held.__getitem__) if len(held) > 1 else request
    try:
        if operation == "name":
            value = names[args[0]]
        elif operation == "entry":
            value = held[ENTRY](*args, **named)
        else:
            value = OPERATIONS[operation](*args, **named)
        body = plain.dumps(value, hold)
    except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
        messages.send(child.SOCKET, messages.ERROR, exception(error))
    else:
        messages.send(child.SOCKET, messages.VALUE, body)


def exception(error: BaseException) -> bytes:
    """The nearest built-in type of an exception, its arguments if they are short text or numbers, and how it reads."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if getattr(builtins, kind.__name__, None) is kind]
    text = child.describe(error)
    args = [arg for arg in error.args if type(arg) in (str, int) and len(str(arg)) <= child.LONGEST_REASON]
    if len(args) != len(error.args):
        args = [text.decode("utf-8", "replace").partition(": ")[2]]
    return marshal.dumps([kinds[0] if kinds else "Exception", args, text], 2)
