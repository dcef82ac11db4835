"""Fairness verdicts: does a capture of a game agree with the seed that the server revealed?

In: a game's revealed seed, the hash committed before the game, the prices captured of it.
Out: a `Verdict` that names every disagreement. Grain: one game.

Invariants: prices are compared as float64 without any tolerance; the rug price is not compared,
for it is not drawn from the seed; a wrong hash goes before a wrong price.

Finding the seed of a game among the captures does not belong here: the caller hands it in.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from rugs_assets.domain.curves import MAX_TICKS, VERSIONS, price_curve

__all__ = [
    "HASH_MISMATCH",
    "PRICE_MISMATCH",
    "SEED_UNKNOWN",
    "VERIFIED",
    "VERSIONS",
    "PriceMismatch",
    "Revealed",
    "Verdict",
    "is_seed",
    "judge",
    "price_curve",
    "seed_hash",
]

VERIFIED = "verified"
HASH_MISMATCH = "hash_mismatch"
PRICE_MISMATCH = "price_mismatch"
SEED_UNKNOWN = "seed_unknown"

_SEED_CHARACTERS = 64
_HEX = frozenset("0123456789abcdefABCDEF")
_MISMATCHES_KEPT = 8


def seed_hash(server_seed: str) -> str:
    """SHA-256 of the seed's text, as hex: what the server commits to before the game."""
    return sha256(server_seed.encode("utf-8")).hexdigest()


def is_seed(text: str | None) -> bool:
    """Whether `text` is a whole seed: 64 hex characters. Recorders are known to cut it short."""
    if text is None or len(text) != _SEED_CHARACTERS:
        return False
    return _HEX.issuperset(text)


@dataclass(frozen=True, slots=True)
class Revealed:
    """What a `gameHistory` entry tells of a finished game.

    Attributes:
        server_seed: the seed, or what a recorder left of it.
        server_seed_hash: the hash beside it, None where absent.
        game_version: `v1`, `v2`, `v3`; None where absent.
        prices: float64 (n,), the rug price last; None where they were not kept.
    """

    server_seed: str | None
    server_seed_hash: str | None = None
    game_version: str | None = None
    prices: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class PriceMismatch:
    """One disagreement between a capture and the curve.

    Attributes:
        tick: the tick it is about.
        expected: what the curve says, None where it has no price (the rug and later).
        found: what was captured, None where nothing was.
        source: `frame`, `gameHistory` or `rug` (the tick of the rug; then the two are ticks).
    """

    tick: int
    expected: float | None
    found: float | None
    source: str = "frame"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a capture of a game agrees with the seed the server has revealed.

    Attributes:
        fairness: `verified`, `hash_mismatch`, `price_mismatch` or `seed_unknown`.
        mismatches: the first few disagreements, by tick.
        mismatch_count: how many there are.
        detail: one sentence that names game, tick, expected and found; empty when verified.
    """

    fairness: str
    mismatches: tuple[PriceMismatch, ...] = ()
    mismatch_count: int = 0
    detail: str = ""


def judge(
    game_id: str,
    ticks: NDArray[np.integer],
    prices: NDArray[np.float64],
    rug_tick: int | None,
    revealed: Revealed | None,
    committed_hash: str | None,
    version: str | None,
) -> Verdict:
    """Compare the capture of a game with the curve of its revealed seed, bit for bit.

    Args:
        game_id: the game.
        ticks: int (n,), ticks of the captured prices, in any order, repeats allowed.
        prices: float64 (n,), the prices as captured.
        rug_tick: tick of the first rugged frame, None where the rug was not captured. Prices at
            this tick and later are not drawn and are not compared. It may lie behind the curve's
            end, since the rug's own frame may be lost, but not before it.
        revealed: what became known of the game after it, None where nothing did.
        committed_hash: `serverSeedHash` as sent before the rug, None where it was not captured.
        version: the game's version as the frames say it; None: as revealed.

    Returns:
        The verdict. A seed that is missing or cut short, or a version that no algorithm is known
        for, is `seed_unknown`; a wrong hash goes before a wrong price.

    Raises:
        ValueError: `ticks` and `prices` differ in length.
    """
    if len(ticks) != len(prices):
        raise ValueError(f"game {game_id}: {len(ticks)} ticks but {len(prices)} prices")
    if revealed is None or revealed.server_seed is None or not is_seed(revealed.server_seed):
        return Verdict(SEED_UNKNOWN, detail=f"game {game_id}: no whole server seed is known")
    hashed = seed_hash(revealed.server_seed)
    for name, found in (("revealed", revealed.server_seed_hash), ("committed", committed_hash)):
        if found is not None and found != hashed:
            detail = f"game {game_id}: {name} hash: expected {hashed} (of the seed), found {found}"
            return Verdict(HASH_MISMATCH, detail=detail)
    version = version if version is not None else revealed.game_version
    if version not in VERSIONS:
        detail = f"game {game_id}: no algorithm is known for its version {version!r}"
        return Verdict(SEED_UNKNOWN, detail=detail)
    ticks = np.asarray(ticks, dtype=np.int64)
    end = int(np.max(ticks, initial=0)) + 1 if rug_tick is None else rug_tick
    likely = _seen_prices(ticks, prices) if revealed.prices is None else revealed.prices[:-1]
    curve = price_curve(revealed.server_seed, game_id, version, expected=end, likely=likely)
    wrong = _captured_mismatches(curve, ticks, prices, rug_tick)
    if revealed.prices is not None:
        wrong += _revealed_mismatches(curve, revealed.prices)
    if not wrong:
        return Verdict(VERIFIED)
    wrong.sort(key=lambda one: one.tick)
    detail = "; ".join(_sentence(game_id, one) for one in wrong[:1])
    if len(wrong) > 1:
        detail += f" (and {len(wrong) - 1} more)"
    return Verdict(PRICE_MISMATCH, tuple(wrong[:_MISMATCHES_KEPT]), len(wrong), detail)


def _seen_prices(ticks: NDArray[np.integer], prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """The captured prices by tick, NaN where there is none."""
    drawn = (ticks >= 0) & (ticks <= MAX_TICKS)
    seen = np.full(int(np.max(ticks[drawn], initial=-1)) + 1, np.nan)
    seen[ticks[drawn]] = prices[drawn]
    return seen


def _captured_mismatches(
    curve: NDArray[np.float64],
    ticks: NDArray[np.integer],
    prices: NDArray[np.float64],
    rug_tick: int | None,
) -> list[PriceMismatch]:
    wrong = []
    # The frame of the rug may be lost: then the first rugged one that arrived comes after it.
    if rug_tick is not None and rug_tick < len(curve):
        wrong.append(PriceMismatch(rug_tick, float(len(curve)), float(rug_tick), "rug"))
    live = np.ones(len(ticks), dtype=np.bool_) if rug_tick is None else ticks < rug_tick
    drawn = (ticks >= 0) & (ticks < len(curve))
    expected = np.full(len(ticks), np.nan)
    expected[drawn] = curve[ticks[drawn]]
    # A NaN never equals: a price that is no number, or lies off the curve, is a mismatch.
    for i in np.flatnonzero(live & ~(expected == prices)):
        known = float(expected[i]) if drawn[i] else None
        wrong.append(PriceMismatch(int(ticks[i]), known, float(prices[i])))
    return wrong


def _revealed_mismatches(
    curve: NDArray[np.float64], prices: NDArray[np.float64]
) -> list[PriceMismatch]:
    rug = len(prices) - 1
    wrong = []
    if rug != len(curve):
        wrong.append(PriceMismatch(max(rug, 0), float(len(curve)), float(rug), "rug"))
    both = min(max(rug, 0), len(curve))
    unequal = np.flatnonzero(~(curve[:both] == prices[:both])).tolist()
    return wrong + [
        PriceMismatch(i, float(curve[i]), float(prices[i]), "gameHistory") for i in unequal
    ]


def _sentence(game_id: str, one: PriceMismatch) -> str:
    if one.source == "rug":
        return f"game {game_id}: rug: expected at tick {one.expected:.0f}, found at {one.found:.0f}"
    expected = "no price" if one.expected is None else repr(one.expected)
    return (
        f"game {game_id}, tick {one.tick}: expected {expected}, found {one.found!r} ({one.source})"
    )
