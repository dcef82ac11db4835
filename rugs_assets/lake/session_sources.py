"""Session sources: the events of a session, streamed in order out of the decoded units.

In: the blocks of a session, wherever they lie. Out: its events from one seq to another, sorted,
without repeats, a block at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from rugs_assets.domain.day_rows import without_repeats
from rugs_assets.domain.sessions import Session
from rugs_assets.lake.units import Block, Unit


@dataclass(frozen=True)
class SessionSource:
    """A session, and for each of its blocks the unit it lies in."""

    session: Session
    blocks: tuple[tuple[Unit, Block], ...]

    def events(
        self, first_seq: int, last_seq: int, columns: list[str] | None = None
    ) -> Iterator[pa.Table]:
        """Blocks of its events from ``first_seq`` to ``last_seq``, sorted by seq, no repeats.

        Blocks that overlap (the store's presses lie in files of their own) are merged: a row
        leaves when no later block can hold a row before it.
        """
        wanted = [
            (unit, block)
            for unit, block in self.blocks
            if block.facts.first_seq <= last_seq and block.facts.last_seq >= first_seq
        ]
        held: pa.Table | None = None
        for index, (unit, block) in enumerate(wanted):
            part = _read_block(unit, block, columns)
            held = part if held is None else pa.concat_tables([held, part])
            bound = wanted[index + 1][1].facts.first_seq if index + 1 < len(wanted) else 2**62
            seqs = held["seq"].to_numpy()
            ready = held.filter(pa.array(seqs < bound))
            held = held.filter(pa.array(seqs >= bound))
            if ready.num_rows:
                yield without_repeats(ready)


def _read_block(unit: Unit, block: Block, columns: list[str] | None) -> pa.Table:
    with pq.ParquetFile(unit.events) as file:
        return file.read_row_group(block.row_group, columns=columns)
