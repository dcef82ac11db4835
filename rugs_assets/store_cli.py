"""What the commands about a store share: its option, opening it, refusals in words, tables.

Belongs here: how a command looks from outside. Goes elsewhere: what it does (`release_cli`,
`table_cli`, the lake).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.tables import Lake
from rugs_assets.settings import Settings, SettingsError

Store = Annotated[str | None, typer.Option(help="Folder or URL of the store; default: RUGS_STORE.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DAY = ["%Y-%m-%d"]
"""How a date is typed."""

_WIDE = 200  # columns where no terminal says how many there are: a line a row, for grep and less


@contextmanager
def told() -> Iterator[None]:
    """What the lake refuses is said in words, with exit status 2."""
    try:
        yield
    except (LakeError, SettingsError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def place_of(store: str | None) -> str:
    """The store that was asked for, or that of the environment."""
    return store if store is not None else Settings.from_environment().store


def opened(store: str | None) -> Lake:
    """The lake in that store.

    Raises:
        LakeError: the place cannot be used.
    """
    place = place_of(store)
    return Lake(place if "://" in place else Path(place))


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, as_json: bool) -> None:
    """Print rows as a table, one a line, or all of them as JSON."""
    if as_json:
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        typer.echo(json.dumps(found, indent=1, default=str))
        return
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = max(_WIDE, console.width)
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True)
    for row in rows:
        table.add_row(*map(_cell, row))
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return "" if value is None else str(value)
    return f"{value:,}"
