"""What happens in simulated games is what happens in real ones, and all of it adds up."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rugs_assets.domain.fairness import VERSIONS, Revealed, judge
from rugs_assets.domain.simulator import Payload, Plan
from rugs_assets.domain.simulator.accounts import NANO, Account, Refused
from rugs_assets.domain.simulator.games import DAY, SECOND, games_before, games_of_day, midnight
from rugs_assets.domain.simulator.network import uplink_us
from rugs_assets.domain.simulator.numbers import number
from rugs_assets.domain.simulator.randomness import stream
from rugs_assets.domain.simulator.standings import (
    INSTARUG_TICKS,
    RUGPOOL_THRESHOLD,
    Rugpool,
    Standings,
)
from rugs_assets_tests.domain.simulated import (
    Json,
    Simulated,
    frames_of,
    payload_of,
    simulated,
)


@pytest.fixture(scope="module")
def played() -> Simulated:
    return simulated(
        Plan(seed=11, players=1, games_per_day=14, payload=Payload.LEAN, policies=("random",))
    )


@pytest.fixture(scope="module")
def lines(played: Simulated) -> list[Json]:
    return played.lines(next(iter(played.raw)))


@pytest.fixture(scope="module")
def frames(lines: list[Json]) -> list[Json]:
    return frames_of(lines)


@given(st.integers(0, 2**32), st.sampled_from(VERSIONS))
@settings(max_examples=6, deadline=None)
def test_every_game_is_verified(seed: int, version: str) -> None:
    result = simulated(Plan(seed=seed, games_per_day=2, payload=Payload.LEAN, versions=(version,)))
    frames = frames_of(result.lines(next(iter(result.raw))))
    revealed = {game["id"]: game for frame in frames for game in frame.get("gameHistory", [])}
    assert len(result.games) == 2
    for game_id, truth in result.games.items():
        own = [frame for frame in frames if frame["gameId"] == game_id and "price" in frame]
        rug_tick = min(frame["tickCount"] for frame in own if frame["rugged"])
        told = revealed[game_id]
        verdict = judge(
            game_id,
            np.array([frame["tickCount"] for frame in own]),
            np.array([frame["price"] for frame in own], dtype=np.float64),
            rug_tick,
            Revealed(
                told["provablyFair"]["serverSeed"],
                told["provablyFair"]["serverSeedHash"],
                told["gameVersion"],
                np.array(told["prices"], dtype=np.float64),
            ),
            own[0]["provablyFair"]["serverSeedHash"],
            own[0]["provablyFair"]["version"],
        )
        assert verdict.fairness == "verified", verdict.detail
        assert rug_tick == truth["rug_tick"]
        assert told["prices"][-1] == truth["rug_price"] > 0


def test_a_game_goes_through_its_phases_in_order(played: Simulated, frames: list[Json]) -> None:
    for game_id, truth in played.games.items():
        own = [frame for frame in frames if frame["gameId"] == game_id]
        waiting = [f["cooldownTimer"] for f in own if "price" not in f]
        assert waiting == list(range(14900, 0, -100))
        presale = [f["cooldownTimer"] for f in own if f["allowPreRoundBuys"]]
        assert presale == [10_000, *range(10_000, 0, -100)]
        active = [f for f in own if f.get("active")]
        ticks = [f["tickCount"] for f in active if not f["rugged"]]
        assert ticks == [0, *range(truth["rug_tick"])]
        assert [len(f) for f in active[:3]] == [14, 36, 21]
        rug, after = [f for f in active if f["rugged"]]
        assert (rug["tickCount"], len(rug)) == (truth["rug_tick"], 21)
        assert (after["tickCount"] > rug["tickCount"], len(after)) == (True, 36)
        assert rug["price"] == after["price"] == truth["rug_price"]
        assert all(f["cooldownTimer"] == 0 for f in active)


def test_partial_prices_are_the_last_five(played: Simulated, frames: list[Json]) -> None:
    seeds = {row["game_id"]: row for row in played.games.values()}
    prices: dict[str, dict[int, float]] = {}
    for frame in frames:
        if frame["gameId"] in seeds and frame.get("active") and "partialPrices" in frame:
            known = prices.setdefault(frame["gameId"], {})
            known.setdefault(frame["tickCount"], frame["price"])
            part = frame["partialPrices"]
            ticks = list(range(part["startTick"], part["endTick"] + 1))
            assert [int(tick) for tick in part["values"]] == ticks
            assert len(ticks) == min(5, part["endTick"] + 1)
            assert all(known[tick] == part["values"][str(tick)] for tick in ticks)


def test_frames_of_two_games_interleave_at_some_rugs(frames: list[Json]) -> None:
    order = [frame["gameId"] for frame in frames]
    runs = [game for i, game in enumerate(order) if i == 0 or order[i - 1] != game]
    assert len(runs) > len(set(runs)) + 2


def test_statistics_are_those_of_the_last_100_games(played: Simulated, frames: list[Json]) -> None:
    games = list(games_of_day(played.plan, 0, 0, 0))
    earlier = games_before(played.plan, games[0].created_us)
    peaks = [game.peak for game in [*earlier, *games]]
    finished = {game.id: len(earlier) + index for index, game in enumerate(games)}
    ids = [game.id for game in [*earlier, *games]]
    on, checked = games[0].over_us, 0
    for frame in frames:
        if "averageMultiplier" not in frame or frame["gameId"] not in finished:
            continue
        done = finished[frame["gameId"]]
        last = peaks[done - 100 : done]
        assert frame["averageMultiplier"] == sum(last) / 100
        for floor in (2, 10, 50, 100):
            assert frame[f"count{floor}x"] == sum(peak >= floor for peak in last)
        if "gameHistory" in frame:
            told = [game["id"] for game in frame["gameHistory"]]
            assert told == ids[done - 10 : done][::-1]
            today = [g.peak for g in [*earlier, *games][:done] if g.over_us // DAY == on // DAY]
            assert frame["highestToday"] == max(today)
            checked += 1
    assert checked >= 3 * len(games)


def test_frames_come_when_the_real_ones_do(lines: list[Json]) -> None:
    """Every 250 ms in play and every 100 ms before it, give or take the line's delay."""
    gaps: dict[str, list[float]] = {"play": [], "timer": []}
    last: tuple[str, str, float] = ("", "", 0.0)
    for line in lines:
        if line["event"] != "gameStateUpdate":
            continue
        frame, at = payload_of(line), datetime.fromisoformat(line["ts"]).timestamp()
        kind = {7: "timer", 21: "play"}.get(len(frame), "") if not frame.get("rugged") else ""
        if kind and last[:2] == (frame["gameId"], kind):
            gaps[kind].append(at - last[2])
        last = (frame["gameId"], kind, at)
    assert median(gaps["play"]) == pytest.approx(0.25, abs=0.01)
    assert median(gaps["timer"]) == pytest.approx(0.1, abs=0.01)


def test_trades_and_players_are_counted(played: Simulated, frames: list[Json]) -> None:
    made = Counter(
        trade["game_id"]
        for trade in played.truth("trades/")
        if trade["kind"] not in ("sidebet", "payout")
    )
    last: int | None = None
    for frame in frames:
        if frame.get("rugged") and "tradeCount" in frame:
            last = frame["tradeCount"]
            assert last == made.pop(frame["gameId"])
        elif frame.get("active") is False and "tradeCount" in frame and last is not None:
            assert frame["tradeCount"] == last  # the opening of presale: nothing is counted yet
    assert not made
    connected = [frame["connectedPlayers"] for frame in frames]
    assert len(set(connected)) > 10
    assert all(abs(there - here) <= 4 for here, there in pairwise(connected))


def test_trades_are_made_at_the_price_of_their_tick(played: Simulated, frames: list[Json]) -> None:
    prices = {
        (frame["gameId"], frame["tickCount"]): frame["price"]
        for frame in frames
        if frame.get("active")
    }
    early = 0
    for trade in played.truth("trades/"):
        if trade["kind"] in ("buy", "sell"):
            assert trade["price"] == prices[trade["game_id"], trade["tick"]]
            value = trade["qty"] * trade["price"]
            assert abs(value - trade["amount"]) <= 0.5 * max(1.0, trade["price"]) + 1e-3
            early += trade["tick"] == 0
    assert early > 20


def test_the_best_of_today_is_forgotten_at_midnight() -> None:
    plan = Plan()
    yesterday = games_before(plan, midnight(plan.start) - 60 * SECOND)
    today = list(games_of_day(Plan(games_per_day=2), 0, 0, 0))
    standings = Standings(lean=True)
    for game in yesterday:
        standings.add(game)
    assert f'"highestToday": {max(game.peak for game in yesterday)!r}' in standings.best
    standings.add(today[0])
    assert f'"highestToday": {number(today[0].peak)},' in standings.best
    assert today[0].peak < max(game.peak for game in yesterday)


def test_answers_take_as_long_as_real_ones() -> None:
    rng = stream(1, "delays")
    taken = sorted(uplink_us(rng) for _ in range(4000))
    assert taken[0] >= 20_000
    assert 40_000 < median(taken) < 80_000
    assert 90_000 < taken[3800] < 400_000
    assert 500_000 < taken[-1] < 2_000_000


def test_history_says_when_the_rug_was(played: Simulated, frames: list[Json]) -> None:
    seen = 0
    for frame in frames:
        for game in frame.get("gameHistory", []):
            if game["id"] in played.games:
                after = game["timestamp"] * 1000 - played.games[game["id"]]["rugged_us"]
                assert 0 < after < 2_000_000
                seen += 1
    assert seen >= len(played.games)


def rugs_early() -> tuple[Plan, str]:
    """A plan of three games the second of which is an insta-rug, and that game's id."""
    for seed in range(1000):
        plan = Plan(seed=seed, games_per_day=3, payload=Payload.LEAN)
        ticks = [game.rug_tick for game in games_of_day(plan, 0, 0, 0)]
        if [tick <= INSTARUG_TICKS for tick in ticks] == [False, True, False]:
            return plan, list(games_of_day(plan, 0, 0, 0))[1].id
    raise AssertionError("no seed with an insta-rug")


def test_an_insta_rug_feeds_the_rugpool_and_no_other_game_does() -> None:
    plan, early = rugs_early()
    result = simulated(plan)
    pools: dict[str, set[tuple[int, float]]] = {}
    for frame in frames_of(result.lines(next(iter(result.raw)))):
        if "rugpool" in frame:
            assert frame["rugpool"]["threshold"] == RUGPOOL_THRESHOLD
            pool = (frame["rugpool"]["instarugCount"], frame["rugpool"]["rugpoolAmount"])
            pools.setdefault(frame["gameId"], set()).add(pool)
    first, second, third = (pools[game] for game in result.games)
    assert list(result.games)[1] == early
    assert len(first) == len(second) == len(third) == 1
    assert first == second
    (count, amount), (then, more) = second.pop(), third.pop()
    assert then == (count + 1) % RUGPOOL_THRESHOLD
    assert more > amount or then == 0


def test_the_rugpool_is_drawn_at_the_tenth_insta_rug() -> None:
    pool = Rugpool(stream(1, "rugpool"))
    assert pool.take(INSTARUG_TICKS + 1, 10 * NANO, 1) is None
    before = json.loads(pool.short)
    for count in range(before["instarugCount"] + 1, RUGPOOL_THRESHOLD):
        assert pool.take(INSTARUG_TICKS, 2 * NANO, 1) is None
        assert json.loads(pool.short)["instarugCount"] == count
    left = json.loads(pool.short)["rugpoolAmount"]
    added = RUGPOOL_THRESHOLD - 1 - before["instarugCount"]
    assert left == pytest.approx(before["rugpoolAmount"] + added)
    drawing = json.loads(pool.take(1, 2 * NANO, 5_000_000) or "null")
    assert drawing["timestamp"] == 5000
    assert drawing["totalPoolAmount"] == pytest.approx(left + 1)
    assert drawing["rewardPerWinner"] == pytest.approx((left + 1) / 3)
    assert len(drawing["winners"]) == 3
    now = json.loads(pool.long)
    assert (now["instarugCount"], now["rugpoolAmount"]) == (0, 0)
    assert now["lastDrawing"] == drawing


def test_money_is_conserved_to_the_last_digit(played: Simulated) -> None:
    moved: Counter[str] = Counter()
    wealth = played.truth("wealth/")
    player = wealth[0]["player_id"]
    for trade in played.truth("trades/"):
        if trade["player_id"] == player:
            sign = 1 if trade["kind"] in ("sell", "payout") else -1
            moved[trade["game_id"]] += sign * trade["amount"]
    assert sum(map(bool, moved.values())) >= 5
    for before, after in pairwise(wealth):
        assert before["after"] == after["before"]
    for row in wealth:
        assert row["after"] - row["before"] == moved[row["game_id"]]


def test_what_the_player_is_told_last_is_the_truth(played: Simulated, lines: list[Json]) -> None:
    told = [payload_of(line)["cash"] for line in lines if line["event"] == "playerUpdate"]
    assert round(told[-1] * NANO) == played.truth("wealth/")[-1]["after"]


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_side_bets_pay_five_times_within_40_ticks(seed: int) -> None:
    result = simulated(
        Plan(seed=seed, players=1, games_per_day=3, payload=Payload.LEAN, policies=("side-better",))
    )
    open_bets: dict[str, Json] = {}
    settled = 0
    for trade in result.truth("trades/"):
        if trade["kind"] == "sidebet":
            assert trade["player_id"] not in open_bets
            open_bets[trade["player_id"]] = trade
        elif trade["kind"] == "payout":
            bet, rug = open_bets.pop(trade["player_id"]), result.games[trade["game_id"]]["rug_tick"]
            won = rug - bet["tick"] <= 40
            assert trade["amount"] == (5 * bet["amount"] if won else 0)
            assert trade["tick"] == (rug if won else bet["tick"] + 40)
            settled += 1
    assert open_bets == {}
    assert settled > 0


def test_the_rug_sells_every_position_at_its_price(played: Simulated) -> None:
    held: Counter[tuple[str, str]] = Counter()
    for trade in played.truth("trades/"):
        who = (trade["game_id"], trade["player_id"])
        if trade["kind"] in ("buy", "sell"):
            held[who] += trade["qty"] if trade["kind"] == "buy" else -trade["qty"]
            assert held[who] >= 0
            forced = trade["tick"] == played.games[trade["game_id"]]["rug_tick"]
            assert trade["is_forced"] == forced
            if forced:
                assert trade["price"] == played.games[trade["game_id"]]["rug_price"]
    assert set(held.values()) == {0}


def test_the_feed_is_throttled_and_late(played: Simulated, lines: list[Json]) -> None:
    trades = {trade["trade_id"]: trade for trade in played.truth("trades/")}
    tick, game, behind, announced = 0, "", Counter[int](), Counter[str]()
    for line in lines:
        payload = payload_of(line)
        if line["event"] == "gameStateUpdate" and payload.get("active"):
            tick, game = payload["tickCount"], payload["gameId"]
        elif line["event"] == "standard/newTrade":
            true = trades[payload["id"]]
            assert payload["gameId"] == true["game_id"] == game
            assert payload["tickIndex"] == true["tick"]
            assert round(payload["amount"] * NANO) == true["amount"]
            assert true["is_announced"]
            behind[tick - payload["tickIndex"]] += 1
            announced[game] += 1
    assert set(behind) <= set(range(9))
    assert len(behind) >= 6
    for game_id, count in announced.items():
        seconds = played.games[game_id]["rug_tick"] / 4 + 1
        assert count <= seconds / 2 + 2
    assert sum(announced.values()) < 0.2 * len(trades)


def test_an_unthrottled_feed_carries_every_trade() -> None:
    result = simulated(Plan(seed=2, games_per_day=2, payload=Payload.LEAN, throttled_trades=False))
    events = [
        payload_of(line)
        for line in result.lines(next(iter(result.raw)))
        if line["event"] == "standard/newTrade"
    ]
    true = [t for t in result.truth("trades/") if t["kind"] not in ("sidebet", "payout")]
    assert {event["id"] for event in events} == {trade["trade_id"] for trade in true}
    at_rug = [trade for trade in true if trade["is_forced"]]
    assert len(at_rug) >= 2
    assert all(trade["is_announced"] for trade in true)


def test_games_of_several_days_have_their_dates_and_follow_each_other() -> None:
    plan = Plan(seed=3, days=2, games_per_day=None)
    first = list(games_of_day(plan, 0, 0, 0))
    second = games_of_day(plan, 1, len(first), first[-1].over_us)
    assert len(first) > 800
    assert all(game.id.startswith("20251215-") for game in first)
    assert next(second).id.startswith("20251216-")
    for one, other in pairwise(first):
        assert other.created_us == one.over_us
    assert plan.start == date(2025, 12, 15)


def test_more_games_than_a_day_holds_are_refused() -> None:
    plan = Plan(games_per_day=30)
    late = midnight(plan.start) + DAY - 600 * SECOND
    with pytest.raises(
        ValueError, match=r"30 games take longer than 2025-12-15: only 1?[0-9] begin"
    ):
        list(games_of_day(plan, 0, 0, late))


MONEY = st.integers(NANO // 1000, 3 * NANO)
PRICES = st.floats(0.005, 500)
ORDERS = st.one_of(
    st.tuples(st.just("buy"), MONEY, PRICES),
    st.tuples(st.just("sell"), st.sampled_from([10, 25, 50, 100]), PRICES),
    st.tuples(st.just("bet"), MONEY, PRICES),
    st.tuples(st.just("settle"), st.booleans(), PRICES),
    st.tuples(st.just("short"), MONEY, PRICES),
    st.tuples(st.just("cover"), st.just(0), PRICES),
)


@given(st.lists(ORDERS, max_size=30))
def test_an_account_never_creates_or_loses_money(orders: list[tuple[str, int, float]]) -> None:
    one = Account("id", None, 1, 10 * NANO)
    paid = 0
    for what, value, price in orders:
        before = json.dumps([one.cash, one.qty, one.cost, one.invested])
        try:
            if what == "buy":
                one.buy(value, price)
                paid += value
            elif what == "sell":
                paid -= one.sell(value, price)[1]
            elif what == "bet":
                paid += one.place_side_bet(value, 3).amount
            elif what == "settle":
                paid -= one.settle_side_bet(won=bool(value))[1]
            elif what == "short":
                one.open_short(value, price)
                paid += value
            else:
                paid -= one.close_short(price)[1]
        except Refused:
            assert json.dumps([one.cash, one.qty, one.cost, one.invested]) == before
        assert one.cash == 10 * NANO - paid >= 0
        assert one.qty >= 0
        assert (one.qty == 0) <= (one.cost == 0)
        if not one.qty and one.side_bet is None and one.short is None:
            assert one.pnl(price) == one.cash - 10 * NANO
