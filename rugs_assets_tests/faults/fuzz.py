"""`make fuzz SECONDS=600`: hostile captures through every reader and every stage, by seed.

For each file: no uncaught exception; lines read = kept + duplicates + rejected; what was rejected
names its file and position; rows made of the rest are finite and presses add up. Files are tried in
child processes, so that a crash of a library is found, too. A seed that fails is printed; run it
alone with ``--seed N --seconds 0``.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import random
import re
import sys
import tempfile
import time
import traceback
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from rich.console import Console

from rugs_assets.domain.episodes import episodes_of
from rugs_assets.domain.observations import observations_of, violations_of_finiteness
from rugs_assets.domain.sample_rules import violations_of_press_accounting
from rugs_assets.domain.samples import SamplePass
from rugs_assets.domain.shards import shards_of
from rugs_assets.lake.decompression import PlainBytes
from rugs_assets.lake.known_formats import JSONL
from rugs_assets.lake.landing import Inventory, UnreadableCapture
from rugs_assets_tests.captures_builders import landed
from rugs_assets_tests.faults.mutations import Hostile, hostile
from rugs_assets_tests.faults.told import tell

_AT_ONCE = 200
_FORKS = multiprocessing.get_context("forkserver")


def try_one(file: Hostile) -> str:
    """Put a file through the landing and every stage.

    Returns:
        What became of it: "read", "unrecognised" or "unreadable".

    Raises:
        AssertionError: something is not accounted for.
    """
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "in"
        path = folder / file.name
        path.parent.mkdir(parents=True)
        path.write_bytes(file.data)
        inventory = landed(folder)
        if inventory.unrecognised:
            assert inventory.unrecognised == (file.name,)
            return "unrecognised"
        if inventory.unreadable:
            assert [bad.path for bad in inventory.unreadable] == [file.name]
            with pytest.raises(UnreadableCapture, match=re.escape(file.name)):
                inventory.select(date(2025, 12, 15))
            return "unreadable"
        _assert_accounted(inventory, file)
        return "read"


def _assert_accounted(inventory: Inventory, file: Hostile) -> None:
    (tally,) = inventory.files
    assert tally.lost == 0, tally
    if tally.format == JSONL:
        assert tally.lines == _lines_in(file.data), tally
    kept = rejected = 0
    for day in inventory.days:
        found = inventory.select(day)
        counts = found.tally()
        events = list(found.events())
        assert (
            sum(batch["is_context"].to_pylist().count(False) for batch in events)
            == (counts["used"])
        )
        assert counts["kept"] == counts["used"] + counts["ignored"]
        kept += counts["kept"]
        for batch in found.rejected():
            rejected += batch.num_rows
            assert set(batch["source_file"].to_pylist()) == {file.name}
            at = [int(position) for position in batch["source_position"].to_numpy()]
            # What breaks off a file stands behind its last line.
            assert 0 < min(at) <= max(at) <= tally.lines + 1
            assert all(batch["reason"].to_pylist())
        if events:
            _assert_stages_hold(events)
    assert (kept, rejected) == (tally.events, tally.rejected)


def _assert_stages_hold(events: list[pa.RecordBatch]) -> None:
    games = episodes_of(events)
    rows = list(observations_of(events, games))
    assert violations_of_finiteness(rows).ok
    alignment = SamplePass(rows, events, games)
    samples = list(alignment.samples())
    unaligned = alignment.unaligned().to_batches()
    assert violations_of_press_accounting(events, samples, unaligned).ok
    for _ in shards_of(rows, samples, games):
        pass


def _lines_in(data: bytes) -> int:
    """How many lines the plain bytes of a file have, and one for a break."""
    plain = PlainBytes(io.BytesIO(data), len(data))
    text = b"".join(iter(lambda: plain.read(1 << 20), b""))
    lines = text.count(b"\n") + (text != b"" and not text.endswith(b"\n"))
    return lines + (plain.broken is not None)


def try_many(first: int, count: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """Try the files of some seeds; what became of them, and which failed how."""
    outcomes: Counter[str] = Counter()
    failed = []
    for seed in range(first, first + count):
        try:
            outcomes[try_one(hostile(seed))] += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
            failed.append((seed, traceback.format_exc(limit=-6)))
    return outcomes, failed


def say(text: str) -> None:
    """Print, at once."""
    Console(highlight=False, markup=False, soft_wrap=True).print(text)


def main() -> int:
    """Try files until the time is over; the exit status is 1 when one failed."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="where to begin; default: anywhere")
    options = parser.parse_args()
    if options.seconds == 0:
        say(try_one(hostile(options.seed or 0)))
        return 0
    first = random.randrange(2**40) if options.seed is None else options.seed
    say(f"from seed {first} on, for {options.seconds:g} s")
    began, at = time.monotonic(), first
    outcomes: Counter[str] = Counter()
    failures = 0
    while time.monotonic() - began < options.seconds:
        found, failed = _in_a_child(at)
        outcomes += found
        failures += len(failed)
        for seed, why in failed:
            say(f"seed {seed}:\n{why}")
        at += _AT_ONCE
    seconds = round(time.monotonic() - began)
    say(f"{outcomes.total():,} files in {seconds} s: {dict(outcomes)}; {failures} failed")
    tell("hostile files", rounds=outcomes.total(), failed=failures, seconds=seconds, **outcomes)
    return 1 if failures else 0


def _in_a_child(first: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    receive, send = _FORKS.Pipe(duplex=False)
    process = _FORKS.Process(target=_send, args=(send, first))
    process.start()
    send.close()
    try:
        found: tuple[Counter[str], list[tuple[int, str]]] = receive.recv()
    except EOFError:
        process.join()
        died = f"the process died ({process.exitcode}) between seeds {first} and {first + _AT_ONCE}"
        found = Counter(), [(first, died)]
    process.join()
    return found


def _send(send: multiprocessing.connection.Connection, first: int) -> None:
    send.send(try_many(first, _AT_ONCE))


if __name__ == "__main__":
    sys.exit(main())
