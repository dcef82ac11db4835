"""What can be asked of steps: single decisions, batches, draws, windows, episodes.

In: steps as arrays. Out: numpy arrays. Invariants: the order of everything is a pure function of
what is passed in; what is handed out is either new or read-only, so that no caller changes what
another one reads; an argument that cannot be honoured is an error.

Belongs here: the verbs of a dataset. Goes elsewhere: opening one (`dataset`), order (`batches`),
gathering (`transitions`, `sequences`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from rugs_assets.lake.arguments import numbers, refilled, whole
from rugs_assets.lake.batches import Batch, BatchStream, Dealing, deal_of
from rugs_assets.lake.dataset_episodes import EpisodeSteps
from rugs_assets.lake.dataset_items import DatasetItems
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.shuffling import Permutation, shard_of
from rugs_assets.lake.steps import Steps
from rugs_assets.lake.transitions import Scale

Transition = tuple[NDArray[np.float32], int, float, NDArray[np.float32], bool]
"""(observation, action, reward, next observation, done)."""


class DealtSteps:
    """Steps, ready to be dealt.

    Args:
        steps: the steps.
        identity: sha256 hex of what they are.
        scale: what observations are normalised by; None: they are as stored.
    """

    def __init__(self, steps: Steps, identity: str, scale: Scale | None = None) -> None:
        self.steps = steps
        self.identity = identity
        self._scale = scale
        self._items = DatasetItems(steps, scale)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is computed from the steps when it is needed."""
        return {name: value for name, value in self.__dict__.items() if name != "_items"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Read-only as before: an unpickled array can be written to."""
        self.__dict__.update(state)
        self.steps.sealed()
        self._items = DatasetItems(self.steps, self._scale)

    @property
    def scale(self) -> Scale | None:
        """What observations are normalised by; None: they are as stored."""
        return self._scale

    def __len__(self) -> int:
        """Decisions, of all splits."""
        return len(self._items.rows(None))

    def __getitem__(self, sample: int) -> Transition:
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

    def __iter__(self) -> Iterator[Transition]:
        """Every decision in step order."""
        return map(self.__getitem__, range(len(self)))

    def batch(self, samples: NDArray[np.int64], split: str | None = None) -> Batch:
        """The decisions with these numbers, as in `batches`; new arrays.

        Args:
            samples: numbers of decisions, of all of them or within a split.
            split: train, val or test; None: all.

        Raises:
            IndexError: there is no such decision.
        """
        samples = numbers("samples", samples)
        items = self._items.transitions(split, 1, None)
        if len(samples) and not (samples.min() >= 0 and samples.max() < items.count):
            raise IndexError(f"samples {samples.min()} to {samples.max()} of {items.count}")
        made = items.buffers(len(samples))
        items.gather(samples, made)
        return made

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
        batch_size = whole("batch_size", batch_size, 1)
        if not items.count:
            raise LakeError(f"{batch_size} of the {items.count} decisions of {split or 'all'}")
        if out is not None:
            refilled(out, items.looks, batch_size)
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
        epoch = whole("epoch", epoch, 0)
        deal = deal_of({"seed": seed, "rank": rank, "world_size": world_size})
        chosen = self._items.chosen(split)
        positions = np.arange(*shard_of(len(chosen), *deal.shard))
        if seed is not None and len(chosen):
            positions = Permutation(len(chosen), f"{deal.seed}/{epoch}")(positions)
        return map(self._items.episodes().at, chosen[positions].tolist())
