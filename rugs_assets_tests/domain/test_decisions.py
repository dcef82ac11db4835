"""What is played in the simulated world is what the stages make of the same events."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.episodes import episodes_of
from rugs_assets.domain.features import FEATURE_INDEX, Phase
from rugs_assets.domain.observations import observations_of
from rugs_assets.domain.recording import Recording
from rugs_assets.domain.samples import SamplePass, SampleRules
from rugs_assets.domain.simulator.decisions import Decided, Decisions, Stake

BUSY = (0, 0, 0, 0, 0, 0, 1, 2, 3)
"""Presses often enough that orders overtake each other and are refused for every reason."""


def play(world: Decisions, games: int, seed: int) -> list[tuple[bytes, str, int, Decided]]:
    """(observation, game, action, what came of it) of every decision of some games."""
    rng, made = Random(seed), []
    for _ in range(games):
        row = world.next_game()
        while True:
            action = rng.choice(BUSY)
            decided = world.decide(action)
            made.append((row.observation.tobytes(), row.episode_id or "", action, decided))
            if decided.done or decided.truncated:
                break
            row = decided.row
    return made


def samples_of(world: Decisions, rules: SampleRules) -> tuple[list[bytes], list[dict[str, Any]]]:
    """Observations and samples that the stages make of what the player's client received."""
    recording = Recording.of_events(world.events())
    games = episodes_of(recording.rows)
    rows = list(observations_of(recording.rows, games))
    features = {
        (row["episode_id"], row["frame"]): np.array(list(row.values())[5:], np.float32).tobytes()
        for batch in rows
        for row in batch.to_pylist()
    }
    passed = SamplePass(rows, recording.rows, games, rules)
    samples = [row for batch in passed.samples() for row in batch.to_pylist()]
    return [features[row["episode_id"], row["frame"]] for row in samples], samples


def test_what_was_played_is_what_the_stages_make_of_it() -> None:
    rules = SampleRules(reward="cumulative_pnl_delta")
    world = Decisions(11, rules, Stake(bet=0.05), keep_events=True)
    played = play(world, games=1, seed=1)
    observations, samples = samples_of(world, rules)
    mine = slice(0, len(played))  # the game that opened behind it has no decision yet
    assert [each[0] for each in played] == observations[mine]
    assert [each[1] for each in played] == [row["episode_id"] for row in samples[mine]]
    assert [each[2] for each in played] == [row["action"] for row in samples[mine]]
    assert [each[3].reward for each in played] == [row["reward"] for row in samples[mine]]
    assert [each[3].done for each in played] == [row["done"] for row in samples[mine]]
    assert {each[2] for each in played} == set(range(len(ACTIONS)))
    assert sum(abs(each[3].reward) for each in played) > 0


def test_same_seed_and_actions_same_rows() -> None:
    world = Decisions(3, SampleRules(phases=frozenset({Phase.PRESALE})))
    first = play(world, games=1, seed=7)
    world.reset(4)
    other = play(world, games=1, seed=7)
    world.reset(3)
    again = play(world, games=1, seed=7)
    assert [each[:3] for each in again] == [each[:3] for each in first]
    assert [each[3].reward for each in again] == [each[3].reward for each in first]
    assert other[0][1] != first[0][1]


def test_a_game_may_be_left_before_its_end() -> None:
    world = Decisions(5)
    left = world.next_game()
    world.decide(1)
    row = world.next_game()
    assert row.episode_id != left.episode_id
    assert row.phase == Phase.PRESALE
    assert row.observation[FEATURE_INDEX["position_qty"]] == 0


def test_phases_that_end_before_the_rug_end_truncated() -> None:
    world = Decisions(5, SampleRules(phases=frozenset({Phase.PRESALE})))
    played = play(world, games=1, seed=0)
    assert [each[3].truncated for each in played] == [False] * (len(played) - 1) + [True]
    assert not any(each[3].done for each in played)
    with pytest.raises(ValueError, match="the game is over"):
        world.decide(0)


def test_the_stake_is_what_a_buy_costs() -> None:
    world = Decisions(5, SampleRules(), Stake(bet=0.25, sell_percent=50))
    before = world.next_game().observation[FEATURE_INDEX["balance"]]
    world.decide(1)
    rows = [world.decide(0).row for _ in range(20)]
    assert rows[-1].observation[FEATURE_INDEX["balance"]] == pytest.approx(before - 0.25)
    assert rows[-1].observation[FEATURE_INDEX["position_qty"]] == pytest.approx(0.25)


def test_what_cannot_be_done_is_said() -> None:
    world = Decisions(5)
    with pytest.raises(ValueError, match="the game is over"):
        world.decide(0)
    world.next_game()
    with pytest.raises(ValueError, match="no action 4: 0 to 3, WAIT, BUY, SELL, SIDEBET"):
        world.decide(4)
    with pytest.raises(ValueError, match="keep_events=True"):
        world.events()
    for bet in (0, -1, 0.0004, 0.0015, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"a bet is 0\.001 SOL or more"):
            Stake(bet=bet)
    for share in (0, 101, True, 1.5):
        with pytest.raises(ValueError, match="a share a whole number"):
            Stake(sell_percent=share)  # type: ignore[arg-type]
    assert Stake(bet=0.007).nano == 7_000_000
