"""The tests' way to the program in the other process: each request, and whatever is asked back before its reply."""

from __future__ import annotations

import builtins
import importlib
import marshal
import os
import sys
import types
from typing import Any, NoReturn

from . import child, crossing, messages, remote, replicas
from .reader import UnreadableError
from .remote import Remote
from .replicas import Named, Raisable
from .reply_reader import ReplyReader
from .unjudgeable import AMBIGUOUS, BEYOND, BeyondError

LINK = 4  # the socket that leads to the program
LONGEST_NUMBER = 12  # digits of the number of an object
SWALLOWED = (StopIteration, StopAsyncIteration, GeneratorExit)  # would end a loop of the tests, as if it were over


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
            objects = {name: self.known(value, name) for name, value in names}
        except (TypeError, ValueError):
            self.leave(messages.FAILED, "made a frame of its own")
        return self.known(entry, name), objects

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
            self.leave(messages.UNUSABLE, f"{BEYOND}: it passes what is not plain data: {error}")
        return self.reply()

    def send(self, kind: bytes, *packed: Any) -> None:
        """One message to the program, of what has been packed. Raises ValueError, TypeError where it cannot be sent."""
        listening = sys.stdout is not self.streams[0] or sys.stderr is not self.streams[1]
        body = marshal.dumps((*packed, *(((), ()) if self.settled() else self.changes()), listening), 2)
        try:
            messages.send(LINK, kind, body)
        except OSError:
            self.leave(messages.FAILED, "left before its tests were over")

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
                self.leave(messages.UNPREPARED, body[:1200].decode("utf-8", "replace"))
            if kind == messages.LACKING:
                self.leave(
                    messages.UNUSABLE, f"needs what the sandbox does not have: {body[:1200].decode('utf-8', 'replace')}"
                )
            if kind == messages.UNUSABLE:
                self.leave(messages.FAILED, body[:1200].decode("utf-8", "replace"))
            if kind in (messages.VALUE, messages.FORGET):
                return self.read(body, kind)[0]
            if kind == messages.OBJECT and body.isdigit() and len(body) < LONGEST_NUMBER:
                return self.object(int(body))
            if kind == messages.READY and not self.objects:
                return self.object(0), ()
            if kind not in (messages.MORE, messages.ERROR, messages.ASK):
                self.leave(messages.FAILED, "made a frame of its own")
            main, printed = self.read(body, kind)
            for stream, text in printed:
                self.show(stream, text)
            if kind == messages.MORE:
                return main
            if kind == messages.ERROR:
                if not issubclass(type(main), BaseException):
                    self.leave(messages.FAILED, "returned something that is not plain data")
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
            self.leave(messages.FAILED, "left before its tests were over")
        except messages.TooLargeError:
            self.leave(messages.FAILED, "its results were too large")
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
                data = ReplyReader(body)
                main = data.whole()
                if data.marked or kind == messages.VALUE and type(main) not in crossing.SCALARS:
                    main = self.unpack(main)
                if kind == messages.FORGET:
                    self.forget_all()
                return main, []
            packed, changed, lost, printed, beyond = ReplyReader(body).whole()
            if self.copying:
                self.part()
            self.altered += [self.shared[number][0] for number, *_items in changed if number in self.shared]
            main = self.unpack(packed)
            self.learn(changed, lost)
            self.beyond = self.beyond or (str(beyond)[:200] if self.lent else "")
            return main, [({1: sys.stdout, 2: sys.stderr}.get(number), str(text)) for number, text in printed]
        except (UnreadableError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
            self.leave(messages.FAILED, "returned something that is not plain data")
        finally:
            self.unpacking = False

    def show(self, stream: Any, text: str) -> None:
        """Writes what the program has printed to where the tests look for it."""
        if stream is None:
            self.leave(messages.FAILED, "prints too much, where its test code looks at that")
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
            value = self.objects[number]
        elif word == "object":
            if not 0 <= number < 10**LONGEST_NUMBER or type(parts[1]) is not str:
                raise ValueError("not a number that the program gives")
            value = self.object(number, parts[1])
        elif word == "exceptions":
            parents = [self.unpack(part) for part in parts[2:]]
            value = self.objects[number] = replicas.exception_class(self, number, str(parts[1]), parents)
        elif word == "named":
            return replicas.named(self, number, self.unpack(parts[1]), [self.unpack(part) for part in parts[2:]])
        else:
            raise ValueError("not a word that the program has")
        if word == "object" and type(value) is Remote and type(parts[2]) is int:
            object.__setattr__(value, "axiom_hash", parts[2])
        return value

    def object(self, number: int, base: str = "") -> Any:
        """What stands for an object of the program."""
        if (remote := self.objects.get(number)) is None:
            remote = self.objects[number] = Remote(self, number, base)
            self.derived = self.derived or bool(base)
        return remote

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

    def oblige(self, request: Any) -> None:
        """Does what the program asks for in the middle of a call, and tells it what comes of that."""
        try:
            operation, args, named = request
            if operation not in ("call", "next", "input", "read", "readline") or type(args) is not tuple:
                self.leave(messages.FAILED, "made a frame of its own")
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
                self.leave(messages.FAILED, "made a frame of its own")
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

    def leave(self, kind: bytes, reason: str) -> NoReturn:
        """Ends this process with a last word that no test can catch."""
        if self.copying:
            kind, reason = messages.UNUSABLE, f"{BEYOND}: {AMBIGUOUS}"
        messages.send(child.SOCKET, kind, reason.encode("utf-8", "replace"))
        os._exit(0)

    def fail(self, reason: str) -> NoReturn:
        """The program fails."""
        self.leave(
            messages.UNUSABLE if self.beyond else messages.FAILED, f"{BEYOND}: {self.beyond}" if self.beyond else reason
        )

    def alike(self, left: Any, right: Any) -> bool:
        """Whether two objects of the program have parts, and the same ones."""
        mine = self.do("state", left)
        return bool(mine) and mine == self.do("state", right)

    def doubt(self, operation: str, *objects: Any) -> None:
        """Keeps in mind what to ask once the tests are over: not before, as they may count calls."""
        self.doubts[operation, remote.place(objects[0])] = objects

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
