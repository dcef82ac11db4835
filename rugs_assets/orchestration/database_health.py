"""The health of Dagster's own folder and databases: there, reachable, migrated, with a daemon.

In: DAGSTER_HOME. Out: findings. Invariants: nothing is made or migrated: where there are no
databases yet, they are not opened (opening would make them).
"""

import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster_shared.yaml_utils import load_yaml_from_path

from rugs_assets.lake.findings import Finding, Judge, finding_of

_CONFIG = "dagster.yaml"
_PREPARE = "`python -m rugs_assets.orchestration.instance`"


class DatabaseHealth:
    """Dagster's home, looked at once.

    Args:
        home: the folder.
        given: the variable as it was given, if it was.
    """

    def __init__(self, home: Path, given: str | None = None) -> None:
        self._home = home
        self._given = given

    def judges(self) -> Iterator[tuple[str, Judge]]:
        """What to ask, in order."""
        yield "dagster_home", self.usable
        yield "databases", self.migrated
        yield "daemon", self.daemon_beats

    @cached_property
    def config(self) -> dict[str, Any]:
        """What dagster.yaml says; empty without one."""
        path = self._home / _CONFIG
        found = load_yaml_from_path(str(path)) if path.is_file() else None
        return found if isinstance(found, dict) else {}

    @property
    def database(self) -> str:
        """`sqlite` or `postgres`."""
        return "postgres" if "postgres" in self.config.get("storage", {}) else "sqlite"

    @property
    def folder(self) -> Path | None:
        """Where the sqlite databases lie; None when another server keeps them."""
        if self.database != "sqlite":
            return None
        custom = self.config.get("storage", {}).get("custom", {})
        return self._home / str(custom.get("config", {}).get("base_dir", "."))

    @property
    def is_made(self) -> bool:
        """Whether there are databases to open."""
        return self.folder is None or (self.folder / "history" / "runs.db").exists()

    def usable(self) -> Finding:
        """The folder exists, may be written, and holds the configuration of this project."""
        name, home = "dagster_home", self._home
        if self._given is not None and not Path(self._given).is_absolute():
            told = f"DAGSTER_HOME is {self._given}; Dagster takes an absolute path only"
            return Finding(name, "error", told, f"`export DAGSTER_HOME={home.resolve()}`")
        if not home.is_dir():
            return Finding(name, "error", f"DAGSTER_HOME, {home}, is no folder", _PREPARE)
        if not os.access(home, os.W_OK | os.X_OK):
            return Finding(
                name, "error", f"DAGSTER_HOME, {home}, may not be written", f"`chmod u+wx {home}`"
            )
        if not self.config:
            told = f"{home / _CONFIG} is missing: runs would be recorded where nobody looks"
            return Finding(name, "error", told, _PREPARE)
        return Finding(name, "ok", f"{home}, with {_CONFIG}")

    def migrated(self) -> Finding:
        """Every database can be opened and has the schema of the installed Dagster."""
        name = "databases"
        if not self.is_made:
            return Finding(name, "ok", f"{self.database}, made at first use")
        try:
            old = self._unmigrated()
        except Exception as error:  # noqa: BLE001 - sqlite, psycopg2, alembic and Dagster each have theirs
            told = f"{self.database} cannot be read: {type(error).__name__}: {error}"
            return Finding(name, "error", told, self._cure())
        cure = "stop everything, then `dagster instance migrate`"
        return finding_of(name, old, f"{self.database}, migrated", cure)

    def daemon_beats(self) -> Finding:
        """Where schedules or sensors are switched on, a daemon runs that evaluates them."""
        name = "daemon"
        if not self.is_made:
            return Finding(name, "ok", "nothing is switched on")
        try:
            on, beating = self._at_work()
        except Exception as error:  # noqa: BLE001 - `databases` says in full what is wrong with them
            return Finding(
                name,
                "warn",
                f"not known: {type(error).__name__}",
                "first cure what is said of databases",
            )
        if on and not beating:
            told = f"{', '.join(on)}: switched on, but no daemon runs that would evaluate them"
            return Finding(name, "warn", told, "`make ui` runs the web server and the daemon")
        return Finding(name, "ok", f"{len(on)} schedules and sensors on, {beating} daemons run")

    def _at_work(self) -> tuple[list[str], int]:
        """What is switched on, and how many daemons run."""
        with self._open() as instance:
            switched = instance.all_instigator_state(instigator_statuses={InstigatorStatus.RUNNING})
            on = sorted(state.instigator_name for state in switched)
            daemons = instance.get_daemon_statuses().values()
            return on, sum(status.healthy or False for status in daemons)

    def _unmigrated(self) -> list[str]:
        with self._open() as instance:
            storages = {
                "runs": instance.run_storage,
                "events": instance.event_log_storage,
                "schedules": instance.schedule_storage,
            }
            found = {
                kind: storage.alembic_version()
                for kind, storage in storages.items()
                if storage is not None
            }
        return [
            f"{kind} are at {version[0]}, Dagster wants {version[1]}"
            for kind, version in found.items()
            if version is not None and version[0] != version[1]
        ]

    def _cure(self) -> str:
        if self.folder is None:
            return "start the server, and check RUGS_DAGSTER_POSTGRES_URL and its rights"
        history = self.folder / "history"
        return (
            f"stop everything, then `mv {history} {history}.broken` and {_PREPARE}: runs are"
            " forgotten, the store is not"
        )

    def _open(self) -> DagsterInstance:
        return DagsterInstance.from_config(str(self._home.resolve()))
