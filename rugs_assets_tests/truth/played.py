"""Simulated captures, what the pipeline made of them, and the truth that only the tests read.

The pipeline is handed a folder of captures and nothing else; the truth lies in another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, Phase, settings

from rugs_assets.domain.episodes import EPISODES, episodes_of
from rugs_assets.domain.events import RAW_WS_EVENTS, REJECTED_INPUT
from rugs_assets.domain.observations import OBSERVATIONS, observations_of
from rugs_assets.domain.samples import ALIGNED_SAMPLES, SamplePass
from rugs_assets.domain.shards import TRAINING_SHARDS, shards_of
from rugs_assets.domain.simulator import Faults, Format, Payload, Plan, write_simulation
from rugs_assets.lake.landing import DayInput, Landing
from rugs_assets.lake.units import FileTally

Json = dict[str, Any]

WORLDS = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
"""Hypothesis chooses the seeds; it does not shrink them, since no seed is simpler than another."""

KEY = b"a key for tests"
NO_FAULT = Faults()
EVERY_FAULT = Faults(
    dropped=0.01,
    repeated=0.01,
    duplicated=0.01,
    late=0.01,
    bursts=0.003,
    trace_only=0.1,
    broken=0.005,
    clumsy=0.01,
    reconnects=0.3,
    naive_clock=True,
    old_envelope=True,
    cut_sessions=True,
    overlap=True,
    midnight=True,
)
"""Every fault on, more often than in reality: a small capture meets all of them."""

ONE_VIEW = replace(EVERY_FAULT, overlap=False, cut_sessions=False)
"""As `EVERY_FAULT`, but each game is in one session: that of the player, if there is one."""


@dataclass(frozen=True)
class Day:
    """What the pipeline made of one date: the tables of the store, not stored."""

    events: pa.Table
    rejected: pa.Table
    episodes: pa.Table
    observations: pa.Table
    samples: pa.Table
    unaligned: pa.Table
    shards: pa.Table


@dataclass(frozen=True)
class Played:
    """A plan that was simulated and went through the pipeline."""

    plan: Plan
    files: Sequence[FileTally]
    days: dict[date, Day]
    truths: dict[str, list[Json]]

    def rows(self, table: str) -> list[Json]:
        """The rows of a table of the pipeline, all dates."""
        return [row for day in self.days.values() for row in getattr(day, table).to_pylist()]

    @cached_property
    def episodes(self) -> dict[str, Json]:
        """The pipeline's games by id."""
        rows = self.rows("episodes")
        assert len({row["episode_id"] for row in rows}) == len(rows), "a game in two dates"
        return {row["episode_id"]: row for row in rows}

    @cached_property
    def observations(self) -> dict[str, list[Json]]:
        """The pipeline's rows by game."""
        found: dict[str, list[Json]] = {game: [] for game in self.episodes}
        for row in self.rows("observations"):
            found[row["episode_id"]].append(row)
        return found

    @cached_property
    def frames(self) -> dict[tuple[str, str], list[Json]]:
        """The truth's frames by game and session, in order of arrival."""
        found: dict[tuple[str, str], list[Json]] = {}
        for frame in self.truths["frames"]:
            found.setdefault((frame["game_id"], frame["session_id"]), []).append(frame)
        return found

    @cached_property
    def sessions(self) -> dict[str, list[Json]]:
        """The truth's frames by session, in order of arrival."""
        found: dict[str, list[Json]] = {}
        for frame in self.truths["frames"]:
            found.setdefault(frame["session_id"], []).append(frame)
        return found

    def view(self, episode: Json) -> list[Json]:
        """The truth's frames of the view of a game that the pipeline has taken."""
        return self.frames[episode["episode_id"], episode["session_id"]]

    @cached_property
    def counts(self) -> dict[str, int]:
        """How often each fault struck."""
        return {row["what"]: row["count"] for row in self.truths["counts"]}


@lru_cache(maxsize=16)
def played(plan: Plan) -> Played:
    """Simulate a plan into a folder and materialize every date that is found there."""
    with TemporaryDirectory(prefix="rugs-truth-") as name:
        captures, truth = Path(name, "captures"), Path(name, "truth")
        write_simulation(plan, captures, truth)
        inventory = Landing(captures, Path(name, "cache"), KEY).refresh()
        days = {day: materialized(inventory.select(day)) for day in inventory.days}
        names = ("games", "wealth", "lines", "frames", "presses")
        truths = {table: pq.read_table(truth / table).to_pylist() for table in names}
        truths["counts"] = pq.read_table(truth / "counts.parquet").to_pylist()
        return Played(plan, inventory.files, days, truths)


def materialized(found: DayInput) -> Day:
    """One date, stage by stage, as the assets do it."""
    events = list(found.events())
    episodes = episodes_of(events)
    observations = list(observations_of(events, episodes))
    alignment = SamplePass(observations, events, episodes)
    samples = list(alignment.samples())
    shards = shards_of(observations, samples, episodes)
    return Day(
        _table(events, RAW_WS_EVENTS),
        _table(found.rejected(), REJECTED_INPUT),
        episodes.cast(EPISODES),
        _table(observations, OBSERVATIONS),
        _table(samples, ALIGNED_SAMPLES),
        alignment.unaligned(),
        _table(shards, TRAINING_SHARDS),
    )


def _table(batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(list(batches), schema)


def plans(
    faults: Faults = NO_FAULT,
    formats: Iterable[Format] = Format,
    *,
    players: int = 1,
    games: int = 3,
) -> st.SearchStrategy[Plan]:
    """Small plans: two dates of few games, two sessions a date.

    Args:
        faults: what goes wrong.
        formats: how the sessions may be recorded.
        players: how many of the sessions have an own player.
        games: how many games a date has.
    """
    return st.builds(
        Plan,
        seed=st.integers(0, 2**32),
        days=st.just(2),
        sessions=st.just(2),
        players=st.just(players),
        games_per_day=st.just(games),
        format=st.sampled_from(list(formats)),
        payload=st.just(Payload.LEAN),
        faults=st.just(faults),
        throttled_trades=st.booleans(),
        policies=st.sampled_from(
            [("random", "side-better"), ("side-better", "random"), ("momentum", "hold")]
        ),
        versions=st.sampled_from([("v3",), ("v1", "v2", "v3")]),
    )
