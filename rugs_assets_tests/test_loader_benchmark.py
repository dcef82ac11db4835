"""The benchmark of the loader runs, says what it leaves out, and reaches its own conclusions."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from benchmarks import loader, loader_targets

PEERS = ("torchrl", "torch", "d3rlpy", "minari")


def test_the_benchmark_measures_the_loader_and_names_the_peers_that_are_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in PEERS:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    monkeypatch.setattr(loader, "_SECONDS", 0.001)
    said: list[str] = []
    rows = loader.run(steps=3_000, rounds=2, say=said.append)
    for name in PEERS:
        left_out = f"{name} is left out (pip install 'rugs_assets[bench]')"
        assert any(line.endswith(left_out) for line in said)
    assert {row.group for row in rows} == {
        loader_targets.OPENING,
        loader_targets.EPISODES,
        *(loader_targets.minibatches_of(batch) for batch in loader_targets.BATCHES),
    }
    assert all(row.value > 0 for row in rows)
    found = list(loader_targets.loader_targets(rows))
    assert len(found) == len(loader_targets.BATCHES) + 1
    assert found[-1][0].endswith("beside pyarrow")
    console = Console(record=True, width=110, file=io.StringIO())
    loader.tell(rows, console)
    printed = console.export_text()
    assert loader_targets.OWN in printed
    assert found[-1][0] in printed


def test_the_fastest_configuration_of_a_peer_is_what_the_target_is_held_against() -> None:
    rows = []
    for group in map(loader_targets.minibatches_of, loader_targets.BATCHES):
        memmap, ram = loader_targets.TORCHRL
        figures = {loader_targets.LIMIT: 10.0, loader_targets.OWN: 8.9, memmap: 1.0, ram: 1.5}
        rows += [loader_targets.Row(group, name, value, 0.1) for name, value in figures.items()]
    opening = {loader_targets.ARROW: 1.0, loader_targets.COLD: 1.2}
    rows += [
        loader_targets.Row(loader_targets.OPENING, name, value, 0.1)
        for name, value in opening.items()
    ]
    said = list(loader_targets.loader_targets(rows))
    group = "random minibatches of 256 beside"
    assert (f"{group} TorchRL at its fastest", ">= 5 x", "5.9 x", True) in said
    assert (f"{group} numpy take(out=)", ">= 0.9 x", "0.89 x", False) in said
    assert said[-1][1:] == ("<= 1.5 x", "1.20 x", True)
