"""The columnar driver: rows of features from blocks of events, what the assets run.

In: the events of one session, in order of arrival, in blocks of any size. Out: for each block the
rows that its frames make. Invariants: given the same events it makes the same rows, bit for bit, as
the event-by-event `ObservationBuilder`; how the events were cut into blocks changes nothing; memory
is bounded by the block and by the games of the session.

What the games carry at each event is worked out in ``game_grid``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import derived
from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import RECEIVED, Bools, Floats, PreviousRows
from rugs_assets.domain.event_columns import EventColumns
from rugs_assets.domain.execution_pass import ExecutionPass
from rugs_assets.domain.features import FEATURES, Carry, Phase, encode_game_id, to_float32
from rugs_assets.domain.frames import FrameKind, last_set
from rugs_assets.domain.game_grid import (
    GAME_STATE,
    STATE_INDEX,
    Carried,
    GameState,
    Grid,
    default_of,
)
from rugs_assets.domain.kept_states import KeptStates
from rugs_assets.domain.row_chain import entry_ticks, previous_rows

Ints = NDArray[np.int64]

SESSION_STATE = tuple(f.name for f in FEATURES if f.carry is Carry.SESSION and not f.made_of)


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
        phases: float64, one for each event: the phase of its game at it, 0 where it is no frame.
        ticks: float64, one for each event: the tick that its game carries at it.
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


@dataclass(frozen=True, slots=True)
class Frames:
    """What became of the frames of a block; the fields are those of `Rows`."""

    events: EventColumns
    kinds: NDArray[np.int8]
    phases: Floats
    ticks: Floats
    is_frame: Bools


class ObservationPass:
    """Walks one session; `push` its events block by block (or `push_frames`, but not both)."""

    def __init__(self) -> None:
        self._session = {name: (default_of(name), False) for name in SESSION_STATE}
        self._games = KeptStates()
        self._executions = ExecutionPass()
        self._own: str | None = None

    def push(self, block: pa.RecordBatch) -> Rows:
        """Take the next events of the session.

        Args:
            block: in the schema `RAW_WS_EVENTS`, all of one session.
        """
        events = EventColumns(block)
        executions = [(at, e) for at, e in self._executions.run(events) if e.episode_id is not None]
        games = list(dict.fromkeys([*events.games, *(str(e.episode_id) for _, e in executions)]))
        grid = Grid(events, games, executions)
        states = self._games.of(games)
        carried = Carried(grid, events, states, self._own_frames(events))
        at = np.flatnonzero(carried.kind == FrameKind.ROW)
        rows = self._rows(grid, events, carried, games, at)
        _save(grid, carried, states)
        return rows

    def push_frames(self, block: pa.RecordBatch) -> Frames:
        """As `push`, for those who want no features: what rows there are, and nothing in them."""
        events = EventColumns(block)
        grid = Grid(events, events.games, [])
        states = self._games.of(events.games)
        carried = Carried(grid, events, states, None)
        _save(grid, carried, states)
        for game in np.unique(grid.code[carried.phase == Phase.RUGGED]).tolist():
            at = (grid.code == game) & (carried.kind == FrameKind.ROW)
            states[game].is_over |= bool((carried.phase[at] == Phase.RUGGED).any())
        return Frames(
            events,
            grid.per_event(carried.kind, len(events)),
            grid.per_event(carried.phase, len(events)),
            grid.per_event(carried.values["tick"], len(events)),
            events.is_frame & (events.code >= 0),
        )

    def _own_frames(self, events: EventColumns) -> Bools:
        """Frames whose leaderboard shows the player that is the own one as of then."""
        announced = events.named(ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON)
        if self._own is None and not announced.any():
            return announced
        players = events.block["player_id"].to_numpy(zero_copy_only=False)
        announced = announced & (players != None)  # noqa: E711 # elementwise over objects
        last = last_set(announced)
        before = np.array([self._own], object)
        own = np.where(last >= 0, players[np.maximum(last, 0)], before)
        if len(own):
            self._own = own[-1]
        is_own = (own == players) & (own != None)  # noqa: E711 # as above
        return np.asarray(events.named(ev.FRAME) & is_own)

    def _rows(
        self, grid: Grid, events: EventColumns, carried: Carried, games: list[str], at: Ints
    ) -> Rows:
        """Derive the rows; ``at`` are their elements in the grid."""
        seeds = grid.seed_at
        chain = np.sort(np.concatenate([seeds, at]))
        is_row = ~grid.is_seed[chain]
        entry = entry_ticks(grid, carried, chain)
        previous = previous_rows(grid, carried, chain)
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
            to_float32(features),
            features,
            observed,
            ended,
            grid.per_event(carried.kind, len(events)),
            grid.per_event(carried.phase, len(events)),
            grid.per_event(carried.values["tick"], len(events)),
            events.is_frame & (events.code >= 0),
        )

    def _session_at(
        self, events: EventColumns, frames: Ints
    ) -> tuple[dict[str, Floats], dict[str, Bools]]:
        """What the session carries at the frames that make rows."""
        values: dict[str, Floats] = {}
        has: dict[str, Bools] = {}
        for name in SESSION_STATE:
            column, is_set = events.column(name)
            before, had = self._session[name]
            if not is_set.any():
                values[name] = np.full(len(frames), before)
                has[name] = np.full(len(frames), had)
                continue
            last = last_set(is_set)
            at = last[frames]
            values[name] = np.where(at >= 0, column[np.maximum(at, 0)], before)
            has[name] = (at >= 0) | had
            if len(last) and last[-1] >= 0:
                self._session[name] = float(column[last[-1]]), True
        return values, has


def _save_rows(
    grid: Grid,
    carried: Carried,
    chain: Ints,
    is_row: Bools,
    features: Floats,
    observed: Ints,
) -> None:
    """Remember each game's last row for the next block."""
    velocity, has_velocity = derived.velocity_of(features, observed)
    game = grid.code[chain[is_row]]
    counts = np.bincount(game, minlength=len(carried.states))
    entry = entry_ticks(grid, carried, chain)[is_row]
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


def _save(grid: Grid, carried: Carried, states: list[GameState]) -> None:
    """Remember what each game carries at the end of the block."""
    ends = np.append(grid.seed_at, len(grid.at))[1:] - 1
    active = (carried.kind == FrameKind.ROW) & (carried.phase == Phase.ACTIVE)
    last_active = last_set(active)[ends]
    for code, (state, end) in enumerate(zip(states, ends.tolist(), strict=True)):
        state.greatest_tick = float(carried.greatest[end] - code * 2.0**32)
        if last_active[code] >= grid.seed_at[code]:
            state.active_tick = float(carried.values["tick"][last_active[code]])
    for name, values in carried.values.items():
        index = STATE_INDEX[name]
        last = zip(states, values[ends].tolist(), carried.has[name][ends].tolist(), strict=True)
        for state, value, has in last:
            state.values[index] = value
            state.has[index] = has
