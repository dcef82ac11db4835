"""A library that is missing is named with the extra that brings it, when it is asked for."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rugs_assets.lake.bridges import (
    d3rlpy,
    datasets,
    extras,
    minari,
    npz,
    rllib,
    spaces,
    torch,
    torchrl,
)
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets_tests.bridges.conftest import Released

BRIDGES: dict[str, tuple[str, Callable[[TrainingDataset, Released], Any]]] = {
    "torch": ("torch", lambda dataset, _: torch.iterable_dataset(dataset, 8)),
    "torch, by number": ("torch", lambda dataset, _: torch.map_dataset(dataset)),
    "d3rlpy": ("d3rlpy", lambda dataset, _: d3rlpy.mdp_dataset(dataset)),
    "minari": ("minari", lambda dataset, _: minari.create_dataset(dataset, "rugs/x-v0")),
    "torchrl": ("torchrl", lambda dataset, _: torchrl.replay_buffer(dataset)),
    "rllib": ("ray", lambda _, at: rllib.ray_dataset(at.store, at.name)),
    "datasets": ("datasets", lambda dataset, _: datasets.dataset_dict(dataset)),
    "gymnasium": ("gymnasium", lambda *_: spaces.action_space()),
}


@pytest.mark.parametrize("bridge", BRIDGES)
def test_what_is_missing_is_named_with_its_extra(
    bridge: str, dataset: TrainingDataset, released: Released, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent, ask = BRIDGES[bridge]
    for name in [*sys.modules, absent]:
        if name == absent or name.startswith(f"{absent}."):
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "rugs_assets.lake.bridges.torch_datasets", raising=False)
    extra = bridge.partition(",")[0]
    with pytest.raises(extras.MissingExtra, match=rf"pip install 'rugs_assets\[{extra}\]'") as told:
        ask(dataset, released)
    assert isinstance(told.value, ImportError)


def test_every_bridge_has_its_extra(project_root: Path) -> None:
    declared = tomllib.loads((project_root / "pyproject.toml").read_text(encoding="utf-8"))
    optional = declared["project"]["optional-dependencies"]
    (everything,) = optional["bridges"]
    named = set(everything.removeprefix("rugs_assets[").removesuffix("]").split(","))
    assert named == {bridge.partition(",")[0] for bridge in BRIDGES}
    assert named <= optional.keys()


def test_a_library_that_lacks_something_itself_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "half_a_library.py").write_text("import what_it_needs")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="what_it_needs") as told:
        extras.library("half_a_library", "half")
    assert not isinstance(told.value, extras.MissingExtra)


def test_npz_needs_nothing(dataset: TrainingDataset, tmp_path: Path) -> None:
    assert npz.save(dataset, tmp_path / "out.npz").stat().st_size > 0
