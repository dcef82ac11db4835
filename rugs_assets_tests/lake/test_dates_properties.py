"""How the days were cut changes no row: each date's partition alone gives the uncut session's rows.

Whatever a session holds and however its writer cut it into files and blocks, the rows made of the
partition of a date are, one by one and bit for bit, those that the whole session gives.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import example, given, settings
from numpy.typing import NDArray

from rugs_assets.domain.day_rows import rows_of_day
from rugs_assets.domain.event_rows import game_date
from rugs_assets.domain.events import RAW_WS_EVENTS
from rugs_assets.domain.sessions import DayPlan, Session
from rugs_assets.lake import unit_writer
from rugs_assets.lake.landing import Inventory
from rugs_assets_tests import captures_strategies as strategies
from rugs_assets_tests.captures_builders import (
    DAY,
    GAME_A,
    Record,
    active,
    cooldown,
    event,
    frame,
    landed,
    rug,
    stored,
    write_store,
)
from rugs_assets_tests.domain.drivers import MadeRow, rows_by_builder, rows_by_pass

EVERYTHING = DayPlan(0, 2**62)


class Uncut(Session):
    """A session of which every event lies in the partition of every date."""

    def is_of(self, day: date, games: Iterable[str | None]) -> NDArray[np.bool_]:
        return np.ones(len(list(games)), bool)


def as_batch(batches: Any) -> pa.RecordBatch:
    table = pa.Table.from_batches(list(batches), RAW_WS_EVENTS).combine_chunks()
    found = table.to_batches()
    return found[0] if found else pa.RecordBatch.from_pylist([], RAW_WS_EVENTS)


def in_files(folder: Path, records: list[Record], split: list[int]) -> Inventory:
    """The session as the event store has it, in small files and smaller blocks."""
    rows = [stored(record) for record in records]
    start = 0
    for number, size in enumerate([*split, len(rows)]):
        if part := rows[start : start + size]:
            name = f"doc_type=ws_event/date=2025-12-15/{number:03}.parquet"
            write_store(folder, part, name=name)
        start += size
    with mock.patch.object(unit_writer, "BLOCK_ROWS", 4):
        return landed(folder)


def uncut(inventory: Inventory) -> pa.RecordBatch:
    """All events of the one session, none of them context."""
    (source,) = inventory.sources.values()
    session = Uncut(source.session.session_id, source.session.blocks)
    return as_batch(rows_of_day(session, DAY, EVERYTHING, source.events(0, 2**62)))


def of_day(rows: list[MadeRow], day: date) -> list[MadeRow]:
    return [row for row in rows if row.game is None or game_date(row.game) == day]


# A request before midnight, and its answer after the next date's first game has begun.
OVERTAKEN = [
    frame(1, strategies.DAY_BEFORE, tickCount=0, active=True),
    event(2, "buyOrder", {"amount": 0.1}),
    cooldown(3, GAME_A),
    event(4, "success", {"success": True, "executedPrice": 1.5}),
    frame(5, strategies.DAY_BEFORE, tickCount=1),
]
# A game of the next date that is first seen when it is over: the last word of an earlier game.
STRAGGLER = [
    active(1, 0, strategies.DAY_BEFORE),
    rug(2, 3, GAME_A),
    event(3, "buyOrder", {"amount": 0.1}),
    active(4, 4, GAME_A),
    active(5, 1, strategies.DAY_BEFORE),
    event(6, "success", {"success": True, "executedPrice": 1.5}),
    active(7, 2, strategies.DAY_BEFORE),
]


@given(strategies.sessions, strategies.splits)
@example(OVERTAKEN, [1])
@example(OVERTAKEN, [9])
@example(STRAGGLER, [1])
@settings(max_examples=40, deadline=None)
def test_the_partitions_of_dates_give_the_rows_of_the_uncut_session(
    records: list[Record], split: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        inventory = in_files(Path(folder) / "in", records, split)
        whole = rows_by_pass(uncut(inventory))
        made: list[MadeRow] = []
        for day in inventory.days:
            partition = as_batch(inventory.select(day).events())
            rows = rows_by_pass(partition)
            assert rows == of_day(whole, day), day
            assert rows_by_builder(partition) == rows, day
            made += rows
        assert len(made) == len(whole)


@given(strategies.sessions, strategies.splits)
@settings(max_examples=15, deadline=None)
def test_every_event_lies_in_one_date_whatever_the_files(
    records: list[Record], split: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        inventory = in_files(Path(folder) / "in", records, split)
        tallies = [inventory.select(day).tally() for day in inventory.days]
        assert sum(tally["kept"] for tally in tallies) == len(records)
        assert all(tally["kept"] == tally["used"] + tally["ignored"] for tally in tallies)
        for day, tally in zip(inventory.days, tallies, strict=True):
            rows = as_batch(inventory.select(day).events()).to_pylist()
            assert sum(not row["is_context"] for row in rows) == tally["used"]
            assert [row["seq"] for row in rows] == sorted({row["seq"] for row in rows})
        assert [file.lost for file in inventory.files] == [0] * len(inventory.files)
