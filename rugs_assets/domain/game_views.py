"""Views: a game as one session saw it.

In: the frames of a session and what became of each. Out: per game the counts, ticks and prices that
``episodes`` makes its row of. Nothing is decided here: which view is taken, and whether the game is
kept, stands in ``episodes``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import add
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.columns import coded
from rugs_assets.domain.features import Phase
from rugs_assets.domain.frames import FrameKind
from rugs_assets.domain.observation_pass import Frames

Tick = TypeVar("Tick", bound=np.integer)


@dataclass(slots=True)
class GameView:
    """A game as one session saw it.

    All views of a date are kept until its last event, so what they hold is packed: few objects, and
    8 bytes a frame, its price.

    Attributes:
        kinds: how many frames there are of each `FrameKind`.
        ticks: of the frames that sent a tick and a price, `packed_ticks`; ``prices`` float64.
        live_ticks: ticks of the game proper, `packed_ticks`.
        versions: of the game, as its frames say; ``hashes`` likewise.
    """

    episode_id: str
    session_id: str
    first_us: int
    last_us: int = 0
    kinds: tuple[int, ...] = (0,) * 5
    ticks: bytes = b""
    prices: bytes = b""
    live_ticks: bytes = b""
    live_peak: float | None = None
    terminal_tick: int | None = None
    rug_price: float | None = None
    versions: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()

    @property
    def distinct_ticks(self) -> NDArray[np.int32]:
        """Ticks of the game proper (ACTIVE, and the rug) that arrived in any frame, sorted."""
        return _distinct(unpacked_ticks(self.live_ticks))

    def curve(self) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """(ticks, prices) of every frame that sent both, in order of arrival."""
        return unpacked_ticks(self.ticks), np.frombuffer(self.prices, np.float64)

    def rank(self) -> tuple[int, bool, int, str]:
        """Best first: most distinct ticks, then saw the rug, then earlier (design.md 3)."""
        saw_rug = self.terminal_tick is not None
        return -len(self.distinct_ticks), not saw_rug, self.first_us, self.session_id


def packed_ticks(ticks: NDArray[np.int64]) -> bytes:
    """Ticks as runs: for each its first tick and its length, int32. They mostly follow on.

    What is packed of two arrays, joined, is that of both, one after the other.
    """
    if not len(ticks):
        return b""
    cuts = np.flatnonzero(ticks[1:] != ticks[:-1] + 1) + 1
    edges = np.array([0, *cuts.tolist(), len(ticks)])
    return np.array([ticks[edges[:-1]], edges[1:] - edges[:-1]], np.int32).T.tobytes()


def _distinct(ticks: NDArray[Tick]) -> NDArray[Tick]:
    """The ticks, ascending, each once: as they mostly come."""
    return ticks if (ticks[1:] > ticks[:-1]).all() else np.unique(ticks)


def unpacked_ticks(packed: bytes) -> NDArray[np.int32]:
    """The ticks of `packed_ticks`."""
    firsts, lengths = np.frombuffer(packed, np.int32).reshape(-1, 2).T
    if len(firsts) == 1:
        return firsts + np.arange(lengths[0], dtype=np.int32)
    before = np.cumsum(lengths) - lengths
    within = np.arange(lengths.sum()) - np.repeat(before, lengths)
    return np.asarray(np.repeat(firsts, lengths) + within, np.int32)


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
    counts = np.bincount(codes[at] + 1, minlength=len(texts) + 1)[1:]
    return {text for text, count in zip(texts, counts.tolist(), strict=True) if count}


def _joined(known: tuple[str, ...], found: set[str]) -> tuple[str, ...]:
    return known if found.issubset(known) else tuple(sorted(found.union(known)))


def _add_frames(view: GameView, rows: Frames, columns: _Columns, at: NDArray[np.int64]) -> None:
    kinds = rows.kinds[at]
    view.kinds = tuple(map(add, view.kinds, np.bincount(kinds, minlength=5).tolist()))
    view.versions = _joined(view.versions, _texts_at(columns.versions, at))
    view.hashes = _joined(view.hashes, _texts_at(columns.hashes, at))
    counts = kinds != FrameKind.POST_RUG
    sent = counts & (columns.tick[at] >= 0) & ~np.isnan(columns.price[at])
    phase = rows.phases[at]
    live = counts & (columns.tick[at] >= 0) & (phase >= Phase.ACTIVE)
    view.live_ticks += packed_ticks(_distinct(columns.tick[at][live]))
    rugs = np.flatnonzero((kinds == FrameKind.ROW) & (phase == Phase.RUGGED))
    if len(rugs):
        rug = at[rugs[0]]
        view.terminal_tick = int(rows.ticks[rug])
        price = columns.price[rug]
        view.rug_price = None if np.isnan(price) else float(price)
    if sent.any():
        prices = np.asarray(columns.price[at][sent], np.float64)
        view.ticks += packed_ticks(columns.tick[at][sent])
        view.prices += prices.tobytes()
    peaks = columns.price[at][sent & live]
    if len(peaks):
        view.live_peak = max(float(peaks.max()), view.live_peak or 0.0)
