"""Manifests of shards: what lies in a date of `training_shards`, told without reading it.

In: the store and a date. Out: `shard_manifests/<date>.json` below the store: `domain.manifest` over
the date's rows, with its files and their checksums. Invariants: written whole or not at all, after
the rows; the same rows give the same bytes (no clock, no version, no run). What a manifest says
stands in ``domain.manifest``; what a release says of many dates in ``release_manifest``.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from rugs_assets.domain.manifest import manifest_of
from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.specs import Commit
from rugs_assets.lake.tables import Lake

FOLDER = "shard_manifests"
"""Name of the folder beside the tables."""


def write_manifest(lake: Lake, commit: Commit) -> dict[str, Any]:
    """Make and store the manifest of a date that was just written.

    Args:
        lake: the store.
        commit: of `training_shards`.

    Returns:
        The manifest: that of the domain, with ``capture_date``, ``content_digest`` and ``files``
        (name without folder -> sha256).
    """
    rows = lake.read(TRAINING_SHARDS, commit.day, version=commit.version).batches()
    files = zip(commit.files, commit.checksums, strict=True)
    manifest = {
        "capture_date": commit.day.isoformat(),
        "content_digest": commit.content_digest,
        "files": {path.rpartition("/")[2]: checksum for path, checksum in files},
        **manifest_of(rows),
    }
    name = _name(commit.day)
    with lake.store.staging(FOLDER, commit.day.isoformat()) as folder:
        staged = folder / name
        staged.write_text(json.dumps(manifest, indent=1, sort_keys=True), encoding="utf-8")
        lake.store.put(staged, FOLDER, name)
    return manifest


def read_manifest(lake: Lake, day: date) -> dict[str, Any] | None:
    """The manifest of a date; None where none was written."""
    if lake.store.size(FOLDER, _name(day)) is None:
        return None
    found: dict[str, Any] = json.loads(lake.store.read_bytes(FOLDER, _name(day)))
    return found


def manifest_uri(lake: Lake, day: date) -> str:
    """Where the manifest of a date lies."""
    return f"{lake.store.uri(FOLDER)}/{_name(day)}"


def _name(day: date) -> str:
    return f"{day.isoformat()}.json"
