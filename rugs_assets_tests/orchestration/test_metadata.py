"""Schemas and lineage follow from the declarations."""

from rugs_assets.lake.catalog import OBSERVATIONS
from rugs_assets.orchestration.metadata import column_lineage, column_schema
from rugs_assets.orchestration.stages import STAGES, TRAINING_SHARDS, stage_of


def test_columns_are_described_as_declared_and_features_with_their_unit() -> None:
    columns = {column.name: column for column in column_schema(OBSERVATIONS).columns}
    assert list(columns) == OBSERVATIONS.schema.names
    assert columns["price"].type == "float"
    assert columns["price"].constraints.nullable is False
    assert columns["price"].description == "gameStateUpdate.price [multiplier]"


def test_a_column_comes_from_the_nearest_input_that_has_it() -> None:
    lineage = column_lineage(TRAINING_SHARDS.table, TRAINING_SHARDS.inputs).deps_by_column
    sources = {
        name: [(dep.asset_key.to_user_string(), dep.column_name) for dep in deps]
        for name, deps in lineage.items()
    }
    assert sources["reward"] == [("aligned_samples", "reward")]
    assert sources["balance"] == [("observations", "balance")]
    assert "split" not in sources


def test_a_derived_feature_comes_from_what_it_is_made_of() -> None:
    stage = stage_of("observations")
    lineage = column_lineage(stage.table, stage.inputs).deps_by_column
    assert [dep.column_name for dep in lineage["rugpool_ratio"]] == [
        "rugpool_amount",
        "rugpool_threshold",
    ]


def test_every_stage_reads_only_what_stands_before_it() -> None:
    names = [stage.name for stage in STAGES]
    for stage in STAGES:
        before = names[: names.index(stage.name)]
        assert set(stage.deps) <= set(before)
