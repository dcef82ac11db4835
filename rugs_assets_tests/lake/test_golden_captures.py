"""The real captures, golden: the same events from every format, the same counts for ever.

Passport of the data: recorded from the public game feed by its players in October to December 2025,
ids and names pseudonymised, chat emptied (README.md beside them). They are not part of the project;
`captures_dir` says where they lie. Each file is known by size and SHA-256, the 229 files of the
tick recorder by their number, size and a digest of digests. To renew the figures after a capture
was replaced, run the tests and take the figures that they find, once somebody has looked at them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from rugs_assets.lake.landing import Inventory, Landing

RAW = {
    "2025-12-14_20-17-10_raw.jsonl": (
        3_900_247,
        "c9f9439cdc1adc6e378dced84d3b9ac52603e5b013de7f3db52bd6c086e87389",
    ),
    "2025-12-15_00-39-17_cdp.jsonl": (
        2_860_078,
        "550ad567f1e3b30e8b3d5f79c5b10e0027512887f5d716e2096ca6b2a0cf0444",
    ),
}
STORE = (10, 1_579_800, "075bb59d7515187b265e148866307289bfdd5efada2fe6e1e337ce6db8fc6cec")
TICKS = (229, 20_173_968, "564e911e49cb451adb837b23691e0458920e2f8ffc9efa72c8f89b0394f8da24")
DAY = date(2025, 12, 15)


def passport(folder: Path) -> tuple[int, int, str]:
    """Number and size of the files of a folder, and a digest of their names and digests."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        sha = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {sha}\n".encode())
    return len(files), sum(path.stat().st_size for path in files), digest.hexdigest()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden-cache")


@pytest.fixture(scope="module")
def raw(captures_dir: Path, cache: Path) -> Inventory:
    return Landing(captures_dir / "raw_jsonl", cache, b"golden").refresh()


@pytest.fixture(scope="module")
def store(captures_dir: Path, cache: Path) -> Inventory:
    return Landing(captures_dir / "events_parquet", cache, b"golden").refresh()


@pytest.fixture(scope="module")
def ticks(captures_dir: Path, cache: Path) -> Inventory:
    return Landing(captures_dir / "recorder_ticks", cache, b"golden").refresh()


def events_of(inventory: Inventory, day: date = DAY) -> pa.Table:
    return pa.Table.from_batches(list(inventory.select(day).events()))


def test_the_captures_are_the_ones_that_the_figures_were_taken_from(captures_dir: Path) -> None:
    for name, (size, sha) in RAW.items():
        data = (captures_dir / "raw_jsonl" / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (size, sha)
    assert passport(captures_dir / "events_parquet") == STORE
    assert passport(captures_dir / "recorder_ticks") == TICKS


def test_the_event_store_holds_the_very_events_of_the_raw_captures(
    raw: Inventory, store: Inventory
) -> None:
    assert raw.days == store.days == (DAY,)
    # Sessions have other names and so another order, files and lines are others, and the store's
    # clock is UTC where a raw capture's is local; all else is the same, bit for bit.
    others = ["session_id", "source_file", "source_position"]
    one, other = (
        events_of(found)
        .sort_by([("received_at", "ascending"), ("seq", "ascending")])
        .drop_columns(others)
        for found in (raw, store)
    )
    assert one.num_rows == 840
    assert one.equals(other)


def test_what_the_raw_captures_hold(raw: Inventory) -> None:
    tally = raw.select(DAY).tally()
    assert tally["used_by_name"] == {
        "gameStatePlayerUpdate": 184,
        "gameStateUpdate": 635,
        "playerUpdate": 3,
        "standard/newTrade": 18,
    }
    assert (tally["kept"], tally["used"], tally["ignored"]) == (907, 840, 67)
    assert tally["ignored_by_name"]["standard/newTrade"] == 14  # the recorder lost the payloads
    assert tally["clocks"] == {
        "2025-12-14_20-17-10_raw": "+5.00 h, server time",
        "2025-12-15_00-39-17_cdp": "+0.00 h, zones in the stamps",
    }


def test_of_raw_and_store_nothing_is_rejected_or_lost(raw: Inventory, store: Inventory) -> None:
    for inventory in (raw, store):
        assert sum(file.events for file in inventory.files) == 907
        assert {(file.rejected, file.duplicates, file.lost) for file in inventory.files} == {
            (0, 0, 0)
        }


def test_what_the_recorder_holds(ticks: Inventory) -> None:
    assert len(ticks.files) == 229
    assert ticks.days == tuple(
        date.fromisoformat(day) for day in ("2025-10-29", "2025-10-30", "2025-11-02", "2025-11-03")
    )
    tallies = [ticks.select(day).tally() for day in ticks.days]
    used = sum((Counter(tally["used_by_name"]) for tally in tallies), Counter[str]())
    ignored = sum((Counter(tally["ignored_by_name"]) for tally in tallies), Counter[str]())
    assert used == {"gameStateUpdate": 85_602}
    assert ignored == {
        "game_complete": 2,
        "game_end": 228,
        "game_start": 236,
        "session_end": 1,
        "session_start": 1,
    }
    assert [tally["rejected"] for tally in tallies] == [0, 4, 8, 5]
    assert sum(file.lines for file in ticks.files) == 86_078
    assert {file.lost for file in ticks.files} == {0}


def test_what_of_the_recorder_is_rejected(ticks: Inventory) -> None:
    rejected = [
        row
        for day in ticks.days
        for batch in ticks.select(day).rejected()
        for row in batch.to_pylist()
    ]
    reasons = Counter(row["reason"] for row in rejected)
    assert reasons == {"cut off beside a whole record": 10, "not a JSON object": 7}
    remarks = [row["raw_text"] for row in rejected if row["raw_text"].startswith("##")]
    assert len(remarks) == 3
    lengths = sorted(row["byte_length"] for row in rejected)
    assert lengths == [
        1,
        2,
        107,
        219,
        219,
        220,
        220,
        220,
        222,
        222,
        222,
        222,
        222,
        238,
        369,
        442,
        564,
    ]
