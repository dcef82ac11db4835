"""`rugs-assets plot`: a date of the store as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from rugs_assets.domain import plots
from rugs_assets.lake import catalog
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.tables import Lake
from rugs_assets.settings import Settings


class Shown(StrEnum):
    """What a picture shows."""

    GAME = "game"
    FEATURES = "features"


def plot(
    date: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="Capture date (UTC).")],
    game: Annotated[
        str | None, typer.Option(help="Its gameId; default: the one with most actions.")
    ] = None,
    show: Annotated[
        Shown, typer.Option(help="A game, or histograms of the date's features and actions.")
    ] = Shown.GAME,
    out: Annotated[
        Path | None, typer.Option(help="File to write; default: named after what is shown.")
    ] = None,
) -> None:
    """Draw a game with its presses and rewards, or histograms of features and actions."""
    lake, day = Lake(Settings.from_environment().store), date.date()
    tables = {table.name: table for table in catalog.TABLES}

    def read(name: str, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return lake.read(tables[name], day, columns=columns).batches()

    try:
        if show is Shown.FEATURES:
            rows = lake.read(catalog.OBSERVATIONS, day).count()
            picture = plots.picture_of_values(read, rows)
        else:
            picture = plots.picture_of_game(read, game)
    except (LakeError, plots.NothingToDraw) as error:
        raise typer.BadParameter(f"{day}: {error}") from error
    name = picture.title if show is Shown.GAME else f"{day}-{picture.title}"
    out = out or Path(f"{name}.png")
    try:
        out.write_bytes(picture.png)
    except OSError as error:
        raise typer.BadParameter(f"--out: {error}") from error
    typer.echo(f"{out} ({len(picture.png) / 1000:.0f} kB)")
