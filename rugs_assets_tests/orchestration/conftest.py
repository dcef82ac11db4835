"""A project of a test's own: captures, store and Dagster home in its temporary folder."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake.tables import Lake
from rugs_assets.orchestration.automation import JOB_NAME
from rugs_assets.orchestration.build import build_defs
from rugs_assets.settings import Settings

FIRST, SECOND = "2025-12-15", "2025-12-16"
PLAN = Plan(days=2, sessions=1, players=1, games_per_day=2, payload=Payload.LEAN)


@dataclass(frozen=True)
class Project:
    """What a user has: folders, and the environment that names them."""

    root: Path
    environment: dict[str, str]

    @property
    def settings(self) -> Settings:
        return Settings.from_environment(self.environment)

    @property
    def lake(self) -> Lake:
        return Lake(self.settings.store)

    def defs(self) -> dg.Definitions:
        return build_defs(settings=self.settings)

    @staticmethod
    def date(key: str) -> date:
        return date.fromisoformat(key)

    def materialize(
        self,
        asset: str,
        key: str,
        instance: dg.DagsterInstance,
        config: Mapping[str, object] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """One asset of one date, without its checks and without what comes before it."""
        ops = {asset: {"config": dict(config)}} if config else {}
        job = self.defs().resolve_implicit_job_def_def_for_assets([dg.AssetKey(asset)])
        assert job is not None
        return job.execute_in_process(
            partition_key=key,
            instance=instance,
            raise_on_error=False,
            asset_selection=[dg.AssetKey(asset)],
            run_config={"ops": ops},
        )

    def run(
        self, date: str, instance: dg.DagsterInstance, defs: dg.Definitions | None = None
    ) -> dg.ExecuteInProcessResult:
        """The job for one date, in this process."""
        job = (defs or self.defs()).resolve_job_def(JOB_NAME)
        return job.execute_in_process(partition_key=date, instance=instance, raise_on_error=False)


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Captures of two dates, two games each, one player; not to be changed."""
    folder = tmp_path_factory.mktemp("simulated") / "captures"
    write_simulation(PLAN, folder, truth=None)
    return folder


@pytest.fixture
def project(
    tmp_path: Path, simulated: Path, monkeypatch: pytest.MonkeyPatch, project_root: Path
) -> Project:
    """Captures of two dates and nothing else; the environment of this process says so too."""
    environment = {
        "RUGS_CAPTURES": str(simulated),
        "RUGS_STORE": str(tmp_path / "store"),
        "RUGS_PSEUDONYM_KEY": "a key for tests",
        "DAGSTER_HOME": str(tmp_path / "home"),
    }
    (tmp_path / "home").mkdir()
    shutil.copy(project_root / "dagster.yaml", tmp_path / "home")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Project(tmp_path, environment)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's databases in memory."""
    with dg.DagsterInstance.ephemeral() as made:
        yield made
