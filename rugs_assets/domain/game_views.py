"""Views: a game as one session saw it.

In: the frames of a session and what became of each. Out: per game the counts, ticks and prices that
``episodes`` makes its row of. Nothing is decided here: which view is taken, and whether the game is
kept, stands in ``episodes``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.columns import coded
from rugs_assets.domain.features import Phase
from rugs_assets.domain.frames import FrameKind
from rugs_assets.domain.observation_pass import Frames


@dataclass(slots=True)
class GameView:
    """A game as one session saw it."""

    episode_id: str
    session_id: str
    first_us: int
    last_us: int = 0
    kinds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(5, np.int64))
    prices: list[tuple[NDArray[np.int32], NDArray[np.float64]]] = field(default_factory=list)
    live_ticks: list[NDArray[np.int32]] = field(default_factory=list)
    live_peak: float | None = None
    terminal_tick: int | None = None
    rug_price: float | None = None
    versions: set[str] = field(default_factory=set)
    hashes: set[str] = field(default_factory=set)

    @property
    def distinct_ticks(self) -> NDArray[np.int32]:
        """Ticks of the game proper (ACTIVE, and the rug) that arrived in any frame, sorted."""
        if not self.live_ticks:
            return np.zeros(0, np.int32)
        return np.unique(np.concatenate(self.live_ticks))

    def rank(self) -> tuple[int, bool, int, str]:
        """Best first: most distinct ticks, then saw the rug, then earlier (design.md 3)."""
        saw_rug = self.terminal_tick is not None
        return -len(self.distinct_ticks), not saw_rug, self.first_us, self.session_id


def note_frames(
    rows: Frames, session_id: str, views: dict[str, list[GameView]]
) -> Iterator[GameView]:
    """Add a block's frames to the views of their games; yields the views that are new."""
    events, received = rows.events, rows.events.received_us
    columns = _Columns(events.block)
    for code, game in enumerate(events.games):
        at = np.flatnonzero(rows.is_frame & (events.code == code))
        if not len(at):
            continue
        view = next((v for v in views.get(game, []) if v.session_id == session_id), None)
        if view is None:
            view = GameView(game, session_id, int(received[at[0]]))
            yield view
        view.last_us = int(received[at[-1]])
        _add_frames(view, rows, columns, at)


class _Columns:
    """The columns of a block that a view needs."""

    def __init__(self, block: pa.RecordBatch) -> None:
        self.tick = block["tick"].fill_null(-1).to_numpy().astype(np.int64)
        self.price = block["price"].to_numpy(zero_copy_only=False)
        self.versions = coded(block["game_version"])
        self.hashes = coded(block["server_seed_hash"])


def _texts_at(column: tuple[list[str], NDArray[np.int64]], at: NDArray[np.int64]) -> set[str]:
    texts, codes = column
    return {texts[code] for code in np.unique(codes[at]).tolist() if code >= 0}


def _add_frames(view: GameView, rows: Frames, columns: _Columns, at: NDArray[np.int64]) -> None:
    kinds = rows.kinds[at]
    view.kinds += np.bincount(kinds, minlength=5)
    view.versions |= _texts_at(columns.versions, at)
    view.hashes |= _texts_at(columns.hashes, at)
    counts = kinds != FrameKind.POST_RUG
    sent = counts & (columns.tick[at] >= 0) & ~np.isnan(columns.price[at])
    phase = rows.phases[at]
    live = counts & (columns.tick[at] >= 0) & (phase >= Phase.ACTIVE)
    view.live_ticks.append(np.unique(columns.tick[at][live]).astype(np.int32))
    rugs = np.flatnonzero((kinds == FrameKind.ROW) & (phase == Phase.RUGGED))
    if len(rugs):
        rug = at[rugs[0]]
        view.terminal_tick = int(rows.ticks[rug])
        price = columns.price[rug]
        view.rug_price = None if np.isnan(price) else float(price)
    view.prices.append((columns.tick[at][sent].astype(np.int32), columns.price[at][sent]))
    peaks = columns.price[at][sent & live]
    if len(peaks):
        view.live_peak = max(float(peaks.max()), view.live_peak or 0.0)
