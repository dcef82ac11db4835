"""Files of the landing folder: told by content, unpacked, and never a reason to crash."""

from __future__ import annotations

import gzip
import os
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from rugs_assets.lake import capture_files
from rugs_assets.lake.capture_files import CaptureFile, find_captures
from rugs_assets.lake.decompression import PlainBytes
from rugs_assets.lake.known_formats import KnownFormats
from rugs_assets.lake.landing import UnreadableCapture
from rugs_assets_tests.captures_builders import (
    DAY,
    DAY_AFTER,
    GAME_A,
    active,
    column,
    landed,
    line,
    lines,
    own_events,
    rejected_of,
    stored,
    tick,
    write_jsonl,
    write_store,
)

TEXT = lines(*(active(seq, seq) for seq in range(1, 200)))


def found_in(folder: Path) -> dict[str, CaptureFile]:
    formats = KnownFormats(folder.parent / "formats")
    return {file.path: file for file in find_captures(folder, formats)}


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKED = {
    "plain": TEXT,
    "gzip": gzip.compress(TEXT),
    "two gzip members": gzip.compress(TEXT[:1000]) + gzip.compress(TEXT[1000:]),
    "gzip padded with zeros": gzip.compress(TEXT) + b"\0" * 512,
    "gzip padded like a tape": (
        gzip.compress(TEXT[:1000]) + b"\0" * 200_000 + gzip.compress(TEXT[1000:]) + b"\0" * 200_000
    ),
    "zstd": zstd(TEXT),
    "two zstd frames": zstd(TEXT[:1000]) + zstd(TEXT[1000:]),
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
def test_packed_files_give_their_plain_bytes(packed: bytes, size: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(packed)
    with path.open("rb") as stream:
        plain = PlainBytes(stream, len(packed))
        assert b"".join(iter(lambda: plain.read(size), b"")) == TEXT
        assert plain.broken is None


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_packed_file_that_ends_early_gives_what_stands_before(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    packed = pack(lines(*(active(seq, seq) for seq in range(1, 3000))))
    path = tmp_path / "in" / "capture.jsonl.gz"
    path.parent.mkdir()
    path.write_bytes(packed[:-9])
    inventory = landed(tmp_path / "in")
    seqs = column(own_events(inventory), "seq")
    assert seqs == list(range(1, len(seqs) + 1))
    assert 1500 < len(seqs) < 3000
    assert column(rejected_of(inventory), "reason")[-1] == "the compressed file ends early"
    assert [file.lost for file in inventory.files] == [0]


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_a_packed_file_without_a_single_whole_record_cannot_be_opened(
    pack: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "in" / "capture.jsonl.gz"
    path.parent.mkdir()
    path.write_bytes(pack(TEXT)[:20])
    with pytest.raises(UnreadableCapture, match="ends early"):
        landed(tmp_path / "in").select(DAY)


def test_a_packed_file_that_is_damaged_says_so(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(os.urandom(100_000).hex().encode() + b"\n" + TEXT))
    packed[60_000:60_100] = b"\0" * 100
    path = tmp_path / "file"
    path.write_bytes(packed)
    with path.open("rb") as stream:
        plain = PlainBytes(stream, len(packed))
        while plain.read(1 << 16):
            pass
        assert plain.broken is not None
        assert plain.broken.startswith("error")


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_a_bomb_streams(pack: str, tmp_path: Path) -> None:
    zeros = b"0" * (32 << 20)
    packed = zlib.compress(zeros, 9, wbits=31) if pack == "gzip" else zstd(zeros)
    assert len(packed) < 100_000
    path = tmp_path / "file"
    path.write_bytes(packed)
    with path.open("rb") as stream:
        plain = PlainBytes(stream, len(packed))
        tracemalloc.start()
        assert plain.read(10) == b"0" * 10
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 24 << 20
        total = 10
        while piece := plain.read(1 << 20):
            total += len(piece)
    assert total == len(zeros)


def test_a_file_is_read_as_far_as_it_went_when_it_was_found(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT + b"later")
    with path.open("rb") as stream:
        plain = PlainBytes(stream, len(TEXT))
        assert plain.read(1 << 20) == TEXT
        assert (plain.read(10), plain.broken) == (b"", None)


def test_a_file_that_lost_its_end_meanwhile_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(TEXT)
    with path.open("rb") as stream:
        plain = PlainBytes(stream, len(TEXT) + 7)
        assert plain.read(1 << 20) == TEXT
        assert plain.broken == "the file lost its last 7 bytes meanwhile"


def test_formats_are_told_by_content_never_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), name="capture.parquet")
    write_jsonl(folder, tick(0, 0), name="notes.md")
    write_store(folder, [stored(active(1, 0))], name="store.jsonl")
    (folder / "packed.txt").write_bytes(gzip.compress(lines(active(1, 0))))
    assert {path: file.format for path, file in found_in(folder).items()} == {
        "capture.parquet": "jsonl",
        "notes.md": "jsonl",
        "packed.txt": "jsonl",
        "store.jsonl": "event-store",
    }


def test_what_is_no_capture_is_listed_and_says_why(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, "# Captures", "", '{"type": "placed", "timestamp": 1}', name="README.md")
    write_jsonl(folder, '{"games": 3, "truth": true}', name="truth.json")
    (folder / "empty.jsonl").write_bytes(b"")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\0\0\0" + bytes(range(256)))
    pq.write_table(pa.table({"price": [1.0]}), folder / "truth.parquet")
    (folder / ".hidden.jsonl").write_bytes(lines(active(1, 0)))
    inventory = landed(folder)
    assert inventory.unrecognised == (
        "README.md",
        "empty.jsonl",
        "picture.png",
        "truth.json",
        "truth.parquet",
    )
    assert (inventory.files, inventory.days) == ((), ())
    found = found_in(folder)
    assert found["truth.parquet"].problem == (
        "no column raw_json, no column seq, no column session_id, no column ts"
    )
    assert found["README.md"].problem == "no record of a capture in it"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert landed(tmp_path / "nowhere").days == ()


def test_links_are_listed_and_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "in", tmp_path / "outside"
    write_jsonl(folder, active(1, 0))
    write_jsonl(outside, active(1, 0), name="secret.jsonl")
    (folder / "again.jsonl").symlink_to(folder / "capture.jsonl")
    (folder / "leaving.jsonl").symlink_to(outside / "secret.jsonl")
    (folder / "leaving").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    (folder / "dangling.jsonl").symlink_to(folder / "gone")
    inventory = landed(folder)
    assert [file.path for file in inventory.files] == ["capture.jsonl"]
    assert inventory.unrecognised == (
        "again.jsonl",
        "dangling.jsonl",
        "leaving",
        "leaving.jsonl",
        "round",
    )
    assert len(own_events(inventory)) == 1


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe.jsonl")
    assert landed(folder).unrecognised == ("pipe.jsonl",)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"new\nline.jsonl", r"new\x0aline.jsonl"),
        (b"quo\"te'.jsonl", "quo\"te'.jsonl"),
        ("späße €.jsonl".encode(), "späße €.jsonl"),
        (b"bytes\xff.jsonl", r"bytes\xff.jsonl"),
    ],
)
def test_file_names_may_hold_anything(name: bytes, shown: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    folder.mkdir()
    path.write_bytes(lines(active(1, 0), "# prose"))
    inventory = landed(folder)
    (row,), (rejected,) = own_events(inventory), rejected_of(inventory)
    assert (row["source_file"], rejected["source_file"]) == (shown, shown)
    assert row["session_id"] == shown.removesuffix(".jsonl")


def test_two_files_never_share_a_session(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), name="a.jsonl")
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(lines(active(1, 0), active(2, 1))))
    assert column(own_events(landed(folder)), "session_id") == ["a", *["a.jsonl.gz"] * 2]


def test_a_packed_copy_gives_the_same_events(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a", active(1, 0), active(2, 1))
    path = tmp_path / "b" / "capture.jsonl.zst"
    path.parent.mkdir()
    path.write_bytes(zstd(lines(active(1, 0), active(2, 1))))
    one, other = own_events(landed(tmp_path / "a")), own_events(landed(tmp_path / "b"))
    assert [{**row, "source_file": None} for row in one] == [
        {**row, "source_file": None} for row in other
    ]


def test_a_first_line_longer_than_a_megabyte_hides_no_capture(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", "x" * 2_000_000, active(1, 0))
    assert len(own_events(landed(tmp_path / "in"))) == 1


def test_a_file_that_cannot_be_opened_fails_its_date_with_its_name(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "in"
    write_store(folder, [stored(active(1, 0))])
    torn = write_store(folder, [], name="doc_type=ws_event/date=2025-12-16/torn.parquet")
    torn.write_bytes(torn.read_bytes()[:-20])
    inventory = landed(folder)
    assert len(own_events(inventory)) == 1
    with pytest.raises(UnreadableCapture, match=r"date=2025-12-16/torn\.parquet.*2025-12-16"):
        inventory.select(DAY_AFTER)


def test_a_file_without_a_date_that_cannot_be_opened_fails_every_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0), name="locked.jsonl")
    write_jsonl(folder, active(1, 0))
    opened = os.open

    def refuse(path: Path, *args: int, **kwargs: int) -> int:
        if str(path).endswith("locked.jsonl"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableCapture, match=r"locked\.jsonl: .*Permission denied"):
        landed(folder).select(DAY)


def test_a_folder_that_cannot_be_listed_is_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), name="sub/capture.jsonl")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnreadableCapture, match="sub: cannot be opened"):
        landed(tmp_path / "in").select(DAY)


def test_damaged_pages_of_the_store_are_one_reject(tmp_path: Path) -> None:
    records = [stored(active(seq, seq), raw_pad="x") for seq in range(1, 400)]
    path = write_store(tmp_path / "in", records)
    data = bytearray(path.read_bytes())
    data[200:1500] = os.urandom(1300)
    path.write_bytes(data)
    inventory = landed(tmp_path / "in")
    (tally,) = inventory.files
    assert (tally.lines, tally.lost) == (399, 0)
    assert tally.rejected >= 1


def test_what_was_told_once_is_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0))
    write_jsonl(folder, "# prose", name="README.md")
    formats = KnownFormats(tmp_path / "cache")
    before = find_captures(folder, formats)
    formats.save()
    monkeypatch.setattr(capture_files, "_sniff", lambda _: pytest.fail("looked at again"))
    assert find_captures(folder, KnownFormats(tmp_path / "cache")) == before


def test_a_spoilt_list_of_formats_costs_only_time(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0))
    landed(folder)
    (kept,) = (tmp_path / "in-cache").glob("formats-*.json")
    kept.write_text("{spoilt")
    assert len(own_events(landed(folder))) == 1


def test_a_line_of_a_recorder_is_enough_to_be_a_capture(tmp_path: Path) -> None:
    start = {"type": "game_start", "timestamp": "2025-12-15T12:00:00", "game_id": GAME_A}
    write_jsonl(tmp_path / "in", "## prose", line(start)[:40], start)
    assert found_in(tmp_path / "in")["capture.jsonl"].format == "jsonl"
