"""Servers listen on loopback unless somebody says otherwise."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

_EVERYWHERE = re.compile(r"0\.0\.0\.0|\[::\]|--host[ =](?!127\.0\.0\.1\b)\S+")
_COMMANDS = ("Makefile", "dagster.yaml", "workspace.yaml", "README.md", "docs", ".ci", "examples")


def test_no_command_and_no_page_lets_a_server_listen_everywhere(project_root: Path) -> None:
    texts = [
        path
        for name in _COMMANDS
        for path in (project_root / name, *(project_root / name).rglob("*"))
        if path.is_file() and path.suffix in ("", ".md", ".yaml", ".py")
    ]
    assert len(texts) > 10
    found = [
        f"{path.name}: {hit.group()}"
        for path in texts
        for hit in _EVERYWHERE.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_make_ui_serves_on_loopback(project_root: Path) -> None:
    said = subprocess.run(
        ["make", "--dry-run", "ui", "PORT=3999"],
        cwd=project_root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "dagster dev --host 127.0.0.1 --port 3999" in said
