"""A process of its own that takes a date through every stage and says what each took at most.

    python -m rugs_assets_tests.memory.stages_child WARMING CAPTURES WORK [MIB]

First all stages run on the captures in WARMING, twice: then libraries are loaded and buffers are at
their size. Then memory is limited to what is in use and MIB more, and the stages run on CAPTURES.
The last line is JSON: for both, stage -> peaks, MiB: of resident memory, of what Arrow holds, and
of resident memory while rows are written alone: what was made of them before may hide a date there.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NoReturn

import pyarrow as pa

from benchmarks.stages import Stages
from rugs_assets.lake.specs import TableSpec

_POOLS: list[pa.MemoryPool] = []
"""What they gave out may outlive the stage."""


class _Watched(Stages):
    """Stages that say what they took before they wrote rows, and while they did."""

    before = written = 0.0

    def _write(self, table: TableSpec, day: date, batches: Iterable[pa.RecordBatch]) -> int:
        self.before = max(self.before, _peak())
        _begin_peak()
        made = super()._write(table, day, batches)
        self.written = max(self.written, _peak())
        return made


def main() -> NoReturn:
    """Run the stages; the arguments are those of the module's docstring."""
    warming, captures, work = map(Path, sys.argv[1:4])
    _peaks(_Watched(warming, work / "first"))
    small = _peaks(_Watched(warming, work / "small"))
    if len(sys.argv) > 4:
        limit = (_kib("VmData") << 10) + (int(sys.argv[4]) << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    large = _peaks(_Watched(captures, work / "large"))
    sys.stdout.write(json.dumps({"small": small, "large": large}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a pool must not go before the last thing that it gave out


def _peaks(stages: _Watched) -> dict[str, tuple[float, float, float]]:
    found: dict[str, tuple[float, float, float]] = {}
    real = pa.default_memory_pool()
    for name, part in stages.parts().items():
        gc.collect()
        stages.before = stages.written = 0.0
        _begin_peak()
        pool = pa.proxy_memory_pool(real)
        pa.set_memory_pool(pool)
        part()
        resident = max(stages.before, stages.written, _peak())
        arrow = (pool.max_memory() or 0) / 2**20
        found[name] = round(resident, 1), round(arrow, 1), round(stages.written, 1)
        _POOLS.append(pool)
    pa.set_memory_pool(real)
    return found


def _begin_peak() -> None:
    """Count the peak anew from here on."""
    Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Resident memory at its peak, MiB."""
    return _kib("VmHWM") / 1024


def _kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
