"""Reading capture files: streams of their bytes or rows, of exactly the file that was found.

In: a `CaptureFile`. Out: its plain bytes or its rows, as far as it went when it was found.
Invariants: only regular files are opened; a file that is not any more what was found is an error
that names it, never a mix of two states.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from rugs_assets.domain import stored_rows
from rugs_assets.domain.records import CHUNK_BYTES
from rugs_assets.lake.decompression import PlainBytes
from rugs_assets.lake.errors import in_a_line
from rugs_assets.lake.known_formats import EVENT_STORE, UNREADABLE, CaptureFile

DAMAGED = (OSError, pa.ArrowException, ValueError, KeyError, MemoryError)
"""What pyarrow makes of a damaged file; a column's name that is no UTF-8 is a ValueError."""

ROWS_AT_ONCE = 1_024
"""Rows of the event store that are held at once, of one file or of several."""

_READ_WHOLE = 4 << 20
"""A file of rows up to this size is read in one go: the event store makes thousands of them."""


class CaptureUnreadable(Exception):
    """A capture file cannot be read as what was found; the message is the reason.

    Attributes:
        file: the file, listed as unreadable.
    """

    def __init__(self, file: CaptureFile, problem: str) -> None:
        super().__init__(f"{file.path}: {problem}")
        self.file = replace(file, format=UNREADABLE, problem=problem)


def opened(location: Path) -> BinaryIO:
    """Open a regular file for reading: what became a link or a pipe meanwhile is refused.

    Raises:
        OSError: it cannot be opened, or is something else by now.
    """
    # A pipe would otherwise be waited for until somebody writes into it.
    descriptor = os.open(location, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{location} is no regular file any more")
    return os.fdopen(descriptor, "rb")


@contextmanager
def open_bytes(file: CaptureFile) -> Iterator[PlainBytes]:
    """Open a file for reading its plain bytes, as far as it went when it was found."""
    with opened(file.location) as stream:
        yield PlainBytes(stream, file.size)


def digest_of(file: CaptureFile) -> str:
    """The digest of a file's bytes as far as it went when it was found (xxh3-128, hex)."""
    digest = xxhash.xxh3_128()
    left = file.size
    with opened(file.location) as stream:
        while left > 0 and (piece := stream.read(min(left, CHUNK_BYTES))):
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def refuse_changed(file: CaptureFile, digest: str) -> None:
    """Refuse a file that changed since it was found, other than by growing.

    Args:
        file: the file as it was found.
        digest: of what was read of it: its rows' file as in `digest_of`, or else its plain bytes.

    Raises:
        CaptureUnreadable: it is gone, or what was read is not what it begins with now.
    """
    try:
        now = file.location.lstat()
        is_same = stat.S_ISREG(now.st_mode) and now.st_size == file.size
        if is_same and now.st_mtime_ns == file.mtime_ns:
            return
        if now.st_size >= file.size and _digest_again(file) == digest:
            return
    except OSError as error:
        raise CaptureUnreadable(file, f"it changed while it was read: {why(error)}") from error
    raise CaptureUnreadable(file, "it changed while it was read")


def _digest_again(file: CaptureFile) -> str:
    if file.format == EVENT_STORE:
        return digest_of(file)
    with open_bytes(file) as plain:
        while plain.read(CHUNK_BYTES):
            pass
        return plain.hexdigest()


def store_rows(file: CaptureFile) -> Iterator[pa.RecordBatch]:
    """The rows of an event-store file as record batches of the columns that are read.

    Raises:
        OSError, ArrowException: it is damaged.
        OSError with an ``errno``, MemoryError: it cannot be read now; see `is_of_the_machine`.
    """
    try:
        is_small = file.size <= _READ_WHOLE
        source = _whole(file) if is_small else file.location
        # Buffered ahead, all columns of the file would be held until its last row is read.
        with pq.ParquetFile(source, pre_buffer=False) as parquet:
            names = parquet.schema_arrow.names
            yield from parquet.iter_batches(
                # A row holds a whole frame: pyarrow's 65,536 of them would be a gigabyte.
                batch_size=ROWS_AT_ONCE,
                columns=[name for name in stored_rows.READ if name in names],
                # Handing a hundred rows to other threads costs more than reading them.
                use_threads=not is_small,
            )
    except (ValueError, KeyError) as error:
        raise OSError(f"{type(error).__name__}: {error}") from error


def _whole(file: CaptureFile) -> pa.BufferReader:
    with opened(file.location) as stream:
        return pa.BufferReader(stream.read(file.size))


def store_row_count(file: CaptureFile) -> int:
    """How many rows an event-store file says it has.

    Raises:
        CaptureUnreadable: it cannot say so.
    """
    try:
        with pq.ParquetFile(file.location) as parquet:
            return int(parquet.metadata.num_rows)
    except DAMAGED as error:
        raise CaptureUnreadable(file, why(error)) from error


def is_of_the_machine(error: BaseException) -> bool:
    """Whether a disk or memory failed rather than the file: the next try may read all of it.

    Nothing may be kept of such a try. What is kept of a file is believed until the file changes.
    """
    return isinstance(error, MemoryError) or getattr(error, "errno", None) is not None


def why(error: BaseException) -> str:
    """What went wrong, in few words."""
    return (error.strerror if isinstance(error, OSError) else None) or in_a_line(error)
