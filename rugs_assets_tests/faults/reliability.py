"""`make reliability`: what the fault tests of this machine found, as a part of docs/reliability.md.

In: the JSON lines that `told.tell` wrote during a run. Out: the page, of which only what stands
between the two marks is made anew.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rugs_assets_tests.conftest import ROOT

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- made by make reliability: begin -->", "<!-- made by make reliability: end -->"

_WORDS = {
    "inside": "{} inside",
    "missed": "{} came too late and were repeated",
    "new": "after {} of them the new rows were committed already",
    "refused": "{} refused",
    "failed": "{} failed",
    "seconds": "{} s",
    "peak_mib": "peak {} MiB",
    "packed": "{:,} bytes packed",
}


def page_with(results: Iterable[Mapping[str, Any]], page: str, machine: str) -> str:
    """The page with these results in place of those that stand there.

    Raises:
        ValueError: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"the page lacks {BEGIN!r} or {END!r}")
    latest = {str(result["fault"]): result for result in results}  # a fault may be tried again
    rows = [f"| {fault} | {told.get('rounds', 1):,} | {_words(told)} |"
            for fault, told in latest.items()]  # fmt: skip
    table = ["| fault | times | what came of it |", "| --- | --- | --- |", *rows]
    return "\n".join([before + begin, machine, "", *table, end + after])


def _words(told: Mapping[str, Any]) -> str:
    known = [words.format(told[name]) for name, words in _WORDS.items() if name in told]
    if "thirds" in told:
        known.insert(1, "{}, {} and {} in each third of its time".format(*told["thirds"]))
    if told.get("left"):
        kinds = ", ".join(f"{kind} ({times}x)" for kind, times in told["left"].items())
        known.append(f"left behind and swept: {kinds}")
    others = {*told} - {*_WORDS, "fault", "rounds", "thirds", "left"}
    known += [f"{name} {told[name]:,}" for name in sorted(others)]
    return "; ".join(known) or "held"


def machine() -> str:
    """This machine in a line."""
    cpus = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in cpus if line.startswith("model name")]
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return (
        f"Run on {len(names)} cores ({names[0] if names else platform.machine()}),"
        f" {int(memory) / 2**20:.0f} GiB of memory, {platform.system()} {platform.release()},"
        f" Python {platform.python_version()}."
    )


def main(told: Path) -> None:
    """Write the page anew from a file of JSON lines."""
    results = [json.loads(line) for line in told.read_text(encoding="utf-8").splitlines()]
    PAGE.write_text(page_with(results, PAGE.read_text(encoding="utf-8"), machine()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
