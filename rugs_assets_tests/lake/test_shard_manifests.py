"""The manifest beside the shards says what the rows say, and the same for the same rows."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path

from rugs_assets.domain.episodes import episodes_of
from rugs_assets.domain.observations import observations_of
from rugs_assets.domain.samples import SamplePass
from rugs_assets.domain.shards import shards_of
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.shard_manifests import manifest_uri, read_manifest, write_manifest
from rugs_assets.lake.tables import Lake, Provenance
from rugs_assets_tests.domain.builders import GAME_A, active, presale, rows_of, rug

DAY = date(2025, 12, 15)


def _written(root: Path) -> tuple[Lake, str]:
    events = [rows_of([presale(GAME_A), active(GAME_A, 0), active(GAME_A, 1, 1.5), rug(GAME_A, 2)])]
    games = episodes_of(events)
    rows = list(observations_of(events, games))
    steps = shards_of(rows, SamplePass(rows, events, games).samples(), games)
    lake = Lake(root)
    commit = lake.replace(TRAINING_SHARDS, DAY, steps, Provenance("run", "1", "input"))
    write_manifest(lake, commit)
    return lake, commit.content_digest


def test_the_manifest_counts_the_steps_and_names_the_files(tmp_path: Path) -> None:
    lake, digest = _written(tmp_path)
    manifest = read_manifest(lake, DAY)
    assert manifest is not None
    assert manifest["content_digest"] == digest
    assert manifest["rows"] == 4
    assert sum(split["decisions"] for split in manifest["splits"].values()) == 3
    (name, checksum) = next(iter(manifest["files"].items()))
    (stored,) = tmp_path.rglob(name)
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == checksum


def test_the_same_rows_give_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    texts = []
    for folder in ("one", "two"):
        lake, _ = _written(tmp_path / folder)
        texts.append(Path(manifest_uri(lake, DAY)).read_bytes())
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["capture_date"] == "2025-12-15"


def test_a_date_without_one_has_none(tmp_path: Path) -> None:
    assert read_manifest(Lake(tmp_path), DAY) is None
