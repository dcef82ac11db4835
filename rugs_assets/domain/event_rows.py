"""Rows of decoded events on their way into Arrow columns.

In: one event after the other, with its payload or its cells. Out: a batch in the schema `DECODED`,
and the rows that had to be rejected because a value is none (a tick that is no whole number, a
number beyond any meaning, a game id that names no date). Used by ``capture`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.clock import Stamp, parse_stamps
from rugs_assets.domain.columns import Array, optional, required
from rugs_assets.domain.payloads import Cells
from rugs_assets.domain.protocol import Payload
from rugs_assets.domain.records import Reject

DECODED = pa.schema(
    [
        required("session_id", pa.string()),
        required("seq", pa.int64()),
        required("stamped_at", pa.timestamp("us")),
        required("has_zone", pa.bool_()),
        required("event", pa.string()),
        required("direction", pa.string()),
        optional("game_id", pa.string()),
        required("is_used", pa.bool_()),
        required("source_file", pa.string()),
        required("source_position", pa.int64()),
        *ev.TYPED,
    ]
)
"""Events as decoded: one row an event, used or not; stamps still in the capture's clock."""

GREATEST = 1e18
"""No quantity of the game comes near it; products of two still fit a float32."""

_GAME_ID = re.compile(r"\d{8}-[0-9a-f]{16}")
_NOTHING = Payload()


def game_date(game_id: str) -> date | None:
    """The UTC date in a gameId `YYYYMMDD-<16 hex>`; None where it is no such id."""
    if not _GAME_ID.fullmatch(game_id):
        return None
    try:
        return date(int(game_id[:4]), int(game_id[4:6]), int(game_id[6:8]))
    except ValueError:
        return None


class EventRows:
    """Collects rows of one file and turns them into a batch.

    Args:
        source_file: the name that leads back to the file.
    """

    def __init__(self, source_file: str) -> None:
        self._source_file = source_file
        self._indexes: list[int] = []
        self._positions: list[int] = []
        self._sessions: list[str] = []
        self._seqs: list[int] = []
        self._stamps: list[Stamp] = []
        self._events: list[str] = []
        self._directions: list[str] = []
        self._payloads: list[Payload] = []
        self._used: list[bool] = []
        self._games: list[str | None] = []
        self._cells: dict[str, dict[int, object]] = {}
        self._bad: dict[int, str] = {}

    def start(
        self,
        index: int,
        position: int,
        session_id: str,
        seq: int,
        stamp: Stamp,
        event: str,
        direction: str,
    ) -> None:
        """Begin a row: an event of which nothing more is known yet."""
        self._indexes.append(index)
        self._positions.append(position)
        self._sessions.append(session_id)
        self._seqs.append(seq)
        self._stamps.append(stamp)
        self._events.append(event)
        self._directions.append(direction)
        self._payloads.append(_NOTHING)
        self._used.append(False)
        self._games.append(None)

    def payload(self, payload: Payload) -> None:
        """The row just begun is a frame or a player tick with this payload."""
        self._payloads[-1] = payload
        self._used[-1] = True
        self._games[-1] = payload.game_id

    def cells(self, cells: Cells) -> None:
        """The row just begun has these values; ``game_id`` is the game it names."""
        row = len(self._positions) - 1
        self._used[row] = True
        for name, value in cells.items():
            if value is None:
                continue
            if name == "game_id":
                self._games[row] = value
            else:
                self._cells.setdefault(name, {})[row] = value

    def reject(self, reason: str) -> None:
        """The row just begun is no usable event."""
        self._bad[len(self._positions) - 1] = reason

    def batch(self, raw: Callable[[int], bytes]) -> tuple[pa.RecordBatch, list[Reject]]:
        """The rows as a batch, and those that are none.

        Args:
            raw: index (as given to `start`) -> the bytes of the record, for the rejects.
        """
        stamps = parse_stamps(self._stamps)
        self._note(~stamps.valid, "no readable time stamp")
        self._check_games()
        arrays: list[Array] = [
            pa.array(self._sessions, pa.string()),
            pa.array(self._seqs, pa.int64()),
            pa.array(stamps.us, pa.timestamp("us")),
            pa.array(stamps.has_zone),
            pa.array(self._events, pa.string()),
            pa.array(self._directions, pa.string()),
            pa.array(self._games, pa.string()),
            pa.array(self._used, pa.bool_()),
            pa.array([self._source_file] * len(self._seqs), pa.string()),
            pa.array(self._positions, pa.int64()),
        ]
        values = self._values()
        arrays += [self._column(column.name, column.type, values) for column in ev.TYPED]
        table = pa.RecordBatch.from_arrays(arrays, schema=DECODED)
        rejects = [
            Reject(
                self._positions[row],
                reason,
                text := raw(self._indexes[row]),
                len(text),
                self._sessions[row],
                self._seqs[row],
            )
            for row, reason in sorted(self._bad.items())
        ]
        if self._bad:
            keep = np.ones(len(self._seqs), bool)
            keep[list(self._bad)] = False
            table = table.filter(pa.array(keep))
        return table, rejects

    def _values(self) -> dict[str, list[object]]:
        """The columns that frames and player ticks fill."""
        payloads = self._payloads
        values: dict[str, list[object]] = {
            column: [getattr(payload, attribute) for payload in payloads]
            for column, attribute, _ in ev.FRAME_FIELDS
        }
        pools = [payload.rugpool for payload in payloads]
        values["rugpool_amount"] = [pool and pool.rugpool_amount for pool in pools]
        values["rugpool_threshold"] = [pool and pool.threshold for pool in pools]
        values["instarug_count"] = [pool and pool.instarug_count for pool in pools]
        values["server_seed_hash"] = [
            payload.provably_fair and payload.provably_fair.server_seed_hash for payload in payloads
        ]
        return values

    def _column(self, name: str, dtype: Any, values: dict[str, list[object]]) -> Array:
        cells = self._cells.get(name)
        given = values.get(name)
        if given is None:
            if cells is None:
                nothing: Array = pa.nulls(len(self._seqs), dtype)
                return nothing
            given = [None] * len(self._seqs)
        for row, value in (cells or {}).items():
            given[row] = value
        if pa.types.is_int32(dtype):
            return self._whole(name, pa.array(given, pa.float64()))
        array: Array = pa.array(given, dtype)
        if pa.types.is_float64(dtype):
            numbers = array.to_numpy(zero_copy_only=False)
            self._note(np.abs(numbers) > GREATEST, f"{name} is beyond {GREATEST:g}")
        return array

    def _whole(self, name: str, numbers: Array) -> Array:
        """A column of ticks or positions: whole, from 0, within int32."""
        found = numbers.to_numpy(zero_copy_only=False)
        present = ~np.isnan(found)
        wrong = present & ((found != np.floor(found)) | (found < 0) | (found >= 2**31))
        self._note(wrong, f"{name} is not a whole number from 0 to 2^31 - 1")
        whole = np.where(present & ~wrong, found, 0).astype(np.int32)
        return pa.array(whole, mask=~present | wrong)

    def _note(self, wrong: NDArray[np.bool_], reason: str) -> None:
        for row in np.flatnonzero(wrong).tolist():
            self._bad.setdefault(row, reason)

    def _check_games(self) -> None:
        named = {game for game in self._games if game is not None}
        wrong = {game for game in named if game_date(game) is None}
        if wrong:
            for row, game in enumerate(self._games):
                if game in wrong:
                    self._bad.setdefault(row, f"gameId {game!r} is not YYYYMMDD-<16 hex digits>")
