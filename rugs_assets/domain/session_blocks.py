"""Blocks of one session: what the stages that walk over events take at a time.

In: batches of `raw_ws_events`, sessions one after the other. Out: (session_id, batch) of one
session each, small enough for the processor's cache, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

BLOCK_EVENTS = 8_192
"""Events walked over at a time: their columns fit a core's cache, and calls cost little."""


def session_blocks(
    events: Iterable[pa.RecordBatch], *, size: int = BLOCK_EVENTS
) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Cut batches where the session changes and wherever they are longer than ``size``."""
    for batch in events:
        if not batch.num_rows:
            continue
        sessions = batch["session_id"]
        changes = pc.not_equal(sessions[1:], sessions[:-1])
        cuts = np.flatnonzero(changes.to_numpy(zero_copy_only=False)) + 1
        edges = [0, *cuts.tolist(), batch.num_rows]
        for start, end in pairwise(edges):
            session_id = str(sessions[start].as_py())
            for at in range(start, end, size):
                yield session_id, batch.slice(at, min(size, end - at))
