"""Pictures of a date for the UI: metadata of a materialization that shows instead of telling.

What is drawn stands in the domain. Where there is nothing to draw, or too much to keep, the
metadata says so.
"""

import base64
from collections.abc import Callable

import dagster as dg

from rugs_assets.domain import plots
from rugs_assets.lake import catalog
from rugs_assets.orchestration.day import Day

LARGEST_PNG = 200_000
"""The event log keeps every picture for ever, so a bigger one is left out."""

_TABLES = {table.name: table for table in catalog.TABLES}


def of_observations(day: Day) -> dict[str, dg.MarkdownMetadataValue]:
    """The date's longest game with a player: price, public trades, position."""
    read = _reader(day)
    return {"game": _shown(lambda: plots.picture_of_game(read, sampled=False))}


def of_shards(day: Day) -> dict[str, dg.MarkdownMetadataValue]:
    """The game with most actions, with its rewards; and what features and actions look like."""
    read, rows = _reader(day), day.stored(catalog.OBSERVATIONS).rows
    return {
        "game": _shown(lambda: plots.picture_of_game(read, traded=False)),
        "features_and_actions": _shown(lambda: plots.picture_of_values(read, rows)),
    }


def _reader(day: Day) -> plots.Read:
    return lambda name, columns: day.batches(_TABLES[name], columns)


def _shown(draw: Callable[[], plots.Picture]) -> dg.MarkdownMetadataValue:
    """A picture inside Markdown, which the UI shows."""
    try:
        picture = draw()
    except plots.NothingToDraw as reason:
        return dg.MetadataValue.md(f"No picture: {reason}.")
    if len(picture.png) > LARGEST_PNG:
        return dg.MetadataValue.md(f"No picture: {len(picture.png):,} bytes are too many.")
    text = base64.b64encode(picture.png).decode("ascii")
    return dg.MetadataValue.md(f"![{picture.title}](data:image/png;base64,{text})")
