"""Executions in blocks: the same `ExecutionTracker`, given only the few events that can matter.

In: blocks of a session's events. Out: (index in the block, `Execution`) for each confirmed trade.
The tracker itself is the rule; here stands only which events it must see, and at which event an
answer that a press record dates had arrived.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain import events as ev
from rugs_assets.domain.derived import Bools, Floats
from rugs_assets.domain.event_columns import EventColumns
from rugs_assets.domain.executions import Execution, ExecutionTracker

_NAMING = (ev.BUTTON, ev.PLAYER_UPDATE, ev.USERNAME)
_OWN_EVENTS = (*_NAMING, ev.BUY_REQUEST, ev.SELL_REQUEST, ev.SIDEBET_REQUEST, ev.ANSWER)
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

    def run(self, events: EventColumns) -> list[tuple[int, Execution]]:
        """The executions that a block of events confirms: (index of the event, execution)."""
        block, received_ms = events.block, events.received_us / 1000
        begins = self._first_frames(events)
        interesting = events.named(*_OWN_EVENTS) | self._own_trades(events)
        if block["position_qty"].null_count < len(events):
            interesting |= block["position_qty"].is_valid().to_numpy(zero_copy_only=False)
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

    def _own_trades(self, events: EventColumns) -> Bools:
        """Trades of whoever is the own player at any time of the block: the others say nothing."""
        trades = events.named(ev.TRADE)
        if not trades.any():
            return trades
        players = events.block["player_id"]
        named = players.filter(pa.array(events.named(*_NAMING))).drop_null().to_pylist()
        own = {self._tracker.own, *named} - {None}
        if not own:
            return np.zeros(len(trades), bool)
        by_own = pc.is_in(players, pa.array(sorted(map(str, own)))).to_numpy(zero_copy_only=False)
        return np.asarray(trades & by_own)

    def _first_frames(self, events: EventColumns) -> dict[int, str]:
        """Index of the first frame (also of another date's game) of each game that had none."""
        begins: dict[int, str] = {}
        frames = np.flatnonzero(events.named(ev.FRAME) & (events.code >= 0))
        codes, firsts = np.unique(events.code[frames], return_index=True)
        for code, first in zip(codes.tolist(), frames[firsts].tolist(), strict=True):
            game = events.games[code]
            if game not in self._begun:
                self._begun.add(game)
                begins[first] = game
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
