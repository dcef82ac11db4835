"""Puts the graph together; the one builder that Dagster, the commands and the tests share."""

from collections.abc import Mapping

import dagster as dg

from rugs_assets.orchestration.assets import ASSETS
from rugs_assets.orchestration.automation import Policy, training_data_job
from rugs_assets.orchestration.backfills import backfill_schedule
from rugs_assets.orchestration.checks import checks_of
from rugs_assets.orchestration.daily import daily_schedule
from rugs_assets.orchestration.decoding import decoding_job, hourly_decoding
from rugs_assets.orchestration.freshness import (
    newest_date_check,
    newest_date_job,
    newest_date_schedule,
)
from rugs_assets.orchestration.late_data import late_data_sensor
from rugs_assets.orchestration.maintenance import maintenance_job, nightly_maintenance
from rugs_assets.orchestration.partitions import capture_dates
from rugs_assets.orchestration.releases import RELEASES, cut_release
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.stages import STAGES, with_policy
from rugs_assets.settings import Settings


def build_defs(
    *,
    settings: Settings | None = None,
    resources: Mapping[str, object] | None = None,
    policy: Policy | None = None,
) -> dg.Definitions:
    """The whole graph.

    Args:
        settings: Where things lie and when dates start; default: the environment's.
        resources: Put in the place of those with the same key (`captures`, `lake`).
        policy: How schedules and sensors behave; default: as the settings say.

    Raises:
        SettingsError: The environment is wrong.
    """
    settings = settings or Settings.from_environment()
    dates = capture_dates(settings.start_date)
    policy = policy or Policy(settle_seconds=settings.settle_seconds)
    given = {
        "captures": CapturesResource.of(settings),
        "lake": LakeResource(root=settings.store),
        # Dagster's default pickles values to disk. Ours hold none: rows go through the lake.
        "io_manager": dg.mem_io_manager,
        **(resources or {}),
    }
    job, decoding = training_data_job(), decoding_job(dates, policy, given)
    maintenance, newest = maintenance_job(dates, policy, given), newest_date_job()
    return dg.Definitions(
        assets=[*with_policy(ASSETS, dates), RELEASES],
        asset_checks=[
            *(checks_of(stage, dates) for stage in STAGES),
            newest_date_check(dates, policy),
        ],
        jobs=[job, cut_release, decoding, maintenance, newest],
        schedules=[
            daily_schedule(job, dates, policy),
            backfill_schedule(job, dates, policy),
            hourly_decoding(decoding, dates, policy),
            newest_date_schedule(newest),
            nightly_maintenance(maintenance),
        ],
        sensors=[late_data_sensor([job, decoding], dates, policy)],
        resources=given,
        # A fresh interpreter a step costs five times the work; dates run in parallel as runs.
        executor=dg.in_process_executor,
    )
