"""Which games become samples, and why the others do not.

Belongs here: the rules that a user chooses by and the reason in words. Goes elsewhere: what is
known of a game (`episodes`), rows and decisions of kept games (`samples`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rugs_assets.domain import fairness
from rugs_assets.domain.curves import VERSIONS

UNFAIR = (fairness.HASH_MISMATCH, fairness.PRICE_MISMATCH)
"""Verdicts of games whose capture is corrupt, or whose rules are not the known ones."""


@dataclass(frozen=True, slots=True)
class EpisodeRules:
    """Which games are kept.

    Attributes:
        min_ticks: games with fewer ticks are excluded; a game that rugs at tick 0 has one.
        admit_incomplete: whether games are kept of which tick 0 or the rug was not captured.
        admit_unfair: whether games are kept that contradict their revealed seed.
        require_player: whether games without an own player are excluded.
        require_verified: whether games are excluded whose seed is not known (yet).
        game_versions: if any, games of other versions (v1, v2, v3) are excluded.
    """

    min_ticks: int = 1
    admit_incomplete: bool = False
    admit_unfair: bool = False
    require_player: bool = False
    require_verified: bool = False
    game_versions: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if self.min_ticks < 1:
            raise ValueError(f"min_ticks {self.min_ticks}: must be 1 or more")
        unknown = self.game_versions - set(VERSIONS)
        if unknown:
            known = ", ".join(VERSIONS)
            raise ValueError(f"game_versions {sorted(unknown)}: choose among {known}")


DEFAULT_RULES = EpisodeRules()
"""Whole games that do not contradict their seed."""


def excluded_because(game: Mapping[str, Any], rules: EpisodeRules) -> str | None:
    """Why a game is not kept.

    Args:
        game: its row of `episodes`.
        rules: which games are kept.

    Returns:
        The first rule that it breaks, in words; None when it is kept.
    """
    if game["first_tick"] is None:
        return "never active: the capture ended before the game began"
    if not rules.admit_incomplete:
        missing = [
            *(["tick 0 was not captured"] if game["first_tick"] != 0 else []),
            *(["the rug was not captured"] if not game["is_terminal"] else []),
        ]
        if missing:
            return "incomplete: " + " and ".join(missing)
    if game["fairness"] in UNFAIR and not rules.admit_unfair:
        return f"contradicts its revealed seed: {game['fairness']}"
    if game["ticks"] < rules.min_ticks:
        return f"fewer ticks ({game['ticks']}) than min_ticks ({rules.min_ticks})"
    return _excluded_by_filter(game, rules)


def _excluded_by_filter(game: Mapping[str, Any], rules: EpisodeRules) -> str | None:
    if rules.require_player and not game["has_player"]:
        return "no own player"
    if rules.require_verified and game["fairness"] != fairness.VERIFIED:
        return f"not verified: {game['fairness']}"
    if rules.game_versions and game["game_version"] not in rules.game_versions:
        return f"game version {game['game_version'] or 'unknown'} is not wanted"
    return None
