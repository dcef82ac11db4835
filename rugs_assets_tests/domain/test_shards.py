"""Steps: each once, in order of play, whole games in one split for ever."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets.domain.episodes import EpisodeRules
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.shards import (
    TRAINING_SHARDS,
    shards_of,
    split_of,
    violations_of_known_episodes,
    violations_of_shards_against_rows,
)
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    Row,
    active,
    cooldown,
    in_session,
    player,
    presale,
    press,
    rug,
)
from rugs_assets_tests.domain.sample_builders import Made

ADMITTED = EpisodeRules(admit_incomplete=True)


def made() -> Made:
    """Two games: rows 0 to 6 and 0 to 4, of which the first of each is COOLDOWN."""
    rows = [player(1.0, 0.0), cooldown(GAME_A), presale(GAME_A), presale(GAME_A, 9_900)]
    rows += [active(GAME_A, 0), press(GAME_A, "BUY", 0, bet_amount=0.5), player(0.5, 0.5)]
    rows += [active(GAME_A, 1, 1.5), active(GAME_A, 3, 2.0), rug(GAME_A, 4)]
    rows += [cooldown(GAME_B), presale(GAME_B), active(GAME_B, 0), active(GAME_B, 1)]
    return Made([in_session([*rows, rug(GAME_B, 2)])])


def steps(batches: list[pa.RecordBatch]) -> list[Row]:
    return [row for batch in batches for row in batch.to_pylist()]


def test_the_next_row_is_the_next_observation() -> None:
    found = made()
    rows = {
        (row["episode_id"], row["frame"]): {name: row[name] for name in FEATURE_NAMES}
        for batch in found.observations
        for row in batch.to_pylist()
    }
    stored = steps(found.shards)
    decided = iter(found.samples)
    for at, step in enumerate(stored):
        if step["is_last"]:
            continue
        sample = next(decided)
        here, there = ((sample["episode_id"], sample["frame"] + i) for i in (0, 1))
        assert {name: step[name] for name in FEATURE_NAMES} == rows[here]
        assert {name: stored[at + 1][name] for name in FEATURE_NAMES} == rows[there]
        assert stored[at + 1]["episode_id"] == step["episode_id"]
        assert (step["frame"], stored[at + 1]["frame"]) == (here[1], there[1])
        for label in ("action", "adjust", "order_amount", "reward", "done", "tick_delta"):
            assert step[label] == sample[label]
    assert next(decided, None) is None


def test_each_step_stands_once_and_only_the_last_is_no_decision() -> None:
    found = [(row["episode_id"], row["step"], row["is_last"]) for row in steps(made().shards)]
    assert found == [
        *((GAME_A, step, step == 5) for step in range(6)),
        *((GAME_B, step, step == 3) for step in range(4)),
    ]


def test_nothing_is_decided_at_the_last_step() -> None:
    last = steps(made().shards)[5]
    assert last["rugged"] == 1.0
    assert {name: last[name] for name in ("action", "adjust", "reward", "tick_delta")} == {
        "action": 0,
        "adjust": 0,
        "reward": 0.0,
        "tick_delta": 0,
    }
    assert (last["order_amount"], last["done"], last["truncated"]) == (None, False, False)
    assert last["has_player"]


@pytest.mark.parametrize(
    ("game", "split"),
    [
        ("20251215-a8311c871b0e4bea", "train"),
        ("20251215-1a211bfc7caf41d6", "train"),
        ("20251215-e75f6937884e45a7", "train"),
        ("20251215-000000000000000e", "val"),
        ("20251215-0000000000000010", "test"),
    ],
)
def test_splits_stay_what_they_are_for_ever(game: str, split: str) -> None:
    assert split_of(game) == split


def test_splits_are_80_10_10() -> None:
    shares = Counter(split_of(f"20251215-{number:016x}") for number in range(20_000))
    assert shares["train"] / 20_000 == pytest.approx(0.8, abs=0.01)
    assert shares["val"] / 20_000 == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda o, s, e: (o, s, e.slice(1)), f"{GAME_A}, which `episodes` does not have"),
        (lambda o, s, e: (o[1:], s, e), f"{GAME_A}, of which `observations` has no rows"),
        (lambda o, s, e: (o[::-1], s, e), f"{GAME_B}, of which `observations` has no rows"),
        (lambda o, s, e: (o, [*s, s[0]], e), f"{GAME_A}, of which `observations` has no rows"),
        (lambda o, s, e: ([o[0].slice(0, 6), o[1]], s, e), "are not consecutive rows"),
        (lambda o, s, e: ([o[0].slice(2), o[1]], s, e), "are not consecutive rows"),
        (
            lambda o, s, e: (o, [pa.Table.from_batches([s[0].slice(0, 1), s[0].slice(2)])
                                 .combine_chunks().to_batches()[0], s[1]], e),
            "are not consecutive rows",
        ),
    ],
    ids=[
        "unknown game",
        "no rows",
        "another order",
        "the game twice",
        "no successor",
        "no such row",
        "a hole",
    ],
)  # fmt: skip
def test_inputs_that_do_not_belong_together_are_refused(spoil: Any, message: str) -> None:
    found = made()
    observations, samples, episodes = spoil(found.observations, found.batches, found.episodes)
    with pytest.raises(ValueError, match=message):
        list(shards_of(observations, samples, episodes))


def test_games_without_samples_are_passed_over() -> None:
    found = made()
    assert steps(list(shards_of(found.observations, found.batches[1:], found.episodes))) == steps(
        found.shards[1:]
    )


@settings(max_examples=100, deadline=None)
@given(strategies.sessions)
def test_whatever_arrives_steps_are_rows(session: pa.RecordBatch) -> None:
    found = Made([session], episodes=ADMITTED)
    assert violations_of_shards_against_rows(found.shards, found.observations, found.batches).ok
    assert violations_of_known_episodes(found.shards, found.episodes).ok
    assert sum(map(len, found.shards)) == len(found.samples) + len(found.batches)


def altered(batches: list[pa.RecordBatch], at: int, **columns: Any) -> list[pa.RecordBatch]:
    """The steps with one changed."""
    rows = steps(batches)
    rows[at] = {**rows[at], **columns}
    return [pa.RecordBatch.from_pylist(rows, TRAINING_SHARDS)]


@pytest.mark.parametrize(
    ("at", "column", "value"),
    [
        (2, "price", 1.25),
        (2, "observed", 0),
        (2, "action", 3),
        (4, "reward", 9.0),
        (4, "done", False),
        (1, "order_amount", 0.125),
        (5, "is_last", False),
        (3, "step", 4),
        (3, "frame", 9),
        (3, "split", "nowhere"),
    ],
)
def test_a_step_that_is_not_its_row_is_found(at: int, column: str, value: object) -> None:
    found = made()
    broken = altered(found.shards, at, **{column: value})
    wrong = violations_of_shards_against_rows(broken, found.observations, found.batches)
    assert wrong.count == 1
    assert (wrong.examples[0]["step"], wrong.examples[0]["column"]) == (at, column)
    assert wrong.examples[0]["found"] == value


def test_steps_that_are_shifted_doubled_or_gone_are_found() -> None:
    found = made()
    rows = steps(found.shards)

    def judged(kept: list[Row]) -> Any:
        batch = pa.RecordBatch.from_pylist(kept, TRAINING_SHARDS)
        return violations_of_shards_against_rows([batch], found.observations, found.batches)

    assert judged(rows).ok
    assert not judged(rows[1:]).ok
    assert not judged([rows[0], *rows]).ok
    assert not judged([*rows[:5], *rows[6:]]).ok
    assert judged(rows[6:]).examples == (
        {"episode_id": GAME_A, "found": "decisions without steps"},
    )
    assert judged(rows[:6]).examples == (
        {"episode_id": GAME_B, "found": "decisions without steps"},
    )


def test_steps_of_games_that_are_not_kept_are_found() -> None:
    found = made()
    assert violations_of_known_episodes(found.shards, found.episodes).ok
    gone = violations_of_known_episodes(found.shards, found.episodes.slice(1))
    assert (gone.count, gone.examples[0]["episode_id"]) == (6, GAME_A)
    column = found.episodes.schema.get_field_index("excluded_because")
    excluded = found.episodes.set_column(
        column, found.episodes.schema.field(column), pa.array([None, "too short"])
    )
    assert violations_of_known_episodes(found.shards, excluded).count == 4
