"""Rows of decoded events on their way into Arrow columns.

In: the events of a chunk by column, then row by row what their payloads say. Out: a batch in the
schema `DECODED`, and the rows that had to be rejected because a value is none (a tick that is no
whole number, a number beyond any meaning, a game id that names no date). Used by ``capture`` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.clock import Stamp, parse_stamps
from rugs_assets.domain.columns import Array, optional, required
from rugs_assets.domain.payloads import Cells
from rugs_assets.domain.protocol import Payload, Rugpool

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

_GAME_ID = re.compile(r"\d{8}-[0-9a-f]{16}", re.ASCII)
_NOTHING = Payload()
_NULLS: dict[str, Array] = {}
_WHOLE = {column.name for column in ev.TYPED if pa.types.is_int32(column.type)}
_REAL = {column.name for column in ev.TYPED if pa.types.is_float64(column.type)}
_POOL = ("rugpool_amount", "rugpool_threshold", "instarug_count")
"""The columns of `Rugpool`, in the order of its fields."""

_NO_POOL = Rugpool()
_FIELD = {name: at for at, name in enumerate(Payload.__struct_fields__)}


def game_date(game_id: str) -> date | None:
    """The UTC date in a gameId `YYYYMMDD-<16 hex>`; None where it is no such id."""
    if not _GAME_ID.fullmatch(game_id):
        return None
    try:
        return date(int(game_id[:4]), int(game_id[4:6]), int(game_id[6:8]))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Heads:
    """What every event has, by column; all of the same length."""

    positions: Sequence[int]
    sessions: Sequence[str]
    seqs: Sequence[int]
    stamps: Sequence[Stamp]
    events: Sequence[str]
    directions: Sequence[str]


class EventRows:
    """The rows of a chunk of one file, filled from their payloads and turned into a batch.

    Args:
        source_file: the name that leads back to the file.
        heads: what every event has.
        payloads: for each event the payload of a frame or player tick; None where it is no such
            event, or where its payload was lost.
        any_game: whether a game may have any id; otherwise it must name its date.
    """

    def __init__(
        self,
        source_file: str,
        heads: Heads,
        payloads: Sequence[Payload | None],
        *,
        any_game: bool = False,
    ) -> None:
        self._any_game = any_game
        self._source_file = source_file
        self._heads = heads
        self._payloads = [_NOTHING if payload is None else payload for payload in payloads]
        self._used = [payload is not None for payload in payloads]
        self._games: list[str | None] = [payload.game_id for payload in self._payloads]
        self._cells: dict[str, dict[int, object]] = {}
        self._bad: dict[int, str] = {}

    def cells(self, row: int, cells: Cells) -> None:
        """A row has these values; ``game_id`` is the game it names."""
        self._used[row] = True
        for name, value in cells.items():
            if value is None:
                continue
            if name == "game_id":
                self._games[row] = value
            else:
                self._cells.setdefault(name, {})[row] = value

    def reject(self, row: int, reason: str) -> None:
        """A row is no usable event."""
        self._bad[row] = reason

    def batch(self, raw: Callable[[int], bytes]) -> tuple[pa.RecordBatch, list[Reject]]:
        """The rows as a batch, and those that are none.

        Args:
            raw: row -> the bytes of the record, for the rejects.
        """
        heads = self._heads
        stamps = parse_stamps(heads.stamps)
        self._note(~stamps.valid, "no readable time stamp")
        games: Array = pa.array(self._games, pa.string())
        if not self._any_game:
            self._check_games(games)
        arrays: list[Array] = [
            _mostly_one(heads.sessions),
            pa.array(heads.seqs, pa.int64()),
            pa.array(stamps.us, pa.timestamp("us")),
            pa.array(stamps.has_zone),
            pa.array(heads.events, pa.string()),
            _mostly_one(heads.directions),
            games,
            pa.array(self._used, pa.bool_()),
            pa.repeat(self._source_file, len(heads.seqs)),
            pa.array(heads.positions, pa.int64()),
        ]
        values = self._values()
        arrays += [self._column(column.name, column.type, values) for column in ev.TYPED]
        table = pa.RecordBatch.from_arrays(arrays, schema=DECODED)
        if not self._bad:
            return table, []
        keep = np.ones(len(heads.seqs), bool)
        keep[list(self._bad)] = False
        return table.filter(pa.array(keep)), self._rejects(raw)

    def _rejects(self, raw: Callable[[int], bytes]) -> list[Reject]:
        heads = self._heads
        return [
            Reject(
                heads.positions[row],
                reason,
                text := raw(row),
                len(text),
                heads.sessions[row],
                heads.seqs[row],
            )
            for row, reason in sorted(self._bad.items())
        ]

    def _values(self) -> dict[str, Sequence[object]]:
        """The columns that frames and player ticks fill."""
        fields = list(zip(*map(msgspec.structs.astuple, self._payloads), strict=True))
        if not fields:
            return {}
        values: dict[str, Sequence[object]] = {
            column: fields[_FIELD[attribute]] for column, attribute, _ in ev.FRAME_FIELDS
        }
        pools = [_NO_POOL if pool is None else pool for pool in fields[_FIELD["rugpool"]]]
        shown = zip(*map(msgspec.structs.astuple, pools), strict=True)
        values |= dict(zip(_POOL, shown, strict=True))
        values["server_seed_hash"] = [
            fair and fair.server_seed_hash for fair in fields[_FIELD["provably_fair"]]
        ]
        return values

    def _column(self, name: str, dtype: Any, values: dict[str, Sequence[object]]) -> Array:
        given = values.get(name)
        cells = self._cells.get(name)
        if cells is not None:
            filled: list[object] = [None] * len(self._used) if given is None else list(given)
            for row, value in cells.items():
                filled[row] = value
            given = filled
        if given is None:
            return _nothing(len(self._used), name, dtype)
        if name in _WHOLE:
            return self._whole(name, pa.array(given, pa.float64()))
        array: Array = pa.array(given, dtype)
        if name in _REAL and array.null_count < len(array):
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
        if not wrong.any():
            return
        for row in np.flatnonzero(wrong).tolist():
            self._bad.setdefault(row, reason)

    def _check_games(self, games: Array) -> None:
        """A row that names what is no game is none."""
        named = [game for game in games.unique().to_pylist() if game is not None]
        wrong = {game for game in named if game_date(str(game)) is None}
        if wrong:
            for row, game in enumerate(self._games):
                if game in wrong:
                    shown = repr(str(game)[:40])
                    self._bad.setdefault(row, f"gameId {shown} is not YYYYMMDD-<16 hex digits>")


def _nothing(count: int, name: str, dtype: Any) -> Array:
    """A column of nulls; most columns of most chunks are, so they share their memory."""
    nulls = _NULLS.get(name)
    if nulls is None or len(nulls) < count:
        nulls = _NULLS[name] = pa.nulls(max(count, 8_192), dtype)
    return nulls.slice(0, count)


def _mostly_one(texts: Sequence[str]) -> Array:
    """A column of texts that are nearly always all the same."""
    if len(set(texts)) == 1:
        return pa.repeat(texts[0], len(texts))
    return pa.array(texts, pa.string())
