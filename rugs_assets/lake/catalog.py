"""The tables of this project: which schema lies where, in which version and layout.

Belongs here: layout on disk and schema versions. Goes elsewhere: columns and what they mean
(`rugs_assets.domain`). Raise a table's `schema_version` whenever its columns or their meaning
change; dates stored under another are then refused on read, with the command that cures it.
"""

from __future__ import annotations

from rugs_assets.domain.episodes import EPISODES as _EPISODES
from rugs_assets.domain.events import RAW_WS_EVENTS as _RAW_WS_EVENTS
from rugs_assets.domain.events import REJECTED_INPUT as _REJECTED_INPUT
from rugs_assets.domain.observations import OBSERVATIONS as _OBSERVATIONS
from rugs_assets.domain.samples import ALIGNED_SAMPLES as _ALIGNED_SAMPLES
from rugs_assets.domain.samples import UNALIGNED_ACTIONS as _UNALIGNED_ACTIONS
from rugs_assets.domain.shard_layout import DEFAULT_SHARDS, ShardLayout
from rugs_assets.domain.shards import TRAINING_SHARDS as _TRAINING_SHARDS
from rugs_assets.lake.specs import TableSpec


def training_shards_in(layout: ShardLayout) -> TableSpec:
    """The table `training_shards` in files of a chosen size; the rows are the same in any."""
    return TableSpec(
        "training_shards",
        _TRAINING_SHARDS,
        schema_version=2,  # 2: with the number of the row in `observations`, `frame`
        row_group_rows=layout.row_group_rows,
        compression="lz4",  # decodes faster than a loader can use it, hardly larger than zstd
        dictionary=False,
        file_rows=layout.file_rows,
        keep_together="episode_id",
    )


RAW_WS_EVENTS = TableSpec("raw_ws_events", _RAW_WS_EVENTS, schema_version=1)
REJECTED_INPUT = TableSpec(
    "rejected_input",
    _REJECTED_INPUT,
    schema_version=1,
    row_group_rows=1_024,  # rows hold raw text of any length: fewer of them in memory at once
    dictionary=False,
    asset=RAW_WS_EVENTS.name,
)
EPISODES = TableSpec("episodes", _EPISODES, schema_version=1)
OBSERVATIONS = TableSpec("observations", _OBSERVATIONS, schema_version=1)
ALIGNED_SAMPLES = TableSpec("aligned_samples", _ALIGNED_SAMPLES, schema_version=1)
UNALIGNED_ACTIONS = TableSpec(
    "unaligned_actions", _UNALIGNED_ACTIONS, schema_version=1, asset=ALIGNED_SAMPLES.name
)
TRAINING_SHARDS = training_shards_in(DEFAULT_SHARDS)

TABLES = (
    RAW_WS_EVENTS,
    REJECTED_INPUT,
    EPISODES,
    OBSERVATIONS,
    ALIGNED_SAMPLES,
    UNALIGNED_ACTIONS,
    TRAINING_SHARDS,
)
"""Every table, in the order of the data flow."""
