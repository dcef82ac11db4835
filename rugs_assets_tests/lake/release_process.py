"""What the processes of the release tests do: importable by `multiprocessing`, free of pytest."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rugs_assets.lake import dataset_cache, release_content, release_files
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY


def together(gate: Path, many: int) -> None:
    """Wait until as many processes stand here."""
    (gate / str(os.getpid())).touch()
    while len(list(gate.iterdir())) < many:
        time.sleep(0.001)


def create(root: str, name: str, gate: str, many: int, said: str) -> None:
    """Create a release at the same time as others; leave what came of it in `said`."""
    together(Path(gate), many)
    try:
        outcome = Releases(Lake(root)).create(ReleaseRequest(name, MONDAY, TUESDAY), BASIS).checksum
    except LakeError as error:
        outcome = str(error)
    Path(said).write_text(outcome)


def create_and_die(root: str, step: str) -> None:
    """Be killed at a step of creating the release `first`."""
    _die_in({"linked": release_content, "publish": release_files}[step], step)
    Releases(Lake(root)).create(ReleaseRequest("first", MONDAY, TUESDAY), BASIS)


def build_cache(root: str, gate: str, many: int, said: str) -> None:
    """Open the release `first` from its cache at the same time as others; leave which file it is.

    The builder takes long, so that the others come while it builds.
    """
    build: Callable[..., Any] = vars(dataset_cache)["filled"]

    def slowly(*arguments: Any) -> Any:
        time.sleep(0.3)
        return build(*arguments)

    vars(dataset_cache)["filled"] = slowly
    together(Path(gate), many)
    dataset = TrainingDataset.open(root, release="first", memory_limit=0)
    (cache,) = (path for path in (Path(root) / "_cache").iterdir() if path.is_dir())
    Path(said).write_text(f"{len(dataset)} {(cache / 'observations').stat().st_ino}")


def build_cache_and_die(root: str) -> None:
    """Be killed when the arrays of the cache are written, but not yet in place."""
    _die_in(dataset_cache, "_checksum")
    TrainingDataset.open(root, release="first", memory_limit=0)


def _die_in(module: Any, function: str) -> None:
    vars(module)[function] = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
