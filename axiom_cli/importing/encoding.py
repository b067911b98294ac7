"""Imported files are UTF-8; of others it is said that they are not, and how to rewrite them."""

from __future__ import annotations

from pathlib import PurePath

from axiom_cli.errors import InputError

WIDE = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
NOT_UTF8 = "not UTF-8"


def hint(name: str, encoding: str = "LATIN1") -> str:
    """How a file of an encoding becomes one that is read."""
    return f"`iconv -f {encoding} -t UTF-8 {name}` rewrites it; its publisher knows which encoding it has"


def check_start(start: bytes, name: str) -> None:
    """Raises InputError where a file of text begins as UTF-16 does."""
    wide = WIDE.get(start[:2])
    if wide and PurePath(name).suffix != ".parquet":
        raise InputError(f"{name} is {wide}, {NOT_UTF8}", hint(name, wide))


def fault(text: bytes) -> str:
    """What is wrong with bytes that are no UTF-8; nothing where they are."""
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"{NOT_UTF8}, at byte {error.start + 1}"
    return ""


def unreadable(error: UnicodeDecodeError, name: str) -> InputError:
    """The error of a file of which a part is no UTF-8."""
    return InputError(f"{name} is {NOT_UTF8}: {error.reason}", hint(name))
