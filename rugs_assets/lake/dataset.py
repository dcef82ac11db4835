"""`TrainingDataset`: the steps of a release or of a table version, as a training run wants them.

In: a store and the name of a release, or a version of `training_shards`. Out: samples, batches,
episodes, windows as numpy arrays. Invariants: every byte of a release that is read was compared
with its checksum, unless the caller says otherwise.

What opening costs: into RAM one read, hash and decode of the release's files; from a cache one read
and hash of the release's files and of the cache. `verify=False` leaves out the hashing: then sizes
and the sealed manifest alone are checked. Mapped steps stay on disk, but for 16 bytes a decision.

Belongs here: opening and normalising. Goes elsewhere: where steps come from (`dataset_source`,
`dataset_cache`), what can be asked of them (`dataset_dealing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, SupportsIndex

import pyarrow as pa

from rugs_assets.lake import arguments
from rugs_assets.lake.arguments import Days
from rugs_assets.lake.dataset_dealing import DealtSteps
from rugs_assets.lake.dataset_opening import opened_steps
from rugs_assets.lake.dataset_source import source_of
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.steps import Steps, known_extras
from rugs_assets.lake.steps_in_memory import steps_of
from rugs_assets.lake.tables import Lake
from rugs_assets.lake.transitions import Scale, moments_of


@dataclass(frozen=True, slots=True)
class Origin:
    """What a dataset was opened from: what a training run cites.

    Attributes:
        title: in words, such as "release spring".
        release: name of the release; None: a version of the table.
        checksum: of the release (see `Manifest.checksum`), or of the files of the version.
    """

    title: str
    release: str | None
    checksum: str


class TrainingDataset(DealtSteps):
    """Steps, ready to be trained on. Made by `open`.

    Args:
        steps: the steps.
        identity: sha256 hex of what they are.
        normalisation: moments of the train rows; None: computed when asked for.
        scale: what observations are normalised by; None: they are as stored.
        rejected: events that were left out when the steps were made in memory.
        origin: what was opened; None where no store holds the steps.
    """

    def __init__(
        self,
        steps: Steps,
        identity: str,
        normalisation: dict[str, Any] | None = None,
        scale: Scale | None = None,
        rejected: int = 0,
        origin: Origin | None = None,
    ) -> None:
        super().__init__(steps, identity, scale)
        self.rejected = rejected
        self.origin = origin
        self._normalisation = normalisation
        self._again: Callable[[], TrainingDataset] | None = None

    @classmethod
    def open(
        cls,
        store: str | Path | Lake,
        *,
        release: str | None = None,
        version: int | datetime | str | None = None,
        dates: Days = None,
        columns: Iterable[str] = (),
        memory_limit: int | None = None,
        cache: str | Path | None = None,
        verify: bool = True,
    ) -> TrainingDataset:
        """Open a release, or a version of the table.

        Args:
            store: folder or URL of the store.
            release: name of a release.
            version: of `training_shards`: a number, a time, or "latest". One of both is needed.
            dates: this capture date, or these, alone; None: all. What is normalised by is then that
                of the train split of these dates.
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
        chosen, extras = arguments.dates(dates), known_extras(columns)
        verify = arguments.flag("verify", verify)
        cache = None if cache is None else Path(cache).absolute()  # whoever unpickles it, finds it
        source = source_of(lake, release, version, chosen, verify=verify)
        steps = opened_steps(
            source, lake.store, extras, memory_limit=memory_limit, cache=cache, verify=verify
        )
        identity = f"{source.identity[:16]}-{source.index.digest[:16]}"
        origin = Origin(source.title, release, source.identity)
        opened = cls(steps, identity, source.normalisation, origin=origin)
        if steps.is_mapped:
            options: dict[str, Any] = {"dates": chosen, "columns": extras}
            options |= {"cache": cache, "memory_limit": 0, "verify": False}
            opened._again = partial(
                cls.open, lake.root, release=release, version=version, **options
            )
        return opened

    @classmethod
    def of_shards(cls, shards: Iterable[pa.RecordBatch], rejected: int = 0) -> TrainingDataset:
        """The decisions of rows of `training_shards` that no store holds, with all columns.

        Raises:
            IndexInvalid: the rows are not whole episodes.
        """
        steps, identity = steps_of(shards)
        return cls(steps, identity, rejected=rejected)

    @property
    def normalisation(self) -> dict[str, Any]:
        """What `normalised` goes by: rows, mean, std, min and max of each feature.

        Over the decisions of the train split, unless it was told otherwise.
        """
        if self._normalisation is None:
            self._normalisation = moments_of(self.steps, self._items.rows("train"))
        return self._normalisation

    def normalised(self, by: Mapping[str, Any] | None = None) -> TrainingDataset:
        """The same dataset with observations less their mean, by their standard deviation.

        Both are those of the train split, so that nothing of val and test leaks. A feature that is
        constant there is only centred.

        Args:
            by: `normalisation` of the dataset that an agent was trained on, where that is another
                one than this; None: that of this dataset.

        Raises:
            LakeError: the train split is empty, or `by` is no normalisation.
        """
        moments = dict(self.normalisation if by is None else arguments.moments("by", by))
        if not moments["rows"]:
            raise LakeError("nothing to normalise by: the train split has no decision")
        made = TrainingDataset(
            self.steps, self.identity, moments, Scale.of(moments), self.rejected, self.origin
        )
        made._again = self._again
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> Any:
        """Steps that are mapped from disk do not travel: whoever unpickles them maps them too."""
        if self._again is None:
            return super().__reduce_ex__(protocol)
        by = None if self.scale is None else self.normalisation
        return _mapped_again, (self._again, self.identity, by)


def _mapped_again(
    again: Callable[[], TrainingDataset], identity: str, by: dict[str, Any] | None
) -> TrainingDataset:
    opened = again()
    if opened.identity != identity:
        raise LakeError(
            f"{opened.origin} is not what was opened where this dataset comes from; open a release "
            "or a version by its number, which never change"
        )
    return opened if by is None else opened.normalised(by)
