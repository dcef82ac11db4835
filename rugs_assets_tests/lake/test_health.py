"""Each finding of the doctor about store, captures and machine: broken on purpose, told, cured."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake import maintenance
from rugs_assets.lake.capture_health import CaptureHealth
from rugs_assets.lake.findings import Finding, Level, judged
from rugs_assets.lake.machine_health import clock, disk_space, pseudonym_key
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.store_health import StoreHealth
from rugs_assets.lake.sweeping import sweep
from rugs_assets.lake.tables import Lake
from rugs_assets_tests.lake.release_store import BASIS, MONDAY, TUESDAY, make_date, make_store

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
WEEKS = 30 * 24 * 3_600


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return make_store(tmp_path / "store", [MONDAY])


def seen(lake: Lake, *, deep: bool = False, landing: Path | None = None) -> dict[str, Finding]:
    return {f.name: f for f in judged(StoreHealth(lake.store, landing).judges(deep=deep))}


def not_ok(found: dict[str, Finding]) -> dict[str, Level]:
    return {name: finding.level for name, finding in found.items() if finding.level != "ok"}


def part_of(lake: Lake, table: str) -> Path:
    return next(Path(lake.root, table).glob("capture_date=*/part-*.parquet"))


def aged(path: Path) -> Path:
    old = path.stat().st_mtime - WEEKS
    os.utime(path, (old, old))
    return path


def test_a_sound_store_is_told_as_sound_and_nothing_is_written(lake: Lake) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path(lake.root).rglob("*")}
    found = seen(lake, deep=True)
    assert not_ok(found) == {}
    assert "7 tables" in found["tables"].told
    assert "1 dates" in found["tables"].told
    after = {path: path.stat().st_mtime_ns for path in Path(lake.root).rglob("*")}
    assert after == before


def test_a_store_that_holds_nothing_yet_is_sound(tmp_path: Path) -> None:
    found = seen(Lake(tmp_path / "none"))
    assert not_ok(found) == {}
    assert "yet" in found["tables"].told
    assert not (tmp_path / "none").exists()


def test_a_log_that_cannot_be_read(lake: Lake) -> None:
    for entry in Path(lake.root, "episodes", "_delta_log").glob("*.json"):
        entry.write_text("{")
    found = seen(lake)
    assert not_ok(found) == {"tables": "error"}
    assert "episodes" in found["tables"].told


@pytest.mark.parametrize(("cut", "said"), [(None, "is gone"), (100, "has 100 bytes, not")])
def test_a_file_that_is_gone_or_cut_short_is_named_and_cured_by_computing_the_date_again(
    lake: Lake, cut: int | None, said: str
) -> None:
    file = part_of(lake, "observations")
    whole = file.read_bytes()
    file.unlink()
    if cut is not None:
        file.write_bytes(whole[:cut])
    found = seen(lake)
    told = found["stored_files"]
    assert told.level == "error"
    assert f"{file} {said}" in told.told
    assert "--select 'key:\"observations\"' --partition 2025-12-15" in told.told
    make_date(lake, MONDAY)
    assert not_ok(seen(lake)) == {}
    assert file.read_bytes() == whole


def test_a_byte_that_changed_is_found_by_the_deep_look_only(lake: Lake) -> None:
    file = part_of(lake, "aligned_samples")
    text = bytearray(file.read_bytes())
    text[len(text) // 3] ^= 1
    file.write_bytes(bytes(text))
    assert not_ok(seen(lake)) == {}
    found = seen(lake, deep=True)
    assert not_ok(found) == {"checksums": "error"}
    assert str(file) in found["checksums"].told


def test_dates_of_another_schema_version_are_named(lake: Lake) -> None:
    health = StoreHealth(lake.store)
    episodes = next(spec for spec in health.loaded if spec.name == "episodes")
    health.loaded[replace(episodes, schema_version=episodes.schema_version + 1)] = (
        health.loaded.pop(episodes)
    )
    told = health.schemas_current()
    assert told.level == "error"
    assert "episodes, 2025-12-15: schema version" in told.told
    assert "--partition 2025-12-15" in told.told


def test_a_release_whose_manifest_or_file_changed(lake: Lake) -> None:
    releases = Releases(lake)
    releases.create(ReleaseRequest("v1", MONDAY, MONDAY), BASIS)
    assert not_ok(seen(lake, deep=True)) == {}
    index = releases.folder("v1") / "episodes.parquet"
    index.chmod(0o644)
    index.write_bytes(b"PAR1")
    assert not_ok(seen(lake)) == {}
    assert not_ok(seen(lake, deep=True)) == {"releases": "error"}
    manifest = releases.folder("v1") / "release.json"
    manifest.chmod(0o644)
    manifest.write_text(json.dumps({"name": "v1"}))
    found = seen(lake)
    assert not_ok(found)["releases"] == "error"
    assert "release.json" in found["releases"].told


def test_what_a_killed_writer_left_is_a_warning_until_it_is_swept(lake: Lake) -> None:
    dead = Path(lake.root, "episodes", "_staging", "2025-12-15-dead")
    dead.mkdir()
    (dead / "writer.lock").touch()
    (dead / "part.parquet").write_bytes(b"half")
    found = seen(lake)
    assert not_ok(found) == {"leftovers": "warn"}
    assert "2025-12-15-dead" in found["leftovers"].told
    sweep(lake.store, dry_run=False)
    assert not_ok(seen(lake)) == {}


def test_a_running_writer_is_not_taken_for_a_killed_one(lake: Lake) -> None:
    with lake.store.staging("episodes", "2025-12-16"):
        assert not_ok(seen(lake)) == {}


def test_scratch_of_a_decoder_that_was_killed(lake: Lake, tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    landing = tmp_path / "landing"
    landing.mkdir()
    for pid in (ended.pid, os.getpid()):
        aged_file = landing / f".abc-{pid}-1.events"
        aged_file.write_bytes(b"half")
        aged(aged_file)
    found = seen(lake, landing=landing)
    assert not_ok(found) == {"leftovers": "warn"}
    assert f".abc-{ended.pid}-1.events" in found["leftovers"].told
    assert f".abc-{os.getpid()}-" not in found["leftovers"].told


def test_files_that_no_version_needs_are_clutter_until_a_vacuum(lake: Lake) -> None:
    orphan = part_of(lake, "episodes").with_name("part-00000-orphan.parquet")
    orphan.write_bytes(b"nobody refers to it")
    assert not_ok(seen(lake)) == {}  # it may be that of a writer that is about to commit
    aged(orphan)
    found = seen(lake)
    assert not_ok(found) == {"clutter": "warn"}
    assert orphan.name in found["clutter"].told
    spec = next(spec for spec in StoreHealth(lake.store).loaded if spec.name == "episodes")
    maintenance.vacuum(lake.store, spec, dry_run=False)
    assert not_ok(seen(lake)) == {}


def test_a_table_that_is_being_written_is_not_waited_for(lake: Lake) -> None:
    with lake.store.publishing("episodes"):
        found = seen(lake)
    assert not_ok(found) == {}
    assert "episodes" in found["clutter"].told
    assert "in use" in found["leftovers"].told


def test_one_broken_thing_hides_no_other() -> None:
    def broken() -> Finding:
        raise RuntimeError("no such luck")

    found = judged([("first", broken), ("second", lambda: Finding("second", "ok", "fine"))])
    assert [(f.name, f.level) for f in found] == [("first", "error"), ("second", "ok")]
    assert "RuntimeError: no such luck" in found[0].told


class Landing(NamedTuple):
    captures: Path
    cache: Path

    def seen(self, *, is_used: bool = True) -> dict[str, Finding]:
        health = CaptureHealth(self.captures, self.cache, is_used=is_used)
        return {finding.name: finding for finding in judged(health.judges())}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("health") / "captures"
    plan = Plan(days=1, sessions=1, players=0, games_per_day=1, payload=Payload.LEAN)
    write_simulation(plan, folder, truth=None)
    return folder


@pytest.fixture
def landing(tmp_path: Path, simulated: Path) -> Landing:
    shutil.copytree(simulated, tmp_path / "captures")
    return Landing(tmp_path / "captures", tmp_path / "cache")


def test_sound_captures_are_counted_by_format_and_nothing_is_written(landing: Landing) -> None:
    found = landing.seen()
    assert not_ok(found) == {}
    assert "1 jsonl" in found["captures"].told
    assert not landing.cache.exists()


def test_a_folder_of_captures_that_is_not_there(landing: Landing) -> None:
    shutil.rmtree(landing.captures)
    assert not_ok(landing.seen()) == {"captures": "error"}
    assert not_ok(landing.seen(is_used=False)) == {"captures": "warn"}


def test_a_folder_that_may_not_be_listed(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may list everything
    found = landing.seen()
    assert found["captures"].level == "error"
    assert f"chmod u+rx {landing.captures}" in found["captures"].cure


def test_a_folder_of_other_things(landing: Landing) -> None:
    shutil.rmtree(landing.captures)
    landing.captures.mkdir()
    assert not_ok(landing.seen(is_used=False)) == {"captures": "warn"}
    (landing.captures / "notes.txt").write_text("shopping list\n")
    found = landing.seen(is_used=False)
    assert not_ok(found) == {"captures": "error", "other_files": "warn"}
    assert "notes.txt" in found["other_files"].told


def test_a_capture_that_is_cut_short(landing: Landing) -> None:
    (landing.captures / "events.parquet").write_bytes(b"PAR1 and then nothing")
    found = landing.seen()
    assert not_ok(found) == {"capture_files": "error"}
    assert "events.parquet" in found["capture_files"].told


def test_the_decoded_copy_is_measured(landing: Landing) -> None:
    landing.cache.mkdir()
    (landing.cache / "abc.json").write_bytes(b" " * 2_500_000)
    assert "2.5 MB" in landing.seen()["decoded_copy"].told


@pytest.mark.parametrize(
    ("free", "level"), [(10**12, "ok"), (3 * 2**30, "warn"), (2**30, "error")], ids=str
)
def test_disk_space_against_what_is_needed(
    free: int, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    places = [tmp_path / "not" / "yet", tmp_path]
    found = disk_space(places, largest_date=2**28, to_decode=2**28)
    assert found.level == level
    assert "1.2 GiB" in found.told  # half a GiB, twice the largest date, what is to be decoded


def test_a_clock_that_is_behind(tmp_path: Path) -> None:
    ahead, now = (NOW + timedelta(hours=3), "the capture a.jsonl"), (NOW, "the last commit")
    assert clock(NOW, [now], date(2025, 10, 1)).level == "ok"
    found = clock(NOW, [now, ahead], date(2025, 10, 1))
    assert found.level == "error"
    assert "a.jsonl" in found.told
    assert "last commit" not in found.told
    assert clock(NOW, [], date(2026, 11, 22)).level == "error"


def test_a_key_that_is_gone_open_empty_or_short(tmp_path: Path) -> None:
    file = tmp_path / "pseudonym.key"
    assert pseudonym_key(file, None, is_used=False).level == "ok"
    gone = pseudonym_key(file, None, is_used=True)
    assert (gone.level, "backup" in gone.cure) == ("error", True)
    file.write_text("0" * 64 + "\n")
    file.chmod(0o644)
    open_to_others = pseudonym_key(file, None, is_used=True)
    assert (open_to_others.level, open_to_others.cure) == ("error", f"`chmod 600 {file}`")
    file.chmod(0o600)
    assert pseudonym_key(file, None, is_used=True).level == "ok"
    file.write_text("\n")
    assert pseudonym_key(file, None, is_used=True).level == "error"
    assert pseudonym_key(file, "x" * 32, is_used=True).level == "ok"
    assert pseudonym_key(file, "secret", is_used=True).level == "warn"
    assert "secret" not in repr(pseudonym_key(file, "secret", is_used=True))


def test_the_last_commits_are_told_for_the_clock(lake: Lake) -> None:
    make_date(lake, TUESDAY)
    commits = list(StoreHealth(lake.store).last_commits())
    assert len(commits) == 7
    assert all(at.tzinfo is not None for at, _ in commits)
