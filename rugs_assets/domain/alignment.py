"""Alignment: which row of its game a button press belongs to, or why it belongs to none.

In: the presses of a date, in order of arrival, each with what its game carried at it, and the rows
of its game. Out: for each press a row or a reason. Grain: one press.
Invariants (design.md 5): a press belongs to a row of its own game, an ACTIVE one by tick (exact,
else one before, else one after, within the tolerance), a PRESALE one to the last row received
before it; one trade action a row, the first takes it; of the adjusting presses at a row the last
one stands; presses in = aligned + unaligned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import Phase
from rugs_assets.domain.observation_pass import ObservationPass
from rugs_assets.domain.session_blocks import session_blocks

ACTIONS: tuple[str, ...] = ("WAIT", "BUY", "SELL", "SIDEBET")
"""Codes of ``action``: the index of the name."""

ADJUSTS: tuple[str | None, ...] = (
    None,
    "CLEAR",
    "INC_001",
    "INC_01",
    "INC_10",
    "INC_1",
    "HALF",
    "DOUBLE",
    "MAX",
    "SELL_10",
    "SELL_25",
    "SELL_50",
    "SELL_100",
)
"""Codes of ``adjust``: the index of the name; 0 is none."""

FRACTIONS = {"SELL_10": 0.10, "SELL_25": 0.25, "SELL_50": 0.50, "SELL_100": 1.0}
"""What a percentage button sets the share to that the next sale sells."""

_PRESS_COLUMNS = (
    "session_id",
    "seq",
    "episode_id",
    "button_id",
    "press_tick",
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
        phase: of the last frame of its game received before it; None where there was none.
        frame: number of the last row of its game before it; -1 where there was none.
        tick: the tick its client saw, else the one its game carried.
        sell_fraction: the share that a percentage press of the session last set.
    """

    row: dict[str, Any]
    phase: int | None
    frame: int
    tick: int
    sell_fraction: float | None


def presses_of(events: Iterable[pa.RecordBatch]) -> list[Press]:
    """All presses of a date, session by session, in order of arrival.

    Args:
        events: the rows of `raw_ws_events` of the date, in their order.
    """
    presses: list[Press] = []
    walk, walking, fraction = ObservationPass(), "", None
    last_rows: dict[str, tuple[int, int]] = {}
    for session_id, block in session_blocks(events):
        if session_id != walking:
            walk, walking, fraction, last_rows = ObservationPass(), session_id, None, {}
        rows = walk.push(block)
        names = block["event"].to_numpy(zero_copy_only=False).astype(str)
        is_press = names == ev.BUTTON
        is_press &= ~block["is_context"].to_numpy(zero_copy_only=False)
        games = block["episode_id"].to_numpy(zero_copy_only=False)
        frames = dict(zip(rows.at.tolist(), rows.frame.tolist(), strict=True))
        moments = np.flatnonzero(is_press | (rows.kinds == 1))
        columns = block.select(_PRESS_COLUMNS)
        for at in moments.tolist() if is_press.any() else []:
            if not is_press[at]:
                last_rows[games[at]] = frames[at], int(rows.phases[at])
                continue
            row = columns.slice(at, 1).to_pylist()[0]
            fraction = FRACTIONS.get(row["button_id"], fraction)
            presses.append(_press(row, last_rows, int(rows.ticks[at]), fraction))
        if not is_press.any():
            for code, game in enumerate(rows.games):
                mine = np.flatnonzero(rows.game == code)
                if len(mine):
                    at = int(rows.at[mine[-1]])
                    last_rows[game] = frames[at], int(rows.phases[at])
    return presses


def _press(
    row: dict[str, Any],
    last_rows: dict[str, tuple[int, int]],
    carried_tick: int,
    fraction: float | None,
) -> Press:
    frame, phase = last_rows.get(row["episode_id"] or "", (-1, -1))
    tick = carried_tick if row["press_tick"] is None else row["press_tick"]
    return Press(row, phase if frame >= 0 else None, frame, tick, fraction)


@dataclass(slots=True)
class GameLabels:
    """The labels of a game's rows; arrays of shape (n,), one for each row.

    Attributes:
        action: int8; ``adjust`` int8; what was not pressed is 0.
        order_amount: float64, NaN where none; ``sell_fraction`` likewise.
        sequence_id: of the action, else None; ``trade_id`` likewise.
    """

    action: NDArray[np.int8]
    adjust: NDArray[np.int8]
    order_amount: NDArray[np.float64]
    sell_fraction: NDArray[np.float64]
    sequence_id: list[str | None]
    trade_id: list[str | None]

    @classmethod
    def of(cls, rows: int) -> GameLabels:
        """Labels of rows at which nothing was pressed."""
        nothing: list[str | None] = [None] * rows
        return cls(
            np.zeros(rows, np.int8),
            np.zeros(rows, np.int8),
            np.full(rows, np.nan),
            np.full(rows, np.nan),
            nothing,
            list(nothing),
        )


def align_presses(
    presses: list[Press],
    ticks: NDArray[np.int64],
    phases: NDArray[np.int64],
    takes: NDArray[np.bool_],
    *,
    tolerance: int,
) -> tuple[GameLabels, list[tuple[Press, str]]]:
    """Put the presses of one game to its rows.

    Args:
        presses: of the game, in order of arrival.
        ticks: int64 (n,), tick of each row.
        phases: int64 (n,), phase of each row.
        takes: bool (n,), rows that are a decision and can carry a press.
        tolerance: how many ticks an ACTIVE press may stand from its row.

    Returns:
        The labels, and the presses that no row carries, each with the reason.
    """
    labels = GameLabels.of(len(ticks))
    left: list[tuple[Press, str]] = []
    adjusting: dict[int, Press] = {}
    rows_by_tick = {int(tick): at for at, tick in enumerate(ticks) if phases[at] == Phase.ACTIVE}
    for press in presses:
        button = press.row["button_id"]
        at = _row_of(press, rows_by_tick, tolerance)
        if isinstance(at, str):
            left.append((press, at))
        elif not takes[at]:
            left.append((press, "its row is no decision: not sampled, or the last of the game"))
        elif button in ACTIONS[1:]:
            if labels.action[at]:
                left.append((press, "its row is taken by an earlier action"))
            else:
                _label(labels, at, press)
        elif button in ADJUSTS:
            if at in adjusting:
                left.append((adjusting[at], "superseded by a later adjustment at the same row"))
            adjusting[at] = press
            labels.adjust[at] = ADJUSTS.index(button)
        else:
            left.append((press, f"unknown button {button!r}"))
    return labels, left


def _row_of(press: Press, rows_by_tick: dict[int, int], tolerance: int) -> int | str:
    """The index of the row that a press belongs to, or why there is none."""
    if press.phase is None:
        return "no frame of its game had arrived before it"
    if press.phase == Phase.PRESALE:
        return press.frame
    if press.phase != Phase.ACTIVE:
        return f"pressed in {Phase(press.phase).name}, where no action is possible"
    for distance in range(tolerance + 1):
        for tick in dict.fromkeys((press.tick - distance, press.tick + distance)):
            if tick in rows_by_tick:
                return rows_by_tick[tick]
    return f"no row within {tolerance} ticks of tick {press.tick}"


def _label(labels: GameLabels, at: int, press: Press) -> None:
    button = press.row["button_id"]
    labels.action[at] = ACTIONS.index(button)
    if button == "SELL":
        if press.sell_fraction is not None:
            labels.sell_fraction[at] = press.sell_fraction
    elif press.row["bet_amount"] is not None:
        labels.order_amount[at] = press.row["bet_amount"]
    labels.sequence_id[at] = press.row["sequence_id"]
    labels.trade_id[at] = press.row["trade_id"]
