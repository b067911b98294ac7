"""Keep the JSON lines whose field meets a condition, as `jq -c 'select(.sample.problem.level >= 5)'` does.

python where.py sample.problem.level '>=' 5 < verdicts.jsonl
"""

import json
import operator
import sys

TESTS = {"==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def field(record, path):
    """The value at `a.b.c`, or None if there is none."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def value(text):
    """A number, true, false, null or a quoted string, as in JSON; anything else is a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def main(path, test, wanted):
    """Writes the lines of stdin that meet the condition, unchanged."""
    holds, wanted = TESTS[test], value(wanted)
    for line in sys.stdin:
        actual = field(json.loads(line), path)
        if actual is not None and holds(actual, wanted):
            sys.stdout.write(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
