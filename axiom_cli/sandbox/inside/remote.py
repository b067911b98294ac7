"""What stands for the program's objects where its tests run. Whatever is asked of one is asked of the program.

What the program says of its own objects is its answer, as any result of its functions is: an attribute, a sum, a
length, the items of an iteration, a text, a truth value. A program that lies there could as well return the lie as
plain data, and knows no more of what is expected. That is not so where an object is compared with a value of the
tests: one that says that it equals, contains, or is less than whatever it meets would agree with a value that it does
not know.

- `==` and `!=` with plain data: what the program's object holds, if its class derives from a built-in type, is compared
  here. Where the object itself says that it is equal, this is not believed; one in the place of data does not get to
  see what it is compared with, and fails if its class compares for itself.
- `==` of two objects: believed only if both are also made of the same parts (`state`), if the class does not call
  objects equal that the tests made of different arguments, and if it is not equal to just anything.
- `in`: plain items are looked for here, in what the object yields. Objects of classes that the tests make themselves
  say it themselves, and must not contain just anything.
- `+`, `-` and the like of an object and plain data: what the object holds is computed with here, or else no data that
  the object gives is believed, as it has seen the value of the tests; objects of classes that the tests make
  themselves do it themselves. Nor is believed what such an object says to `startswith` and the like.
- `<`, `<=`, `>`, `>=`: with plain data believed of objects of classes that the tests make themselves only, and never if
  the opposite is said to hold as well.
- `with`: the program's `__exit__` may swallow what the tests raise by a `raise`, never their asserts and errors.
- `is`, `isinstance`, `type`: the program says which of its objects is which. One that crosses as plain data is of the
  built-in type that arrives.

What is doubted in this way makes the program fail where it returned an object in the place of data, and is no label
where objects are what the tests ask for.
"""

from __future__ import annotations

import operator
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

from .replicas import Named
from .unjudgeable import BeyondError

if TYPE_CHECKING:
    from .channel import Channel

NO_DATA = "returned something that is not plain data, where its test code compares it"
HERE = frozenset((
    "__next__", "__iter__", "__hash__", "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__contains__",
))  # fmt: skip
AGREEING = frozenset(("startswith", "endswith", "issubset", "issuperset", "isdisjoint", "equals"))
ORDER = ("lt", "le", "gt", "ge")
ARITHMETIC = "add sub mul matmul truediv floordiv mod divmod lshift rshift and or xor"
OTHERS = """
index int float complex round trunc floor ceil getitem setitem delitem len bool repr str format bytes dir reversed
"""


class Remote:
    """An object of the program. `axiom_made` says where it comes from: 2 for a class that the tests name, 1 for an
    object that they made of it, 0 for any other. `axiom_base` is the built-in type that its class derives from, if
    there is one."""

    __slots__ = ("axiom_base", "axiom_channel", "axiom_hash", "axiom_made", "axiom_number")

    def __init__(self, channel: Channel, number: int, base: str = "") -> None:
        keep = object.__setattr__
        keep(self, "axiom_channel", channel)
        keep(self, "axiom_number", number)
        keep(self, "axiom_base", base)
        keep(self, "axiom_made", 0)
        keep(self, "axiom_hash", None)

    def __getattribute__(self, name: str) -> Any:
        if name in HERE:
            return object.__getattribute__(self, name)
        value = channel(self).do("get", self, name)
        if name in AGREEING and not (made(self) or base(self)):
            raise BeyondError(f"it asks an object of the program for {name}")
        return passed_on(self, value, 2)

    def __setattr__(self, name: str, value: Any) -> None:
        channel(self).do("set", self, name, value)

    def __delattr__(self, name: str) -> None:
        channel(self).do("delete", self, name)

    def __call__(self, *args: Any, **named: Any) -> Any:
        result = channel(self).call("call", self, *args, **named)
        if made(self) == 2 and type(result) is Remote:
            mark(result, max(1, made(result)))
            channel(self).made.append((result, args, named))
        return result

    def __eq__(self, other: object) -> Any:
        return equal(self, other)

    def __ne__(self, other: object) -> Any:
        said = equal(self, other)
        return not said if type(said) is bool else channel(self).call("ne", self, other)

    def __hash__(self) -> int:
        known = Remote.axiom_hash.__get__(self)  # type: ignore[attr-defined]
        return channel(self).call("hash", self) if known is None else known

    def __contains__(self, item: Any) -> Any:
        return contains(self, item)

    def __iter__(self) -> Any:
        return channel(self).call("iter", self)

    def __next__(self) -> Any:
        for item in channel(self).call("take", self):
            return item
        raise StopIteration

    def __enter__(self) -> Any:
        return passed_on(self, channel(self).call("enter", self), 1)

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        if kind is not None and not issubclass(kind, Exception):
            return False
        swallowed = channel(self).call("exit", self, kind, error)
        if not swallowed or kind is None:
            return False
        if error is not channel(self).raised and not issubclass(kind, AssertionError) and by_statement(trace):
            return True
        if issubclass(kind, AssertionError):
            return False
        raise BeyondError("an object of the program swallows an exception in a `with` statement")

    def __pow__(self, other: Any, modulus: Any = None) -> Any:
        return computed(self, "power", *((self, other) if modulus is None else (self, other, modulus)))

    def __rpow__(self, other: Any) -> Any:
        return computed(self, "power", other, self)

    def __instancecheck__(self, value: Any) -> bool:
        said = bool(channel(self).do("isinstance", value, self))
        if said and type(value) not in (Remote, Named):
            raise BeyondError("a class of the program says that plain data is of it")
        return said

    def __subclasscheck__(self, kind: Any) -> bool:
        return bool(channel(self).do("issubclass", kind, self))

    def __mro_entries__(self, _bases: Any) -> NoReturn:
        raise BeyondError("it derives a class from one of the program's")

    def __deepcopy__(self, _memo: Any) -> Any:
        return passed_on(self, channel(self).call("deepcopy", self), 1)

    def __reduce_ex__(self, _version: Any) -> NoReturn:
        raise BeyondError("it pickles an object of the program")

    def __await__(self) -> NoReturn:
        raise BeyondError("it awaits an object of the program")

    __aiter__ = __aenter__ = __anext__ = __aexit__ = __await__


channel: Callable[[Any], Channel] = Remote.axiom_channel.__get__  # type: ignore[attr-defined]
made: Callable[[Any], int] = Remote.axiom_made.__get__  # type: ignore[attr-defined]
base: Callable[[Any], str] = Remote.axiom_base.__get__  # type: ignore[attr-defined]
place: Callable[[Any], int] = Remote.axiom_number.__get__  # type: ignore[attr-defined]


def mark(remote: Any, how: int) -> Any:
    """Keeps in mind where an object comes from."""
    object.__setattr__(remote, "axiom_made", how)
    return remote


def passed_on(source: Any, result: Any, least: int) -> Any:
    """`result`, which comes from the tests' own classes if `source` does."""
    if type(result) is Remote and made(source) >= least:
        mark(result, max(made(result), made(source) if least == 2 else 1))
    return result


def _asks(operation: str) -> Callable[..., Any]:
    """A method that has the program do an operation on its object."""
    return lambda self, *args: channel(self).call(operation, self, *args)


def _computes(operation: str) -> Callable[..., Any]:
    """The same, where it computes with the object, so that the result may be one like it."""
    return lambda self, *others: computed(self, operation, self, *others)


def _reflected(operation: str) -> Callable[..., Any]:
    return lambda self, other: computed(self, operation, other, self)


def _order(operation: str) -> Callable[..., Any]:
    return lambda self, other: ordered(self, operation, other)


def _equip() -> None:
    """Gives Remote the rest of its methods."""
    for name in ARITHMETIC.split():
        operation = f"{name}_" if name in ("and", "or") else name
        setattr(Remote, f"__{name}__", _computes(operation))
        setattr(Remote, f"__r{name}__", _reflected(operation))
        if name != "divmod":
            setattr(Remote, f"__i{name}__", _computes(f"i{name}"))
    for name in ("ipow", "neg", "pos", "abs", "invert", "copy"):
        setattr(Remote, f"__{name}__", _computes(name))
    for name in OTHERS.split():
        setattr(Remote, f"__{name}__", _asks(name))
    for name in ORDER:
        setattr(Remote, f"__{name}__", _order(name))


_equip()


def by_statement(trace: Any) -> bool:
    """Whether an exception comes from a `raise` in the code that its traceback begins with."""
    if trace is None or trace.tb_next is not None:
        return False
    import opcode

    return trace.tb_frame.f_code.co_code[trace.tb_lasti] == opcode.opmap["RAISE_VARARGS"]


def computed(owner: Any, operation: str, *operands: Any) -> Any:
    """What comes of an operation with an object of the program. It may know a value of the tests from it, so that of
    an object that the tests have not made themselves no data is believed."""
    ask, others = channel(owner), [operand for operand in operands if type(operand) is not Remote]
    if others and base(owner) and not made(owner) and hasattr(operator, operation):
        return getattr(operator, operation)(*map(inner, operands))
    result = ask.call(operation, *operands)
    if others and not made(owner) and type(result) not in (Remote, types.NotImplementedType):
        raise BeyondError("it computes with an object of the program and plain data")
    return passed_on(owner, result, 1)


def inner(value: Any) -> Any:
    """What an object of the program holds as the built-in type that it derives from; a value of the tests itself."""
    return channel(value).do("base", value) if type(value) is Remote else value


def equal(left: Any, right: Any) -> Any:
    """`left == right`, where `left` is an object of the program."""
    ask, objects = channel(left), type(right) is Remote
    if left is right:
        return True
    if ask.unpacking:
        return False  # two keys of one dict
    if base(left) and (not objects or base(right)) and inner(left) == inner(right):
        return True
    if not (objects or made(left) or right is None):  # it is not even shown the value
        if ask.do("own eq", left):
            ask.fail(NO_DATA)
        ask.odd = True
        return False
    said = ask.call("eq", left, right)
    if said is not True:
        return said
    if objects and ask.alike(left, right):
        ask.doubt("eq", left, right)
        return True
    if objects:
        raise BeyondError("it compares two objects of the program, which are equal by the program's word only")
    if made(left):
        raise BeyondError("it compares an object of the program with plain data, by the program's own ==")
    ask.fail(NO_DATA)
    return False


def contains(owner: Any, item: Any) -> Any:
    """`item in owner`, where `owner` is an object of the program."""
    ask = channel(owner)
    if base(owner) not in ("", "int", "float", "complex"):
        if item in inner(owner) or not made(owner):
            return item in inner(owner)
    elif not made(owner):
        try:
            return any(each is item or each == item for each in owner)
        except TypeError as error:
            if error is not ask.raised:
                raise
    said = ask.call("contains", owner, item)
    if said and not made(owner):
        raise BeyondError("an object of the program says itself what it contains")
    if said:
        ask.doubt("contains", owner)
    return said


def ordered(left: Any, operation: str, right: Any) -> Any:
    """A comparison by order, where `left` is an object of the program."""
    ask, objects = channel(left), type(right) is Remote
    if base(left) and (not objects or base(right)):
        return getattr(operator, operation)(inner(left), inner(right))
    said = ask.call(operation, left, right)
    if not objects and not made(left):
        ask.fail(NO_DATA)
    if said is not True:
        return said
    ask.doubt(operation, left, right)
    return said
