"""What a user tunes per run, with defaults and descriptions, as the launchpad shows it.

Each class mirrors the rules of one domain stage and hands them over; the meaning stands in the
domain. The values go into the provenance of the rows, so changing one makes new content and stale
downstreams.
"""

from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from rugs_assets.domain.curves import VERSIONS
from rugs_assets.domain.features import Phase
from rugs_assets.domain.keeping import EpisodeRules
from rugs_assets.domain.rewards import REWARDS
from rugs_assets.domain.samples import SampleRules
from rugs_assets.domain.shard_layout import DEFAULT_SHARDS, ShardLayout
from rugs_assets.lake.catalog import training_shards_in
from rugs_assets.lake.specs import TableSpec


class EpisodesConfig(dg.Config):
    """Which games are kept."""

    min_ticks: int = Field(
        default=1,
        ge=1,
        description="Games with fewer distinct ticks are excluded. 1 keeps instarugs.",
    )
    admit_incomplete: bool = Field(
        default=False,
        description="Keep games whose tick 0 or rug was not captured: they start late or end"
        " truncated.",
    )

    admit_unfair: bool = Field(
        default=False,
        description="Keep games whose capture contradicts their revealed seed.",
    )
    require_player: bool = Field(
        default=False, description="Exclude games that were only watched: no own player."
    )
    require_verified: bool = Field(
        default=False,
        description="Exclude games whose seed is not known: only provably fair ones are kept.",
    )
    game_versions: list[str] = Field(
        default=[],
        description="If any are named, games of other versions are excluded: "
        + ", ".join(VERSIONS)
        + ".",
    )

    def rules(self) -> EpisodeRules:
        """The same for the domain."""
        return EpisodeRules(
            min_ticks=self.min_ticks,
            admit_incomplete=self.admit_incomplete,
            admit_unfair=self.admit_unfair,
            require_player=self.require_player,
            require_verified=self.require_verified,
            game_versions=frozenset(self.game_versions),
        )


class SamplesConfig(dg.Config):
    """Which rows are decisions and how presses find their row."""

    presale: bool = Field(default=True, description="Rows of the presale become decisions.")
    active: bool = Field(default=True, description="Rows of the running game become decisions.")
    tolerance: int = Field(
        default=1,
        ge=0,
        description="How many ticks before or after its own a press in ACTIVE may find its row.",
    )
    reward: str = Field(
        default="equity_delta",
        description="Name of the reward: " + ", ".join(REWARDS) + ".",
    )

    def rules(self) -> SampleRules:
        """The same for the domain."""
        admitted = {Phase.PRESALE: self.presale, Phase.ACTIVE: self.active}
        phases = frozenset(phase for phase, wanted in admitted.items() if wanted)
        return SampleRules(phases=phases, tolerance=self.tolerance, reward=self.reward)


class ShardsConfig(dg.Config):
    """How large the files of the shards are; the rows are the same in any."""

    file_mebibytes: int = Field(
        default=DEFAULT_SHARDS.file_mebibytes,
        ge=1,
        description="Rows of a file in memory, in MiB (on disk about a tenth). A file ends with the"
        " episode that reaches it: no episode lies in two.",
    )
    row_group_rows: int = Field(
        default=DEFAULT_SHARDS.row_group_rows,
        ge=16_384,
        le=65_536,
        description="Rows of a Parquet row group, the unit of reading.",
    )

    def table(self) -> TableSpec:
        """The table `training_shards` in files of this size."""
        return training_shards_in(
            ShardLayout(file_mebibytes=self.file_mebibytes, row_group_rows=self.row_group_rows)
        )


CONFIGS: Mapping[str, type[dg.Config]] = {
    "episodes": EpisodesConfig,
    "aligned_samples": SamplesConfig,
    "training_shards": ShardsConfig,
}
"""Asset key -> what a user tunes of it; an asset that is not named has nothing to tune."""
