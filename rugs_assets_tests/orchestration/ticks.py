"""Ticks of sensor and schedules evaluated by hand, with a clock of the test's own.

What a daemon does between two ticks is done here in this process: a run key that was seen is not
launched again, and what was asked for is executed.
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg

from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.due import Patience
from rugs_assets.orchestration import backfills, daily, late_data
from rugs_assets.orchestration.automation import JOB_NAME, Policy
from rugs_assets.orchestration.build import build_defs
from rugs_assets_tests.orchestration.conftest import Project

NOW = time.time()
"""Files are older than this. A machine's own clock starts when it is made: its runs end at real
times, and a suite may take minutes to come to it."""
LONG_AGO = NOW - 86_400


@dataclass
class Machine:
    """A project that nobody looks after, at a moment that stands still until it is moved."""

    project: Project
    instance: dg.DagsterInstance
    now: float = field(default_factory=time.time)
    cursor: str | None = None
    said: str = ""
    launched: list[str] = field(default_factory=list)
    _keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        patience = Patience(tries=3, wait_seconds=600)
        self.policy = Policy(look_seconds=0, patience=patience, clock=lambda: self.now)
        self.defs = build_defs(settings=self.project.settings, policy=self.policy)

    @property
    def captures(self) -> Path:
        return Path(self.project.settings.captures)

    def land(self, source: Path, name: str, *, at: float = LONG_AGO) -> Path:
        """Put a copy of a file into the capture folder, last written to at some time."""
        target = self.captures / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        os.utime(target, (at, at))
        return target

    def sensor_tick(self) -> list[dg.RunRequest]:
        """What the sensor asks for; what it says is in `said`."""
        sensor = self.defs.resolve_sensor_def(late_data.SENSOR_NAME)
        with dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursor,
            repository_def=self.defs.get_repository_def(),
            resources=self._resources(),
        ) as context:
            data = sensor.evaluate_tick(context)
        self.cursor, self.said = data.cursor, data.skip_message or ""
        return self._new(data.run_requests)

    def schedule_tick(
        self, name: str = backfills.SCHEDULE_NAME, at: datetime | None = None
    ) -> list[dg.RunRequest]:
        """What a schedule asks for; what it says is in `said`."""
        schedule = self.defs.resolve_schedule_def(name)
        with dg.build_schedule_context(
            scheduled_execution_time=at or datetime.fromtimestamp(self.now, UTC),
            repository_def=self.defs.get_repository_def(),
            resources=self._resources(),
        ) as context:
            # It takes no instance that lives in memory only, which is five times as fast.
            for slot in ("_instance", "_instance_ref"):
                setattr(context, slot, self.instance)
            data = schedule.evaluate_tick(context)
        self.said = data.skip_message or ""
        return list(data.run_requests or [])

    def daily_tick(self, at: datetime) -> list[dg.RunRequest]:
        return self.schedule_tick(daily.SCHEDULE_NAME, at=at)

    def launch(self, request: dg.RunRequest, job: str | None = None) -> bool:
        """Execute what was asked for, without the checks; whether it succeeded.

        What is due is decided from rows. The checks of a date are half of its cost, and no matter
        of who asked for it.
        """
        name = job or request.job_name or JOB_NAME
        self.launched.append(request.partition_key or name)
        whole = self.defs.resolve_job_def(name)
        assets = frozenset(request.asset_selection or whole.asset_layer.executable_asset_keys)
        part = whole.get_subset(asset_selection=assets, asset_check_selection=frozenset())
        result = (part if assets else whole).execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            tags=dict(request.tags),
            run_config=dict(request.run_config),
            raise_on_error=False,
        )
        return bool(result.success)

    def settle(self, *, ticks: int = 20) -> list[str]:
        """Tick and launch until the sensor asks for nothing more; what was launched."""
        before = len(self.launched)
        for _ in range(ticks):
            requests = self.sensor_tick()
            if not requests:
                return self.launched[before:]
            for request in requests:
                self.launch(request)
            self.now += 30
        raise AssertionError(f"not at rest after {ticks} ticks: {self.launched[before:]}")

    def digests(self) -> dict[str, str]:
        """Content digest of every date of every table."""
        return digests_of(self.project)

    def _resources(self) -> Mapping[str, object]:
        return {name: self.defs.resources[name] for name in ("captures", "lake")}  # type: ignore[index]  # they were given

    def _new(self, requests: object) -> list[dg.RunRequest]:
        """Those with a run key that no earlier request of the sensor had, as the daemon does."""
        assert requests is None or isinstance(requests, (list, tuple))
        new = [r for r in requests or () if r.run_key is None or r.run_key not in self._keys]
        self._keys |= {r.run_key for r in new if r.run_key}
        return new


def digests_of(project: Project) -> dict[str, str]:
    """Content digest of every date of every table."""
    return {
        f"{table.name} {day}": stored.content_digest
        for table in TABLES
        for day in project.lake.days(table)
        if (stored := project.lake.provenance(table, day))
    }


def day(key: str) -> date:
    return date.fromisoformat(key)
