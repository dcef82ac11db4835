"""Rewards of a game, as they are kept until its rows are reached: most of them are nothing.

In: float32 rewards. Out: the same, bit for bit. Only where the player held something does a reward
differ from 0, so places and values take less than all of them; where they do not, all are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PackedRewards:
    """The rewards of one game.

    Attributes:
        count: how many there are.
        at: int32, the places of those that are not +0.0, as bytes; None where all are kept.
        values: float32, as bytes: those at the places, or all.
    """

    count: int
    at: bytes | None
    values: bytes

    @classmethod
    def of(cls, rewards: NDArray[np.float32]) -> PackedRewards:
        """Pack float32 rewards of shape (n,)."""
        # By their bits: -0.0 equals 0 and must come back as it was.
        at = np.flatnonzero(np.ascontiguousarray(rewards).view(np.uint32))
        if 2 * len(at) >= len(rewards):
            return cls(len(rewards), None, rewards.tobytes())
        return cls(len(rewards), at.astype(np.int32).tobytes(), rewards[at].tobytes())

    def all(self) -> NDArray[np.float32]:
        """The rewards, float32 of shape (n,)."""
        values = np.frombuffer(self.values, np.float32)
        if self.at is None:
            return values
        rewards = np.zeros(self.count, np.float32)
        rewards[np.frombuffer(self.at, np.int32)] = values
        return rewards
