"""Steps as arrays: what a loader gathers from, and how Parquet files become it.

In: files of `training_shards` and the index of the episodes wanted. Out: one contiguous
(n, 36) float32 array and one array a column, episodes end to end, each followed by the row after
its last decision. Invariants: order is that of the files; nothing is read twice; memory beyond the
arrays is one file and a row group a thread.

Belongs here: columns, their dtypes, decoding into arrays that the caller made. Goes elsewhere: RAM
or map (`dataset_cache`), which files (`dataset_source`), batches (`transitions`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import DTypeLike, NDArray

from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_NAMES
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.episode_index import EpisodeIndex
from rugs_assets.lake.errors import FileDamaged, LakeError

Array = NDArray[Any]
LABELS = ("action", "reward", "done", "truncated")
"""The columns that every loader reads beside the features."""

_IN_THE_INDEX = ("episode_id", "split", "is_last")
EXTRAS = tuple(
    field.name
    for field in TRAINING_SHARDS.schema
    if field.name not in (*FEATURE_NAMES, *LABELS, *_IN_THE_INDEX)
)
"""The columns that are read on request: step, adjust, order_amount, observed and so on."""

_BLOCK = 4_096  # rows that are turned from columns to rows at once: they fit the second-level cache
_READ_ERRORS = (OSError, pa.ArrowException, ValueError, KeyError)


@dataclass(frozen=True, slots=True)
class StepFile:
    """A file of steps.

    Attributes:
        place: where it lies, for messages.
        rows: rows in it.
        read: its bytes, known to be those that were written.
        checked: whether they are known so by their digest; otherwise pages are checked on reading.
    """

    place: str
    rows: int
    read: Callable[[], bytes]
    checked: bool


@dataclass(frozen=True, slots=True)
class Steps:
    """n rows: the episodes of `index` end to end.

    Attributes:
        observations: float32 (n, 36).
        columns: `LABELS` and the extras asked for, each (n,); amounts are NaN where there is none.
        starts: int64 (E + 1,), the first row of each episode, then n.
        index: the E episodes.
    """

    observations: NDArray[np.float32]
    columns: Mapping[str, Array]
    starts: NDArray[np.int64]
    index: EpisodeIndex

    @property
    def count(self) -> int:
        """Rows, those behind the last decisions among them."""
        return len(self.observations)

    def sealed(self) -> Steps:
        """The same, read-only from now on: views of them are handed out."""
        for array in (self.observations, *self.columns.values()):
            array.setflags(write=False)
        return self

    @property
    def is_mapped(self) -> bool:
        """Whether they lie on disk and are mapped, not in RAM."""
        return isinstance(self.observations.base, np.memmap)


def dtype_of(column: str) -> np.dtype[Any]:
    """The numpy type of a column of steps."""
    kind: np.dtype[Any] = np.dtype(TRAINING_SHARDS.schema.field(column).type.to_pandas_dtype())
    return kind


def known_extras(columns: Iterable[str]) -> tuple[str, ...]:
    """The columns, when all of them can be read on request.

    Raises:
        LakeError: one cannot; names those that can.
    """
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise LakeError(f"columns={columns!r}: a list of names is needed")
    names = list(columns)  # an iterator is read once alone
    for name in names:
        if name not in EXTRAS:
            raise LakeError(f"no column {name!r} on request; there are {', '.join(EXTRAS)}")
    return tuple(dict.fromkeys(names))


def bytes_of(rows: int, columns: Sequence[str]) -> int:
    """Memory that rows with these columns take."""
    return rows * (4 * FEATURE_COUNT + sum(dtype_of(name).itemsize for name in columns))


def in_memory(files: Sequence[StepFile], index: EpisodeIndex, extras: Sequence[str]) -> Steps:
    """Read the episodes into RAM.

    Raises:
        LakeError: a file is damaged.
    """
    return filled(files, index, [*LABELS, *extras], lambda _, shape, kind: np.empty(shape, kind))


def filled(
    files: Sequence[StepFile],
    index: EpisodeIndex,
    columns: Sequence[str],
    make: Callable[[str, tuple[int, ...], DTypeLike], Array],
) -> Steps:
    """Read the episodes into arrays that `make(name, shape, dtype)` provides."""
    starts = index.starts
    rows = int(starts[-1])
    observations = make("observations", (rows, FEATURE_COUNT), np.float32)
    arrays = {name: make(name, (rows,), dtype_of(name)) for name in columns}
    # Reading is hashing too: while the row groups of a file are decoded, the next one is hashed.
    workers = _cores()
    filler = _Filler(observations, arrays, workers)
    with ThreadPoolExecutor(workers) as pool:
        ahead: Future[bytes] | None = None
        wanted = list(_wanted(files, index))
        for at, (file, taken, first) in enumerate(wanted):
            text = (ahead or pool.submit(file.read)).result()
            ahead = pool.submit(wanted[at + 1][0].read) if at + 1 < len(wanted) else None
            for part in filler.parts(pool, file, text, taken, first):
                part.result()
    return Steps(observations, arrays, starts, index)


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _wanted(
    files: Sequence[StepFile], index: EpisodeIndex
) -> Iterator[tuple[StepFile, NDArray[np.bool_] | None, int]]:
    """(file, which of its rows (None: all), first row in the arrays) of each file with episodes."""
    first = 0
    owner, row, rows = index.file, index.row, index.rows
    for at, file in enumerate(files):
        mine = owner == at
        count = int(rows[mine].sum())
        if not count:
            continue
        taken = None
        if count != file.rows:
            edges = np.zeros(file.rows + 1, np.int8)
            np.add.at(edges, row[mine], np.int8(1))
            np.subtract.at(edges, row[mine] + rows[mine], np.int8(1))
            taken = np.cumsum(edges[:-1], dtype=np.int8).astype(bool)
        yield file, taken, first
        first += count


_Group = tuple[int, NDArray[np.bool_] | None, int]
"""Number of a row group, which of its rows (None: all), their first row in the arrays."""


class _Filler:
    """Decodes row groups and puts them into the arrays, with some workers at a time."""

    def __init__(
        self, observations: NDArray[np.float32], arrays: Mapping[str, Array], workers: int
    ) -> None:
        self._workers = workers
        self._observations = observations
        self._arrays = arrays
        self._columns = [*FEATURE_NAMES, *arrays]

    def parts(
        self,
        pool: ThreadPoolExecutor,
        file: StepFile,
        text: bytes,
        taken: NDArray[np.bool_] | None,
        first: int,
    ) -> list[Future[None]]:
        """Begin to decode a file, one run of row groups a worker."""
        try:
            metadata = pq.read_metadata(pa.BufferReader(text))
        except _READ_ERRORS as error:
            raise FileDamaged(f"{file.place} cannot be read: {error}") from error
        if metadata.num_rows != file.rows:
            raise FileDamaged(f"{file.place} has {metadata.num_rows} rows, expected {file.rows}")
        groups: list[_Group] = []
        row = 0
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            mask = None if taken is None else taken[row : row + rows]
            count = rows if mask is None else int(np.count_nonzero(mask))
            if count:
                groups.append((number, mask, first))
            row, first = row + rows, first + count
        size = -(-len(groups) // self._workers)
        runs = [groups[start : start + size] for start in range(0, len(groups), size)]
        return [pool.submit(self._fill, file, text, metadata, run) for run in runs]

    def _fill(
        self, file: StepFile, text: bytes, metadata: pq.FileMetaData, groups: Sequence[_Group]
    ) -> None:
        try:
            parquet = pq.ParquetFile(
                pa.BufferReader(text),
                metadata=metadata,
                page_checksum_verification=not file.checked,
            )
            for number, mask, first in groups:
                table = parquet.read_row_group(number, columns=self._columns, use_threads=False)
                self._place(table, mask, first)
        except _READ_ERRORS as error:
            raise FileDamaged(f"{file.place} cannot be read: {error}") from error

    def _place(self, table: pa.Table, mask: NDArray[np.bool_] | None, first: int) -> None:
        features = [_array(table, name) for name in FEATURE_NAMES]
        count = table.num_rows if mask is None else int(np.count_nonzero(mask))
        target = self._observations[first : first + count]
        if mask is None:
            _turn(features, target)
        else:
            whole = np.empty((table.num_rows, FEATURE_COUNT), np.float32)
            _turn(features, whole)
            np.compress(mask, whole, axis=0, out=target)
        for name, array in self._arrays.items():
            values = _array(table, name)
            array[first : first + count] = values if mask is None else values[mask]


def _turn(columns: Sequence[Array], rows: NDArray[np.float32]) -> None:
    """Columns (36 of (k,)) into rows (k, 36), block by block."""
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        for at, column in enumerate(columns):
            block[:, at] = column[start : start + _BLOCK]


def _array(table: pa.Table, name: str) -> Array:
    column = table.column(name)
    chunk = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return np.asarray(chunk.to_numpy(zero_copy_only=False))
