"""The five stages of the captures of one folder, each as a call: what the benchmarks measure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from rugs_assets.domain.episodes import GAME_COLUMNS, EpisodeRules, episodes_of
from rugs_assets.domain.observations import EVENT_COLUMNS, observations_of
from rugs_assets.domain.own_play import PLAY_COLUMNS, played_events
from rugs_assets.domain.samples import DECISION_COLUMNS, SamplePass, SampleRules
from rugs_assets.domain.shards import STEP_LABEL_COLUMNS, STEP_ROW_COLUMNS, shards_of
from rugs_assets.lake import catalog
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.tables import Lake, Provenance

_PROVENANCE = Provenance(run_id="bench", code_version="bench", input_digest="bench")
DECODE = "decode captures"
KEY = b"bench"
"""Makes pseudonyms of player ids."""


class Stages:
    """Captures to shards, as the assets do it, without Dagster.

    Args:
        captures: the folder of the captures.
        work: a folder for the decoded captures and the store.
        days: dates to make; all by default.
    """

    def __init__(self, captures: Path, work: Path, days: Sequence[date] = ()) -> None:
        self.captures = captures
        self.work = work
        self._days = tuple(days)

    def forget(self) -> None:
        """Remove everything that was made."""
        shutil.rmtree(self.work, ignore_errors=True)
        for name in ("lake", "inventory"):
            self.__dict__.pop(name, None)

    @cached_property
    def lake(self) -> Lake:
        """The store."""
        return Lake(self.work / "store")

    @cached_property
    def inventory(self) -> Inventory:
        """What the landing folder holds, decoded."""
        return Landing(self.captures, self.work / "store" / "_landing", KEY).refresh()

    @property
    def days(self) -> tuple[date, ...]:
        """The dates to make."""
        return self._days or self.inventory.days

    def parts(self) -> dict[str, Callable[[], int]]:
        """Name -> the stage for all dates; what it returns is what it counted."""
        return {
            DECODE: self.decode,
            "raw_ws_events": partial(self._each, self.raw_ws_events),
            "episodes": partial(self._each, self.episodes),
            "observations": partial(self._each, self.observations),
            "aligned_samples": partial(self._each, self.aligned_samples),
            "training_shards": partial(self._each, self.training_shards),
        }

    def all(self) -> int:
        """The whole chain; steps written."""
        counted = 0
        for part in self.parts().values():
            counted = part()
        return counted

    def decode(self) -> int:
        """Capture files -> decoded captures; events kept."""
        self.__dict__.pop("inventory", None)
        return sum(file.events for file in self.inventory.files)

    def raw_ws_events(self, day: date) -> int:
        """Decoded captures -> the date's events."""
        found = self.inventory.select(day)
        self._write(catalog.REJECTED_INPUT, day, found.rejected())
        return self._write(catalog.RAW_WS_EVENTS, day, found.events())

    def episodes(self, day: date) -> int:
        """Events -> games."""
        games = episodes_of(self._rows(catalog.RAW_WS_EVENTS, day, GAME_COLUMNS), EpisodeRules())
        return self._write(catalog.EPISODES, day, games.to_batches())

    def observations(self, day: date) -> int:
        """Events -> rows of 36 features."""
        events = self._rows(catalog.RAW_WS_EVENTS, day, EVENT_COLUMNS)
        return self._write(catalog.OBSERVATIONS, day, observations_of(events, self._games(day)))

    def aligned_samples(self, day: date) -> int:
        """Rows -> decisions."""
        games = self._games(day)
        events = self._rows(catalog.RAW_WS_EVENTS, day, PLAY_COLUMNS)
        played = played_events(games, self._rows(catalog.RAW_WS_EVENTS, day, ["event"]), events)
        rows = self._rows(catalog.OBSERVATIONS, day, DECISION_COLUMNS)
        alignment = SamplePass(rows, played, games, SampleRules())
        made = self._write(catalog.ALIGNED_SAMPLES, day, alignment.samples())
        self._write(catalog.UNALIGNED_ACTIONS, day, alignment.unaligned().to_batches())
        return made

    def training_shards(self, day: date) -> int:
        """Decisions -> steps."""
        rows = self._rows(catalog.OBSERVATIONS, day, STEP_ROW_COLUMNS)
        decisions = self._rows(catalog.ALIGNED_SAMPLES, day, STEP_LABEL_COLUMNS)
        steps = shards_of(rows, decisions, self._games(day))
        return self._write(catalog.TRAINING_SHARDS, day, steps)

    def _each(self, stage: Callable[[date], int]) -> int:
        return sum(map(stage, self.days))

    def _games(self, day: date) -> pa.Table:
        return self.lake.read(catalog.EPISODES, day).to_arrow()

    def _rows(
        self, table: TableSpec, day: date, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        return self.lake.read(table, day, columns=columns).batches()

    def _write(self, table: TableSpec, day: date, batches: Iterable[pa.RecordBatch]) -> int:
        return self.lake.replace(table, day, batches, _PROVENANCE).rows
