"""The table that `make bench` ends with."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report import columns_of


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
