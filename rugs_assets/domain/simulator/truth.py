"""The truth beside a capture: what every line, frame and press of a session really is.

In: records as they were written, in order. Out: Parquet tables, never in the captures' folder.
Grain: a line, a frame, a press. Invariant: rows are numbered by design.md 2 and presses assigned by
design.md 5, from what the capture really holds, and independently of the pipeline's code.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa

from rugs_assets.domain.simulator.buttons import ACTIONS, BUTTONS
from rugs_assets.domain.simulator.client import Press
from rugs_assets.domain.simulator.messages import ACTIVE, PRESALE, RUGGED, Frame
from rugs_assets.domain.simulator.outputs import Output, Truth, schema, table_of
from rugs_assets.domain.simulator.recording import Record
from rugs_assets.domain.simulator.wire import DUPLICATE, LOST, Written

LINES = schema(
    ("session_id", pa.string()),
    ("file", pa.string()),
    ("position", pa.int64()),
    ("seq", pa.int64()),
    ("event", pa.string()),
    ("kind", pa.string()),
    ("is_broken", pa.bool_()),
)
"""Each piece of a file: where it begins (line or row from 1), its kind, whether it is no record."""

FRAMES = schema(
    ("session_id", pa.string()),
    ("game_id", pa.string()),
    ("seq", pa.int64()),
    ("received_us", pa.int64()),
    ("phase", pa.int8()),
    ("tick", pa.int32()),
    ("price", pa.float64()),
    ("row", pa.int32()),
    ("cash", pa.int64()),
    ("position_qty", pa.int64()),
    ("average_cost", pa.int64()),
    ("total_invested", pa.int64()),
    ("pnl", pa.int64()),
    ("side_bet", pa.int64()),
    ("side_bet_until", pa.int32()),
)
"""Each frame in the capture: the row of its game (from 0) that it makes, or null; and the own
player's exact state on the server when it was sent, 1e-9 SOL or tokens. At a rug that state is
already settled, while the messages that say so arrive after the frame. `pnl` is at the frame's
price: in play the player is told it only after the frame, by the next gameStatePlayerUpdate."""

PRESSES = schema(
    ("session_id", pa.string()),
    ("seq", pa.int64()),
    ("pressed_us", pa.int64()),
    ("button", pa.string()),
    ("sequence_id", pa.string()),
    ("sequence_position", pa.int32()),
    ("game_id", pa.string()),
    ("phase", pa.int8()),
    ("tick", pa.int32()),
    ("row", pa.int32()),
    ("row_tick", pa.int32()),
    ("reason", pa.string()),
    ("outcome", pa.string()),
    ("trade_id", pa.string()),
    ("execution_tick", pa.int32()),
    ("execution_price", pa.float64()),
    ("server_us", pa.int64()),
)
"""Each press: the row it belongs to (with that row's tick), or the reason why to none: `phase` (not
in presale nor play), `unknown_button`, `no_row` (none within one tick), `row_taken` (by an earlier
action). `outcome`: `executed`, `refused`, `lost` (never answered) or `none` (nothing was asked)."""

_ROWS_A_FILE = 50_000


@dataclass(slots=True)
class GameRows:
    """The rows of one game in one session so far.

    Attributes:
        count: rows.
        by_tick: row of each active tick.
        last_presale: row of the last presale frame.
        taken: rows that an action has taken.
    """

    count: int = 0
    highest: int = 0
    rugged: bool = False
    by_tick: dict[int, int] = field(default_factory=dict)
    last_presale: int | None = None
    taken: set[int] = field(default_factory=set)
    waiting: list[tuple[Record, Press, int | None]] = field(default_factory=list)

    def take(self, frame: Frame) -> int | None:
        """The row a frame makes, None where it makes none (design.md 2)."""
        if self.rugged:
            return None
        if frame.tick is not None:
            if frame.tick < self.highest:
                return None
            self.highest = frame.tick
        if frame.phase == ACTIVE and frame.tick is not None:
            if frame.tick in self.by_tick:
                return None
            self.by_tick[frame.tick] = self.count
        row, self.count = self.count, self.count + 1
        self.rugged = frame.phase == RUGGED
        if frame.phase == PRESALE:
            self.last_presale = row
        return row

    def place(self, press: Press, presale_row: int | None) -> tuple[int | None, int | None, str]:
        """Row, its tick, and the reason for none (design.md 5)."""
        if press.button not in BUTTONS:
            return None, None, "unknown_button"
        if press.phase not in (PRESALE, ACTIVE):
            return None, None, "phase"
        row, tick = presale_row, 0
        if press.phase == ACTIVE:
            near = [press.tick + away for away in (0, -1, 1) if press.tick + away in self.by_tick]
            row, tick = (self.by_tick[near[0]], near[0]) if near else (None, 0)
        if row is None:
            return None, None, "no_row"
        if press.button in ACTIONS:
            if row in self.taken:
                return None, None, "row_taken"
            self.taken.add(row)
        return row, tick, ""


class SessionTruth:
    """What is true of one session of the captures."""

    def __init__(self, session_id: str, name: str, outputs: list[Output]) -> None:
        self.session_id, self._name, self._outputs = session_id, name, outputs
        self._games: dict[str, GameRows] = {}
        self._columns: dict[str, list[tuple[object, ...]]] = {}
        self._parts: dict[str, int] = {}

    def wrote(self, record: Record, written: list[Written]) -> None:
        """Take in a record and what has become of it."""
        for where in written:
            broken = where.kind in LOST
            row = (self.session_id, where.path, where.position, record.seq, record.event)
            self._add("lines", LINES, (*row, where.kind, broken))
        kept = any(where.kind not in LOST and where.kind != DUPLICATE for where in written)
        if kept and record.frame is not None:
            self._frame(record, record.frame)

    def pressed(self, record: Record, press: Press) -> None:
        """Take in a press; it is placed when its game's rows are known."""
        rows = self._rows(press.game_id)
        rows.waiting.append((record, press, rows.last_presale))

    def close_game(self, game_id: str) -> None:
        """No more frames of a game will come: place its presses."""
        rows = self._games.pop(game_id, None)
        if rows is None:
            return
        for record, press, presale_row in rows.waiting:
            row, tick, reason = rows.place(press, presale_row)
            self._press(record, press, (row, tick, reason or None))

    def close(self) -> None:
        """The session is over."""
        for game_id in list(self._games):
            self.close_game(game_id)
        for name, of in (("lines", LINES), ("frames", FRAMES), ("presses", PRESSES)):
            self._flush(name, of)

    def _rows(self, game_id: str) -> GameRows:
        return self._games.setdefault(game_id, GameRows())

    def _frame(self, record: Record, frame: Frame) -> None:
        row = self._rows(frame.game.id).take(frame)
        has = record.holdings
        state: tuple[object, ...] = (None,) * 7
        if has is not None:
            state = (has.cash, has.qty, has.average_cost, has.invested, has.pnl, has.bet)
            state += (has.bet_until,)
        line = (self.session_id, frame.game.id, record.seq, record.at_us, frame.phase)
        self._add("frames", FRAMES, (*line, frame.tick, frame.price, row, *state))

    def _press(
        self, record: Record, press: Press, placed: tuple[int | None, int | None, str | None]
    ) -> None:
        answered = press.answered
        outcome = "none" if press.order is None else "lost"
        result: tuple[object, ...] = (None,) * 4
        if answered is not None:
            outcome = "executed" if answered.reason is None else "refused"
            result = (answered.trade_id, answered.tick, answered.price, answered.server_us)
        what = (self.session_id, record.seq, record.at_us, press.button, press.sequence_id)
        where = (press.sequence_position, press.game_id, press.phase, press.tick)
        self._add("presses", PRESSES, (*what, *where, *placed, outcome, *result))

    def _add(self, name: str, of: pa.Schema, row: tuple[object, ...]) -> None:
        rows = self._columns.setdefault(name, [])
        rows.append(row)
        if len(rows) >= _ROWS_A_FILE:
            self._flush(name, of)

    def _flush(self, name: str, of: pa.Schema) -> None:
        rows = self._columns.pop(name, [])
        part = self._parts[name] = self._parts.get(name, -1) + 1
        if rows or part == 0:
            path = f"{name}/{self._name}-{part:04d}.parquet"
            self._outputs.append(Truth(path, table_of(rows, of)))
