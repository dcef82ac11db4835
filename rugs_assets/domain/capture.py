"""Captures to typed events: the first stage.

In: the bytes or rows of one capture file, in any of the three formats (protocol.md, "Capture
formats"). Out: `Decoded` blocks: Arrow batches of typed events in order of arrival, and what was
rejected, with position and reason.
Grain: one event. Invariants: nothing is lost (records = events + duplicates + rejects); one bad
record costs only itself; memory is bounded by the block; player ids leave as pseudonyms, names and
chat not at all. What date and game an event belongs to is decided in ``sessions``, since that takes
more than one file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.clock import Stamp
from rugs_assets.domain.event_rows import DECODED, EventRows
from rugs_assets.domain.payload_reader import PayloadReader, SessionState
from rugs_assets.domain.payloads import Pseudonym
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Malformed, Payload
from rugs_assets.domain.records import Chunk, Reject, read_records

__all__ = ["DECODED", "CaptureReader", "Decoded", "SessionState"]

BUTTON_DOC = "button_event"
WS_DOC = "ws_event"
RECORDER_TICK = "tick"
STORE_COLUMNS = ("ts", "doc_type", "session_id", "seq", "direction", "raw_json", "player_id")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A block of a capture.

    Attributes:
        events: batch in the schema `DECODED`.
        rejects: what was no usable event.
        lines: lines or rows read; ``blank``, ``joined``, ``doubled`` as in `records.Chunk`.
        duplicates: records that repeat an earlier one.
    """

    events: pa.RecordBatch
    rejects: list[Reject]
    lines: int
    blank: int = 0
    joined: int = 0
    doubled: int = 0
    duplicates: int = 0


class CaptureReader:
    """Reads capture files one after the other, remembering what their sessions said.

    Args:
        pseudonym: player id -> keyed pseudonym.
    """

    def __init__(self, pseudonym: Pseudonym) -> None:
        self._payloads = PayloadReader(pseudonym)
        self._sessions: dict[str, SessionState] = {}

    def session(self, session_id: str) -> SessionState:
        """The state of a session, made at its first mention."""
        return self._sessions.setdefault(session_id, SessionState())

    def jsonl(self, stream: BinaryIO, *, source_file: str, session_id: str) -> Iterator[Decoded]:
        """Read a raw JSONL capture or a file of the tick recorder; it is one session.

        Args:
            stream: the decompressed bytes.
            source_file: the name that leads back to the file.
            session_id: the session's name.
        """
        state = self.session(session_id)
        for chunk in read_records(stream):
            rows = EventRows(source_file)
            duplicates, before = 0, state.last_seq
            for index, envelope in enumerate(chunk.envelopes):
                duplicates += self._add(rows, state, session_id, chunk, index, envelope)
            batch, bad = rows.batch(chunk.raw)
            rejects = _placed([*chunk.rejects, *bad], batch, session_id, before)
            yield Decoded(
                batch,
                rejects,
                chunk.lines,
                chunk.blank,
                chunk.joined,
                chunk.doubled,
                duplicates,
            )

    def one(self, record: bytes) -> Decoded:
        """Read a single record of a session of its own (what a live client has in its hands)."""
        rows = EventRows("live")
        chunk = Chunk([protocol.decode_record(record)], [1], lines=1, _raws=[record])
        self._add(rows, self.session("live"), "live", chunk, 0, chunk.envelopes[0])
        batch, rejects = rows.batch(chunk.raw)
        return Decoded(batch, rejects, 1)

    def event_store(
        self, batches: Iterable[pa.RecordBatch], *, source_file: str, doc_type: str | None
    ) -> Iterator[Decoded]:
        """Read the rows of one file of the event store; each row names its session.

        Args:
            batches: the file's rows, with at least ``ts``, ``session_id`` and ``raw_json``.
            source_file: the name that leads back to the file.
            doc_type: the kind of rows where the file has no such column.
        """
        position = 0
        for batch in batches:
            columns = {
                name: batch.column(name).to_pylist()
                if name in batch.schema.names
                else [None] * batch.num_rows
                for name in STORE_COLUMNS
            }
            rows = EventRows(source_file)
            texts: list[bytes] = []
            duplicates = 0
            for row in zip(*columns.values(), strict=True):
                position += 1
                ts, kind, session_id, seq, direction, raw_json, player_id = row
                raw = b"" if raw_json is None else str(raw_json).encode("utf-8", "surrogatepass")
                texts.append(raw)
                stored = StoredRow(
                    position, ts, kind or doc_type, session_id, seq, direction, raw, player_id
                )
                duplicates += self._add_stored(rows, len(texts) - 1, stored)
            events, bad = rows.batch(texts.__getitem__)
            yield Decoded(events, bad, batch.num_rows, duplicates=duplicates)

    def _add(
        self,
        rows: EventRows,
        state: SessionState,
        session_id: str,
        chunk: Chunk,
        index: int,
        envelope: Envelope | LooseEnvelope,
    ) -> int:
        """Add one JSONL record; returns 1 where it repeats an earlier one, else 0."""
        name = protocol.name_of(envelope)
        stamp = envelope.ts if envelope.ts is not None else envelope.timestamp
        event = name if name is not None else (envelope.type or "")
        recorded = envelope.seq
        if recorded is not None and recorded > state.last_seq and recorded < 2**53:
            seq = int(recorded)
        else:
            if recorded is not None and (recorded, stamp, event) in state.recent:
                return 1
            seq = state.last_seq + 1
        state.last_seq = seq
        state.recent.append((recorded, stamp, event))
        is_tick = name is None and event == RECORDER_TICK and isinstance(envelope, Envelope)
        rows.start(
            index,
            chunk.positions[index],
            session_id,
            seq,
            stamp,
            ev.FRAME if is_tick else event,
            envelope.direction or "received",
        )
        if is_tick and isinstance(envelope, Envelope):
            rows.payload(_recorded_frame(envelope))
        else:
            self._payloads.read(rows, state, envelope, event, lambda: chunk.raw(index))
        return 0

    def _add_stored(self, rows: EventRows, index: int, row: StoredRow) -> int:
        """Add one row of the event store; returns 1 where it repeats an earlier one, else 0."""
        session_id = str(row.session_id or "unnamed")
        state = self.session(session_id)
        envelope: Envelope | LooseEnvelope | None = None
        event, reason = f"doc_type={row.doc_type}", None
        if row.doc_type == BUTTON_DOC:
            event = ev.BUTTON
        elif row.doc_type == WS_DOC:
            try:
                envelope = protocol.decode_record(row.raw)
                event = protocol.name_of(envelope) or event
            except Malformed as error:
                reason = f"raw_json: {error}"
        key = (row.seq, row.ts, event)
        if key in state.recent:
            return 1
        state.recent.append(key)
        seq = int(row.seq) if row.seq is not None else state.last_seq + 1
        state.last_seq = max(state.last_seq, seq)
        rows.start(index, row.position, session_id, seq, row.ts, event, row.direction or "received")
        if reason is not None:
            rows.reject(reason)
        elif row.doc_type == BUTTON_DOC:
            self._payloads.read_button(rows, state, row.raw, row.player_id)
        elif envelope is not None:
            self._payloads.read(rows, state, envelope, event, lambda: row.raw)
        return 0


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of the event store, as its columns have it."""

    position: int
    ts: Stamp
    doc_type: str | None
    session_id: str | None
    seq: int | None
    direction: str | None
    raw: bytes
    player_id: str | None


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


def _placed(
    rejects: list[Reject], events: pa.RecordBatch, session_id: str, before: int
) -> list[Reject]:
    """The rejects of a chunk, each with the last event that stands before it in the file."""
    if not rejects:
        return rejects
    positions = events.column("source_position").to_numpy()
    seqs = events.column("seq").to_numpy()
    placed = []
    for reject in rejects:
        at = int(np.searchsorted(positions, reject.position, side="right")) - 1
        near = int(seqs[at]) if at >= 0 else before
        placed.append(replace(reject, session_id=session_id, near_seq=near))
    return placed
