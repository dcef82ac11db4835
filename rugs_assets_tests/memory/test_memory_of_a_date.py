"""Every stage streams: what it needs of memory does not depend on the size of a date."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rugs_assets_tests.memory.big_days import EVENTS_A_GAME, write_day

BLOCK_GAMES = -(-66_000 // EVENTS_A_GAME)
"""Games that fill the buffers: a block of decoded events, two row groups of every table."""

FULL_DAY_GAMES = -(-500_000 // EVENTS_A_GAME)
FULL_FRAME_BYTES = 6_000

pytestmark = pytest.mark.skipif(
    not os.access("/proc/self/clear_refs", os.W_OK), reason="peaks are counted as Linux does it"
)


Peaks = dict[str, tuple[float, float, float]]
"""Stage -> MiB at its peak: resident, held by Arrow, and resident while its rows are written."""


_AS_IN_A_RUN = {
    # One arena: how many threads happened to allocate is no matter of the date.
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # as `rugs_assets.orchestration` has it
}
_NOTHING_KEPT = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "1048576"}
"""What is let go leaves the process at once: then what is resident is what is held."""


def peaks(
    root: Path, warming: Path, captures: Path, work: Path, mib: int, **allocator: str
) -> tuple[Peaks, Peaks]:
    """What each stage took, on the captures that warm up and on the others."""
    command = [sys.executable, "-m", "rugs_assets_tests.memory.stages_child"]
    done = subprocess.run(
        [*command, str(warming), str(captures), str(work), str(mib)],
        capture_output=True,
        text=True,
        cwd=root,
        check=False,
        env={**os.environ, **_AS_IN_A_RUN, **allocator, "PYTHONPATH": str(root)},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    return told["small"], told["large"]


MOST = {
    "decode captures": 15,
    "raw_ws_events": 30,
    "episodes": 15,
    "observations": 24,
    "aligned_samples": 9.5,
    "training_shards": 26,
}
"""Stage -> MiB that four times the date may add while it writes. A stage that makes a list of its
batches first adds 84, 38, 14 and 42 (those that write rows); as it is, at most 13, samples 5."""

ARROW_MOST = 8
"""The same of what Arrow holds: here a list of events (81) or steps (37) shows best."""


def test_four_times_the_date_takes_no_more_memory(project_root: Path, tmp_path: Path) -> None:
    """No stage holds a date: neither what Arrow counts nor what the process has grows with it."""
    small, large = tmp_path / "small", tmp_path / "large"
    write_day(small, BLOCK_GAMES)
    write_day(large, 4 * BLOCK_GAMES)
    work = tmp_path / "work"
    before, after = peaks(project_root, small, large, work, mib=256, **_NOTHING_KEPT)
    grown = {
        name: tuple(now - then for now, then in zip(after[name], before[name], strict=True))
        for name in before
    }
    too_much = {
        name: grown[name]
        for name, most in MOST.items()
        if grown[name][0] > max(MOST.values()) or grown[name][2] > most
    }
    assert not too_much, f"MiB more, resident, of Arrow, while writing: {grown}"
    assert max(arrow for _, arrow, _ in grown.values()) < ARROW_MOST, grown


@pytest.mark.memory
def test_a_full_day_and_ten_of_them_stay_below_1_gib(project_root: Path, tmp_path: Path) -> None:
    """500,000 events of 6 kB, and 5,000,000; the process is not given more than 1 GiB of data."""
    warming, full, tenfold = tmp_path / "warming", tmp_path / "full", tmp_path / "tenfold"
    write_day(warming, BLOCK_GAMES, frame_bytes=FULL_FRAME_BYTES)
    events = write_day(full, FULL_DAY_GAMES, frame_bytes=FULL_FRAME_BYTES)
    _, one = peaks(project_root, warming, full, tmp_path / "one", mib=768)
    (full / "2025-12-15_raw.jsonl").unlink()
    write_day(tenfold, 10 * FULL_DAY_GAMES, frame_bytes=600)
    _, ten = peaks(project_root, warming, tenfold, tmp_path / "ten", mib=768)
    told = project_root / "data" / "bench" / "memory.json"
    told.parent.mkdir(parents=True, exist_ok=True)
    full_day, ten_days = ({name: rss for name, (rss, _, _) in of.items()} for of in (one, ten))
    said = {"events": events, "full": full_day, "tenfold": ten_days}
    told.write_text(json.dumps(said, indent=1))
    assert max(full_day.values()) < 1024, said
    assert max(ten_days.values()) < 1024, said
