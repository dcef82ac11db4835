"""Order is judged game by game, over batch borders."""

from __future__ import annotations

import pyarrow as pa

from rugs_assets.domain.order import violations_of_order


def batch(*rows: tuple[str, int]) -> pa.RecordBatch:
    games, frames = zip(*rows, strict=True)
    return pa.record_batch({"episode_id": pa.array(games), "frame": pa.array(frames, pa.int32())})


def test_ascending_rows_of_whole_games_are_in_order() -> None:
    rows = [batch(("a", 0), ("a", 2)), batch(("a", 3), ("b", 0)), batch(("b", 1))]
    assert violations_of_order(rows, "frame").ok


def test_a_number_that_repeats_or_falls_is_named_also_at_the_border_of_a_batch() -> None:
    rows = [batch(("a", 0), ("a", 0), ("a", 5)), batch(("a", 4))]
    found = violations_of_order(rows, "frame")
    assert found.count == 2
    assert found.examples == (
        {"episode_id": "a", "frame": 0, "found": "after frame 0"},
        {"episode_id": "a", "frame": 4, "found": "after frame 5"},
    )


def test_a_game_that_comes_back_is_named() -> None:
    found = violations_of_order([batch(("a", 0), ("b", 0), ("a", 1))], "frame")
    assert found.examples == ({"episode_id": "a", "frame": 1, "found": "the game again"},)
