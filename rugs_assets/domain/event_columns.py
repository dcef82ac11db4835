"""Event columns: a block of events as arrays, each column made when it is first asked for.

In: a block of one session's events. Out: their names, games and values as numpy arrays. Used by the
columnar walk (``observation_pass`` and what it is made of) and by the views of ``episodes``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.columns import coded
from rugs_assets.domain.derived import Bools, Floats

_UNREAD = ("seq", "direction", "source_file", "source_position", "game_version", "trade_count")
EVENT_COLUMNS = tuple(
    name
    for name in ev.RAW_WS_EVENTS.names
    if name not in (*_UNREAD, "revealed", "server_seed_hash")
)
"""The columns of `raw_ws_events` that the walk reads; the others need not be read from disk."""


class EventColumns:
    """The columns of a block as arrays."""

    def __init__(self, block: pa.RecordBatch) -> None:
        self.block = block
        self.received_us = block["received_at"].cast(pa.int64()).to_numpy()
        self.is_context = block["is_context"].to_numpy(zero_copy_only=False)
        self._names, self._name_code = coded(block["event"])
        self._nowhere = np.zeros(len(self.received_us), bool)
        self._nowhere.flags.writeable = False
        self.is_frame = self.named(ev.FRAME) & ~self.is_context
        self.games, self.code = coded(block["episode_id"])
        self._columns: dict[str, tuple[Floats, Bools]] = {}

    def __len__(self) -> int:
        return len(self.received_us)

    def named(self, *names: str) -> Bools:
        """Which events have one of these names."""
        found = self._nowhere
        for name in names:
            if name in self._names:
                found = found | (self._name_code == self._names.index(name))
        return found

    def column(self, name: str) -> tuple[Floats, Bools]:
        """A column as (float64, anything where null; bool where not null); not to be written to."""
        if name not in self._columns:
            array = self.block[name]
            if array.null_count == len(array):
                return np.zeros(len(array)), self._nowhere
            has = array.is_valid().to_numpy(zero_copy_only=False)
            numbers: Any = array if array.type == pa.float64() else array.cast(pa.float64())
            _, data = numbers.buffers()  # read where they lie: to fill in nulls would copy them
            values = np.frombuffer(data, np.float64, len(array), 8 * numbers.offset)
            self._columns[name] = values, has
        return self._columns[name]
