"""Cutting a release from the UI: a job with typed configuration, and the asset that it tells of.

A release spans many dates and is named by a person, so it is a job of its own and no partition of
the graph. `releases` stands at the end of the graph as an asset that Dagster does not compute: each
release that the job cuts is one materialization of it, with what it holds as metadata. Releases
that `rugs-assets release create` cuts lie in the same place and are not told here.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.release_manifest import Manifest, ReleaseRefused
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.orchestration.release_basis import BASIS
from rugs_assets.orchestration.resources import LakeResource
from rugs_assets.orchestration.stages import GROUP, OWNERS, TRAINING_SHARDS

JOB_NAME = "cut_release"

RELEASES = dg.AssetSpec(
    "releases",
    deps=[TRAINING_SHARDS.name],
    group_name=GROUP,
    owners=list(OWNERS),
    kinds={"parquet"},
    tags={"grain": "release"},
    description="Named, immutable sets of dates that a training run cites. Cut one with the job"
    f" `{JOB_NAME}` or with `rugs-assets release create`.",
)


class ReleaseConfig(dg.Config):
    """What a release is to hold."""

    name: str = Field(description="How it is called; letters, digits, '.', '_' and '-'.")
    first: str = Field(alias="from", description="First capture date, such as 2025-12-15.")
    last: str = Field(alias="to", description="Last capture date, which is taken too.")
    where: list[str] = Field(
        default=[],
        description="Conditions on the columns of `episodes` that all must hold, such as"
        " 'has_player = true' or 'peak_price >= 2'; none takes every episode.",
    )
    skip_absent: bool = Field(
        default=False, description="Leave out dates of which no table holds anything."
    )

    def request(self) -> ReleaseRequest:
        """The same for the lake.

        Raises:
            ValueError: A date is none.
        """
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        return ReleaseRequest(self.name, first, last, tuple(self.where), self.skip_absent)


@dg.op(description="Judges every date, then publishes the release, whole or not at all.")
def release(context: dg.OpExecutionContext, config: ReleaseConfig, lake: LakeResource) -> None:
    """Cut one release and tell of it."""
    releases = Releases(lake.open())
    try:
        manifest = releases.create(
            config.request(), BASIS, progress=lambda day: context.log.info(f"{day} is fit")
        )
    except ReleaseRefused as error:
        raise _refused(str(error), error.problems) from error
    except (LakeError, ValueError) as error:
        raise _refused(str(error), [str(error)]) from error
    told = metadata_of(manifest, str(releases.folder(config.name)))
    context.log_event(dg.AssetMaterialization(RELEASES.key, config.name, metadata=told))


@dg.job(
    name=JOB_NAME,
    description="Cuts a release: a named, immutable set of dates that a training run cites. It is"
    " refused, with the commands that cure it, where a date is missing, stale or breaks a rule.",
)
def cut_release() -> None:
    """Cut a release."""
    release()


def metadata_of(manifest: Manifest, folder: str) -> dict[str, Any]:
    """What the UI shows of a release."""
    content = manifest.content
    counts = content["counts"]
    return {
        "release": manifest.name,
        "checksum": manifest.checksum,
        "dates": f"{content['dates'][0]} to {content['dates'][-1]} ({len(content['dates'])})",
        "left_out": ", ".join(content["absent_dates"]) or "no date",
        "where": " and ".join(content["where"]) or "every episode",
        "episodes": counts["episodes"],
        "samples": counts["samples"],
        "counts": dg.MetadataValue.json(counts),
        "reward": dg.MetadataValue.json(content["reward"]),
        "tables": dg.MetadataValue.json(dict(manifest.tables)),
        "rules": _rules_table(content["checks"]),
        "files": len(manifest.files),
        "bytes": sum(file.bytes for file in manifest.files),
        "dagster/uri": dg.MetadataValue.path(folder),
        "open_it": f'TrainingDataset.open(store, release="{manifest.name}")',
    }


def _rules_table(checks: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [dg.TableRecord(dict(check)) for check in checks],
        dg.TableSchema([dg.TableColumn(name) for name in checks[0]] if checks else []),
    )


def _refused(description: str, problems: Sequence[str]) -> dg.Failure:
    shown = "\n".join(f"- {line}" for line in problems)
    return dg.Failure(
        description=description,
        metadata={"problems": dg.MetadataValue.md(shown)},
        allow_retries=False,  # the same store gives the same answer
    )
