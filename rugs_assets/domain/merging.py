"""Merging: where in a list of events the presses came, when they come as a list of their own.

In: events in order of arrival, and presses. Out: one list in order of arrival. Files of the event
store need no such thing: their rows are numbered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Event = Mapping[str, Any]


def merged(events: Sequence[Event], presses: Iterable[Event]) -> list[Event]:
    """Put presses where they came among events.

    A press with a time stamp comes before the first event with a later one. One without comes
    behind the last frame of its game whose tick is not above its own (a press without a tick behind
    the last frame of its game); where there is none such, behind everything. Presses at the same
    place keep their order.

    Args:
        events: in order of arrival.
        presses: in order.
    """
    placed = sorted(((_place(events, press), press) for press in presses), key=lambda pair: pair[0])
    found: list[Event] = []
    at = 0
    for place, press in placed:
        found += events[at:place]
        found.append(press)
        at = place
    return [*found, *events[at:]]


def _place(events: Sequence[Event], press: Event) -> int:
    """The index in the events before which a press comes."""
    stamp = press.get("ts")
    if stamp is not None:
        later = (at for at, event in enumerate(events) if (event.get("ts") or stamp) > stamp)
        return next(later, len(events))
    game, tick = _told(press, "game_id"), _told(press, "tick")
    behind = [
        at + 1
        for at, event in enumerate(events)
        if _told(event, "game_id") == game
        and (tick is None or (_told(event, "tick") is not None and _told(event, "tick") <= tick))
    ]
    return behind[-1] if behind else len(events)


_ON_THE_WIRE = {"game_id": "gameId", "tick": "tickCount"}


def _told(event: Event, name: str) -> Any:
    """A value of an event, wherever its shape has it."""
    payload = event.get("data")
    if isinstance(payload, list | tuple):
        payload = payload[-1] if payload else None
    if not isinstance(payload, Mapping):
        return event.get(name)
    return payload.get(_ON_THE_WIRE[name], payload.get(name))
