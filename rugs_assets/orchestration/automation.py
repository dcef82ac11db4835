"""The job over everything, and how automation asks for runs of it.

Who decides when: `daily` (yesterday), `late_data` (the capture folder changed), `backfills` (what
is missing, stale or failed). What is due is decided in `lake.due`, from the rows that are stored;
here a decision becomes a run request. The same date is never at work twice: whoever asks looks at
what is queued and running, and the queue itself runs one run a date at a time (dagster.yaml).
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.due import Patience, Verdict
from rugs_assets.orchestration.history import WANTS_TAG, Past
from rugs_assets.orchestration.stages import STAGES
from rugs_assets.orchestration.tuning import CONFIGS

JOB_NAME = "training_data"
REASON_TAG = "rugs_assets/reason"
NEWEST_DATE = dg.AssetCheckKey(dg.AssetKey(TRAINING_SHARDS.name), "newest_date_is_stored")
PRIORITY_TAG = "dagster/priority"
ANEW = {"dagster/retry_strategy": "ALL_STEPS"}
"""On every job: a run that is started again after its process died starts at its beginning. Dagster
would go on at the step that failed, and can so only where steps hand over results in files."""
ALONE_TAG = "rugs_assets/alone"
"""Of the runs with one value of this tag, the queue runs one at a time (dagster.yaml)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How automation behaves; the same for every schedule and sensor.

    Attributes:
        settle_seconds: a capture counts as whole when nobody has written to it for this long.
        look_seconds: captures are decoded by a run of its own at most this often.
        at_once: how many runs automation has queued or running at the same time.
        patience: how often a date is tried again.
        sensor_seconds: how often the sensor looks at the capture folder.
        backfill_cron: when the backfill schedule looks at all dates (UTC).
        clock: the time [seconds since 1970].
    """

    settle_seconds: float = 60.0
    look_seconds: float = 120.0
    at_once: int = 10
    patience: Patience = field(default_factory=Patience)
    sensor_seconds: int = 30
    backfill_cron: str = "*/15 * * * *"
    clock: Callable[[], float] = time.time


def training_data_job() -> UnresolvedAssetJobDefinition:
    """All five assets and their checks for one date; what `dagster job backfill` is given."""
    return dg.define_asset_job(
        JOB_NAME,
        # The check of the newest date is about another date than that of the run.
        selection=dg.AssetSelection.assets(*(stage.name for stage in STAGES))
        - dg.AssetSelection.checks(NEWEST_DATE),
        tags=ANEW,
        description="One date from capture files to training shards, with every check.",
    )


def request_for(verdict: Verdict, past: Past, *, priority: int) -> dg.RunRequest:
    """The run that makes a date up to date.

    Its key names the outcome and what went before, so that two looks at the same state ask for one
    run, and the same outcome can be asked for again once something else has happened.

    Args:
        verdict: what is to be done.
        past: what was tried before.
        priority: of two queued runs that with the higher one goes first; a person's have 0.
    """
    everything = len(verdict.assets) == len(STAGES)
    return dg.RunRequest(
        run_key=f"{verdict.day}-{verdict.wants}-{past.newest[:8] or 'first'}",
        job_name=JOB_NAME,
        partition_key=verdict.day.isoformat(),
        asset_selection=None if everything else [dg.AssetKey(name) for name in verdict.assets],
        run_config={"ops": kept_settings(verdict.configs)},
        tags={
            WANTS_TAG: verdict.wants,
            REASON_TAG: verdict.reason,
            PRIORITY_TAG: str(priority),
        },
    )


def kept_settings(configs: Mapping[str, str]) -> dict[str, dict[str, dict[str, object]]]:
    """Run config with the settings that rows were made with, where they are not the defaults.

    Settings that the code no longer knows are left out.
    """
    ops: dict[str, dict[str, dict[str, object]]] = {}
    for asset, text in configs.items():
        config = CONFIGS.get(asset)
        if config is None:
            continue
        defaults = config().model_dump()
        stored = {name: value for name, value in json.loads(text).items() if name in defaults}
        if {**defaults, **stored} != defaults:
            ops[asset] = {"config": stored}
    return ops
