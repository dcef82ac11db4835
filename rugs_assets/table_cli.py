"""`rugs-assets table`: the past of a table, and going back to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from rugs_assets.lake import history
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.specs import TableSpec
from rugs_assets.store_cli import DAY, AsJson, Store, opened, show_rows, told

app = typer.Typer(no_args_is_help=True, help="Every table can be read at any version or time.")
Name = Annotated[str, typer.Argument(help="Name of the table, such as training_shards.")]
At = Annotated[str, typer.Argument(help="A version, a time such as 2025-12-16T08:00, or latest.")]
_DIGITS = 12  # of a digest or a run: enough to tell two apart; --json has them whole


@app.command()
def log(
    name: Name,
    limit: Annotated[int | None, typer.Option(min=1, help="Newest versions only.")] = 20,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """List the versions of a table, newest first."""
    with told():
        entries = opened(store).versions(_spec(name), limit)
    rows = [
        (
            str(entry.version),
            entry.at.strftime("%Y-%m-%d %H:%M:%S"),
            entry.operation,
            entry.day,
            entry.rows,
            entry.code_version,
            entry.run_id,
            entry.content_digest,
        )
        for entry in entries
    ]
    columns = ("version", "at (UTC)", "operation", "date", "rows", "code", "run", "content")
    _show(columns, rows, as_json=as_json)


@app.command()
def show(name: Name, version: At = "latest", store: Store = None, as_json: AsJson = False) -> None:
    """Show what a version holds, date by date."""
    with told():
        found = history.shown(opened(store), _spec(name), _version(version))
    rows = [
        (
            each.day,
            each.rows,
            len(each.files),
            each.bytes,
            each.schema_version,
            each.code_version,
            each.content_digest,
            each.config,
        )
        for each in found
    ]
    columns = ("date", "rows", "files", "bytes", "schema", "code", "content", "settings")
    _show(columns, rows, as_json=as_json)


@app.command()
def diff(
    name: Name, before: At, after: At = "latest", store: Store = None, as_json: AsJson = False
) -> None:
    """Say which dates two versions hold differently."""
    with told():
        found = history.changes(opened(store), _spec(name), _version(before), _version(after))
    _show_changes(found, as_json=as_json)


@app.command()
def restore(
    name: Name,
    version: At,
    day: Annotated[list[datetime], typer.Option("--date", formats=DAY, help="A date; repeat it.")],
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Make dates again what they were at a version: one new commit a date.

    The tables made from it are then stale, and say so, until they are computed again.
    """
    with told():
        there = _version(version)
        if there is None:
            raise typer.BadParameter("name the version or time to go back to")
        days = [each.date() for each in day]
        found = history.restore(opened(store), _spec(name), there, days, run_id="table restore")
    _show_changes(found, as_json=as_json)


def _spec(name: str) -> TableSpec:
    for spec in TABLES:
        if spec.name == name:
            return spec
    known = ", ".join(spec.name for spec in TABLES)
    raise typer.BadParameter(f"there is no table {name!r}; there are {known}")


def _version(text: str) -> int | datetime | None:
    if text == "latest":
        return None
    if text.isdecimal():
        return int(text)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no version, no time and not 'latest'") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _show_changes(found: Sequence[history.DateChange], *, as_json: bool) -> None:
    if not found and not as_json:
        typer.echo("no date differs")
        return
    rows = [(change.day, *change.rows, ", ".join(change.differs_in)) for change in found]
    _show(("date", "rows before", "rows after", "differs in"), rows, as_json=as_json)


def _show(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, as_json: bool) -> None:
    if not as_json:
        long = [at for at, name in enumerate(columns) if name in ("run", "content")]
        rows = [
            [cell[:_DIGITS] if at in long and cell else cell for at, cell in enumerate(row)]
            for row in rows
        ]
    show_rows(columns, rows, as_json=as_json)
