"""How the days are cut, in what order they are made and how they were recorded changes no row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.observation_builder import ObservationBuilder
from rugs_assets.domain.simulator import Faults, Format, Plan, write_simulation
from rugs_assets.lake.landing import Landing
from rugs_assets_tests.truth.played import (
    EVERY_FAULT,
    KEY,
    WORLDS,
    Day,
    Json,
    materialized,
    plans,
    played,
)

MIDNIGHT = Faults(midnight=True)
DAY_US = 86_400_000_000


@settings(WORLDS, max_examples=2)
@given(plans(MIDNIGHT))
def test_a_midnight_game_is_whole_and_once_in_the_date_of_its_id(plan: Plan) -> None:
    world = played(plan)
    over = [
        game
        for game in world.truths["games"]
        if game["created_us"] // DAY_US != game["rugged_us"] // DAY_US
    ]
    assert len(over) == 1
    episode = world.episodes[over[0]["game_id"]]
    assert episode["is_complete"]
    assert episode["fairness"] == "verified"
    assert episode["first_received_at"].date() < episode["last_received_at"].date()
    for date, day in world.days.items():
        is_here = date == over[0]["capture_date"]
        for table in (day.episodes, day.observations, day.samples, day.shards):
            assert (episode["episode_id"] in table["episode_id"].to_pylist()) == is_here


@settings(WORLDS, max_examples=2)
@given(plans(EVERY_FAULT, games=2))
def test_dates_are_the_same_in_whatever_order_they_are_made(plan: Plan) -> None:
    forwards = played(plan).days
    with TemporaryDirectory() as name:
        write_simulation(plan, Path(name, "captures"), None)
        for day in reversed(forwards):
            # A new cache each time: what one date decodes is of no use to the other.
            inventory = Landing(Path(name, "captures"), Path(name, f"{day}"), KEY).refresh()
            assert materialized(inventory.select(day)) == forwards[day]


@settings(WORLDS, max_examples=2)
@given(plans(MIDNIGHT, [Format.RAW_JSONL], games=2))
def test_uncut_sessions_run_event_by_event_give_the_same_rows(plan: Plan) -> None:
    world = played(plan)
    with TemporaryDirectory() as name:
        write_simulation(plan, Path(name), None)
        made = {
            (path.stem, row["episode_id"]): row
            for path in sorted(Path(name, "raw_jsonl").iterdir())
            for row in rows_of_session(Path(name), path)
        }
    assert {game for _, game in made} == world.observations.keys()
    for game, rows in world.observations.items():
        live = made[Path(rows[0]["session_id"]).name, game]
        assert [row["observed"] for row in rows] == live["observed"]
        stored = np.array([[row[name] for name in FEATURE_NAMES] for row in rows], np.float32)
        np.testing.assert_array_equal(stored, np.array(live["values"]))


@settings(WORLDS, max_examples=2)
@given(plans(replace(EVERY_FAULT, broken=0.0), [Format.RAW_JSONL], games=2))
def test_both_formats_hold_the_same(plan: Plan) -> None:
    raw = played(plan)
    for form in (Format.EVENT_STORE, Format.BOTH):
        other = played(replace(plan, format=form))
        assert other.days.keys() == raw.days.keys()
        for date, day in raw.days.items():
            assert without_names(other.days[date]) == without_names(day)


def without_names(day: Day) -> list[pa.Table]:
    """The tables of a date without what the format itself names: sessions and files.

    Games stand in the order of their sessions' names, so that order goes, too.
    """
    names = {"session_id", "source_file", "source_position", "other_sessions"}
    numbered = {
        "episodes": "first_received_at",
        "observations": "frame",
        "samples": "frame",
        "unaligned": "seq",
        "shards": "step",
    }
    return [
        table.drop_columns(sorted(names & {*table.column_names})).sort_by(
            [("episode_id", "ascending"), (number, "ascending")]
        )
        for table, number in ((getattr(day, name), by) for name, by in numbered.items())
    ]


def rows_of_session(captures: Path, path: Path) -> Iterator[Json]:
    """Each game of a raw session as a live agent saw it, from the lines as the wire sent them."""
    builder = ObservationBuilder()
    games: dict[str, dict[str, Any]] = {}
    for event in events_of(captures, path):
        if builder.update(event):
            game = str(builder.episode_id)
            row = games.setdefault(game, {"episode_id": game, "observed": [], "values": []})
            row["observed"].append(builder.build().observed)
            row["values"].append(builder.to_numpy())
    yield from games.values()


def events_of(captures: Path, path: Path) -> list[Json]:
    """The lines of a raw file and the presses of its session, in order."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    session = path.relative_to(captures).with_suffix("").as_posix()
    for file in sorted(captures.glob("events_parquet/doc_type=button_event/*/*.parquet")):
        for row in pq.read_table(file).to_pylist():
            if row["session_id"] == session:
                press = {"event": "button_event", "data": json.loads(row["raw_json"])}
                events.append(press | {"seq": row["seq"], "ts": row["ts"]})
    return sorted(events, key=lambda event: int(event["seq"]))
