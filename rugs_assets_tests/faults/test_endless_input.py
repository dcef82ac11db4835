"""Lines of a gigabyte, archives that expand without end, nesting without a floor: they end."""

from __future__ import annotations

import gzip
import resource
import sys
import zlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import zstandard

from rugs_assets.lake.decompression import FREE_BYTES, LARGEST_RATIO
from rugs_assets_tests.captures_builders import active, column, landed, lines, own_events
from rugs_assets_tests.captures_builders import rejected_of as rejected_rows
from rugs_assets_tests.faults.forks import FORKS
from rugs_assets_tests.faults.told import tell

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
_ROOM = 700 << 20
"""Address space that reading may take beyond what the libraries took."""

Found = tuple[list[int], list[tuple[int, str, int]], int]
"""Ticks that were kept; position, reason and length of what was rejected; peak memory [KiB]."""


def land(told: Connection, folder: str, room: int) -> None:
    """Read a folder in a process that may take only so much memory."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + room, used + room))
    inventory = landed(Path(folder))
    if inventory.unreadable:
        told.send(([], [(0, str(inventory.unreadable[0].problem), 0)], 0))
        return
    rejected = [
        (row["source_position"], row["reason"], row["byte_length"])
        for row in rejected_rows(inventory)
    ]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told.send((column(own_events(inventory), "tick"), rejected, peak))


def read_in_a_child(folder: Path, room: int = _ROOM) -> Found:
    told, tells = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=land, args=(tells, str(folder), room))
    process.start()
    tells.close()
    found: Found = told.recv()
    process.join()
    return found


def long_line(path: Path, size: int) -> None:
    """A record, a line of `size` bytes (NULs that take no disk), a record."""
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(lines(active(1, 0)))
        file.seek(size, 1)
        file.write(b"\n" + lines(active(2, 1)))


@pytest.mark.crash
def test_a_line_of_a_gigabyte_is_rejected_in_bounded_memory(tmp_path: Path) -> None:
    long_line(tmp_path / "in" / "long.jsonl", 1 << 30)
    ticks, rejected, peak = read_in_a_child(tmp_path / "in")
    assert ticks == [0, 1]
    assert rejected == [(2, "a line longer than 16777216 bytes", 1 << 30)]
    tell("a line of 1 GiB", rounds=1, peak_mib=peak >> 10)


def _gzip(pieces: Callable[[], bytes], count: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    piece = pieces()
    return b"".join([*(packer.compress(piece) for _ in range(count)), packer.flush()])


def _zstd(pieces: Callable[[], bytes], count: int) -> bytes:
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    piece = pieces()
    return b"".join([*(packer.compress(piece) for _ in range(count)), packer.flush()])


@pytest.mark.crash
@pytest.mark.parametrize("pack", [_gzip, _zstd])
def test_a_bomb_of_gigabytes_ends_in_bounded_memory(
    pack: Callable[[Callable[[], bytes], int], bytes], tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    bomb = pack(lambda: b" " * (1 << 20), 4 << 10)  # 4 GiB
    head = gzip.compress(lines(active(1, 0))) if pack is _gzip else (
        zstandard.compress(lines(active(1, 0)))
    )  # fmt: skip
    (tmp_path / "in" / "bomb.gz").write_bytes(head + bomb)
    ticks, rejected, peak = read_in_a_child(tmp_path / "in")
    assert ticks == [0]
    assert f"it expands to more than {LARGEST_RATIO} times its size" in rejected[-1][1]
    assert len(bomb) * LARGEST_RATIO + FREE_BYTES < (4 << 30)  # it would have gone on
    tell(f"{pack.__name__[1:]} bomb of 4 GiB", rounds=1, peak_mib=peak >> 10, packed=len(bomb))


@pytest.mark.crash
def test_records_nested_without_end_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    deep = b'{"event": "deep", "data": ' + b'{"a":[' * 2_000_000 + b"\n"
    text = lines(active(1, 0)) + deep + b"[" * 15_000_000 + b"\n" + lines(active(2, 1))
    (tmp_path / "in" / "deep.jsonl").write_bytes(text)
    ticks, rejected, peak = read_in_a_child(tmp_path / "in")
    assert ticks == [0, 1]
    assert [position for position, _, _ in rejected] == [2, 3]
    tell("objects nested two million deep", rounds=1, peak_mib=peak >> 10)
