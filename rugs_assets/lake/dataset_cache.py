"""The loader's cache: steps as plain arrays on disk, mapped into memory by all who read them.

In: files of steps and their index. Out: the same arrays as in RAM, mapped read-only. Invariants: a
cache is built once a release, appears whole or not at all, and is checked by checksum when opened;
one that is damaged is built anew. It lies in `_cache/` of the store and may be deleted at any time.

Belongs here: the files of the cache. Goes elsewhere: decoding (`steps`), when it is used
(`dataset_source`).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import DTypeLike

from rugs_assets.domain.features import FEATURE_COUNT
from rugs_assets.lake.episode_index import EpisodeIndex
from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.locks import held
from rugs_assets.lake.steps import EXTRAS, LABELS, Array, StepFile, Steps, dtype_of, filled
from rugs_assets.lake.storage import Store

FOLDER = "_cache"
_FORMAT = 1
_MANIFEST = "cache.json"
_BUILDING = "_building-"
_BUILD_SECONDS = 24 * 3_600.0
_CHUNK = 8 * 2**20
_DIGITS = 32  # of the checksum, in the name of the cache


def cache_folder(store: Store) -> Path | None:
    """Where caches lie beside a store; None when the store is no folder."""
    return Path(store.root) / FOLDER if store.local else None


def forget_cache(store: Store, checksum: str) -> None:
    """Delete the caches of a release; who has one open keeps it."""
    folder = cache_folder(store)
    if folder is not None and folder.is_dir():
        for path in folder.glob(f"{checksum[:_DIGITS]}*"):
            shutil.rmtree(path, ignore_errors=True)


def mapped(
    folder: Path,
    identity: str,
    files: Sequence[StepFile],
    index: EpisodeIndex,
    extras: Sequence[str],
    *,
    verify: bool,
) -> Steps:
    """The steps, mapped from the cache, which is built first when there is none.

    Args:
        folder: where caches lie; created when absent.
        identity: what the steps are; equal steps have an equal one.
        files: where they come from, read only to build.
        index: their episodes.
        extras: the columns wanted beside the labels.
        verify: check every byte of the cache, not its sizes alone.

    Raises:
        WriteFailed: it cannot be built there.
        LakeError: a file of steps is damaged.
    """
    rows = int(index.starts[-1])
    name = f"{identity[:_DIGITS]}-{index.digest[:16]}-{sys.byteorder}-{_FORMAT}"
    cache = folder / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_whole(cache, rows, verify=verify):
            # One process builds, the others wait for it; then the first look settles it.
            with held(folder / f"{name}.lock", shared=False, timeout=_BUILD_SECONDS):
                if not _is_whole(cache, rows, verify=verify):
                    _build(cache, files, index)
    except OSError as error:
        raise WriteFailed(
            f"the loader's cache cannot be kept in {folder}: {error}; make room, or name another "
            "folder with cache=..., or raise memory_limit so that the steps fit in RAM"
        ) from error
    columns = {
        column: _map(cache, column, (rows,), dtype_of(column)) for column in (*LABELS, *extras)
    }
    observations = _map(cache, "observations", (rows, FEATURE_COUNT), np.dtype(np.float32))
    return Steps(observations, columns, index.starts, index)


def _build(cache: Path, files: Sequence[StepFile], index: EpisodeIndex) -> None:
    # The caller holds the lock of this name: what lies here is a killed builder's.
    staging = cache.parent / f"{_BUILDING}{cache.name}"
    for path in (cache, staging):
        shutil.rmtree(path, ignore_errors=True)
    staging.mkdir()
    try:
        maps: list[np.memmap[Any, Any]] = []

        def make(name: str, shape: tuple[int, ...], kind: DTypeLike) -> Array:
            maps.append(np.memmap(staging / name, kind, "w+", shape=shape))
            return maps[-1]

        filled(files, index, [*LABELS, *EXTRAS], make)
        for each in maps:
            each.flush()
        sums = {path.name: _checksum(path) for path in sorted(staging.iterdir())}
        said = {"cache": cache.name, "xxh3_128": sums}
        (staging / _MANIFEST).write_text(json.dumps(said), encoding="ascii")
        staging.rename(cache)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _is_whole(cache: Path, rows: int, *, verify: bool) -> bool:
    try:
        said = json.loads((cache / _MANIFEST).read_bytes())
        sums, names = said["xxh3_128"], {"observations", *LABELS, *EXTRAS}
        # The name is that of the rows: the folder of another release, renamed, is not this one.
        return (said["cache"], sums.keys()) == (cache.name, names) and all(
            (cache / name).stat().st_size == _size(name, rows)
            and (not verify or _checksum(cache / name) == sums[name])
            for name in names
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _size(name: str, rows: int) -> int:
    return rows * (4 * FEATURE_COUNT if name == "observations" else dtype_of(name).itemsize)


def _checksum(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _map(cache: Path, name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
    # As a plain array: every operation on a memmap makes a new memmap, which costs more than it.
    return np.asarray(np.memmap(cache / name, kind, "r", shape=shape))
