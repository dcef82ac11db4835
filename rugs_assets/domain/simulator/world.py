"""The loop: server, lines and clients in one order of time, one event after the other.

In: beats of games, connections. Out: the state of all of these after each step. Invariant: nothing
is processed before what comes earlier, so nobody ever acts on what has not reached them.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from random import Random

from rugs_assets.domain.simulator.beats import Beat, Kind
from rugs_assets.domain.simulator.client import Client, Press
from rugs_assets.domain.simulator.connections import Connection
from rugs_assets.domain.simulator.messages import Message, Order
from rugs_assets.domain.simulator.network import next_press_us, reaction_us, uplink_us
from rugs_assets.domain.simulator.numbers import sol
from rugs_assets.domain.simulator.recording import Record
from rugs_assets.domain.simulator.server import Server


class World:
    """Everything that happens.

    Args:
        server: plays the beats.
        beats: in order of time.
        rng: of delays on the players' side.
    """

    def __init__(self, server: Server, beats: Iterator[Beat], rng: Random) -> None:
        self.server, self._beats, self._rng = server, beats, rng
        self.connections: list[Connection] = []
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._queued = 0
        self._next = next(beats, None)

    def advance(self) -> Beat | None:
        """Process the next event; returns the beat where it was one of the server's."""
        beat = self._next
        if self._queue and (beat is None or self._queue[0][0] <= beat.at_us):
            at_us, _, happen = heapq.heappop(self._queue)
            happen(at_us)
            return None
        if beat is None:
            return None
        self._next = next(self._beats, None)
        now = beat.at_us
        # Whoever connects at the opening of a game is told of that game, not of the last one.
        if beat.kind is not Kind.OPEN:
            self._connect(now)
        self._deliver(self.server.play(beat))
        if beat.kind is Kind.OPEN:
            self._connect(now)
        return beat

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to happen."""
        return self._next is None and not self._queue

    def plan(self, connection: Connection, at_us: int) -> None:
        """A client has presses planned: the first comes after its player's reaction."""
        self.press_at(connection, at_us + reaction_us(self._rng))

    def press_at(self, connection: Connection, at_us: int) -> None:
        """The next press that a client has planned comes at that time."""
        self._push(at_us, lambda now: self._press(connection, now))

    def _push(self, at_us: int, happen: Callable[[int], None]) -> None:
        self._queued += 1
        heapq.heappush(self._queue, (at_us, self._queued, happen))

    def _connect(self, now_us: int) -> None:
        for connection in self.connections:
            wanted = connection.should_be_up(now_us)
            if wanted and not connection.is_up:
                connection.say_hello(now_us)
                for message in self.server.welcome(now_us, connection.account):
                    self._send(connection, message)
            elif connection.is_up and not wanted:
                connection.hang_up()

    def _deliver(self, messages: list[Message]) -> None:
        for message in messages:
            for connection in self.connections:
                if connection.is_for(message):
                    self._send(connection, message)

    def _send(self, connection: Connection, message: Message) -> None:
        at = connection.carry(message)
        client = connection.client
        if client is not None and message.meaning is not None and at < connection.stop_us:
            self._push(at, lambda now: self._arrive(connection, client, message, now))

    def _arrive(
        self, connection: Connection, client: Client, message: Message, now_us: int
    ) -> None:
        if client.arrive(message, now_us):
            self.plan(connection, now_us)

    def _press(self, connection: Connection, now_us: int) -> None:
        client = connection.client
        if client is None or not client.has_plan() or now_us >= connection.stop_us:
            return
        press = client.press(now_us)
        self._note(connection, press)
        if press.order is not None:
            order, at = press.order, press.order.asked_us + uplink_us(self._rng)
            self._push(at, lambda now: self._ask(connection, order, now))
        if client.has_plan():
            wait = next_press_us(self._rng)
            self._push(now_us + wait, lambda now: self._press(connection, now))

    def _ask(self, connection: Connection, order: Order, now_us: int) -> None:
        if connection.is_up and connection.account is not None:
            self._deliver(self.server.carry_out(connection.account, order, now_us))

    @staticmethod
    def _note(connection: Connection, press: Press) -> None:
        recorder, account = connection.recorder, connection.account
        if recorder is None or account is None:
            return
        at, order = press.pressed_us, press.order
        recorder.note(Record(at, "button_event", "", player_id=account.id, press=press))
        if order is not None:
            recorder.note(Record(order.asked_us, order.event, request(order), sent=True))


def request(order: Order) -> str:
    """The JSON of an order on the wire."""
    if order.event == "sellOrder":
        return f'{{"percentage": {order.value}}}'
    payout = ', "xPayout": 5' if order.event == "requestSidebet" else ""
    return f'{{"amount": {sol(order.value)}{payout}}}'
