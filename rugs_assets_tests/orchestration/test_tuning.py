"""What the launchpad offers reaches the rows, and stands in their provenance."""

import json
from typing import Any

import dagster as dg
import pytest

from rugs_assets.domain.episodes import EpisodeRules
from rugs_assets.domain.features import Phase
from rugs_assets.domain.samples import SampleRules
from rugs_assets.domain.shard_layout import ShardLayout
from rugs_assets.lake import catalog
from rugs_assets.lake.specs import StoredDate, TableSpec
from rugs_assets.orchestration.tuning import EpisodesConfig, SamplesConfig, ShardsConfig
from rugs_assets_tests.orchestration.conftest import FIRST, Project

TUNED = {
    "episodes": EpisodesConfig,
    "aligned_samples": SamplesConfig,
    "training_shards": ShardsConfig,
}


def stored(project: Project, table: TableSpec) -> StoredDate:
    found = project.lake.provenance(table, project.date(FIRST))
    assert found is not None
    return found


CHANGES: dict[str, dict[str, object]] = {
    "episodes": {"require_player": True},
    "aligned_samples": {"reward": "log_equity", "tolerance": 0},
    "training_shards": {"file_mebibytes": 1, "row_group_rows": 65_536},
}


def test_what_is_tuned_stands_in_the_provenance(
    project: Project, instance: dg.DagsterInstance
) -> None:
    assert project.run(FIRST, instance).success
    # from the end of the graph, so that what is changed last makes nothing stale before
    for table in reversed([table for table in catalog.TABLES if table.name in CHANGES]):
        usual = json.loads(stored(project, table).config)
        assert usual == TUNED[table.name]().model_dump()
        change = CHANGES[table.name]
        assert project.materialize(table.name, FIRST, instance, change).success
        assert json.loads(stored(project, table).config) == usual | change


def test_every_knob_turns_its_own_rule() -> None:
    knobs: dict[str, tuple[Any, Any]] = {
        "min_ticks": (3, 3),
        "admit_incomplete": (True, True),
        "admit_unfair": (True, True),
        "require_player": (True, True),
        "require_verified": (True, True),
        "game_versions": (["v1"], frozenset({"v1"})),
    }
    assert EpisodesConfig().rules() == EpisodeRules()
    assert knobs.keys() == EpisodesConfig.model_fields.keys()
    for name, (turned, rule) in knobs.items():
        assert EpisodesConfig(**{name: turned}).rules() == EpisodeRules(**{name: rule}), name
    assert SamplesConfig().rules() == SampleRules()
    assert SamplesConfig(presale=False).rules() == SampleRules(phases=frozenset({Phase.ACTIVE}))
    assert SamplesConfig(active=False).rules() == SampleRules(phases=frozenset({Phase.PRESALE}))
    assert SamplesConfig(tolerance=0).rules() == SampleRules(tolerance=0)
    assert SamplesConfig(reward="log_equity").rules() == SampleRules(reward="log_equity")
    assert ShardsConfig().table() == catalog.TRAINING_SHARDS
    for sizes in ({"file_mebibytes": 3}, {"row_group_rows": 65_536}):
        assert ShardsConfig(**sizes).table() == catalog.training_shards_in(ShardLayout(**sizes))


@pytest.mark.parametrize("config", TUNED.values())
def test_everything_tunable_is_described(config: type[dg.Config]) -> None:
    for name, field in config.model_fields.items():
        assert field.description, name
        assert not field.is_required(), name


def test_what_cannot_be_meant_is_refused_by_the_launchpad(
    project: Project, instance: dg.DagsterInstance
) -> None:
    assert project.run(FIRST, instance).success
    failed = project.materialize("episodes", FIRST, instance, {"game_versions": ["4"]})
    assert not failed.success
    failure = next(event for event in failed.all_events if event.is_step_failure)
    assert "choose among v1, v2, v3" in str(failure.step_failure_data.error)
