"""Calls of deltalake that lose data or crash are made nowhere in the package."""

from __future__ import annotations

import ast
from pathlib import Path

import rugs_assets

FORBIDDEN = {
    "write_deltalake": "scrambles the order of rows on two or more CPUs",
    "to_pyarrow_dataset": "can abort the interpreter at exit",
    "to_pyarrow_table": "can abort the interpreter at exit",
    "file_uris": "percent-encodes local paths",
}


def test_calls_that_are_known_to_go_wrong_are_not_made() -> None:
    found = [
        f"{path.name}:{node.lineno}: {name} {FORBIDDEN[name]}"
        for path in sorted(Path(rugs_assets.__path__[0]).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute | ast.Name)
        if (name := node.attr if isinstance(node, ast.Attribute) else node.id) in FORBIDDEN
    ]
    assert found == []


def test_only_the_table_log_and_vacuum_know_deltalake() -> None:
    importers = {
        path.name
        for path in Path(rugs_assets.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "deltalake"
    }
    assert importers == {"commits.py", "delta_log.py", "maintenance.py"}
