"""A number with its unit, read exactly and as people and models write it."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from axiom_cli.problems.plain_text import plain

CURRENCIES = {
    "$": "$", "us$": "$", "usd": "$", "dollar": "$", "dollars": "$", "€": "€", "eur": "€", "euro": "€", "euros": "€",
    "£": "£", "gbp": "£", "pound": "£", "pounds": "£", "¥": "¥", "yen": "¥", "jpy": "¥", "₹": "₹", "inr": "₹",
    "rs": "₹", "rupee": "₹", "rupees": "₹",
}  # fmt: skip
PERCENT = {"%", "percent", "pct", "per cent", "percentage points"}
SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12, "dozen": 12}
FRACTIONS = {
    "½": "1/2",
    "⅓": "1/3",
    "⅔": "2/3",
    "¼": "1/4",
    "¾": "3/4",
    "⅕": "1/5",
    "⅛": "1/8",
    "⅜": "3/8",
    "⅝": "5/8",
    "⅞": "7/8",
}
POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
UNIT_LETTERS = set("mgslhLJNWVAKCFµΩ")
NO_UNIT = {
    "or", "and", "not", "nor", "is", "isn't", "are", "was", "if", "but", "to", "from", "than", "either", "maybe",
    "pi", "sqrt", "mod", "times", "plus", "minus", "over", "half", "halves", "third", "thirds", "quarter", "quarters",
    "tenth", "tenths", "hundredth", "hundredths", "thousandth", "thousandths", "factorial", "choose", "remainder",
    "squared", "cubed", "root", "wrong", "incorrect", "infinity", "inf", "nan", "instead", "unless", "score", "versus",
    "would", "mil", "mio", "mn", "bn", "tn", "lakh", "lakhs", "crore", "crores",
}  # fmt: skip
"""Words after a number that change its value, or say more than a unit does."""
DIGITS = r"(?:\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d{1,3}(?:'\d{3})+|\d{1,3}(?:_\d{3})+|\d+)"
DECIMAL = rf"(?:{DIGITS}(?:\.\d*)?|\.\d+|\d{{1,3}}(?:\.\d{{3}})+,\d+|\d+,\d{{1,2}}|\d{{1,3}}(?:\.\d{{3}}){{2,}})"
NUMBER = re.compile(
    rf"(?P<whole>\d+)\s+(?P<top>\d+)/(?P<bottom>\d+)(?![\d/])"
    rf"|(?P<numerator>{DECIMAL})\s*(?:/|÷)\s*(?P<sign>-?)(?P<denominator>{DECIMAL})(?![\d/])"
    rf"|(?P<decimal>{DECIMAL})(?:(?:\s*(?:\*|×|x|\\times|\\cdot)\s*10\s*\^\s*|[eE])\{{?(?P<exponent>[+-]?\d+)\}}?)?(?!\d|[.,]\d)"
)
LEADING = re.compile(r"(?:=|≈|~|\\approx|about\b|approximately\b|approx\.?|roughly\b|exactly\b)\s*", re.IGNORECASE)
CURRENCY = re.compile(r"(US\$|[$€£¥₹]|(?:USD|EUR|GBP|JPY|INR|Rs\.?)(?![A-Za-z]))\s*", re.IGNORECASE)
NOTE = re.compile(r"\s*\(([^()\d]*)\)")
REASON = re.compile(r"\s*\((?:since|because)\b[^()]*\)$", re.IGNORECASE)
MARKED = re.compile(r"(?:\$([^$]+)\$|\\\((.+?)\\\)|(\*{1,3}|`)([^*`]+)\3)(?=\s+[A-Za-z(°%\\])")
"""Marks around a number with its unit behind them."""
FOR_WHAT = re.compile(
    r"/(?=[a-z])|(?:per|a|an|each|every|apiece|in|for|of|more|less|extra|total|altogether|profit)\b", re.IGNORECASE
)
"""What may follow an amount of money."""
UNIT = re.compile(r"[A-Za-zµμΩ%°$€£¥₹²³/*·.' -]+(?:(?:\^\{?-?|(?<=[A-Za-z]))[1-9]\}?[A-Za-zµμΩ/*· -]*)*")
LONGEST = 400
"""Characters of a number and its unit."""
MOST_WORDS = 6
HIGHEST_POWER = 400


class Number(NamedTuple):
    """`unit` is `%`, a currency sign, words in lower case, or empty. `divided` if it is written as a fraction."""

    value: Fraction
    unit: str
    divided: bool = False


def read_number(answer: str) -> Number | None:
    """The one number that `answer` is; None if it is anything else, such as a sum, two numbers or a sentence."""
    text = plain(answer)
    if marked := MARKED.match(text):
        text = (marked[1] or marked[2] or marked[4]).strip() + text[marked.end() :]
    text = REASON.sub("", _without_latex(text))
    if len(text) > LONGEST:
        return None
    if re.fullmatch(r"\([^()]*\)", text):
        text = text[1:-1].strip()
    if (equation := _last_side(text)) is not None:
        text = equation
    text = LEADING.sub("", text, count=1) if LEADING.match(text) else text
    sign, text = _sign(text)
    currency, text = _currency(text)
    if currency and not sign:
        sign, text = _sign(text)
    match = NUMBER.match(text)
    if match is None or (value := _value(match)) is None:
        return None
    rest = text[match.end() :].strip()
    what_for = FOR_WHAT.match(rest) if currency else None
    unit = _unit(rest[what_for.end() :] if what_for else rest)
    if unit is not None and what_for:
        unit = ""
    if unit is None or (currency and unit not in ("", currency) and unit.split(" ")[0] not in SCALES):
        return None
    value *= -1 if sign == "-" else 1
    words = unit.split(" ")
    if words[0] in SCALES:
        value, unit = value * SCALES[words[0]], " ".join(words[1:])
    divided = match["decimal"] is None
    return Number(value, currency or CURRENCIES.get(unit, unit), divided)


def same_number(expected: Number, answer: Number) -> bool:
    """Whether both are the same number of the same unit, where both have one; 50% is 50, and a half."""
    if expected.unit != answer.unit and expected.unit and answer.unit:
        return False
    if expected.value == answer.value:
        return True
    if (expected.unit == "%") == (answer.unit == "%"):
        return False
    percent, other = (expected, answer) if expected.unit == "%" else (answer, expected)
    return not other.unit and percent.value / 100 == other.value


def _without_latex(text: str) -> str:
    """Numbers and units of LaTeX as plain text."""
    for sign, fraction in FRACTIONS.items():
        text = re.sub(rf"(?<=\d)\s*{sign}", f" {fraction}", text).replace(sign, fraction)
    text = re.sub(r"10([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda match: f"10^{match[1].translate(POWERS)}", text)
    if "\\" not in text and "{" not in text:
        return text
    text = re.sub(r"\\[dtc]?frac\s*(?:\{\s*(-?[\d.,]+)\s*\}|(\d))\s*(?:\{\s*([\d.,]+)\s*\}|(\d))", _fraction, text)
    text = text.replace("{,}", ",").replace("\\%", "%").replace("\\$", "$").replace("\\!", "")
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?|\\degree", "°", text)
    text = re.sub(r"(?<=\d)\\[,;:](?=\d{3}(?!\d))", ",", text)
    text = re.sub(r"\\[,;: ]|~|\\q?quad\b", " ", text)
    text = re.sub(r"\\(?:text|mathrm|textrm|mbox|operatorname)\s*\{([^{}]*)\}", r" \1", text)
    return " ".join(text.split())


def _fraction(match: re.Match[str]) -> str:
    return f" {match[1] or match[2]}/{match[3] or match[4]}"


def _last_side(text: str) -> str | None:
    """What stands after the last sign of an equation that says one thing."""
    place = max(text.rfind("="), text.rfind("≈"))
    if place <= 0:
        return None
    before = text[:place].lower()
    several = re.search(r"[<>≠,;!]|\b(?:or|and|not)\b", before) or before.endswith(("<", ">", "!"))
    return None if several else text[place + 1 :].strip()


def _sign(text: str) -> tuple[str, str]:
    match = re.match(r"([+-]|(?:minus|negative)\b)\s*", text, re.IGNORECASE)
    if match is None:
        return "", text
    return "+" if match[1] == "+" else "-", text[match.end() :]


def _currency(text: str) -> tuple[str, str]:
    match = CURRENCY.match(text)
    return (CURRENCIES[match[1].lower().rstrip(".")], text[match.end() :]) if match else ("", text)


def _value(match: re.Match[str]) -> Fraction | None:
    if match["whole"] is not None:
        bottom = int(match["bottom"])
        return int(match["whole"]) + Fraction(int(match["top"]), bottom) if bottom else None
    if match["numerator"] is not None:
        below = _decimal(match["denominator"]) * (-1 if match["sign"] else 1)
        return _decimal(match["numerator"]) / below if below else None
    power = int(match["exponent"] or 0)
    return _decimal(match["decimal"]) * Fraction(10) ** power if abs(power) <= HIGHEST_POWER else None


def _decimal(text: str) -> Fraction:
    """The value of digits with marks between thousands, and a point or a comma before decimals."""
    text = re.sub(r"[ '_]", "", text)
    if "," in text and "." in text and text.rfind(",") > text.rfind(".") or text.count(".") > 1:
        text = text.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"\d+,\d{1,2}", text):
        text = text.replace(",", ".")
    return Fraction(text.replace(",", "").rstrip(".") or "0")


def _unit(text: str) -> str | None:
    """The unit that `text`, which follows a number, is; None if it is more than a unit."""
    if (note := NOTE.search(text)) and note.end() == len(text):
        if set(note[1].lower().split()) & NO_UNIT:
            return None
        text = text[: note.start()]
    text = text.strip().rstrip(".")
    if text.lower() in PERCENT or text == "°":
        return "%" if text != "°" else "degree"
    if not text:
        return ""
    words = text.split()
    if not UNIT.fullmatch(text) or len(words) > MOST_WORDS or text[0] in "-*/^.'":
        return None
    if set(text.lower().replace("-", " ").split()) & NO_UNIT:
        return None
    letters = [word for word in words if len(word) == 1 and word.isalpha() and (word != "a" or word is words[0])]
    if not UNIT_LETTERS.issuperset(letters):
        return None
    return " ".join(_singular(word) for word in text.lower().translate({ord("²"): "^2", ord("³"): "^3"}).split())


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
