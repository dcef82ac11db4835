"""Drift: did the features of one date move away from those of another?

In: two `FeatureSummary`. Out: per feature how far its mean moved, in standard deviations, and how
far its shares of zeros and of observed rows did. Invariants: equal dates have no drift; swapping
the dates changes no size; a feature that is constant on both dates and differs has moved infinitely
far, and says so as `FARTHEST`. A statistic, never an error: a new game version, a new player or a
recorder that lost an event all look like this, and a person says which it is.

Thresholds. Of every feature the share of observed rows may move by `SHARE`: an event that is no
longer recorded shows there. Of what a game decides (price, tick, bets) the mean may move by `FAR`
pooled standard deviations and the share of zeros by `SHARE`. What wanders over hours whatever is
played (the balance, the rugpool, players online, statistics of the last 100 games) is not judged by
its mean: within a date it hardly moves, so any other date is far in its deviations. Rows of a game
are alike, so games count and not rows: with fewer than `ENOUGH_GAMES` on either date nothing is
said. Neither the real captures nor simulated dates reach these thresholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from rugs_assets.domain.feature_summary import FeatureSummary
from rugs_assets.domain.features import FEATURES, Carry
from rugs_assets.domain.violations import Violations, violations

FAR = 1.0
"""Pooled standard deviations between two means; 0.8 is commonly called a large effect."""
SHARE = 0.25
"""Difference of two shares of rows."""
ENOUGH_GAMES = 20
FARTHEST = 999.0
"""Stands for a constant that became another constant."""

_CODES = frozenset({"game_id"})
"""Names, not quantities: how they are distributed means nothing."""

_BY_NAME = {feature.name: feature for feature in FEATURES}


def _wanders(name: str) -> bool:
    feature = _BY_NAME[name]
    return feature.carry is Carry.SESSION or any(map(_wanders, feature.made_of))


WANDERING = frozenset(filter(_wanders, _BY_NAME))
"""What lasts from game to game, and what is made of it."""


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature moved.

    Attributes:
        feature: its name.
        before: its mean on the earlier date, ``now`` that on the later one.
        moved: (now - before) / pooled standard deviation, at most `FARTHEST` in size.
        zeros_before: share of zeros on the earlier date, ``zeros_now`` that on the later one.
        observed_before: share of observed rows on the earlier date, ``observed_now`` likewise.
    """

    feature: str
    before: float
    now: float
    moved: float
    zeros_before: float
    zeros_now: float
    observed_before: float
    observed_now: float

    @property
    def is_far(self) -> bool:
        """Whether a person should look at it."""
        if abs(self.observed_now - self.observed_before) > SHARE:
            return True
        if self.feature in WANDERING:
            return False
        return abs(self.moved) > FAR or abs(self.zeros_now - self.zeros_before) > SHARE


def drift_between(before: FeatureSummary, now: FeatureSummary) -> tuple[FeatureDrift, ...]:
    """How far each feature moved, in the declared order; features that are names are left out."""
    pooled = np.sqrt((before.std**2 + now.std**2) / 2)
    apart = now.mean - before.mean
    # A deviation that is nothing beside the mean is float32's own error, not a spread.
    spread = np.maximum(pooled, np.maximum(np.abs(before.mean), np.abs(now.mean)) * 1e-6)
    safe = np.where(spread > 0, spread, 1.0)
    moved = np.clip(np.where(spread > 0, apart / safe, 0.0), -FARTHEST, FARTHEST)
    return tuple(
        FeatureDrift(
            feature.name,
            float(before.mean[at]),
            float(now.mean[at]),
            float(moved[at]),
            float(before.zeros[at]),
            float(now.zeros[at]),
            float(before.observed[at]),
            float(now.observed[at]),
        )
        for at, feature in enumerate(FEATURES)
        if feature.name not in _CODES
    )


def violations_of_steadiness(
    before: FeatureSummary | None, now: FeatureSummary, earlier: date | None
) -> Violations:
    """The features that moved far since the earlier date, farthest first.

    Args:
        before: the earlier date; None: there is none.
        now: the date that is judged.
        earlier: which date `before` is of.
    """
    rule = (
        f"since the stored date before ({earlier or 'none'}) no mean moved by more than {FAR:g}"
        f" standard deviations and no share of rows by more than {SHARE:g}"
    )
    if before is None or min(before.games, now.games) < ENOUGH_GAMES:
        return Violations(f"{rule}; not judged with fewer than {ENOUGH_GAMES} games a date", 0)
    far = [each for each in drift_between(before, now) if each.is_far]
    far.sort(key=lambda each: (-abs(each.moved), each.feature))
    return violations(
        rule,
        map(_told, far),
        cure="compare the pictures `features_and_actions` of both dates; where an event is missing"
        " from the captures, mend the recorder; where the game changed, cut a release that begins"
        " with this date",
    )


def _told(drift: FeatureDrift) -> Mapping[str, object]:
    return {
        "feature": drift.feature,
        "mean_before": float(f"{drift.before:.5g}"),
        "mean_now": float(f"{drift.now:.5g}"),
        "moved_by_std": round(drift.moved, 2),
        "zeros_before": round(drift.zeros_before, 3),
        "zeros_now": round(drift.zeros_now, 3),
        "observed_before": round(drift.observed_before, 3),
        "observed_now": round(drift.observed_now, 3),
    }
