"""`TrainingDataset`: the steps of a release or of a table version, as a training run wants them.

In: a store and the name of a release. Out: samples, batches, episodes, windows as numpy arrays.
Invariants: the order of everything is a pure function of what is passed in; what is handed out is
either new or read-only, so that no caller changes what another one reads; an argument that cannot
be honoured is an error.

What opening costs: in RAM one read, hash and decode of the release's files; from a cache one read
and hash of the release's files and one read of the cache. `verify=False` leaves out the hashing:
then sizes and the sealed manifest alone are checked.

Belongs here: the public face. Goes elsewhere: opening (`dataset_source`, `dataset_cache`), order
(`batches`), gathering (`transitions`, `sequences`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.batches import Batch, BatchStream, Dealing, deal_of
from rugs_assets.lake.dataset_episodes import EpisodeSteps
from rugs_assets.lake.dataset_items import DatasetItems
from rugs_assets.lake.dataset_opening import opened_steps
from rugs_assets.lake.dataset_source import source_of
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.shuffling import Permutation, shard_of
from rugs_assets.lake.steps import Steps
from rugs_assets.lake.tables import Lake
from rugs_assets.lake.transitions import Scale, moments_of


class TrainingDataset:
    """Steps, ready to be trained on. Made by `open`.

    Args:
        steps: the steps.
        identity: sha256 hex of what they are.
        normalisation: moments of the train rows; None: computed when asked for.
        scale: what observations are normalised by; None: they are as stored.
    """

    def __init__(
        self,
        steps: Steps,
        identity: str,
        normalisation: dict[str, Any] | None = None,
        scale: Scale | None = None,
    ) -> None:
        self.steps = steps
        self.identity = identity
        self._normalisation = normalisation
        self._scale = scale
        self._items = DatasetItems(steps, scale)

    @classmethod
    def open(
        cls,
        store: str | Path | Lake,
        *,
        release: str | None = None,
        version: int | datetime | str | None = None,
        dates: Iterable[date] | None = None,
        columns: Sequence[str] = (),
        memory_limit: int | None = None,
        cache: str | Path | None = None,
        verify: bool = True,
    ) -> TrainingDataset:
        """Open a release, or a version of the table.

        Args:
            store: folder or URL of the store.
            release: name of a release.
            version: of `training_shards`: a number, a time, or "latest". One of both is needed.
            dates: these capture dates alone; None: all.
            columns: columns beyond the tuple (`rugs_assets.lake.steps.EXTRAS`), in every batch.
            memory_limit: bytes of RAM; beyond, the steps are mapped from a cache on disk. None:
                half of what is available.
            cache: folder of that cache; None: `_cache` of the store.
            verify: compare every byte of the release with its checksum.

        Raises:
            LakeError: there is no such release or version, a byte of it is not what was written, or
                an argument cannot be honoured.
        """
        lake = store if isinstance(store, Lake) else Lake(store)
        source = source_of(lake, release, version, dates, verify=verify)
        steps = opened_steps(
            source, lake.store, columns, memory_limit=memory_limit, cache=cache, verify=verify
        )
        identity = f"{source.identity[:16]}-{source.index.digest[:16]}"
        return cls(steps, identity, source.normalisation)

    def __len__(self) -> int:
        """Decisions, of all splits."""
        return len(self._items.rows(None))

    def __getitem__(
        self, sample: int
    ) -> tuple[NDArray[np.float32], int, float, NDArray[np.float32], bool]:
        """(observation, action, reward, next observation, done) of a decision, in step order.

        Raises:
            IndexError: there is no such decision.
        """
        rows = self._items.rows(None)
        if not -len(rows) <= sample < len(rows):
            raise IndexError(f"sample {sample} of {len(rows)}")
        row = int(rows[sample])
        pair = self.steps.observations[row : row + 2]
        if self._scale is not None:
            pair = self._scale.applied(pair)
        columns = self.steps.columns
        return (
            pair[0],
            int(columns["action"][row]),
            float(columns["reward"][row]),
            pair[1],
            bool(columns["done"][row]),
        )

    def count(self, split: str | None = None) -> int:
        """Decisions of a split, of all without one."""
        return len(self._items.rows(split))

    def batches(
        self,
        batch_size: int,
        *,
        split: str | None = None,
        n_step: int = 1,
        discount: float | None = None,
        **dealing: Unpack[Dealing],
    ) -> BatchStream:
        """Every decision once an epoch.

        Args:
            batch_size: decisions a batch.
            split: train, val or test; None: all.
            n_step: decisions that a reward sums up, with `discount` (see `transitions.labels_of`).
            discount: adds `discounts`, the weight of the next observation's value.
            dealing: seed, epochs, drop_last, rank, world_size, worker, workers, reuse, resume (see
                `batches.Dealing`).

        Returns:
            An iterator over dicts of `observations` float32 (B, 36), `actions` int64 (B,),
            `rewards` float32 (B,), `next_observations` float32 (B, 36), `dones` bool (B,),
            `truncateds` bool (B,) and the columns asked for. Its `state` can be kept.

        Raises:
            LakeError: an argument cannot be honoured.
        """
        items = self._items.transitions(split, n_step, discount)
        name = f"{self.identity}/{split or 'all'}/{n_step}-step"
        return BatchStream(items, name, batch_size, dealing)

    def sample(
        self,
        batch_size: int,
        *,
        rng: np.random.Generator,
        split: str | None = None,
        n_step: int = 1,
        discount: float | None = None,
        out: Batch | None = None,
    ) -> Batch:
        """Draw decisions with replacement, each as likely as any other.

        Args:
            batch_size: how many.
            rng: the generator that they are drawn with.
            split: train, val or test; None: all.
            n_step: as in `batches`.
            discount: as in `batches`.
            out: what an earlier call of the same arguments returned, to be filled again.

        Raises:
            LakeError: there is nothing to draw from, or an argument cannot be honoured.
        """
        if not isinstance(rng, np.random.Generator):
            raise LakeError(f"rng={rng!r}: a numpy.random.Generator is needed")
        items = self._items.transitions(split, n_step, discount)
        if batch_size < 1 or not items.count:
            raise LakeError(f"{batch_size} of the {items.count} decisions of {split or 'all'}")
        batch = items.buffers(batch_size) if out is None else out
        items.gather(rng.integers(0, items.count, batch_size), batch)
        return batch

    def sequences(
        self,
        length: int,
        stride: int = 1,
        *,
        batch_size: int = 32,
        split: str | None = None,
        **dealing: Unpack[Dealing],
    ) -> BatchStream:
        """Windows of consecutive decisions of one episode, each once an epoch.

        Args:
            length: decisions a window; a shorter episode is padded with zeros, `masks` false.
            stride: decisions from the beginning of a window to the next one's.
            batch_size: windows a batch.
            split: train, val or test; None: all.
            dealing: as in `batches`.

        Returns:
            An iterator over dicts as of `batches`, each array (B, length, ...), and `masks` bool
            (B, length).

        Raises:
            LakeError: an argument cannot be honoured.
        """
        items = self._items.windows(split, length, stride)
        return BatchStream(items, f"{self.identity}/{split or 'all'}", batch_size, dealing)

    def episodes(
        self,
        *,
        split: str | None = None,
        seed: int | None = None,
        epoch: int = 0,
        rank: int = 0,
        world_size: int = 1,
    ) -> Iterator[EpisodeSteps]:
        """Whole episodes, each once, as read-only views.

        Args:
            split: train, val or test; None: all.
            seed: of the shuffling; None: in the order of play.
            epoch: which of the seed's orders it is.
            rank: this process of `world_size`; each gets its own episodes.
            world_size: processes that train together.

        Raises:
            LakeError: an argument cannot be honoured.
        """
        deal = deal_of({"seed": seed, "rank": rank, "world_size": world_size})
        chosen = self._items.chosen(split)
        positions = np.arange(*shard_of(len(chosen), *deal.shard))
        if seed is not None and len(chosen):
            positions = Permutation(len(chosen), f"{seed}/{epoch}")(positions)
        return map(self._items.episodes().at, chosen[positions].tolist())

    @property
    def normalisation(self) -> dict[str, Any]:
        """Rows, mean, std, min and max of each feature over the decisions of the train split."""
        if self._normalisation is None:
            self._normalisation = moments_of(self.steps, self._items.rows("train"))
        return self._normalisation

    def normalised(self) -> TrainingDataset:
        """The same dataset with observations less their mean, by their standard deviation.

        Both are those of the train split, so that nothing of val and test leaks. A feature that is
        constant there is only centred.

        Raises:
            LakeError: the train split is empty.
        """
        if not self.normalisation["rows"]:
            raise LakeError("nothing to normalise by: the train split has no decision")
        scale = Scale.of(self.normalisation)
        return TrainingDataset(self.steps, self.identity, self.normalisation, scale)
