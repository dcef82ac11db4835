"""Event heads: what every event has, and columns that are nearly always all the same.

In: files, positions, sessions, numbers, stamps and names of a chunk's events. Out: the same of a
block's, appended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from rugs_assets.domain.clock import Stamp
from rugs_assets.domain.columns import Array

_NULLS: dict[str, Array] = {}


@dataclass(slots=True)
class Heads:
    """What every event has, by column; all of the same length."""

    files: list[str]
    positions: list[int]
    sessions: list[str]
    seqs: list[int]
    stamps: list[Stamp]
    events: list[str]
    directions: list[str]

    def extend(self, more: Heads) -> None:
        """Append those of further events."""
        self.files += more.files
        self.positions += more.positions
        self.sessions += more.sessions
        self.seqs += more.seqs
        self.stamps += more.stamps
        self.events += more.events
        self.directions += more.directions


def nothing(count: int, name: str, dtype: Any) -> Array:
    """A column of nulls; most columns of most chunks are, so they share their memory."""
    nulls = _NULLS.get(name)
    if nulls is None or len(nulls) < count:
        nulls = _NULLS[name] = pa.nulls(max(count, 8_192), dtype)
    return nulls.slice(0, count)


def mostly_one(texts: Sequence[str]) -> Array:
    """A column of texts that are nearly always all the same."""
    if len(set(texts)) == 1:
        return pa.repeat(texts[0], len(texts))
    return pa.array(texts, pa.string())
