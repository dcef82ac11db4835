"""Each rule of the rows of a game holds on what the stages make, and fails on broken data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets.domain.episodes import EPISODES
from rugs_assets.domain.features import FEATURE_NAMES, feature_bit
from rugs_assets.domain.observation_rules import (
    observed_shares,
    violations_of_constancy,
    violations_of_encoded_games,
    violations_of_observed_share,
    violations_of_peaks,
    violations_of_phase_order,
    violations_of_terminal_rows,
    violations_of_tick_order,
)
from rugs_assets.domain.observations import OBSERVATIONS
from rugs_assets.domain.violations import Violations
from rugs_assets.lake.landing import Landing
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    active,
    cooldown,
    in_session,
    presale,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.sample_builders import Made

Rule = Callable[[Any], Violations]
OF_ROWS: tuple[Rule, ...] = (
    violations_of_phase_order,
    violations_of_terminal_rows,
    violations_of_tick_order,
    violations_of_encoded_games,
)


def made() -> Made:
    """Rows 0 to 4 of a game (COOLDOWN, PRESALE, two ACTIVE, RUGGED), then another's first."""
    rows = [cooldown(GAME_A), presale(GAME_A), active(GAME_A, 0), active(GAME_A, 3)]
    return Made([in_session([*rows, rug(GAME_A, 4), cooldown(GAME_B), cooldown(GAME_B)])])


@pytest.mark.parametrize(
    ("rule", "frame", "column", "value"),
    [
        (violations_of_phase_order, 3, "game_phase", 1.0),
        (violations_of_phase_order, 3, "game_phase", 0.0),
        (violations_of_terminal_rows, 3, "game_phase", 3.0),
        (violations_of_tick_order, 3, "tick", 0.0),
        (violations_of_tick_order, 4, "tick", 2.0),
        (violations_of_encoded_games, 3, "game_id", 0.5),
    ],
)
def test_a_broken_row_is_found(rule: Rule, frame: int, column: str, value: float) -> None:
    found = made()
    assert rule(found.observations).ok
    rows = pa.Table.from_batches(found.observations).to_pylist()
    for row in rows:
        if (row["episode_id"], row["frame"]) == (GAME_A, frame):
            row[column] = value
    wrong = rule([pa.RecordBatch.from_pylist(rows, OBSERVATIONS)])
    assert (wrong.count, wrong.examples[0]["episode_id"]) == (1, GAME_A)
    assert wrong.examples[0]["frame"] == frame


def test_cooldown_and_presale_may_come_in_any_order() -> None:
    rows = [presale(GAME_A), cooldown(GAME_A), presale(GAME_A, 9_900), active(GAME_A, 0)]
    assert violations_of_phase_order(Made([in_session(rows)]).observations).ok


@settings(max_examples=100, deadline=None)
@given(strategies.sessions)
def test_whatever_arrives_terminal_rows_are_last_and_ticks_never_fall(
    session: pa.RecordBatch,
) -> None:
    rows = Made([session]).observations
    assert violations_of_terminal_rows(rows).ok
    assert violations_of_tick_order(rows).ok
    assert violations_of_encoded_games(rows).ok


def test_statistics_that_change_within_a_game_are_found() -> None:
    rows = [cooldown(GAME_A), active(GAME_A, 0, average_multiplier=3.0), active(GAME_A, 1)]
    after = [active(GAME_B, 0, average_multiplier=4.0)]
    same, other = (active(GAME_A, 2, average_multiplier=value) for value in (3.0, 3.5))
    assert violations_of_constancy([rows_of([*rows, same, *after])]).ok
    found = violations_of_constancy([rows_of([*rows, other, *after])])
    assert found.count == 1
    assert found.examples[0] | {"episode_id": GAME_A, "seq": 4} == found.examples[0]
    assert (found.examples[0]["expected"], found.examples[0]["found"]) == (3.0, 3.5)
    # Another session, or a frame that is context only, is none of this game's business.
    elsewhere = rows_of([other], session_id="s2")
    context = rows_of([{**other, "is_context": True}], first_seq=9)
    assert violations_of_constancy([rows_of([*rows, same]), elsewhere, context]).ok


@pytest.mark.parametrize(
    ("peak", "complete", "missing", "is_wrong"),
    [
        (2.5, True, 0, False),
        (2.4, True, 0, True),
        (2.4, True, 3, False),
        (2.4, False, 0, False),
        (2.6, True, 3, True),
        (2.6, False, 0, True),
        (None, False, 0, False),
    ],
)
def test_peaks_that_disagree_are_found(
    peak: float | None, complete: bool, missing: int, is_wrong: bool
) -> None:
    row = made().episodes.to_pylist()[0]
    row |= {"peak_price": peak, "peak_multiplier": 2.5}
    row |= {"is_complete": complete, "missing_ticks": missing}
    found = violations_of_peaks(pa.Table.from_pylist([row], EPISODES))
    assert found.ok != is_wrong
    assert violations_of_peaks(made().episodes).ok  # nothing was revealed


def test_shares_of_observed_values() -> None:
    rows = made().observations
    shares = observed_shares(rows)
    assert list(shares) == list(FEATURE_NAMES)
    assert shares["cooldown_timer_ms"] == 1.0
    assert shares["price"] == pytest.approx(3 / 7)
    assert shares["balance"] == shares["highest_today"] == 0.0
    assert observed_shares([]) == {}


def test_a_feature_that_hardly_any_row_has_is_found() -> None:
    row = pa.Table.from_batches(made().observations).to_pylist()[0]
    every = sum(feature_bit(name) for name in FEATURE_NAMES)

    def broken(*masks: int) -> list[object]:
        rows = [{**row, "observed": mask} for mask in masks]
        found = violations_of_observed_share([pa.RecordBatch.from_pylist(rows, OBSERVATIONS)])
        return [example["feature"] for example in found.examples]

    without = every & ~feature_bit("highest_today")
    assert broken(every, every) == []
    assert broken(*[without] * 199, every) == ["highest_today"]
    # No row has it: the captures of the date cannot tell it (the recorder's ticks, say).
    assert broken(without, without) == []
    # But every format carries the price, and the own player's state is rare by nature.
    assert broken(every & ~feature_bit("price")) == ["price"]
    assert broken(*[every & ~feature_bit("balance")] * 199, every) == []
    assert violations_of_observed_share([]).ok


def test_the_real_captures_keep_every_rule(captures_dir: Path, tmp_path: Path) -> None:
    inventory = Landing(captures_dir / "raw_jsonl", tmp_path, b"k" * 32).refresh()
    (day,) = inventory.days
    found = Made(list(inventory.select(day).events()))
    for rule in OF_ROWS:
        assert rule(found.observations).ok
    assert violations_of_constancy(found.events).ok
    peaks = found.episodes["peak_multiplier"].drop_null()
    assert len(peaks) == 3
    assert violations_of_peaks(found.episodes).ok
