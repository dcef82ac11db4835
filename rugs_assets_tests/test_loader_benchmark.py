"""The benchmark of the loader runs, says what it leaves out, and reaches its own conclusions."""

from __future__ import annotations

import io
import sys

import pytest
from rich.console import Console

from benchmarks import loader, loader_peers

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
        loader.OPENING,
        loader.EPISODES,
        *(f"random minibatches of {batch}" for batch in loader.BATCHES),
    }
    assert all(row.value > 0 for row in rows)
    found = list(loader.targets(rows))
    assert len(found) == len(loader.BATCHES) + 1
    assert found[-1].endswith("x pyarrow alone (target: at most 1.5)")
    console = Console(record=True, width=110, file=io.StringIO())
    loader.show(rows, console)
    assert loader.OWN in console.export_text()


def test_the_fastest_configuration_of_a_peer_is_what_the_target_is_held_against() -> None:
    rows = []
    for batch in loader.BATCHES:
        group = f"random minibatches of {batch}"
        memmap, ram = loader_peers.TORCHRL
        figures = {loader.LIMIT: 10.0, loader.OWN: 9.0, memmap: 1.0, ram: 1.5}
        rows += [loader.Row(group, name, value, 0.1) for name, value in figures.items()]
    opening = {"pyarrow": 1.0, "open": 1.2}
    rows += [loader.Row(loader.OPENING, name, value, 0.1) for name, value in opening.items()]
    said = list(loader.targets(rows))
    assert "random minibatches of 256: 6.0 x TorchRL at its fastest (target: 5)" in said
    assert "random minibatches of 256: 0.90 x numpy take(out=) (target: 0.9)" in said
    assert said[-1].startswith("cold open to the first batch: 1.20 x pyarrow alone")
