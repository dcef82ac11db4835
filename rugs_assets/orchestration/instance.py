"""Where Dagster keeps its databases and logs: under the project, whatever folder it is started in.

Named by dagster.yaml. Dagster resolves a relative path in that file against the folder of the
process, so that a command run elsewhere would quietly start an empty history there; these classes
resolve it against DAGSTER_HOME. Several commands that start at once on a fresh folder corrupt the
databases for good ("more than one head"); `ProjectSqliteStorage` makes them under a file lock. How
events are written stands in `event_log`.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from dagster import DagsterInstance, DagsterRun
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
from dagster._serdes import ConfigurableClassData, deserialize_value
from filelock import FileLock

from rugs_assets.orchestration.event_log import ProjectEventLogStorage
from rugs_assets.settings import Settings

_CONFIG = "dagster.yaml"
_LOCK_TIMEOUT_S = 120.0


def _under_home(base_dir: str) -> Path:
    """`base_dir` as an absolute folder that exists."""
    folder = Settings.from_environment().dagster_home / base_dir
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


class ProjectSqliteStorage(DagsterSqliteStorage):
    """Dagster's sqlite storage, made once and only once, whose events cost little."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = ProjectEventLogStorage(_event_logs_directory(base_dir))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, object]
    ) -> Self:
        """Open the databases, making them first where there are none."""
        folder = _under_home(str(config_value["base_dir"]))
        with FileLock(folder / ".making-databases.lock", timeout=_LOCK_TIMEOUT_S):
            return cls.from_local(base_dir=str(folder), inst_data=inst_data)


class ProjectRunLauncher(DefaultRunLauncher):
    """Dagster's launcher of runs, which also tells when the process of a run is gone.

    Dagster's own cannot: after a power cut a run would be "started" for ever, take up one of the
    places for runs, and keep everybody else from its date. The run's code server knows whether the
    process lives; where that server is gone, so are its children.
    """

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Asked by run monitoring (dagster.yaml)."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether the process that executes a run is alive."""
        client = self._get_grpc_client_for_termination(run.run_id)  # type: ignore[no-untyped-call]  # Dagster's
        if client is None:  # executed by a command itself: nobody to ask
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        request = CanCancelExecutionRequest(run_id=run.run_id)
        try:
            answer = client.can_cancel_execution(request)
        except DagsterUserCodeUnreachableError:
            return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its code server is gone")
        if deserialize_value(answer, CanCancelExecutionResult).can_cancel:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.NOT_FOUND, "its process is gone")


class ProjectComputeLogManager(LocalComputeLogManager):
    """Dagster's local log files."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> Self:
        """Keep the logs in `base_dir`."""
        return cls(base_dir=str(_under_home(str(config_value["base_dir"]))), inst_data=inst_data)


class ProjectArtifactStorage(LocalArtifactStorage):
    """Dagster's folder for files of its own."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, object]
    ) -> Self:
        """Keep the files in `base_dir`."""
        return cls(base_dir=str(_under_home(str(config_value["base_dir"]))), inst_data=inst_data)


def prepare_home(settings: Settings) -> None:
    """Make DAGSTER_HOME a folder that Dagster takes, with the project's dagster.yaml in it."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    config, ours = settings.dagster_home / _CONFIG, settings.home / _CONFIG
    if not config.exists() and ours.exists():
        shutil.copyfile(ours, config)


def open_instance() -> DagsterInstance:
    """The instance of DAGSTER_HOME; its databases are made if there are none."""
    home = Settings.from_environment().dagster_home
    return DagsterInstance.from_config(str(home.resolve()))


if __name__ == "__main__":
    prepare_home(Settings.from_environment())
    open_instance().dispose()
