"""Transitions: (observation, action, reward, next observation, done) of any decisions, in one pass.

In: steps as arrays, the numbers of decisions. Out: the arrays of a batch, in buffers of the
caller. Invariants: the row behind a last decision is never a decision; the next observation is the
next row of the same episode, or with n-step returns the n-th, at most the episode's last.

Belongs here: gathering. Goes elsewhere: order and batches (`batches`), windows (`sequences`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.features import FEATURE_COUNT
from rugs_assets.domain.moments import Moments
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.release_statistics import moments_said
from rugs_assets.lake.shuffling import Positions
from rugs_assets.lake.steps import Array, Steps

Buffers = dict[str, Array]

KEYS = {"action": "actions", "reward": "rewards", "done": "dones", "truncated": "truncateds"}
"""Column -> name in a batch, for those that are in every batch."""

_BLOCK = 65_536
_AT_ONCE = 1_024
"""Transitions gathered at once: their rows are still in the second-level cache, and with them the
rows behind, when the next observations are gathered."""

_ROW, _AHEAD, _PADDING = "row of the decision", "rows ahead", "padding"
_WIDER = {"action": np.int64}
"""Types in a batch where they differ from the stored ones: actions index other arrays."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What observations are normalised by: (x - mean) x factor, each float32 (36,)."""

    mean: NDArray[np.float32]
    factor: NDArray[np.float32]

    @classmethod
    def of(cls, moments: Mapping[str, Any]) -> Scale:
        """From the moments of the train split."""
        spread = np.array(moments["std"], np.float64)
        factor = 1 / np.where(spread > 0, spread, 1.0)
        return cls(np.array(moments["mean"], np.float32), factor.astype(np.float32))

    def applied(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised, in a new array."""
        scaled = observations.copy()
        self.apply(scaled)
        return scaled

    def apply(self, observations: NDArray[np.float32]) -> None:
        """Normalise in place; the last axis is the features."""
        np.subtract(observations, self.mean, out=observations)
        np.multiply(observations, self.factor, out=observations)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is gathered beside the observations, for every row.

    Attributes:
        columns: name in a batch -> array of n.
        ahead: rows from a decision to the row of its next observation, one array of n; None: 1.
    """

    columns: Mapping[str, Array]
    ahead: Array | None


def labels_of(steps: Steps, n_step: int, discount: float | None) -> Labels:
    """The labels of one step, or of n steps together.

    With n steps a reward is r0 + g r1 + ... + g^(k-1) r(k-1), where k is n or what is left of the
    episode; `dones` and `truncateds` are those of the last of the k, and `discounts` is g^k, the
    weight of the value of the next observation.

    Args:
        steps: the steps.
        n_step: n, 1 or more.
        discount: g; None: 1, and no `discounts`.

    Raises:
        LakeError: n steps without a discount.
    """
    columns = {KEYS.get(name, name): values for name, values in steps.columns.items()}
    if discount is None:
        if n_step > 1:
            raise LakeError(f"n_step={n_step} needs a discount between 0 and 1")
        return Labels(columns, None)
    # Beyond the longest episode n changes nothing but the cost.
    n_step = min(n_step, int(np.diff(steps.starts).max(initial=2)) - 1)
    rows = np.arange(steps.count)
    last = np.repeat(steps.starts[1:] - 1, np.diff(steps.starts))
    ahead = np.clip(last - rows, 1, n_step)
    final = np.minimum(rows + ahead - 1, steps.count - 1)
    columns |= {
        "rewards": _returns(steps.columns["reward"], ahead, n_step, discount),
        "dones": steps.columns["done"][final],
        "truncateds": steps.columns["truncated"][final],
        "discounts": np.power(discount, ahead, dtype=np.float64).astype(np.float32),
    }
    return Labels(columns, ahead.astype(np.min_scalar_type(n_step)))


def _returns(rewards: Array, ahead: Array, n_step: int, discount: float) -> NDArray[np.float32]:
    total = np.zeros(len(rewards), np.float64)
    for k in range(n_step):
        later = np.zeros_like(total)
        later[: len(rewards) - k] = rewards[k:]
        total += np.where(ahead > k, discount**k * later, 0.0)
    return total.astype(np.float32)


class Transitions:
    """The decisions of some rows, each with a number.

    Args:
        steps: the steps.
        rows: the rows of the decisions, int (count,).
        labels: what is gathered beside the observations.
        scale: what observations are normalised by, None: they are as stored.
    """

    kind = "transitions"
    rows = 1

    def __init__(self, steps: Steps, rows: Array, labels: Labels, scale: Scale | None) -> None:
        self.count = len(rows)
        self._steps = steps
        self._labels = labels
        self._scale = scale
        self._cards = cards_of(rows, labels)
        self.looks = {name: (each.dtype, each.shape[1:]) for name, each in self.buffers(0).items()}

    def buffers(self, size: int) -> Buffers:
        """Arrays for `size` transitions, by their names in a batch."""
        made: Buffers = {
            "observations": np.empty((size, FEATURE_COUNT), np.float32),
            "next_observations": np.empty((size, FEATURE_COUNT), np.float32),
        }
        return made | label_buffers(self._labels, (size,))

    def gather(self, items: Positions, out: Buffers) -> None:
        """Put the transitions with these numbers, int64 (k,), into buffers of exactly k."""
        for start in range(0, len(items), _AT_ONCE):
            end = start + _AT_ONCE
            self._gather(items[start:end], {name: out[name][start:end] for name in out})

    def _gather(self, items: Positions, out: Buffers) -> None:
        # "clip" spares numpy a copy of `out`; no number and no row lies outside.
        cards = self._cards.take(items, mode="clip")
        for name in self._labels.columns:
            out[name][...] = cards[name]
        rows = cards[_ROW].astype(np.intp)
        observations = self._steps.observations
        observations.take(rows, axis=0, out=out["observations"], mode="clip")
        rows += 1 if self._labels.ahead is None else cards[_AHEAD]
        observations.take(rows, axis=0, out=out["next_observations"], mode="clip")
        if self._scale is not None:
            self._scale.apply(out["observations"])
            self._scale.apply(out["next_observations"])


def cards_of(rows: Array, labels: Labels) -> Array:
    """Row and labels of each decision side by side: one miss of the cache fetches all of them.

    Returns:
        A structured array (count,), 16 or 32 bytes a decision where that is enough.
    """
    columns = {_ROW: np.arange(1), **labels.columns}
    kinds = [(_ROW, rows.dtype), *((name, each.dtype) for name, each in labels.columns.items())]
    if labels.ahead is not None:
        columns[_AHEAD] = labels.ahead
        kinds.append((_AHEAD, labels.ahead.dtype))
    size = np.dtype(kinds).itemsize
    whole = next((each for each in (16, 32) if size <= each), size)
    cards = np.empty(len(rows), [*kinds, (_PADDING, f"V{whole - size}")])
    for start in range(0, len(rows), _BLOCK):
        part, block = rows[start : start + _BLOCK], cards[start : start + _BLOCK]
        for name, values in columns.items():
            block[name] = part if name == _ROW else values.take(part, mode="clip")
    return cards


def label_buffers(labels: Labels, shape: tuple[int, ...]) -> Buffers:
    """Arrays for the labels of a batch."""
    wider = {KEYS[name]: kind for name, kind in _WIDER.items()}
    return {
        name: np.empty(shape, wider.get(name, values.dtype))
        for name, values in labels.columns.items()
    }


def gathered(values: Array, rows: Array, out: Array) -> None:
    """Put values[rows] into `out`, widened where the types differ."""
    if values.dtype == out.dtype:
        values.take(rows, out=out, mode="clip")
    else:
        out[...] = values.take(rows, mode="clip")


def decisions_of(steps: Steps, episodes: NDArray[np.int64]) -> Array:
    """The rows of the decisions of some episodes, in step order.

    Returns:
        int32 where it holds them, else int64.
    """
    starts = steps.starts[episodes]
    lengths = np.diff(steps.starts)[episodes] - 1
    before = np.concatenate(([0], np.cumsum(lengths)))
    kind: type[Any] = np.int32 if steps.count < 2**31 else np.int64
    rows = np.arange(before[-1]) + np.repeat(starts - before[:-1], lengths)
    return rows.astype(kind)


def moments_of(steps: Steps, rows: Array) -> dict[str, Any]:
    """Moments of the observations at some rows (see `release_statistics`)."""
    moments = Moments(FEATURE_COUNT)
    for start in range(0, len(rows), _BLOCK):
        moments.add(steps.observations[rows[start : start + _BLOCK]])
    return moments_said(moments)
