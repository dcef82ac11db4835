"""What was rejected comes by file and line, each with its own text, a few texts at a time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rugs_assets.domain import capture
from rugs_assets.domain.records import read_records
from rugs_assets.lake import day_rejects, unit_writer
from rugs_assets.lake.errors import FileDamaged
from rugs_assets_tests.captures_builders import (
    DAY,
    DAY_AFTER,
    active,
    landed,
    rejected_of,
    write_jsonl,
)

TOMORROW = "20251216-bbbbbbbbbbbbbbbb"

# What is no JSON is found before what is no tick: in the decoded capture line 3 stands behind 5.
ODD = ("# one", active(1, 0), active(2, -7), "# two", "# three", active(3, 1), "# four", "# five")


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups of two rejects, read one at a time."""
    monkeypatch.setattr(unit_writer, "_REJECTS_AT_ONCE", 2)
    monkeypatch.setattr(day_rejects, "_ROWS_AT_ONCE", 1)


@pytest.mark.usefixtures("pieces")
def test_rejects_come_by_file_and_line_with_their_own_texts(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl"):
        write_jsonl(tmp_path, *ODD, name=name)
    found = rejected_of(landed(tmp_path))
    places = [(row["source_file"], row["source_position"]) for row in found]
    assert places == [(name, at) for name in ("a.jsonl", "b.jsonl") for at in (1, 3, 4, 5, 7, 8)]
    assert [row["raw_text"][:7] for row in found] == 2 * [
        *("# one", '{"seq":', "# two", "# three", "# four", "# five")
    ]


@pytest.mark.usefixtures("pieces")
def test_a_date_has_only_its_own_rejects(tmp_path: Path) -> None:
    write_jsonl(tmp_path, active(1, 0), "# of a", active(2, 0, TOMORROW), "# of b", "# of b too")
    inventory = landed(tmp_path)
    assert [row["raw_text"] for row in rejected_of(inventory)] == ["# of a"]
    assert [row["raw_text"] for row in rejected_of(inventory, DAY_AFTER)] == [
        *("# of b", "# of b too")
    ]


@pytest.mark.usefixtures("pieces")
def test_rejects_of_two_kinds_in_turn_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Lines that are no JSON are found ahead of events that are of no use.
    odd = [piece for seq in range(2, 22) for piece in ("# odd", active(seq, -7))]
    write_jsonl(tmp_path, active(1, 0), *odd)
    inventory = landed(tmp_path)
    read, groups = pq.ParquetFile.read_row_group, list[int]()

    def noted(self: pq.ParquetFile, group: int, **how: Any) -> pa.Table:
        groups.append(group)
        return read(self, group, **how)

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", noted)
    assert [row["source_position"] for row in rejected_of(inventory)] == list(range(2, 42))
    assert groups == list(range(20))


def test_what_stands_at_the_head_of_a_block_lies_in_the_date_of_the_event_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each line is a block of its own, and what is odd stands behind the last event of the 16th.
    monkeypatch.setattr(capture, "_BLOCK_EVENTS", 0)
    monkeypatch.setattr(capture, "read_records", partial(read_records, chunk_bytes=1))
    write_jsonl(tmp_path, active(1, 0), active(2, 0, TOMORROW), "# odd")
    inventory = landed(tmp_path)
    assert rejected_of(inventory) == []
    assert [row["raw_text"] for row in rejected_of(inventory, DAY_AFTER)] == ["# odd"]


def test_laying_out_the_dates_reads_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path, *ODD)
    inventory = landed(tmp_path)
    read, asked = pq.read_table, list[str]()

    def noted(place: Path, *, columns: list[str]) -> pa.Table:
        asked.extend(columns)
        return read(place, columns=columns)

    monkeypatch.setattr(pq, "read_table", noted)
    assert inventory.days == (DAY,)
    assert "source_file" in asked
    assert "raw_text" not in asked


def test_want_of_memory_is_told_from_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path, *ODD)
    inventory = landed(tmp_path)
    assert inventory.days == (DAY,)

    def refused(*_: object, **__: object) -> pa.Table:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(pq.ParquetFile, "read_row_group", refused)
    with pytest.raises(
        FileDamaged, match=r"memory ran out \(malloc of size 64 failed\); free memory"
    ):
        rejected_of(inventory)
