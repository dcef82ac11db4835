"""Asset checks generated from `rules`, one op an asset, partition by partition.

A check has the partitions of its asset: without them it would judge another date than the one
that the run has just written. The evaluation carries how often the rule is broken, the first
offenders and what to do about it.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from rugs_assets.domain.violations import Violations
from rugs_assets.orchestration.answer import READY
from rugs_assets.orchestration.day import Day
from rugs_assets.orchestration.readiness import (
    DESCRIPTION,
    outcome_named,
    readiness_of,
    report,
    was_planned,
)
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.rules import RULES, Rule
from rugs_assets.orchestration.stages import TRAINING_SHARDS, Stage


def checks_of(stage: Stage, dates: dg.PartitionsDefinition[str]) -> dg.AssetChecksDefinition:
    """Every check of one asset, in one op that opens the store once.

    Whichever asset it is of, `ready_to_train` has its answer afterwards: from the run's own checks
    of `training_shards` where those come, else (a rule that stops the run, a run of other assets)
    from here.
    """
    rules = {rule.name: rule for rule in RULES[stage.name]}
    specs = list(_specs(stage, rules.values(), dates))
    if stage is TRAINING_SHARDS:
        specs.append(ready_spec(dates))

    @dg.multi_asset_check(
        name=f"{stage.name}_checks",
        specs=specs,
        can_subset=True,  # so that a single check can be executed in the UI
    )
    def run(
        context: dg.AssetCheckExecutionContext, captures: CapturesResource, lake: LakeResource
    ) -> Iterator[dg.AssetCheckResult]:
        day = Day.of(context.op_execution_context.partition_key, lake.open())
        selected = sorted(context.selected_asset_check_keys, key=lambda key: key.name)
        found: dict[dg.AssetCheckKey, str] = {}
        stops = ""
        for key in selected:
            if key != READY:
                result = result_of(stage, rules[key.name], rules[key.name].judge(day, captures))
                found[key] = outcome_named(result.passed, result.severity)
                if not result.passed and rules[key.name].blocking:
                    stops = stops or f"{key.name} of {stage.name} stopped the run"
                yield result
        if READY in selected:
            yield readiness_of(day, captures, context.instance, found).result()
        elif stops or not was_planned(context.instance, context.run.run_id, day):
            answer = readiness_of(day, captures, context.instance, found, stops)
            report(answer, context.instance, context.run.run_id, context.run.job_name)

    return run


def result_of(stage: Stage, rule: Rule, found: Violations) -> dg.AssetCheckResult:
    """What Dagster is told about a rule: verdict, count, examples as a table, cure."""
    told: dict[str, Any] = {"rule": found.rule, "violations": found.count}
    if not found.ok:
        told["examples"] = examples_table(found)
        told["cure"] = found.cure
    return dg.AssetCheckResult(
        asset_key=stage.name,
        check_name=rule.name,
        passed=found.ok,
        severity=(
            dg.AssetCheckSeverity.ERROR
            if rule.blocking or rule.is_error
            else dg.AssetCheckSeverity.WARN
        ),
        description=None if found.ok else _readable(str(found)),
        metadata=told,
    )


def examples_table(found: Violations) -> dg.TableMetadataValue:
    """The first offenders, one a row; a table cell holds a number, a text or nothing."""
    columns = list(dict.fromkeys(name for example in found.examples for name in example))
    return dg.MetadataValue.table(
        records=[
            dg.TableRecord({name: _cell(example.get(name)) for name in columns})
            for example in found.examples
        ],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in columns]),
    )


def _cell(value: object) -> str | int | float | bool | None:
    if value is None or isinstance(value, (bool, int)):
        return value
    return _readable(str(value))


def _readable(text: str) -> str:
    """A digest has no place to break a line at: sixteen of its digits tell it from any other."""
    return re.sub(r"[0-9a-f]{40,}", lambda found: f"{found[0][:16]}…", text)


def _specs(
    stage: Stage, rules: Iterable[Rule], dates: dg.PartitionsDefinition[str]
) -> Iterator[dg.AssetCheckSpec]:
    for rule in rules:
        yield _spec(stage.name, rule.name, rule.description, dates, blocking=rule.blocking)


def ready_spec(dates: dg.PartitionsDefinition[str]) -> dg.AssetCheckSpec:
    """The check that answers for all others."""
    return _spec(TRAINING_SHARDS.name, READY.name, DESCRIPTION, dates, blocking=False)


def _spec(
    asset: str,
    name: str,
    description: str,
    dates: dg.PartitionsDefinition[str],
    *,
    blocking: bool,
) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Partitioned checks are a preview of Dagster; what we rely on is held by our tests.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            name=name,
            asset=asset,
            description=description,
            blocking=blocking,
            partitions_def=dates,
        )
