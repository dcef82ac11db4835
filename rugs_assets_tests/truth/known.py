"""What the own player had been told of its state, worked out from the truth alone.

The truth's frames hold the state on the server when they were sent. A player knows it by a frame if
a playerUpdate that was recorded had arrived since it last changed (design.md 2, protocol.md).
"""

from __future__ import annotations

from collections.abc import Iterator

from rugs_assets_tests.truth.played import Json, Played

STATE = ("cash", "position_qty", "average_cost", "total_invested")

Known = dict[tuple[str, int], set[str]]


def known_state(played: Played) -> Known:
    """(session, seq) of each of the truth's frames -> the columns of `STATE` that were known."""
    events: dict[str, list[tuple[int, Json]]] = {}
    for line in played.truths["lines"]:
        if line["event"] == "playerUpdate" and line["kind"] not in ("duplicate", "prose"):
            events.setdefault(line["session_id"], []).append((line["seq"], line))
    for frame in played.truths["frames"]:
        if frame["cash"] is not None:
            events.setdefault(frame["session_id"], []).append((frame["seq"], frame))
    return {
        (session, frame["seq"]): columns
        for session, found in events.items()
        for frame, columns in _known([event for _, event in sorted(found, key=_seq)])
    }


def _seq(pair: tuple[int, Json]) -> int:
    return pair[0]


def _known(events: list[Json]) -> Iterator[tuple[Json, set[str]]]:
    """Each frame with what is still as it was at the first frame behind the last update."""
    is_told, told, game = False, dict[str, int](), ""
    for event in events:
        if "is_broken" in event:
            is_told, told = not event["is_broken"], {}
            continue
        told = told or {name: event[name] for name in STATE}
        if event["game_id"] != game:
            # It counts within a game: nobody needs to be told that a new one begins at 0.
            game, told = event["game_id"], told | {"total_invested": 0}
        yield event, {name for name in STATE if is_told and event[name] == told[name]}
