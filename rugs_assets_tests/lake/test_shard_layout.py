"""Shard files have the size that was asked for, and never half an episode."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rugs_assets.domain.shard_layout import DEFAULT_SHARDS, ROW_BYTES, ShardLayout
from rugs_assets.domain.shards import TRAINING_SHARDS
from rugs_assets.lake import catalog
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.example_tables import MONDAY, made_by

EPISODES = tuple(range(1, 300, 2))
"""Steps of the episodes of a date."""


def steps() -> Iterator[pa.RecordBatch]:
    """A date of episodes of growing length."""
    for number, count in enumerate(EPISODES):
        texts = {"episode_id": f"20251215-{number:032x}", "split": "train"}
        zeros = {field.name: field.type.to_pandas_dtype()(0) for field in TRAINING_SHARDS}
        row = zeros | texts
        rows = [row | {"step": step} for step in range(count)]
        yield pa.RecordBatch.from_pylist(rows, TRAINING_SHARDS)


def test_the_nominal_size_of_a_row_is_its_size() -> None:
    rows = pa.Table.from_batches(steps())
    assert abs(rows.nbytes / rows.num_rows / ROW_BYTES - 1) < 0.1


def test_files_end_with_the_episode_that_reaches_their_size(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    layout = ShardLayout(file_mebibytes=1, row_group_rows=16_384)
    whole = lake.replace(catalog.TRAINING_SHARDS, MONDAY, steps(), made_by("one"))
    rows = lake.read(catalog.TRAINING_SHARDS, MONDAY).to_arrow()
    cut = lake.replace(catalog.training_shards_in(layout), MONDAY, steps(), made_by("two"))
    assert (len(whole.files), len(cut.files)) == (1, 5)
    files = [pq.read_table(path) for path in lake.read(catalog.TRAINING_SHARDS, MONDAY).files]
    held = [set(file["episode_id"].to_pylist()) for file in files]
    assert sum(map(len, held)) == len(set.union(*held)) == len(EPISODES)
    for file in files[:-1]:
        ids = file["episode_id"].to_pylist()
        episode = ids.count(ids[-1])
        assert file.num_rows >= layout.file_rows > file.num_rows - episode
    assert lake.read(catalog.TRAINING_SHARDS, MONDAY).to_arrow().equals(rows)


def test_the_default_is_64_mebibytes_in_groups_of_a_loader() -> None:
    assert (DEFAULT_SHARDS.file_mebibytes, DEFAULT_SHARDS.row_group_rows) == (64, 32_768)
    assert catalog.training_shards_in(DEFAULT_SHARDS) == catalog.TRAINING_SHARDS


@pytest.mark.parametrize("rows", [16_383, 65_537])
def test_a_row_group_out_of_range_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match="16384 to 65536"):
        ShardLayout(row_group_rows=rows)


def test_a_file_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        ShardLayout(file_mebibytes=0)
