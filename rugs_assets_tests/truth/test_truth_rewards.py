"""The rewards of a game add up to what the player won or lost, to 1e-9 SOL before the cast."""

from __future__ import annotations

from hmac import digest

import numpy as np
from hypothesis import given, settings

from rugs_assets.domain.features import Phase
from rugs_assets.domain.own_play import own_play_of
from rugs_assets.domain.rewards import REWARDS, Account, reward_named
from rugs_assets.domain.simulator import Plan
from rugs_assets_tests.truth.known import Known, known_state
from rugs_assets_tests.truth.played import KEY, ONE_VIEW, WORLDS, Day, Json, Played, plans, played

NANO = 10**9


@settings(WORLDS, max_examples=3)
@given(plans(players=2))
def test_without_faults_rewards_are_the_change_of_wealth(plan: Plan) -> None:
    world = played(plan)
    compared = [
        assert_rewards_add_up(world, game, account, day)
        for day in world.days.values()
        for game, account in accounts(day).items()
    ]
    assert len(compared) == plan.days * (plan.games_per_day or 0)
    assert any(compared)
    for day in world.days.values():
        for game, account in accounts(day).items():
            assert_every_reward_adds_up(world, game, account, day)


@settings(WORLDS, max_examples=3)
@given(plans(ONE_VIEW, players=2))
def test_with_every_fault_so_they_are_where_the_player_was_told(plan: Plan) -> None:
    world = played(plan)
    known = known_state(world)
    for day in world.days.values():
        for game, account in accounts(day).items():
            if is_told(world, game, day, known):
                assert_rewards_add_up(world, game, account, day)


def accounts(day: Day) -> dict[str, Account]:
    """The accounts of the kept games of a date, by game."""
    played_games = {
        (row["episode_id"], row["session_id"])
        for row in day.episodes.to_pylist()
        if row["has_player"] and row["excluded_because"] is None
    }
    found = own_play_of(day.events.to_batches(), played_games, lambda account: account).accounts
    return {game: account for (game, _), account in found.items()}


def decided(day: Day, game: str) -> list[int]:
    """Numbers of the rows of a game that are samples."""
    return [row["frame"] for row in day.samples.to_pylist() if row["episode_id"] == game]


def assert_rewards_add_up(world: Played, game: str, account: Account, day: Day) -> bool:
    """Compare the sum over a game's samples with the truth; returns whether any money moved."""
    wealth = wealth_of(world, world.episodes[game])
    rewards = reward_named("equity_delta").of(account)[decided(day, game)]
    change = (wealth["after"] - wealth["before"]) / NANO
    assert abs(float(rewards.sum()) - change) <= 1e-9, (game, wealth)
    stored = [row["reward"] for row in day.samples.to_pylist() if row["episode_id"] == game]
    np.testing.assert_array_equal(np.array(stored, np.float32), rewards.astype(np.float32))
    return bool(rewards.any())


def assert_every_reward_adds_up(world: Played, game: str, account: Account, day: Day) -> None:
    """What the rewards of a game tell of its player's wealth, each in its own terms."""
    wealth, rows = wealth_of(world, world.episodes[game]), decided(day, game)
    change = (wealth["after"] - wealth["before"]) / NANO
    told = {
        "equity_delta": change,
        "cumulative_pnl_delta": change,
        "log_equity": float(np.log(wealth["after"] / wealth["before"])),
    }
    assert told.keys() == REWARDS.keys()
    for name, total in told.items():
        assert abs(float(REWARDS[name].of(account)[rows].sum()) - total) <= 1e-9, (name, game)


def wealth_of(world: Played, episode: Json) -> Json:
    """The true wealth, before and after a game, of the player of the session that saw it."""
    return next(
        row
        for row in world.truths["wealth"]
        if row["game_id"] == episode["episode_id"]
        and "p-" + digest(KEY, row["player_id"].encode(), "sha256").hex()[:16]
        == episode["player_id"]
    )


def is_told(world: Played, game: str, day: Day, known: Known) -> bool:
    """Whether the player knew its state at the first decision and was told of the settlement.

    Reconnecting at the wrong moment hides either of them for ever.
    """
    episode = world.episodes[game]
    frames = world.sessions[episode["session_id"]]
    first = next(f for f in frames if (f["game_id"], f["row"]) == (game, decided(day, game)[0]))
    rug = next(f for f in frames if f["game_id"] == game and f["phase"] == Phase.RUGGED)
    others = [f for f in frames if f["seq"] > rug["seq"] and f["game_id"] != game]
    opening = next((f["seq"] for f in others if f["phase"] != Phase.COOLDOWN), None)
    settled = [f for f in frames if f["seq"] > rug["seq"] and (opening or f["seq"] + 1) > f["seq"]]
    seen = [first, *settled[-1:]]
    return len(seen) == 2 and all("cash" in known[f["session_id"], f["seq"]] for f in seen)
