"""Games: start, end, whole or not, whose view is taken, and the verdict on each."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets.domain.episodes import (
    EPISODES,
    GAME_COLUMNS,
    EpisodeRules,
    episodes_of,
    violations_of_capture_date,
    violations_of_fairness,
)
from rugs_assets.domain.fairness import price_curve, seed_hash
from rugs_assets.domain.observations import OBSERVATIONS, observations_of
from rugs_assets.domain.session_blocks import session_blocks
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    GAME_C,
    ME,
    Row,
    active,
    cooldown,
    in_session,
    player,
    presale,
    rows_of,
    rug,
)

SEED = "1b0c1da3f961121761c941b830d0ed941c562590d5e71b31870a4bb26c4b7036"


def games(*sessions: list[Row], rules: EpisodeRules | None = None) -> dict[str, dict[str, Any]]:
    """The episodes of sessions s1, s2 ..., by game."""
    batches = [rows_of(rows, session_id=f"s{n}") for n, rows in enumerate(sessions, start=1)]
    table = episodes_of(batches, rules or EpisodeRules())
    assert table.schema == EPISODES
    return {row["episode_id"]: row for row in table.to_pylist()}


def whole(game: str, last_tick: int = 3) -> list[Row]:
    """A complete game: presale, tick 0 twice, ticks, the rug."""
    played = [active(game, tick, 1.0 + tick / 10) for tick in range(last_tick)]
    return [presale(game), active(game, 0), *played, rug(game, last_tick, 0.02)]


def test_a_whole_game() -> None:
    found = games(whole(GAME_A))[GAME_A]
    assert found["first_tick"] == 0
    assert found["last_tick"] == found["terminal_tick"] == 3
    assert (found["frames"], found["rows"], found["ticks"]) == (6, 5, 4)
    assert (found["duplicate_frames"], found["missing_ticks"]) == (1, 0)
    assert (found["rug_price"], found["peak_price"]) == (0.02, 1.2)
    assert found["is_terminal"]
    assert found["is_complete"]
    assert found["excluded_because"] is None
    assert found["fairness"] == "seed_unknown"


def test_interleaved_games_are_two() -> None:
    rows = [*whole(GAME_A), cooldown(GAME_B, 14_900), rug(GAME_A, 5), *whole(GAME_B)]
    found = games(rows)
    assert set(found) == {GAME_A, GAME_B}
    assert (found[GAME_A]["terminal_tick"], found[GAME_A]["post_rug_frames"]) == (3, 1)
    assert found[GAME_B]["is_complete"]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (whole(GAME_A)[3:], "incomplete: tick 0 was not captured"),
        (whole(GAME_A)[:-1], "incomplete: the rug was not captured"),
        (whole(GAME_A)[3:-1], "incomplete: tick 0 was not captured and the rug was not captured"),
        ([presale(GAME_A)], "never active: the capture ended before the game began"),
    ],
)
def test_games_that_are_not_kept_carry_the_reason(rows: list[Row], reason: str) -> None:
    assert games(rows)[GAME_A]["excluded_because"] == reason


def test_incomplete_games_can_be_admitted() -> None:
    found = games(whole(GAME_A)[3:], rules=EpisodeRules(admit_incomplete=True))[GAME_A]
    assert (found["excluded_because"], found["is_complete"]) == (None, False)


def test_an_insta_rug_is_a_real_game() -> None:
    found = games([presale(GAME_A), rug(GAME_A, 0)])[GAME_A]
    assert (found["ticks"], found["is_complete"], found["excluded_because"]) == (1, True, None)


def test_min_ticks_excludes_and_says_so() -> None:
    found = games(whole(GAME_A), rules=EpisodeRules(min_ticks=5))[GAME_A]
    assert found["excluded_because"] == "fewer ticks (4) than min_ticks (5)"


FILTERS = [
    (EpisodeRules(require_player=True), "no own player"),
    (EpisodeRules(require_verified=True), "not verified: seed_unknown"),
    (EpisodeRules(game_versions=frozenset({"v1", "v2"})), "game version v3 is not wanted"),
]


@pytest.mark.parametrize(("rules", "reason"), FILTERS)
def test_a_filter_excludes_and_says_so(rules: EpisodeRules, reason: str) -> None:
    rows = [row | {"game_version": "v3"} for row in whole(GAME_A)]
    assert games(rows, rules=rules)[GAME_A]["excluded_because"] == reason
    assert games(rows)[GAME_A]["excluded_because"] is None


def test_games_that_pass_every_filter_are_kept() -> None:
    rows, entry = fair(GAME_A)
    rules = EpisodeRules(
        require_player=True, require_verified=True, game_versions=frozenset({"v3"})
    )
    found = games([player(1.0), *rows, cooldown(GAME_B, revealed=[entry])], rules=rules)
    assert found[GAME_A]["excluded_because"] is None


def test_a_game_of_unknown_version_is_not_taken_for_a_wanted_one() -> None:
    rules = EpisodeRules(game_versions=frozenset({"v3"}))
    found = games(whole(GAME_A), rules=rules)[GAME_A]
    assert found["excluded_because"] == "game version unknown is not wanted"


def test_rules_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ValueError, match="choose among v1, v2, v3"):
        EpisodeRules(game_versions=frozenset({"3"}))
    with pytest.raises(ValueError, match="min_ticks 0"):
        EpisodeRules(min_ticks=0)


def test_missing_late_and_repeated_are_counted() -> None:
    rows = [active(GAME_A, tick) for tick in (0, 1, 1, 4, 3, 7)] + [rug(GAME_A, 8)]
    found = games(rows)[GAME_A]
    # 2, 5 and 6 never arrived; 3 did, late; 1 came twice
    counts = ("missing_ticks", "late_frames", "duplicate_frames", "rows")
    assert [found[name] for name in counts] == [3, 1, 1, 5]


def test_the_session_with_most_distinct_ticks_wins_and_the_others_are_counted() -> None:
    found = games(whole(GAME_A)[2:], whole(GAME_A, 9), whole(GAME_A))[GAME_A]
    assert (found["session_id"], found["other_sessions"], found["last_tick"]) == ("s2", 2, 9)


def test_at_equal_ticks_the_session_that_saw_the_rug_wins_then_the_earlier() -> None:
    unfinished = [active(GAME_A, tick) for tick in range(4)]
    assert games(unfinished, whole(GAME_A))[GAME_A]["session_id"] == "s2"
    later = [dict(row, received_at=datetime(2025, 12, 15, 13, tzinfo=UTC)) for row in whole(GAME_A)]
    assert games(later, whole(GAME_A))[GAME_A]["session_id"] == "s2"


def test_the_own_player_of_a_session() -> None:
    found = games([player(1.0), *whole(GAME_A)], whole(GAME_B))
    assert (found[GAME_A]["has_player"], found[GAME_A]["player_id"]) == (True, ME)
    assert (found[GAME_B]["has_player"], found[GAME_B]["player_id"]) == (False, None)


def test_context_rows_make_no_game() -> None:
    found = games([dict(active(GAME_B, 5), is_context=True), *whole(GAME_A)])
    assert set(found) == {GAME_A}


def fair(game: str, **changes: Any) -> tuple[list[Row], dict[str, Any]]:
    """A game as its seed says it, every tick captured, and its history entry."""
    curve = price_curve(SEED, game, "v3")
    version = {"game_version": "v3", "server_seed_hash": seed_hash(SEED)}
    rows = [active(game, tick, float(price), **version) for tick, price in enumerate(curve)]
    rows.append(rug(game, len(curve), 0.02))
    entry = {
        "game_id": game,
        "server_seed": SEED,
        "server_seed_hash": seed_hash(SEED),
        "game_version": "v3",
        "rugged_at_ms": 0.0,
        "peak_multiplier": float(curve.max()),
        "prices": [*curve.tolist(), 0.02],
    }
    return rows, entry | changes


def test_a_game_as_its_seed_says_is_verified() -> None:
    rows, entry = fair(GAME_A)
    found = games([*rows, cooldown(GAME_B, revealed=[entry])])[GAME_A]
    assert (found["fairness"], found["fairness_detail"]) == ("verified", None)
    assert found["server_seed"] == SEED
    assert found["peak_price"] == found["peak_multiplier"]


def test_the_seed_may_come_from_another_session_and_as_context() -> None:
    rows, entry = fair(GAME_A)
    elsewhere = [dict(cooldown(GAME_C, revealed=[entry]), is_context=True)]
    assert games(rows, elsewhere)[GAME_A]["fairness"] == "verified"


def test_one_bit_of_one_price_is_a_mismatch_named_with_its_tick() -> None:
    rows, entry = fair(GAME_A)
    right = rows[2]["price"]
    rows[2] = rows[2] | {"price": float(np.nextafter(right, 9))}
    table = episodes_of([rows_of([*rows, cooldown(GAME_B, revealed=[entry])])])
    broken = violations_of_fairness(table)
    assert broken.count == 1
    for part in (GAME_A, "tick 2", repr(right), repr(float(np.nextafter(right, 9)))):
        assert part in str(broken)


def test_a_repeated_or_late_frame_with_another_price_is_caught_too() -> None:
    rows, entry = fair(GAME_A)
    rows.insert(3, rows[2] | {"price": 99.0})
    found = games([*rows, cooldown(GAME_B, revealed=[entry])])[GAME_A]
    assert found["fairness"] == "price_mismatch"


@pytest.mark.parametrize("change", [{"server_seed_hash": "0" * 64}, {"server_seed": "1" * 64}])
def test_a_wrong_hash_is_a_mismatch(change: dict[str, Any]) -> None:
    rows, entry = fair(GAME_A, **change)
    found = games([*rows, cooldown(GAME_B, revealed=[entry])])[GAME_A]
    assert found["fairness"] == "hash_mismatch"
    assert GAME_A in found["fairness_detail"]


def test_games_that_contradict_their_seed_are_not_trained_on_unless_admitted() -> None:
    rows, entry = fair(GAME_A)
    rows[2] = rows[2] | {"price": 99.0}
    played = [*rows, cooldown(GAME_B, revealed=[entry])]
    reason = "contradicts its revealed seed: price_mismatch"
    assert games(played)[GAME_A]["excluded_because"] == reason
    admitted = games(played, rules=EpisodeRules(admit_unfair=True))
    assert admitted[GAME_A]["excluded_because"] is None


def test_a_lost_rug_frame_is_no_mismatch() -> None:
    """Ticks go on after the rug: the first rugged frame that arrived may stand after it."""
    rows, entry = fair(GAME_A)
    rows[-1] = rug(GAME_A, rows[-1]["tick"] + 2, 0.02)
    found = games([*rows, cooldown(GAME_B, revealed=[entry])])[GAME_A]
    assert found["fairness"] == "verified"


def test_a_rug_before_its_time_is_a_mismatch() -> None:
    rows, entry = fair(GAME_A, prices=None)
    early = [*rows[:4], rug(GAME_A, 4, 0.02), cooldown(GAME_B, revealed=[entry])]
    assert games(early)[GAME_A]["fairness"] == "price_mismatch"


def test_two_reveals_that_contradict_each_other_are_a_mismatch() -> None:
    rows, entry = fair(GAME_A)
    forged = entry | {"server_seed": "2" * 64, "server_seed_hash": seed_hash("2" * 64)}
    found = games([*rows, cooldown(GAME_B, revealed=[entry, forged])])[GAME_A]
    assert found["fairness"] == "hash_mismatch"


def test_a_game_of_another_date_is_a_violation() -> None:
    table = episodes_of([rows_of([*whole(GAME_A), *whole(GAME_C)])])
    broken = violations_of_capture_date(table, date(2025, 12, 15))
    assert broken.count == 1
    assert broken.examples[0]["episode_id"] == GAME_C


@settings(max_examples=100, deadline=None)
@given(strategies.streams, st.integers(1, 9))
def test_how_events_are_cut_into_batches_changes_no_episode(rows: list[Row], size: int) -> None:
    session = in_session(rows)
    read = session.select(GAME_COLUMNS)
    cut = [read.slice(at, size) for at in range(0, session.num_rows, size)]
    assert episodes_of(cut).equals(episodes_of([session]))


@settings(max_examples=100, deadline=None)
@given(strategies.streams)
def test_counts_of_episodes_and_observations_agree(rows: list[Row]) -> None:
    """Frames = rows + late + repeated + post-rug, and the rows are those of `observations`."""
    session = in_session(rows)
    table = episodes_of([session])
    observed = pa.Table.from_batches(observations_of([session], table), OBSERVATIONS)
    for game in table.to_pylist():
        left_out = ("late_frames", "duplicate_frames", "post_rug_frames")
        assert game["frames"] == game["rows"] + sum(game[name] for name in left_out)
        mine = observed.filter(pa.array(observed["episode_id"].to_numpy() == game["episode_id"]))
        assert mine["frame"].to_pylist() == list(range(game["rows"]))
    assert len(observed) == table["rows"].to_numpy().sum()


def test_blocks_hold_one_session_each_in_order() -> None:
    batches = [rows_of(whole(GAME_A), session_id="s1"), rows_of(whole(GAME_B), session_id="s2")]
    together = pa.Table.from_batches(batches).combine_chunks().to_batches()
    found = [(session, len(block)) for session, block in session_blocks(together, size=4)]
    assert found == [("s1", 4), ("s1", 2), ("s2", 4), ("s2", 2)]
