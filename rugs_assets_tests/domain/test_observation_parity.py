"""Two drivers, one rule: the online and the batch path give identical bits."""

from __future__ import annotations

import hypothesis.strategies as st
import pyarrow as pa
from hypothesis import given, settings

from rugs_assets.domain.observation_pass import ObservationPass
from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import Row, in_session, rows_of
from rugs_assets_tests.domain.drivers import rows_by_builder, rows_by_pass


@settings(max_examples=400, deadline=None)
@given(strategies.sessions)
def test_drivers_make_the_same_rows_bit_for_bit(session: pa.RecordBatch) -> None:
    assert rows_by_pass(session) == rows_by_builder(session)


@settings(max_examples=150, deadline=None)
@given(strategies.sessions, st.integers(1, 7))
def test_the_block_size_changes_nothing(session: pa.RecordBatch, block: int) -> None:
    assert rows_by_pass(session, block) == rows_by_pass(session)


@settings(max_examples=150, deadline=None)
@given(strategies.sessions, st.integers(1, 40))
def test_a_walk_without_features_finds_the_same_rows(session: pa.RecordBatch, block: int) -> None:
    whole, bare = ObservationPass(), ObservationPass()
    for start in range(0, session.num_rows, block):
        part = session.slice(start, block)
        rows, frames = whole.push(part), bare.push_frames(part)
        for expected, found in (
            (rows.kinds, frames.kinds),
            (rows.phases, frames.phases),
            (rows.ticks, frames.ticks),
            (rows.is_frame, frames.is_frame),
        ):
            assert expected.tolist() == found.tolist()


@settings(max_examples=150, deadline=None)
@given(strategies.streams)
def test_events_that_name_no_game_belong_to_the_current_one(
    rows: list[Row],
) -> None:
    """The online driver finds the game by itself; the batch path is told it by the partition."""
    unnamed = rows_of(rows)
    named = in_session(rows)
    assert rows_by_builder(unnamed) == rows_by_pass(named)
