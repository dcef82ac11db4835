"""A date through the whole graph: what Dagster is told, and what a second run changes."""

import dagster as dg

from rugs_assets.lake.catalog import TABLES
from rugs_assets.orchestration.stages import STAGES
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project


def digests(project: Project) -> dict[str, str]:
    """Content digest of every date of every table."""
    return {
        f"{table.name} {day}": stored.content_digest
        for table in TABLES
        for day in project.lake.days(table)
        if (stored := project.lake.provenance(table, day))
    }


def versions(project: Project) -> list[int]:
    return [project.lake.version(table) for table in TABLES]


def test_a_second_run_commits_nothing(project: Project, instance: dg.DagsterInstance) -> None:
    assert project.run(FIRST, instance).success
    before, at = digests(project), versions(project)
    assert len(before) == len(TABLES)
    assert project.run(FIRST, instance).success
    assert (digests(project), versions(project)) == (before, at)


def test_a_date_leaves_the_others_alone(project: Project, instance: dg.DagsterInstance) -> None:
    assert project.run(SECOND, instance).success
    alone = digests(project)
    assert project.run(FIRST, instance).success
    both = digests(project)
    assert len(both) == 2 * len(TABLES)
    assert both.items() >= alone.items()


def test_each_materialization_says_what_it_stored(
    project: Project, instance: dg.DagsterInstance
) -> None:
    result = project.run(FIRST, instance)
    told = {
        event.asset_key.to_user_string(): event.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key is not None
    }
    assert set(told) == {stage.name for stage in STAGES}
    for stage in STAGES:
        stored = project.lake.provenance(stage.table, project.date(FIRST))
        assert stored is not None
        metadata = {key: entry.value for key, entry in told[stage.name].metadata.items()}
        assert told[stage.name].partition == FIRST
        assert metadata["dagster/partition_row_count"] == stored.rows
        assert metadata["content_digest"] == stored.content_digest
        assert metadata["input_digest"] == stored.input_digest
        assert metadata["store_version"] == stored.version
        assert metadata["dagster/uri"] == project.lake.uri(stage.table)
        assert metadata["input_mb"] != 0
        assert "preview" in metadata


def test_rows_rest_on_what_their_inputs_hold(
    project: Project, instance: dg.DagsterInstance
) -> None:
    project.run(FIRST, instance)
    config = {"min_ticks": 100_000}
    assert project.materialize("episodes", FIRST, instance, config).success
    stale = project.materialize("aligned_samples", FIRST, instance)
    assert not stale.success
    failure = next(event for event in stale.all_events if event.is_step_failure)
    assert "observations of 2025-12-15 was made from what" in str(failure.step_failure_data.error)


def test_an_input_that_was_never_written_is_named(
    project: Project, instance: dg.DagsterInstance
) -> None:
    result = project.materialize("observations", FIRST, instance)
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "episodes holds nothing for 2025-12-15; first run: dagster asset materialize" in str(
        failure.step_failure_data.error
    )
