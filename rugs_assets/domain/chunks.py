"""Chunks: what reading a capture's lines gives, a few megabytes at a time.

The two types that the fast path (``records``) and the careful one (``broken_lines``) both make.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rugs_assets.domain.protocol import Envelope, LooseEnvelope


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
        source_file: its file, where records of several files are read together.
    """

    position: int
    reason: str
    raw: bytes
    length: int
    session_id: str = ""
    near_seq: int = 0
    source_file: str = ""


@dataclass(slots=True)
class Block:
    """Whole lines as they were read; the first, begun in an earlier read, may lie by itself.

    Attributes:
        head: that first line with its end; empty where there is none.
        text: what was read; its lines lie from ``start`` to ``end``, behind the last one's end.
    """

    head: bytes
    text: bytes
    start: int
    end: int
    _newlines: list[int] | None = None

    @property
    def newlines(self) -> list[int]:
        """Where the lines of ``text`` end: a search for the next outruns comparing every byte."""
        if self._newlines is None:
            found: list[int] = []
            at = self.text.find(b"\n", self.start, self.end)
            while at >= 0:
                found.append(at)
                at = self.text.find(b"\n", at + 1, self.end)
            self._newlines = found
        return self._newlines

    @property
    def lines(self) -> int:
        """How many lines these are."""
        return len(self.newlines) + bool(self.head)

    def line(self, index: int) -> bytes:
        """A line without its end."""
        if self.head:
            if index == 0:
                return self.head[:-1]
            index -= 1
        start = self.newlines[index - 1] + 1 if index else self.start
        return self.text[start : self.newlines[index]]

    def joined(self) -> bytes:
        """All lines as they stood in the file."""
        return self.head + self.text[self.start : self.end]


@dataclass(slots=True)
class Chunk:
    """Records that were read together.

    Attributes:
        envelopes: the decoded records, in order.
        positions: for each record the number of the line it begins on, from 1.
        rejects: what was no record.
        lines: lines read; ``blank``, ``joined`` (a continuation of an object) and ``doubled``
            (records or rejects beyond the first of a line) make the sum add up.
        raws: the bytes of each record; or else ``block``, each line of which is a record.
    """

    envelopes: list[Envelope | LooseEnvelope] = field(default_factory=list)
    positions: Sequence[int] = ()
    rejects: list[Reject] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    joined: int = 0
    doubled: int = 0
    raws: Sequence[bytes] = ()
    block: Block | None = None

    def raw(self, index: int) -> bytes:
        """The bytes of the record at an index of ``envelopes``."""
        if self.block is not None:
            return self.block.line(index)
        return self.raws[index]
