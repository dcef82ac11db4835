"""Decoded captures: typed events of capture files, kept so that no file is decoded twice.

In: capture files, grouped into units (a JSONL file; up to `FILES_PER_UNIT` neighbouring files of
the event store, whose writer makes thousands of tiny ones). Out: per unit a Parquet file of events
(schema `DECODED`, one row group a session and block, sorted by seq), one of rejects, and a summary.
Invariants: an entry is named by what it was made of and appears whole (rename of a finished file,
the summary last); two processes that decode the same unit write the same bytes; raw player ids and
the key never reach the disk.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hmac import digest as hmac_digest
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from rugs_assets.domain.capture import DECODED, CaptureReader, Decoded
from rugs_assets.domain.columns import required
from rugs_assets.domain.events import REJECTED_INPUT
from rugs_assets.domain.records import Reject
from rugs_assets.domain.sessions import SessionBlock, describe_block
from rugs_assets.lake.capture_files import (
    EVENT_STORE,
    JSONL,
    CaptureFile,
    DigestingStream,
    open_bytes,
    store_rows,
)

DECODER_VERSION = 1
"""Goes up with every change of what is read from a capture: older entries are not used."""

FILES_PER_UNIT = 512
BLOCK_ROWS = 65_536
LONGEST_RAW_TEXT = 65_536

REJECTED = pa.schema(
    [*REJECTED_INPUT, required("session_id", pa.string()), required("near_seq", pa.int64())]
)

_NAME = re.compile(r'("username"\s*:\s*)"(?:[^"\\]|\\.)*"?')
_PLAYER = re.compile(r"did:[a-z]+:[0-9A-Za-z_-]+")


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
    """A decoded unit: its summary and where its rows lie."""

    summary: Summary
    events: Path
    rejects: Path


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


class Decoder:
    """Decodes units, or finds them decoded.

    Args:
        cache: the folder of the entries; made when needed.
        pseudonym_key: the key of the player pseudonyms.
    """

    def __init__(self, cache: Path, pseudonym_key: bytes) -> None:
        self._cache = cache
        self._key = pseudonym_key
        self.fingerprint = hashlib.sha256(b"fingerprint" + pseudonym_key).hexdigest()[:16]

    def pseudonym(self, player_id: str) -> str:
        """The keyed pseudonym of a player id (HMAC-SHA-256, 16 hex digits)."""
        return "p-" + hmac_digest(self._key, player_id.encode(), "sha256").hex()[:16]

    def is_known(self, plan: UnitPlan) -> bool:
        """Whether there is an entry of these very files."""
        return any(self._cache.glob(f"{self._name(plan)}-*.json"))

    def decode(self, plan: UnitPlan, own: dict[str, list[str]]) -> Unit:
        """The decoded unit; read from the cache where it is there.

        Args:
            plan: its files.
            own: session -> own player pseudonyms known so far; brought up to date.
        """
        name = self._name(plan)
        for path in sorted(self._cache.glob(f"{name}-*.json")):
            summary = msgspec.json.decode(path.read_bytes(), type=Summary)
            if all(own.get(session, []) == known for session, known in summary.own_before.items()):
                own |= summary.own_after
                return self._unit(path.stem, summary)
        unit = self._decode(name, plan, own)
        own |= unit.summary.own_after
        return unit

    def _name(self, plan: UnitPlan) -> str:
        made_of = [DECODER_VERSION, self.fingerprint] + [
            [file.path, file.size, file.mtime_ns] for file in plan.files
        ]
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(made_of))

    def _unit(self, stem: str, summary: Summary) -> Unit:
        folder = self._cache
        return Unit(summary, folder / f"{stem}.events.parquet", folder / f"{stem}.rejects.parquet")

    def _decode(self, name: str, plan: UnitPlan, own: Mapping[str, list[str]]) -> Unit:
        self._cache.mkdir(parents=True, exist_ok=True)
        scratch = self._cache / f".{name}-{os.getpid()}"
        events, rejects = scratch.with_suffix(".events"), scratch.with_suffix(".rejects")
        try:
            with UnitWriter(events, rejects, self) as writer:
                summary = writer.write(plan, own)
            before = msgspec.json.encode(summary.own_before, order="deterministic")
            unit = self._unit(f"{name}-{xxhash.xxh3_64_hexdigest(before)}", summary)
            events.replace(unit.events)
            rejects.replace(unit.rejects)
            scratch.write_bytes(msgspec.json.encode(summary))
            scratch.replace(
                unit.events.with_name(unit.events.name.replace(".events.parquet", ".json"))
            )
        finally:
            for leftover in (events, rejects, scratch):
                leftover.unlink(missing_ok=True)
        return unit

    def redacted(self, raw: bytes) -> str:
        """A rejected text as it may be stored: names removed, player ids as pseudonyms."""
        text = raw[:LONGEST_RAW_TEXT].decode("utf-8", "backslashreplace")
        text = _NAME.sub(r'\1"[removed]"', text)
        return _PLAYER.sub(lambda found: self.pseudonym(found.group()), text)


class UnitWriter:
    """Writes the events and rejects of one unit as they are decoded."""

    def __init__(self, events: Path, rejects: Path, decoder: Decoder) -> None:
        self._events = pq.ParquetWriter(events, DECODED, compression="zstd")
        self._rejects = pq.ParquetWriter(rejects, REJECTED, compression="zstd")
        self._decoder = decoder
        self._reader = CaptureReader(decoder.pseudonym)
        self._pending: list[pa.RecordBatch] = []
        self._summary = Summary([])
        self._row_groups = 0

    def __enter__(self) -> UnitWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._events.close()
        self._rejects.close()

    def write(self, plan: UnitPlan, own: Mapping[str, list[str]]) -> Summary:
        """Decode all files of the unit."""
        for session, known in own.items():
            self._reader.session(session).own = list(known)
        for file in plan.files:
            tally = FileTally(file.path, file.format, file.size)
            for decoded in self._read(file, tally):
                tally.add(decoded)
                self._reject(file.path, decoded.rejects)
                self._pending.append(decoded.events)
                if sum(batch.num_rows for batch in self._pending) >= BLOCK_ROWS:
                    self._flush()
            self._summary.files.append(tally)
        self._flush()
        summary = self._summary
        summary.rejected = sum(tally.rejected for tally in summary.files)
        for session in sorted({block.session_id for block in summary.blocks}):
            summary.own_before[session] = list(own.get(session, []))
            summary.own_after[session] = list(self._reader.session(session).own)
        return summary

    def _read(self, file: CaptureFile, tally: FileTally) -> Iterator[Decoded]:
        if file.format == EVENT_STORE:
            yield from self._reader.event_store(
                store_rows(file.location), source_file=file.path, doc_type=_doc_type(file.path)
            )
            tally.digest = xxhash.xxh3_128_hexdigest(file.location.read_bytes())
            return
        with open_bytes(file.location) as stream:
            digesting = DigestingStream(stream)
            yield from self._reader.jsonl(
                cast(BinaryIO, digesting), source_file=file.path, session_id=file.session_id
            )
            tally.digest = digesting.hexdigest()
            if digesting.broken is not None:
                nothing = DECODED.empty_table().to_batches() or [_EMPTY]
                why = Reject(tally.lines + 1, digesting.broken, b"", 0, file.session_id, 2**53)
                yield Decoded(nothing[0], [why], 1)

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending)
        self._pending = []
        if not table.num_rows:
            return
        if table["session_id"].combine_chunks().unique().__len__() > 1 or not _is_sorted(table):
            table = table.sort_by([("session_id", "ascending"), ("seq", "ascending")])
        sessions = table["session_id"].to_numpy()
        start = 0
        for session_id, group in groupby(sessions):
            rows = sum(1 for _ in group)
            part = table.slice(start, rows)
            start += rows
            self._events.write_table(part, row_group_size=rows)
            self._summary.blocks.append(Block(session_id, self._row_groups, describe_block(part)))
            self._row_groups += 1

    def _reject(self, path: str, rejects: Sequence[Reject]) -> None:
        if rejects:
            rows = [
                {
                    "source_file": path,
                    "source_position": reject.position,
                    "reason": reject.reason,
                    "byte_length": reject.length,
                    "raw_text": self._decoder.redacted(reject.raw),
                    "session_id": reject.session_id,
                    "near_seq": reject.near_seq,
                }
                for reject in rejects
            ]
            self._rejects.write_table(pa.Table.from_pylist(rows, REJECTED))


_EMPTY = pa.RecordBatch.from_pylist([], DECODED)


def _is_sorted(table: pa.Table) -> bool:
    seqs = table["seq"].to_numpy()
    return bool((seqs[1:] >= seqs[:-1]).all())


def _doc_type(path: str) -> str | None:
    found = re.search(r"(?:^|/)doc_type=([^/]+)/", path)
    return found.group(1) if found else None


def read_rejects(unit: Unit) -> pa.Table:
    """The rejects of a unit (schema `REJECTED`)."""
    return pq.read_table(unit.rejects, schema=REJECTED)
