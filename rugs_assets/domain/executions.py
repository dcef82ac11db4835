"""Executions: the own player's last confirmed trade, and the moment it became known.

In: the events of a session in order of arrival (only the own player's matter). Out: for each event
that confirms a trade, the values of features 32 to 35 from then on.
Invariants: causal. A press record is completed after the fact, so nothing that the server's answer
filled in counts before a confirmation had arrived: the answer to the request, an event received at
or after the time of the answer in the press record, the own newTrade, or a player state whose
position changed, whichever comes first (design.md 2, protocol.md 13). Both drivers run this class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rugs_assets.domain import events as ev

TRADE_BUTTONS = frozenset({"BUY", "SELL"})
_STATES = frozenset({ev.PLAYER_UPDATE, ev.PLAYER_TICK, ev.FRAME})


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
class _Request:
    """A press or request that no answer has come to yet."""

    episode_id: str | None
    client_ms: float
    answered_ms: float = float("inf")
    tick: float | None = None
    price: float | None = None
    latency_ms: float | None = None
    is_press: bool = False

    @property
    def can_fall_due(self) -> bool:
        """Whether the press record says when and how it was answered."""
        answered = self.answered_ms < float("inf")
        return answered and not (self.tick is None and self.price is None)


@dataclass(slots=True)
class ExecutionTracker:
    """Follows one session; `update` every event in order of arrival."""

    own: str | None = None
    _waiting: list[_Request] = field(default_factory=list)
    _quantity: dict[str | None, float] = field(default_factory=dict)
    _began_ms: dict[str, float] = field(default_factory=dict)
    _last: Execution | None = None

    def begin_game(self, episode_id: str, received_ms: float) -> None:
        """The first frame of a game was received."""
        if not self._began_ms:
            # What came before the session's first frame belongs to its first game.
            for request in self._waiting:
                request.episode_id = request.episode_id or episode_id
            if None in self._quantity:
                self._quantity.setdefault(episode_id, self._quantity.pop(None))
        self._waiting = [r for r in self._waiting if r.episode_id == episode_id]
        self._began_ms[episode_id] = received_ms

    def due_ms(self) -> float | None:
        """The time of receipt from which a recorded answer counts; None where none is awaited."""
        return min((r.answered_ms for r in self._waiting if r.can_fall_due), default=None)

    def pass_time(self, now_ms: float) -> list[Execution]:
        """An event was received at this time: presses whose recorded answer had arrived by then."""
        due = [r for r in self._waiting if r.can_fall_due and r.answered_ms <= now_ms]
        return [self._confirm(request) for request in due]

    def update(self, row: Mapping[str, Any]) -> list[Execution]:
        """Take one event.

        Args:
            row: a row of `raw_ws_events`; ``received_ms`` is its time of receipt in epoch ms.

        Returns:
            The executions that it confirms, in order.
        """
        confirmed = self.pass_time(row["received_ms"])
        event = row["event"]
        if event in (ev.PLAYER_UPDATE, ev.USERNAME, ev.BUTTON) and row["player_id"] is not None:
            self.own = row["player_id"]
        if event == ev.BUTTON:
            self._press(row)
        elif event in (ev.BUY_REQUEST, ev.SELL_REQUEST):
            if not any(request.is_press for request in self._waiting):
                self._waiting.append(_Request(row["episode_id"], row["received_ms"]))
        elif event == ev.ANSWER:
            confirmed += self._answer(row)
        elif event == ev.TRADE:
            confirmed += self._trade(row)
        if event in _STATES and row["position_qty"] is not None:
            confirmed += self._state(row)
        return confirmed

    def _press(self, row: Mapping[str, Any]) -> None:
        if row["button_id"] not in TRADE_BUTTONS:
            return
        client_ms, server_ms = row["client_timestamp_ms"], row["server_timestamp_ms"]
        self._waiting.append(
            _Request(
                row["episode_id"],
                row["received_ms"] if client_ms is None else client_ms,
                float("inf") if server_ms is None else server_ms,
                row["trade_tick"],
                row["trade_price"],
                row["latency_ms"],
                is_press=True,
            )
        )

    def _answer(self, row: Mapping[str, Any]) -> list[Execution]:
        """`success` answers the oldest request that waits; without a price it is no trade."""
        if not self._waiting:
            return []
        request = self._waiting[0]
        if row["trade_side"] == "refused":
            del self._waiting[0]
            return []
        if row["trade_price"] is None:
            return []
        latency = request.latency_ms
        if latency is None and row["server_timestamp_ms"] is not None:
            latency = row["server_timestamp_ms"] - request.client_ms
        return [self._confirm(request, price=row["trade_price"], latency=latency)]

    def _trade(self, row: Mapping[str, Any]) -> list[Execution]:
        if self.own is None or row["player_id"] != self.own:
            return []
        request = self._oldest(row["episode_id"])
        if request is None:
            return [self._trade_alone(row)]
        return [self._confirm(request, tick=row["trade_tick"], price=row["trade_price"])]

    def _trade_alone(self, row: Mapping[str, Any]) -> Execution:
        """An own trade that nobody pressed for here: a forced sale, or another client's."""
        last = self._last
        found = Execution(row["episode_id"], row["trade_tick"], row["trade_price"])
        if last is not None and last.episode_id == found.episode_id and last.price == found.price:
            found = replace(found, requested_ms=last.requested_ms, latency_ms=last.latency_ms)
        self._last = found
        return found

    def _state(self, row: Mapping[str, Any]) -> list[Execution]:
        """A player state: a position that changed confirms the oldest request that waits."""
        game = row["episode_id"]
        if row["event"] == ev.FRAME and (self.own is None or row["player_id"] != self.own):
            return []
        before = self._quantity.get(game, 0.0)
        self._quantity[game] = row["position_qty"]
        request = self._oldest(game)
        if before == row["position_qty"] or request is None:
            return []
        return [self._confirm(request)]

    def _oldest(self, episode_id: str | None) -> _Request | None:
        return next((r for r in self._waiting if r.episode_id == episode_id), None)

    def _confirm(
        self,
        request: _Request,
        *,
        tick: float | None = None,
        price: float | None = None,
        latency: float | None = None,
    ) -> Execution:
        self._waiting = [waiting for waiting in self._waiting if waiting is not request]
        began = self._began_ms.get(request.episode_id or "")
        found = Execution(
            request.episode_id,
            tick if tick is not None else request.tick,
            price if price is not None else request.price,
            None if began is None else request.client_ms - began,
            latency if latency is not None else request.latency_ms,
        )
        self._last = found
        return found
