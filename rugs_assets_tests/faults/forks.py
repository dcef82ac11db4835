"""Child processes of the fault tests, forked from a server that has everything imported."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess

from rugs_assets_tests.faults import victim
from rugs_assets_tests.faults.pipeline import World

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["rugs_assets_tests.faults.victim"])


def started(
    target: Callable[..., None], work: str, world: World, variant: str, *more: int | str
) -> tuple[ForkServerProcess, Connection]:
    """A process that has just begun with the work."""
    told, tells = FORKS.Pipe(duplex=False)
    arguments = (tells, work, str(world.root), world.name, variant, *more)
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    tells.close()
    assert told.recv() == victim.BEGUN
    return process, told


def said_in_trouble(work: str, world: World, variant: str, trouble: str, at: int = 0) -> str:
    """What the user reads when the storage refuses; see `victim.work_in_trouble`."""
    process, told = started(victim.work_in_trouble, work, world, variant, trouble, at)
    text: str = told.recv()
    process.join()
    told.close()
    return text
