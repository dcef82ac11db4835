"""The listing and the ledger: what is seen without opening a file, and what dates captures hold."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake.inventory import DayInput
from rugs_assets.lake.landing import Landing
from rugs_assets.lake.landing_cleaning import clean_decoded
from rugs_assets.lake.ledger import Ledger, read_ledger, save_ledger, take_stock
from rugs_assets.lake.listing import Listing, look_at

NOW = 1_766_000_000.0
FIRST, SECOND = date(2025, 12, 15), date(2025, 12, 16)


def put(path: Path, content: bytes, *, ago: float = 3_600) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (NOW - ago, NOW - ago))
    return path


def look(folder: Path, settle: float = 60) -> Listing:
    found = look_at(folder, now=NOW, settle_seconds=settle)
    assert found is not None
    return found


def test_a_file_is_at_rest_when_nobody_has_written_to_it_for_a_while(tmp_path: Path) -> None:
    put(tmp_path / "old.jsonl", b"x")
    put(tmp_path / "deep/er/new.jsonl", b"x", ago=59)
    put(tmp_path / "other clock.jsonl", b"x", ago=-7_200)
    put(tmp_path / "just ahead.jsonl", b"x", ago=-5)
    put(tmp_path / ".hidden/file", b"x")
    put(tmp_path / ".upload", b"x")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere")
    found = look(tmp_path)
    assert {"old.jsonl", "other clock.jsonl"} <= {file.path for file in found.at_rest}
    growing = {file.path for file in found.growing}
    assert {"deep/er/new.jsonl", "just ahead.jsonl"} <= growing
    assert not any("hidden" in path or "upload" in path for path in growing)
    assert look_at(tmp_path / "unmounted", now=NOW, settle_seconds=60) is None


def test_the_fingerprint_changes_with_names_sizes_and_times_at_rest_only(tmp_path: Path) -> None:
    one = put(tmp_path / "one.jsonl", b"x")
    seen = [look(tmp_path).fingerprint]
    put(tmp_path / "growing.jsonl", b"x", ago=1)
    assert look(tmp_path).fingerprint == seen[0]
    put(one, b"xx")
    seen.append(look(tmp_path).fingerprint)
    put(one, b"xx", ago=7_200)
    seen.append(look(tmp_path).fingerprint)
    one.rename(tmp_path / "two.jsonl")
    seen.append(look(tmp_path).fingerprint)
    assert len(set(seen)) == 4


@pytest.fixture(scope="module")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One session a date; not to be changed."""
    folder = tmp_path_factory.mktemp("captures")
    plan = Plan(days=2, sessions=1, players=0, games_per_day=2, payload=Payload.LEAN)
    write_simulation(plan, folder, truth=None)
    return folder


def ledger_of(landing: Landing, before: Ledger | None = None) -> Ledger:
    return take_stock(landing.refresh(), look(Path(landing.captures)), before)


def copied(captures: Path, folder: Path) -> list[Path]:
    files = sorted(path for path in captures.rglob("*.jsonl"))
    named = zip("ab", files, strict=True)
    return [put(folder / f"{name}.jsonl", path.read_bytes()) for name, path in named]


def test_it_says_what_a_date_would_be_stored_with(captures: Path, tmp_path: Path) -> None:
    copied(captures, tmp_path / "in")
    landing = Landing(tmp_path / "in", tmp_path / "cache", b"key")
    ledger = ledger_of(landing)
    inventory = landing.refresh()
    assert {day: source.digest for day, source in ledger.days.items()} == {
        day.isoformat(): inventory.select(day).input_digest for day in (FIRST, SECOND)
    }
    assert ledger.nothing == inventory.select(date(2024, 1, 1)).input_digest
    assert ledger.captures == 2


def test_only_dates_that_a_change_may_touch_are_worked_out_again(
    captures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = copied(captures, tmp_path / "in")
    landing = Landing(tmp_path / "in", tmp_path / "cache", b"key")
    before = ledger_of(landing)
    worked_out: list[date] = []
    inner = DayInput.input_digest.func  # type: ignore[attr-defined]  # a cached property

    def digest(self: DayInput) -> str:
        worked_out.append(self.day)
        return str(inner(self))

    monkeypatch.setattr(DayInput, "input_digest", property(digest))
    put(first, first.read_bytes() + b"\n")
    after = ledger_of(landing, before)
    assert FIRST in worked_out
    assert SECOND not in worked_out
    assert after.days[SECOND.isoformat()] == before.days[SECOND.isoformat()]
    assert after.days[FIRST.isoformat()].digest != before.days[FIRST.isoformat()].digest
    assert after.serial == before.serial + 1


def test_a_capture_that_reveals_seeds_of_another_date_touches_that_date(
    captures: Path, tmp_path: Path
) -> None:
    whole, following = copied(captures, tmp_path / "in")
    following.unlink()  # it reveals the same
    records = [json.loads(line) for line in whole.read_bytes().splitlines()]
    frames = [
        (n, record)
        for n, record in enumerate(records)
        if record["event"] == "gameStateUpdate" and isinstance(record["data"], dict)
    ]
    running = {
        record["data"]["gameId"] for _, record in frames if record["data"].get("tickCount", 0) > 2
    }

    def revealed(record: dict[str, Any]) -> set[str]:
        return running & {entry["id"] for entry in record["data"].get("gameHistory") or ()}

    at, telling = next((n, record) for n, record in frames if revealed(record))
    assert at > len(records) // 10
    # The recording ends before a seed is revealed; the one of the next date begins with it.
    put(whole, b"".join(whole.read_bytes().splitlines(keepends=True)[:at]))
    landing = Landing(tmp_path / "in", tmp_path / "cache", b"key")
    before = ledger_of(landing)
    telling["data"]["gameId"] = "20251216-" + "a" * 16
    put(tmp_path / "in/z.jsonl", json.dumps(telling).encode() + b"\n")
    after = ledger_of(landing, before)
    assert landing.refresh().sources["z"].session.days == {SECOND}
    assert after.days[FIRST.isoformat()].digest != before.days[FIRST.isoformat()].digest
    assert after.days[FIRST.isoformat()].growing_nearby == ""
    put(tmp_path / "in/z.jsonl", json.dumps(telling).encode() + b"\n\n", ago=1)
    growing = ledger_of(landing, after).days[FIRST.isoformat()]
    assert (growing.growing, growing.growing_nearby) == ("", "z.jsonl")


def test_what_is_growing_or_cannot_be_opened_is_named(captures: Path, tmp_path: Path) -> None:
    first, _ = copied(captures, tmp_path / "in")
    put(first, first.read_bytes(), ago=1)
    landing = Landing(tmp_path / "in", tmp_path / "cache", b"key")
    ledger = ledger_of(landing)
    assert ledger.days[FIRST.isoformat()].growing == "a.jsonl"
    assert ledger.days[SECOND.isoformat()].growing == ""
    put(tmp_path / "in/cut_off.parquet", b"PAR1 and no footer")
    ledger = ledger_of(landing, ledger)
    assert all("cut_off.parquet" in source.blocked for source in ledger.days.values())
    assert ledger.unreadable[0].startswith("cut_off.parquet: ")


def test_a_ledger_that_is_lost_damaged_or_of_another_key_is_none(tmp_path: Path) -> None:
    assert read_ledger(tmp_path, "key") is None
    landing = Landing(tmp_path / "in", tmp_path, b"key")
    (tmp_path / "in").mkdir()
    ledger = ledger_of(landing)
    save_ledger(tmp_path, ledger)
    fingerprint = landing.refresh().fingerprint
    assert read_ledger(tmp_path, fingerprint) == ledger
    assert read_ledger(tmp_path, "another key") is None
    (tmp_path / "ledger-1.json").write_bytes(b'{"serial": "no')
    assert read_ledger(tmp_path, fingerprint) is None


def test_decoded_copies_go_when_no_capture_refers_to_them_for_long(
    captures: Path, tmp_path: Path
) -> None:
    first, _ = copied(captures, tmp_path / "in")
    cache = tmp_path / "cache"
    landing = Landing(tmp_path / "in", cache, b"key")
    before = landing.refresh()
    put(first, first.read_bytes() + b"\n")
    now = landing.refresh()
    used = [unit.events for unit in now.units]
    (old,) = {unit.events for unit in before.units} - set(used)

    def clean(at: float, *, dry_run: bool = False) -> tuple[int, int]:
        done = clean_decoded(cache, used, now=at, keep_hours=48, dry_run=dry_run)
        return len(done.entries), done.waiting

    assert clean(NOW) == (0, 1)
    assert clean(NOW + 47 * 3_600) == (0, 1)
    assert clean(NOW + 48 * 3_600, dry_run=True) == (1, 0)
    assert old.exists()
    assert clean(NOW + 48 * 3_600) == (1, 0)
    assert not list(cache.glob(f"{old.name.partition('.')[0]}*"))
    assert all(path.exists() for path in used)
    assert clean(NOW + 99 * 3_600) == (0, 0)
    assert [unit.events for unit in landing.refresh().units] == used  # and nothing is decoded again
