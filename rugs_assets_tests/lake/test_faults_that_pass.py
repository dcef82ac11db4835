"""A disk that fails once, memory that is short for a moment: no line is lost for good by them."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rugs_assets.lake import capture_reading
from rugs_assets.lake.landing import UnreadableCapture
from rugs_assets_tests.captures_builders import (
    DAY,
    active,
    landed,
    own_events,
    rejected_of,
    stored,
    write_jsonl,
    write_store,
)


class Stuttering(io.BytesIO):
    """A file on a disk that fails once behind its first bytes."""

    fails = True

    def read(self, size: int | None = -1, /) -> bytes:
        if Stuttering.fails and self.tell() > 100_000:
            Stuttering.fails = False
            raise OSError(errno.EIO, "Input/output error")
        return super().read(size)


def test_a_disk_that_fails_once_costs_no_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in", *(active(seq, seq, note="x" * 2_000) for seq in range(1, 3_000)))
    monkeypatch.setattr(Stuttering, "fails", True)
    with monkeypatch.context() as patched:
        patched.setattr(
            capture_reading, "opened", lambda place: Stuttering(Path(place).read_bytes())
        )
        with pytest.raises(
            UnreadableCapture, match=r"jsonl: cannot be opened \(Input/output error"
        ):
            landed(tmp_path / "in").select(DAY)
    assert not Stuttering.fails
    assert len(own_events(landed(tmp_path / "in"))) == 2_999  # nothing of the first try was kept


def test_want_of_memory_costs_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_store(tmp_path / "in", [stored(active(seq, seq)) for seq in range(1, 2_001)])
    read = pq.ParquetFile.iter_batches

    def wanting(self: pq.ParquetFile, **how: Any) -> Iterator[pa.RecordBatch]:
        yield next(read(self, **how))
        raise pa.ArrowMemoryError("malloc of size 268435456 failed")

    with monkeypatch.context() as patched:
        patched.setattr(pq.ParquetFile, "iter_batches", wanting)
        with pytest.raises(UnreadableCapture, match="memory ran out"):
            landed(tmp_path / "in").select(DAY)
    assert len(own_events(landed(tmp_path / "in"))) == 2_000


def test_rows_behind_a_damaged_page_are_counted_in_the_date_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_store(tmp_path / "in", [stored(active(seq, seq)) for seq in range(1, 2_001)])
    read = pq.ParquetFile.iter_batches

    def damaged(self: pq.ParquetFile, **how: Any) -> Iterator[pa.RecordBatch]:
        yield next(read(self, **how))
        raise OSError("Unexpected end of stream")

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", damaged)
    inventory = landed(tmp_path / "in")
    kept = len(own_events(inventory))
    (reject,) = rejected_of(inventory)
    assert reject["source_position"] == kept + 1
    assert reject["reason"] == (
        f"{2_000 - kept} rows cannot be read: OSError: Unexpected end of stream"
    )
    assert [file.lost for file in inventory.files] == [0]
