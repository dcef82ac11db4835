"""The pipeline itself, with and without Dagster, on a folder of its own."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa

from rugs_assets.domain.episodes import EpisodeRules, episodes_of
from rugs_assets.domain.observations import observations_of
from rugs_assets.domain.samples import SamplePass, SampleRules
from rugs_assets.domain.shards import shards_of
from rugs_assets.lake import catalog
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.tables import Lake, Provenance
from rugs_assets.orchestration.automation import JOB_NAME
from rugs_assets.orchestration.build import build_defs
from rugs_assets.settings import Settings

_PROVENANCE = Provenance(run_id="bench", code_version="bench", input_digest="bench")


class Chain:
    """Captures to shards.

    Args:
        captures: The folder of the captures.
        work: An empty folder for the decoded captures and the store.
    """

    def __init__(self, captures: Path, work: Path) -> None:
        self.captures = captures
        self.work = work
        self.days: tuple[date, ...] = ()

    def forget(self) -> None:
        """Remove everything that was made."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)

    def decode(self) -> int:
        """Capture files -> decoded captures; events kept."""
        inventory = self._landing().refresh()
        self.days = inventory.days
        return sum(file.events for file in inventory.files)

    def stages(self) -> int:
        """Decoded captures -> all tables, in this process, without Dagster; steps written."""
        lake, inventory = Lake(self.work / "store"), self._landing().refresh()
        return sum(_stages_of(lake, inventory, day) for day in inventory.days)

    def dagster(self) -> int:
        """The same through the job with all checks, one run a date; dates made."""
        settings = Settings.from_environment(
            {
                "RUGS_CAPTURES": str(self.captures),
                "RUGS_STORE": str(self.work / "store"),
                "RUGS_START_DATE": min(self.days).isoformat(),
            }
        )
        job = build_defs(settings=settings).resolve_job_def(JOB_NAME)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with dg.DagsterInstance.local_temp(overrides={"telemetry": {"enabled": False}}) as instance:
            for day in self.days:
                job.execute_in_process(
                    partition_key=day.isoformat(), instance=instance, run_config=quiet
                )
        return len(self.days)

    def _landing(self) -> Landing:
        return Landing(self.captures, self.work / "store" / "_landing", b"bench")


def _stages_of(lake: Lake, inventory: Inventory, day: date) -> int:
    def rows(table: TableSpec) -> Iterator[pa.RecordBatch]:
        return lake.read(table, day).batches()

    def write(table: TableSpec, batches: Iterable[pa.RecordBatch]) -> int:
        return lake.replace(table, day, batches, _PROVENANCE).rows

    write(catalog.RAW_WS_EVENTS, inventory.select(day).events())
    games = episodes_of(rows(catalog.RAW_WS_EVENTS), EpisodeRules())
    write(catalog.EPISODES, games.to_batches())
    write(catalog.OBSERVATIONS, observations_of(rows(catalog.RAW_WS_EVENTS), games))
    observed, events = rows(catalog.OBSERVATIONS), rows(catalog.RAW_WS_EVENTS)
    write(catalog.ALIGNED_SAMPLES, SamplePass(observed, events, games, SampleRules()).samples())
    observed, samples = rows(catalog.OBSERVATIONS), rows(catalog.ALIGNED_SAMPLES)
    return write(catalog.TRAINING_SHARDS, shards_of(observed, samples, games))
