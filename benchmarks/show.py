"""The table that `make bench` ends with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.loader_targets import Target
from benchmarks.rows import columns_of


def table(result: dict[str, Any], console: Console) -> None:
    """Print all rows of a run, group by group."""
    shown = Table("part", box=None, pad_edge=False, title_justify="left")
    for column in columns_of({}):
        shown.add_column(column, justify="right")
    group = None
    for row in result["rows"]:
        if row["group"] != group:
            group = row["group"]
            shown.add_row(f"[bold]{group}[/bold]")
        shown.add_row(row["name"], *columns_of(row).values())
    console.print(shown)
    console.print(
        f"Dagster and all checks add {result['dagster_seconds_a_date']} s a date; "
        f"{result['curves_a_second']:,} price curves a second are recomputed from their seeds."
    )


def targets(found: Iterable[Target], console: Console) -> None:
    """Print each target with what was found."""
    shown = Table("what", "target", "found", "", box=None, pad_edge=False)
    for what, goal, value, met in found:
        shown.add_row(what, goal, value, "met" if met else "[bold]missed[/bold]")
    console.print(shown)
