"""A release cut from the UI: the job, its configuration, and what it tells."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.release_manifest import Manifest
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.orchestration.build import build_defs
from rugs_assets.orchestration.release_basis import BASIS
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
    assert told["where"] == "has_player = true"
    assert told["dagster/uri"] == str(releases.folder("first"))
    assert {record.data["rule"] for record in told["rules"].records} >= {"steps_are_the_rows"}

    assert "there is a release 'first' already" in failure(cut(made, instance, **config))
    said = failure(cut(made, instance, name="second", **{"from": FIRST, "to": SECOND}))
    assert f"{SECOND}: no table holds it; cure: dagster asset materialize" in said
    assert "peaks" in failure(cut(made, instance, **(config | {"name": "x", "where": ["peaks"]})))
    assert "Invalid isoformat" in failure(cut(made, instance, **(config | {"from": "monday"})))
    assert releases.names() == ["first"]
    absent = config | {"name": "second", "to": SECOND, "where": [], "skip_absent": True}
    assert cut(made, instance, **absent).success
    assert releases.manifest("second").content["absent_dates"] == [SECOND]
    releases.remove("second")
    assert [told["release"] for told in materializations(instance)] == ["second", "first"]


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


def test_two_machines_make_the_same_release_of_the_same_captures(
    project: Project, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Other folders, other times of the files, other order of the dates."""
    captures = tmp_path / "elsewhere" / "deeper" / "captures"
    shutil.copytree(project.settings.captures, captures)
    for path in captures.rglob("*"):
        os.utime(path, (10**9, 10**9))
    other = replace(
        project,
        environment=project.environment
        | {"RUGS_CAPTURES": str(captures), "RUGS_STORE": str(tmp_path / "elsewhere" / "store")},
    )

    def released(where: Project, days: tuple[str, ...]) -> Manifest:
        for day in days:
            assert where.run(day, instance).success
        request = ReleaseRequest("first", date.fromisoformat(FIRST), date.fromisoformat(SECOND))
        return Releases(where.lake).create(request, BASIS)

    one = released(project, (FIRST, SECOND))
    two = released(other, (SECOND, FIRST))
    assert one.checksum == two.checksum
    assert one.files == two.files  # with the sha256 of every byte
    assert one.content == two.content
    assert one.evidence == two.evidence
    assert one.content["counts"]["samples"] > 0
    assert other.lake.days(TRAINING_SHARDS) == project.lake.days(TRAINING_SHARDS)
    for file in one.files:
        here, there = (Releases(each.lake).folder("first") / file.path for each in (project, other))
        assert here.read_bytes() == there.read_bytes()
