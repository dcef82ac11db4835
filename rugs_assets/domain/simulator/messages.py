"""What passes between server and clients, with its meaning beside its JSON.

The JSON is what a recorder sees; the meaning is for the simulated client and for the truth. Nothing
here computes.
"""

from __future__ import annotations

from dataclasses import dataclass

from rugs_assets.domain.simulator.games import Game

COOLDOWN, PRESALE, ACTIVE, RUGGED = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Frame:
    """The meaning of a gameStateUpdate; `tick` and `price` are None where it carries none."""

    game: Game
    phase: int
    tick: int | None
    price: float | None
    timer: int


@dataclass(frozen=True, slots=True)
class Told:
    """The meaning of a playerUpdate; amounts in 1e-9."""

    cash: int
    qty: int
    average_cost: int
    bet_until: int | None


@dataclass(frozen=True, slots=True)
class Order:
    """A request of the own player: `buyOrder`, `sellOrder` or `requestSidebet`.

    Attributes:
        number: of the request, within its client.
        event: name on the wire.
        value: amount in 1e-9, or percent for a sale.
        asked_us: when the client sent it.
    """

    number: int
    event: str
    value: int
    asked_us: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The meaning of an answer to a request.

    Attributes:
        order: what was asked.
        server_us: when the server dealt with it.
        reason: of the refusal; None where it was carried out.
        trade_id: of the trade or side bet.
        tick: at which it was carried out.
        price: of the trade; None for a side bet.
    """

    order: Order
    server_us: int
    reason: str | None = None
    trade_id: str | None = None
    tick: int | None = None
    price: float | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something the server sends.

    Attributes:
        event: its name.
        payload: its JSON.
        sent_us: when.
        trace: JSON of the trace object that goes before the payload; None: the payload alone.
        to: the own player it is for; None: everybody.
        game_id: of the payload, for the event store's column; None where it has none.
        player_id: of the payload, likewise.
        meaning: for the client and the truth.
    """

    event: str
    payload: str
    sent_us: int
    trace: str | None = None
    to: str | None = None
    game_id: str | None = None
    player_id: str | None = None
    meaning: Frame | Told | Answered | None = None
