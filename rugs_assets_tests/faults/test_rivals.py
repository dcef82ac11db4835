"""Many processes on one store: nothing is lost, nobody ever reads a mix of two versions."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from rugs_assets.lake.catalog import TABLES
from rugs_assets_tests.faults import pipeline, rivals
from rugs_assets_tests.faults.conftest import Known
from rugs_assets_tests.faults.forks import FORKS
from rugs_assets_tests.faults.pipeline import DAY, World
from rugs_assets_tests.faults.rivals import ALONE, SHARED
from rugs_assets_tests.faults.told import tell

_JOBS = (
    *(("write", day) for day in ALONE),
    *(("write_shared", SHARED), ("write_shared", SHARED)),
    *(("read", DAY), ("read", DAY), ("release", DAY), ("vacuum", DAY)),
)
_SOAK_SECONDS = 180
_READER_MAY_MEET = {"FileDamaged"}  # what it was reading was replaced and vacuumed: said, not mixed
_MAY_MEET = {
    "write": set[str](),
    "write_shared": {"InputInvalid", "FileDamaged"},  # the other one replaced what it rests on
    "read": _READER_MAY_MEET,
    "release": {"ReleaseRefused", "FileDamaged"},  # a date was being made anew
    "vacuum": {"LakeBusy"},
}


def test_processes_share_a_store(known: Known, tmp_path: Path) -> None:
    rival_rounds(tmp_path, 2.0)


@pytest.mark.soak
def test_processes_share_a_store_for_minutes(known: Known, tmp_path: Path) -> None:
    done = rival_rounds(tmp_path, _SOAK_SECONDS)
    tell("rival processes", seconds=_SOAK_SECONDS, rounds=sum(done.values()), **done)
    assert done["release"] > 5
    assert done["read"] > 50


def rival_rounds(folder: Path, seconds: float) -> Counter[str]:
    """Let all rivals loose on a store; how often each job was done."""
    pipeline.prepare_process()
    world, alone = World(folder), World(folder, "undisturbed")
    world.make_captures(days=5)
    for day in (*ALONE, SHARED):
        pipeline.run_chain(alone, "a", day)
    shutil.copytree(alone.store, world.store)
    turns = dict.fromkeys(ALONE, 0)
    done: Counter[str] = Counter()
    processes = []
    for number, (job, day) in enumerate(_JOBS):
        told, tells = FORKS.Pipe(duplex=False)
        arguments = (tells, job, str(folder), world.name, day.isoformat(), seconds, number)
        process = FORKS.Process(target=rivals.loop, args=arguments)
        process.start()
        tells.close()
        processes.append((job, day, process, told))
    for job, day, process, told in processes:
        times, refused = told.recv()
        process.join()
        assert set(refused) <= _MAY_MEET[job], refused
        done[job] += times
        if job == "write":
            turns[day] = times
    _assert_nothing_lost(world, alone, turns)
    return done


def _assert_nothing_lost(world: World, alone: World, turns: dict[date, int]) -> None:
    """Each write of a date stands in the log, in turn, and the last one is what is stored."""
    for day, times in turns.items():
        assert times > 0
        pipeline.run_chain(alone, pipeline.VARIANTS[times % 2], day)
        assert pipeline.digests(world.lake, day) == pipeline.digests(alone.lake, day)
        for spec in TABLES:
            entries = [entry for entry in world.lake.versions(spec) if entry.day == day]
            assert len(entries) == times + 1, (spec.name, day)
    pipeline.run_chain(world, "a", SHARED)
    assert pipeline.digests(world.lake, SHARED) == pipeline.digests(alone.lake, SHARED)
    for versions in pipeline.logged_versions(world).values():
        assert versions == list(range(versions[0], -1, -1))
    pipeline.vacuum_all(world)
    assert pipeline.strays(world) == []
