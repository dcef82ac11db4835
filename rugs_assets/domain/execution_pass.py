"""Executions in blocks: the same `ExecutionTracker`, given only the few events that can matter.

In: blocks of a session's events. Out: (index in the block, `Execution`) for each confirmed trade.
The tracker itself is the rule; here stands only which events it must see, and at which event an
answer that a press record dates had arrived.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import Bools, Floats
from rugs_assets.domain.executions import Execution, ExecutionTracker

_OWN_EVENTS = (
    ev.BUTTON,
    ev.BUY_REQUEST,
    ev.SELL_REQUEST,
    ev.SIDEBET_REQUEST,
    ev.ANSWER,
    ev.PLAYER_UPDATE,
    ev.USERNAME,
    ev.TRADE,
)
_COLUMNS = (
    "event",
    "episode_id",
    "player_id",
    "tick",
    "active",
    "allow_pre_round_buys",
    "position_qty",
    "button_id",
    "client_timestamp_ms",
    "server_timestamp_ms",
    "trade_tick",
    "trade_price",
    "trade_side",
    "trade_id",
    "latency_ms",
)


class ExecutionPass:
    """Follows a session block by block."""

    def __init__(self) -> None:
        self._tracker = ExecutionTracker()
        self._begun: set[str] = set()

    def run(
        self, block: pa.RecordBatch, names: NDArray[np.str_], is_frame: Bools, received_ms: Floats
    ) -> list[tuple[int, Execution]]:
        """The executions that a block confirms.

        Args:
            block: the events.
            names: their names, as text.
            is_frame: which of them are frames, of the date's own games or of others'.
            received_ms: when each was received, epoch ms.
        """
        begins = self._first_frames(block, is_frame)
        interesting = np.isin(names, _OWN_EVENTS) | block["position_qty"].is_valid().to_numpy(False)
        interesting[list(begins)] = True
        rugged = block["rugged"].fill_null(False).to_numpy(zero_copy_only=False)
        at = np.flatnonzero(interesting)
        rows = block.select(_COLUMNS).take(at).to_pylist()
        found: list[tuple[int, Execution]] = []
        after = 0
        for index, row in zip(at.tolist(), rows, strict=True):
            found += self._pass_time(received_ms, after, index)
            if index in begins:
                is_over = bool(rugged[index])
                self._tracker.begin_game(begins[index], received_ms[index], is_over=is_over)
            row["received_ms"] = float(received_ms[index])
            found += [(index, execution) for execution in self._tracker.update(row)]
            after = index + 1
        return found + self._pass_time(received_ms, after, len(received_ms))

    def _first_frames(self, block: pa.RecordBatch, is_frame: Bools) -> dict[int, str]:
        """Index of the first frame of each game that had none before."""
        begins: dict[int, str] = {}
        games = block["episode_id"].dictionary_encode()
        codes = games.indices.to_numpy(zero_copy_only=False)
        for code, game in enumerate(map(str, games.dictionary.to_pylist())):
            if game not in self._begun and (is_frame & (codes == code)).any():
                self._begun.add(game)
                begins[int(np.argmax(is_frame & (codes == code)))] = game
        return begins

    def _pass_time(self, received_ms: Floats, start: int, end: int) -> list[tuple[int, Execution]]:
        """Answers that fell due at an event in between, which itself says nothing of the player."""
        found: list[tuple[int, Execution]] = []
        while start < end and (due := self._tracker.due_ms()) is not None:
            arrived = np.flatnonzero(received_ms[start:end] >= due)
            if not len(arrived):
                break
            start += int(arrived[0])
            found += [(start, e) for e in self._tracker.pass_time(float(received_ms[start]))]
        return found
