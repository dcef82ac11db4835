"""SIGKILL at any moment: the store is whole, the next run completes, nothing is left behind."""

from __future__ import annotations

import random
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from rugs_assets.lake.releases import Releases
from rugs_assets_tests.faults import pipeline, victim
from rugs_assets_tests.faults.conftest import Known
from rugs_assets_tests.faults.forks import started
from rugs_assets_tests.faults.pipeline import STAGES, World
from rugs_assets_tests.faults.told import tell
from rugs_assets_tests.faults.victim import EVERYTHING, RELEASE, WORK

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the kill is sent by Linux' timer of processor time"
)
SHORT, LONG = 2, 50

Check = Callable[..., str]


@dataclass
class Hit:
    """Where kills landed.

    Attributes:
        at: share of the work's usual time after which the process was killed, while it worked.
        missed: kills that came when the work was done.
        left: kinds of traces that killed processes left, and how many of them did.
        new: kills after which a table was new already.
    """

    at: list[float] = field(default_factory=list)
    missed: int = 0
    left: Counter[str] = field(default_factory=Counter)
    new: int = 0


def test_a_killed_process_leaves_a_whole_store(
    world: World, known: Known, assert_whole: Check
) -> None:
    hit = kill_rounds(EVERYTHING, SHORT, world, known, assert_whole, random.Random())
    assert hit.at


@pytest.mark.crash
@pytest.mark.parametrize("work", WORK)
def test_fifty_killed_processes_leave_a_whole_store(
    work: str, world: World, known: Known, assert_whole: Check
) -> None:
    hit = kill_rounds(work, LONG, world, known, assert_whole, random.Random())
    thirds = Counter(min(int(3 * share), 2) for share in hit.at)
    tell(
        f"SIGKILL during {work}",
        rounds=LONG,
        inside=len(hit.at),
        missed=hit.missed,
        thirds=[thirds[third] for third in range(3)],
        left=dict(sorted(hit.left.items())),
        new=hit.new,
    )
    assert min(thirds[third] for third in range(3)) >= LONG // 4, thirds


@pytest.mark.crash
@pytest.mark.parametrize("work", WORK)
def test_death_before_every_single_step_leaves_a_whole_store(
    work: str, world: World, known: Known, assert_whole: Check
) -> None:
    """No luck involved: each step that Python takes in the store is the last one once."""
    was, will_be = "a", "b"
    died = 0
    for last in range(10_000):
        _prepare(work, world, will_be)
        process, told = started(victim.work_until_step, work, world, will_be, last)
        process.join(60)
        is_killed = process.exitcode == -signal.SIGKILL
        assert is_killed or process.exitcode == 0
        told.close()
        _assert_survived(work, world, known, assert_whole, was, will_be)
        if not is_killed:
            break
        died += 1
        was, will_be = will_be, was
    assert pipeline.digests(world.lake, pipeline.OTHER_DAY) == known.other
    tell(f"death before each step of {work}", rounds=died)
    assert died > 5


def kill_rounds(
    work: str,
    rounds: int,
    world: World,
    known: Known,
    assert_whole: Check,
    dice: random.Random,
) -> Hit:
    """Kill a process that does the work, until that many kills landed inside of it.

    The moments are spread evenly over the time that the work takes, and then shuffled.
    """
    hit = Hit()
    was, will_be = "b", "a"
    usual = _usual_microseconds(work, world, known, was)
    moments = [(number + dice.random()) / rounds for number in range(rounds)]
    dice.shuffle(moments)
    while moments and hit.missed <= 2 * rounds:
        _prepare(work, world, will_be)
        before = {*pipeline.strays(world)}
        arguments = work, world, will_be, max(1, int(moments[-1] * usual))
        process, told = started(victim.work_until_killed, *arguments)
        process.join()
        if process.exitcode == -signal.SIGKILL:
            hit.at.append(moments.pop())
        else:
            assert process.exitcode == 0
            hit.missed += 1
            usual = min(usual, told.recv())  # it was faster than when it was measured
        told.close()
        hit.left.update({_kind(stray) for stray in {*pipeline.strays(world)} - before})
        hit.new += bool(_assert_survived(work, world, known, assert_whole, was, will_be))
        was, will_be = will_be, was
    pipeline.run_chain(world, was)
    assert pipeline.digests(world.lake, pipeline.DAY) == known.day[was]
    assert pipeline.digests(world.lake, pipeline.OTHER_DAY) == known.other
    return hit


def _prepare(work: str, world: World, will_be: str) -> None:
    """What comes before the work: its inputs are new, captures are not decoded yet."""
    if work in (STAGES[0], EVERYTHING):
        shutil.rmtree(world.landing, ignore_errors=True)
    if work == EVERYTHING:
        return
    ahead = STAGES[: STAGES.index(work)] if work in STAGES else STAGES
    for stage in ahead:
        pipeline.run_stage(world, will_be, stage)


def _usual_microseconds(work: str, world: World, known: Known, variant: str) -> int:
    """How much time on a processor the work takes; the store is of that variant afterwards."""
    _prepare(work, world, variant)
    process, told = started(victim.work_until_killed, work, world, variant, 0)
    microseconds: int = told.recv()
    process.join()
    _complete(work, world, known, variant)
    return microseconds


def _assert_survived(
    work: str, world: World, known: Known, assert_whole: Check, was: str, will_be: str
) -> str:
    changed = assert_whole(world, was, will_be)
    new = work if work in changed.split() else ""
    if work in (RELEASE, EVERYTHING):
        releases = Releases(world.lake)
        assert releases.names() in ([], [pipeline.RELEASE])
        for name in releases.names():
            assert releases.verify(name) == []
            assert releases.manifest(name).checksum == known.release[will_be]
            new = name
    pipeline.vacuum_all(world)
    assert pipeline.strays(world) == []
    _complete(work, world, known, will_be)
    return new


def _complete(work: str, world: World, known: Known, variant: str) -> None:
    """The next run completes and gives what an undisturbed one gives."""
    if work in STAGES:
        pipeline.run_stage(world, variant, work)
    if work == EVERYTHING:
        pipeline.run_chain(world, variant)
    releases = Releases(world.lake)
    if work == RELEASE and not releases.names():
        assert pipeline.make_release(world) == known.release[variant]
    for name in releases.names():
        releases.remove(name)
    done = STAGES[: STAGES.index(work) + 1] if work in STAGES else STAGES
    found = pipeline.digests(world.lake, pipeline.DAY, done)
    assert found == {name: known.day[variant][name] for name in found}


def _kind(stray: str) -> str:
    """What a left file is, in words."""
    parts = stray.split("/")
    if parts[0] == "_landing":
        return "half a decoded capture"
    if parts[1] == "_staging":
        return "unfinished files"
    return "temporary file of the log" if parts[1] == "_delta_log" else "file without a version"
