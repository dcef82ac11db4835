"""The cache: no file is decoded twice, none is missed, two processes may share it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.landing import Inventory, Landing, LandingProgress
from rugs_assets_tests.captures_builders import (
    DAY,
    KEY,
    ME,
    active,
    column,
    landed,
    lines,
    own_events,
    player,
    stored,
    write_jsonl,
    write_store,
)


@pytest.fixture
def refresh(tmp_path: Path) -> Callable[[], tuple[Inventory, list[str]]]:
    """Refreshes `tmp_path / "in"`; says which files had to be decoded."""

    def look() -> tuple[Inventory, list[str]]:
        seen: list[LandingProgress] = []
        inventory = Landing(tmp_path / "in", tmp_path / "cache", KEY).refresh(seen.append)
        if seen:
            assert seen[-1].done_bytes == seen[-1].total_bytes
        return inventory, [progress.file for progress in seen]

    return look


Refresh = Callable[[], tuple[Inventory, list[str]]]


def test_what_is_known_is_not_decoded_again(tmp_path: Path, refresh: Refresh) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), name="a.jsonl")
    write_jsonl(tmp_path / "in", active(1, 0), name="b.jsonl")
    first, decoded = refresh()
    assert decoded == ["a.jsonl", "b.jsonl"]
    again, decoded = refresh()
    assert decoded == []
    assert own_events(again) == own_events(first)


def test_a_file_that_grows_is_decoded_again_and_only_that_file(
    tmp_path: Path, refresh: Refresh
) -> None:
    write_jsonl(tmp_path / "in", active(1, 0), name="a.jsonl")
    growing = write_jsonl(tmp_path / "in", active(1, 0), name="b.jsonl")
    refresh()
    with growing.open("ab") as stream:
        stream.write(lines(active(2, 1))[:-40])
    cut, decoded = refresh()
    assert (decoded, len(own_events(cut))) == (["b.jsonl"], 2)
    growing.write_bytes(lines(active(1, 0), active(2, 1), active(3, 2)))
    whole, decoded = refresh()
    assert (decoded, len(own_events(whole))) == (["b.jsonl"], 4)
    assert [file.rejected for file in whole.files] == [0, 0]


def test_a_file_that_changes_in_place_is_decoded_again(tmp_path: Path, refresh: Refresh) -> None:
    path = write_jsonl(tmp_path / "in", active(1, 0, price=1.5))
    refresh()
    before = path.stat()
    write_jsonl(tmp_path / "in", active(1, 0, price=2.5))
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    changed, decoded = refresh()
    assert decoded == ["capture.jsonl"]
    assert column(own_events(changed), "price") == [2.5]


def test_a_file_that_is_gone_leaves_nothing_behind(tmp_path: Path, refresh: Refresh) -> None:
    path = write_jsonl(tmp_path / "in", active(1, 0))
    refresh()
    path.unlink()
    inventory, _ = refresh()
    assert (inventory.files, inventory.days) == ((), ())


def test_a_new_file_of_the_store_is_decoded_with_its_neighbours_alone(
    tmp_path: Path, refresh: Refresh
) -> None:
    for day in (14, 15):
        name = f"doc_type=ws_event/date=2025-12-{day}/a.parquet"
        write_store(tmp_path / "in", [stored(active(day, day))], name=name)
    refresh()
    new = "doc_type=ws_event/date=2025-12-15/b.parquet"
    write_store(tmp_path / "in", [stored(active(20, 20))], name=new)
    inventory, decoded = refresh()
    assert decoded == [new]
    assert column(own_events(inventory), "seq") == [14, 15, 20]


def test_who_the_own_player_is_goes_from_file_to_file(tmp_path: Path, refresh: Refresh) -> None:
    board = [{"id": ME, "positionQty": 2}]
    first = [stored(active(1, 0)), stored(active(2, 1, leaderboard=board))]
    write_store(tmp_path / "in", first, name="date=2025-12-15/b.parquet")
    inventory, _ = refresh()
    assert column(own_events(inventory), "position_qty") == [None, None]
    # A file that sorts before it names the player: the later one is read anew.
    write_store(tmp_path / "in", [stored(player(0, 1.0))], name="date=2025-12-14/a.parquet")
    inventory, _ = refresh()
    assert column(own_events(inventory), "position_qty") == [None, None, 2]
    assert refresh()[1] == []


@pytest.mark.parametrize("ending", [".json", ".events.parquet", ".rejects.parquet"])
def test_an_entry_that_is_not_whole_is_made_again(
    ending: str, tmp_path: Path, refresh: Refresh
) -> None:
    write_jsonl(tmp_path / "in", active(1, 0))
    refresh()
    for path in (tmp_path / "cache").glob(f"*{ending}"):
        path.unlink()
    inventory, _ = refresh()
    assert len(own_events(inventory)) == 1


def test_another_key_has_entries_of_its_own(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in", player(1, 1.0), active(2, 0))
    one, other = landed(tmp_path / "in", b"one"), landed(tmp_path / "in", b"other")
    assert column(own_events(one), "player_id")[0] != column(own_events(other), "player_id")[0]
    assert one.select(DAY).input_digest != other.select(DAY).input_digest


def test_nothing_unfinished_stays_in_the_cache(tmp_path: Path, refresh: Refresh) -> None:
    write_jsonl(tmp_path / "in", active(1, 0))
    refresh()
    names = sorted(path.suffixes[-1] for path in (tmp_path / "cache").iterdir())
    assert names == [".json", ".json", ".parquet", ".parquet"]


def test_a_decode_that_fails_leaves_no_entry(
    tmp_path: Path, refresh: Refresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_jsonl(tmp_path / "in", active(1, 0))
    replace = Path.replace

    def full(path: Path, target: Path) -> Path:
        if ".rejects" in path.name:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(
            WriteFailed, match=r"decoded captures cannot be kept in .*cache: .*No space left"
        ):
            refresh()
    assert not [path for path in (tmp_path / "cache").iterdir() if path.name.startswith(".")]
    inventory, decoded = refresh()
    assert (decoded, len(own_events(inventory))) == (["capture.jsonl"], 1)


def test_two_processes_share_a_cache(tmp_path: Path) -> None:
    for number in range(6):
        records = [active(seq, seq) for seq in range(1, 300)]
        write_jsonl(tmp_path / "in", *records, name=f"{number}.jsonl")
    program = (
        "import sys; from rugs_assets.lake.landing import Landing; from datetime import date;"
        "inventory = Landing(sys.argv[1], sys.argv[2], b'k').refresh();"
        "print(sum(b.num_rows for b in inventory.select(date(2025, 12, 15)).events()))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "in"), str(tmp_path / "cache")]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    finished = [process.communicate(timeout=120) for process in running]
    assert [(out.strip(), error) for out, error in finished] == [(str(6 * 299), "")] * 2
    assert len(list((tmp_path / "cache").glob("*.events.parquet"))) == 6
