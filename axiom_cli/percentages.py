"""Three percentages in one text, `50/40/10`: how options divide a whole into three."""

from __future__ import annotations

from axiom_cli.errors import UsageError


def parse_percentages(option: str, text: str, example: str, meaning: str) -> tuple[float, float, float]:
    """`50/40/10` as three shares that add up to 1. Percentages that were rounded (`33.3/33.3/33.3`) are scaled to it.

    Raises UsageError, which names the `option`, gives an `example` and says the `meaning`, for anything but three
    numbers of at least 0 that add up to 100 to the nearest whole number: a slip of the pen is no recipe for a run.
    """
    try:
        numbers = [float(part) for part in text.split("/")]
    except ValueError:
        numbers = []
    if len(numbers) != 3 or not all(0 <= number < float("inf") for number in numbers):
        raise UsageError(f"{option} {text}: {option} needs three shares, like {example}", meaning)
    total = sum(numbers)
    if not total < 1e6 or round(total) != 100:
        raise UsageError(f"{option} {text} adds up to {total:g}, not to 100, as {example} does", meaning)
    first, second, third = (number / total for number in numbers)
    return first, second, third
