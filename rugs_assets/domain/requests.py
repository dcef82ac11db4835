"""Requests: what the own player asked of the server in a game, and which evidence speaks of which.

In: presses, requests on the wire, and the evidence of what became of them. Out: the `Request` that
a piece of evidence is about, None where it is about none. Invariants: each kind of evidence speaks
of a request at most once; answers whose times no record tells come in the order of the requests;
a press and its request on the wire are one. When a request counts as executed stands in
``executions``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rugs_assets.domain import events as ev

BUY, SELL, SIDEBET = "buy", "sell", "sidebet"
_SIDE_OF_BUTTON = {"BUY": BUY, "SELL": SELL, "SIDEBET": SIDEBET}
_SIDE_OF_EVENT = {ev.BUY_REQUEST: BUY, ev.SELL_REQUEST: SELL, ev.SIDEBET_REQUEST: SIDEBET}
_NEVER = float("inf")


@dataclass(slots=True)
class Request:
    """Something that was asked of the server.

    Attributes:
        episode_id: the game; ``side`` what was asked.
        client_ms: when, by the client's clock, epoch ms.
        answered_ms: when the server answered, by the press record; never, where it says nothing.
        tick, price, latency_ms, trade_id: of the answer, as the press record or evidence says.
        pressed_ms: time of the press record, by which it is known again when it is completed.
        is_press: whether a press record tells of it; ``is_sent`` whether the wire does.
        is_confirmed: whether any evidence of its execution has arrived.
        has_answer, has_trade, has_moved: the kinds of evidence that have spoken of it.
    """

    episode_id: str | None
    side: str
    client_ms: float
    answered_ms: float = _NEVER
    tick: float | None = None
    price: float | None = None
    latency_ms: float | None = None
    trade_id: str | None = None
    pressed_ms: float | None = None
    is_press: bool = False
    is_sent: bool = False
    is_confirmed: bool = False
    has_answer: bool = False
    has_trade: bool = False
    has_moved: bool = False


@dataclass(slots=True)
class Requests:
    """The requests of the present game, oldest first."""

    _all: list[Request] = field(default_factory=list)
    _are_sent: bool = False

    def name_nameless(self, episode_id: str) -> None:
        """Requests of no game belong to this one."""
        for request in self._all:
            request.episode_id = request.episode_id or episode_id

    def keep_only(self, episode_id: str) -> None:
        """A game has begun: what was asked in another one is over."""
        self._all = [request for request in self._all if request.episode_id == episode_id]

    def to_fall_due(self) -> list[Request]:
        """Unconfirmed trades whose press record says when and how they were answered."""
        return [
            request
            for request in self._all
            if not request.is_confirmed
            and request.side != SIDEBET
            and request.answered_ms < _NEVER
            and not (request.tick is None and request.price is None)
        ]

    def press(self, row: Mapping[str, Any]) -> None:
        """A press record: a request, or the record of one that was seen on the wire already."""
        side = _SIDE_OF_BUTTON.get(row["button_id"])
        if side is None:
            return
        request = next((r for r in self._of(row["episode_id"], side) if not r.is_press), None)
        if request is None or request.is_confirmed:
            request = Request(row["episode_id"], side, row["received_ms"])
            self._all.append(request)
        request.pressed_ms = row["received_ms"]
        request.is_press = True
        _fill(request, row)

    def complete(self, row: Mapping[str, Any]) -> Request | None:
        """The record of an earlier press again, now completed; None where its game is over."""
        found = (r for r in self._all if r.is_press and r.pressed_ms == row["received_ms"])
        request = next(found, None)
        if request is not None and not request.is_confirmed:
            _fill(request, row)
        return request

    def ask(self, row: Mapping[str, Any]) -> None:
        """A request on the wire: that of the newest press of its kind, else one of its own."""
        self._are_sent = True
        side = _SIDE_OF_EVENT[row["event"]]
        pressed = [
            request
            for request in self._of(row["episode_id"], side)
            if not (request.is_sent or request.is_confirmed)
        ]
        if pressed:
            pressed[-1].is_sent = True
        else:
            self._all.append(Request(row["episode_id"], side, row["received_ms"], is_sent=True))

    def answered(self, now_ms: float, *, refused: bool, has_price: bool) -> Request | None:
        """The trade that an answer accepts: the likeliest that waits for one.

        Args:
            now_ms: when the answer was received.
            refused: whether the answer is a refusal: then its request is over.
            has_price: an answer with a price is that to a trade, no side bet's.
        """
        waiting = [
            request
            for request in self._all
            if not request.has_answer
            # Where requests are recorded, a press without one never reached the server.
            and (request.is_sent or not self._are_sent)
            and not (has_price and request.side == SIDEBET)
        ]
        request = _likeliest(waiting, now_ms)
        if request is None:
            return None
        request.has_answer = True
        if refused or request.side == SIDEBET:
            self._all = [other for other in self._all if other is not request]
            return None
        return request

    def traded(
        self, episode_id: str | None, side: str | None, price: float | None, trade_id: str | None
    ) -> Request | None:
        """The request behind an own trade on the public feed (which does not announce all)."""
        open_ones = [
            request
            for request in self._all
            if request.episode_id == episode_id
            and request.side == (side or request.side) != SIDEBET
            and not request.has_trade
        ]
        named = [r for r in open_ones if trade_id is not None and r.trade_id == trade_id]
        possible = [
            request
            for request in open_ones
            if (trade_id is None or request.trade_id is None)
            # The trade of a confirmed request at another price was never announced.
            and not (request.is_confirmed and request.price not in (None, price))
        ]
        found = next(iter(named or possible), None)
        if found is not None:
            found.has_trade = True
        return found

    def moved(self, episode_id: str | None, side: str, now_ms: float) -> Request | None:
        """The request behind a position that changed that way: of those without such evidence."""
        found = _likeliest([r for r in self._of(episode_id, side) if not r.has_moved], now_ms)
        if found is not None:
            found.has_moved = True
        return found

    def _of(self, episode_id: str | None, side: str) -> list[Request]:
        return [r for r in self._all if (r.episode_id, r.side) == (episode_id, side)]


def _likeliest(waiting: Sequence[Request], now_ms: float) -> Request | None:
    """The request that evidence received now is about.

    A slow request is overtaken by the next one. Where press records say when they were answered,
    evidence is about the one that was answered first, and not about one that was answered later;
    otherwise about the oldest.
    """
    due = [request for request in waiting if request.answered_ms <= now_ms]
    if due:
        return min(due, key=lambda request: request.answered_ms)
    unknown = [request for request in waiting if request.answered_ms == _NEVER]
    return next(iter(unknown or waiting), None)


def _fill(request: Request, row: Mapping[str, Any]) -> None:
    """What a press record says of its request and the answer."""
    client_ms, server_ms = row["client_timestamp_ms"], row["server_timestamp_ms"]
    request.client_ms = row["received_ms"] if client_ms is None else client_ms
    request.answered_ms = _NEVER if server_ms is None else server_ms
    request.tick, request.price = row["trade_tick"], row["trade_price"]
    request.latency_ms, request.trade_id = row["latency_ms"], row["trade_id"]
