"""Sends marks of values and classes that no value has: other modules, huge parts, numbers of nothing."""

import marshal
import os
import struct

BAD = [
    (..., "library", "os", "_exit"),
    (..., "library", "unittest.case", "SkipTest"),
    (..., "class", "exec"),
    (..., "date", 10**12, -1, "1"),
    (..., "Decimal", (..., "object", 0, "", None)),
    (..., "shared", 10**9),
    (..., "lent", -1),
    (..., "theirs", 0),
    (..., "named", 0, ("a",)),
    (..., "exceptions", 7, "E", (..., "class", "int")),
    (..., "deque", -1, 1),
    (..., "Counter", None, [1], 2),
    (
        ...,
        "slice",
    ),
    (...,),
]


def solve(x):
    for value in BAD[x:]:
        body = marshal.dumps(value, 2)
        os.write(3, struct.pack("=cI", b"V", len(body)) + body)
    return (..., "class", "object")
