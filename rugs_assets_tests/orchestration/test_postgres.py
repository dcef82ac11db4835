"""Dagster's databases on a real Postgres server, as dagster.yaml says (`make test-postgres`)."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.orchestration.automation import NEWEST_DATE
from rugs_assets.orchestration.instance import open_instance
from rugs_assets.orchestration.run_purge import days_ago, purge_runs
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project
from rugs_assets_tests.orchestration.daemon import (
    command,
    environment,
    running_daemon,
    unfinished,
    wait_for,
    why_failed,
)

pytestmark = pytest.mark.postgres

URL = "RUGS_DAGSTER_POSTGRES_URL"
THIRD, EMPTY = "2025-12-17", "2025-12-18"


def programs() -> Path:
    """The folder of the server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and (named := shutil.which("initdb")):
        found = [Path(named)]
    if not found:
        pytest.skip("no Postgres server here: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server of these tests alone: on loopback, not root, gone afterwards."""
    pytest.importorskip("dagster_postgres", reason='needs pip install "rugs_assets[postgres]"')
    folder, binaries = Path(tempfile.mkdtemp(prefix="rugs-postgres-")), programs()
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user is not None:
        shutil.chown(folder, user)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    where = ("-h", "127.0.0.1", "-p", port, "-U", "rugs")

    def run(program: str, *words: str) -> None:
        done = subprocess.run(
            [str(binaries / program), *words],
            user=user,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{program}: {done.stdout}\n{done.stderr}"

    run("initdb", "-D", str(folder / "data"), "-U", "rugs", "-A", "trust", "--no-sync")
    listening = ("-h", "127.0.0.1", "-p", port, "-k", str(folder), "-c", "fsync=off")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *listening],
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        ready = [str(binaries / "pg_isready"), *where[:4], "-q"]
        wait_for(
            "the server answers",
            lambda: subprocess.run(ready, check=False).returncode == 0,
            seconds=60,
            every=0.2,
        )
        run("createdb", *where, "dagster")
        yield f"postgresql+psycopg2://rugs@127.0.0.1:{port}/dagster"
    finally:
        process.terminate()
        process.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def on_postgres(project: Project, server: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project with the Postgres block of dagster.yaml in the place of sqlite."""
    config = project.settings.dagster_home / "dagster.yaml"
    text = config.read_text()
    sqlite = text[text.index("storage:\n  custom:") : text.index("# The same in Postgres")]
    start = text.index("# storage:\n#   postgres:")
    block = text[start : text.index("\n\n", start)]
    chosen = "\n".join(line[2:] for line in block.splitlines())
    config.write_text(text.replace(sqlite, "").replace(block, chosen))
    monkeypatch.setenv(URL, server)
    return Project(project.root, {**project.environment, URL: server})


def test_several_commands_on_an_empty_database_make_it_once(on_postgres: Project) -> None:
    commands = [
        subprocess.Popen(
            [sys.executable, "-m", "rugs_assets.orchestration.instance"],
            cwd=on_postgres.root,
            env=environment(on_postgres, on_postgres.root),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    errors = [command.communicate(timeout=300)[1] for command in commands]
    assert [command.returncode for command in commands] == [0] * 4, errors
    assert not (on_postgres.settings.dagster_home / "data/dagster/history").exists()
    with open_instance() as instance:
        assert instance.get_runs_count() == 0


def test_a_concurrent_backfill(on_postgres: Project) -> None:
    """Four dates, two at a time, one of them without captures; then old runs are purged."""
    project, folder = on_postgres, on_postgres.root
    root = Path(__file__).resolve().parents[2]
    workspace = folder / "workspace.yaml"
    workspace.write_text((root / "workspace.yaml").read_text())
    words = ("job", "backfill", "-w", str(workspace), "-j", "training_data", "--noprompt")
    with (
        running_daemon(project, folder, "-w", str(workspace)),
        open_instance() as instance,
    ):
        command(project, folder, "-m", "dagster", *words, "--from", FIRST, "--to", EMPTY)

        def is_done() -> bool:
            (backfill,) = instance.get_backfills()
            return backfill.status.value.startswith("COMPLETED") and not unfinished(instance)

        wait_for("the backfill is done", is_done, seconds=900)
        (backfill,) = instance.get_backfills()
        assert backfill.status.value in ("COMPLETED", "COMPLETED_SUCCESS")
        records = sorted(instance.get_run_records(), key=lambda record: record.start_time or 0)
        assert why_failed(instance) == []
        assert len(records) == 4
        assert any(
            (later.start_time or 0) < (earlier.end_time or 0)
            for earlier, later in pairwise(records)
        ), "no two runs at a time"
        shards = dg.AssetKey("training_shards")
        dates = {FIRST, SECOND, THIRD, EMPTY}
        assert set(instance.get_materialized_partitions(shards)) == dates
        checks = project.defs().resolve_asset_graph().asset_check_keys - {NEWEST_DATE}
        for check in checks:
            found = instance.event_log_storage.get_asset_check_execution_history(check, limit=20)
            assert {record.partition for record in found} == dates
        assert purge_runs(instance, older_than=days_ago(-1)).deleted == set()
        superseded = instance.get_runs(dg.RunsFilter(tags={"dagster/partition": FIRST}))[0]
        assert project.run(FIRST, instance).success
        assert purge_runs(instance, older_than=days_ago(-1)).deleted == {superseded.run_id}
        assert not instance.has_run(superseded.run_id)
        assert set(instance.get_materialized_partitions(shards)) == dates
    assert project.lake.row_counts(TRAINING_SHARDS)[project.date(EMPTY)] == 0
