"""Typed payloads: which event a record is, and its payload where it is a frequent one.

In: decoded envelopes of any spelling. Out: the names of their events, and the payloads of frames
and player ticks; a line of the tick recorder becomes the frame it was made from. Used by
``capture`` only.
"""

from __future__ import annotations

from collections.abc import Sequence

from rugs_assets.domain import events as ev
from rugs_assets.domain.payload_reader import payload_of
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Payload

RECORDER_TICK = "tick"


def typed(
    envelopes: Sequence[Envelope | LooseEnvelope],
) -> tuple[list[str], list[Payload | None]]:
    """The names of the events, and the payloads of the frequent ones that arrived whole."""
    events = [envelope.event for envelope in envelopes]
    payloads = [
        data if type(data) is Payload and event in ev.FREQUENT and data.trace is None else None
        for event, data in zip(events, [envelope.data for envelope in envelopes], strict=True)
    ]
    names = [event or "" for event in events]
    for at in [at for at, payload in enumerate(payloads) if payload is None]:
        envelope, event = envelopes[at], events[at]
        if event is None:
            event = envelope.event_type
        if event is None:
            event = envelope.type or ""
            if event == RECORDER_TICK and isinstance(envelope, Envelope):
                event, payloads[at] = ev.FRAME, _recorded_frame(envelope)
        elif event in ev.FREQUENT:
            payloads[at] = payload_of(envelope)
        names[at] = event or ""
    return names, payloads


def _recorded_frame(line: Envelope) -> Payload:
    """A line of the tick recorder as the frame it was made from (protocol.md, recorder ticks)."""
    return Payload(
        game_id=line.game_id,
        tick_count=line.tick,
        price=line.price,
        active=line.active,
        rugged=line.rugged,
        cooldown_timer=line.cooldown_timer,
        allow_pre_round_buys=None if line.phase is None else line.phase == "PRESALE",
        trade_count=line.trade_count or None,
    )
