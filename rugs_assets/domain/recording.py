"""Recordings: events in memory, as the stages take them.

In: events as dicts, or rows of the event store. Out: the rows of `raw_ws_events` of all their
games, whatever the date, session by session in order of arrival. It is what the landing folder is
for captures, without folder, dates and cache: the same reader, clocks and rule of belonging. Memory
holds all events, so it is for lists and for what a trainer loads at once.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain.capture import CaptureReader, Decoded
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.day_rows import belonging, rows_of_session, without_repeats
from rugs_assets.domain.event_files import EventFile
from rugs_assets.domain.live import record_of
from rugs_assets.domain.protocol import Malformed
from rugs_assets.domain.session_facts import describe_block, ints
from rugs_assets.domain.sessions import Session

Place = tuple[str, int]
"""Where an event stands: source (a file, or the session of a list) and position in it, from 1."""


class Recording:
    """Events of one or more sessions.

    Args:
        decoded: their blocks, in any order.

    Attributes:
        rejects: what was no usable event.
    """

    def __init__(self, decoded: Iterable[Decoded]) -> None:
        blocks: dict[str, list[pa.RecordBatch]] = {}
        self.rejects: list[Reject] = []
        for block in decoded:
            self.rejects += block.rejects
            for session_id in map(str, block.events["session_id"].unique().to_pylist()):
                mine = pc.equal(block.events["session_id"], pa.scalar(session_id))
                blocks.setdefault(session_id, []).append(block.events.filter(mine))
        self._events = {
            session_id: without_repeats(pa.Table.from_batches(parts).combine_chunks())
            for session_id, parts in sorted(blocks.items())
        }

    @classmethod
    def of_events(cls, events: Sequence[Mapping[str, Any]]) -> Recording:
        """Read events in order of arrival.

        Args:
            events: as `live.record_of` takes them; those of several sessions name their
                ``session_id``.

        Raises:
            Malformed: a value has a wrong type or is none; the message shows event and value.
        """
        reader = CaptureReader(lambda player_id: player_id, any_game=True)
        lines: dict[str, list[bytes]] = {}
        for (session_id, position), event in places_of(events):
            lines.setdefault(session_id, []).append(record_of(event, position))
        recording = cls(
            decoded
            for session_id, records in lines.items()
            for decoded in reader.jsonl(
                io.BytesIO(b"\n".join(records)), source_file=session_id, session_id=session_id
            )
        )
        if recording.rejects:
            first = recording.rejects[0]
            shown = first.raw[:200].decode(errors="replace")
            raise Malformed(f"event {first.position}: {first.reason}: {shown}")
        return recording

    @classmethod
    def of_files(cls, files: Iterable[EventFile]) -> Recording:
        """Read files of the event store; what is no usable event is in `rejects`.

        Args:
            files: those that name the own player (the presses) first.
        """
        reader = CaptureReader(lambda player_id: player_id)
        return cls(
            decoded
            for file in files
            for decoded in reader.event_store(
                file.batches, source_file=file.path, doc_type=file.doc_type
            )
        )

    @cached_property
    def _sessions(self) -> list[tuple[Session, pa.Table]]:
        return [
            (Session(session_id, [describe_block(events)]), events)
            for session_id, events in self._events.items()
            if events.num_rows
        ]

    @cached_property
    def rows(self) -> list[pa.RecordBatch]:
        """Rows of `raw_ws_events`."""
        return [
            batch
            for session, events in self._sessions
            for batch in rows_of_session(session, [events])
        ]

    def belongings(self) -> Iterator[tuple[str, str | None, Place]]:
        """(session, the game that it belongs to, its place) of each event, in order of arrival."""
        for session, events in self._sessions:
            files = map(str, events["source_file"].to_pylist())
            places = zip(files, ints(events["source_position"]).tolist(), strict=True)
            games = belonging(session, events)
            for code, place in zip(games.codes.tolist(), places, strict=True):
                yield session.session_id, games.names[code], place


def places_of(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """Each event of a list with its place; one that names no session is of the session "live"."""
    counts: dict[str, int] = {}
    for event in events:
        session_id = str(event.get("session_id") or "live")
        counts[session_id] = counts.get(session_id, 0) + 1
        yield (session_id, counts[session_id]), event
