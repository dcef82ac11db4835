"""Can I train on this date? The check `ready_to_train` of `training_shards` answers it.

The answer rests on two things: whether the rows of all five assets are those that a run would write
now (the judgement of `lake.due`: captures, code, inputs), and the newest outcome of every check of
the date, none of which may be older than the rows it judged. It is the last check of a run of the
whole graph. A run that ends earlier (`unready_when_failed`), or one that writes other assets
without `training_shards`, gives the answer too, so that an old "yes" never outlives its rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.tags import PARTITION_NAME_TAG

from rugs_assets.lake.due import Damaged, Verdict, verdict_on
from rugs_assets.lake.errors import LakeError, cure_of
from rugs_assets.lake.inventory import Inventory, UnreadableCapture
from rugs_assets.lake.ledger import DateInput, Ledger
from rugs_assets.lake.specs import StoredDate
from rugs_assets.lake.stored_state import state_of
from rugs_assets.orchestration.answer import (
    FAILED,
    MISSING,
    PASSED,
    READY,
    WARNED,
    AssetState,
    Readiness,
)
from rugs_assets.orchestration.day import Day, digest_of
from rugs_assets.orchestration.outlook import JUDGED
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.orchestration.rules import RULES, Rule
from rugs_assets.orchestration.stages import STAGES
from rugs_assets.settings import SettingsError

DESCRIPTION = (
    "Can I train on this date? Yes when all five assets are up to date (captures, code, inputs),"
    " every check of theirs was judged, and those that block passed; what else is worth a look is"
    " named. Else it says why not, and what cures it. A release takes the same dates."
)


def readiness_of(
    day: Day,
    captures: CapturesResource,
    instance: dg.DagsterInstance,
    just_now: Mapping[dg.AssetCheckKey, str] | None = None,
    failed: str = "",
) -> Readiness:
    """Answer for one date.

    Args:
        day: the date.
        captures: what there is to make it of.
        instance: remembers the outcomes of the checks.
        just_now: outcomes that this very op has found.
        failed: why the run that asks has failed, "" if it has not.
    """
    key = day.date.isoformat()
    stored = state_of(day.lake, (table.spec for table in JUDGED), [day.date]).get(day.date, {})
    verdict = _verdict(day, captures.seen(), stored)
    assets = tuple(
        AssetState(
            asset=stage.name,
            rows=found.rows if isinstance(found := stored.get(stage.name), StoredDate) else None,
            anew=verdict.reason if stage.name in verdict.assets else "",
            checks={
                rule.name: _weighed(
                    rule, (just_now or {}).get(check) or _outcome(instance, check, day)
                )
                for rule in RULES[stage.name]
                for check in [dg.AssetCheckKey(dg.AssetKey(stage.name), rule.name)]
            },
        )
        for stage in STAGES
    )
    problems = tuple(filter(None, (failed, verdict.waits_for, *_problems(verdict, assets))))
    return Readiness(key, assets, problems, _cure(key, verdict, assets))


def was_planned(instance: dg.DagsterInstance, run_id: str, day: Day) -> bool:
    """Whether the answer for the date is a part of this run."""
    return any(
        record.run_id == run_id and record.status == AssetCheckExecutionRecordStatus.PLANNED
        for record in _history(instance, READY, day, limit=5)
    )


def report(answer: Readiness, instance: dg.DagsterInstance, run_id: str, job_name: str) -> None:
    """Record the answer from a run that ends, or goes on, without `training_shards`.

    It belongs to the run: of evaluations that belong to none, Dagster keeps one a date.
    """
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
        job_name=job_name,
        event_specific_data=answer.evaluation(_target(instance, answer.date)),
    )
    instance.report_dagster_event(event, run_id)


def _target(
    instance: dg.DagsterInstance, partition: str
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """The newest rows of the date: the UI passes over an answer that names others, or none."""
    newest = instance.fetch_materializations(
        dg.AssetRecordsFilter(asset_key=READY.asset_key, asset_partitions=[partition]), limit=1
    ).records
    if not newest:
        return None
    found = newest[0]
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=found.storage_id, run_id=found.run_id, timestamp=found.timestamp
    )


def _weighed(rule: Rule, outcome: str) -> str:
    """A broken rule that does not block does not hold a date back: releases take it too."""
    return WARNED if outcome == FAILED and not rule.blocking else outcome


def outcome_named(passed: bool, severity: dg.AssetCheckSeverity) -> str:
    """How a check stands that was just judged."""
    if passed:
        return PASSED
    return FAILED if severity is dg.AssetCheckSeverity.ERROR else WARNED


@dg.failure_hook(required_resource_keys={"captures", "lake"})
def unready_when_failed(context: dg.HookContext) -> None:
    """An asset that fails leaves its date without a verdict of this run: here it is."""
    run = context.instance.get_run_by_id(context.run_id)
    key = run.tags.get(PARTITION_NAME_TAG) if run is not None else None
    if key is None:
        return
    failed = f"{context.op.name} failed: {context.op_exception}"
    try:
        day = Day.of(key, context.resources.lake.open())
        answer = readiness_of(day, context.resources.captures, context.instance, failed=failed)
    except (LakeError, OSError, SettingsError):
        # Store or captures are out of reach: that is the answer.
        cure = "open the failed run: it says what is wrong"
        answer = Readiness(key, (), (failed,), cure)
    report(answer, context.instance, context.run_id, context.job_name)


def _verdict(day: Day, inventory: Inventory, stored: Mapping[str, StoredDate | Damaged]) -> Verdict:
    """What `lake.due` says with a ledger of this one date, made now."""
    try:
        entry = DateInput(inventory.select(day.date).input_digest, basis="")
    except UnreadableCapture as error:
        entry = DateInput("", basis="", blocked=str(error))
    ledger = Ledger("", 0, "", len(inventory.files), "", {day.date.isoformat(): entry})
    return verdict_on(day.date, ledger, stored, JUDGED, digest_of)


def _history(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, day: Day, limit: int
) -> Sequence[AssetCheckExecutionRecord]:
    return instance.event_log_storage.get_asset_check_execution_history(
        check, limit=limit, partition_filter=PartitionKeyFilter(key=day.date.isoformat())
    )


def _outcome(instance: dg.DagsterInstance, check: dg.AssetCheckKey, day: Day) -> str:
    """How the newest judgement of the date stands; one older than the rows does not count."""
    partition = day.date.isoformat()
    records = _history(instance, check, day, limit=1)
    if not records or records[0].status == AssetCheckExecutionRecordStatus.PLANNED:
        return MISSING
    evaluation = records[0].evaluation
    written = instance.event_log_storage.get_latest_storage_id_by_partition(
        check.asset_key, dg.DagsterEventType.ASSET_MATERIALIZATION, {partition}
    ).get(partition)
    if evaluation is None or records[0].event is None:
        return MISSING
    target = evaluation.target_materialization_data
    if written is not None and target is not None and target.storage_id < written:
        return MISSING
    return outcome_named(evaluation.passed, evaluation.severity)


def _problems(verdict: Verdict, assets: Sequence[AssetState]) -> Iterator[str]:
    if verdict.is_due:
        yield f"{verdict.reason}, so {', '.join(verdict.assets)} must be made anew"
    elif not assets[-1].rows:
        yield "the date has no step to train on"
    for asset in assets:
        for state in (FAILED, MISSING):
            if names := asset.named(state):
                yield f"{asset.asset}: {', '.join(names)} {state}"


def _cure(key: str, verdict: Verdict, assets: Sequence[AssetState]) -> str:
    if any(asset.named(FAILED) for asset in assets):
        return "open the failed check: it shows the first offenders and what to do about them"
    if verdict.is_due or any(asset.named(MISSING) for asset in assets):
        first = verdict.assets[0] if verdict.assets else STAGES[0].name
        names = [stage.name for stage in STAGES]
        after = names[names.index(first) + 1 :]
        return (
            f"Materialize {first} and all after it for {key}, or:"
            f" {cure_of(first, date.fromisoformat(key), also=after)}"
        )
    return "put captures of the date with whole games into RUGS_CAPTURES, or leave the date out"
