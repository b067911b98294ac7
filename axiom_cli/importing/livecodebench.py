"""Rows of LiveCodeBench: tests as JSON texts of [{input, output, testtype}], the hidden ones often packed.

They are packed as base64 of zlib of a pickle of the text. A pickle can run any code when it is loaded, so none is ever
loaded: its opcodes are read, and one that holds anything but a single text is refused.
"""

from __future__ import annotations

import base64
import binascii
import pickletools
import zlib
from typing import Any

import orjson

from axiom_cli import json_codec
from axiom_cli.errors import InputError
from axiom_cli.importing import contests, schema
from axiom_cli.importing.contests import Task
from axiom_cli.importing.imported import Format, Imported
from axiom_cli.importing.schema import ANY, NAME, TEXT, Row
from axiom_cli.records import STDIN_STDOUT

LARGEST_UNPACKED = 64 * 2**20
"""Bytes of the hidden tests of one row."""
TEXT_OPCODES = ("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE")
OTHER_OPCODES = ("PROTO", "FRAME", "MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT", "STOP")


def _read(row: Row) -> Imported:
    public = _cases(row["public_test_cases"], "public_test_cases")
    cases = [*public, *_cases(row.get("private_test_cases"), "private_test_cases")]
    kinds = {case["testtype"] for case in cases}
    if kinds - {"stdin", "functional"} or len(kinds) > 1:
        raise InputError(f"its tests have the testtypes {', '.join(sorted(kinds))}, expected stdin or functional")
    starter = row.get("starter_code") or ""
    if kinds == {"functional"}:
        entry_point = contests.function_name(_function_name(row))
        signature = contests.signature_in(starter, entry_point)
        tests = [
            {"args": [_value(line) for line in case["input"].split("\n")], "expected": _value(case["output"])}
            for case in cases
        ]
        program = contests.function(entry_point, signature, tests, shown=len(public))
    else:
        entry_point = STDIN_STDOUT
        program = contests.script(*([(case["input"], case["output"]) for case in some] for some in (cases, public)))
    name = contests.name_of("livecodebench", row["question_content"], row.get("question_id"), row.get("question_title"))
    prompt = contests.statement(row["question_content"], starter, entry_point)
    level = contests.level_of(row.get("difficulty"))
    task = Task("livecodebench", name, prompt, [program], level=level, split="test")
    return contests.imported(task)


def _function_name(row: Row) -> Any:
    metadata = schema.tests(row.get("metadata") or "{}", "metadata")
    if not isinstance(metadata, dict) or not metadata.get("func_name"):
        raise InputError("its tests call a function, and its metadata has no func_name")
    return metadata["func_name"]


def _value(text: str) -> Any:
    """An argument or a result, which is JSON on a line of its own."""
    try:
        return json_codec.loads(text.encode())
    except orjson.JSONDecodeError:
        raise InputError(f"a test of it has {text!r:.40}, expected JSON") from None


def _cases(value: Any, name: str) -> list[dict[str, str]]:
    """The tests in a column. Raises InputError where it holds anything else."""
    if isinstance(value, str) and not value.lstrip().startswith("["):
        value = _unpacked(value, name) if value.strip() else []
    cases = contests.listed(value, name)
    for case in cases:
        if not isinstance(case, dict) or not all(
            isinstance(case.get(side), str) for side in ("input", "output", "testtype")
        ):
            raise InputError(f"a test in its {name} is {case!r:.40}, expected {{input, output, testtype}}")
    return cases


def _unpacked(packed: str, name: str) -> str:
    """The JSON text in base64 of zlib of a pickle. Raises InputError."""
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(base64.b64decode(packed, validate=True), LARGEST_UNPACKED)
    except (binascii.Error, ValueError, zlib.error):
        raise InputError(f"its {name} are neither JSON nor base64 of zlib") from None
    if inflate.unconsumed_tail:
        raise InputError(f"its {name} are larger than {LARGEST_UNPACKED // 2**20} MiB")
    return _pickled_text(data, name)


def _pickled_text(data: bytes, name: str) -> str:
    """The only text in a pickle, which is not loaded. Raises InputError where it holds anything else."""
    texts = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in TEXT_OPCODES:
                texts.append(argument)
            elif opcode.name not in OTHER_OPCODES:
                raise InputError(f"its {name} hold a pickle of more than a text ({opcode.name}), which is not loaded")
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"its {name} hold a damaged pickle") from None
    if len(texts) != 1:
        raise InputError(f"its {name} hold a pickle of {len(texts)} texts, expected one")
    return str(texts[0])


LIVECODEBENCH = Format(
    _read,
    {"question_content": TEXT, "public_test_cases": ANY},
    {
        **dict.fromkeys(("private_test_cases", "metadata", "difficulty"), ANY),
        **dict.fromkeys(("starter_code", "question_title"), TEXT),
        "question_id": NAME,
    },
    lambda row: {"question_content", "public_test_cases"} <= row.keys(),
)
