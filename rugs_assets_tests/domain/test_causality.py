"""A row depends only on what had arrived by then (design.md 2)."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pytest
from hypothesis import given, settings

from rugs_assets_tests.domain import strategies
from rugs_assets_tests.domain.builders import (
    GAME_A,
    GAME_B,
    START,
    Row,
    active,
    in_session,
    player,
    presale,
    press,
    rows_of,
    rug,
)
from rugs_assets_tests.domain.drivers import MadeRow, rows_by_builder, rows_by_pass

_START_MS = START.timestamp() * 1000


def _rows_before(batch: pa.RecordBatch, cut: int) -> list[MadeRow]:
    """The rows of a whole session whose events stand before the cut."""
    return rows_by_pass(batch)[: len(rows_by_pass(batch.slice(0, cut)))]


@settings(max_examples=200, deadline=None)
@given(strategies.sessions, st.data())
def test_cutting_a_session_leaves_every_earlier_row_as_it_is(
    session: pa.RecordBatch, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, session.num_rows))
    assert rows_by_pass(session.slice(0, cut)) == _rows_before(session, cut)
    assert rows_by_builder(session.slice(0, cut)) == _rows_before(session, cut)


@settings(max_examples=150, deadline=None)
@given(strategies.streams, strategies.streams, st.data())
def test_what_comes_after_a_row_never_changes_it(
    past: list[Row], future: list[Row], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(future))))
    shuffled = [future[at] for at in order]
    alone = rows_by_builder(rows_of(past))
    for after in (future, shuffled):
        assert rows_by_builder(rows_of([*past, *after]))[: len(alone)] == alone


def _played(answered: dict[str, Any]) -> list[Row]:
    """A bet in presale whose answer (in its record) comes 900 ms later, 3 frames on."""
    return [
        presale(GAME_A, 10_000.0),
        player(1.0, 0.0),
        active(GAME_A, 0, 1.0),
        press(GAME_A, "BUY", 0, bet_amount=0.1, client_timestamp_ms=_START_MS + 1_000) | answered,
        active(GAME_A, 1, 1.1),
        active(GAME_A, 2, 1.2),
        active(GAME_A, 3, 1.3),
        active(GAME_A, 4, 1.4),
    ]


ANSWERED = {
    "trade_tick": 1,
    "trade_price": 1.1,
    "server_timestamp_ms": _START_MS + 1_900,
    "latency_ms": 900.0,
}


@pytest.mark.parametrize("rows", [rows_by_builder, rows_by_pass])
def test_a_button_record_completed_after_the_fact_counts_from_its_answer_on(rows: Any) -> None:
    """The trap of design.md 2: the record of the press already holds what the server answered."""
    with_answer = rows(in_session(_played(ANSWERED)))
    without = rows(in_session(_played({})))
    # Frames are 250 ms apart; the one received at 2000 ms is the first after the answer's 1900 ms.
    assert with_answer[:5] == without[:5]
    assert with_answer[5] != without[5]


@pytest.mark.parametrize("field", sorted(ANSWERED))
def test_no_field_of_the_answer_is_seen_before_it_arrived(field: str) -> None:
    early = rows_by_builder(rows_of(_played(ANSWERED)))
    altered = rows_by_builder(rows_of(_played({**ANSWERED, field: ANSWERED[field] + 1})))
    assert altered[:5] == early[:5]


def test_a_settlement_is_not_seen_before_it_arrives() -> None:
    """The forced sale after the rug belongs to no row of the game that rugged."""
    before = [presale(GAME_A), player(1.0, 5.0), active(GAME_A, 0), rug(GAME_A, 1)]
    after = [*before, player(9.0, 0.0), presale(GAME_B)]
    assert rows_by_builder(rows_of(after))[:3] == rows_by_builder(rows_of(before))
