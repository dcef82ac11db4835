"""Executions: the own player's last confirmed trade, and the moment it became known.

In: the events of a session in order of arrival (only the own player's matter). Out: for each event
that confirms a trade, or says more about the last one, the values of features 32 to 35 from then
on. Invariants: causal. A press record is completed after the fact, so nothing that the server's
answer filled in counts before a confirmation had arrived: the answer to the request, an event
received at or after the time of the answer in the press record, the own newTrade, or a player state
whose position changed, whichever comes first (design.md 2, protocol.md 13). The others then are
echoes of the same trade: they may add what was not known yet, but confirm no other request. What a
request is and which one a piece of evidence speaks of stands in ``requests``. Both drivers run this
class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rugs_assets.domain import events as ev
from rugs_assets.domain.requests import Request, Requests

_STATES = frozenset({ev.PLAYER_UPDATE, ev.PLAYER_TICK, ev.FRAME})
_NAMING = frozenset({ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON})
_SAME_QTY = 1e-6
"""Relative difference up to which two positions are one that was told with fewer digits."""


@dataclass(frozen=True, slots=True)
class Execution:
    """A confirmed trade; None where nothing said it.

    Attributes:
        tick: tickIndex of the trade; ``price`` its price.
        requested_ms: when it was requested, ms since the game's first frame was received.
        latency_ms: server time - client time of the request.
    """

    episode_id: str | None
    tick: float | None = None
    price: float | None = None
    requested_ms: float | None = None
    latency_ms: float | None = None


@dataclass(slots=True)
class ExecutionTracker:
    """Follows one session; `update` every event in order of arrival."""

    own: str | None = None
    _requests: Requests = field(default_factory=Requests)
    _quantity: dict[str | None, float] = field(default_factory=dict)
    _entry_tick: dict[str | None, int] = field(default_factory=dict)
    _began_ms: dict[str, float] = field(default_factory=dict)
    _last: Request | None = None

    def begin_game(self, episode_id: str, received_ms: float, *, is_over: bool) -> None:
        """The first frame of a game was received; where it is rugged, the game is over already."""
        if is_over and self._began_ms:
            return  # The last word of the game before this one, overtaken by its first.
        if not self._began_ms:
            # What came before the session's first frame belongs to its first game.
            self._requests.name_nameless(episode_id)
            if None in self._quantity:
                self._quantity.setdefault(episode_id, self._quantity.pop(None))
        self._requests.keep_only(episode_id)
        self._began_ms[episode_id] = received_ms

    def due_ms(self) -> float | None:
        """The time of receipt from which a recorded answer counts; None where none is awaited."""
        return min((request.answered_ms for request in self._requests.to_fall_due()), default=None)

    def pass_time(self, now_ms: float) -> list[Execution]:
        """An event was received at this time: presses whose recorded answer had arrived by then."""
        due = [r for r in self._requests.to_fall_due() if r.answered_ms <= now_ms]
        return [execution for request in due for execution in self._confirm(request)]

    def update(self, row: Mapping[str, Any]) -> list[Execution]:
        """Take one event.

        Args:
            row: a row of `raw_ws_events`; ``received_ms`` is its time of receipt in epoch ms.

        Returns:
            The executions that it confirms or completes, in order.
        """
        found = self.pass_time(row["received_ms"])
        event = row["event"]
        if event in _NAMING and row["player_id"] is not None:
            self.own = row["player_id"]
        if event == ev.BUTTON:
            self._requests.press(row)
        elif event in (ev.BUY_REQUEST, ev.SELL_REQUEST, ev.SIDEBET_REQUEST):
            self._requests.ask(row)
        elif event == ev.ANSWER:
            found += self._answer(row)
        elif event == ev.TRADE:
            found += self._trade(row)
        if event in _STATES and row["position_qty"] is not None:
            found += self._state(row)
        return found

    def complete(self, row: Mapping[str, Any]) -> list[Execution]:
        """Take the record of an earlier press again, now with what the server answered.

        A capture holds press records as they were completed later; who plays live has the answer
        when it comes. Completed before any evidence of the trade is taken, the rows are those of
        the capture.
        """
        request = self._requests.complete(row)
        if request is None or not request.is_confirmed:
            return []
        answer = row["trade_tick"], row["trade_price"], row["latency_ms"]
        return self._confirm(request, tick=answer[0], price=answer[1], latency=answer[2])

    def _answer(self, row: Mapping[str, Any]) -> list[Execution]:
        price, verdict = row["trade_price"], row["trade_side"]
        if verdict is None and price is None:
            return []
        request = self._requests.answered(
            row["received_ms"], refused=verdict == "refused", has_price=price is not None
        )
        if request is None:
            return []
        latency = request.latency_ms
        if latency is None and row["server_timestamp_ms"] is not None:
            latency = row["server_timestamp_ms"] - request.client_ms
        return self._confirm(request, price=price, latency=latency)

    def _trade(self, row: Mapping[str, Any]) -> list[Execution]:
        if self.own is None or row["player_id"] != self.own:
            return []
        tick, price = row["trade_tick"], row["trade_price"]
        request = self._requests.traded(
            row["episode_id"], row["trade_side"], price, row["trade_id"]
        )
        if request is not None:
            return self._confirm(request, tick=tick, price=price)
        # Nobody pressed for it here: a forced sale, or another client's.
        self._last = None
        return [Execution(row["episode_id"], tick, price)]

    def _state(self, row: Mapping[str, Any]) -> list[Execution]:
        """A player state: a position that changed confirms the oldest request of that side."""
        game, qty = row["episode_id"], row["position_qty"]
        if row["event"] == ev.FRAME and not self._is_news(row):
            return []
        before = self._quantity.get(game, 0.0)
        self._quantity[game] = qty
        if math.isclose(before, qty, rel_tol=_SAME_QTY):
            return []
        request = self._requests.moved(game, "buy" if qty > before else "sell", row["received_ms"])
        return [] if request is None else self._confirm(request)

    def _is_news(self, row: Mapping[str, Any]) -> bool:
        """Whether a frame's entry is the own player's, of this game, and no older than the last."""
        if self.own is None or row["player_id"] != self.own:
            return False
        if not (row["active"] or row["allow_pre_round_buys"]):
            return False  # in COOLDOWN the leaderboard still is that of the game before
        if row["tick"] is None:
            return True
        newest = self._entry_tick.get(row["episode_id"], -1)
        self._entry_tick[row["episode_id"]] = max(newest, row["tick"])
        return bool(row["tick"] >= newest)

    def _confirm(
        self,
        request: Request,
        *,
        tick: float | None = None,
        price: float | None = None,
        latency: float | None = None,
    ) -> list[Execution]:
        """Evidence of a request: the first confirms it, later ones complete what is known."""
        known = (request.tick, request.price, request.latency_ms)
        request.tick = tick if tick is not None else request.tick
        request.price = price if price is not None else request.price
        request.latency_ms = latency if latency is not None else request.latency_ms
        if not request.is_confirmed:
            request.is_confirmed = True
            self._last = request
        elif self._last is not request or known == (
            request.tick,
            request.price,
            request.latency_ms,
        ):
            return []
        began = self._began_ms.get(request.episode_id or "")
        requested = None if began is None else request.client_ms - began
        return [
            Execution(
                request.episode_id, request.tick, request.price, requested, request.latency_ms
            )
        ]
