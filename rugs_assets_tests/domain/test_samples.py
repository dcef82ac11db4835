"""Decisions: which rows become samples, how games end, what was earned."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from rugs_assets.domain.episodes import EpisodeRules
from rugs_assets.domain.features import Phase
from rugs_assets.domain.own_play import own_play_of
from rugs_assets.domain.rewards import REWARDS
from rugs_assets.domain.sample_rules import (
    violations_of_endings,
    violations_of_press_accounting,
    violations_of_tick_steps,
)
from rugs_assets.domain.samples import ALIGNED_SAMPLES, SamplePass, SampleRules
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    GAME_C,
    Row,
    active,
    cooldown,
    in_session,
    player,
    player_tick,
    presale,
    press,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.sample_builders import Made

KEPT, ADMITTED = EpisodeRules(), EpisodeRules(admit_incomplete=True)
COOLING = [cooldown(GAME_A), cooldown(GAME_A, 10_100)]
SELLING = [presale(GAME_A), presale(GAME_A, 9_900)]
PLAYING = [active(GAME_A, 0), active(GAME_A, 1), active(GAME_A, 4)]


def samples(rows: list[Row], episodes: EpisodeRules = KEPT, **rules: Any) -> list[Row]:
    return Made([in_session(rows)], SampleRules(**rules), episodes).samples


def endings(found: list[Row]) -> list[str]:
    """For each sample whether it is `done`, `truncated` or neither."""
    names = {(True, False): "done", (False, True): "truncated", (False, False): ""}
    return [names[row["done"], row["truncated"]] for row in found]


@pytest.mark.parametrize(
    ("rows", "episodes", "expected"),
    [
        pytest.param(
            [*COOLING, *SELLING, *PLAYING, rug(GAME_A, 5)],
            EpisodeRules(),
            ["", "", "", "", "done"],
            id="rug",
        ),
        pytest.param(
            [*SELLING, active(GAME_A, 0), rug(GAME_A, 0)],
            EpisodeRules(),
            ["", "", "done"],
            id="rug at tick 0 after an active frame",
        ),
        pytest.param([*SELLING, rug(GAME_A, 0)], EpisodeRules(), ["", "done"], id="insta-rug"),
        pytest.param(
            [*PLAYING, rug(GAME_A, 5), rug(GAME_A, 7), active(GAME_A, 8)],
            EpisodeRules(),
            ["", "", "done"],
            id="ticks after the rug",
        ),
        pytest.param(
            [*PLAYING, cooldown(GAME_B), rug(GAME_A, 5), cooldown(GAME_B, 14_900)],
            EpisodeRules(),
            ["", "", "done"],
            id="the next game's frames come first",
        ),
        pytest.param([*SELLING, *PLAYING], ADMITTED, ["", "", "", "truncated"], id="capture ends"),
        pytest.param(
            [*PLAYING, presale(GAME_B), active(GAME_B, 0), rug(GAME_B, 1)],
            ADMITTED,
            ["", "truncated", "", "done"],
            id="the rug was lost",
        ),
        pytest.param([*SELLING, active(GAME_A, 0)], ADMITTED, ["", "truncated"], id="at tick 0"),
        pytest.param(
            [active(GAME_A, 3), active(GAME_A, 4), rug(GAME_A, 5)],
            ADMITTED,
            ["", "done"],
            id="starts late",
        ),
        pytest.param([active(GAME_A, 3)], ADMITTED, [], id="a single row"),
        pytest.param([rug(GAME_A, 3)], ADMITTED, [], id="the rug alone"),
        pytest.param(SELLING, ADMITTED, [], id="never active"),
        pytest.param([*SELLING, *PLAYING], EpisodeRules(), [], id="incomplete, not admitted"),
        pytest.param([*PLAYING[1:], rug(GAME_A, 5)], EpisodeRules(), [], id="no tick 0"),
    ],
)
def test_every_way_a_game_can_end(
    rows: list[Row], episodes: EpisodeRules, expected: list[str]
) -> None:
    made = Made([in_session(rows)], episodes=episodes)
    assert endings(sorted(made.samples, key=lambda row: str(row["episode_id"]))) == expected
    assert violations_of_endings(made.batches).ok


def test_n_rows_from_the_first_decision_on_give_n_minus_1_samples() -> None:
    rows = [*COOLING, *SELLING, *PLAYING, rug(GAME_A, 5)]
    found = samples(rows)
    assert [row["frame"] for row in found] == [2, 3, 4, 5, 6]
    assert [row["tick_delta"] for row in found] == [0, 0, 1, 3, 1]


@pytest.mark.parametrize(
    ("phases", "frames", "end"),
    [
        ({Phase.PRESALE, Phase.ACTIVE}, [2, 3, 4, 5, 6], "done"),
        ({Phase.ACTIVE}, [4, 5, 6], "done"),
        ({Phase.PRESALE}, [2, 3], "truncated"),
    ],
)
def test_phases_are_chosen_by_config(phases: set[Phase], frames: list[int], end: str) -> None:
    rows = [*COOLING, *SELLING, *PLAYING, rug(GAME_A, 5)]
    found = samples(rows, phases=frozenset(phases))
    assert [row["frame"] for row in found] == frames
    assert endings(found)[-1] == end


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"phases": frozenset()}, "phases: none; choose"),
        ({"phases": frozenset({Phase.RUGGED})}, "phases: RUGGED; choose PRESALE, ACTIVE or both"),
        ({"tolerance": -1}, "tolerance -1"),
        ({"reward": "glory"}, "no reward 'glory'; choose one of equity_delta"),
    ],
)
def test_rules_that_make_no_sense_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SampleRules(**config)


def test_games_without_an_own_player_wait_and_earn_nothing() -> None:
    found = samples([*SELLING, *PLAYING, rug(GAME_A, 5)])
    assert {(row["action"], row["reward"], row["has_player"]) for row in found} == {(0, 0.0, False)}
    watched = samples([player(1.0), *SELLING, *PLAYING, rug(GAME_A, 5)])
    assert {row["has_player"] for row in watched} == {True}


def test_what_is_unaligned_is_known_when_all_samples_are_taken() -> None:
    events = [in_session([*PLAYING, rug(GAME_A, 5)])]
    made = Made(events)
    walk = SamplePass(made.observations, events, made.episodes)
    with pytest.raises(ValueError, match="samples"):
        walk.unaligned()


# ---- what was earned -----------------------------------------------------------------------------


def trading() -> list[Row]:
    """1 SOL; 0.4 SOL buys 0.4 tokens in presale; 0.1 are sold at 2.0 behind tick 1."""
    return [
        cooldown(GAME_A),
        player(1.0, 0.0, cumulative_pnl=0.0),
        presale(GAME_A),
        player(0.6, 0.4, cumulative_pnl=0.0),
        presale(GAME_A, 9_900),
        active(GAME_A, 0, 1.0),
        active(GAME_A, 1, 2.0),
        player(0.8, 0.3, cumulative_pnl=0.4),
        active(GAME_A, 2, 3.0),
        rug(GAME_A, 3, 0.02),
    ]


FORCED = player(0.806, 0.0, cumulative_pnl=-0.194)
# Equity at the six rows from presale on: 1, 1, 1, 0.6 + 0.4 x 2, 0.8 + 0.3 x 3, 0.8 + 0.3 x 0.02.
EQUITY = [1.0, 1.0, 1.0, 1.4, 1.7, 0.806]


@pytest.mark.parametrize("after", [[], [FORCED]], ids=["not told", "told"])
def test_equity_delta_by_hand(after: list[Row]) -> None:
    rewards = [row["reward"] for row in samples([*trading(), *after, presale(GAME_B)])]
    assert rewards == pytest.approx(np.diff(EQUITY).tolist(), abs=1e-7)


def test_log_equity_by_hand() -> None:
    rewards = [row["reward"] for row in samples([*trading(), FORCED], reward="log_equity")]
    assert rewards == pytest.approx(np.diff(np.log(EQUITY)).tolist(), abs=1e-6)


def test_cumulative_pnl_delta_by_hand() -> None:
    rewards = [r["reward"] for r in samples([*trading(), FORCED], reward="cumulative_pnl_delta")]
    assert rewards == pytest.approx([0.0, 0.0, 0.0, 0.4, -0.594], abs=1e-7)


def test_log_equity_is_0_where_there_is_nothing_left() -> None:
    rows = [player(0.0, 0.0), *PLAYING, rug(GAME_A, 5)]
    assert {row["reward"] for row in samples(rows, reward="log_equity")} == {0.0}


def test_log_equity_is_0_where_there_was_nothing_before() -> None:
    rows = [player(0.0, 0.0), *PLAYING[:2], player(2.0, 0.0), PLAYING[2], rug(GAME_A, 5)]
    assert [row["reward"] for row in samples(rows, reward="log_equity")] == [0.0, 0.0, 0.0]


def test_every_reward_is_described_and_found_by_its_name() -> None:
    assert {name: reward.version for name, reward in REWARDS.items()} == {
        "equity_delta": 1,
        "cumulative_pnl_delta": 1,
        "log_equity": 1,
    }
    assert all(name == reward.name and reward.unit for name, reward in REWARDS.items())


PAYOUT = player(2.0, 0.0)


@pytest.mark.parametrize(
    ("after", "earned"),
    [
        pytest.param([PAYOUT], 1.0, id="before any other frame"),
        pytest.param([rug(GAME_A, 7), PAYOUT], 1.0, id="after the full frame behind the rug"),
        pytest.param([cooldown(GAME_B), cooldown(GAME_B, 14_900), PAYOUT], 1.0, id="in cooldown"),
        pytest.param(
            [player(1.5, 0.0), cooldown(GAME_B), PAYOUT, presale(GAME_B)], 1.0, id="in two parts"
        ),
        pytest.param([cooldown(GAME_B), presale(GAME_B), PAYOUT], 0.0, id="after presale opened"),
        pytest.param([active(GAME_B, 0), PAYOUT], 0.0, id="after the next game began"),
        pytest.param([cooldown(GAME_B), player(None, 0.0)], 0.0, id="tells no balance"),
    ],
)
def test_what_settles_a_rug_arrives_before_the_next_presale(
    after: list[Row], earned: float
) -> None:
    """A side bet that pays out: told in a playerUpdate, with or behind the forced sale."""
    before = [player(1.0, 0.0), *SELLING, *PLAYING, rug(GAME_A, 5)]
    found = [row for row in samples([*before, *after]) if row["episode_id"] == GAME_A]
    assert [row["reward"] for row in found] == [0.0, 0.0, 0.0, 0.0, earned]


def test_a_payout_past_midnight_still_settles_the_game_of_the_day_before() -> None:
    """The partition holds what arrives until the next game opens, marked as context."""
    after = [cooldown(GAME_C, is_context=True), player(2.0, 0.0, is_context=True)]
    rows = [player(1.0, 0.0), *PLAYING, rug(GAME_A, 5), *after, presale(GAME_C, is_context=True)]
    assert [row["reward"] for row in samples(rows)] == [0.0, 0.0, 1.0]


def test_a_payout_before_the_rug_frame_counts_once() -> None:
    rows = [player(1.0, 0.0), *PLAYING, player(2.0, 0.0), rug(GAME_A, 5), player(2.0, 0.0)]
    assert [row["reward"] for row in samples(rows)] == [0.0, 0.0, 1.0]


def test_a_truncated_game_is_not_settled() -> None:
    rows = [player(1.0, 0.0), *PLAYING, player(2.0, 0.0)]
    assert [row["reward"] for row in samples(rows, ADMITTED)] == [0.0, 0.0]


def test_before_the_balance_is_known_nothing_is_earned() -> None:
    rows = [player_tick(GAME_A, 2.0), *PLAYING[:2], player(1.0, 2.0), PLAYING[2], rug(GAME_A, 5)]
    found = samples(rows)
    assert [row["has_player"] for row in found] == [True] * 3
    # Known at tick 4 and at the rug: 2 tokens fall from 1.0 to 0.01.
    assert [row["reward"] for row in found] == pytest.approx([0.0, 0.0, -1.98])


def test_where_the_balance_is_first_told_by_the_settlement_nothing_was_earned_before() -> None:
    rows = [player_tick(GAME_A, 2.0), *PLAYING, rug(GAME_A, 5), player(1.0, 0.0)]
    assert [row["reward"] for row in samples(rows)] == [0.0, 0.0, 0.0]


money = st.integers(0, 10**10).map(lambda nano: nano / 1e9)


@settings(max_examples=150, deadline=None)
@given(
    start=st.tuples(money, money),
    moves=st.lists(st.tuples(st.floats(0.01, 50), st.none() | st.tuples(money, money)), max_size=9),
    after=st.lists(st.tuples(money, money), max_size=2),
)
def test_rewards_of_a_game_add_up_to_the_change_of_wealth(
    start: tuple[float, float],
    moves: list[tuple[float, tuple[float, float] | None]],
    after: list[tuple[float, float]],
) -> None:
    """Wealth at the first decision, and as settled: cash alone where the sale was told."""
    rows = [player(*start), *SELLING]
    for tick, (price, state) in enumerate([(1.0, None), *moves]):
        rows.append(active(GAME_A, tick, price))
        rows += [player(*state)] if state else []
    rows += [rug(GAME_A, 99, 0.02), cooldown(GAME_B), *(player(*state) for state in after)]
    cash, qty = ([start] + [state for _, state in moves if state] + after)[-1]
    gain = cash + qty * 0.02 - (start[0] + start[1] * 1.0)
    events = [in_session([*rows, presale(GAME_B), player(9e9, 9e9)])]
    account = own_play_of(events, {(GAME_A, "s1")}, lambda account: account).accounts[GAME_A, "s1"]
    exact = REWARDS["equity_delta"].of(account)
    assert exact.sum() == pytest.approx(gain, abs=1e-9)
    stored = [row["reward"] for row in Made(events).samples if row["episode_id"] == GAME_A]
    assert stored == exact.astype(np.float32).tolist()


# ---- the rules, on data that breaks them ---------------------------------------------------------


def whole() -> Made:
    return Made([in_session([*SELLING, press(GAME_A, "BUY", 0), *PLAYING, rug(GAME_A, 5)])])


def altered(made: Made, frame: int, **columns: Any) -> list[Any]:
    """The samples with one row changed."""
    rows = [{**r, **columns} if r["frame"] == frame else r for r in made.samples]
    return [type(made.batches[0]).from_pylist(rows, ALIGNED_SAMPLES)]


@pytest.mark.parametrize(
    ("frame", "columns"),
    [
        (4, {"truncated": True}),
        (4, {"done": False}),
        (2, {"done": True}),
        (2, {"truncated": True}),
    ],
    ids=["both", "the last is neither", "done too early", "truncated too early"],
)
def test_wrong_endings_are_found(frame: int, columns: dict[str, Any]) -> None:
    made = whole()
    assert violations_of_endings(made.batches).ok
    found = violations_of_endings(altered(made, frame, **columns))
    assert found.count == 1
    assert found.examples[0]["frame"] == frame


def test_time_that_runs_back_is_found() -> None:
    made = whole()
    assert violations_of_tick_steps(made.batches).ok
    found = violations_of_tick_steps(altered(made, 3, tick_delta=-1))
    assert [example["frame"] for example in found.examples] == [3]


def test_a_press_that_is_lost_or_doubled_is_found() -> None:
    made = whole()
    assert violations_of_press_accounting(made.events, made.batches, []).ok
    for columns in ({"action": 0}, {"adjust": 1}):
        found = violations_of_press_accounting(made.events, altered(made, 1, **columns), [])
        assert found.count == 1
        assert found.examples[0]["episode_id"] == GAME_A
    context = rows_of([press(GAME_A, "BUY", 0, is_context=True)], session_id="s2")
    assert violations_of_press_accounting([*made.events, context], made.batches, []).ok
    nameless = [rows_of([press(None, "BUY")])]
    assert violations_of_press_accounting(nameless, [], []).count == 1


@settings(max_examples=150, deadline=None)
@given(strategies.sessions, st.sampled_from([EpisodeRules(), ADMITTED]))
def test_whatever_arrives_the_rules_of_samples_hold(session: Any, episodes: EpisodeRules) -> None:
    made = Made([session], episodes=episodes)
    assert violations_of_endings(made.batches).ok
    assert violations_of_tick_steps(made.batches).ok
    games = {row["episode_id"] for row in made.samples}
    kept = made.episodes.filter(made.episodes["excluded_because"].is_null())
    assert games <= set(kept["episode_id"].to_pylist())
