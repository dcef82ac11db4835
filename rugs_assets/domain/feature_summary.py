"""A date's features in a few numbers each: what a person reads, and what drift is measured by.

In: rows with the 36 features and the bitmask `observed`. Out: per feature mean, deviation, least,
greatest, the share of zeros and the share of rows in which it was observed. Invariants: memory is
that of a batch; float64 throughout. The exact statistics that training normalises by are another
thing (``moments``, ``manifest``); here the last digit does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.features import FEATURE_COUNT, FEATURE_NAMES

SUMMARY_COLUMNS = ("episode_id", "observed", *FEATURE_NAMES)
"""What is read of `observations`."""


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """The features of some rows; every array is float64 of shape (36,), in the declared order.

    Attributes:
        rows: how many rows.
        games: how many games they are of.
        mean: 0 where there is no row, as in all that follow.
        std: deviation of the population.
        least: the least value.
        greatest: the greatest value.
        zeros: share of rows in which the value is 0.
        observed: share of rows in which the value had been received.
    """

    rows: int
    games: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    zeros: NDArray[np.float64]
    observed: NDArray[np.float64]


def summary_of(batches: Iterable[pa.RecordBatch]) -> FeatureSummary:
    """Summarise rows of `observations`.

    Args:
        batches: with the columns `SUMMARY_COLUMNS`, the rows of a game together.
    """
    rows = games = 0
    last_game: object = None
    mean, squares = np.zeros(FEATURE_COUNT), np.zeros(FEATURE_COUNT)
    zeros, observed = np.zeros(FEATURE_COUNT), np.zeros(FEATURE_COUNT)
    least, greatest = np.full(FEATURE_COUNT, np.inf), np.full(FEATURE_COUNT, -np.inf)
    bits = np.arange(FEATURE_COUNT, dtype=np.int64)
    for batch in batches:
        if not batch.num_rows:
            continue
        values = np.stack([batch[name].to_numpy() for name in FEATURE_NAMES]).astype(np.float64)
        count, of_batch = batch.num_rows, values.mean(axis=1)
        # Chan's rule: two groups of rows become one without losing digits.
        apart = of_batch - mean
        squares += ((values - of_batch[:, None]) ** 2).sum(axis=1)
        squares += apart**2 * rows * count / (rows + count)
        mean += apart * count / (rows + count)
        rows += count
        zeros += (values == 0).sum(axis=1)
        mask = batch["observed"].to_numpy()
        observed += np.array([np.count_nonzero(mask >> bit & 1) for bit in bits])
        least = np.minimum(least, values.min(axis=1))
        greatest = np.maximum(greatest, values.max(axis=1))
        found = batch["episode_id"].dictionary_encode().dictionary.to_pylist()
        games += len(found) - (found[0] == last_game)
        last_game = batch["episode_id"][-1].as_py()
    some = max(rows, 1)
    if not rows:
        least, greatest = np.zeros(FEATURE_COUNT), np.zeros(FEATURE_COUNT)
    std = np.sqrt(squares / some)
    return FeatureSummary(rows, games, mean, std, least, greatest, zeros / some, observed / some)
