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
        raws: the bytes of each record; or else ``text``, whose ``newlines`` end a record each.
    """

    envelopes: list[Envelope | LooseEnvelope] = field(default_factory=list)
    positions: Sequence[int] = ()
    rejects: list[Reject] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    joined: int = 0
    doubled: int = 0
    raws: list[bytes] | None = None
    text: bytes = b""
    newlines: Sequence[int] = ()

    def raw(self, index: int) -> bytes:
        """The bytes of the record at an index of ``envelopes``."""
        if self.raws is not None:
            return self.raws[index]
        start = self.newlines[index - 1] + 1 if index else 0
        return self.text[start : self.newlines[index]]
