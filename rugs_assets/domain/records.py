"""Bytes to records: where one record of a JSONL capture ends and the next begins.

In: a binary stream. Out: `Chunk` objects of decoded records with their line numbers, and what was
no record, with the reason. Grain: one record, normally one line. Invariants: every line is counted
once (`Chunk.lines` = blank + joined + records + rejected - doubled), memory is bounded by
`CHUNK_BYTES` and `LONGEST_LINE`, and a broken line never costs a good record beside it. Handles
lines that are cut off, two objects on one line, objects over many lines and prose (protocol.md,
"What real captures do to you", 9). What a record means does not belong here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np

from rugs_assets.domain import protocol
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Malformed

CHUNK_BYTES = 4 << 20
LONGEST_LINE = 64 << 20
LONGEST_OBJECT_LINES = 100_000
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True, slots=True)
class Reject:
    """A piece of input that is no record.

    Attributes:
        position: number of the line (from 1) or row it stands on.
        reason: why it is no record.
        raw: its bytes; of an over-long line only the beginning.
        length: how many bytes it had.
        session_id: the session that was being read.
        near_seq: the last event of that session before it, 0 where there was none.
    """

    position: int
    reason: str
    raw: bytes
    length: int
    session_id: str = ""
    near_seq: int = 0


@dataclass(slots=True)
class Chunk:
    """Records that were read together.

    Attributes:
        envelopes: the decoded records, in order.
        positions: for each record the number of the line it begins on, from 1.
        rejects: what was no record.
        lines: lines read; ``blank``, ``joined`` (a continuation of an object) and ``doubled``
            (records or rejects beyond the first of a line) make the sum add up.
    """

    envelopes: list[Envelope | LooseEnvelope] = field(default_factory=list)
    positions: list[int] | range = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    joined: int = 0
    doubled: int = 0
    _raws: list[bytes] | None = None
    _text: bytes = b""
    _ends: list[int] | None = None

    def raw(self, index: int) -> bytes:
        """The bytes of the record at an index of ``envelopes``."""
        if self._raws is not None:
            return self._raws[index]
        if self._ends is None:
            newlines = np.flatnonzero(np.frombuffer(self._text, np.uint8) == 10)
            self._ends = [-1, *newlines.tolist()]
        return self._text[self._ends[index] + 1 : self._ends[index + 1]]


def read_records(stream: BinaryIO) -> Iterator[Chunk]:
    """Read a JSONL capture as chunks of records.

    Args:
        stream: the (decompressed) bytes of one file, read once from its present position.

    Yields:
        Chunks in order, together covering every line.
    """
    slow = _LineByLine()
    line_number = 0
    for block in _blocks(stream):
        if isinstance(block, Reject):
            slow.flush()
            line_number += 1
            slow.chunk.lines += 1
            slow.reject(line_number, block.reason, block.raw, block.length)
            yield slow.take()
            continue
        lines = block.count(b"\n")
        fast = None if slow.pending else _fast(block, lines, line_number)
        if fast is None:
            yield slow.read(block, line_number)
        else:
            yield fast
        line_number += lines
    slow.flush()
    yield slow.take()


def _fast(block: bytes, lines: int, line_number: int) -> Chunk | None:
    """The whole block at once, where each line is plainly one object; else None."""
    if block.count(b"}\n") != lines or not block.startswith(b"{"):
        return None
    if block.count(b"\n{") != lines - 1:
        return None
    envelopes = protocol.decode_lines(block)
    if envelopes is None or len(envelopes) != lines:
        return None
    if any(
        envelope.event is None and envelope.event_type is None and envelope.type is None
        for envelope in envelopes
    ):
        return None
    positions = range(line_number + 1, line_number + lines + 1)
    return Chunk(list(envelopes), positions, lines=lines, _text=block)


def _blocks(stream: BinaryIO) -> Iterator[bytes | Reject]:
    """Cut a stream into blocks of whole lines; an over-long line comes as a reject."""
    rest = b""
    while data := stream.read(CHUNK_BYTES):
        rest = rest + data if rest else data
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > LONGEST_LINE:
            length, rest, ended = _skip_line(stream, rest)
            yield Reject(0, f"a line longer than {LONGEST_LINE >> 20} MiB", length[1], length[0])
            if ended:
                return
    if rest:
        yield rest + b"\n"


def _skip_line(stream: BinaryIO, rest: bytes) -> tuple[tuple[int, bytes], bytes, bool]:
    """Read past an over-long line: ((its length, its beginning), what follows, end of file)."""
    length, head = len(rest), rest[:65_536]
    while data := stream.read(CHUNK_BYTES):
        end = data.find(b"\n")
        if end >= 0:
            return (length + end, head), data[end + 1 :], False
        length += len(data)
    return (length, head), b"", True


class _LineByLine:
    """The slow path: line by line, with an object that goes over many lines kept pending."""

    def __init__(self) -> None:
        self.chunk = Chunk(_raws=[])
        self.pending: list[tuple[int, bytes]] = []
        self._depth = 0
        self._records: list[tuple[int, Envelope | LooseEnvelope, bytes]] = []

    def read(self, block: bytes, line_number: int) -> Chunk:
        for line in block.split(b"\n")[:-1]:
            line_number += 1
            self.chunk.lines += 1
            self._line(line_number, line)
        return self.take()

    def take(self) -> Chunk:
        """What was found since the last time."""
        chunk, self.chunk = self.chunk, Chunk(_raws=[])
        chunk.envelopes = [envelope for _, envelope, _ in self._records]
        chunk.positions = [position for position, _, _ in self._records]
        chunk._raws = [raw for _, _, raw in self._records]
        self._records = []
        return chunk

    def reject(self, position: int, reason: str, raw: bytes, length: int | None = None) -> None:
        self.chunk.rejects.append(Reject(position, reason, raw, length or len(raw)))

    def flush(self) -> None:
        """Give up on the pending object: its first line is cut off, the others stand alone."""
        if not self.pending:
            return
        pending, self.pending = self.pending, []
        (position, first), *others = pending
        self.reject(position, "cut off before its end", first)
        for position, line in others:
            self._whole_or_salvage(position, line, may_pend=False)

    def _line(self, position: int, line: bytes) -> None:
        if not self.pending:
            self._whole_or_salvage(position, line, may_pend=True)
            return
        if line.lstrip().startswith(b"{") and _is_record(line):
            self.flush()
            self._whole_or_salvage(position, line, may_pend=True)
            return
        self.pending.append((position, line))
        opened = _opened(line)
        if opened is None or len(self.pending) > LONGEST_OBJECT_LINES:
            self.flush()
            return
        self._depth += opened
        if self._depth <= 0:
            self._close()

    def _close(self) -> None:
        """The pending object's braces are balanced: it is a record, or it is nothing."""
        record = b"\n".join(line for _, line in self.pending)
        try:
            envelope = protocol.decode_record(record)
        except Malformed:
            self.flush()
            return
        self._records.append((self.pending[0][0], envelope, record))
        self.chunk.joined += len(self.pending) - 1
        self.pending = []

    def _whole_or_salvage(self, position: int, line: bytes, *, may_pend: bool) -> None:
        if not line.strip():
            self.chunk.blank += 1
            return
        try:
            self._records.append((position, protocol.decode_record(line), line))
            return
        except Malformed as error:
            reason = str(error)
        text = line.decode("utf-8", "surrogateescape")
        found = [(start, end, _salvaged(text[start:end])) for start, end in _spans(text)]
        whole = [(start, end, record) for start, end, record in found if record is not None]
        opened = _opened(line) if may_pend and not whole and line.lstrip()[:1] == b"{" else None
        if opened is not None and opened > 0:
            self.pending, self._depth = [(position, line)], opened
            return
        self._salvage(position, text, whole, reason)

    def _salvage(
        self,
        position: int,
        text: str,
        whole: list[tuple[int, int, tuple[Envelope | LooseEnvelope, bytes]]],
        reason: str,
    ) -> None:
        """Take the whole records out of a line; what stands between them is rejected."""
        at, pieces = 0, 0
        for start, end, (envelope, raw) in [*whole, (len(text), len(text), (None, b""))]:
            fragment = text[at:start].strip()
            if fragment:
                if not fragment.startswith("{"):
                    why = "not a JSON object"
                else:
                    why = "cut off beside a whole record" if whole else f"broken JSON: {reason}"
                self.reject(position, why, fragment.encode("utf-8", "surrogateescape"))
                pieces += 1
            if envelope is not None:
                self._records.append((position, envelope, raw))
                pieces += 1
            at = end
        self.chunk.doubled += pieces - 1


def _spans(text: str) -> list[tuple[int, int]]:
    return list(protocol.objects_in(text))


def _salvaged(text: str) -> tuple[Envelope | LooseEnvelope, bytes] | None:
    raw = text.encode("utf-8", "surrogateescape")
    try:
        return protocol.decode_record(raw), raw
    except Malformed:
        return None


def _is_record(line: bytes) -> bool:
    try:
        protocol.decode_record(line)
    except Malformed:
        return False
    return True


def _opened(line: bytes) -> int | None:
    """How many braces and brackets a line leaves open; None where it ends inside a string."""
    bare = _STRING.sub(b"", line)
    if b'"' in bare:
        return None
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")
