"""The wire between server and client: how long things take, and when the line is down.

In: times of sending. Out: times of arrival. Invariants: nothing arrives before it was sent, nor
overtakes what was sent before; no two arrivals share a microsecond.
"""

from __future__ import annotations

from random import Random

from rugs_assets.domain.simulator.games import MS, SECOND
from rugs_assets.domain.simulator.randomness import chance

_BYTES_PER_MS = 1600  # a full frame of 300 kB takes a fifth of a second, as in the captures


class Downlink:
    """One connection's way down.

    Args:
        rng: its generator.
        bursts: probability for each message that the line stalls.
    """

    def __init__(self, rng: Random, bursts: float) -> None:
        self._rng, self._bursts = rng, bursts
        self._last, self._stalled_until = 0, 0
        self.stalls = 0

    def arrival(self, sent_us: int, size: int) -> int:
        """When a message of so many bytes arrives."""
        rng = self._rng
        delay = (18 + 30 * rng.random()) * MS + size * MS / _BYTES_PER_MS
        if self._bursts and sent_us > self._stalled_until and chance(rng, self._bursts):
            self._stalled_until = sent_us + int((0.3 + 2.2 * rng.random()) * SECOND)
            self.stalls += 1
        at = max(sent_us + int(delay), self._stalled_until, self._last + 40 + rng.randrange(400))
        self._last = at
        return at


def uplink_us(rng: Random) -> int:
    """How long a request takes to the server: mostly 20 to 80 ms, sometimes more than a second."""
    usual = 20 + 60 * rng.random()
    tail = 40 / (1.03 - rng.random()) - 38.8 if chance(rng, 0.15) else 0.0
    return int((usual + tail) * MS)


def reaction_us(rng: Random) -> int:
    """How long a player takes from seeing to pressing."""
    return int((15 + 120 * rng.random()) * MS)


def next_press_us(rng: Random) -> int:
    """How long a player takes from one button to the next."""
    return int((60 + 110 * rng.random()) * MS)
