"""Runs the two drivers over the same events and gives their rows in one comparable form."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from rugs_assets.domain.observation_builder import ObservationBuilder
from rugs_assets.domain.observation_pass import ObservationPass
from rugs_assets_tests.domain.builders import events_for_builder


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row as both drivers must make it: equal means equal to the last bit."""

    game: str | None
    frame: int
    observed: int
    features: bytes  # 36 x float32


def rows_by_builder(batch: pa.RecordBatch) -> list[MadeRow]:
    """The rows of the event-by-event driver, in order of arrival."""
    builder = ObservationBuilder()
    made = []
    for event in events_for_builder(batch):
        if builder.update_row(event):
            assert builder.frame is not None
            observation = builder.build()
            made.append(
                MadeRow(
                    builder.episode_id,
                    builder.frame,
                    observation.observed,
                    builder.to_numpy().tobytes(),
                )
            )
            assert observation.to_numpy().tobytes() == made[-1].features
    return made


def rows_by_pass(batch: pa.RecordBatch, block: int | None = None) -> list[MadeRow]:
    """The rows of the columnar driver, in order of arrival, its input cut into blocks."""
    walk = ObservationPass()
    made: list[MadeRow] = []
    size = block or max(batch.num_rows, 1)
    for start in range(0, batch.num_rows, size):
        rows = walk.push(batch.slice(start, size))
        found = [
            (
                int(rows.at[i]),
                MadeRow(
                    rows.games[rows.game[i]],
                    int(rows.frame[i]),
                    int(rows.observed[i]),
                    rows.values[i].tobytes(),
                ),
            )
            for i in range(len(rows.at))
        ]
        made += [row for _, row in sorted(found, key=lambda pair: pair[0])]
    return made
