"""Broken lines: the careful path, line by line, that takes every whole record out of a mess.

In: blocks of whole lines in which something is not plainly one object a line. Out: `Chunk` objects.
Handles lines that are cut off, several objects on one line, objects over many lines, prose and
blank lines (protocol.md, "What real captures do to you", 9). Invariants: as in ``records``; the
work on a line is bounded by its length. Used by ``records`` only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from rugs_assets.domain import protocol
from rugs_assets.domain.chunks import Chunk, Reject
from rugs_assets.domain.protocol import Envelope, LooseEnvelope, Malformed

LONGEST_OBJECT_LINES = 100_000
FALSE_STARTS = 4
"""How many lines of one stretch may each be taken for the beginning of an object over many lines
before the rest of it is read line by line."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)

Found = tuple[Envelope | LooseEnvelope, bytes]


@dataclass(slots=True)
class _Pending:
    """An object that has begun and not ended: its lines with their numbers."""

    lines: list[tuple[int, bytes]]
    depth: int
    size: int
    chances: int = FALSE_STARTS


@dataclass(slots=True)
class LineByLine:
    """Reads lines one by one; an object over many lines is kept pending from block to block.

    Args:
        longest: bytes that an object over many lines may have.
    """

    longest: int
    pending: _Pending | None = None
    _chunk: Chunk = field(default_factory=Chunk)
    _records: list[tuple[int, Found]] = field(default_factory=list)

    def read(self, block: bytes, line_number: int) -> Chunk:
        """Read a block of whole lines; ``line_number`` is that of the line before it."""
        for line in block.split(b"\n")[:-1]:
            line_number += 1
            self._chunk.lines += 1
            self._line(line_number, line)
        return self._take()

    def skip(self, line_number: int, over_long: Reject) -> Chunk:
        """Note a line that is too long to be read."""
        self._give_up()
        self._chunk.lines += 1
        self._reject(line_number, over_long.reason, over_long.raw, over_long.length)
        return self._take()

    def finish(self) -> Chunk:
        """The end of the input: what is still pending will never end."""
        self._give_up()
        return self._take()

    def _take(self) -> Chunk:
        """What was found since the last time."""
        chunk, self._chunk = self._chunk, Chunk()
        chunk.positions = [position for position, _ in self._records]
        chunk.envelopes = [envelope for _, (envelope, _) in self._records]
        chunk.raws = [raw for _, (_, raw) in self._records]
        self._records = []
        return chunk

    def _reject(self, position: int, reason: str, raw: bytes, length: int | None = None) -> None:
        length = len(raw) if length is None else length
        self._chunk.rejects.append(Reject(position, reason, raw, length))

    def _line(self, position: int, line: bytes, chances: int = FALSE_STARTS) -> None:
        pending = self.pending
        if pending is None:
            self._alone(position, line, chances)
            return
        bare = line.strip()
        if bare[:1] == b"{" and bare[-1:] == b"}" and (found := _record_in(line)) is not None:
            self._give_up()
            self._records.append((position, found))
            return
        pending.lines.append((position, line))
        pending.size += len(line)
        opened = _opened(line)
        if opened is not None:
            pending.depth += opened
        if (
            opened is None
            or len(pending.lines) > LONGEST_OBJECT_LINES
            or pending.size > self.longest
        ):
            self._false_start()
        elif pending.depth <= 0:
            self._close(pending)

    def _close(self, pending: _Pending) -> None:
        """The pending object's braces are balanced: it is a record, or it is nothing."""
        record = b"\n".join(line for _, line in pending.lines)
        found = _record_in(record)
        if found is None:
            self._false_start()
            return
        self._records.append((pending.lines[0][0], found))
        self._chunk.joined += len(pending.lines) - 1
        self.pending = None

    def _false_start(self) -> None:
        """The pending object's first line is cut off; what follows it is read anew."""
        pending, self.pending = self.pending, None
        if pending is None:
            return
        (position, first), *others = pending.lines
        self._reject(position, "cut off before its end", first)
        for position, line in others:
            self._line(position, line, pending.chances - 1)

    def _give_up(self) -> None:
        """Something stands here that ends whatever is pending."""
        while self.pending is not None:
            self._false_start()

    def _alone(self, position: int, line: bytes, chances: int) -> None:
        """A line while nothing is pending: a record, blank, the start of a record, or broken."""
        if not line.strip():
            self._chunk.blank += 1
            return
        try:
            self._records.append((position, (protocol.decode_record(line), line)))
            return
        except Malformed as error:
            reason = str(error)
        text = line.decode("utf-8", "surrogateescape")
        whole = [
            (start, end, found)
            for start, end in protocol.objects_in(text)
            if (found := _salvaged(text[start:end])) is not None
        ]
        if not whole and chances > 0 and line.lstrip()[:1] == b"{":
            opened = _opened(line)
            if opened is not None and opened > 0:
                self.pending = _Pending([(position, line)], opened, len(line), chances)
                return
        self._salvage(position, text, whole, reason)

    def _salvage(
        self, position: int, text: str, whole: list[tuple[int, int, Found]], reason: str
    ) -> None:
        """Take the whole records out of a line; what stands between them is rejected."""
        at, pieces = 0, len(whole)
        for start, end, found in [*whole, (len(text), len(text), None)]:
            fragment = text[at:start].strip()
            if fragment:
                if not fragment.startswith("{"):
                    why = "not a JSON object"
                else:
                    why = "cut off beside a whole record" if whole else f"broken JSON: {reason}"
                self._reject(position, why, fragment.encode("utf-8", "surrogateescape"))
                pieces += 1
            if found is not None:
                self._records.append((position, found))
            at = end
        self._chunk.doubled += pieces - 1


def _salvaged(text: str) -> Found | None:
    """A record that stands in the middle of a line, and that can't be a part of a payload."""
    found = _record_in(text.encode("utf-8", "surrogateescape"))
    return found if found is not None and protocol.is_plainly_recorded(found[0]) else None


def _record_in(raw: bytes) -> Found | None:
    try:
        return protocol.decode_record(raw), raw
    except Malformed:
        return None


def _opened(line: bytes) -> int | None:
    """How many braces and brackets a line leaves open; None where it ends inside a string."""
    # A quote behind the line closes what is open; else it is left over.
    bare = _STRING.sub(b"", line + b' "')
    if not bare.endswith(b'"'):
        return None
    return bare.count(b"{") + bare.count(b"[") - bare.count(b"}") - bare.count(b"]")
