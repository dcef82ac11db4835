"""What a process does that is going to be killed. Importable by a fork server, free of pytest."""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dagster import RetryRequested
from deltalake import DeltaTable

from rugs_assets.lake.errors import LakeError
from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.pipeline import STAGES, World

BEGUN = "begun"
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


def work_until_killed(
    told: Connection, work: str, root: str, store: str, variant: str, microseconds: int
) -> None:
    """Do a piece of work and get SIGKILL from the kernel after so much time on a processor.

    That time, other than the one on the wall, is the same however busy the machine is. When the
    work is done all the same (0: certainly), the microseconds that it took are told.
    """
    pipeline.prepare_process()
    world = World(Path(root), store)
    told.send(BEGUN)
    began = time.process_time_ns()
    if microseconds:
        _arm(microseconds)
    do(work, world, variant)
    told.send((time.process_time_ns() - began) // 1_000)


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
        if _touches(event, arguments, below):
            step()

    DeltaTable.create_write_transaction = _around(  # type: ignore[method-assign] # a spy
        DeltaTable.create_write_transaction, step
    )
    sys.addaudithook(audit)
    told.send(BEGUN)
    do(work, World(Path(root), store), variant)
    told.send(steps)


class _Event(ctypes.Structure):
    """`struct sigevent`: which signal a timer sends."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * 48),
    )


def _arm(microseconds: int) -> None:
    """Have the kernel kill this process when it has used so much more time on a processor."""
    timers = ctypes.CDLL(None)
    if not hasattr(timers, "timer_create"):
        timers = ctypes.CDLL("librt.so.1")  # glibc before 2.34
    timer = ctypes.c_void_p()
    event = _Event(None, signal.SIGKILL, 0)
    assert timers.timer_create(time.CLOCK_PROCESS_CPUTIME_ID, ctypes.byref(event),
                               ctypes.byref(timer)) == 0  # fmt: skip
    seconds, rest = divmod(max(1, microseconds), 1_000_000)
    spec = (ctypes.c_long * 4)(0, 0, seconds, rest * 1_000)  # no interval; when it goes off
    assert timers.timer_settime(timer, 0, spec, None) == 0


def _around(method: Callable[..., None], step: Callable[[], None]) -> Callable[..., None]:
    def spied(*args: Any, **named: Any) -> None:
        step()
        method(*args, **named)
        step()

    return spied


def work_in_trouble(
    told: Connection, work: str, root: str, store: str, variant: str, trouble: str, at: int
) -> None:
    """Do a piece of work while the storage refuses; tell what the user would read.

    Args:
        told: gets "" when the work was done all the same, or else the text of the error, or, where
            nobody foresaw it, its traceback.
        work: what is done.
        root: the world's folder.
        store: name of its store.
        variant: of the captures.
        trouble: "no room" (no file may grow beyond `at` bytes), "no access" (nothing may be written
            that its mode forbids, though it be root), "gone" (the store is moved away before the
            step number `at`).
        at: see `trouble`.
    """
    pipeline.prepare_process()
    world = World(Path(root), store)
    told.send(BEGUN)
    if trouble == "no room":
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, at))
    elif trouble == "no access":
        _obey_modes()
    elif trouble == "gone":
        steps = itertools.count()

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            if _touches(event, arguments, str(world.store)) and next(steps) == at:
                world.store.rename(world.store.with_name("moved"))

        sys.addaudithook(audit)
    told.send(_outcome(work, world, variant))


def _outcome(work: str, world: World, variant: str) -> str:
    try:
        do(work, world, variant)
    except RetryRequested as error:
        return str(error.__cause__)
    except LakeError as error:
        return str(error)
    except Exception:  # noqa: BLE001 - what it is, is for the test to judge
        return traceback.format_exc()
    return ""


def _touches(event: str, arguments: tuple[Any, ...], below: str) -> bool:
    return event in _TOUCHES and (event == "fcntl.flock" or str(arguments[0]).startswith(below))


def _obey_modes() -> None:
    """Give up root's right to write what its mode forbids; others never had it."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this process
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; low and high words
    assert libc.capget(header, sets) == 0
    sets[0] &= ~0b1110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER
    assert libc.capset(header, sets) == 0
