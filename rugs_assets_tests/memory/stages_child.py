"""A process of its own that takes a date through every stage and says what each took at most.

    python -m rugs_assets_tests.memory.stages_child WARMING CAPTURES WORK [MIB]

First all stages run on the captures in WARMING, twice: then libraries are loaded and buffers are at
their size. Then memory is limited to what is in use and MIB more, and the stages run on CAPTURES.
The last line is JSON: for both, stage -> peaks, MiB: of resident memory, and of what Arrow holds.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from pathlib import Path
from typing import NoReturn

import pyarrow as pa

from benchmarks.stages import Stages

_POOLS: list[pa.MemoryPool] = []
"""What they gave out may outlive the stage."""


def main() -> NoReturn:
    """Run the stages; the arguments are those of the module's docstring."""
    warming, captures, work = map(Path, sys.argv[1:4])
    _peaks(Stages(warming, work / "first"))
    small = _peaks(Stages(warming, work / "small"))
    if len(sys.argv) > 4:
        limit = (_kib("VmData") << 10) + (int(sys.argv[4]) << 20)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    large = _peaks(Stages(captures, work / "large"))
    sys.stdout.write(json.dumps({"small": small, "large": large}) + "\n")
    sys.stdout.flush()
    os._exit(0)  # a pool must not go before the last thing that it gave out


def _peaks(stages: Stages) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    real = pa.default_memory_pool()
    for name, part in stages.parts().items():
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew from here on
        pool = pa.proxy_memory_pool(real)
        pa.set_memory_pool(pool)
        part()
        found[name] = round(_kib("VmHWM") / 1024, 1), round((pool.max_memory() or 0) / 2**20, 1)
        _POOLS.append(pool)
    pa.set_memory_pool(real)
    return found


def _kib(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


if __name__ == "__main__":
    main()
