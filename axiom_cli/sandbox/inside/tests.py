"""Tests that are code, run in a process of their own: the program that they test is in another one.

The program gets calls and sends plain data back, or the numbers of its objects, read by a bounded reader. So nothing of
it ever runs here: no `__eq__`, no descriptor, no exception class. What it can do is return wrong values, raise, keep
silent or leave. This side is not trusted by the parent either, save to judge its own program.
"""

from __future__ import annotations

import builtins
import importlib
import marshal
import os
import re
import sys
import time
import types
from typing import Any, NoReturn

from . import builtins_standin, child, crossing, messages, pytest_standin, remote, replicas, test_runner
from .reader import Reader, UnreadableError
from .remote import Remote
from .replicas import Named, Raisable
from .unjudgeable import BeyondError

LINK = 4  # the socket that leads to the program
HERE = "<tests>"
UNDEFINED = re.compile(r"cannot import name '(\w+)' from 'solution'|module 'solution' has no attribute '(\w+)'")
BEYOND = "its test code does what cannot be judged"
# `f(x) == sorted(x)` holds for a program that empties x and returns it.
AMBIGUOUS = "it looks at an argument that the program has changed, and at what that call returned"
LONGEST_NUMBER = 12  # digits of the number of an object
SWALLOWED = (StopIteration, StopAsyncIteration, GeneratorExit)  # would end a loop of the tests, as if it were over
PATCHED = re.compile(r"patch(?:\.object)?\(\s*f?['\"]?([\w.]+)")
SEEN = ("builtins.input", "sys.stdin", "sys.stdout", "sys.stderr", "solution")  # patches of these reach the program


def examine(job: dict[str, Any], order: messages.Order, _cage: child.Cage) -> None:
    """Runs the tests against the program; writes one frame that says how they went, after one when they start."""
    messages.send(LINK, messages.JOB, job["program"])
    channel = CHANNEL
    channel.left = order.results
    module = types.ModuleType("tests")
    sys.modules["tests"] = module
    space = module.__dict__
    used = job["source"] + job["helpers"]
    space |= {name: value for name, value in builtins_standin.BUILTINS.items() if name in used}
    if "pytest" in job["source"]:
        sys.modules["pytest"] = pytest_standin.module()
    if "seed" in job["source"]:
        channel.follow_seeds()
    if "unittest" in job["source"]:
        vars(importlib.import_module("unittest"))["main"] = lambda *_args, **_named: None  # they are run without it
        vars(importlib.import_module("unittest.case"))["isinstance"] = builtins_standin.is_instance
    try:
        entry, names = channel.begin(job["classes"], job["entry"][0])
        if "solution" in job["source"]:
            sys.modules["solution"] = Solution(channel, job["entry"][0], entry)
        channel.touched = bool(job["names"])
        if job["helpers"]:
            exec(compile(job["helpers"], "<reference>", "exec", dont_inherit=True), space)
        space |= {name: names[name] for name in job["names"] if name in names}
        space |= dict.fromkeys(job["entry"], entry)
        began = time.monotonic()
        run(job, space)
        channel.settle()
        if channel.ambiguous:
            channel.copying = True
            if time.monotonic() - began > order.cpu / 4:
                raise BeyondError(AMBIGUOUS)
            run(job, space)
            channel.settle()
    except BaseException as error:  # noqa: BLE001 - tests are strangers' code too
        conclude(channel, error, job)
    if not channel.called:
        leave(messages.UNUSABLE, "its test code never calls the program")
    messages.send(child.SOCKET, messages.END)


def run(job: dict[str, Any], space: dict[str, Any]) -> None:
    """Runs the tests once."""
    exec(compile(job["source"], HERE, "exec", dont_inherit=True), space)
    if job["check"]:
        space["check"](space["candidate"])
    if job["tests"]:
        test_runner.Runner(space).run(job["tests"])


class Solution(types.ModuleType):
    """What tests import as the module `solution`: the names of the program."""

    def __init__(self, channel: Channel, name: str, entry: Any) -> None:
        super().__init__("solution")
        self.__dict__.update({"__all__": [], "_axiom_channel": channel, "_axiom_entry": (name, entry)})

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if name.startswith("__"):
            raise AttributeError(name)
        if name == own["_axiom_entry"][0]:
            return own["_axiom_entry"][1]
        try:
            return own["_axiom_channel"].known(own["_axiom_channel"].do("name", name), name)
        except KeyError:
            raise AttributeError(f"module 'solution' has no attribute {name!r}", name=name, obj=self) from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setattr__(name, value)
        else:
            self.__dict__["_axiom_channel"].do("rename", name, value)

    def __delattr__(self, name: str) -> None:
        self.__dict__["_axiom_channel"].do("unname", name)


def conclude(channel: Channel, error: BaseException, job: dict[str, Any]) -> NoReturn:
    """The verdict on a program whose tests ended in an exception, or on tests that cannot be run: they fail before they
    have asked the program for anything, or want a module or a name that nobody promised them, or do what cannot be
    judged."""
    if channel.copying:
        leave(messages.UNUSABLE, f"{BEYOND}: {AMBIGUOUS}")
    place = where(error.__traceback__)
    said = child.describe(error).decode("utf-8", "replace")
    if BeyondError.reasons:  # whatever the tests have made of it
        leave(messages.UNUSABLE, f"{BEYOND}: {BeyondError.reasons[0]}{place}")
    if unseen := [
        one for one in PATCHED.findall(job["source"]) if "mock" in job["source"] and not one.startswith(SEEN)
    ]:
        channel.beyond = channel.beyond or f"it patches {unseen[0]}, which the program does not see"
    if channel.beyond:
        leave(messages.UNUSABLE, f"{BEYOND}: {channel.beyond}")
    if error is channel.raised:
        if getattr(type(error), "axiom_narrowed", False):
            leave(messages.UNUSABLE, f"{BEYOND}: the program's exception is of several kinds{place}")
        leave(messages.FAILED, f"{channel.said}, called{place} of its test code")
    lacks = UNDEFINED.match(str(error)) if isinstance(error, (ImportError, AttributeError)) else None
    if lacks and lacks[lacks.lastindex or 1] not in job["unknown"]:
        leave(messages.FAILED, f"NameError: the program does not define {lacks[lacks.lastindex or 1]}")
    nobody_s = isinstance(error, NameError) and error.name in job["unknown"]
    if not channel.touched or nobody_s or isinstance(error, ImportError):
        leave(messages.UNUSABLE, f"its test code does not run: {said}{place}")
    if isinstance(error, AssertionError):
        why = ": what it compares is not plain data" if channel.odd else ""
        leave(messages.FAILED, f"the assert{place} of its test code does not hold{why}")
    lacking = channel.derived and ("Remote" in said or "Named" in said) or "catching classes" in said
    lacking = lacking and isinstance(error, (TypeError, AttributeError))  # the text of others may be the program's
    if isinstance(error, OSError) or lacking or involved(error.__traceback__):
        leave(messages.UNUSABLE, f"{BEYOND}: {said}{place}")
    leave(messages.FAILED, f"{type(error).__name__}{place} of its test code")


def where(step: types.TracebackType | None) -> str:
    """The innermost line of the tests that an exception came through, in words."""
    line = 0
    while step:
        line = step.tb_lineno if step.tb_frame.f_code.co_filename == HERE else line
        step = step.tb_next
    return f" on line {line}" if line else ""


def involved(trace: Any) -> bool:
    """Whether an exception comes from a module of the standard library that was at work on an object of the program."""
    seen = False
    while trace:
        frame = trace.tb_frame
        if frame.f_globals.get("__name__", "").partition(".")[0] in sys.stdlib_module_names:
            seen = seen or any(type(value) in (Remote, Named) for value in list(frame.f_locals.values()))
        trace = trace.tb_next
    return seen


def leave(kind: bytes, reason: str) -> NoReturn:
    """Ends this process with a last word that no test can catch."""
    if CHANNEL.copying:
        kind, reason = messages.UNUSABLE, f"{BEYOND}: {AMBIGUOUS}"
    messages.send(child.SOCKET, kind, reason.encode("utf-8", "replace"))
    os._exit(0)


class Channel(crossing.Crossing):
    """Requests to the program and its replies, which may be of `left` bytes in all."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left
        self.called = self.touched = self.unpacking = False
        self.odd = self.derived = False  # an object was compared with data; one derives from a built-in type
        self.ambiguous = self.copying = False  # arguments were changed beside a result; the tests run on copies
        self.altered: list[Any] = []
        self.beyond = ""
        self.raised: BaseException | None = None
        self.said = ""
        self.objects: dict[int, Any] = {}
        self.lent: list[Any] = []
        self.borrowed: dict[int, int] = {}
        self.classes: list[str] = []
        self.made: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []
        self.doubts: dict[tuple[str, int], tuple[Any, ...]] = {}
        self.streams = sys.stdout, sys.stderr
        self.typed = sys.stdin, builtins.input

    def begin(self, classes: list[str], name: str) -> tuple[Any, dict[str, Any]]:
        """The function or class that is asked for, and the other names that the tests use, where the program has
        them."""
        self.classes = classes
        try:
            entry, names = self.reply()
            found = {name: self.known(value, name) for name, value in names}
        except (TypeError, ValueError):
            leave(messages.FAILED, "made a frame of its own")
        return self.known(entry, name), found

    def known(self, value: Any, name: str) -> Any:
        """`value`, which the program has under `name`: a class, if the tests take it for one."""
        return remote.mark(value, 2) if type(value) is Remote and name in self.classes else value

    def call(self, operation: str, *args: Any, **named: Any) -> Any:
        """Runs code of the program, which is what tests are for."""
        if not self.called:
            self.called = self.touched = True
            messages.send(child.SOCKET, messages.STARTED)
        self.altered = []
        result = self.do(operation, *args, **named)
        if self.altered and result is not None:
            self.ambiguous = self.ambiguous or reaches((args, named), {id(one) for one in self.altered})
        return result

    def do(self, operation: str, *args: Any, **named: Any) -> Any:
        """What the program gives. Raises what it raises, as the nearest built-in type."""
        if self.unpacking:
            raise UnreadableError("a key that asks for more")
        try:
            number = None
            if args and type(args[0]) is Remote:
                number, args = remote.place(args[0]), args[1:]
            if not crossing.SCALARS.issuperset(map(type, args)):
                args = self.pack(args)
            pairs = self.pack(tuple(named.items())) if named else ()
            self.send(messages.CALL, operation, number, args, pairs)
        except (ValueError, TypeError) as error:
            leave(messages.UNUSABLE, f"{BEYOND}: it passes what is not plain data: {error}")
        return self.reply()

    def send(self, kind: bytes, *packed: Any) -> None:
        """One message to the program, of what has been packed. Raises ValueError, TypeError where it cannot be sent."""
        listening = sys.stdout is not self.streams[0] or sys.stderr is not self.streams[1]
        body = marshal.dumps((*packed, *(((), ()) if self.settled() else self.changes()), listening), 2)
        try:
            messages.send(LINK, kind, body)
        except OSError:
            leave(messages.FAILED, "left before its tests were over")

    def other(self, value: Any, depth: int) -> Any:  # noqa: ARG002 - the program's side needs it
        """As Crossing.other."""
        if type(value) is Remote:
            return ..., "object", remote.place(value)
        if type(value) is Named or isinstance(value, Raisable):
            return ..., "object", value.axiom_number
        if isinstance(value, BaseException):
            if (number := getattr(value, "axiom_number", -1)) >= 0:
                return ..., "object", number
            kind = next(kind for kind in type(value).__mro__ if kind in crossing.NAMES or isinstance(kind, Raisable))
            args = [arg for arg in value.args if type(arg) in crossing.SCALARS]
            return ..., "error", self.pack(kind), *args
        if callable(value) or hasattr(value, "__next__"):
            return self.lend(value)
        raise ValueError(type(value).__name__)

    def lend(self, value: Any) -> Any:
        """What stands for a function or an iterator of the tests, which the program may use through this channel."""
        if (number := self.borrowed.get(id(value))) is None:
            number = self.borrowed[id(value)] = len(self.lent)
            self.lent.append(value)
        code = getattr(getattr(value, "__func__", value), "__code__", None)
        names = code.co_varnames[isinstance(value, types.MethodType) : code.co_argcount] if code else None
        name = getattr(value, "__name__", type(value).__name__)
        doc = getattr(value, "__doc__", None)
        optional = len(getattr(value, "__defaults__", None) or ())
        text = doc if isinstance(doc, str) else None
        return ..., "lent", number, callable(value), str(name), text, names, optional

    def reply(self) -> Any:
        """What the program answers, after all that it asks for before that."""
        while True:
            kind, body = self.frame()
            if kind == messages.UNPREPARED:
                leave(messages.UNPREPARED, body[:1200].decode("utf-8", "replace"))
            if kind == messages.LACKING:
                leave(
                    messages.UNUSABLE, f"needs what the sandbox does not have: {body[:1200].decode('utf-8', 'replace')}"
                )
            if kind == messages.UNUSABLE:
                leave(messages.FAILED, body[:1200].decode("utf-8", "replace"))
            if kind in (messages.VALUE, messages.FORGET):
                return self.read(body, kind)[0]
            if kind == messages.OBJECT and body.isdigit() and len(body) < LONGEST_NUMBER:
                return self.object(int(body))
            if kind == messages.READY and not self.objects:
                return self.object(0), ()
            if kind not in (messages.MORE, messages.ERROR, messages.ASK):
                leave(messages.FAILED, "made a frame of its own")
            main, printed = self.read(body, kind)
            for stream, text in printed:
                self.show(stream, text)
            if kind == messages.MORE:
                return main
            if kind == messages.ERROR:
                if not issubclass(type(main), BaseException):
                    leave(messages.FAILED, "returned something that is not plain data")
                if not any(main is one for one in self.lent):
                    self.said = getattr(main, "axiom_said_whole", None) or child.describe(main).decode(
                        "utf-8", "replace"
                    )
                    self.raised = main
                raise main
            self.oblige(main)

    def frame(self) -> tuple[bytes, bytes]:
        """The next frame of the program."""
        try:
            kind, body = messages.receive(LINK, self.left)
        except (EOFError, OSError):
            leave(messages.FAILED, "left before its tests were over")
        except messages.TooLargeError:
            leave(messages.FAILED, "its results were too large")
        self.left -= len(body)
        return kind, body

    def read(self, body: bytes, kind: bytes) -> tuple[Any, list[tuple[Any, str]]]:
        """What a message says, once all that it brings along is in place; and what has been printed."""
        self.unpacking = True
        try:
            if kind in (messages.VALUE, messages.FORGET):
                if body[:1] == b"i" and len(body) == 5 and kind == messages.VALUE:  # most results are small numbers
                    return int.from_bytes(body[1:], "little", signed=True), []
                if self.copying:
                    self.part()
                data = Data(body)
                main = data.whole()
                if data.marked or kind == messages.VALUE and type(main) not in crossing.SCALARS:
                    main = self.unpack(main)
                if kind == messages.FORGET:
                    self.forget_all()
                return main, []
            packed, changed, lost, printed, beyond = Data(body).whole()
            if self.copying:
                self.part()
            self.altered += [self.shared[number][0] for number, *_items in changed if number in self.shared]
            main = self.unpack(packed)
            self.learn(changed, lost)
            self.beyond = self.beyond or (str(beyond)[:200] if self.lent else "")
            return main, [({1: sys.stdout, 2: sys.stderr}.get(number), str(text)) for number, text in printed]
        except (UnreadableError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
            leave(messages.FAILED, "returned something that is not plain data")
        finally:
            self.unpacking = False

    def show(self, stream: Any, text: str) -> None:
        """Writes what the program has printed to where the tests look for it."""
        if stream is None:
            leave(messages.FAILED, "prints too much, where its test code looks at that")
        if stream not in self.streams:
            stream.write(text)

    def foreign(self, word: str, parts: tuple[Any, ...]) -> Any:
        """As Crossing.foreign."""
        if word == "lent":
            return self.lent[parts[0]]
        if word == "theirs":
            return self.lent[parts[0]]
        if word == "library":
            if parts[1] not in crossing.LIBRARY.get(parts[0], "").split():
                raise ValueError("not a class that can be sent")
            return getattr(importlib.import_module(parts[0]), parts[1])
        number = parts[0]
        if type(number) is not int:
            raise ValueError("not a number")
        if word == "exception":
            return self.exception(number, *parts[1:])
        if word in ("object", "exceptions") and number in self.objects:
            found = self.objects[number]
        elif word == "object":
            if not 0 <= number < 10**LONGEST_NUMBER or type(parts[1]) is not str:
                raise ValueError("not a number that the program gives")
            found = self.object(number, parts[1])
        elif word == "exceptions":
            parents = [self.unpack(part) for part in parts[2:]]
            found = self.objects[number] = replicas.exception_class(self, number, str(parts[1]), parents)
        elif word == "named":
            names = self.unpack(parts[3])
            return replicas.named(self, number, parts[1], names, [self.unpack(part) for part in parts[4:]])
        else:
            raise ValueError("not a word that the program has")
        if word == "object" and type(found) is Remote and type(parts[2]) is int:
            object.__setattr__(found, "axiom_hash", parts[2])
        return found

    def object(self, number: int, base: str = "") -> Any:
        """What stands for an object of the program."""
        if (found := self.objects.get(number)) is None:
            found = self.objects[number] = Remote(self, number, base)
            self.derived = self.derived or bool(base)
        return found

    def exception(self, number: int, kind: Any, args: Any, text: Any) -> BaseException:
        """An exception like one of the program's."""
        if number in self.objects:
            return self.objects[number]
        cls, said = self.unpack(kind), str(text)[: child.LONGEST_REASON]
        if not (isinstance(cls, type) and issubclass(cls, BaseException)) or issubclass(cls, BeyondError):
            raise ValueError("not a class of exceptions")
        if issubclass(cls, SWALLOWED):
            error: BaseException = RuntimeError(f"the program raised {cls.__name__}")
        else:
            try:
                error = cls.__new__(cls, *args)
                error.args = tuple(args)
            except (TypeError, ValueError):
                error = Exception(said)
        if isinstance(cls, Raisable):
            error.axiom_said, error.axiom_said_whole, error.axiom_number = said.partition(": ")[2], said, number  # type: ignore[attr-defined]
            self.objects[number] = error
        return error

    def oblige(self, asked: Any) -> None:
        """Does what the program asks for in the middle of a call, and tells it what comes of that."""
        try:
            operation, args, named = asked
            if operation not in ("call", "next", "input", "read", "readline") or type(args) is not tuple:
                leave(messages.FAILED, "made a frame of its own")
            result = self.run(operation, args, dict(named))
        except BeyondError:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the program's turn to do something about it
            self.lent.append(error)
            kind = next(kind for kind in type(error).__mro__ if kind in crossing.NAMES)
            args = tuple(arg for arg in error.args if type(arg) in crossing.SCALARS)
            self.send(messages.ERROR, self.pack((len(self.lent) - 1, kind, args)))
            return
        try:
            self.send(messages.VALUE, self.pack(result))
        except (ValueError, TypeError) as error:
            raise BeyondError(f"a function that it passes returns what is not plain data: {error}") from None

    def run(self, operation: Any, args: Any, named: dict[str, Any]) -> Any:
        """One thing that a program may ask for: a function that it was given, an item of an iterator, or input."""
        if operation == "call" or operation == "next":
            number = args[0]
            if type(number) is not int or not 0 <= number < len(self.lent):
                leave(messages.FAILED, "made a frame of its own")
            lent = self.lent[number]
            return (
                lent(*args[1:], **named)
                if operation == "call"
                else tuple(item for _, item in zip((0,), lent, strict=False))
            )
        if operation == "input" and builtins.input is not self.typed[1]:
            return builtins.input()
        if sys.stdin is self.typed[0]:
            if operation == "input":
                raise EOFError("EOF when reading a line")
            return ""
        if operation == "input":
            line = sys.stdin.readline()
            if not line:
                raise EOFError("EOF when reading a line")
            return line.removesuffix("\n")
        return sys.stdin.read(*args) if operation == "read" else sys.stdin.readline(*args)

    def fail(self, reason: str) -> NoReturn:
        """The program fails."""
        leave(
            messages.UNUSABLE if self.beyond else messages.FAILED, f"{BEYOND}: {self.beyond}" if self.beyond else reason
        )

    def alike(self, left: Any, right: Any) -> bool:
        """Whether two objects of the program have parts, and the same ones."""
        mine = self.do("state", left)
        return bool(mine) and mine == self.do("state", right)

    def doubt(self, operation: str, *objects: Any) -> None:
        """Keeps in mind what to look into once the tests are through: not before, as they may count calls."""
        self.doubts[operation, remote.place(objects[0])] = objects

    def settle(self) -> None:
        """Looks into what the program has said of its own objects. Raises BeyondError where it contradicts itself."""
        if self.beyond or BeyondError.reasons:
            raise BeyondError(self.beyond)
        for (operation, _number), objects in list(self.doubts.items())[:100]:
            if operation == "contains":
                lies = self.says("holds all", *objects)
            elif operation == "eq":
                lies = self.says("like all", objects[0]) or not self.tells_apart()
            elif operation in ("lt", "gt"):
                lies = self.says(operation, objects[1], objects[0])
            else:
                lies = self.says(operation, objects[1], objects[0]) and not self.says("eq", *objects)
            if lies:
                raise BeyondError(f"an object of the program says yes to any {operation}")

    def says(self, operation: str, *objects: Any) -> bool:
        """What the program says, where it says anything."""
        try:
            return self.do(operation, *objects) is True
        except Exception:  # noqa: BLE001 - whatever the program raises
            return False

    def tells_apart(self) -> bool:
        """Whether the program tells two objects apart that the tests have made of different arguments, if there are
        such."""
        seen: list[tuple[Any, Any]] = []
        pairs = 0
        for value, args, named in self.made[:30]:
            try:
                key = marshal.dumps((args, sorted(named.items())), 2)
            except (ValueError, TypeError):
                continue
            for other, known in seen:
                if known != key:
                    pairs += 1
                    if not self.says("eq", value, other):
                        return True
            seen.append((value, key))
        return not pairs

    def follow_seeds(self) -> None:
        """Where tests seed `random`, the program's is seeded, too."""
        random: Any = sys.modules["random"]  # which must not be loaded before `stdlib` does it
        seed = random.seed

        def both(*args: Any, **named: Any) -> None:
            seed(*args, **named)
            self.do("seed", *args)

        random.seed = both


def reaches(value: Any, wanted: set[int], depth: int = 0) -> bool:
    """Whether one of the objects is a value, or lies in it."""
    if id(value) in wanted:
        return True
    if depth > crossing.DEEPEST or not isinstance(value, (list, tuple, dict)):
        return False
    items = value.values() if isinstance(value, dict) else value
    return any(reaches(item, wanted, depth + 1) for item in items if type(item) not in crossing.SCALARS)


CHANNEL = Channel(0)  # made where it costs no child anything


class Data(Reader):
    """Reads what a program returns: also sets, bytes, complex numbers and the Ellipsis that marks all else."""

    marked = False

    def mapping(self, depth: int) -> dict[Any, Any]:
        """A dict whose keys do not collide."""
        pairs = []
        while self.more():
            pairs.append((self.value(depth), self.value(depth)))
        distinct([key for key, _value in pairs])
        return dict(pairs)

    def other(self, tag: bytes, depth: int) -> Any:
        """What a test could compare beside the values that any verifier reads."""
        if tag == b"s":
            return self.take(self.size())
        if tag == b"<":
            return set(distinct(self.sequence(depth)))
        if tag == b">":
            return frozenset(distinct(self.sequence(depth)))
        if tag == b"y":
            return complex(Reader(b"g" + self.take(8)).value(), Reader(b"g" + self.take(8)).value())
        if tag == b".":
            self.marked = True
            return ...
        return super().other(tag, depth)


def distinct(keys: list[Any]) -> list[Any]:
    """As crossing.hashable. Raises UnreadableError."""
    try:
        return crossing.hashable(keys)
    except ValueError as error:
        raise UnreadableError(str(error)) from None
