"""`ready_to_train` is right after every way in which a run can end."""

import dagster as dg
import pytest

from rugs_assets.orchestration.answer import READY
from rugs_assets_tests.orchestration.conftest import FIRST, SECOND, Project
from rugs_assets_tests.orchestration.test_checks import with_broken_rule


def answer(instance: dg.DagsterInstance, date: str) -> tuple[bool, str]:
    """The newest answer for a date: yes or no, and its words."""
    records = instance.event_log_storage.get_asset_check_execution_history(READY, limit=50)
    evaluation = next(record for record in records if record.partition == date).evaluation
    assert isinstance(evaluation, dg.AssetCheckEvaluation), "planned, but never judged"
    # The UI passes over an evaluation that is not of the newest rows.
    newest = instance.event_log_storage.get_latest_storage_id_by_partition(
        READY.asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION, {date}
    )
    target = evaluation.target_materialization_data
    assert newest.get(date) == (target.storage_id if target else None)
    return evaluation.passed, str(evaluation.description)


def test_a_whole_date_is_ready_and_another_date_changes_nothing(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.run(FIRST, instance).success
    ready, words = answer(instance, FIRST)
    assert ready
    assert words.startswith("YES: ")
    with_broken_rule(monkeypatch, "observations", SECOND)
    assert not project.run(SECOND, instance).success
    assert answer(instance, FIRST) == (ready, words)
    ready, words = answer(instance, SECOND)
    assert not ready
    assert "always_positive of observations stopped the run" in words
    assert "observations: always_positive FAILED" in words
    assert "training_shards is missing" in words or "aligned_samples" in words


def test_an_asset_that_is_made_anew_alone_takes_the_yes_back(
    project: Project, instance: dg.DagsterInstance
) -> None:
    assert project.run(FIRST, instance).success
    defs = project.defs()
    job = defs.resolve_implicit_job_def_def_for_assets([dg.AssetKey("episodes")])
    assert job is not None
    checks = {
        key
        for key in defs.resolve_asset_graph().asset_check_keys
        if key.asset_key == dg.AssetKey("episodes")
    }
    result = job.get_subset(
        asset_selection={dg.AssetKey("episodes")}, asset_check_selection=checks
    ).execute_in_process(
        partition_key=FIRST,
        instance=instance,
        run_config={"ops": {"episodes": {"config": {"min_ticks": 100_000}}}},
    )
    assert result.success
    ready, words = answer(instance, FIRST)
    assert not ready
    assert "observations was made from what its inputs no longer hold" in words
    after = 'key:"observations" or key:"aligned_samples" or key:"training_shards"'
    assert f"--select '{after}' --partition 2025-12-15" in words


def test_an_asset_that_fails_says_why(project: Project, instance: dg.DagsterInstance) -> None:
    assert project.run(FIRST, instance).success
    assert project.materialize("episodes", FIRST, instance, {"min_ticks": 100_000}).success
    assert not project.materialize("training_shards", FIRST, instance).success
    ready, words = answer(instance, FIRST)
    assert not ready
    assert "training_shards failed" in words


def test_a_warning_is_named_and_does_not_hold_a_date_back(
    project: Project, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_broken_rule(monkeypatch, "observations", FIRST, blocking=False)
    assert project.run(FIRST, instance).success
    ready, words = answer(instance, FIRST)
    assert ready
    assert "worth a look: observations.always_positive" in words
