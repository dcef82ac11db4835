"""What a materialization shows adds up, is bounded and can be read."""

import json
from typing import Any

import dagster as dg

from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.lake import catalog
from rugs_assets.orchestration.shown import MOST_ROWS, as_table, totals
from rugs_assets_tests.orchestration.conftest import FIRST, Project


def rows_of(table: dg.TableMetadataValue) -> list[dict[str, Any]]:
    return [dict(record.data) for record in table.records]


def by_name(table: dg.TableMetadataValue) -> dict[str, int]:
    """Kind -> count of a table of totals, whose last row is their sum."""
    *kinds, last = [list(row.values()) for row in rows_of(table)]
    assert last[0] == "total"
    assert last[1] == sum(count for _, count in kinds)
    return {"total": last[1], **dict(kinds)}


def test_every_total_is_the_sum_of_its_kinds_and_what_is_stored(
    project: Project, instance: dg.DagsterInstance
) -> None:
    result = project.run(FIRST, instance)
    told = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    stored = {
        table.name: project.lake.read(table, project.date(FIRST)).count()
        for table in catalog.TABLES
    }
    raw, samples = told["raw_ws_events"], told["aligned_samples"]
    for metadata, name, table in (
        (raw, "rows_stored", "raw_ws_events"),
        (raw, "lines_rejected", "rejected_input"),
        (told["episodes"], "games", "episodes"),
        (told["episodes"], "fairness", "episodes"),
        (told["observations"], "rows_by_phase", "observations"),
        (samples, "decisions", "aligned_samples"),
    ):
        shown = metadata[name]
        assert isinstance(shown, dg.TableMetadataValue)
        assert by_name(shown)["total"] == stored[table], name
    presses = by_name(samples["presses"])  # type: ignore[arg-type]  # a table, as above
    assert presses["total"] - presses["aligned"] == stored["unaligned_actions"]
    assert presses["aligned"] > 0
    splits = rows_of(told["training_shards"]["splits"])  # type: ignore[arg-type]  # likewise
    assert splits[-1]["steps"] == stored["training_shards"]
    assert splits[-1]["decisions"] == stored["aligned_samples"]
    features = rows_of(told["observations"]["features"])  # type: ignore[arg-type]  # likewise
    assert [row["feature"] for row in features] == list(FEATURE_NAMES)
    assert all(row["min"] <= row["mean"] <= row["max"] for row in features)


def test_metadata_of_an_empty_date_is_whole(project: Project, instance: dg.DagsterInstance) -> None:
    result = project.run("2025-12-24", instance)
    assert result.success
    for event in result.get_asset_materialization_events():
        preview = event.materialization.metadata["preview"]
        assert isinstance(preview, dg.TableMetadataValue)
        assert not preview.records


def test_a_table_is_bounded_whatever_there_is() -> None:
    many = {f"reason {at}": at for at in range(10_000)}
    table = totals(many, "reason")
    assert len(table.records) == MOST_ROWS
    assert by_name(table)["total"] == sum(many.values())
    rows = [{"text": "x" * 10_000, "number": 1 / 3}] * 1000
    shown = as_table(rows, ("text", "number"))
    assert len(shown.records) == MOST_ROWS
    assert shown.records[-1].data["text"] == f"... {1000 - MOST_ROWS + 1} more"
    assert len(json.dumps([record.data for record in shown.records])) < 10_000
