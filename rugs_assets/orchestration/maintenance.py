"""Maintenance: what grows for ever otherwise is bounded, and nothing that is in use goes.

Three ops that do not wait for each other: history of runs, store, decoded captures.
"""

from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.errors import LakeBusy
from rugs_assets.lake.landing_cleaning import KEEP_HOURS, clean_decoded
from rugs_assets.lake.maintenance import RETENTION_HOURS
from rugs_assets.lake.sweeping import sweep
from rugs_assets.orchestration.automation import ALONE_TAG, ANEW, PRIORITY_TAG, Policy
from rugs_assets.orchestration.decoding import JOB_NAME as DECODING
from rugs_assets.orchestration.outlook import CAPTURES_AWAY, Outlook
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.retries import retrying_transient_faults
from rugs_assets.orchestration.run_purge import days_ago, purge_runs

JOB_NAME = "maintenance"
SCHEDULE_NAME = "maintenance_nightly"


class HistoryConfig(dg.Config):
    """How long Dagster's history is kept."""

    keep_runs_days: float = Field(
        default=60,
        ge=0,
        description="Finished runs older than this are deleted with their events and logs; those"
        " that a date's present state rests on stay.",
    )
    keep_service_days: float = Field(
        default=3,
        ge=0,
        description="The same for the runs that decode captures, and for maintenance itself.",
    )
    dry_run: bool = Field(default=False, description="Only say what would go.")


class StoreConfig(dg.Config):
    """What is taken out of the store."""

    retention_hours: int = Field(
        default=RETENTION_HOURS,
        ge=0,
        description="Table files that no version needs any more go after this time. Versions that"
        " releases rest on stay readable for ever.",
    )
    dry_run: bool = Field(default=False, description="Only say what would go.")


class DecodedConfig(dg.Config):
    """What is taken out of the decoded captures."""

    keep_hours: float = Field(
        default=KEEP_HOURS,
        ge=0,
        description="Decoded copies of captures that have changed or gone are kept this long.",
    )
    dry_run: bool = Field(default=False, description="Only say what would go.")


@dg.op(description="Old runs, their events and logs out of Dagster's databases.")
@retrying_transient_faults
def purge_history(context: dg.OpExecutionContext, config: HistoryConfig) -> None:
    """Bound Dagster's databases."""
    service = frozenset({DECODING, JOB_NAME})
    older = days_ago(config.keep_service_days)
    dry = config.dry_run
    small = purge_runs(context.instance, older_than=older, jobs=service, dry_run=dry)
    large = purge_runs(context.instance, older_than=days_ago(config.keep_runs_days), dry_run=dry)
    context.add_output_metadata(
        {
            "deleted": len(small.deleted | large.deleted),
            "kept_as_last_state": large.kept,
            "dry_run": dry,
        }
    )


@dg.op(description="Files that no version needs out of the tables; what killed writers left.")
@retrying_transient_faults
def tidy_store(
    context: dg.OpExecutionContext,
    config: StoreConfig,
    captures: CapturesResource,
    lake: LakeResource,
) -> None:
    """Vacuum every table and sweep."""
    opened = lake.open()
    told: dict[str, Any] = {}
    busy: list[str] = []
    for table in TABLES:
        try:
            done = opened.vacuum(
                table, retention_hours=config.retention_hours, dry_run=config.dry_run
            )
            told[table.name] = len(done.files)
        except LakeBusy as error:  # the next night will do
            busy.append(table.name)
            context.log.warning("%s was left alone: %s", table.name, error)
    swept = sweep(opened.store, landing=Path(captures.cache), dry_run=config.dry_run)
    told |= {
        "left_by_killed_processes": len(swept.paths),
        "busy": dg.MetadataValue.json(sorted({*busy, *swept.busy})),
        "dry_run": config.dry_run,
    }
    context.add_output_metadata(told)


def maintenance_job(
    dates: dg.PartitionsDefinition[str], policy: Policy, resources: dict[str, object]
) -> dg.JobDefinition:
    """Bounds what grows: history of runs, files of old versions, decoded copies of old captures."""

    @dg.op(description="Decoded copies of captures that have changed or gone, out of the cache.")
    @retrying_transient_faults
    def tidy_captures(
        context: dg.OpExecutionContext,
        config: DecodedConfig,
        captures: CapturesResource,
        lake: LakeResource,
    ) -> None:
        """Clean the cache of the decoded captures."""
        try:
            Outlook(captures, lake, dates, policy).listing()
        except CAPTURES_AWAY as gone:  # everything would look unused
            context.log.warning("The decoded captures were left alone: %s", gone)
            return
        used = [unit.events for unit in captures.look().units]
        cleaned = clean_decoded(
            Path(captures.cache),
            used,
            now=policy.clock(),
            keep_hours=config.keep_hours,
            dry_run=config.dry_run,
        )
        context.add_output_metadata(
            {
                "removed": len(cleaned.entries),
                "bytes": cleaned.bytes,
                "removed_later": cleaned.waiting,
                "dry_run": cleaned.dry_run,
            }
        )

    @dg.job(
        name=JOB_NAME,
        description=maintenance_job.__doc__,
        tags={**ANEW, ALONE_TAG: JOB_NAME, PRIORITY_TAG: "-2"},
        resource_defs=dict(resources),
    )
    def maintenance() -> None:
        purge_history()
        tidy_store()
        tidy_captures()

    return maintenance


def nightly_maintenance(job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Every night, when yesterday is done; off until it is switched on in the UI."""
    return dg.ScheduleDefinition(
        name=SCHEDULE_NAME,
        job=job,
        cron_schedule="30 4 * * *",
        execution_timezone="UTC",
        description="Old runs, files of old versions and old decoded captures are removed.",
    )
