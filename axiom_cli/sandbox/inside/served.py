"""A program whose functions are called from another process, by tests that are code and that it never sees.

What it returns goes out as plain data (crossing). An object that is not data stays here and goes out as a number, by
which the tests can ask for whatever Python can do with an object. With each answer goes what was printed, where the
tests look at that, and what has changed in the lists, dicts and sets that the tests have too.
"""

from __future__ import annotations

import builtins
import contextlib
import copy
import marshal
import math
import operator
import sys
from collections.abc import Callable
from itertools import islice
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from . import child, crossing, messages
from .lent import Lent, LentFunction, LentIterator
from .standins import is_lacking
from .streams import Printed, Typed

FUNCTIONS: tuple[type[Any], ...] = (FunctionType, MethodType, BuiltinMethodType)
Operation = Callable[..., Any]
OPERATORS = """
add sub mul matmul truediv floordiv mod lshift rshift and_ or_ xor iadd isub imul imatmul itruediv ifloordiv imod ipow
ilshift irshift iand ior ixor neg pos abs invert index lt le gt ge eq ne contains getitem setitem delitem
"""
OPERATIONS: dict[str, Operation] = {name: getattr(operator, name) for name in OPERATORS.split()} | {
    "call": lambda function, *args, **named: function(*args, **named),
    "get": getattr, "set": setattr, "delete": delattr, "bool": bool, "len": len, "hash": hash, "repr": repr,
    "str": str, "format": format, "bytes": bytes, "int": int, "float": float, "complex": complex, "round": round,
    "trunc": math.trunc, "floor": math.floor, "ceil": math.ceil, "divmod": divmod, "power": pow, "dir": dir,
    "iter": iter, "take": lambda items: tuple(islice(items, 1)), "reversed": reversed,
    "enter": lambda manager: type(manager).__enter__(manager),
    "exit": lambda manager, *error: bool(type(manager).__exit__(manager, *error, None)),
    "copy": copy.copy, "deepcopy": copy.deepcopy, "type": type, "isinstance": isinstance, "issubclass": issubclass,
    "callable": callable, "like all": lambda value: value == object(), "holds all": lambda value: object() in value,
    "own eq": lambda value: all(type(value).__eq__ is not kind.__eq__ for kind in (object, *crossing.PLAIN)),
    "seed": lambda *args: sys.modules["random"].seed(*args),
}  # fmt: skip


class Served(crossing.Crossing):
    """The program's end: its objects by number, and what the tests have lent it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, Any] = {}
        self.held: list[Any] = []
        self.places: dict[int, int] = {}
        self.theirs: dict[int, BaseException] = {}  # exceptions of the tests that came in the middle of a call
        self.lent: dict[int, Lent] = {}
        self.printed = Printed()
        self.beyond = ""  # what the program did that would have gone another way beside the tests
        self.keyed = False

    def hold(self, value: Any) -> int:
        """The number of an object."""
        if (place := self.places.get(id(value))) is None:
            place = self.places[id(value)] = len(self.held)
            self.held.append(value)
        return place

    def other(self, value: Any, depth: int) -> Any:
        """As Crossing.other."""
        kind = type(value)
        if issubclass(kind, Lent):
            return ..., "lent", value.number
        if issubclass(kind, type) and issubclass(value, BaseException):
            return self.exception_class(value)
        if issubclass(kind, BaseException):
            return self.told(value)
        if issubclass(kind, tuple) and type(names := getattr(kind, "_fields", None)) is tuple:
            items = [self.pack(item, depth + 1) for item in tuple.__iter__(value)]
            return ..., "named", self.hold(value), tuple(map(str, names)), *items
        base = next((base.__name__ for base in crossing.PLAIN if issubclass(kind, base)), "")
        return ..., "object", self.hold(value), base, hashed(value) if self.keyed else None

    def pack_key(self, value: Any, depth: int) -> Any:
        """As Crossing.pack_key: the hash of an object goes with it."""
        before, self.keyed = self.keyed, True
        try:
            return self.pack(value, depth)
        finally:
            self.keyed = before

    def exception_class(self, kind: type[BaseException]) -> Any:
        """What stands for a class of exceptions, with all that it derives from."""
        if (name := crossing.NAMES.get(kind)) is not None:
            return ..., "class", name
        if kind.__name__ in crossing.LIBRARY.get(kind.__module__, "").split():
            return ..., "library", kind.__module__, kind.__name__
        parents = [self.exception_class(base) for base in kind.__bases__ if issubclass(base, BaseException)]
        return ..., "exceptions", self.hold(kind), kind.__name__, *parents

    def foreign(self, word: str, parts: tuple[Any, ...]) -> Any:
        """As Crossing.foreign."""
        if word == "object":
            return self.held[parts[0]]
        if word == "lent":
            number, function, *about = parts
            if number not in self.lent:
                self.lent[number] = (LentFunction if function else LentIterator)(self, number, tuple(about))
            return self.lent[number]
        kind, *args = map(self.unpack, parts)
        return kind(*args)

    def base(self, value: Any) -> Any:
        """What an object holds as the built-in type that it derives from, whatever its own methods say."""
        for kind in (str, int, float, complex, bytes):
            if isinstance(value, kind):
                exact: dict[type[Any], Operation] = {
                    str: str.__str__,
                    bytes: lambda item: bytes.__getitem__(item, slice(None)),
                }
                return exact.get(kind, getattr(kind, "__pos__", None))(value)  # type: ignore[misc] # a number has it
        if isinstance(value, dict):
            return dict(dict.items(value))
        kinds: tuple[type[Any], ...] = (list, tuple, set, frozenset)
        return next(kind(kind.__iter__(value)) for kind in kinds if isinstance(value, kind))

    def state(self, value: Any) -> tuple[Any, ...]:
        """What an object is made of, and those that it refers to, as plain data: equal for objects made alike."""
        seen, objects, at = {id(value): 0}, [value], 0
        described = []

        def part(item: Any, depth: int = 0) -> Any:
            kind = type(item)
            if kind in crossing.SCALARS or depth > 20:
                return kind.__name__, repr(item) if kind is float else item
            if kind in crossing.SHARED or kind in (tuple, frozenset):
                parts = [part(one, depth + 1) for one in crossing.flat(item)]
                if isinstance(item, dict):
                    half = len(parts) // 2
                    return kind.__name__, frozenset(zip(parts[:half], parts[half:], strict=True))
                return kind.__name__, frozenset(parts) if kind in (set, frozenset) else tuple(parts)
            if kind.__name__ in crossing.VALUES:
                return kind.__name__, str(item)
            if id(item) not in seen:
                seen[id(item)] = len(objects)
                objects.append(item)
            return "object", seen[id(item)]

        while at < len(objects) and len(objects) < 1000:
            one = objects[at]
            attributes = dict(getattr(one, "__dict__", {})) if not isinstance(one, type) else {}
            for cls in type(one).__mro__:
                slots = cls.__dict__.get("__slots__", ())
                for name in (slots,) if isinstance(slots, str) else slots:
                    with contextlib.suppress(AttributeError):
                        attributes[name] = getattr(one, name)
            if isinstance(one, crossing.PLAIN):
                attributes["its value"] = self.base(one)
            same = self.hold(one) if not attributes else self.hold(type(one))
            described.append((same, tuple((name, part(item)) for name, item in sorted(attributes.items()))))
            at += 1
        return tuple(described) if described[0][1] else ()

    def ask(self, operation: str, *args: Any, **named: Any) -> Any:
        """Has the tests' process do something in the middle of a call, and gives what comes of it."""
        self.send(messages.ASK, [(operation, args, tuple(named.items()))])
        kind, body = messages.receive(child.SOCKET)
        while kind == messages.CALL:  # what the tests do about it calls the program again
            self.answer(body)
            kind, body = messages.receive(child.SOCKET)
        (value,) = self.read(body)
        if kind != messages.ERROR:
            return value
        number, error, args = value
        self.theirs[number] = error(*args)
        raise self.theirs[number]

    def read(self, body: bytes) -> Any:
        """What a message says, once all that it brings along is in place."""
        *main, changed, lost, self.printed.listening = marshal.loads(body)
        value = self.unpack(tuple(main))
        if changed or lost:
            self.learn(changed, lost)
        elif self.fresh:
            self.remember()
        return value

    def send(self, kind: bytes, box: list[Any]) -> None:
        """One message, of the value in the box, which is emptied, as nothing here should hold it after that."""
        count, value = self.count, box.pop()
        unusual = self.shared or self.printed.size or self.beyond
        if kind == messages.VALUE and type(value) in crossing.SCALARS and not unusual:
            messages.send(child.SOCKET, messages.VALUE, marshal.dumps(value, 2))
            return
        if kind == messages.VALUE and type(value) in FUNCTIONS and not unusual:
            messages.send(child.SOCKET, messages.OBJECT, b"%d" % self.hold(value))
            return
        nobody_s = type(value) is list and sys.getrefcount(value) == UNSHARED
        nobody_s = nobody_s and crossing.SCALARS.issuperset(map(type, value))
        try:
            packed = value if nobody_s else self.pack(value)
        except BaseException as error:  # noqa: BLE001 - a value of the program's may do anything when it is looked at
            for number in range(count, self.count):
                self.forget(number)
            self.count = count
            kind, packed = messages.ERROR, self.told(error)
        value = None
        changed, lost = self.changes() if self.shared else ((), ())
        if kind == messages.VALUE and not (changed or self.shared or self.printed.size or self.beyond):
            if type(packed) is tuple and packed[:2] == (..., "object") and packed[3:] == ("", None):
                messages.send(child.SOCKET, messages.OBJECT, b"%d" % packed[2])
                return
            gone = lost or nobody_s
            messages.send(child.SOCKET, messages.FORGET if gone else messages.VALUE, marshal.dumps(packed, 2))
            if gone:
                self.forget_all()
            return
        message = (..., "copy", *packed) if nobody_s else packed, changed, lost, self.printed.taken(), self.beyond
        messages.send(child.SOCKET, messages.MORE if kind == messages.VALUE else kind, marshal.dumps(message, 2))

    def told(self, error: BaseException) -> Any:
        """What stands for an exception: its class, its arguments if they are short text or numbers, how it reads and,
        where the class is the program's, its number."""
        for number, theirs in self.theirs.items():
            if theirs is error:
                return ..., "theirs", number
        kind = self.exception_class(type(error))
        text = child.describe(error).decode("utf-8", "replace")
        args = tuple(arg for arg in error.args if type(arg) in (str, int) and len(str(arg)) <= child.LONGEST_REASON)
        if len(args) != len(error.args):
            args = (text.partition(": ")[2],)
        number = self.hold(error) if kind[1] == "exceptions" else -1
        return ..., "exception", number, kind, args, text

    def perform(self, body: bytes, box: list[Any]) -> None:
        """Puts in the box what an operation gives. Raises whatever the program does."""
        operation, number, args, named = self.read(body)
        if number is not None:
            args = self.held[number], *args
        if operation == "name":
            box.append(self.names[args[0]])
        elif operation == "rename":
            self.names[args[0]] = args[1]
        elif operation == "unname":
            del self.names[args[0]]
        elif operation == "instance of":
            value, module, name = args
            __import__(module)
            box.append(isinstance(value, operator.attrgetter(name)(sys.modules[module])))
        elif operation in ("base", "state"):
            box.append(getattr(self, operation)(*args))
        else:
            box.append(OPERATIONS[operation](*args, **dict(named)))

    def answer(self, body: bytes) -> None:
        """One message: what an operation gives, or the exception that it raises."""
        box: list[Any] = []
        try:
            self.perform(body, box)
            kind = messages.VALUE
        except BaseException as error:  # noqa: BLE001 - model-written code may raise anything
            if is_lacking(error):
                messages.send(child.SOCKET, messages.LACKING, child.describe(error))
                return
            box[:] = [error.with_traceback(None)]
            kind = messages.ERROR
        self.send(kind, box or [None])


def unshared() -> int:
    """The count of references to an object that one variable holds."""
    value = [[None]].pop()
    return sys.getrefcount(value)


UNSHARED = unshared()


def hashed(value: Any) -> int | None:
    """The hash of an object, where it has one."""
    try:
        return hash(value)
    except Exception:  # noqa: BLE001 - the program's own method
        return None


BEFORE = sys.stdin, sys.stdout, sys.stderr, input  # kept, as to end them would cost each child a tenth of its time
SERVED = Served()  # made where it costs no child anything
STREAMS: tuple[Any, ...] = (Typed(SERVED.ask), SERVED.printed.stream(1), SERVED.printed.stream(2))


def serve(job: dict[str, Any], _order: messages.Order, _cage: child.Cage) -> None:
    """Runs the program, then what is asked for, until nobody asks any more."""
    served = SERVED
    if job["watched"]:
        # Some programs write to `sys.__stdout__`, which mypy takes for a constant.
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = STREAMS  # type: ignore[misc]
        builtins.input = lambda prompt="": (print(prompt, end=""), served.ask("input"))[1]
    if (function := child.prepared(job)) is None:
        return
    names = served.names = vars(sys.modules["solution"])
    entry = names.get(job["entry"])
    if not callable(entry):

        def entry(*args: Any, **named: Any) -> Any:
            return function()(*args, **named)

    simple = type(entry) is FunctionType or type(entry) is type and not issubclass(entry, BaseException)
    if simple and not job["names"]:  # most are, and each line more is a page fault of each child
        served.hold(entry)
        messages.send(child.SOCKET, messages.READY)
    else:
        served.send(messages.VALUE, [(entry, tuple((name, names[name]) for name in job["names"] if name in names))])
    with contextlib.suppress(EOFError):
        while True:
            served.answer(messages.receive(child.SOCKET)[1])
            served.theirs.clear()
