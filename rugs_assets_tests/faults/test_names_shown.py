"""Names of captures as tables and messages show them: one line, and nothing that steers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.lake.paths import shown_name
from rugs_assets_tests.captures_builders import active, landed, lines

EVIL = b"bad\x1b[31m\nall is well\xff.gz"
SHOWN = r"bad\x1b[31m\x0aall is well\xff.gz"


def test_what_was_escaped_and_what_looks_so_differ() -> None:
    names = [
        b"a\n",
        rb"a\x0a",
        rb"a\x5cx0a",
        b"a\xc2\x85",
        b"a\x85",
        rb"a\x85",
        rb"a\u0085",
        b"a\\",
    ]
    shown = [shown_name(os.fsdecode(name)) for name in names]
    assert len(set(shown)) == len(names)
    assert all(name.isprintable() for name in shown)


@pytest.mark.parametrize("name", ["a b.jsonl", "späße €.jsonl", "e\u0301\U0001f600.jsonl", r"a\b"])
def test_other_names_stay_as_they_are(name: str) -> None:
    assert shown_name(name) == name


def test_an_unreadable_capture_puts_no_line_of_its_own_into_a_report(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(lines(active(1, 0)))
    (folder / os.fsdecode(EVIL)).write_bytes(b"\x1f\x8b")
    assert [file.path for file in landed(folder).unreadable] == [SHOWN]
    told = CliRunner().invoke(app, ["report", str(folder)])
    assert told.exit_code == 1
    assert told.stderr.startswith(f"{SHOWN}: cannot be opened (the compressed file ends early)")
    assert len(told.stderr.splitlines()) == 1
