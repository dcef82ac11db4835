"""How many games a second have their price curve recomputed from the seed."""

from __future__ import annotations

import hashlib
import statistics
import time

from rugs_assets.domain.fairness import price_curve

GAMES = 1_000


def games_per_second(rounds: int) -> float:
    """The median over rounds of 1,000 games with the lengths that random seeds give them."""
    seeds = [hashlib.sha256(f"benchmark {number}".encode()).hexdigest() for number in range(GAMES)]
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        for seed in seeds:
            price_curve(seed, f"20251215-{seed[:16]}", "v3")
        taken.append(time.perf_counter() - start)
    return GAMES / statistics.median(taken)
