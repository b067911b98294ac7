"""Keep the JSON lines whose field meets a condition: what `jq -c 'select(.sample.problem.level >= 5)'` does.

python where.py sample.problem.level '>=' 5 < verdicts.jsonl
"""

import json
import operator
import sys

TESTS = {"==": operator.eq, "!=": operator.ne, ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def field(record, path):
    """The value at `a.b.c`, or None where the record has none."""
    for name in path.split("."):
        record = record.get(name) if isinstance(record, dict) else None
    return record


def value(text):
    """A number, true, false, null or a quoted string, as JSON has them; anything else is a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def main(path, test, wanted):
    """Writes the lines of stdin that pass, as they came."""
    meets, wanted = TESTS[test], value(wanted)
    for line in sys.stdin:
        found = field(json.loads(line), path)
        if found is not None and meets(found, wanted):
            sys.stdout.write(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
