"""Reads small texts into dictionaries of words, with the `csv` module for quoted rows, and strikes rows out."""

from __future__ import annotations

import csv
import re


def _rows(text: str) -> tuple[list[dict[str, str]], str]:
    """The entries, and the name of the field that comes first."""
    if text.startswith("CSV"):
        body = text.partition("is one quote: ")[2].split(" | ")
        return list(csv.DictReader(body)), body[0].partition(",")[0]
    body = text.partition(": ")[2].split("; ")
    if text.startswith("Records"):
        return [dict(field.split("=") for field in row.split()) for row in body], "name"
    fields = re.search(r"of ([\w, ]+):", text).group(1).split(", ")  # type: ignore[union-attr]
    return [dict(zip(fields, row.split(), strict=True)) for row in body], "time"


def _met(row: dict[str, str], condition: str) -> bool:
    field, relation, value = re.fullmatch(r"(\w+) (is at least|is below|is) (\S+)", condition).groups()  # type: ignore[union-attr]
    if relation == "is":
        return row[field] == value
    return (int(row[field]) in range(int(value))) != (relation == "is at least")


def answer(prompt: str) -> str:
    """The requested field of the rows that meet the conditions."""
    text, question = prompt.rsplit(". Give every ", 1)
    conditions_text = re.search(r"where (.+), in order", question).group(1)  # type: ignore[union-attr]
    rows, key = _rows(text)
    if " and " in conditions_text:
        for condition in conditions_text.split(" and "):
            rows = [row for row in rows if _met(row, condition)]
    else:
        rows = [row for row in rows if any(_met(row, condition) for condition in conditions_text.split(" or "))]
    return "; ".join(row[key] for row in rows)
