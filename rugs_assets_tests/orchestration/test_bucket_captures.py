"""Captures land in a bucket: the sensor asks for their dates, and rows are those of a folder."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.orchestration import pictures
from rugs_assets_tests.object_store import serving, variables
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project
from rugs_assets_tests.orchestration.ticks import Machine

boto3 = pytest.importorskip("boto3", reason="needs the package moto[server]")
pytest.importorskip("moto.server", reason="needs the package moto[server]")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serving() as url:
        for name, value in variables(url).items():
            monkeypatch.setenv(name, value)
        yield url


def test_from_a_bucket_come_the_rows_of_a_folder(
    project: Project,
    simulated: Path,
    endpoint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for drawn in ("of_observations", "of_shards"):
        monkeypatch.setattr(pictures, drawn, lambda day: {})
    first, second = sorted(simulated.rglob("*.jsonl"))
    with dg.DagsterInstance.ephemeral() as instance:
        (tmp_path / "captures").mkdir()
        at_home = Machine(with_captures(project, str(tmp_path / "captures")), instance)
        at_home.land(first, "in/a.jsonl")
        assert at_home.settle() == ["decode_captures", FIRST]

    bucket = boto3.client("s3")
    bucket.create_bucket(Bucket="captures")
    elsewhere = {**project.environment, "RUGS_STORE": str(tmp_path / "another store")}
    abroad = with_captures(replace(project, environment=elsewhere), "s3://captures/in")
    with dg.DagsterInstance.ephemeral() as instance:
        machine = Machine(abroad, instance)
        assert machine.sensor_tick() == []
        assert "s3://captures/in (RUGS_CAPTURES) cannot be read" in machine.said
        bucket.upload_file(str(first), "captures", "in/in/a.jsonl")
        assert machine.settle() == ["decode_captures"]
        assert "in/a.jsonl is still written to" in machine.said
        machine.now += 120
        assert machine.settle() == ["decode_captures", FIRST]
        assert machine.digests() == at_home.digests()

        bucket.upload_file(str(second), "captures", "in/b.jsonl")
        machine.now += 120
        (asked,) = machine.sensor_tick()
        assert machine.launch(asked)
        assert [request.partition_key for request in machine.sensor_tick()] == [SECOND]
        bucket.delete_object(Bucket="captures", Key="in/b.jsonl")
        bucket.delete_object(Bucket="captures", Key="in/in/a.jsonl")
        assert machine.sensor_tick() == []  # nothing is emptied because a bucket is
        assert "(RUGS_CAPTURES)" in machine.said


def with_captures(project: Project, place: str) -> Project:
    return replace(project, environment={**project.environment, "RUGS_CAPTURES": place})
