"""`rugs-assets table`: the past of a table, and going back to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from rugs_assets.lake import history
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.tables import Lake
from rugs_assets.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Every table can be read at any version or time.")
Name = Annotated[str, typer.Argument(help="Name of the table, such as training_shards.")]
At = Annotated[str, typer.Argument(help="A version, a time such as 2025-12-16T08:00, or latest.")]
Store = Annotated[str | None, typer.Option(help="Folder or URL of the store; default: RUGS_STORE.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_DAY = ["%Y-%m-%d"]


@app.command()
def log(
    name: Name,
    limit: Annotated[int | None, typer.Option(min=1, help="Newest versions only.")] = 20,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of a table, newest first."""
    with _told():
        entries = _lake(store).versions(_spec(name), limit)
    columns = ("version", "at", "operation", "date", "rows", "run", "content")
    _print(
        columns,
        [
            (
                entry.version,
                entry.at.strftime("%Y-%m-%d %H:%M:%S"),
                entry.operation,
                entry.day,
                entry.rows,
                entry.run_id,
                entry.content_digest,
            )
            for entry in entries
        ],
        as_json=as_json,
    )


@app.command()
def show(name: Name, version: At = "latest", store: Store = None, as_json: AsJson = False) -> None:
    """Show what a version holds, date by date."""
    with _told():
        found = history.shown(_lake(store), _spec(name), _version(version))
    columns = ("date", "rows", "files", "bytes", "schema", "code", "content")
    _print(
        columns,
        [
            (
                each.day,
                each.rows,
                len(each.files),
                each.bytes,
                each.schema_version,
                each.code_version,
                each.content_digest,
            )
            for each in found
        ],
        as_json=as_json,
    )


@app.command()
def diff(
    name: Name, before: At, after: At = "latest", store: Store = None, as_json: AsJson = False
) -> None:
    """Say which dates two versions hold differently."""
    with _told():
        found = history.changes(_lake(store), _spec(name), _version(before), _version(after))
    _print_changes(found, as_json=as_json)


@app.command()
def restore(
    name: Name,
    version: At,
    day: Annotated[list[datetime], typer.Option("--date", formats=_DAY, help="A date; repeat it.")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Make dates again what they were at a version: one new commit a date.

    The tables made from it are then stale, and say so, until they are computed again.
    """
    with _told():
        there = _version(version)
        if there is None:
            raise typer.BadParameter("name the version or time to go back to")
        days = [each.date() for each in day]
        found = history.restore(_lake(store), _spec(name), there, days, run_id="table restore")
    _print_changes(found, as_json=as_json)


@contextmanager
def _told() -> Iterator[None]:
    """What the lake refuses is said in words, with exit status 2."""
    try:
        yield
    except LakeError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error


def _lake(store: str | None) -> Lake:
    place = store if store is not None else Settings.from_environment().store
    return Lake(place if "://" in place else Path(place))


def _spec(name: str) -> TableSpec:
    for spec in TABLES:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in TABLES)
    raise typer.BadParameter(f"there is no table {name!r}; there are {known}")


def _version(text: str) -> int | datetime | None:
    if text == "latest":
        return None
    if text.isdigit():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no version, no time and not 'latest'") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _print_changes(found: list[history.DateChange], *, as_json: bool) -> None:
    rows = [
        (change.day, *change.rows, "provenance" if change.same_rows else "rows") for change in found
    ]
    _print(("date", "rows before", "rows after", "differs in"), rows, as_json=as_json)


def _print(columns: tuple[str, ...], rows: list[tuple[Any, ...]], *, as_json: bool) -> None:
    if as_json:
        found = [dict(zip(columns, row, strict=True)) for row in rows]
        typer.echo(json.dumps(found, indent=1, default=str))
        return
    table = Table(*columns, box=None)
    for row in rows:
        table.add_row(*("" if cell is None else str(cell)[:19] for cell in row))
    Console().print(table)
