"""The report on captures: its figures are those of the stages, on a capture one can count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets_tests.conftest import ROOT

GAME = "20251215-aaaaaaaaaaaaaaaa"


def _line(seq: int, **payload: object) -> str:
    stamp = f"2025-12-15T12:00:{seq:02d}+00:00"
    return json.dumps({"seq": seq, "ts": stamp, "event": "gameStateUpdate", "data": payload})


def test_the_report_counts_what_the_capture_holds(tmp_path: Path) -> None:
    flags = {"gameId": GAME, "active": True, "rugged": False, "allowPreRoundBuys": False}
    lines = [
        _line(1, **flags, tickCount=0, price=1),
        _line(2, **flags, tickCount=2, price=1.5),
        "remark in prose",
        _line(3, **flags | {"rugged": True}, tickCount=3, price=0.01),
    ]
    (tmp_path / "one.jsonl").write_text("\n".join(lines) + "\n")
    out = tmp_path / "report.md"
    done = CliRunner().invoke(app, ["report", str(tmp_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    text = out.read_text()
    assert "| one.jsonl | 4 | 3 | 0 | 1 | 0 | 0 | 0 | 0 |" in text
    # games, kept, rows, missing, late, repeated, after the rug, seen elsewhere, verdicts
    assert "| one | 1 | 1 | 3 | 1 | 0 | 0 | 0 | 0 | 1 seed_unknown |" in text
    assert "| not a JSON object | 1 |" in text
    assert "| price | 100.0% |" in text
    assert "| balance | 0.0% |" in text


def test_a_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would be wrapped in the message
    done = CliRunner().invoke(app, ["report", "nowhere"])
    assert done.exit_code == 2
    assert "nowhere" in done.output


def test_each_capture_has_its_own_rows_and_observed_features(tmp_path: Path) -> None:
    # Two sessions of one date, each with two games; the second session never shows a price.
    flags = {"active": True, "rugged": False, "allowPreRoundBuys": False}
    for session, games, shown, ticks in (("a", "ab", {"price": 1}, 3), ("b", "cd", {}, 2)):
        lines = [
            _line(
                10 * number + tick, gameId=f"20251215-{game * 16}", tickCount=tick, **flags, **shown
            )
            for number, game in enumerate(games)
            for tick in range(ticks)
        ]
        (tmp_path / f"{session}.jsonl").write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "| a | 2 | 0 | 6 | 0 |" in done.output
    assert "| b | 2 | 0 | 4 | 0 |" in done.output
    assert "| price | 100.0% | 0.0% |" in done.output
    assert "| tick | 100.0% | 100.0% |" in done.output


def test_the_page_of_the_sample_captures_shows_what_the_report_says(
    captures_dir: Path, tmp_path: Path
) -> None:
    folders = [str(captures_dir / n) for n in ("raw_jsonl", "events_parquet", "recorder_ticks")]
    out = tmp_path / "report.md"
    done = CliRunner().invoke(app, ["report", *folders, "--out", str(out)])
    assert done.exit_code == 0, done.output
    begin = "## raw_jsonl"
    page = (ROOT / "docs" / "reference" / "captures.md").read_text(encoding="utf-8")
    assert page[page.index(begin) :] == (text := out.read_text())[text.index(begin) :]
