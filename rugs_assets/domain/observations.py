"""Frames to rows of 36 features.

In: the rows of `raw_ws_events` of one date, and its `episodes`. Out: `observations`, one row a
frame that makes a row (design.md 2), the rows of a game together and in order.
Grain: one frame. Invariants: all values are finite float32, in the declared order; a row depends
only on what had arrived by then; of a game only the rows of its chosen session. The two drivers of
the one rule stand in ``observation_builder`` and ``observation_pass``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.columns import required
from rugs_assets.domain.event_columns import EVENT_COLUMNS
from rugs_assets.domain.features import FEATURE_NAMES, FEATURES
from rugs_assets.domain.observation_builder import ObservationBuilder
from rugs_assets.domain.observation_pass import ObservationPass, Rows
from rugs_assets.domain.session_blocks import session_blocks
from rugs_assets.domain.violations import Violations, violations

__all__ = [
    "EVENT_COLUMNS",
    "OBSERVATIONS",
    "ObservationBuilder",
    "ObservationPass",
    "observations_of",
]

OBSERVATIONS = pa.schema(
    [
        required("episode_id", pa.string()),
        required("session_id", pa.string()),
        required("frame", pa.int32()),
        required("received_at", pa.timestamp("us", "UTC")),
        required("observed", pa.int64()),
        *(required(name, pa.float32()) for name in FEATURE_NAMES),
    ]
)
"""The schema of `observations`: one row a frame that makes a row (design.md 2)."""


_BATCH_ROWS = 16_384


@dataclass(slots=True)
class _OpenGame:
    """Rows of a game that has not ended yet."""

    frame: list[NDArray[np.int32]] = field(default_factory=list)
    received_us: list[NDArray[np.int64]] = field(default_factory=list)
    observed: list[NDArray[np.int64]] = field(default_factory=list)
    values: list[NDArray[np.float32]] = field(default_factory=list)


@dataclass(slots=True)
class _EndedGames:
    """Rows of games that have ended, until they are enough for a batch: calls cost by the batch."""

    names: list[tuple[str, str]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    rows: _OpenGame = field(default_factory=_OpenGame)

    def add(self, episode_id: str, session_id: str, game: _OpenGame) -> None:
        """Take the rows of a game."""
        self.names.append((episode_id, session_id))
        self.counts.append(sum(map(len, game.frame)))
        self.rows.frame += game.frame
        self.rows.received_us += game.received_us
        self.rows.observed += game.observed
        self.rows.values += game.values

    @property
    def is_enough(self) -> bool:
        """Whether there are rows for a batch."""
        return sum(self.counts) >= _BATCH_ROWS

    def batch(self) -> Iterator[pa.RecordBatch]:
        """All that was taken; nothing where there is nothing."""
        if not self.counts:
            return
        game = np.repeat(np.arange(len(self.counts)), self.counts)
        columns = np.concatenate([values.T for values in self.rows.values], axis=1)
        episodes, sessions = zip(*self.names, strict=True)
        arrays = [
            pa.array(episodes, pa.string()).take(game),
            pa.array(sessions, pa.string()).take(game),
            pa.array(np.concatenate(self.rows.frame)),
            pa.array(np.concatenate(self.rows.received_us), pa.timestamp("us", "UTC")),
            pa.array(np.concatenate(self.rows.observed)),
            *(pa.array(column) for column in columns),
        ]
        self.names, self.counts, self.rows = [], [], _OpenGame()
        yield pa.RecordBatch.from_arrays(arrays, schema=OBSERVATIONS)


def observations_of(
    events: Iterable[pa.RecordBatch], episodes: pa.Table
) -> Iterator[pa.RecordBatch]:
    """The rows of one date.

    Args:
        events: the rows of `raw_ws_events` of the date, in their order, at least `EVENT_COLUMNS`.
        episodes: the date's `episodes`: which session's view of a game is taken.

    Yields:
        Batches of whole games, in the schema `OBSERVATIONS`: session by session, a game when it
        rugs, at the end of the session those that never did.
    """
    chosen = dict(
        zip(episodes["episode_id"].to_pylist(), episodes["session_id"].to_pylist(), strict=True)
    )
    walk, walking, open_games = ObservationPass(), "", dict[str, _OpenGame]()
    ended = _EndedGames()
    for session_id, block in session_blocks(events):
        if session_id != walking:
            _close(open_games, list(open_games), walking, ended)
            walk, walking = ObservationPass(), session_id
        rows = walk.push(block)
        _keep(rows, block, {g for g in rows.games if chosen.get(g) == session_id}, open_games)
        _close(open_games, rows.ended, session_id, ended)
        if ended.is_enough:
            yield from ended.batch()
    _close(open_games, list(open_games), walking, ended)
    yield from ended.batch()


def _keep(
    rows: Rows, block: pa.RecordBatch, chosen: set[str], open_games: dict[str, _OpenGame]
) -> None:
    received = block["received_at"].cast(pa.int64()).to_numpy()
    edges = np.searchsorted(rows.game, np.arange(len(rows.games) + 1))
    for code, game in enumerate(rows.games):
        start, end = int(edges[code]), int(edges[code + 1])
        if start == end or game not in chosen:
            continue
        kept = open_games.setdefault(game, _OpenGame())
        kept.frame.append(rows.frame[start:end])
        kept.received_us.append(received[rows.at[start:end]])
        kept.observed.append(rows.observed[start:end])
        kept.values.append(rows.values[start:end])


def _close(
    open_games: dict[str, _OpenGame], over: list[str], session_id: str, ended: _EndedGames
) -> None:
    for game in over:
        if game in open_games:
            ended.add(game, session_id, open_games.pop(game))


def violations_of_feature_schema(schema: pa.Schema) -> Violations:
    """Exactly the 36 features, in the declared order, as float32 that is never null."""
    found = [column for column in schema if column.name in FEATURE_NAMES]
    declared = [OBSERVATIONS.field(name) for name in FEATURE_NAMES]
    problems = [
        {"position": at, "expected": str(expected), "found": str(is_there)}
        for at, expected in enumerate(declared)
        if (is_there := found[at] if at < len(found) else None) is None
        or is_there.name != expected.name
        or is_there.type != expected.type
    ]
    return violations("36 features in the declared order and type", problems)


def violations_of_finiteness(rows: Iterable[pa.RecordBatch]) -> Violations:
    """No NaN and no infinity in any feature."""
    found = _offenders(rows, FEATURE_NAMES, lambda values, _: ~np.isfinite(values))
    return violations("every feature is finite", found)


def violations_of_ranges(rows: Iterable[pa.RecordBatch]) -> Violations:
    """Every feature lies in its declared range."""
    ranges = {f.name: f for f in FEATURES}

    def outside(values: NDArray[np.float32], name: str) -> NDArray[np.bool_]:
        feature = ranges[name]
        wrong = np.zeros(len(values), bool)
        if feature.low is not None:
            wrong |= values <= feature.low if feature.low_is_open else values < feature.low
        if feature.high is not None:
            wrong |= values > feature.high
        return wrong

    found = _offenders(rows, FEATURE_NAMES, outside)
    return violations("every feature lies in its declared range", found)


def _offenders(rows: Iterable[pa.RecordBatch], names: Iterable[str], wrong: Any) -> Iterator[Any]:
    names = tuple(names)
    for batch in rows:
        for name in names:
            values = batch[name].to_numpy(zero_copy_only=False)
            for at in np.flatnonzero(wrong(values, name)).tolist():
                yield {
                    "episode_id": batch["episode_id"][at].as_py(),
                    "frame": batch["frame"][at].as_py(),
                    "feature": name,
                    "found": float(values[at]),
                }
