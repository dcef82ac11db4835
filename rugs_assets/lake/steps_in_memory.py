"""Steps that no store holds: record batches of `training_shards` as arrays.

In: batches as `shards_of` makes them. Out: the same `Steps` as from files. Belongs here: that one
conversion, for data that is made and used in one process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.shards import TRAINING_SHARDS
from rugs_assets.lake.episode_index import IndexedFile, index_of
from rugs_assets.lake.steps import EXTRAS, LABELS, Steps


def steps_of(shards: Iterable[pa.RecordBatch]) -> tuple[Steps, str]:
    """The steps with all columns, and sha256 hex of what they are.

    Raises:
        IndexInvalid: the rows are not whole episodes.
    """
    table = pa.Table.from_batches(shards, TRAINING_SHARDS)
    index = index_of(table.to_batches(), [IndexedFile(None, table.num_rows)])
    columns = {name: np.asarray(table[name].to_numpy()) for name in (*LABELS, *EXTRAS)}
    observations = np.empty((table.num_rows, len(FEATURE_NAMES)), np.float32)
    for at, name in enumerate(FEATURE_NAMES):
        observations[:, at] = table[name].to_numpy()
    digest = hashlib.sha256()
    for array in (observations, *columns.values()):
        digest.update(array.tobytes())
    return Steps(observations, columns, index.starts, index).sealed(), digest.hexdigest()
