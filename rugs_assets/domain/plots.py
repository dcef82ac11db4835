"""Pictures of a date: what a person wants to see before believing its numbers.

In: the tables of a date, by name, read on demand. Out: PNG bytes. Belongs here: which game and
which rows are shown. How a game is drawn stands in ``plot_game``, how histograms are in
``plot_histograms``. Memory is that of one game, or of so many rows as are shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.games import games_in
from rugs_assets.domain.plot_game import GAME_COLUMNS, SAMPLE_COLUMNS, TRADE_COLUMNS, draw_game
from rugs_assets.domain.plot_histograms import draw_histograms

SHOWN_ROWS = 50_000
"""So many rows of a date are enough for its histograms."""

Read = Callable[[str, Sequence[str]], Iterable[pa.RecordBatch]]
"""Name of a table, columns -> the rows of the date, in stored order."""


class NothingToDraw(Exception):
    """The date has no game, or not the one that was asked for; the message says which."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture.

    Attributes:
        title: what it shows, short enough for a file's name.
        png: its bytes.
    """

    title: str
    png: bytes


def picture_of_game(
    read: Read, game: str | None = None, *, sampled: bool = True, traded: bool = True
) -> Picture:
    """One game of a date: its price with presses and trades, its position, its rewards.

    Args:
        read: reads the date's tables.
        game: its id; None: the one that shows most.
        sampled: whether `aligned_samples` of the date are there to be read.
        traded: whether the public trades of `raw_ws_events` are shown.

    Raises:
        NothingToDraw: the date has no game, or not this one.
    """
    chosen = game
    if chosen is None:
        actions = read("aligned_samples", SAMPLE_COLUMNS) if sampled else ()
        columns = ["episode_id", "excluded_because", "has_player", "rows"]
        chosen = choose_game(read("episodes", columns), actions)
    observed = None if chosen is None else rows_of(read("observations", GAME_COLUMNS), chosen)
    if chosen is None or observed is None:
        raise NothingToDraw("the date has no game" if game is None else f"it has no game {game}")
    samples = rows_of(read("aligned_samples", SAMPLE_COLUMNS), chosen) if sampled else None
    trades = trades_of(read("raw_ws_events", TRADE_COLUMNS), chosen) if traded else None
    return Picture(chosen, draw_game(observed, samples, trades, sampled=sampled))


def picture_of_values(read: Read, rows: int, *, sampled: bool = True) -> Picture:
    """Histograms of the 36 features of a date, and of its actions.

    Args:
        read: reads the date's tables.
        rows: how many rows `observations` has.
        sampled: whether `aligned_samples` of the date are there to be read.

    Raises:
        NothingToDraw: the date has no rows.
    """
    if not rows:
        raise NothingToDraw("the date has no game")
    observed = thinned(read("observations", FEATURE_NAMES), rows)
    decided = list(read("aligned_samples", SAMPLE_COLUMNS)) if sampled else []
    samples = pa.Table.from_batches(decided) if decided else None  # none where no game was kept
    return Picture("features", draw_histograms(observed, samples))


def choose_game(
    episodes: Iterable[pa.RecordBatch], samples: Iterable[pa.RecordBatch] = ()
) -> str | None:
    """The game of a date that shows most: the one with most actions, else the longest.

    Args:
        episodes: rows of `episodes`.
        samples: rows of `aligned_samples`.

    Returns:
        Its id; None where the date has no game. Kept games, and players', come first.
    """
    actions: Counter[str] = Counter()
    for batch in samples:
        acted = batch.filter(pa.array(batch["action"].to_numpy() != 0))
        actions.update(map(str, acted["episode_id"].to_pylist()))
    games = [game for batch in episodes for game in batch.to_pylist()]
    best = max(
        sorted(games, key=lambda game: str(game["episode_id"])),
        key=lambda game: (
            actions[game["episode_id"]],
            game["excluded_because"] is None,
            game["has_player"],
            game["rows"],
        ),
        default=None,
    )
    return None if best is None else str(best["episode_id"])


def rows_of(batches: Iterable[pa.RecordBatch], episode_id: str) -> pa.Table | None:
    """The rows of one game; None where there are none."""
    found = (game.rows for game in games_in(batches) if game.episode_id == episode_id)
    return next(found, None)


def trades_of(batches: Iterable[pa.RecordBatch], episode_id: str) -> pa.Table:
    """The public trades of one game, out of rows of `raw_ws_events`."""
    found = []
    for batch in batches:
        games = batch["episode_id"].to_numpy(zero_copy_only=False)
        events = batch["event"].to_numpy(zero_copy_only=False)
        mine = np.asarray((games == episode_id) & (events == ev.TRADE), bool)
        found.append(batch.filter(pa.array(mine)).select(list(TRADE_COLUMNS)))
    schema = pa.schema([ev.RAW_WS_EVENTS.field(name) for name in TRADE_COLUMNS])
    return pa.Table.from_batches(found, schema)


def thinned(batches: Iterable[pa.RecordBatch], rows: int, *, shown: int = SHOWN_ROWS) -> pa.Table:
    """Evenly spread rows out of many.

    Args:
        batches: of any size.
        rows: how many there are in all.
        shown: how many are wanted at most.
    """
    step, skip = max(1, -(-rows // shown)), 0
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        kept.append(batch.take(np.arange(skip, batch.num_rows, step, dtype=np.int64)))
        skip = (skip - batch.num_rows) % step
    return pa.Table.from_batches(kept, kept[0].schema if kept else None)
