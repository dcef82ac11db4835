"""Presses: the own player's button presses, each with what its game had shown when it came.

In: the events of a session in blocks, and the rows that they make. Out: one `Press` for each
button record of the date's own games. Grain: one press. Invariants: every record becomes a press;
what a press knows had arrived before it; how the events were cut into blocks changes nothing. Which
row a press belongs to is decided in ``alignment``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.buttons import FRACTIONS
from rugs_assets.domain.features import Phase
from rugs_assets.domain.observation_pass import Rows

PRESS_COLUMNS = (
    "session_id",
    "seq",
    "episode_id",
    "is_context",
    "button_id",
    "press_tick",
    "press_phase",
    "bet_amount",
    "sequence_id",
    "trade_id",
    "source_file",
    "source_position",
)


@dataclass(frozen=True, slots=True)
class Press:
    """A button press and what its game showed when it came.

    Attributes:
        row: the press's row of `raw_ws_events`, the columns that are needed.
        phase: that its client showed, else that of the last frame of its game received before it;
            None where neither is known.
        presale_frame: number of the last PRESALE row of its game before it; -1 where there is none.
        tick: the tick its client saw, else the one its game carried.
        sell_fraction: the share that a percentage press of the session last set.
    """

    row: dict[str, Any]
    phase: int | None
    presale_frame: int
    tick: int
    sell_fraction: float | None


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a game had shown by some moment: the phase of its last row, its last PRESALE row."""

    phase: int | None = None
    presale_frame: int = -1

    def after(self, rows: Rows, start: int, end: int) -> _Shown:
        """The same after some more rows of the game."""
        if start >= end:
            return self
        phases = rows.phases[rows.at[start:end]]
        presale = np.flatnonzero(phases == Phase.PRESALE)
        frame = int(rows.frame[start + presale[-1]]) if len(presale) else self.presale_frame
        return _Shown(int(phases[-1]), frame)


class PressReader:
    """Reads the presses of one session, block by block."""

    def __init__(self) -> None:
        self._shown: dict[str, _Shown] = {}
        self._fraction: float | None = None

    def read(self, block: pa.RecordBatch, rows: Rows | None = None) -> list[Press]:
        """The presses of the next block, in order of arrival.

        Args:
            block: in the schema `RAW_WS_EVENTS`, all of one session.
            rows: what the block makes; None where the session's view of no game is taken.
        """
        names = block["event"].to_numpy(zero_copy_only=False).astype(str)
        at_presses = np.flatnonzero(names == ev.BUTTON)
        found: list[Press] = []
        if len(at_presses):
            records = block.select(PRESS_COLUMNS).take(at_presses).to_pylist()
            for at, record in zip(at_presses.tolist(), records, strict=True):
                # A percentage set before the date, or in another date's game, is still set.
                self._fraction = FRACTIONS.get(record["button_id"], self._fraction)
                if not record.pop("is_context"):
                    found.append(self._press(record, rows, at))
        if rows is not None:
            for game in rows.games:
                self._shown[game] = self._shown_at(game, rows, len(names))
        return found

    def _press(self, record: dict[str, Any], rows: Rows | None, at: int) -> Press:
        shown = self._shown_at(record["episode_id"] or "", rows, at)
        told, tick = record["press_phase"], record["press_tick"]
        if tick is None:
            tick = 0 if rows is None else int(rows.ticks[at])
        phase = shown.phase if told is None else told
        return Press(record, phase, shown.presale_frame, tick, self._fraction)

    def _shown_at(self, game: str, rows: Rows | None, at: int) -> _Shown:
        """What a game had shown before the event at an index of the block."""
        shown = self._shown.get(game, _Shown())
        if rows is None or game not in rows.games:
            return shown
        code = rows.games.index(game)
        start, end = np.searchsorted(rows.game, [code, code + 1]).tolist()
        return shown.after(rows, start, start + int(np.searchsorted(rows.at[start:end], at)))
