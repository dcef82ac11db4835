"""Many processes on one store: nothing is lost, nobody ever reads a mix of two versions."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from rugs_assets.lake.catalog import TABLES
from rugs_assets_tests.faults import pipeline, rivals
from rugs_assets_tests.faults.conftest import Known, prepared
from rugs_assets_tests.faults.forks import FORKS
from rugs_assets_tests.faults.pipeline import DAY, OTHER_DAY, World
from rugs_assets_tests.faults.told import tell

_SOAK_SECONDS = 180
_READER_MAY_MEET = {"FileDamaged"}  # what it was reading was replaced and vacuumed: said, not mixed
_MAY_MEET = {
    "write": set[str](),
    "write_shared": {"InputInvalid", "FileDamaged"},  # the other one replaced what it rests on
    "read": _READER_MAY_MEET,
    "release": {"ReleaseRefused", "FileDamaged"},  # a date was being made anew
    "vacuum": {"LakeBusy"},
}


def test_processes_share_a_store(world: World) -> None:
    alone = replace(world, name="alone")
    shutil.copytree(world.store, alone.store)
    rival_rounds(world, alone, [DAY], OTHER_DAY, OTHER_DAY, 1.0)


@pytest.mark.soak
def test_processes_share_a_store_for_minutes(known: Known, tmp_path: Path) -> None:
    world, alone = World(tmp_path), World(tmp_path, "alone")
    world.make_captures(days=7, games_per_day=3)
    days = [DAY + timedelta(days=number) for number in range(7)]
    with prepared():  # the stores of both are made with one key: digests hold pseudonyms
        for day in days:
            pipeline.run_chain(alone, "a", day)
        shutil.copytree(alone.store, world.store)
        done = rival_rounds(world, alone, days[:4], days[4], days[6], _SOAK_SECONDS)
    tell("rival processes", seconds=_SOAK_SECONDS, rounds=sum(done.values()), **done)
    assert min(done.values()) > 1, done


def rival_rounds(
    world: World, alone: World, days: Sequence[date], shared: date, last: date, seconds: float
) -> Counter[str]:
    """Let all rivals loose on a store; how often each job was done.

    Args:
        world: whose store they share.
        alone: one with an equal store, which tells what must come out.
        days: the dates that one process each writes.
        shared: the date that two processes write.
        last: the last date; those behind `shared` are read and released only.
        seconds: for how long.
    """
    reading = [("read", last), ("read", last), ("release", last), ("vacuum", last)]
    jobs = [*(("write", day) for day in days), *[("write_shared", shared)] * 2, *reading]
    turns = dict.fromkeys(days, 0)
    done: Counter[str] = Counter()
    processes = []
    for number, (job, day) in enumerate(jobs):
        told, tells = FORKS.Pipe(duplex=False)
        arguments = (tells, job, str(world.root), world.name, day.isoformat(), seconds, number)
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
    _assert_nothing_lost(world, alone, turns, shared)
    return done


def _assert_nothing_lost(world: World, alone: World, turns: dict[date, int], shared: date) -> None:
    """Each write of a date stands in the log, in turn, and the last one is what is stored."""
    for day, times in turns.items():
        assert times > 0
        pipeline.run_chain(alone, pipeline.VARIANTS[times % 2], day)
        assert pipeline.digests(world.lake, day) == pipeline.digests(alone.lake, day)
        for spec in TABLES:
            entries = [entry for entry in world.lake.versions(spec) if entry.day == day]
            assert len(entries) == times + 1, (spec.name, day)
    pipeline.run_chain(world, "a", shared)
    assert pipeline.digests(world.lake, shared) == pipeline.digests(alone.lake, shared)
    for versions in pipeline.logged_versions(world).values():
        assert versions == list(range(versions[0], -1, -1))
    pipeline.vacuum_all(world)
    assert pipeline.strays(world) == []
