"""Nothing on the way of the data is pickled, evaluated or loaded by a format that runs code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import rugs_assets
from rugs_assets.orchestration.build import build_defs
from rugs_assets.settings import Settings

_MODULES = frozenset(
    {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle"}
)
_CALLS = frozenset({"eval", "exec", "compile", "__import__"})
_METHODS = frozenset({"read_pickle", "to_pickle", "load_module", "unsafe_load"})
_SOURCES = sorted(Path(rugs_assets.__path__[0]).rglob("*.py"))


def unsafe_in(source: str) -> Iterator[str]:
    """What a module does that may run code out of data."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        yield from (name for name in names if name.split(".")[0] in _MODULES)
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in _CALLS:
                yield called.id
            if isinstance(called, ast.Attribute):
                yield from _unsafe_method(ast.unparse(called), node)


def _unsafe_method(called: str, node: ast.Call) -> Iterator[str]:
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
    if called.rpartition(".")[2] in _METHODS or given.get("allow_pickle", "False") != "False":
        yield called
    if called == "torch.load" and given.get("weights_only") != "True":
        yield called
    if called in ("yaml.load", "yaml.full_load"):
        yield called


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from cloudpickle import loads",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "pd.read_pickle(path)",
        "eval(text)",
        "yaml.load(text)",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert list(unsafe_in(line))


def test_no_module_unpickles_or_evaluates() -> None:
    assert len(_SOURCES) > 100
    found = {
        path.name: found for path in _SOURCES if (found := list(unsafe_in(path.read_text("utf-8"))))
    }
    assert found == {}


def test_no_value_passes_between_assets_and_none_could_be_pickled(tmp_path: Path) -> None:
    settings = Settings.from_environment({"RUGS_STORE": str(tmp_path / "store")})
    defs = build_defs(settings=settings)
    # Dagster's own default writes a pickle for each value; values stay in the run's memory here.
    assert defs.resources is not None
    assert defs.resources["io_manager"] is dg.mem_io_manager
    for asset in defs.resolve_asset_graph().asset_nodes:
        outputs = asset.assets_def.node_def.output_defs if asset.is_materializable else []
        assert all(output.io_manager_key == "io_manager" for output in outputs), asset.key
