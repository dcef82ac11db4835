"""Files of the landing folder that change, lie, expand or are none: named, never a crash."""

from __future__ import annotations

import gzip
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from rugs_assets.domain.capture import CaptureReader, Decoded
from rugs_assets.domain.stored_block import StoredBlock
from rugs_assets.domain.stored_rows import StoredRow
from rugs_assets.lake import decompression, landing
from rugs_assets.lake.errors import FileDamaged
from rugs_assets.lake.known_formats import CaptureFile
from rugs_assets.lake.landing import Inventory, Landing, UnreadableCapture
from rugs_assets.lake.units import UnitPlan, plan_units
from rugs_assets_tests.captures_builders import (
    DAY,
    DAY_AFTER,
    KEY,
    STORE_SCHEMA,
    active,
    column,
    landed,
    lines,
    own_events,
    rejected_of,
    stored,
    write_jsonl,
    write_store,
)

Meddle = Callable[[Path], object]


def landed_while(folder: Path, meddle: Meddle, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """The landing of a folder in which something happens to the first file that is read."""
    read, take = CaptureReader.jsonl, StoredBlock.take
    done: list[object] = []

    def once(source_file: str) -> None:
        if not done:
            done.append(meddle(folder / source_file))

    def meddled(
        self: CaptureReader, stream: BinaryIO, *, source_file: str, session_id: str
    ) -> Iterator[Decoded]:
        found = list(read(self, stream, source_file=source_file, session_id=session_id))
        once(source_file)
        yield from found

    def taken(self: StoredBlock, rows: Sequence[StoredRow], source_file: str) -> int:
        once(source_file)
        return take(self, rows, source_file)

    with monkeypatch.context() as patch:
        patch.setattr(CaptureReader, "jsonl", meddled)
        patch.setattr(StoredBlock, "take", taken)
        return landed(folder)


def overwrite(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"tickCount": 1', b'"tickCount": 7'))


def replace_by_a_link(path: Path) -> None:
    path.rename(path.with_name(".moved"))
    path.symlink_to(path.with_name(".moved"))


def replace_by_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGES: dict[str, tuple[Meddle, str]] = {
    "overwritten": (overwrite, "it changed while it was read"),
    "cut": (lambda path: os.truncate(path, 40), "it changed while it was read"),
    "gone": (Path.unlink, "it changed while it was read: No such file or directory"),
    "a link": (replace_by_a_link, "it changed while it was read"),
    "a pipe": (replace_by_a_pipe, "it changed while it was read"),
}


@pytest.mark.parametrize(("meddle", "problem"), CHANGES.values(), ids=CHANGES)
def test_a_capture_that_changes_while_it_is_read_is_named(
    meddle: Meddle, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), active(2, 1), name="date=2025-12-15/a.jsonl")
    write_jsonl(folder, active(1, 0, "20251216-cccccccccccccccc"), name="date=2025-12-16/b.jsonl")
    inventory = landed_while(folder, meddle, monkeypatch)
    with pytest.raises(UnreadableCapture, match=rf"date=2025-12-15/a\.jsonl: .*{problem}"):
        inventory.select(DAY)
    assert len(own_events(inventory, DAY_AFTER)) == 1  # the other date goes on
    assert not list(folder.parent.glob("in-cache/.*"))


def test_a_store_file_that_changes_while_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_store(folder, [stored(active(1, 0))])

    def other(path: Path) -> None:
        write_store(folder, [stored(active(1, 3))], name=path.relative_to(folder).as_posix())

    inventory = landed_while(folder, other, monkeypatch)
    with pytest.raises(UnreadableCapture, match=r"part\.parquet: .*changed while it was read"):
        inventory.select(DAY)
    assert column(own_events(landed(folder)), "tick") == [3]  # the next look takes what is there


def test_a_capture_that_grows_or_is_touched_while_it_is_read_is_no_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grow(path: Path) -> None:
        with path.open("ab") as file:
            file.write(lines(active(3, 2)))

    for name, meddle in (("grown", grow), ("touched", lambda path: os.utime(path, (1, 1)))):
        write_jsonl(tmp_path / name, active(1, 0), active(2, 1))
        inventory = landed_while(tmp_path / name, meddle, monkeypatch)
        assert column(own_events(inventory), "tick") == [0, 1]
    assert column(own_events(landed(tmp_path / "grown")), "tick") == [0, 1, 2]


def test_a_capture_that_vanishes_before_it_is_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    path = write_jsonl(folder, active(1, 0))

    def too_late(found: list[CaptureFile]) -> list[UnitPlan]:
        path.unlink()
        return plan_units(found)

    monkeypatch.setattr(landing, "plan_units", too_late)
    with pytest.raises(UnreadableCapture, match=r"capture\.jsonl: .*No such file"):
        landed(folder).select(DAY)


def test_nothing_but_regular_files_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0))
    (folder / "folder.jsonl").mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    expected = ["pipe.jsonl"]
    monkeypatch.chdir(folder)  # the name of a socket may have a hundred letters at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jsonl")
        expected.append("s.jsonl")
        with suppress(PermissionError):  # root's alone, and not root's everywhere
            os.mknod(folder / "device.jsonl", 0o020_600, os.makedev(1, 5))  # /dev/zero: endless
            expected.append("device.jsonl")
        inventory = landed(folder)
    assert list(inventory.unrecognised) == sorted(expected)
    assert len(own_events(inventory)) == 1


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor(level=19).compress])
def test_a_bomb_ends_where_no_capture_would(
    pack: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decompression, "FREE_BYTES", 1 << 20)
    folder = tmp_path / "in"
    folder.mkdir()
    bomb = pack(lines(active(1, 0)) + b" " * (24 << 20) + lines(active(2, 1)))
    (folder / "bomb.jsonl.gz").write_bytes(bomb)
    assert len(bomb) < 26_000
    inventory = landed(folder)
    assert column(own_events(inventory), "tick") == [0]
    reasons = column(rejected_of(inventory), "reason")
    assert reasons[-1] == f"it expands to more than {decompression.LARGEST_RATIO} times its size"
    assert [file.lost for file in inventory.files] == [0]


def test_a_line_too_long_to_be_read_hides_no_capture(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    path = write_jsonl(folder, active(1, 0))
    with path.open("r+b") as file:
        file.seek(40 << 20)  # sparse: a line of NULs, with a record on the next one
        file.write(b"\n" + lines(active(2, 1)))
    with path.open("r+b") as file:
        file.write(b"\0" * 300)
    inventory = landed(folder)
    assert column(own_events(inventory), "tick") == [1]
    (rejected,) = rejected_of(inventory)
    assert (rejected["source_position"], rejected["byte_length"]) == (1, 40 << 20)


def _renamed(path: Path, old: bytes, new: bytes) -> None:
    path.write_bytes(path.read_bytes().replace(old, new))


def test_a_store_file_with_columns_that_cannot_be_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_store(folder, [stored(active(1, 0))])
    table = pa.Table.from_pylist([stored(active(1, 0))], STORE_SCHEMA)
    twice = pa.Table.from_arrays([*table.columns, table["ts"]], names=[*STORE_SCHEMA.names, "ts"])
    pq.write_table(twice, folder / "doc_type=ws_event/date=2025-12-15/twice.parquet")
    inventory = landed(folder)
    assert inventory.unrecognised == ("doc_type=ws_event/date=2025-12-15/twice.parquet",)
    assert len(own_events(inventory)) == 1
    bad = write_store(folder, [stored(active(1, 0))], name="date=2025-12-16/bad.parquet")
    _renamed(bad, b"session_id", b"sess\xff\xfe_id!")
    with pytest.raises(UnreadableCapture, match=r"bad\.parquet: cannot be opened .*utf-8"):
        landed(folder).select(DAY_AFTER)


def test_a_second_look_decodes_what_became_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), active(2, 1))
    assert landed_while(folder, overwrite, monkeypatch).unreadable
    again = Landing(folder, tmp_path / "in-cache", KEY).refresh()
    assert column(own_events(again), "tick") == [0, 7]


def test_a_damaged_decoded_capture_is_named_with_its_cure(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), active(2, 1))
    landed(folder)
    (decoded,) = (tmp_path / "in-cache").glob("*.events.parquet")
    whole = decoded.read_bytes()
    for damage in (b"", whole[: len(whole) // 2], whole[:50] + b"\xff" * 20 + whole[70:]):
        decoded.write_bytes(damage)
        with pytest.raises(FileDamaged, match=rf"{decoded}.*delete it \(it is made anew"):
            own_events(landed(folder))
    decoded.unlink()
    assert column(own_events(landed(folder)), "tick") == [0, 1]


def test_rejects_that_a_power_cut_emptied_are_named_with_the_cure(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), "# prose")
    (unit,) = landed(folder).units
    unit.rejects.write_bytes(b"")
    with pytest.raises(FileDamaged, match=r"rejects\.parquet, a decoded capture, .*delete it"):
        landed(folder).select(DAY).tally()
    unit.rejects.unlink()
    assert [row["reason"] for row in rejected_of(landed(folder))] == ["not a JSON object"]
