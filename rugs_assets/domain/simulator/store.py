"""The event store: many small Parquet files, of server events and of the own player's presses.

In: records in order of receipt. Out: whole files. Invariants: columns and file names have exactly
the form of the real captures; a file holds at most 100 records and 5 seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random

import pyarrow as pa

from rugs_assets.domain.simulator.accounts import NANO
from rugs_assets.domain.simulator.buttons import ACTIONS, category
from rugs_assets.domain.simulator.client import Press
from rugs_assets.domain.simulator.games import MS, SECOND, moment
from rugs_assets.domain.simulator.numbers import number, sol
from rugs_assets.domain.simulator.outputs import Output, Stored, schema, table_of
from rugs_assets.domain.simulator.randomness import chance
from rugs_assets.domain.simulator.recording import Record
from rugs_assets.domain.simulator.wire import CUT, DUPLICATE, GOOD, Written, naive

Cells = tuple[object, ...]

STORE_SCHEMA = schema(
    ("ts", pa.string()),
    ("source", pa.string()),
    ("doc_type", pa.string()),
    ("session_id", pa.string()),
    ("seq", pa.int64()),
    ("direction", pa.string()),
    ("raw_json", pa.string()),
    ("game_id", pa.string()),
    ("player_id", pa.string()),
    ("username", pa.string()),
    ("event_name", pa.string()),
    ("price", pa.string()),
    ("tick", pa.int64()),
    ("action_type", pa.string()),
    ("cash", pa.string()),
    ("position_qty", pa.string()),
    ("button_id", pa.string()),
    ("button_category", pa.string()),
    ("sequence_id", pa.string()),
    ("sequence_position", pa.int64()),
)
"""Columns of the event store, as in the real captures."""

_PHASES = ("COOLDOWN", "PRESALE", "ACTIVE", "RUGGED")
_FLUSH_ROWS, _FLUSH_US = 100, 5 * SECOND


@dataclass(slots=True)
class StoreWriter:
    """One session's rows of one kind in the event store.

    Attributes:
        doc_type: `ws_event` or `button_event`.
        session_id: of every row.
        source: of every row.
        suffix: of the file names, to tell sessions apart.
        broken: probability that a row's JSON is cut off.
    """

    doc_type: str
    session_id: str
    source: str
    suffix: str
    broken: float
    rng: Random
    outputs: list[Output]
    _rows: list[Cells] = field(default_factory=list)
    _first_us: int = 0
    _path: str = ""

    def write(self, record: Record, *, repeat: bool) -> list[Written]:
        """Write a record; returns where it went."""
        raw, kind = f'{{"event": "{record.event}", "data": {record.data}}}', GOOD
        if self.broken and chance(self.rng, self.broken):
            raw, kind = raw[: self.rng.randrange(10, len(raw) - 1)], CUT
        direction = "sent" if record.sent else "received"
        cells: Cells = (direction, raw, record.game_id, record.player_id, None, record.event)
        row = self._head(record) + cells + (None,) * 9
        done = [self._put(record.at_us, row, kind)]
        if repeat and kind == GOOD:
            done.append(self._put(record.at_us, row, DUPLICATE))
        return done

    def press(self, record: Record, press: Press, username: str | None) -> Written:
        """Write a press, completed with its answer where there was one."""
        action = press.button if press.button in ACTIONS else None
        who: Cells = ("sent", button_record(press), press.game_id, record.player_id, username, None)
        state: Cells = (number(press.price), press.tick, action, sol(press.cash), sol(press.qty))
        kind: Cells = (press.button, category(press.button))
        place: Cells = (press.sequence_id, press.sequence_position)
        return self._put(record.at_us, self._head(record) + who + state + kind + place, GOOD)

    def _head(self, record: Record) -> Cells:
        stamp = naive(record.at_us)
        return (stamp, self.source, self.doc_type, self.session_id, record.seq)

    def flush(self) -> None:
        """Hand on the file that is buffered."""
        if self._rows:
            self.outputs.append(Stored(self._path, table_of(self._rows, STORE_SCHEMA)))
            self._rows = []

    def _put(self, at_us: int, row: Cells, kind: str) -> Written:
        if self._rows and (len(self._rows) >= _FLUSH_ROWS or at_us >= self._first_us + _FLUSH_US):
            self.flush()
        if not self._rows:
            self._first_us = at_us
            at = moment(at_us)
            folder = f"events_parquet/doc_type={self.doc_type}/date={at:%Y-%m-%d}"
            self._path = f"{folder}/{at:%Y%m%d_%H%M%S_%f}_{self.suffix}.parquet"
        self._rows.append(row)
        return Written(self._path, len(self._rows), kind)


def button_record(press: Press) -> str:
    """The JSON of a press as the client records it."""
    answered = press.answered
    order = press.order
    done = answered if answered is not None and answered.reason is None else None
    held = None
    if done is not None and done.tick is not None and press.in_position_since is not None:
        held = max(0, done.tick - press.in_position_since)
    price = None if done is None or done.price is None else float(number(done.price))
    record = {
        "ts": naive(press.pressed_us),
        "server_ts": None if answered is None else answered.server_us // MS,
        "button_id": press.button,
        "button_category": category(press.button),
        "tick": press.tick,
        "price": press.price,
        "game_phase": _PHASES[press.phase],
        "game_id": press.game_id,
        "balance": press.cash / NANO,
        "position_qty": press.qty / NANO,
        "bet_amount": press.bet / NANO,
        "ticks_since_last_action": press.since_last_action,
        "sequence_id": press.sequence_id,
        "sequence_position": press.sequence_position,
        "execution_tick": None if done is None else done.tick,
        "execution_price": price,
        "trade_id": None if done is None else done.trade_id,
        "client_timestamp": None if answered is None or order is None else order.asked_us // MS,
        "latency_ms": None
        if answered is None or order is None
        else answered.server_us // MS - order.asked_us // MS,
        "time_in_position": held,
    }
    return json.dumps(record)
