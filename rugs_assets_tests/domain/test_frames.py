"""Which frames make a row (design.md 2), on streams readable by eye; both drivers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from rugs_assets.domain.features import FEATURE_INDEX
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    Row,
    active,
    cooldown,
    frame,
    presale,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.drivers import MadeRow, rows_by_builder, rows_by_pass

Driver = Callable[[pa.RecordBatch], list[MadeRow]]


@pytest.fixture(params=[rows_by_builder, rows_by_pass], ids=["builder", "pass"])
def driver(request: pytest.FixtureRequest) -> Driver:
    found: Driver = request.param
    return found


def _seen(driver: Driver, rows: list[Row]) -> list[tuple[str, int, int, float]]:
    """(game, phase, tick, price) of each row that the frames make."""
    made = []
    for row in driver(rows_of(rows)):
        values = np.frombuffer(row.features, np.float32)
        phase, tick, price = (
            float(values[FEATURE_INDEX[name]]) for name in ("game_phase", "tick", "price")
        )
        made.append((str(row.game)[-1], int(phase), int(tick), price))
    return made


def test_cooldown_and_presale_frames_each_make_a_row(driver: Driver) -> None:
    rows = [cooldown(GAME_A, 15_000), cooldown(GAME_A, 14_900), presale(GAME_A), presale(GAME_A)]
    assert _seen(driver, rows) == [("a", 0, 0, 1), ("a", 0, 0, 1), ("a", 1, 0, 1), ("a", 1, 0, 1)]


def test_of_active_frames_the_first_of_each_tick_makes_a_row(driver: Driver) -> None:
    """Tick 0 comes twice: the start frame, then the full one."""
    rows = [active(GAME_A, 0), active(GAME_A, 0), active(GAME_A, 1), active(GAME_A, 1)]
    assert _seen(driver, rows) == [("a", 2, 0, 1), ("a", 2, 1, 1)]


def test_the_first_rugged_frame_is_the_last_row(driver: Driver) -> None:
    """Ticks go on after the rug: 116 is terminal, the full frame after it says 118."""
    rows = [active(GAME_A, 115, 2.0), rug(GAME_A, 116, 0.5), rug(GAME_A, 118, 0.5)]
    assert _seen(driver, rows) == [("a", 2, 115, 2), ("a", 3, 116, 0.5)]


def test_a_rug_on_the_tick_of_the_last_active_frame_makes_a_row(driver: Driver) -> None:
    rows = [active(GAME_A, 7, 2.0), rug(GAME_A, 7, 0.5)]
    assert _seen(driver, rows) == [("a", 2, 7, 2), ("a", 3, 7, 0.5)]


def test_a_late_frame_makes_no_row_and_changes_nothing_of_its_game(driver: Driver) -> None:
    rows = [active(GAME_A, 3, 3.0), active(GAME_A, 2, 2.0, rugged=True), frame(GAME_A, 4)]
    assert _seen(driver, rows) == [("a", 2, 3, 3), ("a", 2, 4, 3)]


def test_a_late_frame_still_carries_on_what_lasts_for_the_session(driver: Driver) -> None:
    rows = [
        active(GAME_A, 3, connected_players=10.0),
        active(GAME_A, 2, connected_players=11.0),
        active(GAME_A, 4),
    ]
    values = [np.frombuffer(row.features, np.float32) for row in driver(rows_of(rows))]
    assert [row[FEATURE_INDEX["connected_players"]] for row in values] == [10, 11]


def test_games_that_interleave_at_a_rug_stay_two(driver: Driver) -> None:
    """The next game's first cooldown frames arrive before the finished game's last full frame."""
    rows = [
        active(GAME_A, 5, 2.0),
        rug(GAME_A, 6, 0.5),
        cooldown(GAME_B, 14_900),
        rug(GAME_A, 8, 0.5),
        cooldown(GAME_B, 14_800),
    ]
    assert _seen(driver, rows) == [("a", 2, 5, 2), ("a", 3, 6, 0.5), ("b", 0, 0, 1), ("b", 0, 0, 1)]


def test_presale_is_told_by_its_flag_not_by_the_timer(driver: Driver) -> None:
    """Presale frames have a timer above 0; a rug has active still true (protocol.md 3)."""
    rows = [presale(GAME_A, 100.0), rug(GAME_A, 1, 0.5)]
    assert [row[1] for row in _seen(driver, rows)] == [1, 3]


def test_a_missing_field_is_not_a_zero(driver: Driver) -> None:
    rows = [active(GAME_A, 3, 3.0), frame(GAME_A, 4)]
    assert _seen(driver, rows)[1] == ("a", 2, 4, 3)


def test_a_missing_tick_makes_no_row(driver: Driver) -> None:
    rows = [active(GAME_A, 3), active(GAME_A, 5)]
    assert [row[2] for row in _seen(driver, rows)] == [3, 5]
