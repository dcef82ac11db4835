"""Behaviour cloning with numpy alone: how likely each button is, given what is seen.

In: the train split of a release. Out: a softmax over the four actions, linear in the normalised
observation. Players wait at 98 of 100 decisions, so that the likeliest action is nearly always
WAIT: the clone presses by chance, as often as they did.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_COUNT
from rugs_assets.lake.dataset import TrainingDataset

_BETA, _BETA_SQUARED, _TINY = 0.9, 0.999, 1e-8  # of Adam
_WIDEST = 5.0
"""Standard deviations at which an observation is cut off: a count that jumped is not a hundred
times as telling."""


@dataclass(frozen=True)
class Clone:
    """A linear softmax.

    Attributes:
        weights: float32 (37, 4), the last row is the bias.
    """

    weights: NDArray[np.float32]

    def probabilities(self, observations: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely each action is, float32 (n, 4), for normalised observations (n, 36)."""
        logits = _with_bias(observations) @ self.weights
        logits -= logits.max(axis=1, keepdims=True)
        odds = np.exp(logits)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


def cloned(dataset: TrainingDataset, *, epochs: int, seed: int, rate: float = 3e-3) -> Clone:
    """Fit a clone to the train split by maximum likelihood.

    Args:
        dataset: normalised.
        epochs: how often every decision is seen.
        seed: of the order of the batches: same seed, same clone.
        rate: of learning.
    """
    shape = (FEATURE_COUNT + 1, len(ACTIONS))
    mean, square = np.zeros(shape), np.zeros(shape)
    # From zero, rare presses are still expected three times too often after a thousand steps.
    weights = indifferent(dataset).weights.copy()
    batches = dataset.batches(1_024, split="train", seed=seed, epochs=epochs, reuse=True)
    for step, batch in enumerate(batches, 1):
        wrong = Clone(weights).probabilities(batch["observations"])
        wrong[np.arange(len(wrong)), batch["actions"]] -= 1
        slope = _with_bias(batch["observations"]).T @ wrong / len(wrong)
        mean = _BETA * mean + (1 - _BETA) * slope
        square = _BETA_SQUARED * square + (1 - _BETA_SQUARED) * slope**2
        spread = np.sqrt(square / (1 - _BETA_SQUARED**step)) + _TINY
        weights -= (rate * (mean / (1 - _BETA**step)) / spread).astype(np.float32)
    return Clone(weights)


def indifferent(dataset: TrainingDataset) -> Clone:
    """Presses as often as the players of train did, whatever is seen: what a clone must beat."""
    counts = np.ones(len(ACTIONS))  # as if each had been seen once: none is impossible
    for batch in dataset.batches(4_096, split="train", reuse=True):
        counts += np.bincount(batch["actions"], minlength=len(ACTIONS))
    weights = np.zeros((FEATURE_COUNT + 1, len(ACTIONS)), np.float32)
    weights[-1] = np.log(counts / counts.sum())
    return Clone(weights)


def likelihood(clone: Clone, dataset: TrainingDataset, split: str) -> float:
    """Mean logarithm of how likely the clone held the decisions of a split; nan without any."""
    logs = []
    for batch in dataset.batches(4_096, split=split):
        odds = clone.probabilities(batch["observations"])
        logs.append(np.log(odds[np.arange(len(odds)), batch["actions"]]))
    return float(np.concatenate(logs).mean()) if logs else float("nan")


def _with_bias(observations: NDArray[np.float32]) -> NDArray[np.float32]:
    cut = np.clip(observations, -_WIDEST, _WIDEST)
    return np.concatenate((cut, np.ones((len(cut), 1), np.float32)), axis=1)
