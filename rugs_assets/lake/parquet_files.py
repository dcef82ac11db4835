"""Record batches -> Parquet files whose bytes are a pure function of the rows and their provenance.

In: batches of one date, chunked in any way. Out: staged files with exact row groups, and their
digests.
Grain: one file. Invariants: row order is the order of arrival; memory is one row group and one
batch; no clock, no random name and no run id inside a file; the same rows give the same bytes
however they were chunked.

Belongs here: bytes and footers. Goes elsewhere: folders and publishing (`storage`), the log
(`delta_log`).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.lake.file_cuts import FileCuts
from rugs_assets.lake.specs import Provenance, TableSpec

FOOTER_KEY = "rugs_assets"
"""Key of the JSON text in every file's footer: table, versions, digests and settings."""


_GATHERED = 2**18
"""Bytes that are hashed and written at once."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A finished file that no table refers to yet.

    Attributes:
        path: where it was written.
        data_digest: sha256 hex of all bytes before the footer, that is of the rows alone.
        checksum: sha256 hex of the whole file.
    """

    path: Path
    rows: int
    bytes: int
    data_digest: str
    checksum: str


class DateFiles:
    """Writes the rows of one date into `folder`, file after file.

    Args:
        spec: the table.
        provenance: goes into every footer, without the run id.
        folder: an existing folder of the caller's; it also removes it when writing fails.
    """

    def __init__(self, spec: TableSpec, provenance: Provenance, folder: Path) -> None:
        self._spec = spec
        self._footer = {
            "table": spec.name,
            "schema_version": spec.schema_version,
            "schema_fingerprint": spec.fingerprint,
            "code_version": provenance.code_version,
            "input_digest": provenance.input_digest,
            "config": provenance.config,
            **({"tally": provenance.tally} if provenance.tally else {}),
        }
        self._folder = folder
        self._cuts = FileCuts(spec)
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._file: _OpenFile | None = None
        self._staged: list[StagedFile] = []

    def write(self, batch: pa.RecordBatch) -> None:
        """Append a batch that has the storage schema.

        Raises:
            RowsRefused: a value of `keep_together` comes back after another one.
            OSError: the disk refuses.
        """
        for starts_file, piece in self._cuts.pieces(batch):
            if starts_file:
                self._end_file()
            self._pending.append(piece)
            self._pending_rows += piece.num_rows
            while self._pending_rows >= self._spec.row_group_rows:
                self._write_row_group(self._spec.row_group_rows)

    def finish(self) -> tuple[StagedFile, ...]:
        """Close the last file. A date without rows is one empty file that says where it is from."""
        if self._pending_rows or self._file is not None or not self._staged:
            self._end_file()
        return tuple(self._staged)

    def abandon(self) -> None:
        """Let go of the open file, whatever state it is in."""
        if self._file is not None:
            self._file.abandon()
            self._file = None

    def _write_row_group(self, rows: int) -> None:
        # One contiguous chunk a row group: page boundaries would otherwise follow the chunks.
        waiting = pa.Table.from_batches(self._pending, self._spec.storage_schema)
        group = waiting.slice(0, rows).combine_chunks()
        self._pending = [b for b in waiting.slice(rows).to_batches() if b.num_rows]
        self._pending_rows -= rows
        self._open_file().write(group)

    def _end_file(self) -> None:
        if self._pending_rows:
            self._write_row_group(self._pending_rows)
        self._staged.append(self._open_file().finish(self._footer))
        self._file = None

    def _open_file(self) -> _OpenFile:
        if self._file is None:
            path = self._folder / f"part-{len(self._staged):05d}.parquet"
            self._file = _OpenFile(path, self._spec)
        return self._file


class _OpenFile:
    """One Parquet file being written and hashed in the same pass."""

    def __init__(self, path: Path, spec: TableSpec) -> None:
        self._path = path
        self._sink = _HashingSink(path)
        layout: dict[str, Any] = {
            "compression": spec.compression,
            "use_dictionary": spec.dictionary,
            "write_page_checksum": True,
        }
        # A page is written in two pieces of some hundred bytes: gathered, they cost a call in all.
        self._stream = pa.BufferedOutputStream(pa.PythonFile(self._sink, mode="w"), _GATHERED)
        self._writer = pq.ParquetWriter(self._stream, spec.storage_schema, **layout)
        self._rows = 0

    def write(self, group: pa.Table) -> None:
        """Write one row group."""
        self._writer.write_table(group, row_group_size=group.num_rows)
        self._rows += group.num_rows

    def finish(self, footer: dict[str, Any]) -> StagedFile:
        """Write the footer and make the bytes durable."""
        # Row groups are flushed as they are written: all that is still to come is the footer.
        self._stream.flush()
        data_digest = self._sink.digest()
        text = json.dumps({**footer, "data_digest": data_digest}, sort_keys=True)
        self._writer.add_key_value_metadata({FOOTER_KEY: text})
        self._writer.close()
        self._stream.flush()
        self._sink.make_durable()
        self._sink.close()
        return StagedFile(
            self._path, self._rows, self._sink.position, data_digest, self._sink.digest()
        )

    def abandon(self) -> None:
        """Close without caring for the content."""
        self._sink.broken = True
        try:
            self._writer.close()
        finally:
            self._sink.close()


class _HashingSink(io.RawIOBase):
    """A binary file that hashes what passes through."""

    def __init__(self, path: Path) -> None:
        # Unbuffered: a full disk is met by the write that fills it and never again on close.
        self._file = path.open("wb", buffering=0)
        self._hash = hashlib.sha256()
        self.position = 0
        self.broken = False  # nothing more reaches the disk

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Hash and write all of `data`."""
        if self.broken:
            return len(data)
        self._hash.update(data)
        rest = memoryview(data)
        while rest:  # a raw file may take less than it is given
            rest = rest[self._file.write(rest) or 0 :]
        self.position += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self.position

    def digest(self) -> str:
        """sha256 hex of what was written so far."""
        return self._hash.copy().hexdigest()

    def make_durable(self) -> None:
        """Wait until the bytes are on the disk."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
