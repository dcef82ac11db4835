"""The manifest of a date's shards: what a training run must know of them before it reads them.

In: rows of `training_shards`. Out: a plain dict that can be written as JSON: counts by split, the
identity of the feature list, a checksum of the content and, for normalisation, mean, standard
deviation, least and greatest of each feature over the decisions of the train split. Invariants: the
same rows give the same manifest to the last digit, however they were cut into batches; statistics
do not depend on the order of the games either (``moments``); no clock, no path. Who stores it, and
where, is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_NAMES, FEATURES_VERSION, features_digest
from rugs_assets.domain.games import Game, games_in
from rugs_assets.domain.moments import Moments
from rugs_assets.domain.shards import SPLITS, TRAINING_SHARDS

MANIFEST_VERSION = 1
"""Goes up when a key of the manifest changes its meaning."""

NORMALISED_OVER = "train"
"""The split whose decisions the statistics are made of: what is evaluated on must not leak."""


def manifest_of(shards: Iterable[pa.RecordBatch]) -> dict[str, Any]:
    """The manifest of rows of `training_shards`.

    Args:
        shards: in the schema `TRAINING_SHARDS`, the steps of a game together and in order.

    Returns:
        Plain JSON values. Under ``splits`` for each split ``games``, ``steps`` (rows),
        ``decisions`` (steps but the last of each game) and ``actions`` (decisions by name); under
        ``normalisation`` the statistics, float64, of the decisions of the train split, which are
        what a policy is asked about; those of a release are made the same way over its dates.
    """
    moments = Moments(len(FEATURE_NAMES))
    counts: dict[str, Counter[str]] = {name: Counter() for name, _ in SPLITS}
    actions: dict[str, Counter[str]] = {name: Counter() for name, _ in SPLITS}
    checksum = hashlib.sha256()
    for game in games_in(shards, TRAINING_SHARDS.names):
        split = str(game.rows["split"][0].as_py())
        decided = ~game.column("is_last")
        counts[split] += Counter(games=1, steps=len(decided), decisions=int(decided.sum()))
        taken = np.bincount(game.column("action")[decided], minlength=len(ACTIONS))
        actions[split].update(dict(zip(ACTIONS, taken.tolist(), strict=True)))
        if split == NORMALISED_OVER:
            rows = np.stack([game.column(name) for name in FEATURE_NAMES], axis=1)
            moments.add(rows[decided])
        _digest(checksum, game)
    return {
        "manifest_version": MANIFEST_VERSION,
        "rows": sum(count["steps"] for count in counts.values()),
        "checksum": checksum.hexdigest(),
        "features": list(FEATURE_NAMES),
        "features_version": FEATURES_VERSION,
        "features_digest": features_digest(),
        "splits": {
            split: {name: count[name] for name in ("games", "steps", "decisions")}
            | {"actions": {name: actions[split][name] for name in ACTIONS}}
            for split, count in counts.items()
        },
        "normalisation": {
            "split": NORMALISED_OVER,
            "rows": moments.rows,
            "features": {
                name: asdict(found)
                for name, found in zip(FEATURE_NAMES, moments.statistics(), strict=True)
            },
        },
    }


def manifest_digest(manifest: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a manifest, as canonical JSON: what a release cites."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(checksum: Any, game: Game) -> None:
    """Add a game's rows: column by column, null and value apart, whatever the chunks."""
    checksum.update(f"{game.episode_id}\n{game.rows.num_rows}\n".encode())
    for name in TRAINING_SHARDS.names:
        column = game.rows[name].combine_chunks()
        if pa.types.is_string(column.type):
            checksum.update("\n".join(map(str, column.to_pylist())).encode())
            continue
        if column.null_count:
            checksum.update(np.packbits(column.is_valid().to_numpy(zero_copy_only=False)))
            column = column.fill_null(0)
        checksum.update(np.ascontiguousarray(column.to_numpy(zero_copy_only=False)))
