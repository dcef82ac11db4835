"""`rugs-assets report`: what a folder of captures holds, as a page to read and keep."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from rugs_assets.lake.capture_report import capture_report
from rugs_assets.lake.landing import Landing, UnreadableCapture
from rugs_assets.settings import Settings, SettingsError


def report(
    captures: Annotated[
        list[Path], typer.Argument(help="Folders of captures; each gets a part of its own.")
    ],
    out: Annotated[Path | None, typer.Option(help="File to write; default: print it.")] = None,
) -> None:
    """Games, rows, gaps, verdicts, rejected input and observed features of captures."""
    parts = ["# What the captures hold", "Made by `rugs-assets report`."]
    try:
        zones = Settings.from_environment().zones
    except SettingsError as error:
        raise typer.BadParameter(str(error)) from None
    for folder in captures:
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder} is no folder")
        with TemporaryDirectory() as cache:
            # Nothing is stored, so any key does: no pseudonym leaves the report.
            inventory = Landing(folder, cache, b"report", zones=zones).refresh()
            try:
                parts += [f"## {folder.name}", capture_report(inventory).replace("## ", "### ")]
            except UnreadableCapture as error:
                typer.echo(str(error), err=True)
                raise typer.Exit(1) from None
    text = "\n\n".join(parts).rstrip() + "\n"
    if out is None:
        typer.echo(text)
    else:
        out.write_text(text, encoding="utf-8")
