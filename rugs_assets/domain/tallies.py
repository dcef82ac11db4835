"""Tallies: how many rows of each kind there are, so that the kinds add up to the whole.

In: batches of a stored table. Out: kind -> rows, every row in exactly one kind. What a table's
kinds are stands here; how a tally is shown is decided elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import Phase


def by_value(batches: Iterable[pa.RecordBatch], column: str, none: str = "none") -> dict[str, int]:
    """Rows by the value of a column, most first; null is counted as `none`."""
    found: Counter[str] = Counter()
    for batch in batches:
        counted = pc.value_counts(batch[column])
        kinds, counts = counted.field("values").to_pylist(), counted.field("counts").to_numpy()
        for kind, count in zip(kinds, counts.tolist(), strict=True):
            found[none if kind is None else str(kind)] += int(count)
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def by_phase(batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """Rows by the name of their `game_phase`."""
    return _by_code(batches, "game_phase", [phase.name for phase in Phase])


def by_action(batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """Rows by the name of their `action`."""
    return _by_code(batches, "action", ACTIONS)


def presses_on(batches: Iterable[pa.RecordBatch]) -> int:
    """Presses that samples carry: an action and an adjusted bet are one each."""
    return sum(
        int(np.count_nonzero(batch[name].to_numpy()))
        for batch in batches
        for name in ("action", "adjust")
    )


def _by_code(
    batches: Iterable[pa.RecordBatch], column: str, names: Iterable[str]
) -> dict[str, int]:
    known = tuple(names)
    found = np.zeros(len(known), np.int64)
    for batch in batches:
        codes = batch[column].to_numpy().astype(np.int64)
        found += np.bincount(codes, minlength=len(known))[: len(known)]
    return dict(zip(known, found.tolist(), strict=True))
