"""Every row of every simulated game is what really was so; no game lacks one or has one more."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from rugs_assets.domain.features import Phase
from rugs_assets.domain.simulator import Plan
from rugs_assets_tests.truth.known import known_state
from rugs_assets_tests.truth.played import EVERY_FAULT, WORLDS, Json, Played, plans, played

NANO = 10**9
OWN = {
    "balance": "cash",
    "position_qty": "position_qty",
    "avg_entry_price": "average_cost",
    "total_invested": "total_invested",
}


@settings(WORLDS, max_examples=3)
@given(plans())
def test_without_faults_rows_are_the_truth(plan: Plan) -> None:
    world = played(plan)
    assert_rows_are_true(world)
    assert_games_are_true(world)
    real = [game for game in world.episodes if game in world_games(world)]
    assert len(real) == len(world_games(world)) == plan.days * (plan.games_per_day or 0)
    assert all(world.episodes[game]["fairness"] == "verified" for game in real)
    assert all(world.episodes[game]["is_complete"] for game in real)


@settings(WORLDS, max_examples=4)
@given(plans(EVERY_FAULT))
def test_with_every_fault_rows_are_the_truth(plan: Plan) -> None:
    world = played(plan)
    assert_rows_are_true(world)
    assert_games_are_true(world)


def world_games(world: Played) -> dict[str, Json]:
    """The games that were played, by id; the pipeline also sees some that were only announced."""
    return {row["game_id"]: row for row in world.truths["games"]}


def assert_rows_are_true(world: Played) -> None:
    """Rows one to one with the truth's; tick, phase, price, time, and what the player knew."""
    known = known_state(world)
    asked = told = 0
    for game, episode in world.episodes.items():
        true_rows = [frame for frame in world.view(episode) if frame["row"] is not None]
        rows = world.observations[game]
        assert [row["frame"] for row in rows] == [frame["row"] for frame in true_rows]
        assert_times_are_true(world, rows, true_rows)
        tick = 0
        for row, true in zip(rows, true_rows, strict=True):
            tick = tick if true["tick"] is None else true["tick"]
            assert (row["tick"], row["game_phase"]) == (tick, true["phase"])
            assert true["price"] is None or row["price"] == np.float32(true["price"])
            # At the rug the frame comes first and the word of its settlement after it.
            if true["cash"] is None or true["phase"] == Phase.RUGGED:
                continue
            asked += len(OWN)
            told += len(known[true["session_id"], true["seq"]])
            for feature, column in OWN.items():
                if column in known[true["session_id"], true["seq"]]:
                    assert row[feature] == np.float32(true[column] / NANO), (feature, true)
    assert told >= (0.5 if world.plan.faults.broken else 0.99) * asked


def assert_times_are_true(world: Played, rows: list[Json], true_rows: list[Json]) -> None:
    """All of a session stands where it was, whatever clock stamped it.

    A naive clock that saw but one game, after hours without any, may have been taken for another.
    """
    shifts = {
        round(row["received_at"].timestamp() * 1e6) - true["received_us"]
        for row, true in zip(rows, true_rows, strict=True)
    }
    seen = [game for game, session in world.frames if session == rows[0]["session_id"]]
    assert shifts == {0} or (len(shifts) == 1 and len(seen) == 1)


def assert_games_are_true(world: Played) -> None:
    """Seeds, ends and verdicts of the games."""
    for game, true in world_games(world).items():
        episode = world.episodes.get(game)
        if episode is None:
            continue
        frames = world.view(episode)
        rugs = [frame for frame in frames if frame["phase"] == Phase.RUGGED]
        assert episode["fairness"] in ("verified", "seed_unknown")
        assert episode["server_seed_hash"] == true["server_seed_hash"]
        assert episode["server_seed"] in (true["server_seed"], None)
        assert episode["is_terminal"] == bool(rugs)
        if rugs:
            assert episode["terminal_tick"] == rugs[0]["tick"]
            assert episode["rug_price"] == true["rug_price"]
        seen = {frame["tick"] for frame in frames if frame["phase"] == Phase.ACTIVE}
        assert episode["is_complete"] == (bool(rugs) and 0 in seen)
