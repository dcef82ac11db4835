"""Input that is small and made to cost: time and memory stay in proportion to its bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import zstandard

from rugs_assets.domain import protocol
from rugs_assets.domain.seen_history import SeenHistory
from rugs_assets.lake.listing import look_at
from rugs_assets_tests.captures_builders import (
    DAY,
    active,
    column,
    frame,
    game_history,
    landed,
    lines,
    own_events,
    write_jsonl,
)
from rugs_assets_tests.faults.forks import FORKS

_TOO_MUCH = 24
"""How much dearer eight times the bytes may be; what grows with their square is at 64."""


def cpu_of(work: Callable[[], object]) -> float:
    """The least processor time of three runs [s]."""
    taken = []
    for _ in range(3):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def test_beginnings_of_records_without_end_cost_no_more_than_their_bytes() -> None:
    def search(count: int) -> Callable[[], object]:
        text = '{"seq":x' * count
        return lambda: list(protocol.objects_in(text))

    assert cpu_of(search(40_000)) < _TOO_MUCH * cpu_of(search(5_000))


def test_a_whole_record_behind_many_beginnings_is_found() -> None:
    record = json.dumps(active(1, 0))
    text = '{"seq":x' * 5_000 + record
    assert [text[start:end] for start, end in protocol.objects_in(text)] == [record]


def test_a_frame_that_shows_a_known_game_without_end_costs_no_more_than_its_bytes() -> None:
    shown = [game_history(f"20251215-{n:016x}", 1e12, prices=[1.25] * 1_000) for n in range(10)]
    known = json.dumps(frame(1, gameHistory=shown)).encode()
    seen = SeenHistory()
    envelope = protocol.decode_record(known)
    assert isinstance(envelope, protocol.Envelope)
    seen.learn(known, envelope)
    assert len(seen.reduce(known)) < len(known) / 5

    def search(count: int) -> Callable[[], object]:
        entry = json.dumps(shown[8])[:80] + "#### "
        line = known[: known.index(b"[") + 1] + entry.encode() * count
        return lambda: seen.reduce(line)

    assert cpu_of(search(8_000)) < _TOO_MUCH * cpu_of(search(1_000))


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
def test_what_is_rejected_is_not_held_until_an_event_comes(tmp_path: Path) -> None:
    # 370 MiB of lines that are none (NULs that take no disk).
    (tmp_path / "in").mkdir()
    with (tmp_path / "in" / "a.jsonl").open("wb") as file:
        file.write(lines(active(1, 0)))
        for _ in range(6_000):
            file.seek(65_000, os.SEEK_CUR)
            file.write(b"\n")
        file.write(lines(active(2, 1)))
    told, tells = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=decoded_in, args=(tells, str(tmp_path / "in")))
    process.start()
    tells.close()
    found, grown = told.recv()
    process.join()
    assert found == (6_002, 2, 6_000, 6_000)
    assert grown < 280


def decoded_in(told: Connection, folder: str) -> None:
    """What a folder holds, and by how much reading it let this process grow [MiB].

    Resident memory, for address space depends on how many threads had an arena of their own.
    """
    before = resident_mib("VmRSS")
    inventory = landed(Path(folder))
    (file,) = inventory.files
    listed = sum(batch.num_rows for batch in inventory.select(DAY).rejected())
    found = (file.lines, file.events, file.rejected, listed)
    told.send((found, resident_mib("VmHWM") - before))


def resident_mib(name: str) -> float:
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith(f"{name}:")) / 1024


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A folder with a capture, and another one below 1,200 folders."""
    folder = tmp_path / "in"
    write_jsonl(folder, active(1, 0))
    here = os.open(folder, os.O_RDONLY)
    for _ in range(1_200):
        os.mkdir("d", dir_fd=here)
        here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    deepest = os.open("b.jsonl", os.O_WRONLY | os.O_CREAT, dir_fd=here)
    os.write(deepest, lines(active(1, 1)))
    os.close(deepest)
    os.close(here)
    yield folder
    subprocess.run(["rm", "-r", folder / "d"], check=True)  # shutil calls itself for each level


def test_folders_in_folders_by_the_thousand_are_walked(deep: Path) -> None:
    assert len(landed(deep).files) == 2
    seen = look_at(deep, now=time.time() + 1e6, settle_seconds=0)
    assert seen is not None
    assert len(seen.at_rest) == 2


def test_a_name_that_looks_like_an_escaped_one_is_another(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for seq, name in enumerate([b"a\xff.jsonl", rb"a\xff.jsonl", rb"a\x5cxff.jsonl"]):
        place = folder / os.fsdecode(name)
        place.write_bytes(lines(active(1, seq)))
        os.utime(place, ns=(10**18, 10**18))
    for _ in range(2):  # decoded, and then found in the cache
        assert sorted(column(own_events(landed(folder)), "tick")) == [0, 1, 2]
    assert len({file.path for file in landed(folder).files}) == 3


def test_zstd_that_begins_with_a_frame_to_skip_is_unpacked(tmp_path: Path) -> None:
    # pzstd writes one ahead of each frame; zstd itself may have any of sixteen marks for it.
    folder = tmp_path / "in"
    folder.mkdir()
    packed = zstandard.compress(lines(active(1, 0)))
    (folder / "a.zst").write_bytes(b"\x5a\x2a\x4d\x18" + b"\4\0\0\0" + b"size" + packed)
    assert column(own_events(landed(folder)), "tick") == [0]
