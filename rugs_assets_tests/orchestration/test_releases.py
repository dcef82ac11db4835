"""A release cut from the UI: the job, its configuration, and what it tells."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from rugs_assets.lake.releases import Releases
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.releases import JOB_NAME, RELEASES
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project


@pytest.fixture
def made(project: Project, instance: dg.DagsterInstance) -> Project:
    """The first date, through the job of the graph."""
    assert project.run(FIRST, instance).success
    return project


def cut(
    project: Project, instance: dg.DagsterInstance, **config: object
) -> dg.ExecuteInProcessResult:
    """The job, configured as in the launchpad."""
    job = project.defs().resolve_job_def(JOB_NAME)
    return job.execute_in_process(
        run_config={"ops": {"release": {"config": config}}}, instance=instance, raise_on_error=False
    )


def failure(result: dg.ExecuteInProcessResult) -> str:
    """What a failed run says."""
    assert not result.success
    failed = next(event for event in result.all_events if event.is_step_failure)
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert data.description is not None
    return data.description


def materializations(instance: dg.DagsterInstance) -> Iterator[dict[str, Any]]:
    """What the UI shows of the asset, newest first."""
    for record in instance.fetch_materializations(RELEASES.key, limit=10).records:
        told = record.asset_materialization
        assert told is not None
        yield {name: value.value for name, value in told.metadata.items()}


def test_a_release_is_cut_from_the_launchpad_and_refused_with_the_cure(
    made: Project, instance: dg.DagsterInstance
) -> None:
    config = {"name": "first", "from": FIRST, "to": FIRST, "where": ["has_player = true"]}
    assert cut(made, instance, **config).success
    releases = Releases(made.lake)
    manifest = releases.manifest("first")
    (told,) = materializations(instance)
    assert told["checksum"] == manifest.checksum
    assert told["samples"] == manifest.content["counts"]["samples"] > 0
    assert told["where"] == "has_player = True"
    assert told["dagster/uri"] == str(releases.folder("first"))
    assert {record.data["rule"] for record in told["rules"].records} >= {"steps_are_the_rows"}

    assert "there is a release 'first' already" in failure(cut(made, instance, **config))
    said = failure(cut(made, instance, name="second", **{"from": FIRST, "to": SECOND}))
    assert f"{SECOND}: no table holds it; cure: dagster asset materialize" in said
    assert "peaks" in failure(cut(made, instance, **(config | {"name": "x", "where": ["peaks"]})))
    assert "Invalid isoformat" in failure(cut(made, instance, **(config | {"from": "monday"})))
    assert releases.names() == ["first"]
    assert len(list(materializations(instance))) == 1


@pytest.mark.parametrize("config", [{}, {"name": "x", "from": FIRST}, {"colour": "red"}])
def test_the_launchpad_refuses_a_configuration_that_is_none(
    project: Project, instance: dg.DagsterInstance, config: dict[str, object]
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        cut(project, instance, **config)


def test_releases_end_the_graph_and_materialize_nothing_with_it(project: Project) -> None:
    defs = build_defs(settings=project.settings)
    graph = defs.resolve_asset_graph()
    assert graph.get(RELEASES.key).parent_keys == {dg.AssetKey("training_shards")}
    assert RELEASES.key not in graph.executable_asset_keys
    everything = dg.AssetSelection.from_coercible("*").resolve(graph)
    assert everything & graph.executable_asset_keys == everything - {RELEASES.key}
