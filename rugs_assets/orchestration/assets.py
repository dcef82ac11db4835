"""The five asset bodies; each is four moves: read the date, one domain call, write, tell.

What the assets have in common (partitions, group, owners, descriptions, schema) is in `stages`.
An `if` about the data belongs in the domain.
"""

from typing import Any

import dagster as dg

from rugs_assets.domain.episodes import GAME_COLUMNS, episodes_of
from rugs_assets.domain.observations import EVENT_COLUMNS, observations_of
from rugs_assets.domain.own_play import PLAY_COLUMNS, played_events
from rugs_assets.domain.samples import DECISION_COLUMNS, SamplePass
from rugs_assets.domain.shards import STEP_LABEL_COLUMNS, STEP_ROW_COLUMNS, shards_of
from rugs_assets.lake import catalog
from rugs_assets.lake.accounting import tally_of
from rugs_assets.lake.shard_manifests import manifest_uri, write_manifest
from rugs_assets.orchestration import shown, stages
from rugs_assets.orchestration.day import Day
from rugs_assets.orchestration.readiness import unready_when_failed
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.retries import retrying_transient_faults
from rugs_assets.orchestration.rules import assert_inputs
from rugs_assets.orchestration.tuning import EpisodesConfig, SamplesConfig, ShardsConfig

Result = dg.MaterializeResult[Any]
HOOKS = {unready_when_failed}


@dg.asset(hooks=HOOKS)
@retrying_transient_faults
def raw_ws_events(
    context: dg.AssetExecutionContext, captures: CapturesResource, lake: LakeResource
) -> Result:
    """Capture files -> typed events and what was rejected."""
    day = Day.of(context.partition_key, lake.open())
    inventory = captures.look()
    found = inventory.select(day.date)
    stage, run_id, digest = stages.RAW_WS_EVENTS, context.run.run_id, found.input_digest
    counted = found.tally()
    rejected = day.write(
        stage, found.rejected(), run_id, into=catalog.REJECTED_INPUT, input_digest=digest
    )
    tally = tally_of(counted, lost=sum(file.lost for file in inventory.files))
    events = day.write(stage, found.events(), run_id, input_digest=digest, tally=tally)
    told = {**shown.of_raw_ws_events(day, counted), "rejected_rows": rejected.rows}
    return day.result(stage, events, told, input_bytes=sum(file.size for file in found.files))


@dg.asset(deps=stages.EPISODES.deps, hooks=HOOKS)
@retrying_transient_faults
def episodes(
    context: dg.AssetExecutionContext, config: EpisodesConfig, lake: LakeResource
) -> Result:
    """Events -> games."""
    day = Day.of(context.partition_key, lake.open())
    games = episodes_of(day.batches(catalog.RAW_WS_EVENTS, GAME_COLUMNS), config.rules())
    commit = day.write(
        stages.EPISODES, games.to_batches(), context.run.run_id, config=config.model_dump()
    )
    return day.result(stages.EPISODES, commit, shown.of_episodes(day))


@dg.asset(deps=stages.OBSERVATIONS.deps, hooks=HOOKS)
@retrying_transient_faults
def observations(context: dg.AssetExecutionContext, lake: LakeResource) -> Result:
    """Frames -> 36 features."""
    day = Day.of(context.partition_key, lake.open())
    games = day.table(catalog.EPISODES)
    rows = observations_of(day.batches(catalog.RAW_WS_EVENTS, EVENT_COLUMNS), games)
    commit = day.write(stages.OBSERVATIONS, rows, context.run.run_id)
    return day.result(stages.OBSERVATIONS, commit, shown.of_observations(day))


@dg.asset(deps=stages.ALIGNED_SAMPLES.deps, hooks=HOOKS)
@retrying_transient_faults
def aligned_samples(
    context: dg.AssetExecutionContext, config: SamplesConfig, lake: LakeResource
) -> Result:
    """Rows and presses -> decisions, and presses that no row carries."""
    day = Day.of(context.partition_key, lake.open())
    games = day.table(catalog.EPISODES)
    names, events = (
        day.batches(catalog.RAW_WS_EVENTS, ["event"]),
        day.batches(catalog.RAW_WS_EVENTS, PLAY_COLUMNS),
    )
    played = played_events(games, names, events)
    rows = day.batches(catalog.OBSERVATIONS, DECISION_COLUMNS)
    alignment = SamplePass(rows, played, games, config.rules())
    stage, run_id, tuned = stages.ALIGNED_SAMPLES, context.run.run_id, config.model_dump()
    commit = day.write(stage, alignment.samples(), run_id, config=tuned)
    day.write(
        stage,
        alignment.unaligned().to_batches(),
        run_id,
        into=catalog.UNALIGNED_ACTIONS,
        config=tuned,
    )
    return day.result(stage, commit, shown.of_aligned_samples(day))


@dg.asset(deps=stages.TRAINING_SHARDS.deps, hooks=HOOKS)
@retrying_transient_faults
def training_shards(
    context: dg.AssetExecutionContext,
    config: ShardsConfig,
    captures: CapturesResource,
    lake: LakeResource,
) -> Result:
    """Decisions -> steps in order of play, split by game."""
    day = Day.of(context.partition_key, lake.open())
    assert_inputs(day, stages.TRAINING_SHARDS, captures)
    games = day.table(catalog.EPISODES)
    rows = day.batches(catalog.OBSERVATIONS, STEP_ROW_COLUMNS)
    decisions = day.batches(catalog.ALIGNED_SAMPLES, STEP_LABEL_COLUMNS)
    commit = day.write(
        stages.TRAINING_SHARDS,
        shards_of(rows, decisions, games),
        context.run.run_id,
        into=config.table(),
        config=config.model_dump(),
    )
    manifest = write_manifest(day.lake, commit)
    told = shown.of_training_shards(day, manifest, manifest_uri(day.lake, day.date))
    return day.result(stages.TRAINING_SHARDS, commit, told)


ASSETS = (raw_ws_events, episodes, observations, aligned_samples, training_shards)
"""In the order of the data flow."""
