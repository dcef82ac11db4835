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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain import protocol
from rugs_assets.domain.chunks import Chunk, Reject
from rugs_assets.domain.event_heads import Heads
from rugs_assets.domain.event_rows import DECODED, EventRows
from rugs_assets.domain.payload_reader import PayloadReader
from rugs_assets.domain.payloads import USED, Pseudonym
from rugs_assets.domain.records import read_records
from rugs_assets.domain.session_state import SessionState
from rugs_assets.domain.stored_block import StoredBlock
from rugs_assets.domain.stored_rows import rows_of
from rugs_assets.domain.typed_payloads import typed

__all__ = ["DECODED", "CaptureReader", "Decoded"]

_BLOCK_EVENTS = 8_192
"""Events of a block, at least: Arrow arrays cost by the call."""

_BLOCK_REJECTED_BYTES = 8 << 20
"""A block with more rejected bytes may have fewer events."""

_BYTES_OF_A_REJECT = 200
"""What a rejected line takes beside its bytes, about."""


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


class _Pending:
    """Chunks of a file on their way into one block; their bytes are let go as they come."""

    def __init__(self, source_file: str, session_id: str, before: int, rows: EventRows) -> None:
        self.source_file = source_file
        self.session_id = session_id
        self.rows = rows
        self._before = before  # the last event of the session ahead of the block
        self._rejects: list[Reject] = []
        self._rejected_bytes = 0
        self._lines = self._blank = self._joined = self._doubled = self._duplicates = 0

    @property
    def is_large(self) -> bool:
        """Whether what was rejected takes much memory: a file may hold little else."""
        return self._rejected_bytes + self.rows.rejected_bytes >= _BLOCK_REJECTED_BYTES

    def count(self, chunk: Chunk, kept: int) -> None:
        """Note what a chunk held, of whose records so many were kept."""
        self._rejects += chunk.rejects
        self._rejected_bytes += sum(len(bad.raw) + _BYTES_OF_A_REJECT for bad in chunk.rejects)
        self._lines += chunk.lines
        self._blank += chunk.blank
        self._joined += chunk.joined
        self._doubled += chunk.doubled
        self._duplicates += len(chunk.envelopes) - kept

    def decoded(self) -> Decoded:
        """The block."""
        batch, bad = self.rows.batch(_no_raw)
        return Decoded(
            batch,
            _placed([*self._rejects, *bad], batch, self.session_id, self._before),
            self._lines,
            self._blank,
            self._joined,
            self._doubled,
            self._duplicates,
        )


def _no_raw(row: int) -> bytes:
    raise AssertionError(f"row {row} of a block was not checked while its bytes were there")


class CaptureReader:
    """Reads capture files one after the other, remembering what their sessions said.

    Args:
        pseudonym: player id -> keyed pseudonym.
        any_game: whether a game may have any id; a capture's must name its date.
    """

    def __init__(self, pseudonym: Pseudonym, *, any_game: bool = False) -> None:
        self._payloads = PayloadReader(pseudonym)
        self._any_game = any_game
        self._sessions: dict[str, SessionState] = {}

    def session(self, session_id: str) -> SessionState:
        """The state of a session, made at its first mention."""
        state = self._sessions.get(session_id)
        if state is None:
            state = self._sessions[session_id] = SessionState()
        return state

    def jsonl(self, stream: BinaryIO, *, source_file: str, session_id: str) -> Iterator[Decoded]:
        """Read a raw JSONL capture or a file of the tick recorder; it is one session.

        Args:
            stream: the decompressed bytes.
            source_file: the name that leads back to the file.
            session_id: the session's name.
        """
        chunks = read_records(stream)
        pending = self._pending(source_file, session_id)
        while (chunk := next(chunks, None)) is not None:
            self._take(pending, chunk)
            del chunk  # the next one is decoded into the same memory
            if len(pending.rows) >= _BLOCK_EVENTS or pending.is_large:
                yield pending.decoded()
                pending = self._pending(source_file, session_id)
        yield pending.decoded()

    def some(self, records: Sequence[bytes]) -> Decoded:
        """Read records of a session of its own (what a live client has in its hands)."""
        envelopes = [protocol.decode_record(record) for record in records]
        positions = list(range(1, len(records) + 1))
        chunk = Chunk(envelopes, positions, lines=len(records), raws=list(records))
        pending = self._pending("live", "live")
        self._take(pending, chunk)
        return pending.decoded()

    def _pending(self, source_file: str, session_id: str) -> _Pending:
        rows = EventRows(any_game=self._any_game)
        return _Pending(source_file, session_id, self.session(session_id).last_seq, rows)

    def _take(self, pending: _Pending, chunk: Chunk) -> None:
        """Read the records of a chunk, column by column where that will do."""
        state, rows, first = self.session(pending.session_id), pending.rows, len(pending.rows)
        envelopes = chunk.envelopes
        events, payloads = typed(envelopes)
        stamps = [e.timestamp if e.ts is None else e.ts for e in envelopes]
        seqs = state.number([e.seq for e in envelopes], stamps, events, chunk.raw)
        kept: Sequence[int] = range(len(envelopes))
        positions = list(chunk.positions)
        if None in seqs:
            kept = [at for at, seq in enumerate(seqs) if seq is not None]
            envelopes = [envelopes[at] for at in kept]
            events, payloads = [events[at] for at in kept], [payloads[at] for at in kept]
            stamps = [stamps[at] for at in kept]
            positions = [positions[at] for at in kept]
        heads = Heads(
            [pending.source_file] * len(kept),
            positions,
            [pending.session_id] * len(kept),
            [seq for seq in seqs if seq is not None],
            stamps,
            events,
            [envelope.direction or "received" for envelope in envelopes],
        )
        pending.count(chunk, len(kept))
        rows.extend(heads, payloads)

        def raw(row: int) -> bytes:
            return chunk.raw(kept[row - first])

        for at, (event, payload) in enumerate(zip(events, payloads, strict=True)):
            if payload is None:
                if event in USED:
                    self._payloads.read_other(rows, first + at, state, event, envelopes[at], raw)
            elif state.own or event == ev.PLAYER_TICK or payload.game_history is not None:
                self._payloads.read_frequent(rows, first + at, state, event, payload, raw)
        rows.check(raw)

    def event_store(
        self, batches: Iterable[pa.RecordBatch], *, source_file: str, doc_type: str | None
    ) -> Iterator[Decoded]:
        """Read the rows of one file of the event store; each row names its session.

        Args:
            batches: the file's rows, with at least the columns `stored_rows.NEEDED`.
            source_file: the name that leads back to the file.
            doc_type: the kind of rows where the file has no such column.
        """
        block = self.stored_block()
        position = 0
        for batch in batches:
            rows = list(rows_of(batch, position, doc_type))
            position += len(rows)
            repeated = block.take(rows, source_file)
            yield Decoded(*block.decoded(), len(rows), duplicates=repeated)

    def stored_block(self) -> StoredBlock:
        """A block for rows of the event store, of any of its files."""
        return StoredBlock(self._payloads, self.session, any_game=self._any_game)


def _placed(
    rejects: list[Reject], events: pa.RecordBatch, session_id: str, before: int
) -> list[Reject]:
    """The rejects of a block in the order of the file, each with the last event before it.

    In their order, because they are read back by the row group: lines that are no JSON are found
    ahead of events that are of no use.
    """
    if not rejects:
        return rejects
    positions = events.column("source_position").to_numpy()
    seqs = events.column("seq").to_numpy()
    placed = []
    for reject in sorted(rejects, key=lambda reject: reject.position):
        at = int(np.searchsorted(positions, reject.position, side="right")) - 1
        near = int(seqs[at]) if at >= 0 else before
        placed.append(replace(reject, session_id=session_id, near_seq=near))
    return placed
