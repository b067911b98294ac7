"""The pieces that the report page is made of: sections, cards, tiles and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape


def section(title: str, lead: str, body: str) -> str:
    """A titled part of the page. `body` is markup."""
    words = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    return f"<section><h2>{escape(title)}</h2>{words}{body}</section>"


def card(title: str, *body: str) -> str:
    """A framed box. `body` is markup."""
    head = f"<h3>{escape(title)}</h3>" if title else ""
    return f'<div class="card">{head}{"".join(body)}</div>'


def tiles(cells: Sequence[tuple[str, str, str]]) -> str:
    """(what, value, remark) side by side."""
    body = "".join(
        f"<div><dt>{escape(what)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd></div>"
        for what, value, remark in cells
    )
    return f'<dl class="tiles">{body}</dl>'


class Markup(str):
    """A table cell that is escaped already."""


def code(words: str, whole: str = "") -> Markup:
    """Words in a fixed-width face; `whole` is shown on hovering."""
    hover = f' title="{escape(whole)}"' if whole else ""
    return Markup(f"<code{hover}>{escape(words)}</code>")


def numbers(caption: str, columns: Sequence[str], rows: Sequence[Sequence[str]], folded: bool = True) -> str:
    """A table; `folded` puts it behind a plot. Cells are text, save those that are Markup."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    cells = [[cell if isinstance(cell, Markup) else escape(cell) for cell in row] for row in rows]
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in cells)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    table = f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    table = _scroll(caption or "table", table)
    return f"<details><summary>Numbers</summary>{table}</details>" if folded else table


def _scroll(label: str, table: str) -> str:
    """A frame that scrolls sideways on a narrow screen, by keyboard too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(label)}">{table}</div>'


def heat(caption: str, columns: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    """A table of rates, each cell coloured by its rate and holding it in per cent."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{"".join(map(_cell, rates))}</tr>' for label, rates in rows.items()
    )
    top = f'<caption>{escape(caption)}</caption><thead><tr><th scope="col">iteration</th>{head}</tr></thead>'
    return _scroll(caption, f'<table class="heat">{top}<tbody>{body}</tbody></table>')


def _cell(rate: float | None) -> str:
    if rate is None:
        return "<td></td>"
    strong = ' class="strong"' if rate > 0.75 else ""
    return f'<td{strong} style="--v:{rate:.3f}">{100 * rate:.0f}</td>'
