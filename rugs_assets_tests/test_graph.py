"""The whole graph as a picture small enough to review: what changes it shows here."""

import dagster as dg

from rugs_assets.orchestration.automation import NEWEST_DATE
from rugs_assets.orchestration.build import build_defs
from rugs_assets.settings import Settings

PICTURE = """\
raw_ws_events <- captures
  ? captures_hold_the_date
  ! every_line_accounted_for
  ! schema_as_declared
episodes <- raw_ws_events
  ? constant_within_games
  ! games_of_this_date
  ? peaks_agree
  ? provably_fair
  ! schema_as_declared
observations <- episodes raw_ws_events
  ! features_as_declared
  ! features_finite
  ? features_in_range
  ? features_observed
  ? features_steady
  ! games_encoded
  ? phases_in_order
  ! rows_in_order
  ? rug_row_is_last
  ! schema_as_declared
  ? ticks_in_order
aligned_samples <- episodes observations raw_ws_events
  ! games_end_once
  ! presses_accounted_for
  ! rows_in_order
  ! schema_as_declared
  ! ticks_ascend
training_shards <- aligned_samples episodes observations
  ! episodes_exist
  ! episodes_of_steps
  ! features_as_declared
  ! features_finite
  ? newest_date_is_stored
  ? ready_to_train
  ! rows_in_order
  ! schema_as_declared
  ! steps_are_the_rows
releases <- training_shards
job check_newest_date
job cut_release
job decode_captures
job maintenance
job training_data
schedule check_newest_date_daily at 10 3 * * *
schedule decode_captures_hourly at 50 * * * *
schedule maintenance_nightly at 30 4 * * *
schedule training_data_backfill at */15 * * * *
schedule training_data_daily at 0 1 * * *
sensor late_data"""
"""`!`: a check that blocks the assets after it, `?`: one that does not."""


def picture(defs: dg.Definitions) -> str:
    """Assets with what they read and their checks, then jobs, schedules and sensors."""
    graph = defs.resolve_asset_graph()
    lines: list[str] = []
    for key in graph.toposorted_asset_keys:
        parents = sorted(parent.to_user_string() for parent in graph.get(key).parent_keys)
        lines.append(f"{key.to_user_string()} <- {' '.join(parents) or 'captures'}")
        checks = sorted(graph.get_check_keys_for_assets({key}), key=lambda check: check.name)
        for check in checks:
            mark = "!" if graph.get_check_spec(check).blocking else "?"
            lines.append(f"  {mark} {check.name}")
    repository = defs.get_repository_def()
    lines += [f"job {name}" for name in sorted(repository.job_names) if not name.startswith("__")]
    lines += [f"schedule {s.name} at {s.cron_schedule}" for s in repository.schedule_defs]
    lines += [f"sensor {s.name}" for s in repository.sensor_defs]
    return "\n".join(lines)


def test_the_graph_is_the_one_that_was_reviewed() -> None:
    assert picture(build_defs(settings=Settings.from_environment({}))) == PICTURE


def test_everything_is_partitioned_by_the_same_dates_and_dressed_alike() -> None:
    defs = build_defs(settings=Settings.from_environment({"RUGS_START_DATE": "2025-11-30"}))
    graph = defs.resolve_asset_graph()
    assets = [graph.get(key) for key in graph.executable_asset_keys]
    checks = [graph.get_check_spec(key) for key in graph.asset_check_keys - {NEWEST_DATE}]
    dates = {str(asset.partitions_def) for asset in assets}
    dates |= {str(check.partitions_def) for check in checks}
    assert len(dates) == 1
    for asset in assets:
        assert asset.partitions_def is not None
        assert asset.partitions_def.get_first_partition_key() == "2025-11-30"
        assert asset.group_name == "training_data"
        assert asset.owners == ["team:rugs-data"]
        assert asset.code_version
        assert asset.description
        assert asset.kinds
        assert asset.freshness_policy is not None
        assert "dagster/column_schema" in asset.metadata
        # With a policy of one run a range, evaluations are recorded without their partition.
        assert asset.backfill_policy is None
