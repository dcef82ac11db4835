"""Alignment: which row of its game a button press belongs to, or why it belongs to none.

In: the presses of a game, in order of arrival, each with what its game showed at it, and the rows
of the game. Out: labels for the rows, and the presses that no row carries, with the reason.
Grain: one press. Invariants (design.md 5): a press belongs to a row of its own game, an ACTIVE one
by tick (exact, else one before, else one after, within the tolerance), a PRESALE one to the last
PRESALE row received before it; one trade action a row, the first takes it; of the adjusting presses
at a row the last one stands; presses in = aligned + unaligned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS, BUTTONS
from rugs_assets.domain.features import Phase
from rugs_assets.domain.presses import Press


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

    def at(self, rows: NDArray[np.int64]) -> GameLabels:
        """The labels of some of the rows."""
        return GameLabels(
            self.action[rows],
            self.adjust[rows],
            self.order_amount[rows],
            self.sell_fraction[rows],
            _chosen(self.sequence_id, rows),
            _chosen(self.trade_id, rows),
        )

    @classmethod
    def joined(cls, parts: Sequence[GameLabels]) -> GameLabels:
        """The labels of several games, one after the other."""
        return cls(
            np.concatenate([part.action for part in parts]),
            np.concatenate([part.adjust for part in parts]),
            np.concatenate([part.order_amount for part in parts]),
            np.concatenate([part.sell_fraction for part in parts]),
            list(chain.from_iterable(part.sequence_id for part in parts)),
            list(chain.from_iterable(part.trade_id for part in parts)),
        )


def _chosen(texts: list[str | None], rows: NDArray[np.int64]) -> list[str | None]:
    # Of most games nothing was pressed: that is seen faster than a text is looked up.
    if texts.count(None) == len(texts):
        return [None] * len(rows)
    return [texts[row] for row in rows.tolist()]


def align_presses(
    presses: Sequence[Press],
    ticks: NDArray[np.int64],
    phases: NDArray[np.int64],
    takes: NDArray[np.bool_],
    *,
    tolerance: int,
) -> tuple[GameLabels, list[tuple[Press, str]]]:
    """Put the presses of one game to its rows.

    Args:
        presses: of the game, in order of arrival.
        ticks: int64 (n,), tick of each row; row i is the game's frame number i.
        phases: int64 (n,), phase of each row.
        takes: bool (n,), rows that are a decision and can carry a press.
        tolerance: how many ticks an ACTIVE press may stand from its row.

    Returns:
        The labels, and the presses that no row carries, each with the reason.
    """
    labels = GameLabels.of(len(ticks))
    left: list[tuple[Press, str]] = []
    if not presses:
        return labels, left
    adjusting: dict[int, Press] = {}
    rows_by_tick = {int(ticks[at]): int(at) for at in np.flatnonzero(phases == Phase.ACTIVE)}
    for press in presses:
        button = press.row["button_id"]
        at = _row_of(press, rows_by_tick, tolerance)
        if isinstance(at, str):
            left.append((press, at))
        elif not takes[at]:
            left.append((press, "its row is no decision: not sampled, or the last of the game"))
        elif button in ADJUSTS:
            if at in adjusting:
                left.append((adjusting[at], "superseded by a later adjustment at the same row"))
            adjusting[at] = press
            labels.adjust[at] = ADJUSTS.index(button)
        elif labels.action[at]:
            left.append((press, "its row is taken by an earlier action"))
        else:
            _label(labels, at, press)
    return labels, left


def _row_of(press: Press, rows_by_tick: dict[int, int], tolerance: int) -> int | str:
    """The index of the row that a press belongs to, or why there is none."""
    button = press.row["button_id"]
    if button not in BUTTONS:
        return f"unknown button {button!r}"
    if press.phase is None:
        return "no frame of its game had arrived before it"
    if press.phase == Phase.PRESALE:
        if press.presale_frame < 0:
            return "no PRESALE row of its game had arrived before it"
        return press.presale_frame
    if press.phase != Phase.ACTIVE:
        return f"pressed in {Phase(press.phase).name}, where no action is possible"
    for distance in range(tolerance + 1):
        for tick in (press.tick - distance, press.tick + distance):
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
