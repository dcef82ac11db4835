"""Writing a unit: its capture files, decoded once into typed columns.

In: the capture files of a unit and the pseudonyms. Out: a Parquet file of events (one row group a
session and block, sorted by seq), one of rejects, and the unit's `Summary`. Memory: one block.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.capture import DECODED, CaptureReader, Decoded
from rugs_assets.domain.chunks import Reject
from rugs_assets.domain.session_facts import describe_block, ints
from rugs_assets.domain.stored_rows import StoredRow, rows_of
from rugs_assets.lake.capture_reading import (
    ROWS_AT_ONCE,
    CaptureUnreadable,
    digest_of,
    is_of_the_machine,
    open_bytes,
    refuse_changed,
    store_row_count,
    store_rows,
    why,
)
from rugs_assets.lake.known_formats import EVENT_STORE, CaptureFile
from rugs_assets.lake.redaction import redacted
from rugs_assets.lake.units import REJECTED, Block, FileTally, Summary, UnitPlan

BLOCK_ROWS = 32_768
_REJECTS_AT_ONCE = 8_192
LAST_SEQ = 2**53
"""Behind every event of a session."""


class UnitWriter:
    """Writes the events and rejects of one unit as they are decoded."""

    def __init__(self, events: Path, rejects: Path, pseudonym: Callable[[str], str]) -> None:
        texts = [column.name for column in DECODED if pa.types.is_string(column.type)]
        self._events = pq.ParquetWriter(
            events,
            DECODED,
            compression="zstd",
            compression_level=1,
            use_dictionary=cast(Any, texts),
            write_statistics=False,
        )
        self._rejects = pq.ParquetWriter(rejects, REJECTED, compression="zstd")
        self._pseudonym = pseudonym
        self._reader = CaptureReader(pseudonym)
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._block = self._reader.stored_block()
        self._in_block: dict[str, FileTally] = {}
        self._summary = Summary([])
        self._row_groups = 0

    def __enter__(self) -> UnitWriter:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._events.close()
        finally:
            self._rejects.close()

    def write(self, plan: UnitPlan, own: Mapping[str, list[str]]) -> Summary:
        """Decode all files of the unit.

        Raises:
            CaptureUnreadable: a file cannot be opened, or changed while it was read.
            OSError: what was decoded cannot be written.
        """
        for session, known in own.items():
            self._reader.session(session).own = list(known)
        for file in plan.files:
            tally = FileTally(file.path, file.format, file.size)
            self._summary.files.append(tally)
            if file.format == EVENT_STORE:
                self._take_stored(file, tally)
            else:
                for decoded in self._lines(file, tally):
                    self._keep(decoded, tally)
            refuse_changed(file, tally.digest)
        self._keep_stored()
        self._flush()
        summary = self._summary
        summary.rejected = sum(tally.rejected for tally in summary.files)
        for session in sorted({block.session_id for block in summary.blocks}):
            summary.own_before[session] = list(own.get(session, []))
            summary.own_after[session] = list(self._reader.session(session).own)
        return summary

    def _keep(self, decoded: Decoded, tally: FileTally) -> None:
        tally.add(decoded)
        self._reject(tally.path, decoded.rejects)
        self._append(decoded.events)

    def _append(self, events: pa.RecordBatch) -> None:
        self._pending.append(events)
        self._pending_rows += events.num_rows
        if self._pending_rows >= BLOCK_ROWS:
            self._flush()

    def _lines(self, file: CaptureFile, tally: FileTally) -> Iterator[Decoded]:
        try:
            with open_bytes(file) as plain:
                yield from self._reader.jsonl(
                    cast(BinaryIO, plain), source_file=file.path, session_id=file.session_id
                )
                tally.digest = plain.hexdigest()
        except OSError as error:
            raise CaptureUnreadable(file, why(error)) from error
        if plain.broken is not None:
            yield _break(tally.lines + 1, 1, plain.broken, file.session_id)

    def _take_stored(self, file: CaptureFile, tally: FileTally) -> None:
        """Take the rows of a file of the event store into the block, which is kept when full."""
        try:
            tally.digest = digest_of(file)
        except OSError as error:
            raise CaptureUnreadable(file, why(error)) from error
        for rows in self._stored_rows(file, tally):
            if len(self._block) + len(rows) > ROWS_AT_ONCE:
                self._keep_stored()
            self._in_block[file.path] = tally
            tally.duplicates += self._block.take(rows, file.path)

    def _stored_rows(self, file: CaptureFile, tally: FileTally) -> Iterator[list[StoredRow]]:
        doc_type, session_id = _doc_type(file.path), ""
        try:
            for batch in store_rows(file):
                rows = list(rows_of(batch, tally.lines, doc_type))
                tally.lines += len(rows)
                session_id = rows[-1].session_id if rows else session_id
                yield rows
        except (OSError, pa.ArrowException, MemoryError) as error:
            if is_of_the_machine(error):
                raise CaptureUnreadable(file, why(error)) from error
            left = store_row_count(file) - tally.lines
            reason = f"{left} rows cannot be read: {type(error).__name__}: {error}"
            broken = _break(tally.lines + 1, left, reason, session_id)
            self._keep_stored()  # what stands before it
            self._keep(broken, tally)

    def _keep_stored(self) -> None:
        """Keep what the block holds, and count it for the file that it came from."""
        if len(self._block):
            events, rejects = self._block.decoded()
            start = end = 0
            for path, count in Counter(map(str, events["source_file"].to_pylist())).items():
                self._in_block[path].events += count
                end += count
                # Cut where a file ends, so that blocks do not depend on what was read together.
                if self._pending_rows + end - start >= BLOCK_ROWS:
                    self._append(events.slice(start, end - start))
                    start = end
            self._append(events.slice(start))
            rejects.sort(key=attrgetter("source_file", "position"))  # as they are read back
            for path, group in groupby(rejects, key=attrgetter("source_file")):
                of_file = list(group)
                self._in_block[path].rejected += len(of_file)
                self._reject(path, of_file)
        self._in_block.clear()

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending)
        self._pending, self._pending_rows = [], 0
        if not table.num_rows:
            return
        found = table["session_id"].value_counts()
        if len(found) > 1 or not _is_sorted(table):
            table = table.sort_by([("session_id", "ascending"), ("seq", "ascending")])
        names, counts = found.flatten()
        rows_of_each = dict(zip(map(str, names.to_pylist()), ints(counts).tolist(), strict=True))
        start = 0
        for session_id, rows in sorted(rows_of_each.items()):
            part = table.slice(start, rows)
            start += rows
            self._events.write_table(part, row_group_size=rows)
            self._summary.blocks.append(Block(session_id, self._row_groups, describe_block(part)))
            self._row_groups += 1

    def _reject(self, path: str, rejects: Sequence[Reject]) -> None:
        # A megabyte of single letters is half a million of them.
        for start in range(0, len(rejects), _REJECTS_AT_ONCE):
            rows = [
                {
                    "source_file": path,
                    "source_position": reject.position,
                    "reason": reject.reason,
                    "byte_length": reject.length,
                    "raw_text": redacted(reject.raw, self._pseudonym),
                    "session_id": reject.session_id,
                    "near_seq": reject.near_seq,
                }
                for reject in rejects[start : start + _REJECTS_AT_ONCE]
            ]
            self._rejects.write_table(pa.Table.from_pylist(rows, REJECTED))


def _break(position: int, lines: int, reason: str, session_id: str) -> Decoded:
    """What can't be read any more, as one reject: it stands after all that could be read."""
    nothing = pa.RecordBatch.from_pylist([], DECODED)
    rejects = [Reject(position, reason, b"", 0, session_id, LAST_SEQ)]
    return Decoded(nothing, rejects, lines, joined=lines - 1)


def _is_sorted(table: pa.Table) -> bool:
    seqs = table["seq"].to_numpy()
    return bool((seqs[1:] >= seqs[:-1]).all())


def _doc_type(path: str) -> str | None:
    found = re.search(r"(?:^|/)doc_type=([^/]+)/", path)
    return found.group(1) if found else None
