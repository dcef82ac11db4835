"""Event files: the rows of the event store's Parquet files that somebody names.

In: a pattern of paths (``~``, ``*`` and ``**`` mean what they do in a shell) and how many rows to
read. Out: the rows, file by file. This is the one place of the domain that opens files, and only
those it is handed: nothing is searched for, remembered or written. The landing folder, where
captures are found by themselves, belongs to the lake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.stored_rows import unreadable_columns

_DOC_TYPE = re.compile(r"doc_type=([^/]+)/")


@dataclass(frozen=True, slots=True)
class EventFile:
    """A file of the event store.

    Attributes:
        path: where it lies.
        batches: its rows, or the first of them.
        doc_type: the kind of rows that its folder names.
    """

    path: str
    batches: list[pa.RecordBatch]
    doc_type: str | None


def files_matching(pattern: str | Path) -> list[Path]:
    """The files that a pattern names, sorted; of a folder, the Parquet files below it.

    Args:
        pattern: a path with or without wildcards; ``~`` is the home folder, ``**`` any folders.
    """
    parts = Path(pattern).expanduser().parts
    fixed = next((at for at, part in enumerate(parts) if re.search(r"[*?\[]", part)), len(parts))
    root = Path(*parts[:fixed])
    if fixed < len(parts):
        return sorted(path for path in root.glob(str(Path(*parts[fixed:]))) if path.is_file())
    if root.is_dir():
        return sorted(root.glob("**/*.parquet"))
    return [root] if root.is_file() else []


def read_event_files(
    pattern: str, limit: int | None = None, *, may_be_none: bool = False
) -> Iterator[EventFile]:
    """Read the event-store files that a pattern names.

    Args:
        pattern: as `files_matching` takes it.
        limit: how many rows to read at most, in the order of the files; all by default.
        may_be_none: whether a pattern that matches no file means no rows.

    Raises:
        FileNotFoundError: no file matches; the message names the pattern.
        ValueError: a file is none of the event store; the message names it and what is missing.
    """
    paths = files_matching(pattern)
    if not paths and not may_be_none:
        raise FileNotFoundError(f"no file matches {pattern}")
    left = limit
    for path in paths:
        if left is not None and left <= 0:
            return
        with pq.ParquetFile(path) as file:
            missing = unreadable_columns(file.schema_arrow)
            if missing:
                raise ValueError(f"{path} is no file of the event store: {', '.join(missing)}")
            batches = []
            for batch in file.iter_batches():
                taken = batch if left is None else batch.slice(0, left)
                batches.append(taken)
                left = None if left is None else left - taken.num_rows
                if left == 0:
                    break
        kind = _DOC_TYPE.search(path.as_posix())
        yield EventFile(path.as_posix(), batches, kind[1] if kind else None)
