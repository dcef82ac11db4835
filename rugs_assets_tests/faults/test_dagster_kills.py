"""The same kills through Dagster itself: `make run` dies at any moment, the next one completes."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rugs_assets.lake.catalog import TABLES
from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.conftest import Known
from rugs_assets_tests.faults.pipeline import DAY, OTHER_DAY, World
from rugs_assets_tests.faults.told import tell

_ROUNDS = 8


@pytest.mark.crash
def test_make_run_is_killed_and_run_again(known: Known, tmp_path: Path, project_root: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "captures").symlink_to(known.root / "captures")
    (tmp_path / "home").mkdir()
    shutil.copy(project_root / "dagster.yaml", tmp_path / "home")
    environment = os.environ | {
        "RUGS_CAPTURES": str(world.captures("a")),
        "RUGS_STORE": str(world.store),
        "RUGS_PSEUDONYM_KEY": pipeline.KEY,
        "DAGSTER_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(project_root),
    }
    command = [sys.executable, "-m", "rugs_assets.orchestration.run"]
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    usual = time.perf_counter() - began
    dice = random.Random()
    moments = [0.25 + 0.75 * (number + dice.random()) / _ROUNDS for number in range(_ROUNDS)]
    missed = 0
    while moments and missed <= 2 * _ROUNDS:
        shutil.rmtree(world.store)
        began = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            process.wait(usual * moments[-1])
            missed += 1
            usual = min(usual, time.perf_counter() - began)  # it was faster than when measured
        except subprocess.TimeoutExpired:
            moments.pop()
        process.kill()
        process.wait()
        _assert_nothing_half(world, known)
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert pipeline.digests(world.lake, DAY) == known.day["a"]
        pipeline.vacuum_all(world)
        assert pipeline.strays(world) == []
    tell("SIGKILL during make run", rounds=_ROUNDS, inside=_ROUNDS - len(moments), missed=missed)
    assert not moments


def _assert_nothing_half(world: World, known: Known) -> None:
    """Each table that is there holds each date as it should, or not at all."""
    lake = world.lake
    for spec in TABLES:
        if not (world.store / spec.name / "_delta_log" / f"{0:020d}.json").exists():
            continue
        for day, expected in ((DAY, known.day["a"]), (OTHER_DAY, known.other)):
            stored = lake.provenance(spec, day)
            assert stored is None or stored.content_digest == expected[spec.name]
            if stored is not None:
                assert lake.read(spec, day).to_arrow().num_rows == stored.rows
