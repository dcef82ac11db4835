"""npz: a split as plain numpy arrays in one file that needs nothing but numpy, and no pickle.

In: an open dataset. Out: a file of `observations`, `actions`, `rewards`, `next_observations`,
`dones`, `truncateds`, the columns asked for, `episode`, `step`, `episode_ids`, `feature_names`,
`action_names` and `passport` (JSON: of which release it is made). Invariants: the file appears
whole or not at all; the same release gives the same bytes.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.lake.bridges.arrays import decisions_of, passport_of
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.steps import Array

_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the least that a zip file can tell


def save(
    dataset: TrainingDataset,
    path: str | Path,
    split: str | None = None,
    *,
    compressed: bool = True,
) -> Path:
    """Write the decisions of a split; `numpy.load(path)` reads them.

    Args:
        dataset: from which.
        path: of the file; what is there is replaced.
        split: train, val or test; None: all.
        compressed: deflate the arrays, to about a fifth.

    Returns:
        The path.

    Raises:
        LakeError: there is no such split, or nothing in it.
        WriteFailed: it cannot be written there.
    """
    target = Path(path)
    found = decisions_of(dataset, split)
    arrays: dict[str, Array] = {
        **found.batch,
        "episode": found.episode,
        "step": found.step,
        "episode_ids": np.array(found.episode_ids, np.str_),
        "feature_names": np.array(FEATURE_NAMES, np.str_),
        "action_names": np.array(ACTIONS, np.str_),
        "passport": np.array(json.dumps(passport_of(dataset, split), sort_keys=True), np.str_),
    }
    try:
        _write(target, arrays, zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED)
    except OSError as error:
        raise WriteFailed(
            f"{target} cannot be written: {error}; make room or name another place"
        ) from error
    return target


def _write(target: Path, arrays: dict[str, Array], method: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w", method) as made:
            for key, array in arrays.items():
                # numpy's own `savez` notes the time of day.
                entry = zipfile.ZipInfo(f"{key}.npy", _NO_TIME)
                entry.compress_type = method
                with made.open(entry, "w", force_zip64=True) as out:
                    np.lib.format.write_array(out, array, allow_pickle=False)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)
