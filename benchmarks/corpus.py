"""What is measured on: simulated dates as large as wanted, and the real captures if there are any.

The simulator's frames have the sizes of real ones; what a corpus is like is shown with its figures.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rugs_assets.domain.simulator import Plan, write_simulation

_LARGE = 16_384


@dataclass(frozen=True)
class Corpus:
    """A folder of raw captures.

    Attributes:
        name: in the tables; ``is_clean`` whether every line of it is one whole record.
    """

    name: str
    folder: Path
    is_clean: bool = True

    @cached_property
    def lines(self) -> list[Path]:
        """Its JSONL files."""
        return sorted(self.folder.rglob("*.jsonl"))

    @cached_property
    def size(self) -> int:
        """Bytes of them."""
        return sum(path.stat().st_size for path in self.lines)

    @cached_property
    def lengths(self) -> list[int]:
        """Bytes of each line, ascending."""
        found: list[int] = []
        for path in self.lines:
            with path.open("rb") as file:
                found += map(len, file)
        return sorted(found)

    def described(self) -> dict[str, object]:
        """Its size, and what its lines are like."""
        lengths = self.lengths
        large = [length for length in lengths if length > _LARGE]
        return {
            "files": len(self.lines),
            "lines": len(lengths),
            "mb": round(self.size / 1e6, 1),
            "mean_bytes": round(self.size / len(lengths)),
            "median_bytes": lengths[len(lengths) // 2],
            "mean_full_frame_bytes": round(sum(large) / len(large)) if large else 0,
            "largest_bytes": lengths[-1],
            "share_of_full_frames": round(sum(large) / self.size, 3),
        }

    def describe(self) -> str:
        """The same in a line."""
        return ", ".join(f"{name} {value}" for name, value in self.described().items())

    def halves(self, place: Path) -> list[Path]:
        """Two folders with a date each: the first two files, which take no room a second time."""
        folders = []
        for at, path in enumerate(self.lines[:2]):
            folder = place / str(at)
            folder.mkdir(parents=True)
            os.link(path, folder / path.name)
            folders.append(folder)
        return folders


def simulated(folder: Path, games: int, days: int) -> Corpus:
    """Simulated dates without faults and without a player: as the public feed is recorded."""
    write_simulation(Plan(days=days, games_per_day=games), folder, truth=None)
    return Corpus(f"{days} simulated dates", folder)


def real_captures() -> list[Corpus]:
    """The raw captures that RUGS_TEST_CAPTURES names, or that lie beside the checkout, if any."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared" / "captures"
    folder = Path(os.environ.get("RUGS_TEST_CAPTURES") or beside) / "raw_jsonl"
    return [Corpus("the real raw captures", folder)] if folder.is_dir() else []
