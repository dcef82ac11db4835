"""The event-by-event driver: what a live agent runs to see what it was trained on.

In: events in order of arrival, as the wire sent them (dicts) or as rows of `raw_ws_events`. Out: an
`Observation` of the present state, at any moment. Invariants: given the same events it makes the
same rows, bit for bit, as the columnar path (``observation_pass``); it knows only what has arrived.
The formulas stand in ``derived``, the meaning of the features in ``features``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain import derived
from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import RECEIVED, PreviousRows
from rugs_assets.domain.executions import Execution, ExecutionTracker
from rugs_assets.domain.features import (
    FEATURE_DEFAULTS,
    FEATURE_INDEX,
    FEATURE_NAMES,
    FEATURES,
    Carry,
    Observation,
    Phase,
    encode_game_id,
    to_float32,
)
from rugs_assets.domain.frames import FRAME_STATE, POSITION, FrameKind
from rugs_assets.domain.live import LiveReader

SESSION_STATE: tuple[str, ...] = tuple(
    f.name for f in FEATURES if f.carry is Carry.SESSION and not f.made_of
)
_DEFAULT = {name: float(FEATURE_DEFAULTS[FEATURE_INDEX[name]]) for name in RECEIVED}
_FLAGS = ("allow_pre_round_buys", "active", "rugged")


@dataclass(slots=True)
class _LastRow:
    tick: float
    price: float
    velocity: float
    has_price: bool
    has_velocity: bool


@dataclass(slots=True)
class _Game:
    """What is carried for one game."""

    episode_id: str | None
    values: dict[str, float] = field(default_factory=dict)
    frames: int = 0
    greatest_tick: float = -1.0
    last_active_tick: float | None = None
    is_over: bool = False
    rows: int = 0
    last_row: _LastRow | None = None
    entry_tick: float = 0.0
    in_position: bool = False
    press_tick: float = 0.0
    shown: _LastRow | None = None

    def phase(self) -> int:
        allow, active, rugged = (self.values.get(name, 0.0) for name in _FLAGS)
        if rugged:
            return Phase.RUGGED
        if active:
            return Phase.ACTIVE
        return Phase.PRESALE if allow else Phase.COOLDOWN


class ObservationBuilder:
    """Builds observations event by event.

    `update` takes one event and says whether it made a row (design.md 2); `build` gives the
    observation as of now. After an update that made a row, `build` is that row.
    """

    def __init__(self) -> None:
        self._reader = LiveReader()
        self._session: dict[str, float] = {}
        self._games: dict[str | None, _Game] = {None: _Game(None)}
        self._current = self._shown = self._games[None]
        # What came before the session's first frame belongs to its first game, once it is known.
        self._early: list[tuple[str | None, Callable[[_Game], None]]] | None = []
        self._executions = ExecutionTracker()
        self._elsewhere: set[str] = set()
        self._codes: dict[str | None, float] = {}
        self.frame: int | None = None
        self.kind = FrameKind.NO_FRAME

    @property
    def episode_id(self) -> str | None:
        """The game of the last event: the one that `build` shows."""
        return self._shown.episode_id

    def update(self, event: Mapping[str, Any]) -> bool:
        """Take an event as the wire sent it.

        Args:
            event: ``{"event" or "event_name": name, "data": payload, "ts": ...}``; without a name a
                payload is taken as a gameStateUpdate; flat dicts of the event store's columns
                (``game_id, tick, price, ...``) are frames too.

        Returns:
            Whether it made a row.

        Raises:
            Malformed: where a field has a wrong type.
        """
        return self.update_row(self._reader.row(event))

    def update_row(self, row: Mapping[str, Any]) -> bool:
        """Take an event as a row of `raw_ws_events`, with ``received_ms`` (receipt, epoch ms)."""
        event, named = row["event"], row["episode_id"]
        is_own = not row["is_context"]
        is_frame = is_own and event == ev.FRAME
        if is_frame:
            self._begin(named, row["received_ms"], is_over=bool(row["rugged"]))
        elif event == ev.FRAME and named is not None and named not in self._elsewhere:
            # A game of another date: it makes no row here, but it ends the wait for answers.
            self._elsewhere.add(named)
            self._executions.begin_game(named, row["received_ms"], is_over=bool(row["rugged"]))
        game = self._current if named is None else self._games.setdefault(named, _Game(named))
        self._carry_session(row)
        self.frame = None
        self.kind = self._take_frame(game, row) if is_frame else FrameKind.NO_FRAME
        for execution in self._executions.update({**row, "episode_id": game.episode_id}):
            self._carry(execution.episode_id, partial(_take_execution, execution))
        if is_own and self._shows_position(game, row):
            self._carry(game.episode_id, partial(_take_position, row))
        if is_own and event == ev.BUTTON:
            self._carry(game.episode_id, partial(_take_press, row))
        self._shown = game
        if self.kind is FrameKind.ROW:
            self._take_row(game)
        return self.kind is FrameKind.ROW

    def complete_row(self, row: Mapping[str, Any]) -> None:
        """Take the row of an earlier press again, now with what the server answered.

        In a capture a press record is complete; who plays live updates with the press as it is made
        and completes it when the answer has come, before updating with the answer itself.
        """
        for execution in self._executions.complete(row):
            self._carry(execution.episode_id, partial(_take_execution, execution))

    def build(self) -> Observation:
        """The observation as of now: of the game that the last event belongs to."""
        values, observed = self._derive(self._shown)
        row = dict(zip(FEATURE_NAMES, values.tolist(), strict=True))
        row |= {name: bool(row[name]) for name in _FLAGS}
        row |= {"game_phase": int(row["game_phase"]), "game_id": self._shown.episode_id}
        return Observation(**row, observed=observed)

    def to_numpy(self) -> NDArray[np.float32]:
        """The feature vector as of now, float32, shape (36,)."""
        values, _ = self._derive(self._shown)
        return to_float32(values)

    def _begin(self, named: str | None, received_ms: float, *, is_over: bool) -> None:
        """The first frame of a game makes it the current one.

        Not so where another one has begun and this one is over: that is the last word of the game
        before, overtaken by the first of the next (protocol.md 1).
        """
        game = self._games.get(named)
        if named is None or (game is not None and game.frames):
            return
        is_straggler = is_over and self._early is None
        if self._early is not None:
            game = _Game(named)
            nameless = () if self._games[None].frames else (None,)
            for belongs_to, take in self._early:
                if belongs_to in (named, *nameless):
                    take(game)
            self._early = None
        self._games[named] = game or _Game(named)
        if not is_straggler:
            self._current = self._games[named]
        self._executions.begin_game(named, received_ms, is_over=is_over)

    def _carry(self, episode_id: str | None, take: Callable[[_Game], None]) -> None:
        """Let a game carry something on."""
        if self._early is not None:
            self._early.append((episode_id, take))
        if episode_id in self._games:
            take(self._games[episode_id])

    def _carry_session(self, row: Mapping[str, Any]) -> None:
        for name in SESSION_STATE:
            if row[name] is not None:
                self._session[name] = float(row[name])

    def _take_frame(self, game: _Game, row: Mapping[str, Any]) -> FrameKind:
        """Apply a frame to its game and say what became of it (design.md 2)."""
        tick = row["tick"]
        game.frames += 1
        if game.is_over:
            return FrameKind.POST_RUG
        if tick is not None and tick < game.greatest_tick:
            return FrameKind.LATE
        if tick is not None:
            game.greatest_tick = float(tick)
        for name in FRAME_STATE:
            if row[name] is not None:
                game.values[name] = float(row[name])
        phase = game.phase()
        if phase == Phase.ACTIVE:
            now = game.values.get("tick", 0.0)
            if game.last_active_tick == now:
                return FrameKind.REPEATED
            game.last_active_tick = now
        game.is_over = phase == Phase.RUGGED
        return FrameKind.ROW

    def _shows_position(self, game: _Game, row: Mapping[str, Any]) -> bool:
        """Whether an event tells the own player's position in a way that counts."""
        if row["event"] != ev.FRAME:
            return row["event"] in (ev.PLAYER_TICK, ev.PLAYER_UPDATE)
        counts = self.kind not in (FrameKind.LATE, FrameKind.POST_RUG)
        # In COOLDOWN the leaderboard still is that of the game before.
        counts &= game.phase() != Phase.COOLDOWN
        own = self._executions.own
        return counts and own is not None and row["player_id"] == own

    def _take_row(self, game: _Game) -> None:
        """The present state is a row: the next one's velocity is measured from here."""
        qty = game.values.get("position_qty", 0.0)
        if qty != 0 and not game.in_position:
            game.entry_tick = game.values.get("tick", 0.0)
        game.in_position = qty != 0
        game.shown = game.last_row
        values, observed = self._derive(game)
        velocity, has_velocity = derived.velocity_of(values[None], np.array([observed]))
        game.last_row = _LastRow(
            game.values.get("tick", 0.0),
            game.values.get("price", 1.0),
            float(velocity[0]),
            "price" in game.values and "tick" in game.values,
            bool(has_velocity[0]),
        )
        self.frame, game.rows = game.rows, game.rows + 1

    def _derive(self, game: _Game) -> tuple[NDArray[np.float64], int]:
        known = {**self._session, **game.values}
        carried = {name: np.array([known.get(name, _DEFAULT[name])]) for name in RECEIVED}
        has = {name: np.array([name in known]) for name in RECEIVED}
        if game.episode_id not in self._codes:
            self._codes = {game.episode_id: encode_game_id(game.episode_id)}
        last = game.shown
        values, observed = derived.derive(
            carried,
            has,
            game_code=np.array([self._codes[game.episode_id]]),
            has_game=np.array([game.episode_id is not None]),
            previous=PreviousRows(
                np.array([last is not None]),
                np.array([last.tick if last else 0.0]),
                np.array([last.price if last else 0.0]),
                np.array([last.velocity if last else 0.0]),
                np.array([last.has_price if last else False]),
                np.array([last.has_velocity if last else False]),
            ),
            entry_tick=np.array([game.entry_tick if game.in_position else carried["tick"][0]]),
            press_tick=np.array([game.press_tick]),
        )
        return values[0], int(observed[0])


def _take_execution(execution: Execution, game: _Game) -> None:
    for name, value in (
        ("execution_tick", execution.tick),
        ("execution_price", execution.price),
        ("client_timestamp", execution.requested_ms),
        ("latency_ms", execution.latency_ms),
    ):
        if value is not None:
            game.values[name] = float(value)


def _take_position(row: Mapping[str, Any], game: _Game) -> None:
    for name in POSITION:
        if row[name] is not None:
            game.values[name] = float(row[name])


def _take_press(row: Mapping[str, Any], game: _Game) -> None:
    pressed = row["press_tick"]
    game.press_tick = float(game.values.get("tick", 0.0) if pressed is None else pressed)
    if row["bet_amount"] is not None:
        game.values["bet_amount"] = float(row["bet_amount"])
