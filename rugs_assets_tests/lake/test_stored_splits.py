"""How the event store's writer cut its rows into files and folders changes no row, and no sum."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from rugs_assets.domain.events import BUTTON
from rugs_assets.lake import units
from rugs_assets.lake.landing import Inventory
from rugs_assets_tests.captures_builders import (
    DAY,
    ME,
    Record,
    active,
    at,
    column,
    event,
    landed,
    own_events,
    player,
    pressed,
    rejected_of,
    stored,
    write_store,
)

_PLACE = ("source_file", "source_position")
_PARTS = ("doc_type=ws_event/date=2025-12-15", "doc_type=ws_event/date=2025-12-16")


def unnumbered(row: Record) -> Record:
    """The row as a writer leaves it that counts nothing."""
    return {**row, "seq": None}


def written(folder: Path, files: Mapping[str, Sequence[Record]]) -> Inventory:
    """The landing of these files, two of a folder at a time."""
    for name, rows in files.items():
        write_store(folder / "in", rows, name=name)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(units, "FILES_PER_UNIT", 2)
        return landed(folder / "in")


def rows_of(inventory: Inventory) -> list[Record]:
    """The rows of the date, wherever they lay."""
    return [
        {name: value for name, value in row.items() if name not in _PLACE}
        for row in own_events(inventory)
    ]


def assert_counted(inventory: Inventory) -> int:
    """Every event of a file is in one sum; returns how many were repeats."""
    tallies = [inventory.select(day).tally() for day in inventory.days]
    events = sum(file.events for file in inventory.files)
    assert sum(tally["kept"] + tally["repeated"] for tally in tallies) == events
    assert all(file.lost == 0 for file in inventory.files)
    return sum(tally["repeated"] for tally in tallies)


_FRAMES = [unnumbered(stored(active(seq + 1, seq, price=1 + seq / 8))) for seq in range(9)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1)), min_size=9, max_size=9))
@settings(max_examples=25, deadline=None)
def test_rows_without_a_number_are_the_same_however_they_are_cut(
    places: list[tuple[int, int]],
) -> None:
    files: dict[str, list[Record]] = {}
    for row, (file, part) in zip(_FRAMES, places, strict=True):
        files.setdefault(f"{_PARTS[part]}/{file}.parquet", []).append(row)
    with tempfile.TemporaryDirectory() as root:
        cut = written(Path(root) / "cut", files)
        whole = written(Path(root) / "whole", {f"{_PARTS[0]}/all.parquet": _FRAMES})
        assert rows_of(cut) == rows_of(whole)
        assert column(rows_of(whole), "tick") == list(range(9))
        assert assert_counted(cut) == assert_counted(whole) == 0


def test_presses_without_numbers_stand_where_their_stamps_say(tmp_path: Path) -> None:
    press = {**unnumbered(pressed(4, tick=3)), "ts": at(4.5 / 4)}
    found = written(
        tmp_path,
        {
            f"{_PARTS[0]}/a.parquet": _FRAMES,
            "doc_type=button_event/date=2025-12-15/a.parquet": [press],
        },
    )
    names = column(own_events(found), "event")
    assert names.index(BUTTON) == 4, "behind the frames of ticks 0 to 3"


def test_rows_with_one_stamp_keep_the_order_of_their_file(tmp_path: Path) -> None:
    ticks = [0, 1, 2, 3, 4]
    rows = [unnumbered(stored(active(1, tick, ts=at(0)))) for tick in ticks]
    other = unnumbered(stored(active(1, 5, ts=at(1))))
    found = written(tmp_path, {f"{_PARTS[0]}/a.parquet": [*rows[:2], other, *rows[2:], rows[0]]})
    assert column(own_events(found), "tick") == [*ticks, 5]
    assert (assert_counted(found), found.files[0].duplicates) == (0, 1)


def test_a_row_with_neither_number_nor_stamp_is_rejected(tmp_path: Path) -> None:
    lost = {**_FRAMES[0], "ts": None}
    found = written(tmp_path, {f"{_PARTS[0]}/a.parquet": [_FRAMES[0], lost, _FRAMES[1]]})
    assert column(own_events(found), "tick") == [0, 1]
    assert column(rejected_of(found), "reason") == ["no readable time stamp"]


def test_a_row_without_a_number_stands_behind_a_numbered_one(tmp_path: Path) -> None:
    rows = [stored(active(1, 0)), _FRAMES[1], stored(active(3, 2))]
    found = written(tmp_path, {f"{_PARTS[0]}/a.parquet": rows})
    assert [(row["seq"], row["tick"]) for row in own_events(found)] == [(1, 0), (2, 1), (3, 2)]


@pytest.mark.parametrize("order", ["FNF", "FFN", "NFF", "FNFN", "FFNN"])
def test_repeats_across_files_are_told_in_any_order_and_counted(order: str, tmp_path: Path) -> None:
    kinds = {"F": stored(active(5, 2)), "N": stored(event(5, "usernameStatus", {"id": ME}))}
    files = {
        f"doc_type=ws_event/date=2025-12-1{at}/a.parquet": [kinds[kind]]
        for at, kind in enumerate(order, start=1)
    }
    files[f"{_PARTS[0]}/b.parquet"] = [stored(active(1, 0)), stored(active(9, 4))]
    found = written(tmp_path, files)
    rows = [(row["seq"], row["event"]) for row in own_events(found)]
    assert sorted(rows) == [
        *((1, "gameStateUpdate"), (5, "gameStateUpdate"), (5, "usernameStatus")),
        (9, "gameStateUpdate"),
    ]
    assert assert_counted(found) == len(order) - 2


def test_a_folder_that_was_copied_is_counted_as_repeats(tmp_path: Path) -> None:
    rows = [*(stored(active(seq, seq)) for seq in range(1, 6)), stored(player(6, 2.0))]
    once = written(tmp_path / "once", {f"{_PARTS[0]}/a.parquet": rows})
    twice = written(tmp_path / "twice", {f"{part}/a.parquet": rows for part in _PARTS})
    assert rows_of(twice) == rows_of(once)
    assert (assert_counted(once), assert_counted(twice)) == (0, len(rows))
    assert twice.select(DAY).tally()["kept"] == once.select(DAY).tally()["kept"] == len(rows)
