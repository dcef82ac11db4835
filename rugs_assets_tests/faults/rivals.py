"""What the processes of the concurrency test do, each in a loop until the time is over.

Importable by a fork server, free of pytest. Each tells how often it did its work and what it was
refused; anything that is no error of ours is a traceback in the refusals.
"""

from __future__ import annotations

import itertools
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from dagster import RetryRequested

from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.orchestration.day import InputInvalid
from rugs_assets.orchestration.release_basis import BASIS
from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.pipeline import DAY, World

_A_DAY = timedelta(days=1)


def write(world: World, turn: int, day: date) -> None:
    """Make a date anew from the other captures."""
    pipeline.run_chain(world, pipeline.VARIANTS[(turn + 1) % 2], day)


def write_shared(world: World, turn: int, day: date) -> None:
    """Make a date anew, in whatever order the two writers of it come."""
    write(world, turn, day)


def read(world: World, turn: int, last: date) -> None:
    """Read a date of every table: all bytes are those of one commit."""
    pipeline.digests(world.lake, DAY + turn % ((last - DAY).days + 1) * _A_DAY)


def release(world: World, turn: int, last: date) -> None:
    """Cut a release of a date or two, read every byte of it again, remove it."""
    releases = Releases(world.lake)
    name, first = f"r-{turn}", DAY + turn % ((last - DAY).days + 1) * _A_DAY
    releases.create(ReleaseRequest(name, first, min(first + _A_DAY, last)), BASIS)
    wrong = releases.verify(name)
    if wrong:
        raise AssertionError(wrong)
    releases.remove(name)


def vacuum(world: World, turn: int, _: date) -> None:
    """Vacuum a table without any retention."""
    spec = TABLES[turn % len(TABLES)]
    world.lake.vacuum(spec, retention_hours=0, dry_run=False)
    time.sleep(random.uniform(0, 0.2))


def loop(
    told: Connection, job: str, root: str, store: str, day: str, seconds: float, turns: int
) -> None:
    """Do a job again and again.

    Args:
        told: gets (turns done, refusals by their kind).
        job: name of a function of this module.
        root: the world's folder.
        store: name of its store.
        day: the date to write; of jobs that read, the last of those that they may take.
        seconds: when to stop.
        turns: how often the work was done before.
    """
    pipeline.prepare_process()
    world = World(Path(root), store)
    do: Callable[[World, int, date], None] = globals()[job]
    refused: Counter[str] = Counter()
    done = 0
    end = time.monotonic() + seconds
    for turn in itertools.count(turns):
        if time.monotonic() > end:
            break
        try:
            do(world, done if job == "write" else turn, date.fromisoformat(day))
        except RetryRequested as error:
            refused[type(error.__cause__).__name__] += 1
        except (LakeError, InputInvalid) as error:
            refused[type(error).__name__] += 1
        except Exception:  # noqa: BLE001 - whatever it is, the test names it
            refused[traceback.format_exc()] += 1
        else:
            done += 1
    told.send((done, refused))
