"""The real captures through the whole graph: every date and check, the same rows from each format.

Expected figures are facts about the captures (dates, broken lines), not outputs that were copied.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import pyarrow as pa

from rugs_assets.lake.catalog import OBSERVATIONS, REJECTED_INPUT, TRAINING_SHARDS
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.orchestration.conftest import Project


@dataclass(frozen=True)
class Done:
    """A capture folder whose dates were all materialized."""

    lake: Lake
    failed_checks: list[str]


def materialized(project: Project, folder: Path, dates: list[str]) -> Done:
    captures = Project(
        project.root,
        {
            **project.environment,
            "RUGS_CAPTURES": str(folder),
            "RUGS_STORE": str(project.root / folder.name),
        },
    )
    failed = []
    with dg.DagsterInstance.ephemeral() as instance:
        for day in dates:
            result = captures.run(day, instance)
            assert result.success
            failed += [
                f"{day} {check.check_name}"
                for check in result.get_asset_check_evaluations()
                if not check.passed
            ]
    return Done(captures.lake, failed)


def rows(lake: Lake) -> pa.Table:
    return lake.read(OBSERVATIONS).to_arrow().drop_columns(["session_id"])


def test_raw_jsonl_and_the_event_store_give_identical_observations(
    project: Project, captures_dir: Path
) -> None:
    day = "2025-12-15"
    raw = materialized(project, captures_dir / "raw_jsonl", [day])
    store = materialized(project, captures_dir / "events_parquet", [day])
    assert raw.failed_checks == store.failed_checks == []
    assert rows(raw.lake).num_rows > 0
    assert rows(raw.lake).equals(rows(store.lake))
    assert raw.lake.read(TRAINING_SHARDS).count() > 0


def test_recorder_ticks_give_their_four_dates_and_lose_no_broken_line(
    project: Project, captures_dir: Path
) -> None:
    dates = ["2025-10-29", "2025-10-30", "2025-11-02", "2025-11-03"]
    done = materialized(project, captures_dir / "recorder_ticks", dates)
    assert done.failed_checks == []
    assert done.lake.days(TRAINING_SHARDS) == [date.fromisoformat(day) for day in dates]
    rejected = done.lake.read(REJECTED_INPUT).to_arrow().to_pylist()
    broken = {"game_20251030_121110_da674ded.jsonl", "game_20251029_212119.jsonl"}
    assert {row["source_file"] for row in rejected} >= broken
    assert all(row["reason"] for row in rejected)
