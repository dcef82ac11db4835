"""The columnar driver: rows of features from blocks of events, what the assets run.

In: the events of one session, in order of arrival, in blocks of any size. Out: for each block the
rows that its frames make. Invariants: given the same events it makes the same rows, bit for bit, as
the event-by-event `ObservationBuilder`; how the events were cut into blocks changes nothing; memory
is bounded by the block and by the games of the session.

A block is laid out by game, in order of arrival (`_Grid`). Each game begins with a *seed*, an
element that stands for everything before the block. Carrying a value on is then a running maximum
over "the last index that set it", for all games at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import derived
from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import RECEIVED, Bools, Floats, PreviousRows
from rugs_assets.domain.execution_pass import ExecutionPass
from rugs_assets.domain.executions import Execution
from rugs_assets.domain.features import (
    FEATURE_DEFAULTS,
    FEATURE_INDEX,
    FEATURES,
    Carry,
    encode_game_id,
)
from rugs_assets.domain.frames import (
    FRAME_STATE,
    POSITION,
    FrameKind,
    classify,
    last_set,
    late_frames,
)

Ints = NDArray[np.int64]

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
SESSION_STATE = tuple(f.name for f in FEATURES if f.carry is Carry.SESSION and not f.made_of)

_SEED, _EXECUTION, _EVENT = 0, 1, 2
_NAMES = (ev.FRAME, ev.PLAYER_TICK, ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON)


def _default(name: str) -> float:
    return float(FEATURE_DEFAULTS[FEATURE_INDEX[name]]) if name in FEATURE_INDEX else 0.0


@dataclass(slots=True)
class GameState:
    """What is carried for one game from block to block; the twin of the builder's `_Game`."""

    values: dict[str, float] = field(default_factory=lambda: {n: _default(n) for n in GAME_STATE})
    has: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(GAME_STATE, False))
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


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a block, by game and then in order of arrival.

    Attributes:
        games: gameIds; ``game`` (n,) indexes into them.
        at: int64 (n,), index of the row's frame in the block; ``frame`` int32 (n,), number of the
            row within its game.
        values: float32 (n, 36); ``observed`` int64 (n,); ``features`` (n, 36) before the cast.
        ended: games that rugged in this block, in order.
        kinds: int8, one for each event of the block: its `FrameKind`.
        phases: float64, one for each event: the phase its game carries at it, 0 where it is no frame.
        ticks: float64, one for each event: the tick its game carries at it, 0 likewise.
        is_frame: one for each event, whether it is a frame of the date's own games.
    """

    games: list[str]
    game: Ints
    at: Ints
    frame: NDArray[np.int32]
    values: NDArray[np.float32]
    features: Floats
    observed: Ints
    ended: list[str]
    kinds: NDArray[np.int8]
    phases: Floats
    ticks: Floats
    is_frame: Bools


class _Events:
    """The columns of a block as arrays."""

    def __init__(self, block: pa.RecordBatch) -> None:
        self.block = block
        self.received_us = block["received_at"].cast(pa.int64()).to_numpy()
        self.names = block["event"].to_numpy(zero_copy_only=False).astype(str)
        self.is_context = block["is_context"].to_numpy(zero_copy_only=False)
        self.is_named = {name: self.names == name for name in _NAMES}
        self.is_frame = self.is_named[ev.FRAME] & ~self.is_context
        games = block["episode_id"].dictionary_encode()
        self.games: list[str] = [str(game) for game in games.dictionary.to_pylist()]
        self.code = games.indices.fill_null(-1).to_numpy().astype(np.int64)
        self._columns: dict[str, tuple[Floats, Bools]] = {}

    def __len__(self) -> int:
        return len(self.received_us)

    def column(self, name: str) -> tuple[Floats, Bools]:
        """A column as (float64 with 0 where null, bool where not null)."""
        if name not in self._columns:
            array = self.block[name]
            has = array.is_valid().to_numpy(zero_copy_only=False)
            values = array.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
            self._columns[name] = values, has
        return self._columns[name]


class _Grid:
    """The elements of a block by game: a seed, then executions and events in order of arrival."""

    def __init__(
        self, events: _Events, games: list[str], executions: list[tuple[int, Execution]]
    ) -> None:
        index = {game: code for code, game in enumerate(games)}
        own = np.flatnonzero((events.code >= 0) & ~events.is_context)
        extra = np.array([[at, index[e.episode_id or ""]] for at, e in executions], np.int64)
        extra = extra.reshape(-1, 2)
        seeds = np.arange(len(games))
        at = np.concatenate([np.full(len(games), -1), extra[:, 0], own])
        code = np.concatenate([seeds, extra[:, 1], events.code[own]])
        kind = np.repeat([_SEED, _EXECUTION, _EVENT], [len(games), len(extra), len(own)])
        order = np.lexsort((kind, at, code))
        self.at, self.code, self.kind = at[order], code[order], kind[order]
        self.is_seed, self.is_event = self.kind == _SEED, self.kind == _EVENT
        self.seed_at = np.flatnonzero(self.is_seed)
        # Executions of the same event keep their order: lexsort is stable.
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


class _Carried:
    """What each game carries at each element of the grid."""

    def __init__(
        self, grid: _Grid, events: _Events, states: list[GameState], own_frame: Bools
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
        self._carry_player(own_frame)

    def _at_elements(self, name: str, where: Bools) -> tuple[Floats, Bools]:
        """A column of the events at the elements, where it counts."""
        column, present = self.events.column(name)
        at = self.grid.at
        values, has = column[at], present[at] & where
        return np.where(has, values, 0.0), has

    def _carry(self, name: str, values: Floats, is_set: Bools) -> None:
        """Carry values on within each game, beginning with its seed."""
        seeds = self.grid.seed_at
        values[seeds] = [state.values[name] for state in self.states]
        last = last_set(is_set | self.grid.is_seed)
        has = is_set.copy()
        has[seeds] = [state.has[name] for state in self.states]
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
        grid, named = self.grid, self.events.is_named
        told = named[ev.PLAYER_TICK] | named[ev.PLAYER_UPDATE] | own_frame
        counts = self.kind != FrameKind.POST_RUG
        counts &= ~self.late
        for name in POSITION:
            self._carry(name, *self._at_elements(name, grid.spread(told) & counts))
        pressed = grid.spread(named[ev.BUTTON])
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


class ObservationPass:
    """Walks one session; `push` its events block by block."""

    def __init__(self) -> None:
        self._session = {name: (_default(name), False) for name in SESSION_STATE}
        self._games: dict[str, GameState] = {}
        self._executions = ExecutionPass()
        self._own: str | None = None

    def push(self, block: pa.RecordBatch) -> Rows:
        """Take the next events of the session.

        Args:
            block: in the schema `RAW_WS_EVENTS`, all of one session.
        """
        events = _Events(block)
        executions = self._executions.run(
            block, events.names, events.is_frame, events.received_us / 1000
        )
        executions = [(at, e) for at, e in executions if e.episode_id is not None]
        games = list(dict.fromkeys([*events.games, *(str(e.episode_id) for _, e in executions)]))
        grid = _Grid(events, games, executions)
        states = [self._games.setdefault(game, GameState()) for game in games]
        carried = _Carried(grid, events, states, self._own_frames(events))
        at = np.flatnonzero(carried.kind == FrameKind.ROW)
        rows = self._rows(grid, events, carried, games, at)
        _save(grid, carried, states)
        return rows

    def _own_frames(self, events: _Events) -> Bools:
        """Frames whose leaderboard shows the player that is the own one as of then."""
        players = events.block["player_id"].to_numpy(zero_copy_only=False)
        named = events.is_named
        announced = named[ev.PLAYER_UPDATE] | named[ev.USERNAME] | named[ev.BUTTON]
        announced &= players != None  # noqa: E711 # elementwise over objects
        last = last_set(announced)
        before = np.array([self._own], object)
        own = np.where(last >= 0, players[np.maximum(last, 0)], before)
        if len(own):
            self._own = own[-1]
        return np.asarray(named[ev.FRAME] & (own == players) & (own != None))  # noqa: E711 # as above

    def _rows(
        self, grid: _Grid, events: _Events, carried: _Carried, games: list[str], at: Ints
    ) -> Rows:
        """Derive the rows; ``at`` are their elements in the grid."""
        seeds = grid.seed_at
        chain = np.sort(np.concatenate([seeds, at]))
        is_row = ~grid.is_seed[chain]
        entry = _entry_ticks(grid, carried, chain)
        previous = _previous_rows(grid, carried, chain)
        select = chain[is_row]
        frames = grid.at[select]
        game = grid.code[select]
        values, has = self._session_at(events, frames)
        values |= {name: carried.values[name][select] for name in RECEIVED if name in GAME_STATE}
        has |= {name: carried.has[name][select] for name in RECEIVED if name in GAME_STATE}
        codes = np.array([encode_game_id(name) for name in games])
        features, observed = derived.derive(
            values,
            has,
            game_code=codes[game] if len(codes) else np.zeros(0),
            has_game=np.ones(len(game), bool),
            previous=PreviousRows(*(array[is_row] for array in previous)),
            entry_tick=entry[is_row],
            press_tick=carried.values["press_tick"][select],
        )
        number = np.cumsum(is_row) - 1
        starts = number[~is_row][game] + 1 if len(game) else np.zeros(0, np.int64)
        before = np.array([state.rows for state in carried.states], np.int64)
        frame = (number[is_row] - starts + before[game]) if len(game) else np.zeros(0)
        _save_rows(grid, carried, chain, is_row, features, observed)
        rugs = select[carried.phase[select] == 3]
        ended = [games[grid.code[i]] for i in rugs[np.argsort(grid.at[rugs])].tolist()]
        return Rows(
            games,
            game,
            frames,
            frame.astype(np.int32),
            derived.to_float32(features),
            features,
            observed,
            ended,
            grid.per_event(carried.kind, len(events)),
            grid.per_event(carried.phase, len(events)),
            grid.per_event(carried.values["tick"], len(events)),
            events.is_frame & (events.code >= 0),
        )

    def _session_at(
        self, events: _Events, frames: Ints
    ) -> tuple[dict[str, Floats], dict[str, Bools]]:
        """What the session carries at the frames that make rows."""
        values: dict[str, Floats] = {}
        has: dict[str, Bools] = {}
        for name in SESSION_STATE:
            column, is_set = events.column(name)
            before, had = self._session[name]
            last = last_set(is_set)
            at = last[frames]
            values[name] = np.where(at >= 0, column[np.maximum(at, 0)], before)
            has[name] = (at >= 0) | had
            if len(last) and last[-1] >= 0:
                self._session[name] = float(column[last[-1]]), True
        return values, has


def _entry_ticks(grid: _Grid, carried: _Carried, chain: Ints) -> Floats:
    """For each element of the chain of rows the tick of the row at which the position left 0."""
    states = carried.states
    is_seed = grid.is_seed[chain]
    held = carried.values["position_qty"][chain] != 0
    held[is_seed] = [state.in_position for state in states]
    entered = held & ~is_seed
    entered[1:] &= ~held[:-1]
    ticks = carried.values["tick"][chain]
    ticks[is_seed] = [state.entry_tick for state in states]
    return ticks[last_set(entered | is_seed)]


def _previous_rows(grid: _Grid, carried: _Carried, chain: Ints) -> tuple[NDArray[Any], ...]:
    """For each element of the chain of rows, its previous row (fields of `PreviousRows`)."""
    states = carried.states
    is_seed = grid.is_seed[chain]
    tick, price = carried.values["tick"][chain], carried.values["price"][chain]
    has_price = carried.has["tick"][chain] & carried.has["price"][chain]
    exists = np.ones(len(chain), bool)
    exists[is_seed] = [state.has_row for state in states]
    tick[is_seed] = [state.tick for state in states]
    price[is_seed] = [state.price for state in states]
    has_price[is_seed] = [state.has_price for state in states]
    shifted = PreviousRows(
        _shift(exists), _shift(tick), _shift(price), tick, _shift(has_price), has_price
    )
    velocity = derived.price_velocity(tick, price, shifted)
    velocity[is_seed] = [state.velocity for state in states]
    has_velocity = has_price & shifted.exists & shifted.has_price
    has_velocity[is_seed] = [state.has_velocity for state in states]
    return (
        shifted.exists,
        shifted.tick,
        shifted.price,
        _shift(velocity),
        shifted.has_price,
        _shift(has_velocity),
    )


def _shift(array: NDArray[Any]) -> NDArray[Any]:
    """Each element's predecessor; the first has none and is a seed, where it does not matter."""
    shifted = np.zeros_like(array)
    shifted[1:] = array[:-1]
    return shifted


def _save_rows(
    grid: _Grid,
    carried: _Carried,
    chain: Ints,
    is_row: Bools,
    features: Floats,
    observed: Ints,
) -> None:
    """Remember each game's last row for the next block."""
    velocity, has_velocity = derived.velocity_of(features, observed)
    game = grid.code[chain[is_row]]
    counts = np.bincount(game, minlength=len(carried.states))
    entry = _entry_ticks(grid, carried, chain)[is_row]
    ends = np.cumsum(counts) - 1
    for state, count, end in zip(carried.states, counts.tolist(), ends.tolist(), strict=True):
        if not count:
            continue
        element = chain[is_row][end]
        state.rows += count
        state.has_row = True
        state.tick = float(carried.values["tick"][element])
        state.price = float(carried.values["price"][element])
        state.has_price = bool(carried.has["tick"][element] & carried.has["price"][element])
        state.velocity, state.has_velocity = float(velocity[end]), bool(has_velocity[end])
        state.in_position = bool(carried.values["position_qty"][element] != 0)
        state.entry_tick = float(entry[end])
        state.is_over = bool(carried.phase[element] == 3)


def _save(grid: _Grid, carried: _Carried, states: list[GameState]) -> None:
    """Remember what each game carries at the end of the block."""
    ends = np.append(grid.seed_at[1:], len(grid.at)) - 1
    active = np.where(carried.kind == FrameKind.ROW, carried.phase, 0) == 2
    for code, (state, end) in enumerate(zip(states, ends.tolist(), strict=True)):
        start = grid.seed_at[code]
        state.greatest_tick = float(carried.greatest[end] - code * 2.0**32)
        actives = np.flatnonzero(active[start : end + 1])
        if len(actives):
            state.active_tick = float(carried.values["tick"][start + actives[-1]])
        for name in GAME_STATE:
            state.values[name] = float(carried.values[name][end])
            state.has[name] = bool(carried.has[name][end])
