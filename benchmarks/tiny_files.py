"""The event store's many tiny files beside the same rows in one file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measuring import Measured, measure
from rugs_assets.domain.simulator import Plan, write_simulation
from rugs_assets.domain.simulator.plan import Format
from rugs_assets.lake.landing import Landing

ROWS = 100
"""Rows of a file, as its writer flushes them (protocol.md 12)."""

MANY, ONE = "tiny files", "one file"


def compare(folder: Path, files: int, rounds: int) -> list[Measured]:
    """Decode a day of `files` files of `ROWS` rows, and the same rows in one file."""
    plan = Plan(games_per_day=10, format=Format.EVENT_STORE)
    write_simulation(plan, folder / "made", truth=None)
    found = sorted((folder / "made").rglob("*.parquet"))
    rows = pa.concat_tables([pq.read_table(path, partitioning=None) for path in found])
    copies = -(-files * ROWS // rows.num_rows)
    wide = pa.concat_tables([_as_session(rows, number) for number in range(copies)]).slice(
        0, files * ROWS
    )
    place = Path("doc_type=ws_event") / "date=2025-12-15"
    for name in (MANY, ONE):
        (folder / name / place).mkdir(parents=True)
    pq.write_table(wide, folder / ONE / place / "all.parquet", row_group_size=10_000)
    for at in range(files):
        part = wide.slice(at * ROWS, ROWS)
        pq.write_table(part, folder / MANY / place / f"20251215_{at:06d}.parquet")
    parts = {name: _decoding(folder, name) for name in (MANY, ONE)}
    return list(measure(parts, rounds).values())


def _as_session(rows: pa.Table, number: int) -> pa.Table:
    at = rows.schema.get_field_index("session_id")
    return rows.set_column(at, "session_id", pa.array([f"session-{number}"] * rows.num_rows))


def _decoding(folder: Path, name: str) -> Callable[[], int]:
    def decode() -> int:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        found = Landing(folder / name, cache, b"bench").refresh()
        return sum(file.events for file in found.files)

    return decode
