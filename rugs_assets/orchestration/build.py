"""Puts the graph together; the one builder that Dagster, the commands and the tests share."""

from collections.abc import Mapping

import dagster as dg

from rugs_assets.orchestration.assets import ASSETS
from rugs_assets.orchestration.automation import daily_schedule, training_data_job
from rugs_assets.orchestration.checks import checks_of
from rugs_assets.orchestration.partitions import capture_dates
from rugs_assets.orchestration.releases import RELEASES, cut_release
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.stages import STAGES, with_policy
from rugs_assets.settings import Settings


def build_defs(
    *, settings: Settings | None = None, resources: Mapping[str, object] | None = None
) -> dg.Definitions:
    """The whole graph.

    Args:
        settings: Where things lie and when dates start; default: the environment's.
        resources: Put in the place of those with the same key (`captures`, `lake`).

    Raises:
        SettingsError: The environment is wrong.
    """
    settings = settings or Settings.from_environment()
    dates = capture_dates(settings.start_date)
    job = training_data_job()
    return dg.Definitions(
        assets=[*with_policy(ASSETS, dates), RELEASES],
        asset_checks=[checks_of(stage, dates) for stage in STAGES],
        jobs=[job, cut_release],
        schedules=[daily_schedule(job, settings.start_date.isoformat())],
        resources={
            "captures": CapturesResource.of(settings),
            "lake": LakeResource(root=settings.store),
            **(resources or {}),
        },
        # A fresh interpreter a step costs five times the work; dates run in parallel as runs.
        executor=dg.in_process_executor,
    )
