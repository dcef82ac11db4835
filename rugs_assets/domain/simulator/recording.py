"""Records of a session in the order of receipt, as they are handed to the tapes.

Nothing here computes; see `recorder` for how they come about.
"""

from __future__ import annotations

from dataclasses import dataclass

from rugs_assets.domain.simulator.client import Press
from rugs_assets.domain.simulator.messages import Frame


@dataclass(frozen=True, slots=True)
class Holdings:
    """An own player's exact state on the server when a message was sent; amounts in 1e-9."""

    cash: int
    qty: int
    average_cost: int
    invested: int
    pnl: int
    bet: int
    bet_until: int | None


@dataclass(slots=True)
class Record:
    """One record of a capture.

    Attributes:
        at_us: time of receipt (or of sending, or of the press).
        seq: sequence number in the session, set when it is recorded.
        event: its name.
        data: JSON of `data`; of a press the JSON is made when it is written.
        sent: the own client sent it.
        game_id: of the payload, for the event store's column.
        player_id: of the payload, likewise.
        frame: meaning of a gameStateUpdate.
        holdings: the own player's exact state; None in a session without one.
        press: a button press.
        traced: the event has a trace object, so a recorder may lose its payload.
    """

    at_us: int
    event: str
    data: str
    sent: bool = False
    game_id: str | None = None
    player_id: str | None = None
    frame: Frame | None = None
    holdings: Holdings | None = None
    press: Press | None = None
    traced: str | None = None
    seq: int = 0
