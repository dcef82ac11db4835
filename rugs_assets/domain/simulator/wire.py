"""Raw JSONL captures: lines, good and broken.

In: records in order of receipt. Out: pieces of a file. Invariants: lines have exactly the form of
the real captures; damage is done where lines are made, and reported with its kind, so that the
truth knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from random import Random

from rugs_assets.domain.simulator.games import moment
from rugs_assets.domain.simulator.outputs import Appended, Output
from rugs_assets.domain.simulator.randomness import chance
from rugs_assets.domain.simulator.recording import Record

GOOD, DUPLICATE = "good", "duplicate"
CUT, CUT_JOINED, JOINED, PRETTY, PROSE = "cut", "cut_joined", "joined", "pretty", "prose"
DAMAGES = (CUT, CUT_JOINED, JOINED, PRETTY, PROSE)
"""Kinds of broken lines: cut off; cut off with the next object on the same line; two good objects
on one line; one object over many lines; a remark in prose between two lines."""
LOST = frozenset({CUT, CUT_JOINED, PROSE})
"""Kinds that are no record; the others are good records in a bad place."""

_CHUNK_BYTES = 1 << 20
_PRETTIEST = 40_000
_REMARKS = (
    "# recorder restarted here, check the clock",
    "note to self: this one rugged right after my buy",
    "---- laptop went to sleep ----",
    "tick looks wrong? {compare with the other file",
)


@dataclass(frozen=True, slots=True)
class Written:
    """Where a record went: file, number of its line or row from 1, and how."""

    path: str
    position: int
    kind: str


@dataclass(slots=True)
class RawWriter:
    """A raw JSONL file.

    Attributes:
        path: of the file.
        own: the player's own connection: both directions, with source and direction.
        old: the older keys, without `seq`.
        offset_us: of the naive local clock; None for stamps with an offset, in UTC.
        broken: probability of damage for each line.
    """

    path: str
    own: bool
    old: bool
    offset_us: int | None
    broken: float
    rng: Random
    outputs: list[Output]
    _buffer: list[bytes] = field(default_factory=list)
    _size: int = 0
    _lines: int = 1
    _joining: bool = False

    def write(self, record: Record, *, repeat: bool) -> list[Written]:
        """Write a record, perhaps damaged, perhaps twice; returns what has become of it."""
        text = self._line(record)
        if self._joining or not self.broken or not chance(self.rng, self.broken):
            kind = GOOD
        else:
            kind = DAMAGES[self.rng.randrange(len(DAMAGES))]
            if kind == PRETTY and len(text) > _PRETTIEST:
                kind = JOINED
        self._joining = False
        if kind == GOOD:
            done = [self._put(text, kind)]
            return [*done, self._put(text, DUPLICATE)] if repeat else done
        if kind == PROSE:
            remark = _REMARKS[self.rng.randrange(len(_REMARKS))]
            return [self._put(remark, PROSE), self._put(text, GOOD)]
        if kind == PRETTY:
            return [self._put(json.dumps(json.loads(text), indent=2), kind)]
        if kind != JOINED:
            text = text[: self.rng.randrange(10, len(text) - 1)]
        self._joining = kind != CUT
        return [self._put(text, kind, end="" if self._joining else "\n")]

    def flush(self) -> None:
        """Hand on what is buffered."""
        if self._buffer:
            self.outputs.append(Appended(self.path, b"".join(self._buffer)))
            self._buffer, self._size = [], 0

    def _put(self, text: str, kind: str, end: str = "\n") -> Written:
        data = (text + end).encode()
        self._buffer.append(data)
        self._size += len(data)
        where = Written(self.path, self._lines, kind)
        self._lines += data.count(b"\n")
        if self._size >= _CHUNK_BYTES:
            self.flush()
        return where

    def _line(self, record: Record) -> str:
        if self.offset_us is None:
            stamp = moment(record.at_us).isoformat(timespec="microseconds")
        else:
            stamp = naive(record.at_us + self.offset_us)
        event, data = record.event, record.data
        if self.old:
            return f'{{"timestamp": "{stamp}", "event_type": "{event}", "data": {data}}}'
        head = f'{{"seq": {record.seq}, "ts": "{stamp}", "event": "{event}", "data": {data}'
        if not self.own:
            return head + "}"
        direction = "sent" if record.sent else "received"
        return f'{head}, "source": "cdp_intercept", "direction": "{direction}"}}'


def naive(us: int) -> str:
    """A time in microseconds since 1970 as naive text."""
    return moment(us).replace(tzinfo=None).isoformat(timespec="microseconds")
