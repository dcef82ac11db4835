"""The policy of the whole graph in one place: what each asset is made of, shown as and owned by.

The asset bodies stand in `assets`; what is the same for all of them (group, owners, kinds, tags,
schema, partitions) is mapped over them here and is repeated nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import dagster as dg

from rugs_assets.domain.features import features_digest
from rugs_assets.lake import catalog
from rugs_assets.lake.specs import TableSpec
from rugs_assets.orchestration.metadata import column_schema

GROUP = "training_data"
OWNERS = ("team:rugs-data",)
FRESHNESS = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=36), warn_window=timedelta(hours=26)
)
"""An asset that nothing was written to for so long is overdue. Any date satisfies it, also a late
one: whether the newest is there is asked by a check (`freshness`)."""
_FEATURES = f"features-{features_digest()[:8]}"
"""Part of the code version of whatever holds features: another list makes stored dates stale."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One asset of the graph.

    Attributes:
        table: The table it writes; its name is the asset key.
        inputs: The tables it reads, in the order of the graph.
        side_table: The table beside it that says what was not used, and why.
        code_version: Goes up when the same input would give other rows; marks dates as stale.
        grain: What one row is.
        alignment: How decisions and what they led to stand to each other, where there are any.
        kinds: The tags that the UI shows as icons.
        description: In, out and what it promises, for the UI.
    """

    table: TableSpec
    code_version: str
    grain: str
    kinds: frozenset[str]
    description: str
    inputs: tuple[TableSpec, ...] = ()
    side_table: TableSpec | None = field(default=None)
    alignment: str | None = None

    @property
    def name(self) -> str:
        """The asset key."""
        return self.table.name

    @property
    def deps(self) -> list[str]:
        """The keys of the assets it reads."""
        return [table.name for table in self.inputs]


RAW_WS_EVENTS = Stage(
    table=catalog.RAW_WS_EVENTS,
    side_table=catalog.REJECTED_INPUT,
    code_version="1",
    grain="event",
    kinds=frozenset({"python", "deltalake"}),
    description="Capture files -> typed events of the date's games, from whatever format they"
    " were recorded in, plus the last state before them (`is_context`). Lines that could not be"
    " used are in `rejected_input` with the reason; lines read = kept + duplicates + rejected.",
)
EPISODES = Stage(
    table=catalog.EPISODES,
    inputs=(catalog.RAW_WS_EVENTS,),
    code_version="1",
    grain="game",
    kinds=frozenset({"python", "deltalake"}),
    description="Events -> games: where each starts and ends, whether it is whole, which session"
    " saw it best, whether its price curve is provably fair, and why it is excluded if it is.",
)
OBSERVATIONS = Stage(
    table=catalog.OBSERVATIONS,
    inputs=(catalog.RAW_WS_EVENTS, catalog.EPISODES),
    code_version=f"2-{_FEATURES}",
    grain="frame",
    kinds=frozenset({"numpy", "deltalake"}),
    description="Frames -> 36 float32 features, all finite, and a bitmask of what was observed."
    " Causal: a row depends only on what had arrived by then.",
)
ALIGNED_SAMPLES = Stage(
    table=catalog.ALIGNED_SAMPLES,
    inputs=(catalog.RAW_WS_EVENTS, catalog.EPISODES, catalog.OBSERVATIONS),
    side_table=catalog.UNALIGNED_ACTIONS,
    alignment="SAR: observation_t, action_t and reward_t stand at index t; the next observation is"
    " the next row of the same game, so n rows give n - 1 samples",
    code_version="1",
    grain="decision",
    kinds=frozenset({"numpy", "deltalake"}),
    description="Rows of kept games + button presses -> decisions with reward, done and truncated. "
    "Presses that no row carries are in `unaligned_actions`; presses in = aligned + unaligned.",
)
TRAINING_SHARDS = Stage(
    table=catalog.TRAINING_SHARDS,
    alignment="SAR: observation_t, action_t and reward_t stand at step t; the next observation is"
    " the next row of the episode, and its last row (is_last) is no decision",
    inputs=(catalog.EPISODES, catalog.OBSERVATIONS, catalog.ALIGNED_SAMPLES),
    code_version=f"1-{_FEATURES}",
    grain="step",
    kinds=frozenset({"parquet", "deltalake"}),
    description="Samples -> steps in order of play, each once, with the split of their game; the"
    " next observation is the next row of the episode. It asserts its inputs itself before it"
    " writes.",
)
STAGES = (RAW_WS_EVENTS, EPISODES, OBSERVATIONS, ALIGNED_SAMPLES, TRAINING_SHARDS)
"""Every asset, in the order of the data flow."""

_BY_NAME = {stage.name: stage for stage in STAGES}


def stage_of(name: str) -> Stage:
    """The stage with that asset key."""
    return _BY_NAME[name]


def with_policy(
    assets: Iterable[dg.AssetsDefinition], dates: dg.PartitionsDefinition[str]
) -> Sequence[dg.AssetsDefinition]:
    """The same assets with everything that `STAGES` says about them."""

    def dressed(spec: dg.AssetSpec) -> dg.AssetSpec:
        stage = stage_of(spec.key.to_user_string())
        return spec.replace_attributes(
            group_name=GROUP,
            owners=list(OWNERS),
            kinds=set(stage.kinds),
            tags={"grain": stage.grain},
            description=stage.description,
            code_version=stage.code_version,
            freshness_policy=FRESHNESS,
            partitions_def=dates,
            metadata={
                "dagster/column_schema": column_schema(stage.table),
                "schema_version": stage.table.schema_version,
                **({"side_table": stage.side_table.name} if stage.side_table else {}),
                **({"alignment": stage.alignment} if stage.alignment else {}),
            },
        )

    return dg.map_asset_specs(dressed, assets)
