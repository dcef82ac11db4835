"""What a process does that is going to be killed. Importable by a fork server, free of pytest."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.pipeline import STAGES, World

BEGUN, ENDED = "begun", "ended"
RELEASE, VACUUM = "release", "vacuum"
WORK = (*STAGES, RELEASE, VACUUM)
"""Everything that changes a store."""

EVERYTHING = "everything"
"""All of it, one after the other."""

_TOUCHES = frozenset(
    {
        *("open", "os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir", "os.truncate"),
        *("fcntl.flock", "tempfile.mkdtemp", "shutil.rmtree"),
    }
)


def do(work: str, world: World, variant: str) -> None:
    """One piece of work."""
    if work == EVERYTHING:
        for each in WORK:
            do(each, world, variant)
    elif work == RELEASE:
        pipeline.make_release(world)
    elif work == VACUUM:
        pipeline.vacuum_all(world)
    else:
        pipeline.run_stage(world, variant, work)


def work_until_killed(told: Connection, work: str, root: str, store: str, variant: str) -> None:
    """Do a piece of work, saying when it begins and when it has ended."""
    pipeline.prepare_process()
    told.send(BEGUN)
    do(work, World(Path(root), store), variant)
    told.send(ENDED)


def work_until_step(
    told: Connection, work: str, root: str, store: str, variant: str, last: int
) -> None:
    """Do a piece of work and die right before its step number `last`; tell how many there were.

    A step is whatever Python does to a file of the store, and each commit of deltalake once before
    and once after it.
    """
    pipeline.prepare_process()
    steps = 0
    below = str(Path(root) / store)

    def step() -> None:
        nonlocal steps
        if steps == last:
            os.kill(os.getpid(), signal.SIGKILL)
        steps += 1

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _TOUCHES and (event == "fcntl.flock" or str(arguments[0]).startswith(below)):
            step()

    DeltaTable.create_write_transaction = _around(  # type: ignore[method-assign] # a spy
        DeltaTable.create_write_transaction, step
    )
    sys.addaudithook(audit)
    told.send(BEGUN)
    do(work, World(Path(root), store), variant)
    told.send(steps)


def _around(method: Callable[..., None], step: Callable[[], None]) -> Callable[..., None]:
    def spied(*args: Any, **named: Any) -> None:
        step()
        method(*args, **named)
        step()

    return spied
