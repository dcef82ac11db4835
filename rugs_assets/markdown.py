"""Markdown of the pages that are made from the code: a page, a table, one line of text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MADE = "Made from the code by `rugs-assets reference`; change the code, not this page."


def page(title: str, about: str, body: str) -> str:
    """A whole page, which says where it comes from."""
    return f"# {title}\n\n{_MADE}\n\n{about}\n\n{body}\n"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; a cell is shown as its text."""
    lines = ["| " + " | ".join(header) + " |", "|" + " --- |" * len(header)]
    return "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in rows)])


def one_line(text: str | None) -> str:
    """A text that was wrapped, on one line."""
    return " ".join((text or "").split())


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")
