"""Sweeping: taking out what killed processes left in a store, beside what a vacuum takes out.

In: a store. Out: what was found and removed. Invariants: only what belongs to nobody goes: folders
whose writer holds no lock any more, temporary files of the log while nobody may commit, files of a
decoder whose process has ended. What is in use is left and named. Orphans among the data files of a
table are the vacuum's (`maintenance`).
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rugs_assets.lake.dataset_cache import cache_folder
from rugs_assets.lake.errors import LakeBusy
from rugs_assets.lake.locks import held
from rugs_assets.lake.storage import Store

IDLE_HOURS = 1.0
"""How long nobody wrote to a file of a decoder before it counts as left."""

_SCRATCH = re.compile(r"\..+-(?P<pid>\d+)-\d+(\.events|\.rejects)?")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep took out (or, dry, would take out).

    Attributes:
        paths: files and folders, sorted; relative to the store where they lie below it.
        busy: folders that were in use all the time and were not looked at.
    """

    paths: tuple[str, ...]
    busy: tuple[str, ...]
    dry_run: bool


def sweep(
    store: Store,
    *,
    landing: Path | None = None,
    dry_run: bool = True,
    idle_hours: float = IDLE_HOURS,
    timeout: float = 60.0,
) -> Swept:
    """Remove what killed processes left.

    Args:
        store: where the tables lie; an object store has nothing of the kind.
        landing: folder of the decoded captures.
        dry_run: only say what would go.
        idle_hours: files of a decoder younger than this stay.
        timeout: seconds to wait for the writers of each table.
    """
    found: list[Path] = []
    busy: list[str] = []
    root = Path(store.root)
    folders = sorted(root.glob("*/_staging")) if store.local else []
    for folder in (staging.parent for staging in folders):
        try:
            with store.maintaining(folder.name, timeout), store.creating(folder.name):
                dead = store.clear_staging(folder.name, dry_run=dry_run)
                left = sorted((folder / "_delta_log").glob("*#*"))
                found += [folder / "_staging" / name for name in dead] + left
                _remove(left, dry_run=dry_run)
        except LakeBusy:
            busy.append(folder.name)
    loose = [*_half_built(store), *_scratch(landing, idle_hours)]
    _remove(loose, dry_run=dry_run)
    shown = sorted(_shown(path, root) for path in found + loose)
    return Swept(tuple(shown), tuple(busy), dry_run)


def _half_built(store: Store) -> list[Path]:
    """Caches of the loader that nobody builds any more: whoever builds one holds a lock."""
    cache = cache_folder(store)
    if cache is None or not cache.is_dir():
        return []
    with ExitStack() as meanwhile:
        try:
            for lock in sorted(cache.glob("*.lock")):
                meanwhile.enter_context(held(lock, shared=False, timeout=0))
        except LakeBusy:
            return []
        return sorted(cache.glob("_building-*"))


def _scratch(landing: Path | None, idle_hours: float) -> Iterator[Path]:
    """Unfinished files of decoders that have ended."""
    if landing is None or not landing.is_dir():
        return
    for path in sorted(landing.iterdir()):
        told = _SCRATCH.fullmatch(path.name)
        if told is None or _is_alive(int(told["pid"])):
            continue
        if time.time() - path.stat().st_mtime >= idle_hours * 3_600:
            yield path


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _remove(paths: list[Path], *, dry_run: bool) -> None:
    for path in paths:
        if dry_run:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
