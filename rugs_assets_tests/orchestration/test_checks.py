"""Checks judge the partition that was written, and stop what would be wrong without them."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg
import pytest

from rugs_assets.domain.violations import Violations
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.orchestration import rules
from rugs_assets.orchestration.automation import NEWEST_DATE
from rugs_assets.orchestration.checks import examples_table, result_of
from rugs_assets.orchestration.day import Day
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.orchestration.stages import OBSERVATIONS
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project

BROKEN = Violations(
    "price is above 0",
    count=7,
    examples=({"episode_id": "g1", "price": 0.0}, {"episode_id": "g2", "price": None, "tick": 3}),
    cure="record the game again",
)


def breaks_on(date: str) -> Callable[[Day, CapturesResource], Violations]:
    """A judge that finds something on one date only."""

    def judge(day: Day, _: CapturesResource) -> Violations:
        return BROKEN if day.date.isoformat() == date else Violations("price is above 0", 0)

    return judge


def with_broken_rule(
    monkeypatch: pytest.MonkeyPatch, asset: str, date: str, *, blocking: bool = True
) -> None:
    rule = rules.Rule("always_positive", "Prices are above 0.", breaks_on(date), blocking)
    monkeypatch.setitem(rules.RULES, asset, (*rules.RULES[asset], rule))


def outcomes(instance: dg.DagsterInstance, asset: str, check: str) -> dict[str | None, bool]:
    """Partition -> passed, as the databases remember it."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), check)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=20)
    return {r.partition: r.evaluation.passed for r in records if r.evaluation is not None}


def test_a_check_judges_its_partition_and_is_remembered_with_it(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_broken_rule(monkeypatch, "observations", SECOND, blocking=False)
    assert project.run(FIRST, instance).success
    assert project.run(SECOND, instance).success
    assert outcomes(instance, "observations", "always_positive") == {FIRST: True, SECOND: False}
    every = [
        outcomes(instance, key.asset_key.to_user_string(), key.name)
        for key in project.defs().resolve_asset_graph().asset_check_keys
        if key.name not in ("always_positive", NEWEST_DATE.name)
    ]
    assert len(every) > 5
    assert all(found == {FIRST: True, SECOND: True} for found in every)


def test_a_broken_blocking_rule_stops_the_assets_after_it_on_its_date(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_broken_rule(monkeypatch, "observations", SECOND)
    assert project.run(FIRST, instance).success
    result = project.run(SECOND, instance)
    assert not result.success
    written = {
        event.asset_key.to_user_string()
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert written == {"raw_ws_events", "episodes", "observations"}


def test_training_shards_asserts_its_inputs_in_a_later_run(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.run(FIRST, instance).success
    with_broken_rule(monkeypatch, "observations", FIRST)
    later = project.materialize("training_shards", FIRST, instance)
    assert not later.success
    failure = next(event for event in later.all_events if event.is_step_failure)
    assert "observations, always_positive: price is above 0: broken 7 times" in str(
        failure.step_failure_data.error
    )


def test_a_date_without_captures_is_stored_as_empty_and_warns(
    project: Project, instance: dg.DagsterInstance
) -> None:
    empty = "2025-12-24"
    result = project.run(empty, instance)
    assert result.success
    assert project.lake.read(TRAINING_SHARDS, project.date(empty)).count() == 0
    failed = {c.check_name for c in result.get_asset_check_evaluations() if not c.passed}
    assert failed == {"captures_hold_the_date", "ready_to_train"}


def test_a_broken_rule_shows_count_examples_and_cure() -> None:
    rule = rules.Rule("always_positive", "Prices are above 0.", breaks_on(FIRST))
    shown = result_of(OBSERVATIONS, rule, BROKEN)
    assert not shown.passed
    assert shown.severity is dg.AssetCheckSeverity.ERROR
    assert shown.metadata["violations"].value == 7
    assert shown.metadata["cure"].value == "record the game again"
    warned = result_of(OBSERVATIONS, replace(rule, blocking=False), BROKEN)
    assert warned.severity is dg.AssetCheckSeverity.WARN


def test_examples_become_a_table_with_a_column_for_everything_they_name() -> None:
    table = examples_table(BROKEN)
    assert [column.name for column in table.schema.columns] == ["episode_id", "price", "tick"]
    assert [record.data for record in table.records] == [
        {"episode_id": "g1", "price": "0.0", "tick": None},
        {"episode_id": "g2", "price": None, "tick": 3},
    ]
