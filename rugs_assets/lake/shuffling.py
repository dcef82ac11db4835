"""The order of a loader: a permutation that is evaluated where it is needed, never stored.

In: how many items there are, a key, positions. Out: the items at those positions. Invariants: over
all positions every item comes exactly once; the order is a pure function of count and key, in this
and every later version of numpy.

A Feistel network over a rectangle of a x b >= n cells whose round functions are tables drawn from
SHAKE-256 of the key: four rounds of look-up and addition, then the few cells outside of the n are
walked on. Chosen over a stored permutation because position k costs the same as position 0: a
resumed epoch starts at once, a rank computes its own part alone, a year of steps costs no memory
(8 bytes a sample otherwise) and no stall at the start of an epoch. Chosen over numpy's generators
because their streams may change between versions, and an order that is cited must not. Few items
are simply sorted by numbers from the same stream: there the network's tables are too small to reach
every order.
"""

from __future__ import annotations

import hashlib
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.int64]
Cells = NDArray[Any]  # int32 or int64
_ROUNDS = 4
_FEW = 4_096
_NARROW = 2**31  # cells whose numbers fit 32 bits: half the bytes, the same order
_LARGEST = 2**62  # sums of two cell numbers stay within int64


class Permutation:
    """A permutation of range(count).

    Args:
        count: how many items, 1 to 2^62.
        key: what the order depends on beside the count.
    """

    def __init__(self, count: int, key: str) -> None:
        if not 1 <= count <= _LARGEST:
            raise ValueError(f"a permutation of {count} items")
        self.count = count
        self._stored = _sorted_by_chance(key, count) if count <= _FEW else None
        if self._stored is None:
            self._rows = isqrt(count - 1) + 1
            self._columns = -(-count // self._rows)
            narrow = self._rows * self._columns < _NARROW
            self._kind: type[Any] = np.int32 if narrow else np.int64
            sizes = [(self._columns, self._rows), (self._rows, self._columns)]
            self._tables = [
                (
                    _drawn(f"{key}/{number}", sizes[number % 2][0])
                    % np.uint64(sizes[number % 2][1])
                ).astype(self._kind)
                for number in range(_ROUNDS)
            ]

    def __call__(self, positions: Positions) -> Positions:
        """The items at positions: int64 (k,) in, int64 (k,) out, each in range(count)."""
        if self._stored is not None:
            return self._stored[positions]
        items = self._once(positions.astype(self._kind))
        outside = np.flatnonzero(items >= self.count)
        while outside.size:
            items[outside] = self._once(items[outside])
            outside = outside[items[outside] >= self.count]
        return items.astype(np.int64, copy=False)

    def _once(self, positions: Cells) -> Cells:
        row = positions // self._columns
        column = positions - row * self._columns
        scratch = np.empty_like(row)
        for number, table in enumerate(self._tables):
            if number % 2 == 0:
                _add(row, table, column, self._rows, scratch)
            else:
                _add(column, table, row, self._columns, scratch)
        row *= self._columns
        row += column
        return row


def shard_of(count: int, shard: int, shards: int) -> tuple[int, int]:
    """First and one past the last position of a shard: all shards together cover range(count).

    Their sizes differ by one at most.
    """
    return count * shard // shards, count * (shard + 1) // shards


def _add(half: Cells, table: Cells, by: Cells, below: int, scratch: Cells) -> None:
    """Replace half by (half + table[by]) mod below."""
    half += table.take(by, out=scratch, mode="clip")
    # The sum is under 2 x `below`: subtracting once is the remainder, and where that would be
    # negative, the unsigned view makes it the greater of the two.
    np.subtract(half, below, out=scratch)
    unsigned = np.uint32 if half.dtype == np.int32 else np.uint64
    np.minimum(half.view(unsigned), scratch.view(unsigned), out=half.view(unsigned))


def _sorted_by_chance(key: str, count: int) -> Positions:
    return np.argsort(_drawn(key, count), kind="stable").astype(np.int64)


def _drawn(key: str, count: int) -> NDArray[np.uint64]:
    """Uint64 (count,), pseudo-random."""
    return np.frombuffer(hashlib.shake_256(key.encode()).digest(8 * count), "<u8")
