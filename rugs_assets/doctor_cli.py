"""`rugs-assets doctor`: what is wrong around the graph, and the command that cures it."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

_STYLES = {"ok": "green", "warn": "yellow", "error": "red"}


def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Read every stored byte as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look at environment, captures, store and Dagster; the exit status is 1 on an error.

    Nothing is changed. Each finding says what is wrong and the command that cures it.
    """
    # Dagster takes a second to import, which no other command should wait for.
    from rugs_assets.orchestration.doctor import findings

    logging.disable(logging.WARNING)  # what libraries warn of stands in the findings
    try:
        found = findings(deep=deep)
    finally:
        logging.disable(logging.NOTSET)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found], indent=1))
    else:
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for finding in found:
            told = Text(finding.told)
            if finding.cure:
                told.append(f"\n-> {finding.cure}", style="bold")
            table.add_row(Text(finding.level, style=_STYLES[finding.level]), finding.name, told)
        Console(highlight=False).print(table)
    if any(finding.level == "error" for finding in found):
        raise typer.Exit(1)
