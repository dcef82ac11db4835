"""Simulations held in memory, for tests: what the files would hold, and the truth as tables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pyarrow as pa

from rugs_assets.domain.simulator import Appended, Plan, Progress, Stored, Truth, simulate

Json = dict[str, Any]


@dataclass
class Simulated:
    """Everything that a plan's simulation produced."""

    plan: Plan
    raw: dict[str, bytes] = field(default_factory=dict)
    store: dict[str, pa.Table] = field(default_factory=dict)
    truths: dict[str, pa.Table] = field(default_factory=dict)
    progress: list[Progress] = field(default_factory=list)

    def lines(self, path: str) -> list[Json]:
        """The lines of a raw file that is known to be whole."""
        return [json.loads(line) for line in self.raw[path].splitlines()]

    def truth(self, name: str) -> list[Json]:
        """The rows of a table of the truth, in order."""
        parts = [table for path, table in sorted(self.truths.items()) if path.startswith(name)]
        return pa.concat_tables(parts).to_pylist()

    @cached_property
    def games(self) -> dict[str, Json]:
        """The played games by id."""
        return {row["game_id"]: row for row in self.truth("games/")}

    @cached_property
    def counts(self) -> Counter[str]:
        """Faults and events by name."""
        return Counter({row["what"]: row["count"] for row in self.truth("counts")})


def simulated(plan: Plan) -> Simulated:
    """Run a simulation and keep all of it."""
    result = Simulated(plan)
    pieces: dict[str, list[bytes]] = {}
    for output in simulate(plan):
        if isinstance(output, Appended):
            pieces.setdefault(output.path, []).append(output.data)
        elif isinstance(output, Stored):
            assert output.path not in result.store
            result.store[output.path] = output.table
        elif isinstance(output, Truth):
            assert output.path not in result.truths
            result.truths[output.path] = output.table
        else:
            result.progress.append(output)
    result.raw = {path: b"".join(parts) for path, parts in pieces.items()}
    return result


def payload_of(line: Json) -> Any:
    """The payload of a line, with or without a trace before it."""
    data = line["data"]
    return data[1] if isinstance(data, list) else data


def frames_of(lines: list[Json]) -> list[Json]:
    """The payloads of the gameStateUpdates."""
    return [payload_of(line) for line in lines if line["event"] == "gameStateUpdate"]
