"""A disk that is full, a folder that may not be written, a store that goes away: said, survived."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rugs_assets.lake.releases import Releases
from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.conftest import Known
from rugs_assets_tests.faults.forks import said_in_trouble
from rugs_assets_tests.faults.pipeline import STAGES, World
from rugs_assets_tests.faults.told import tell
from rugs_assets_tests.faults.victim import RELEASE, WORK

Check = Callable[..., str]
_ROOMS = (0, 300, 3_000, 12_000, 60_000)
_STEPS = (0, 3, 7, 12, 18, 30, 45)


def assert_said_and_survived(
    said: str, work: str, world: World, known: Known, assert_whole: Check
) -> None:
    """The error is one of ours, names the store and the cure; the next run completes."""
    assert "Traceback" not in said, said
    assert str(world.store) in said, said
    assert any(cure in said for cure in ("make room", "Make room", "may be written")), said
    assert_whole(world, "a", "b")
    assert pipeline.digests(world.lake, pipeline.OTHER_DAY) == known.other
    pipeline.vacuum_all(world)
    assert pipeline.strays(world) == []


def tried(
    work: str, ats: tuple[int, ...], trouble: str, world: World, known: Known, check: Check
) -> int:
    """Do the work in trouble of several degrees; how often it was refused."""
    refused = 0
    for at in ats:
        if work == STAGES[0]:
            shutil.rmtree(world.landing, ignore_errors=True)
        said = said_in_trouble(work, world, "b", trouble, at)
        if said:
            refused += 1
            assert_said_and_survived(said, work, world, known, check)
    return refused


@pytest.mark.parametrize("work", [STAGES[0], RELEASE])
def test_a_full_disk_is_said_and_survived(
    work: str, world: World, known: Known, assert_whole: Check
) -> None:
    rooms = (300, 12_000) if work == STAGES[0] else (300,)
    assert tried(work, rooms, "no room", world, known, assert_whole) == len(rooms)


@pytest.mark.crash
@pytest.mark.parametrize("work", WORK)
def test_a_full_disk_at_any_size_is_said_and_survived(
    work: str, world: World, known: Known, assert_whole: Check
) -> None:
    for stage in STAGES[: STAGES.index(work)] if work in STAGES else STAGES:
        pipeline.run_stage(world, "b", stage)
    refused = tried(work, _ROOMS, "no room", world, known, assert_whole)
    assert refused >= 2
    tell(f"disk full during {work} (RLIMIT_FSIZE)", rounds=len(_ROOMS), refused=refused)
    if work in STAGES:
        pipeline.run_chain(world, "b", first=work)
        assert pipeline.digests(world.lake, pipeline.DAY) == known.day["b"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(
        mounting, capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("only root of its own machine may mount a file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.crash
def test_a_small_disk_that_runs_full_is_said_and_survived(
    small_disk: Path, world: World, known: Known, assert_whole: Check
) -> None:
    shutil.copytree(world.store, small_disk / "store")
    small = replace(world, root=small_disk)
    (small_disk / "captures").symlink_to(known.root / "captures")
    refused = 0
    releases = Releases(small.lake)
    for kilobytes in (0, 40, 120, 300, 700):
        ballast = small_disk / "ballast"
        free = shutil.disk_usage(small_disk).free - (kilobytes << 10)
        ballast.write_bytes(bytes(max(0, free)))
        said = ""
        shutil.rmtree(small.landing, ignore_errors=True)
        for work in WORK:
            said = said_in_trouble(work, small, "b", "no room", 1 << 40)
            if said:
                break
        if said:
            refused += 1
            ballast.unlink()
            assert_said_and_survived(said, work, small, known, assert_whole)
        ballast.unlink(missing_ok=True)
        for name in releases.names():
            releases.remove(name)
    tell("disk full (tmpfs)", rounds=5, refused=refused)
    assert refused >= 2
    pipeline.run_chain(small, "b")
    assert pipeline.digests(small.lake, pipeline.DAY) == known.day["b"]


@pytest.mark.parametrize("table", ["episodes", "_landing"])
def test_a_folder_that_may_not_be_written_is_said(
    table: str, world: World, known: Known, assert_whole: Check
) -> None:
    work = "raw_ws_events" if table == "_landing" else table
    if table == "_landing":
        for entry in world.landing.iterdir():
            entry.unlink()
    closed = [world.store / table, *(world.store / table).rglob("*")]
    for path in closed:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        said = said_in_trouble(work, world, "b", "no access")
    finally:
        for path in closed:
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert "Permission denied" in said
    assert_said_and_survived(said, work, world, known, assert_whole)
    tell(f"permission to write {table} lost", rounds=1, refused=1)


@pytest.mark.crash
@pytest.mark.parametrize("work", WORK)
def test_a_store_that_goes_away_is_said_and_survives(
    work: str, world: World, known: Known, assert_whole: Check
) -> None:
    refused = 0
    for step in _STEPS:
        if work == STAGES[0]:
            shutil.rmtree(world.landing, ignore_errors=True)
        said = said_in_trouble(work, world, "b", "gone", step)
        moved = world.store.with_name("moved")
        if not moved.exists():
            break
        assert "Traceback" not in said, said
        assert not said or str(world.store) in said
        refused += bool(said)
        shutil.rmtree(world.store, ignore_errors=True)  # what was made where the store had been
        moved.rename(world.store)
        assert_whole(world, "a", "b")
        pipeline.vacuum_all(world)
        assert pipeline.strays(world) == []
    tell(f"store gone during {work}", rounds=len(_STEPS), refused=refused)
    assert refused
