"""Where a date's rows are cut into files: decided row by row, never by how they arrive in batches.

Belongs here: `file_rows` and `keep_together`. Goes elsewhere: row groups and bytes
(`parquet_files`).
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.lake.errors import RowsRefused
from rugs_assets.lake.specs import TableSpec


class FileCuts:
    """Says where files end, row by row, so that it cannot depend on the chunking."""

    def __init__(self, spec: TableSpec) -> None:
        self._spec = spec
        self._rows_in_file = 0
        self._seen: set[object] = set()
        self._last: object = None

    def pieces(self, batch: pa.RecordBatch) -> Iterator[tuple[bool, pa.RecordBatch]]:
        """Yield (does a new file start here, rows), in order."""
        limit = self._spec.file_rows
        starts = self._group_starts(batch)
        begin, starts_file = 0, False
        while begin < batch.num_rows:
            end = batch.num_rows
            if limit is not None:
                earliest = begin + max(0, limit - self._rows_in_file)
                end = min(end, self._cut_at_or_after(earliest, starts))
            if end > begin:
                self._rows_in_file += end - begin
                yield starts_file, batch.slice(begin, end - begin)
                starts_file = False
            if end < batch.num_rows:
                starts_file, self._rows_in_file = True, 0
            begin = end

    def _cut_at_or_after(self, row: int, starts: list[int] | None) -> int:
        if starts is None:
            return row
        found = bisect_left(starts, row)
        return starts[found] if found < len(starts) else sys.maxsize

    def _group_starts(self, batch: pa.RecordBatch) -> list[int] | None:
        """Rows at which `keep_together` changes, or None when any row may start a file."""
        name = self._spec.keep_together
        if name is None:
            return None
        values = batch.column(name)
        if not len(values):
            return []
        changed = pc.not_equal(values.slice(1), values.slice(0, len(values) - 1))
        starts = [0, *(np.flatnonzero(changed.to_numpy(zero_copy_only=False)) + 1).tolist()]
        if self._seen and values[0].as_py() == self._last:
            starts = starts[1:]
        for row in starts:
            value = values[row].as_py()
            if value in self._seen:
                raise RowsRefused(
                    f"table {self._spec.name}: {name}={value!r} comes back after other values; "
                    "rows that are kept together must be adjacent"
                )
            self._seen.add(value)
        self._last = values[len(values) - 1].as_py()
        return starts
