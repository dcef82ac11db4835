"""The same verbs on an object store: a local server on loopback that speaks S3."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date

import pytest

from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import (
    MONDAY,
    THINGS,
    TUESDAY,
    WEDNESDAY,
    batches,
    made_by,
    the_generation,
)
from rugs_assets_tests.object_store import serving, variables

boto3 = pytest.importorskip("boto3", reason="needs the package moto[server]")
pytest.importorskip("moto.server", reason="needs the package moto[server]")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture
def lake(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Lake:
    for name, value in variables(endpoint).items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    bucket = f"bucket-{len(client.list_buckets()['Buckets'])}"
    client.create_bucket(Bucket=bucket)
    return Lake(f"s3://{bucket}/some/store/")


def test_write_read_and_travel(lake: Lake) -> None:
    first = lake.replace(THINGS, MONDAY, batches(600, 1), made_by("run-1"))
    assert first.version == 1
    assert lake.replace(THINGS, MONDAY, batches(600, 1), made_by("run-2")).unchanged
    lake.replace(THINGS, TUESDAY, [], made_by())
    lake.replace(THINGS, MONDAY, batches(500, 2), made_by())
    assert the_generation(lake, MONDAY) == (2, 500)
    assert the_generation(lake, MONDAY, version=1) == (1, 600)
    assert lake.row_counts(THINGS) == {MONDAY: 500, TUESDAY: 0}
    assert [entry.version for entry in lake.versions(THINGS)] == [3, 2, 1, 0]
    stored = lake.provenance(THINGS, MONDAY)
    assert stored is not None
    assert stored.rows == 500


def test_several_writers_lose_nothing(lake: Lake) -> None:
    lake.ensure(THINGS)
    failures: list[BaseException] = []

    def write(day: date, generation: int) -> None:
        try:
            for rows in (61, 62, 63):
                lake.replace(THINGS, day, batches(rows, generation), made_by())
        except BaseException as error:
            failures.append(error)
            raise

    days = (MONDAY, TUESDAY, WEDNESDAY)
    writers = [threading.Thread(target=write, args=(day, n)) for n, day in enumerate(days)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert lake.row_counts(THINGS) == dict.fromkeys(days, 63)
    assert lake.version(THINGS) == 9


def test_vacuum_needs_hours_where_there_is_no_lock(lake: Lake) -> None:
    lake.replace(THINGS, MONDAY, batches(10, 1), made_by())
    with pytest.raises(LakeError, match="keep at least 1 hour"):
        lake.vacuum(THINGS, retention_hours=0)
    assert lake.vacuum(THINGS, retention_hours=1, dry_run=False).files == ()
