"""RAM or map: where the steps of a dataset are put when it is opened.

In: a source of steps, a limit of memory. Out: the steps, read-only. Belongs here: that one decision
and its checks. Goes elsewhere: decoding (`steps`), the map (`dataset_cache`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rugs_assets.lake.arguments import whole
from rugs_assets.lake.dataset_cache import cache_folder, mapped
from rugs_assets.lake.dataset_source import Source
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.memory import default_limit
from rugs_assets.lake.steps import LABELS, Steps, bytes_of, in_memory
from rugs_assets.lake.storage import Store


def opened_steps(
    source: Source,
    store: Store,
    extras: Sequence[str],
    *,
    memory_limit: int | None,
    cache: str | Path | None,
    verify: bool,
) -> Steps:
    """Put the steps into RAM when they fit, else map them from the cache.

    Args:
        source: the steps.
        store: where they lie.
        extras: columns to read beside the labels.
        memory_limit: bytes that may be taken; None: half of what is available.
        cache: folder of the cache; None: `_cache` of the store.
        verify: compare every byte with what was written.

    Raises:
        LakeError: a file is damaged, or there is no place for the cache.
    """
    rows = int(source.index.starts[-1])
    limit = default_limit() if memory_limit is None else whole("memory_limit", memory_limit, 0)
    if bytes_of(rows, [*LABELS, *extras]) <= limit:
        steps = in_memory(source.files, source.index, extras)
        if verify:
            source.check(but=set(source.index.file.tolist()))
    else:
        folder = cache_folder(store) if cache is None else Path(cache)
        if folder is None:
            raise LakeError(
                f"{source.title} does not fit in {limit:,} bytes, and {store.root} is no folder "
                "that a cache could lie in: name one with cache=..., or raise memory_limit"
            )
        if verify:
            source.check()
        steps = mapped(folder, source.identity, source.files, source.index, extras, verify=verify)
    return steps.sealed()
