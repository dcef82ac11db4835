"""The pipeline under Dagster: what the job with all checks adds to the stages themselves."""

from __future__ import annotations

import os
import statistics
import time
from datetime import date
from pathlib import Path
from unittest.mock import patch

from benchmarks.stages import DECODE, KEY, Stages
from rugs_assets.orchestration.automation import JOB_NAME
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.instance import open_instance, prepare_home
from rugs_assets.settings import Settings


class Chain:
    """Captures to shards, with and without Dagster.

    Args:
        captures: The folder of the captures.
        work: An empty folder for the decoded captures and the store.
    """

    def __init__(self, captures: Path, work: Path) -> None:
        self.stages = Stages(captures, work)

    def forget(self) -> None:
        """Remove everything that was made."""
        self.stages.forget()

    def overhead(self, rounds: int = 3) -> float:
        """Seconds that the job takes longer than its stages, for a date that was decoded before.

        The median of some rounds, in a process that has run before: what it imports once is not
        counted.
        """
        days = self.stages.days[:1]
        stages = Stages(self.stages.captures, self.stages.work, days)
        self._job(days)
        beyond = []
        for _ in range(rounds):
            start = time.perf_counter()
            for name, part in stages.parts().items():
                if name != DECODE:
                    part()
            alone = time.perf_counter() - start
            start = time.perf_counter()
            self._job(days)
            beyond.append(time.perf_counter() - start - alone)
        return statistics.median(beyond)

    def _job(self, days: tuple[date, ...]) -> None:
        environment = {
            "RUGS_CAPTURES": str(self.stages.captures),
            "RUGS_STORE": str(self.stages.work / "store"),
            "RUGS_START_DATE": min(days).isoformat(),
            "RUGS_PSEUDONYM_KEY": KEY.decode(),  # another key would have them decoded again
            "DAGSTER_HOME": str(self.stages.work.absolute() / "home"),
        }
        settings = Settings.from_environment(environment)
        prepare_home(settings)  # with the dagster.yaml that people run it with
        job = build_defs(settings=settings).resolve_job_def(JOB_NAME)
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        with patch.dict(os.environ, environment), open_instance() as instance:
            for day in days:
                job.execute_in_process(
                    partition_key=day.isoformat(), instance=instance, run_config=quiet
                )
