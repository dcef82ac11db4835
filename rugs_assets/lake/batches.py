"""Batches in an order that can be cited: shuffled without replacement, sharded, resumable.

In: numbered items (transitions, windows) and how they are to be dealt. Out: batches, and at any
time a small state from which the same stream goes on at the same sample. Invariants: the order is a
pure function of (seed, epoch, rank, world size, worker, workers); in an epoch every item comes
exactly once over all ranks and workers (but for what `drop_last` drops); unshuffled, items come in
their own order; no global generator is touched.

Belongs here: order, epochs, shards, state. Goes elsewhere: permutations (`shuffling`), what an item
is (`transitions`, `sequences`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol, TypedDict

import numpy as np

from rugs_assets.lake.arguments import flag, whole
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.shuffling import Permutation, Positions, shard_of
from rugs_assets.lake.steps import Array

Batch = dict[str, Array]
_GATHERED = 2_048  # rows gathered at once: two such blocks of observations fit the cache
_ORDERED = 16_384  # positions whose items are computed at once


class Items(Protocol):
    """Numbered things that can be gathered into arrays."""

    kind: str
    count: int
    rows: int  # of each item

    def buffers(self, size: int) -> Batch:
        """Arrays for `size` items."""

    def gather(self, items: Positions, out: Batch) -> None:
        """Put items into buffers of exactly that many."""


@dataclass(frozen=True, slots=True)
class Deal:
    """How items are dealt; all that the order depends on beside the items themselves.

    Attributes:
        seed: of the shuffling, None: unshuffled.
        rank: this process of `world_size`.
        world_size: processes that train together.
        worker: this loader of `workers` in the process.
        workers: loaders in each process.
    """

    seed: int | None = None
    rank: int = 0
    world_size: int = 1
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        # As Python's own numbers: numpy's 1 is the same order, and no JSON.
        if self.seed is not None:
            object.__setattr__(self, "seed", whole("seed", self.seed))
        for one, of in (("rank", "world_size"), ("worker", "workers")):
            at, count = (whole(name, getattr(self, name)) for name in (one, of))
            object.__setattr__(self, one, at)
            object.__setattr__(self, of, count)
            if not 0 <= at < count:
                raise LakeError(f"{one}={at} of {of}={count}: it must be at least 0 and below")

    @property
    def shard(self) -> tuple[int, int]:
        """This loader's number, and how many there are in all."""
        return self.rank * self.workers + self.worker, self.world_size * self.workers


def deal_of(dealing: Mapping[str, Any]) -> Deal:
    """The part of keyword arguments that is the order.

    Raises:
        LakeError: it cannot be honoured.
    """
    return Deal(**{each.name: dealing[each.name] for each in fields(Deal) if each.name in dealing})


@dataclass(frozen=True, slots=True)
class LoaderState:
    """Where a stream stands: plain values, for a checkpoint.

    Attributes:
        items: what is dealt: dataset, split and kind, so that no other stream is resumed by it.
        epoch: the epoch of the next batch.
        position: samples of this shard that the epoch has delivered.
    """

    items: str
    seed: int | None
    rank: int
    world_size: int
    worker: int
    workers: int
    epoch: int
    position: int

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, said: Any) -> LoaderState:
        """Read what `to_dict` made.

        Raises:
            LakeError: it is not a state of a loader.
        """
        if not isinstance(said, dict) or said.keys() != {field.name for field in fields(cls)}:
            raise LakeError(f"not the state of a loader: {said!r}")
        for name in said.keys() - {"items"}:
            if said[name] is not None or name != "seed":
                whole(name, said[name])
        return cls(**said)


class Dealing(TypedDict, total=False):
    """How batches are dealt: the keyword arguments that all streams of a dataset share.

    Attributes:
        seed: of the shuffling; None: unshuffled, in exact step order.
        rank: this process of `world_size`; each gets its own items.
        world_size: processes that train together.
        worker: this loader of `workers` in the process.
        workers: loaders in each process.
        epochs: epochs in all, 1 when not given, None: without end.
        drop_last: leave out the smaller last batch; then all shards yield equally many batches.
        reuse: hand out the same arrays again and again; a batch is then valid until the next one.
        resume: `state` of an earlier stream of the same arguments; it goes on there.
    """

    seed: int | None
    rank: int
    world_size: int
    worker: int
    workers: int
    epochs: int | None
    drop_last: bool
    reuse: bool
    resume: LoaderState | None


class BatchStream(Iterator[Batch]):
    """An iterator over batches that knows where it stands.

    Args:
        items: what is dealt.
        identity: what the items are, for the state.
        batch_size: items a batch; the last one of an epoch may be smaller.
        dealing: the rest.

    Raises:
        LakeError: an argument cannot be honoured.
    """

    def __init__(self, items: Items, identity: str, batch_size: int, dealing: Dealing) -> None:
        unknown = dealing.keys() - Dealing.__annotations__.keys()
        if unknown:
            raise LakeError(f"no argument {', '.join(sorted(unknown))}")
        epochs = dealing.get("epochs", 1)
        self._epochs = None if epochs is None else whole("epochs", epochs, 0)
        self._items = items
        self._identity = f"{identity}/{items.kind}"
        self._batch_size = batch_size = whole("batch_size", batch_size, 1)
        self._deal = deal = deal_of(dealing)
        self._reuse = flag("reuse", dealing.get("reuse", False))
        self._first, self._end = shard_of(items.count, *deal.shard)
        if flag("drop_last", dealing.get("drop_last", False)):
            full = items.count // deal.shard[1] // batch_size
            self._end = self._first + full * batch_size
        if self._epochs is None and self._end == self._first:
            raise LakeError(f"{identity}: a shard without a batch, repeated without end")
        self._epoch = self._position = 0
        resume = dealing.get("resume")
        if resume is not None:
            self._go_to(resume)
        self._batches = self._all()

    def __iter__(self) -> BatchStream:
        return self

    def __next__(self) -> Batch:
        return next(self._batches)

    def __len__(self) -> int:
        """Batches of an epoch, from its beginning."""
        return -(-(self._end - self._first) // self._batch_size)

    @property
    def state(self) -> LoaderState:
        """Where the stream stands: one resumed by it goes on with the batch that is next here."""
        return LoaderState(
            self._identity, **asdict(self._deal), epoch=self._epoch, position=self._position
        )

    def _go_to(self, state: LoaderState) -> None:
        if not isinstance(state, LoaderState):
            raise LakeError(f"resume={state!r}: a LoaderState is needed (LoaderState.from_dict)")
        epochs = self._epochs
        own = LoaderState(self._identity, **asdict(self._deal), epoch=0, position=0)
        for field in fields(LoaderState):
            found, expected = getattr(state, field.name), getattr(own, field.name)
            if field.name not in ("epoch", "position") and found != expected:
                raise LakeError(
                    f"this state cannot be resumed here: its {field.name} is {found!r}, this "
                    f"stream's {expected!r}"
                )
        inside = 0 <= state.position <= self._end - self._first and state.epoch >= 0
        place = (state.epoch, state.position)
        if not inside or (epochs is not None and place > (epochs, 0)):
            raise LakeError(f"no such place in this stream: {state}")
        self._epoch, self._position = state.epoch, state.position

    def _all(self) -> Iterator[Batch]:
        while self._epochs is None or self._epoch < self._epochs:
            yield from self._rest_of_epoch()
            self._epoch, self._position = self._epoch + 1, 0

    def _rest_of_epoch(self) -> Iterator[Batch]:
        size = self._batch_size
        block = size * max(1, _GATHERED // (size * self._items.rows))
        kept = self._items.buffers(block) if self._reuse else None
        for items in self._ordered(block * max(1, _ORDERED // block)):
            for start in range(0, len(items), block):
                part = items[start : start + block]
                out = self._items.buffers(len(part)) if kept is None else kept
                if len(part) < block:
                    out = {name: array[: len(part)] for name, array in out.items()}
                self._items.gather(part, out)
                for at in range(0, len(part), size):
                    self._position += min(size, len(part) - at)
                    yield {name: array[at : at + size] for name, array in out.items()}

    def _ordered(self, many: int) -> Iterator[Positions]:
        """The rest of the epoch's items in their order, `many` at a time."""
        seed = self._deal.seed
        order = None
        if seed is not None and self._items.count:
            order = Permutation(self._items.count, f"{seed}/{self._epoch}")
        for start in range(self._first + self._position, self._end, many):
            positions = np.arange(start, min(start + many, self._end))
            yield positions if order is None else order(positions)
