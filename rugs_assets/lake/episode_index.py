"""The index of episodes: which rows of which file are an episode, and in which split it lies.

In: the short columns of `training_shards` in stored order. Out: one entry an episode, in the order
of the rows, kept beside a release, so that opening it decodes no text column of any step.
Invariants: an episode lies in one file; its last row is the one after its last decision.

Belongs here: finding, storing and selecting episodes. Goes elsewhere: reading steps (`steps`),
conditions on episodes (`release_filters`).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rugs_assets.domain.shards import SPLITS
from rugs_assets.lake.errors import LakeError

SPLIT_NAMES = tuple(name for name, _ in SPLITS)
COLUMNS = ("episode_id", "is_last", "split", "has_player")
"""The columns of `training_shards` that an index is made of."""

FIELDS: list[pa.Field[Any]] = [
    pa.field("episode_id", pa.string(), nullable=False),
    pa.field("capture_date", pa.date32()),
    pa.field("file", pa.int32(), nullable=False),
    pa.field("row", pa.int64(), nullable=False),
    pa.field("rows", pa.int64(), nullable=False),
    pa.field("split", pa.int8(), nullable=False),
    pa.field("has_player", pa.bool_(), nullable=False),
]
"""The columns of an index."""
_SCHEMA = pa.schema(FIELDS)


class IndexInvalid(LakeError):
    """The rows are not whole episodes; a loader could not tell what follows a decision."""


@dataclass(frozen=True, slots=True)
class IndexedFile:
    """A file of steps: the date of its rows (None: not known) and how many there are."""

    day: date | None
    rows: int


@dataclass(frozen=True, slots=True)
class EpisodeIndex:
    """E episodes in the order of their rows.

    Attributes:
        table: one row an episode: id, date, number of its file, first row in it, rows (decisions +
            1), split as a position in `SPLIT_NAMES`, has_player.
    """

    table: pa.Table

    @property
    def file(self) -> NDArray[np.int32]:
        """Int32 (E,): position of the episode's file."""
        return np.asarray(self.table["file"].to_numpy())

    @property
    def row(self) -> NDArray[np.int64]:
        """Int64 (E,): first row within the file."""
        return np.asarray(self.table["row"].to_numpy())

    @property
    def rows(self) -> NDArray[np.int64]:
        """Int64 (E,): decisions + 1."""
        return np.asarray(self.table["rows"].to_numpy())

    @property
    def split(self) -> NDArray[np.int8]:
        """Int8 (E,): position in `SPLIT_NAMES`."""
        return np.asarray(self.table["split"].to_numpy())

    @property
    def starts(self) -> NDArray[np.int64]:
        """Int64 (E + 1,): first row of each episode when only these are laid end to end."""
        return np.concatenate(([0], np.cumsum(self.rows)))

    @property
    def has_player(self) -> NDArray[np.bool_]:
        """Bool (E,): whether somebody played in it."""
        return np.asarray(self.table["has_player"].to_numpy())

    @property
    def digest(self) -> str:
        """Sha256 hex of which rows of which files are its episodes."""
        places = np.stack([self.file, self.row, self.rows], axis=1).astype("<i8")
        return hashlib.sha256(places.tobytes()).hexdigest()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def split_of_rows(self, file_rows: Sequence[int]) -> NDArray[np.int8]:
        """Int8 (rows of all files,): the split of each row, -1 where its episode is not indexed.

        Args:
            file_rows: rows of each file, in order.
        """
        file_starts = np.concatenate(([0], np.cumsum(file_rows, dtype=np.int64)))
        edges = np.zeros(file_starts[-1] + 1, np.int8)
        starts = file_starts[self.file] + self.row
        # What is entered at a first row is left behind the last one; neighbours add up.
        np.add.at(edges, starts, self.split + 1)
        np.subtract.at(edges, starts + self.rows, self.split + 1)
        return np.cumsum(edges[:-1], dtype=np.int8) - np.int8(1)

    def of_files(self, files: Sequence[int]) -> EpisodeIndex:
        """The episodes that lie in some of the files."""
        return EpisodeIndex(self.table.filter(pc.is_in(self.table["file"], pa.array(files))))

    def of_episodes(self, ids: Iterable[str]) -> EpisodeIndex:
        """The episodes with these ids."""
        wanted = pa.array(sorted(ids), pa.string())
        return EpisodeIndex(self.table.filter(pc.is_in(self.table["episode_id"], wanted)))

    def to_bytes(self) -> bytes:
        """The index as a Parquet file."""
        sink = io.BytesIO()
        pq.write_table(self.table, sink, compression="zstd", write_page_checksum=True)
        return sink.getvalue()

    @classmethod
    def from_bytes(cls, text: bytes) -> EpisodeIndex:
        """Read what `to_bytes` made; the caller knows that the bytes are intact."""
        table = pq.read_table(pa.BufferReader(text), page_checksum_verification=True)
        return cls(table.cast(_SCHEMA))


def index_of(batches: Iterable[pa.RecordBatch], files: Sequence[IndexedFile]) -> EpisodeIndex:
    """Find the episodes.

    Args:
        batches: rows of `training_shards` in stored order, with at least `COLUMNS`.
        files: the files they come from, in that order.

    Raises:
        IndexInvalid: an episode has no last row, mixes two ids, or lies in two files.
    """
    seen = 0
    before: tuple[pa.Scalar[Any], bool] | None = None  # id and is_last of the row before the batch
    ends: list[NDArray[np.int64]] = []
    last_rows: list[pa.RecordBatch] = []
    for batch in batches:
        if not batch.num_rows:
            continue
        is_last = np.asarray(batch["is_last"].to_numpy(zero_copy_only=False))
        _refuse_torn(batch["episode_id"], is_last, before)
        ends.append(np.flatnonzero(is_last) + seen + 1)
        last_rows.append(batch.select(COLUMNS).filter(batch["is_last"]))
        seen += batch.num_rows
        before = (batch["episode_id"][-1], bool(is_last[-1]))
    if before is not None and not before[1]:
        raise IndexInvalid(f"episode {before[0]} has no row after its last decision")
    found = np.concatenate(ends) if ends else np.zeros(0, np.int64)
    return EpisodeIndex(_entries(found, last_rows, files))


def _refuse_torn(
    ids: pa.Array[Any], is_last: NDArray[np.bool_], before: tuple[pa.Scalar[Any], bool] | None
) -> None:
    changes = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1))
    torn = np.flatnonzero(changes.to_numpy(zero_copy_only=False) != is_last[:-1])
    at = int(torn[0]) + 1 if torn.size else None
    if before is not None and (before[0] != ids[0]) != before[1]:
        at = 0
    if at is not None:
        raise IndexInvalid(
            f"at episode {ids[at]}: where an episode ends and where is_last stands do not agree"
        )


def _entries(
    ends: NDArray[np.int64], last_rows: Sequence[pa.RecordBatch], files: Sequence[IndexedFile]
) -> pa.Table:
    file_ends = np.cumsum([file.rows for file in files], dtype=np.int64)
    starts = np.concatenate((np.zeros(1, np.int64), ends))[:-1]
    file = np.searchsorted(file_ends, starts, side="right")
    if (np.searchsorted(file_ends, ends - 1, side="right") != file).any():
        raise IndexInvalid("an episode lies in two files")
    file_starts = np.concatenate((np.zeros(1, np.int64), file_ends))
    days = np.array([each.day for each in files], "datetime64[D]")  # None becomes NaT
    rows = pa.Table.from_batches(last_rows) if last_rows else _no_rows()
    return pa.Table.from_arrays(
        [
            rows["episode_id"].combine_chunks(),
            pa.array(days[file], pa.date32()),
            pa.array(file.astype(np.int32)),
            pa.array(starts - file_starts[file]),
            pa.array(ends - starts),
            pc.index_in(rows["split"].combine_chunks(), pa.array(SPLIT_NAMES)).cast(pa.int8()),
            rows["has_player"].combine_chunks(),
        ],
        schema=_SCHEMA,
    )


def _no_rows() -> pa.Table:
    kinds = (pa.string(), pa.bool_(), pa.string(), pa.bool_())
    return pa.table({name: pa.array([], kind) for name, kind in zip(COLUMNS, kinds, strict=True)})
