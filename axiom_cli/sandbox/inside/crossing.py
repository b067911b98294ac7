"""Values on their way between a program and tests that are code, which lie in two processes.

Plain data travels as `marshal` bytes. What is not plain data is a tuple that begins with an Ellipsis and a word:
`(..., "date", 2020, 1, 2)`. Immutable values of the standard library are made again from their parts, by the side that
receives them; objects stay where they are, and a number stands for them.

A list, dict or set (and a bytearray, deque, Counter, OrderedDict, defaultdict) is one object that both sides have a
copy of. Each message says which of these have changed since the last, so that both copies hold the same, and a copy
that comes back is the object that went: `f(a) is a`, and `a` is sorted where the program has sorted it. Neither side
numbers them on the wire: both count them in the order in which they are written. A side forgets one that nothing of
its own holds any more, and tells the other.
"""

from __future__ import annotations

import builtins
import copy
import operator
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

DEEPEST = 400  # more than a reader takes, so that what was read can be sent back
SCALARS = frozenset((type(None), bool, int, float, complex, str, bytes))
MAPPINGS: tuple[type[Any], ...] = (dict, Counter, OrderedDict, defaultdict)
SHARED: frozenset[type[Any]] = frozenset((list, set, bytearray, deque, *MAPPINGS))
NATIVE: tuple[type[Any], ...] = (list, dict, set)
TAGGED = {kind.__name__: kind for kind in SHARED if kind not in NATIVE}
PLAIN: tuple[type[Any], ...] = (str, int, float, complex, bytes, list, tuple, dict, set, frozenset)
COLLISIONS = 100  # keys of one dict or set that share a hash with another

CLASSES = {name: value for name, value in vars(builtins).items() if isinstance(value, type)} | {
    "NoneType": type(None), "function": type(lambda: None), "generator": type(_ for _ in ()),
}  # fmt: skip
NAMES = {kind: name for name, kind in reversed(CLASSES.items())}
LIBRARY = {  # exceptions of the standard library
    "json.decoder": "JSONDecodeError", "dataclasses": "FrozenInstanceError", "re": "error", "zlib": "error",
    "struct": "error", "binascii": "Error", "statistics": "StatisticsError", "copy": "Error", "_csv": "Error",
    "_queue": "Empty", "queue": "Full",
    "decimal": "DecimalException Inexact InvalidOperation DivisionByZero Overflow Underflow Rounded Subnormal",
}  # fmt: skip
VIEWS: dict[type[Any], str] = {type({}.keys()): "keys", type({}.items()): "items", type({}.values()): "values"}
# Where an immutable value of the standard library is defined, what it is made of, and how to make it of that.
Value = tuple[str, Callable[[Any], tuple[Any, ...]], Callable[..., Any]]
VALUES: dict[str, Value] = {
    "range": ("builtins", lambda v: (v.start, v.stop, v.step), lambda kind, *parts: kind(*parts)),
    "slice": ("builtins", lambda v: (v.start, v.stop, v.step), lambda kind, *parts: kind(*parts)),
    "date": ("datetime", lambda v: (v.year, v.month, v.day), lambda kind, *parts: kind(*parts)),
    "timedelta": ("datetime", lambda v: (v.days, v.seconds, v.microseconds), lambda kind, *parts: kind(*parts)),
    "timezone": ("datetime", lambda v: (v.utcoffset(None),), lambda kind, *parts: kind(*parts)),
    "time": (
        "datetime",
        lambda v: (v.hour, v.minute, v.second, v.microsecond, v.tzinfo, v.fold),
        lambda kind, *parts: kind(*parts[:-1], fold=parts[-1]),
    ),
    "datetime": (
        "datetime",
        lambda v: (v.year, v.month, v.day, v.hour, v.minute, v.second, v.microsecond, v.tzinfo, v.fold),
        lambda kind, *parts: kind(*parts[:-1], fold=parts[-1]),
    ),
    "Decimal": ("decimal", lambda v: (str(v),), lambda kind, *parts: kind(*parts)),
    "Fraction": ("fractions", lambda v: (v.numerator, v.denominator), lambda kind, *parts: kind(*parts)),
    "UUID": ("uuid", lambda v: (v.int,), lambda kind, number: kind(int=number)),
    "PurePosixPath": ("pathlib", lambda v: (str(v),), lambda kind, *parts: kind(*parts)),
    "IPv4Address": ("ipaddress", lambda v: (int(v),), lambda kind, *parts: kind(*parts)),
}


class Crossing:
    """One end of the way. `other` and `foreign` say what a side does with values that are not plain data."""

    def __init__(self) -> None:
        self.shared: dict[int, list[Any]] = {}  # number: the object, and what it held when it was last spoken of
        self.numbers: dict[int, int] = {}  # the same by the object's identity
        self.count = 0
        self.fresh: list[int] = []

    def other(self, value: Any, depth: int) -> Any:
        """What stands for a value that this class does not know. Raises ValueError where nothing can."""
        raise NotImplementedError

    def foreign(self, word: str, parts: tuple[Any, ...]) -> Any:
        """The value that `other` of the other side has written so. Raises ValueError."""
        raise NotImplementedError

    def enter(self, value: Any) -> Any:
        """Counts an object that both sides have from here on."""
        self.shared[self.count] = [value, None]
        self.numbers[id(value)] = self.count
        self.fresh.append(self.count)
        self.count += 1
        return value

    def settled(self) -> bool:
        """Whether all that both sides have was entered after the last message, so that none of it has changed."""
        return len(self.fresh) == len(self.shared)

    def forget(self, number: int) -> None:
        """No more of this object."""
        if (entry := self.shared.pop(number, None)) is not None:
            self.numbers.pop(id(entry[0]), None)

    def pack(self, value: Any, depth: int = 0) -> Any:
        """`value` made of what marshal knows. Raises ValueError."""
        kind = type(value)
        if kind in SCALARS:
            return value
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        if kind is tuple:
            items = value if SCALARS.issuperset(map(type, value)) else tuple([self.pack(i, depth + 1) for i in value])
            return (..., "tuple", *items[1:]) if value and value[0] is ... else items
        if kind in SHARED:
            if (number := self.numbers.get(id(value))) is not None:
                return ..., "shared", number
            packed = self._content(value, kind, depth + 1)
            self.enter(value)
            return packed
        if kind is frozenset:
            return frozenset([self.pack_key(item, depth + 1) for item in value])
        if value is ...:
            return value
        if (name := NAMES.get(value) if issubclass(kind, type) else None) is not None:
            return ..., "class", name
        if kind in VIEWS:
            return ..., VIEWS[kind], *[self.pack(item, depth + 1) for item in value]
        known = VALUES.get(kind.__name__)
        if known and kind.__module__ == known[0] and getattr(sys.modules.get(known[0]), kind.__name__, None) is kind:
            return ..., kind.__name__, *[self.pack(part, depth + 1) for part in known[1](value)]
        return self.other(value, depth)

    def pack_key(self, value: Any, depth: int) -> Any:
        """As `pack`, for a key of a dict or an item of a set."""
        return self.pack(value, depth)

    def _content(self, value: Any, kind: type[Any], depth: int) -> Any:
        """What an object holds that both sides have a copy of."""
        if kind is list:
            return value if SCALARS.issuperset(map(type, value)) else [self.pack(item, depth) for item in value]
        if kind is set:
            return value if SCALARS.issuperset(map(type, value)) else {self.pack_key(item, depth) for item in value}
        if kind is dict:
            if SCALARS.issuperset(map(type, value)) and SCALARS.issuperset(map(type, value.values())):
                return value
            return {self.pack_key(key, depth): self.pack(item, depth) for key, item in value.items()}
        extra = value.default_factory if kind is defaultdict else value.maxlen if kind is deque else None
        return ..., kind.__name__, self.pack(extra, depth), *[self.pack(item, depth) for item in flat(value)]

    def unpack(self, value: Any) -> Any:
        """What `pack` of the other side was given. Raises ValueError, TypeError, LookupError or ArithmeticError."""
        kind = type(value)
        if kind in SCALARS:
            return value
        if kind is tuple:
            if value and value[0] is ...:
                return self._marked(value)
            return value if SCALARS.issuperset(map(type, value)) else tuple([self.unpack(item) for item in value])
        if kind is list:
            if not SCALARS.issuperset(map(type, value)):
                value[:] = [self.unpack(item) for item in value]
            return self.enter(value)
        if kind is dict:
            if not (SCALARS.issuperset(map(type, value)) and SCALARS.issuperset(map(type, value.values()))):
                pairs = [(self.unpack(key), self.unpack(item)) for key, item in value.items()]
                fill(value, [*[key for key, _item in pairs], *[item for _key, item in pairs]])
            return self.enter(value)
        if kind is set:
            if not SCALARS.issuperset(map(type, value)):
                fill(value, [self.unpack(item) for item in value])
            return self.enter(value)
        if kind is frozenset:
            return frozenset(hashable([self.unpack(item) for item in value]))
        return value

    def _marked(self, value: tuple[Any, ...]) -> Any:
        """The value that a marked tuple stands for."""
        if len(value) < 2 or type(value[1]) is not str:
            raise ValueError("a mark without a word")
        _mark, word, *parts = value
        if word == "tuple":
            return ..., *[self.unpack(item) for item in parts]
        if word == "copy":  # a list that the other side has let go of
            return parts
        if word == "shared":
            return self.shared[parts[0]][0]
        if word == "class":
            return CLASSES[parts[0]]
        if word in TAGGED:
            extra, items = self.unpack(parts[0]), [self.unpack(item) for item in parts[1:]]
            made: Any = TAGGED[word]()
            if word == "deque":
                made = deque(maxlen=extra)
            elif word == "defaultdict":
                made = defaultdict(extra)
            fill(made, items)
            return self.enter(made)
        if word in VIEWS.values():
            items = [self.unpack(item) for item in parts]
            kept = dict(items) if word == "items" else dict.fromkeys(hashable(items)) if word == "keys" else None
            return getattr(dict(enumerate(items)) if kept is None else kept, word)()
        if word in VALUES:
            module, _parts, make = VALUES[word]
            __import__(module)
            return make(getattr(sys.modules[module], word), *[self.unpack(part) for part in parts])
        return self.foreign(word, tuple(parts))

    def changes(self) -> tuple[Any, ...]:
        """What has changed on this side since the last message, and the numbers that nothing here holds any more. What
        the message itself brings must be packed before."""
        changed = []
        for number, (value, before) in list(self.shared.items()) if self.shared else ():
            if before is not None and not same(now := flat(value), before):
                changed.append((number, *[self.pack(item) for item in now]))
                self.shared[number][1] = None
                self.fresh.append(number)
        number = value = before = now = None  # type: ignore[assignment] # or they would hold what nobody else does
        lost = []
        for number in sorted(self.shared, reverse=True):  # what holds others was entered after them
            if references(self.shared[number]) <= ALONE:
                lost.append(number)
                self.forget(number)
        self.remember()
        return tuple(changed), tuple(lost)

    def learn(self, changed: Iterable[Any], lost: Iterable[Any]) -> None:
        """What `changes` of the other side has said, after the message that it came with."""
        for number, *items in changed:
            now = [self.unpack(item) for item in items]
            if (entry := self.shared.get(number)) is not None:
                fill(entry[0], now)
                entry[1] = None
                self.fresh.append(number)
        for number in lost:
            self.forget(number)
        self.remember()

    def part(self) -> None:
        """From here on each side has copies of its own: the other's changes come to new ones, not to those that this
        side has passed."""
        copies = {id(value): copy.copy(value) for value, _before in self.shared.values()}
        for number, entry in self.shared.items():
            entry[0] = mine = copies[id(entry[0])]
            fill(mine, [copies.get(id(item), item) for item in flat(mine)])
            entry[1] = None
            self.fresh.append(number)
        self.numbers = {id(entry[0]): number for number, entry in self.shared.items()}

    def forget_all(self) -> None:
        """No more of any object."""
        self.shared.clear()
        self.numbers.clear()
        self.fresh.clear()
        self.count = 0

    def remember(self) -> None:
        """What the objects hold that are new, or have changed."""
        for number in self.fresh:
            if (entry := self.shared.get(number)) is not None:
                entry[1] = flat(entry[0])
        self.fresh.clear()


def flat(value: Any) -> list[Any]:
    """The items of a container; the keys, then the values of a mapping."""
    return [*value.keys(), *value.values()] if isinstance(value, dict) else list(value)


def same(now: list[Any], before: list[Any]) -> bool:
    """Whether these are the same objects in the same order."""
    return len(now) == len(before) and all(map(operator.is_, now, before))


def fill(container: Any, items: list[Any]) -> None:
    """Makes a container hold what `flat` gave. Raises ValueError, TypeError."""
    if type(container) is list:
        container[:] = items
    elif isinstance(container, dict):
        half = len(items) // 2
        hashable(items[:half])
        kind = OrderedDict if type(container) is OrderedDict else dict  # a Counter's own would add
        kind.clear(container)
        kind.update(container, zip(items[:half], items[half:], strict=True))
    elif type(container) is bytearray:
        container[:] = bytes(items)
    else:
        if type(container) is set:
            hashable(items)
        container.clear()
        getattr(container, "update" if type(container) is set else "extend")(items)


def hashable(keys: list[Any]) -> list[Any]:
    """The keys, once it is certain that a dict of them is made at once. Raises ValueError."""
    try:
        distinct = len({hash(key) for key in keys})
    except TypeError:
        raise ValueError("a key that cannot be one") from None
    if len(keys) - distinct > COLLISIONS:
        raise ValueError("keys that collide")
    return keys


def references(entry: list[Any]) -> int:
    """How many hold the object of an entry, with the entry and this call."""
    return sys.getrefcount(entry[0])


ALONE = references([[], None])
