"""Frames: which of them make a row, and what became of the others.

In: the events of one session in order of arrival, as arrays. Out: for every event its `FrameKind`.
Invariants: design.md 2, for both drivers: COOLDOWN and PRESALE frames each make a row; of ACTIVE
frames the first of each tick; of RUGGED frames the first, which is the game's last row; a frame
whose tick is below one already seen in its game is late and changes no state of its game.
Here stand the names of what is carried and the columnar rule; the event-by-event rule stands in
``observation_builder``.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.derived import Bools, Floats, game_phase
from rugs_assets.domain.features import Phase

FRAME_STATE: tuple[str, ...] = (
    "tick",
    "price",
    "cooldown_timer_ms",
    "allow_pre_round_buys",
    "active",
    "rugged",
)
"""What a frame carries on within its game."""

POSITION: tuple[str, ...] = (
    "position_qty",
    "avg_entry_price",
    "cumulative_pnl",
    "total_invested",
)
"""What the own player's state carries on within the game."""


class FrameKind(IntEnum):
    """What became of an event in the walk over a session's frames."""

    NO_FRAME = 0
    ROW = 1
    LATE = 2
    REPEATED = 3
    POST_RUG = 4


def last_set(is_set: Bools) -> NDArray[np.int64]:
    """For each index the last index up to it that is set; where none is, the negative -1.

    Args:
        is_set: bool, shape (n,).
    """
    indexes = np.where(is_set, np.arange(len(is_set)), -1)
    return np.maximum.accumulate(indexes)


def last_set_before(is_set: Bools) -> NDArray[np.int64]:
    """As `last_set`, but of the indexes before it."""
    shifted = np.empty(len(is_set), np.int64)
    shifted[:1] = -1
    shifted[1:] = last_set(is_set)[:-1]
    return shifted


def late_frames(group: NDArray[np.int64], tick: Floats, has_tick: Bools) -> Bools:
    """Frames whose tick is below one already seen in their group.

    Args:
        group: int64, shape (n,), non-decreasing: the game of each frame.
        tick: float64, shape (n,), whole numbers below 2^31.
        has_tick: whether the frame sent a tick.
    """
    # One running maximum over all groups: a later group's keys are above all of an earlier one's.
    key = group * 2**32 + np.where(has_tick, tick, -1).astype(np.int64) + 1
    before = np.empty(len(key), np.int64)
    before[:1] = -1
    before[1:] = np.maximum.accumulate(key)[:-1]
    return has_tick & (key < before)


def classify(
    group: NDArray[np.int64], is_seed: Bools, state: dict[str, Floats], late: Bools, over: Bools
) -> tuple[NDArray[np.int8], Floats]:
    """What becomes of each frame, given what its game carries at it.

    Each group begins with a seed: an element that stands for all frames before this block.

    Args:
        group: int64, shape (n,), non-decreasing: the game of each frame.
        is_seed: whether the element is a seed.
        state: the `FRAME_STATE` carried at each element (late frames leave no trace in it);
            at a seed, ``active_tick`` is the tick of its last ACTIVE row, NaN where there is none.
        late: from `late_frames`.
        over: at a seed, whether the game has already rugged; False elsewhere.

    Returns:
        `FrameKind` as int8, shape (n,), NO_FRAME at seeds; and the phase at each element.
    """
    phase = game_phase(state["allow_pre_round_buys"], state["active"], state["rugged"])
    counts = ~late & ~is_seed
    rugs = (counts & (phase == Phase.RUGGED)) | over
    rug_before = last_set_before(rugs)
    starts = _starts(group)
    is_over = (rug_before >= starts) & ~is_seed
    counts &= ~is_over
    is_active = counts & (phase == Phase.ACTIVE)
    active_tick = np.where(is_active, state["tick"], state["active_tick"])
    active_before = last_set_before(is_active | is_seed)
    repeated = is_active & (active_tick[np.maximum(active_before, 0)] == state["tick"])
    kind = np.where(counts, FrameKind.ROW, FrameKind.NO_FRAME)
    kind = np.where(repeated, FrameKind.REPEATED, kind)
    kind = np.where(late & ~is_seed, FrameKind.LATE, kind)
    kind = np.where(is_over, FrameKind.POST_RUG, kind)
    return kind.astype(np.int8), phase


def _starts(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each element the index at which its group begins."""
    first = np.ones(len(group), bool)
    first[1:] = group[1:] != group[:-1]
    return last_set(first)
