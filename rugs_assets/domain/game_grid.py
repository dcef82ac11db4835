"""The grid: a block's events laid out by game, and what each game carries at each of them.

In: a block of one session's events and the state of its games before it. Out: for every element the
carried values and the `FrameKind`. Each game begins with a *seed*, an element that stands for
everything before the block; carrying a value on is then a running maximum over "the last index that
set it", for all games at once. What rows are made of it stands in ``observation_pass``.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import Bools, Floats
from rugs_assets.domain.event_columns import EventColumns
from rugs_assets.domain.executions import Execution
from rugs_assets.domain.features import FEATURE_DEFAULTS, FEATURE_INDEX, Phase
from rugs_assets.domain.frames import (
    FRAME_STATE,
    POSITION,
    FrameKind,
    classify,
    last_set,
    late_frames,
)

GAME_STATE = (
    *FRAME_STATE,
    *POSITION,
    "bet_amount",
    "execution_tick",
    "execution_price",
    "client_timestamp",
    "latency_ms",
    "press_tick",
)

_SEED, _EXECUTION, _EVENT = 0, 1, 2


def default_of(name: str) -> float:
    """The value of something carried before it was ever received."""
    return float(FEATURE_DEFAULTS[FEATURE_INDEX[name]]) if name in FEATURE_INDEX else 0.0


STATE_INDEX = {name: at for at, name in enumerate(GAME_STATE)}
"""Where in a `GameState` each value stands."""

_DEFAULTS = tuple(map(default_of, GAME_STATE))


@dataclass(slots=True)
class GameState:
    """What is carried for one game from block to block; the twin of the builder's `_Game`."""

    # A session has many games: flat, not as dicts, they take 200 bytes each and not 1,300.
    values: array[float] = field(default_factory=lambda: array("d", _DEFAULTS))
    has: bytearray = field(default_factory=lambda: bytearray(len(GAME_STATE)))
    greatest_tick: float = -1.0
    active_tick: float = np.nan
    is_over: bool = False
    rows: int = 0
    has_row: bool = False
    tick: float = 0.0
    price: float = 0.0
    velocity: float = 0.0
    has_price: bool = False
    has_velocity: bool = False
    entry_tick: float = 0.0
    in_position: bool = False


class Grid:
    """The elements of a block by game: a seed, then executions and events in order of arrival."""

    def __init__(
        self, events: EventColumns, games: list[str], executions: list[tuple[int, Execution]]
    ) -> None:
        index = {game: code for code, game in enumerate(games)}
        own = np.flatnonzero((events.code >= 0) & ~events.is_context)
        extra = np.array([[at, index[e.episode_id or ""]] for at, e in executions], np.int64)
        extra = extra.reshape(-1, 2)
        seeds = np.arange(len(games))
        at = np.concatenate([np.full(len(games), -1), extra[:, 0], own])
        code = np.concatenate([seeds, extra[:, 1], events.code[own]])
        kind = np.repeat([_SEED, _EXECUTION, _EVENT], [len(games), len(extra), len(own)])
        # By game, then place, then kind, in one stable sort.
        order = np.argsort((code * (len(events) + 1) + at + 1) * 4 + kind, kind="stable")
        self.at, self.code, self.kind = at[order], code[order], kind[order]
        self.is_seed, self.is_event = self.kind == _SEED, self.kind == _EVENT
        self.seed_at = np.flatnonzero(self.is_seed)
        # Executions of the same event keep their order: the sort is stable.
        self.execution_at = np.flatnonzero(self.kind == _EXECUTION)
        self.executions = [executions[i][1] for i in order[self.execution_at] - len(games)]

    def spread(self, per_event: Bools) -> Bools:
        """A flag of the events, at the elements; False at seeds and executions."""
        flags = np.zeros(len(self.at), bool)
        flags[self.is_event] = per_event[self.at[self.is_event]]
        return flags

    def per_event(self, elements: NDArray[Any], events: int) -> NDArray[Any]:
        """What stands at the elements, at the events; 0 at those that are not in the grid."""
        values = np.zeros(events, elements.dtype)
        values[self.at[self.is_event]] = elements[self.is_event]
        return values


class Carried:
    """What each game carries at each element of the grid."""

    def __init__(
        self, grid: Grid, events: EventColumns, states: list[GameState], own_frame: Bools | None
    ) -> None:
        self.grid, self.events, self.states = grid, events, states
        self.values: dict[str, Floats] = {}
        self.has: dict[str, Bools] = {}
        is_frame = grid.spread(events.is_frame)
        tick, has_tick = self._at_elements("tick", is_frame)
        tick[grid.seed_at] = [state.greatest_tick for state in states]
        has_tick[grid.seed_at] = tick[grid.seed_at] >= 0
        self.late = late_frames(grid.code, tick, has_tick) & is_frame
        self.greatest = np.maximum.accumulate(np.where(has_tick, tick, -1) + grid.code * 2.0**32)
        for name in FRAME_STATE:
            self._carry(name, *self._at_elements(name, is_frame & ~self.late))
        self._classify(is_frame)
        if own_frame is not None:
            self._carry_player(own_frame)

    def _at_elements(self, name: str, where: Bools) -> tuple[Floats, Bools]:
        """A column of the events at the elements, where it counts."""
        column, present = self.events.column(name)
        at = self.grid.at
        if not present.any():
            return np.zeros(len(at)), np.zeros(len(at), bool)
        values, has = column[at], present[at] & where
        return np.where(has, values, 0.0), has

    def _carry(self, name: str, values: Floats, is_set: Bools) -> None:
        """Carry values on within each game, beginning with its seed."""
        seeds = self.grid.seed_at
        index = STATE_INDEX[name]
        before = [state.values[index] for state in self.states]
        had = [bool(state.has[index]) for state in self.states]
        if not is_set.any():
            self.values[name] = np.array(before, np.float64)[self.grid.code]
            self.has[name] = np.array(had, bool)[self.grid.code]
            return
        values[seeds] = before
        last = last_set(is_set | self.grid.is_seed)
        has = is_set.copy()
        has[seeds] = had
        self.values[name], self.has[name] = values[last], has[last]

    def _classify(self, is_frame: Bools) -> None:
        grid, states = self.grid, self.states
        walked = np.flatnonzero(is_frame | grid.is_seed)
        active_tick = np.full(len(grid.at), np.nan)
        active_tick[grid.seed_at] = [state.active_tick for state in states]
        over = np.zeros(len(grid.at), bool)
        over[grid.seed_at] = [state.is_over for state in states]
        state = {name: self.values[name][walked] for name in FRAME_STATE}
        state["active_tick"] = active_tick[walked]
        kinds, phase = classify(
            grid.code[walked], grid.is_seed[walked], state, self.late[walked], over[walked]
        )
        self.kind = np.zeros(len(grid.at), np.int8)
        self.kind[walked] = kinds
        self.phase = np.zeros(len(grid.at))
        self.phase[walked] = phase

    def _carry_player(self, own_frame: Bools) -> None:
        """Position, presses and executions: what the own player's events set."""
        grid, named = self.grid, self.events.named
        told = grid.spread(named(ev.PLAYER_TICK, ev.PLAYER_UPDATE))
        # In COOLDOWN the leaderboard still is that of the game before.
        told |= grid.spread(own_frame) & (self.phase != Phase.COOLDOWN)
        told &= (self.kind != FrameKind.POST_RUG) & ~self.late
        for name in POSITION:
            self._carry(name, *self._at_elements(name, told))
        pressed = grid.spread(named(ev.BUTTON))
        ticks, has_tick = self._at_elements("press_tick", pressed)
        self._carry("press_tick", np.where(has_tick, ticks, self.values["tick"]), pressed)
        self._carry("bet_amount", *self._at_elements("bet_amount", pressed))
        for name, attribute in (
            ("execution_tick", "tick"),
            ("execution_price", "price"),
            ("client_timestamp", "requested_ms"),
            ("latency_ms", "latency_ms"),
        ):
            values = np.zeros(len(grid.at))
            is_set = np.zeros(len(grid.at), bool)
            for at, execution in zip(grid.execution_at.tolist(), grid.executions, strict=True):
                value = getattr(execution, attribute)
                if value is not None:
                    values[at], is_set[at] = value, True
            self._carry(name, values, is_set)
