"""The program form of the parentheses family: functions of a string that follows a fixed prefix of brackets."""

from __future__ import annotations

from random import Random

from axiom_cli.problems.families.family import Exercise

CLOSING = {"(": ")", "[": "]", "{": "}"}
_RETURNS = {"balanced": "bool", "depth": "int", "complete": "str | None"}
_FAILED = {"balanced": "False", "depth": "-1", "complete": "None"}
_RESULT = {"balanced": "not stack", "depth": "-1 if stack else deepest", "complete": '"".join(reversed(stack))'}
_WHAT = {
    "balanced": "returns True if the brackets of the whole are balanced, else False",
    "depth": "returns the nesting depth of the whole (the largest number of brackets open at once), "
    "or -1 if its brackets are not balanced",
    "complete": "returns the shortest string that, put behind the whole, balances its brackets "
    "(the empty string if they are balanced), or None if no string does",
}


def exercise(kind: str, openings: str, prefix: str, *, others: bool) -> Exercise:
    """What `kind` asks of `prefix` + text, where the brackets are `openings`, in ascending order, and what closes them.

    With `others` the text holds other characters, which are ignored; they may be brackets of another kind.
    """
    pairs = [f"{opening} {CLOSING[opening]}" for opening in openings]
    rule = "every other character is ignored" if others else "text holds nothing else"
    signature = f"solve(text: str) -> {_RETURNS[kind]}"
    return Exercise(
        "solve",
        signature,
        f"puts `{prefix}` in front of text and {_WHAT[kind]}. The brackets are {' and '.join(pairs)}; {rule}. Brackets "
        "are balanced if each is closed by its own kind, the last opened first, and none is left over.",
        f"def {signature}:\n{_body(kind, openings, prefix, others=others)}",
        lambda random: [_text(random, openings, prefix, others=others)],
        tuple([text] for text in _edges(openings, prefix, others=others)),
        (
            f"begin with {prefix} and go on with text",
            "keep the closing brackets that are due on a stack",
            f"a closing bracket that is not due: {_FAILED[kind]}",
            f"at the end: {_RESULT[kind]}",
        ),
    )


def _body(kind: str, openings: str, prefix: str, *, others: bool) -> str:
    closing = ", ".join(f'"{opening}": "{CLOSING[opening]}"' for opening in openings)
    due = "elif char in closing.values() and (" if others else "elif "
    lines = [
        f"closing = {{{closing}}}",
        "stack = []",
        *(["deepest = 0"] if kind == "depth" else []),
        f'for char in "{prefix}" + text:',
        "    if char in closing:",
        "        stack.append(closing[char])",
        *(["        deepest = max(deepest, len(stack))"] if kind == "depth" else []),
        f"    {due}not stack or stack.pop() != char{')' if others else ''}:",
        f"        return {_FAILED[kind]}",
        f"return {_RESULT[kind]}",
    ]
    return "".join(f"    {line}\n" for line in lines)


def completion(text: str) -> str:
    """The shortest string that balances a prefix of a balanced string."""
    stack: list[str] = []
    for char in text:
        if char in CLOSING:
            stack.append(CLOSING[char])
        else:
            stack.pop()
    return "".join(reversed(stack))


def _text(random: Random, openings: str, prefix: str, *, others: bool) -> str:
    """A text that balances the prefix, nearly balances it, stops too early, or is too long."""
    out = []
    for closing in completion(prefix):
        while random.random() < 0.4:
            out.append(_nest(random, openings))
        out.append(closing)
    while random.random() < 0.4:
        out.append(_nest(random, openings))
    text = "".join(out)
    spoil = random.random()
    alphabet = openings + "".join(CLOSING[opening] for opening in openings)
    if spoil < 0.25:
        at = random.randrange(len(text))
        text = text[:at] + random.choice(alphabet) + text[at + 1 :]
    elif spoil < 0.4:
        text = text[: random.randrange(len(text))]
    elif spoil < 0.5:
        text += random.choice(alphabet)
    return _mixed(random, text, openings) if others else text


def _nest(random: Random, openings: str) -> str:
    opening = random.choice(openings)
    inner = _nest(random, openings) if random.random() < 0.4 else ""
    return opening + inner + CLOSING[opening]


def _mixed(random: Random, text: str, openings: str) -> str:
    """The text with characters in between that are not brackets here."""
    strange = "ab 1<>" + "".join(char for pair in CLOSING.items() if pair[0] not in openings for char in pair)
    return "".join(char + random.choice(strange) * (random.random() < 0.3) for char in text)


def _edges(openings: str, prefix: str, *, others: bool) -> list[str]:
    due, first = completion(prefix), openings[0]
    pair = first + CLOSING[first]
    texts = ["", due, due + pair, pair + due, due[:-1], due + CLOSING[first], due + first, due[::-1], due + pair * 9]
    texts += ["x" + due + " y", "a"] if others else []
    return list(dict.fromkeys(texts))
