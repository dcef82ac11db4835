"""`rugs-assets export`: a split of a release as one file of plain numpy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rugs_assets.lake.bridges import npz
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.episode_index import SPLIT_NAMES
from rugs_assets.lake.errors import LakeError
from rugs_assets.settings import Settings


def export(
    release: Annotated[str, typer.Argument(help="Name of the release.")],
    out: Annotated[Path, typer.Argument(help="The .npz file; what is there is replaced.")],
    split: Annotated[
        str | None, typer.Option(help=f"{', '.join(SPLIT_NAMES)}; default: all of them.")
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="A column beyond the tuple, such as order_amount.")
    ] = None,
    normalised: Annotated[
        bool, typer.Option("--normalised", help="Observations less their mean, by their deviation.")
    ] = False,
    store: Annotated[
        str | None, typer.Option(help="Folder or URL of the store; default: RUGS_STORE.")
    ] = None,
) -> None:
    """Write decisions of a release to a file that numpy reads (no pickle)."""
    try:
        if out.suffix != ".npz":
            raise LakeError(f"{out}: the file must be called .npz, or numpy does not know it")
        place = Settings.from_environment().store if store is None else store
        dataset = TrainingDataset.open(place, release=release, columns=column or ())
        if normalised:
            dataset = dataset.normalised()
        npz.save(dataset, out, split)
    except LakeError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{out}: {dataset.count(split):,} decisions, {out.stat().st_size:,} bytes")
