"""A release with every kind of end and split, and what libraries must make of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY, Game, make_date

GAMES = tuple(Game(number, 2 + number % 5, rugs=number % 3 != 0) for number in range(1, 31))
"""Games of 2 to 6 decisions, every third without its rug; enough to meet every split."""


@dataclass(frozen=True)
class Released:
    """A release and where it lies."""

    store: Path
    name: str
    checksum: str

    def open(self, **options: Any) -> TrainingDataset:
        """Open it."""
        return TrainingDataset.open(self.store, release=self.name, **options)


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A release of two dates, 60 games."""
    lake = Lake(tmp_path_factory.mktemp("bridges") / "store")
    for day in (MONDAY, TUESDAY):
        make_date(lake, day, GAMES)
    manifest = Releases(lake).create(ReleaseRequest("spring", MONDAY, TUESDAY), BASIS)
    splits = manifest.content["counts"]["splits"]
    assert all(each["samples"] for each in splits.values())
    assert all(manifest.content["counts"]["ends"].values())
    return Released(Path(lake.root), "spring", manifest.checksum)


@pytest.fixture
def dataset(released: Released) -> TrainingDataset:
    """The release, opened."""
    return released.open()


def games_of(dataset: TrainingDataset, split: str | None) -> list[str]:
    """The game of each decision of a split, in step order."""
    return [
        episode.episode_id for episode in dataset.episodes(split=split) for _ in range(len(episode))
    ]


def rows_of(batch: dict[str, Any]) -> list[bytes]:
    """Each decision as bytes: observation, action, reward, next observation, done, truncated."""
    kinds = {"observations": "<f4", "actions": "<i8", "rewards": "<f4"}
    kinds |= {"next_observations": "<f4", "dones": "?", "truncateds": "?"}
    columns = [np.ascontiguousarray(np.asarray(batch[name]), kind) for name, kind in kinds.items()]
    return [b"".join(column[at].tobytes() for column in columns) for at in range(len(columns[0]))]


def expected_rows(dataset: TrainingDataset, split: str | None) -> list[bytes]:
    """The decisions of a split in step order, as the loader itself has them."""
    (batch,) = dataset.batches(dataset.count(split), split=split)
    return rows_of(batch)
