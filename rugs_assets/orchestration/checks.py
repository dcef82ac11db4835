"""Asset checks generated from `rules`, one op an asset, partition by partition.

A check has the partitions of its asset: without them it would judge another date than the one
that the run has just written. The evaluation carries how often the rule is broken, the first
offenders and what to do about it.
"""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from rugs_assets.domain.violations import Violations
from rugs_assets.orchestration.day import Day
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.rules import RULES, Rule
from rugs_assets.orchestration.stages import Stage


def checks_of(stage: Stage, dates: dg.PartitionsDefinition[str]) -> dg.AssetChecksDefinition:
    """Every check of one asset, in one op that opens the store once."""
    rules = {rule.name: rule for rule in RULES[stage.name]}

    @dg.multi_asset_check(
        name=f"{stage.name}_checks",
        specs=list(_specs(stage, rules.values(), dates)),
        can_subset=True,  # so that a single check can be executed in the UI
    )
    def run(
        context: dg.AssetCheckExecutionContext, captures: CapturesResource, lake: LakeResource
    ) -> Iterator[dg.AssetCheckResult]:
        day = Day.of(context.op_execution_context.partition_key, lake.open())
        for name in sorted(key.name for key in context.selected_asset_check_keys):
            yield result_of(stage, rules[name], rules[name].judge(day, captures))

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
        description=None if found.ok else str(found),
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
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _specs(
    stage: Stage, rules: Iterable[Rule], dates: dg.PartitionsDefinition[str]
) -> Iterator[dg.AssetCheckSpec]:
    with warnings.catch_warnings():
        # Partitioned checks are a preview of Dagster; what we rely on is held by our tests.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        for rule in rules:
            yield dg.AssetCheckSpec(
                name=rule.name,
                asset=stage.name,
                description=rule.description,
                blocking=rule.blocking,
                partitions_def=dates,
            )
