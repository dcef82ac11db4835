"""Verdicts on real games, and on captures that lie."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from rugs_assets.domain import fairness
from rugs_assets.domain.fairness import Revealed, judge, price_curve, seed_hash

HEX = "0123456789abcdef"
SEEDS = st.text(HEX, min_size=64, max_size=64)
GAME_IDS = st.text(HEX, min_size=16, max_size=16).map("20251215-{}".format)


def histories(captures: Path) -> dict[str, dict[str, object]]:
    """Every finished game that a full frame of the raw captures tells of."""
    games: dict[str, dict[str, object]] = {}
    for file in sorted((captures / "raw_jsonl").glob("*.jsonl")):
        for line in file.read_text().splitlines():
            data = json.loads(line)["data"]
            if isinstance(data, dict):
                games.update({game["id"]: game for game in data.get("gameHistory", [])})
    return games


def test_every_finished_real_game_is_verified(captures_dir: Path) -> None:
    games = histories(captures_dir)
    assert len(games) >= 20
    for game_id, game in games.items():
        prices = np.array(game["prices"], dtype=np.float64)
        proof = game["provablyFair"]
        assert isinstance(proof, dict)
        revealed = Revealed(
            proof["serverSeed"], proof["serverSeedHash"], str(game["gameVersion"]), prices
        )
        verdict = judge(
            game_id,
            np.arange(len(prices)),
            prices,
            len(prices) - 1,
            revealed,
            proof["serverSeedHash"],
            None,
        )
        assert verdict == fairness.Verdict("verified")


def test_a_real_game_to_the_last_digit() -> None:
    seed = "1b0c1da3f961121761c941b830d0ed941c562590d5e71b31870a4bb26c4b7036"
    curve = price_curve(seed, "20251215-3c3ebc6051054e71", "v3")
    assert len(curve) == 383
    assert curve[:2].tolist() == [1.0, 1.0142406628795866]
    assert curve[-1] == 1.570652253272433
    assert seed_hash(seed) == "92491a13cef3bffe77093d67304c2368f03f060205547a450916aa023bac6554"


def test_one_flipped_price_of_a_real_game_is_named(captures_dir: Path) -> None:
    game_id, game = next(iter(histories(captures_dir).items()))
    prices = np.array(game["prices"], dtype=np.float64)
    proof = game["provablyFair"]
    assert isinstance(proof, dict)
    true = float(prices[7])
    prices[7] = np.nextafter(prices[7], 2.0)
    revealed = Revealed(proof["serverSeed"], proof["serverSeedHash"], "v3")
    verdict = judge(game_id, np.arange(len(prices)), prices, len(prices) - 1, revealed, None, "v3")
    assert verdict.fairness == "price_mismatch"
    assert verdict.mismatch_count == 1
    for part in (game_id, "tick 7", repr(true), repr(float(prices[7]))):
        assert part in verdict.detail


def judged(
    seed: str,
    game_id: str,
    prices: NDArray[np.float64],
    *,
    rug_tick: int | None,
    committed: str | None = None,
) -> fairness.Verdict:
    revealed = Revealed(seed, seed_hash(seed), "v3")
    return judge(game_id, np.arange(len(prices)), prices, rug_tick, revealed, committed, "v3")


@given(SEEDS, GAME_IDS, st.data())
@settings(max_examples=40, deadline=None)
def test_any_altered_price_is_named(seed: str, game_id: str, data: st.DataObject) -> None:
    curve = price_curve(seed, game_id, "v3")
    assert judged(seed, game_id, curve, rug_tick=len(curve)).fairness == "verified"
    tick = data.draw(st.integers(0, len(curve) - 1))
    bit = data.draw(st.integers(0, 62))
    altered = curve.copy()
    altered.view(np.int64)[tick] ^= 1 << bit
    verdict = judged(seed, game_id, altered, rug_tick=len(curve))
    assert verdict.fairness == "price_mismatch"
    assert (verdict.mismatch_count, verdict.mismatches[0].tick) == (1, tick)
    for part in (game_id, f"tick {tick}", repr(float(curve[tick])), repr(float(altered[tick]))):
        assert part in verdict.detail


@given(SEEDS, GAME_IDS, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_a_rug_before_its_time_is_named(seed: str, game_id: str, early: int) -> None:
    curve = price_curve(seed, game_id, "v3")
    rug = len(curve) - early
    verdict = judged(seed, game_id, curve, rug_tick=rug)
    assert verdict.fairness == "price_mismatch"
    for part in (game_id, "rug", f"tick {len(curve)}", f"at {rug}"):
        assert part in verdict.detail


@given(SEEDS, GAME_IDS, st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_a_late_rug_is_a_lost_frame_unless_the_game_went_on(
    seed: str, game_id: str, late: int
) -> None:
    curve = price_curve(seed, game_id, "v3")
    rug = len(curve) + late
    assert judged(seed, game_id, curve, rug_tick=rug).fairness == "verified"
    verdict = judged(seed, game_id, np.append(curve, 1.25), rug_tick=rug)
    assert verdict.fairness == "price_mismatch"
    for part in (game_id, f"tick {len(curve)}", "expected no price", "found 1.25"):
        assert part in verdict.detail


@given(SEEDS, GAME_IDS, st.integers(0, 63))
@settings(max_examples=25, deadline=None)
def test_an_altered_hash_is_named(seed: str, game_id: str, at: int) -> None:
    curve = price_curve(seed, game_id, "v3")
    true = seed_hash(seed)
    other = true[:at] + HEX[(HEX.index(true[at]) + 1) % 16] + true[at + 1 :]
    verdicts = [
        judged(seed, game_id, curve, rug_tick=len(curve), committed=other),
        judge(game_id, np.arange(1), curve[:1], None, Revealed(seed, other, "v3"), true, "v3"),
    ]
    for verdict in verdicts:
        assert verdict.fairness == "hash_mismatch"
        for part in (game_id, true, other):
            assert part in verdict.detail


def test_prices_beyond_the_curve_are_mismatches_when_no_rug_was_seen() -> None:
    seed, game_id = "ab" * 32, "20251215-0000000000000000"
    curve = price_curve(seed, game_id, "v3")
    verdict = judged(seed, game_id, np.append(curve, 0.02), rug_tick=None)
    assert verdict.mismatches == (fairness.PriceMismatch(len(curve), None, 0.02),)
    assert "expected no price" in verdict.detail


def _cut(revealed: Revealed) -> Revealed:
    assert revealed.prices is not None
    return replace(revealed, prices=revealed.prices[:-1])


def test_revealed_prices_are_compared_too() -> None:
    seed, game_id = "cd" * 32, "20251215-0000000000000000"
    curve = price_curve(seed, game_id, "v3")
    told = np.append(curve, 0.02)
    ticks, none = np.empty(0, dtype=np.int64), np.empty(0)
    revealed = Revealed(seed, seed_hash(seed), "v3", told)
    assert judge(game_id, ticks, none, None, revealed, None, "v3").fairness == "verified"
    short = Revealed(seed, seed_hash(seed), "v3", told[1:])
    verdict = judge(game_id, ticks, none, None, short, None, "v3")
    assert verdict.fairness == "price_mismatch"
    assert "gameHistory" in {one.source for one in verdict.mismatches}
    assert f"rug: expected at tick {len(curve)}, found at {len(curve) - 1}" in {
        fairness._sentence(game_id, one).removeprefix(f"game {game_id}: ")
        for one in judge(game_id, ticks, none, None, _cut(revealed), None, "v3").mismatches
    }


@pytest.mark.parametrize(
    ("seed", "version"),
    [(None, "v3"), ("", "v3"), ("ab" * 31 + "...", "v3"), ("zz" * 32, "v3"), ("ab" * 32, "v9")],
)
def test_what_is_not_known_is_not_judged(seed: str | None, version: str) -> None:
    verdict = judge(
        "20251215-0000000000000000",
        np.array([0]),
        np.array([1.0]),
        None,
        Revealed(seed),
        None,
        version,
    )
    assert verdict.fairness == "seed_unknown"
    assert "20251215-0000000000000000" in verdict.detail


def test_no_revealed_game_is_seed_unknown() -> None:
    none, ticks = np.empty(0), np.empty(0, dtype=np.int64)
    assert judge("x", ticks, none, None, None, "ff", "v3").fairness == "seed_unknown"


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="2 ticks but 1 prices"):
        judge("x", np.arange(2), np.ones(1), None, None, None, None)
