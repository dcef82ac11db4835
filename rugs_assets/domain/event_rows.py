"""Rows of decoded events on their way into Arrow columns.

In: the events of a chunk by column, then row by row what their payloads say. Out: a batch in the
schema `DECODED`, and the rows that had to be rejected because a value is none (a tick that is no
whole number, a number beyond any meaning, a game id that names no date).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.clock import Stamps, parse_stamps
from rugs_assets.domain.columns import Array, optional, required
from rugs_assets.domain.event_heads import Heads, mostly_one, nothing
from rugs_assets.domain.payloads import Cells
from rugs_assets.domain.protocol import Payload, Rugpool
from rugs_assets.domain.row_checks import (
    CHECKED,
    GREATEST,
    REAL,
    WHOLE,
    is_not_whole,
    is_wrong,
    why_wrong,
)

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

_GAME_ID = re.compile(r"\d{8}-[0-9a-f]{16}", re.ASCII)
_NOTHING = Payload()
_POOL = ("rugpool_amount", "rugpool_threshold", "instarug_count")
"""The columns of `Rugpool`, in the order of its fields."""

_ATTRIBUTE = {column: attribute for column, attribute, _ in ev.FRAME_FIELDS}
_NUMBERS = (*(column for column in _ATTRIBUTE if column in WHOLE | REAL), *_POOL)
"""The columns of numbers that frames and player ticks fill."""

_OTHERS = (*(column for column in _ATTRIBUTE if column not in _NUMBERS), "server_seed_hash")
"""The other columns that they fill."""

_TICK = _NUMBERS.index("tick")
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


class EventRows:
    """The rows of a block, filled from their payloads and turned into a batch.

    Args:
        heads: what every event has.
        payloads: as `extend` takes them.
        any_game: whether a game may have any id; otherwise it must name its date.

    Attributes:
        rejected_bytes: how many bytes those of the rows had that are none.
    """

    def __init__(
        self,
        heads: Heads | None = None,
        payloads: Sequence[Payload | None] = (),
        *,
        any_game: bool = False,
    ) -> None:
        self._any_game = any_game
        self._heads = Heads([], [], [], [], [], [], [])
        self._used: list[bool] = []
        self._games: list[str | None] = []
        self._numbers: list[NDArray[np.float64]] = []
        self._unchecked: list[tuple[int, NDArray[np.float64]]] = []
        self._unchecked_cells: list[tuple[int, Cells]] = []
        self._values: dict[str, list[object]] = {name: [] for name in _OTHERS}
        self._cells: dict[str, dict[int, object]] = {}
        self._stamps: list[Stamps] = []
        self._bad: dict[int, str] = {}
        self._checked = 0
        self._rejects: list[Reject] = []
        self.rejected_bytes = 0
        if heads is not None:
            self.extend(heads, payloads)

    def __len__(self) -> int:
        return len(self._used)

    def extend(self, heads: Heads, payloads: Sequence[Payload | None]) -> None:
        """Take further events; of their payloads only the plain fields, so that they may go.

        Args:
            heads: what every event has.
            payloads: for each event the payload of a frame or player tick; None where it is no such
                event, or where its payload was lost.
        """
        if not payloads:
            return
        self._heads.extend(heads)
        self._used += [payload is not None for payload in payloads]
        sent = [_NOTHING if payload is None else payload for payload in payloads]
        # One flat list, cut by strides: tuples that lived on would call for the garbage collector.
        flat = list(chain.from_iterable(map(msgspec.structs.astuple, sent)))
        fields = [flat[at :: len(_FIELD)] for at in range(len(_FIELD))]
        self._games += fields[_FIELD["game_id"]]
        for column in _OTHERS[:-1]:
            self._values[column] += fields[_FIELD[_ATTRIBUTE[column]]]
        fairs = fields[_FIELD["provably_fair"]]
        self._values["server_seed_hash"] += [fair and fair.server_seed_hash for fair in fairs]
        pools = [_NO_POOL if pool is None else pool for pool in fields[_FIELD["rugpool"]]]
        of_pools = list(chain.from_iterable(map(msgspec.structs.astuple, pools)))
        numbers = chain(
            *(fields[_FIELD[_ATTRIBUTE[column]]] for column in _NUMBERS[: -len(_POOL)]),
            *(of_pools[at :: len(_POOL)] for at in range(len(_POOL))),
        )
        # In one array, and NaN for null: the wire knows no NaN, and calls cost more than numbers.
        found: Array = pa.array(list(numbers), pa.float64())
        self._numbers.append(found.to_numpy(zero_copy_only=False).reshape(len(_NUMBERS), -1))
        self._unchecked.append((len(self) - len(sent), self._numbers[-1]))

    def cells(self, row: int, cells: Cells) -> None:
        """A row has these values; ``game_id`` is the game it names."""
        self._used[row] = True
        self._unchecked_cells.append((row, cells))
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

    def check(self, raw: Callable[[int], bytes]) -> None:
        """Look at the rows that were taken since the last check; those with a wrong value are none.

        Args:
            raw: row -> the bytes of the record, for the rejects; not asked again for these rows.
        """
        first, self._checked = self._checked, len(self)
        if first == len(self):
            return
        stamps = parse_stamps(self._heads.stamps[first:])
        self._stamps.append(stamps)
        self._note(first, ~stamps.valid, "no readable time stamp")
        if not self._any_game:
            self._check_games(first)
        self._check_numbers()
        self._check_cells()
        heads = self._heads
        for row in sorted(row for row in self._bad if row >= first):
            text = raw(row)
            self.rejected_bytes += len(text)
            reject = Reject(
                heads.positions[row],
                self._bad[row],
                text,
                len(text),
                heads.sessions[row],
                heads.seqs[row],
                heads.files[row],
            )
            self._rejects.append(reject)

    def batch(self, raw: Callable[[int], bytes]) -> tuple[pa.RecordBatch, list[Reject]]:
        """The rows as a batch, and those that are none.

        Args:
            raw: as `check` takes it, for the rows that it has not seen.
        """
        self.check(raw)
        heads = self._heads
        stamps = self._stamps or [parse_stamps([])]
        arrays: list[Array] = [
            mostly_one(heads.sessions),
            pa.array(heads.seqs, pa.int64()),
            pa.array(np.concatenate([part.us for part in stamps]), pa.timestamp("us")),
            pa.array(np.concatenate([part.has_zone for part in stamps])),
            pa.array(heads.events, pa.string()),
            mostly_one(heads.directions),
            pa.array(self._games, pa.string()),
            pa.array(self._used, pa.bool_()),
            mostly_one(heads.files),
            pa.array(heads.positions, pa.int64()),
        ]
        numbers = np.concatenate([np.empty((len(_NUMBERS), 0)), *self._numbers], axis=1)
        sent = dict(zip(_NUMBERS, numbers, strict=True))
        arrays += [self._column(column.name, column.type, sent) for column in ev.TYPED]
        table = pa.RecordBatch.from_arrays(arrays, schema=DECODED)
        if not self._bad:
            return table, []
        keep = np.ones(len(self), bool)
        keep[list(self._bad)] = False
        return table.filter(pa.array(keep)), self._rejects

    def _column(self, name: str, dtype: Any, sent: dict[str, NDArray[np.float64]]) -> Array:
        numbers, cells = sent.get(name), self._cells.get(name)
        if name in WHOLE | REAL and not (numbers is None and cells is None):
            numbers = np.full(len(self), np.nan) if numbers is None else numbers
            if cells is not None:
                numbers[list(cells)] = np.fromiter(cells.values(), np.float64, len(cells))
            return self._numeric(name, dtype, numbers)
        given = self._values.get(name)
        if given is None and cells is None:
            return nothing(len(self), name, dtype)
        given = [None] * len(self) if given is None else given
        for row, value in (cells or {}).items():
            given[row] = value
        array: Array = pa.array(given, dtype)
        return array

    def _numeric(self, name: str, dtype: Any, numbers: NDArray[np.float64]) -> Array:
        """A column of numbers, NaN for null; wrong ones are no matter, their rows will go."""
        nulls = np.isnan(numbers)
        if nulls.all():
            return nothing(len(self), name, dtype)
        if name not in WHOLE:
            return pa.array(numbers, mask=nulls)
        nulls |= is_not_whole(numbers)
        return pa.array(np.where(nulls, 0, numbers).astype(np.int32), mask=nulls)

    def _check_numbers(self) -> None:
        """What frames and player ticks send."""
        for first, numbers in self._unchecked:
            wrong = np.abs(numbers) > GREATEST
            wrong[_TICK] = is_not_whole(numbers[_TICK])
            if wrong.any():
                for name, of_column in zip(_NUMBERS, wrong, strict=True):
                    self._note(first, of_column, why_wrong(name))
        self._unchecked.clear()

    def _check_cells(self) -> None:
        """What the other payloads say."""
        wrong = [
            (CHECKED[name], row, name)
            for row, cells in self._unchecked_cells
            for name, value in cells.items()
            if name in CHECKED and value is not None and is_wrong(name, value)
        ]
        for _, row, name in sorted(wrong):
            self._bad.setdefault(row, why_wrong(name))
        self._unchecked_cells.clear()

    def _note(self, first: int, wrong: NDArray[np.bool_], reason: str) -> None:
        if not wrong.any():
            return
        for at in np.flatnonzero(wrong).tolist():
            self._bad.setdefault(first + at, reason)

    def _check_games(self, first: int) -> None:
        """A row that names what is no game is none."""
        games = self._games[first:]
        wrong = {game for game in set(games) if game is not None and game_date(game) is None}
        if wrong:
            for row, game in enumerate(games, start=first):
                if game in wrong:
                    shown = repr(str(game)[:40])
                    self._bad.setdefault(row, f"gameId {shown} is not YYYYMMDD-<16 hex digits>")
