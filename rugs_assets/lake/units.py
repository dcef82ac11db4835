"""Units: capture files that are decoded together, and what is known of each.

In: capture files. Out: their grouping into units (a JSONL file; up to `FILES_PER_UNIT` neighbouring
files of the event store, whose writer makes thousands of tiny ones), and the records that describe
a decoded unit. How they are decoded and kept stands in ``decoded`` and ``unit_writer``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import pyarrow as pa

from rugs_assets.domain.capture import Decoded
from rugs_assets.domain.columns import required
from rugs_assets.domain.events import REJECTED_INPUT
from rugs_assets.domain.session_facts import SessionBlock
from rugs_assets.lake.capture_files import EVENT_STORE, JSONL, CaptureFile

FILES_PER_UNIT = 512
EVENTS, REJECTS, SUMMARY = ".events.parquet", ".rejects.parquet", ".json"
"""How the names of a unit's files end."""

REJECTED = pa.schema(
    [*REJECTED_INPUT, required("session_id", pa.string()), required("near_seq", pa.int64())]
)


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """Capture files that are decoded together."""

    files: tuple[CaptureFile, ...]

    @property
    def format(self) -> str:
        """The format of the files."""
        return self.files[0].format


@dataclass(slots=True)
class FileTally:
    """What became of the lines of a file; `lost` must be 0.

    ``joined`` counts lines that continue an object, ``doubled`` records beyond the first of a line.
    """

    path: str
    format: str
    size: int
    digest: str = ""
    lines: int = 0
    blank: int = 0
    joined: int = 0
    doubled: int = 0
    events: int = 0
    duplicates: int = 0
    rejected: int = 0

    @property
    def lost(self) -> int:
        """Lines that nothing accounts for."""
        accounted = self.blank + self.joined + self.events + self.duplicates + self.rejected
        return self.lines - accounted + self.doubled

    def add(self, decoded: Decoded) -> None:
        """Count a block."""
        self.lines += decoded.lines
        self.blank += decoded.blank
        self.joined += decoded.joined
        self.doubled += decoded.doubled
        self.events += decoded.events.num_rows
        self.duplicates += decoded.duplicates
        self.rejected += len(decoded.rejects)


@dataclass(slots=True)
class Block:
    """A row group of a unit: the events of one session."""

    session_id: str
    row_group: int
    facts: SessionBlock


@dataclass(slots=True)
class Summary:
    """What a unit holds; kept as JSON beside its events.

    Attributes:
        own_before: session -> pseudonyms of its own player known before the unit.
        own_after: the same after it.
    """

    files: list[FileTally]
    blocks: list[Block] = field(default_factory=list)
    own_before: dict[str, list[str]] = field(default_factory=dict)
    own_after: dict[str, list[str]] = field(default_factory=dict)
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Unit:
    """A decoded unit: its summary and where its rows lie.

    Attributes:
        place: path of its files without their endings.
    """

    summary: Summary
    place: str

    @property
    def events(self) -> Path:
        """The file of its events."""
        return Path(f"{self.place}{EVENTS}")

    @property
    def rejects(self) -> Path:
        """The file of its rejects."""
        return Path(f"{self.place}{REJECTS}")


def plan_units(files: Iterable[CaptureFile]) -> list[UnitPlan]:
    """Group capture files into units, in a stable order."""
    plans = [UnitPlan((file,)) for file in files if file.format == JSONL]
    stored = [file for file in files if file.format == EVENT_STORE]
    for _, group in groupby(stored, key=lambda file: file.folder):
        folder = list(group)
        plans += [
            UnitPlan(tuple(folder[start : start + FILES_PER_UNIT]))
            for start in range(0, len(folder), FILES_PER_UNIT)
        ]
    return plans
