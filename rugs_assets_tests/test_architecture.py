"""The layers, as a fresh interpreter sees them, and the conventions worth ten lines."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

NEED_THEIR_LIBRARY = {
    "rugs_assets.lake.bridges.torch_datasets",
    "rugs_assets.lake.bridges.rllib_data",
}
"""Modules that stand on a library of an extra; everything else imports without any."""
LIBRARIES = {"torch", "d3rlpy", "minari", "gymnasium", "torchrl", "tensordict", "ray", "datasets"}

PACKAGE = Path(__file__).resolve().parent.parent / "rugs_assets"


def modules_of(layer: str) -> list[str]:
    """Importable names of all modules below `rugs_assets/<layer>`."""
    files = sorted((PACKAGE / layer).rglob("*.py"))
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]
    return [n.removesuffix(".__init__") for n in names if n not in NEED_THEIR_LIBRARY]


def imported_after(modules: list[str]) -> set[str]:
    """Names in `sys.modules` of a fresh interpreter after importing `modules`."""
    code = f"import sys\nfor m in {modules!r}: __import__(m)\nprint(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    ("layer", "forbidden"),
    [
        ("domain", {"dagster", "deltalake", "pandas", "rugs_assets.settings", "rugs_assets.lake"}),
        ("lake", {"dagster", "rugs_assets.settings", "rugs_assets.orchestration"}),
    ],
)
def test_a_layer_loads_nothing_that_stands_above_it(layer: str, forbidden: set[str]) -> None:
    assert imported_after(modules_of(layer)) & forbidden == set()


def test_no_library_of_an_extra_is_imported_before_it_is_asked_for() -> None:
    assert imported_after([*modules_of("domain"), *modules_of("lake")]) & LIBRARIES == set()


def test_a_reader_of_the_store_does_not_wait_for_pandas() -> None:
    assert "pandas" not in imported_after(["rugs_assets.lake.tables", "rugs_assets.lake.catalog"])


def test_the_package_itself_imports_nothing() -> None:
    assert {
        name for name in imported_after(["rugs_assets"]) if name.startswith("rugs_assets.")
    } == set()


def test_orchestration_keeps_its_annotations() -> None:
    # Dagster reads the annotation of a context; as text it finds another type and refuses it.
    postponed = [
        path.name
        for path in (PACKAGE / "orchestration").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert postponed == []


def test_every_module_says_what_belongs_in_it() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_the_lock_names_no_place() -> None:
    lines = (PACKAGE.parent / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert len(lines) > 100
    named = [line for line in lines if "://" in line or "/" in line or line.startswith("-")]
    assert named == []
