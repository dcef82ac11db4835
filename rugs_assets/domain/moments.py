"""Moments: mean, deviation, least and greatest of float32 columns, exact whatever the order.

In: rows of float32. Out: statistics as float64. Invariants: sums are held as integers, so the
result is that of exact arithmetic rounded once: it depends neither on the order of the rows nor on
how they were cut into batches. Which rows count is decided by who calls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# A float32 is m x 2^(e - 24) with a whole m below 2^24 in size and e from -148 to 128.
_BITS, _HALF = 24, 12
_LOWEST = -148
_EXPONENTS = 128 - _LOWEST + 1
_BLOCK = 4_096  # rows at once: with their mantissas and bins they fit the second-level cache


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of one column; ``std`` is that of the population. All 0 where there is no row."""

    mean: float
    std: float
    min: float
    max: float


class Moments:
    """Sums over rows of k columns.

    Args:
        columns: k.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self.rows = 0
        # Per column and exponent: the sums of m, and of the three parts of m^2.
        self._sums = np.zeros((4, columns, _EXPONENTS), np.int64)
        self._min = np.full(columns, np.inf)
        self._max = np.full(columns, -np.inf)

    def add(self, values: NDArray[np.float32]) -> None:
        """Take more rows.

        Args:
            values: float32, shape (n, k), finite.
        """
        for start in range(0, len(values), _BLOCK):
            self._add(values[start : start + _BLOCK])

    def _add(self, values: NDArray[np.float32]) -> None:
        self.rows += len(values)
        self._min = np.minimum(self._min, values.min(axis=0))
        self._max = np.maximum(self._max, values.max(axis=0))
        fraction, exponent = np.frexp(values.astype(np.float64))
        mantissa = fraction * 2.0**_BITS
        size = np.abs(mantissa).astype(np.int64)
        high, low = size >> _HALF, size & (2**_HALF - 1)
        bins = (exponent - _LOWEST + np.arange(self._columns) * _EXPONENTS).ravel()
        # Each weight is a whole number of at most 25 bits: float64 adds up a block exactly.
        for at, weights in enumerate((mantissa, high * high, 2 * high * low, low * low)):
            found = np.bincount(
                bins, weights.ravel().astype(np.float64), self._columns * _EXPONENTS
            )
            self._sums[at] += found.reshape(self._columns, _EXPONENTS).astype(np.int64)

    def statistics(self) -> list[Statistics]:
        """Of each column, in order."""
        return [self._of(column) for column in range(self._columns)]

    def _of(self, column: int) -> Statistics:
        if not self.rows:
            return Statistics(0.0, 0.0, 0.0, 0.0)
        total = squares = 0
        for exponent in np.flatnonzero(self._sums[:, column].any(axis=0)).tolist():
            first, high, middle, low = (int(part) for part in self._sums[:, column, exponent])
            total += first << exponent
            squares += ((high << 2 * _HALF) + (middle << _HALF) + low) << 2 * exponent
        unit = Fraction(1, 2 ** (_BITS - _LOWEST))
        mean = total * unit / self.rows
        variance = squares * unit * unit / self.rows - mean * mean
        return Statistics(
            float(mean),
            math.sqrt(variance),
            float(self._min[column]),
            float(self._max[column]),
        )
