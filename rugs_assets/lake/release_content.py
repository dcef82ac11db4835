"""From pinned dates to the content of a release: its files, its episodes, its counts, its manifest.

In: pinned versions whose dates were found fit. Out: a folder with everything but the manifest, and
the manifest. Invariants: the content is a pure function of the rows, the conditions and the rules;
every byte that is released was hashed here and agrees with the digest taken when it was written.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from rugs_assets.domain.buttons import ACTIONS
from rugs_assets.domain.features import FEATURE_NAMES, FEATURES_VERSION, features_digest
from rugs_assets.domain.rewards import reward_named
from rugs_assets.domain.samples import SampleRules
from rugs_assets.domain.shards import SPLITS
from rugs_assets.lake import episode_index, release_statistics
from rugs_assets.lake.catalog import EPISODES
from rugs_assets.lake.episode_index import SPLIT_NAMES, EpisodeIndex, IndexedFile, index_of
from rugs_assets.lake.release_basis import Basis, Pinned, PinnedDate
from rugs_assets.lake.release_files import linked
from rugs_assets.lake.release_filters import Condition, columns_of, episodes_meeting
from rugs_assets.lake.release_manifest import INDEX, Manifest, ReleaseFile, ReleaseRefused
from rugs_assets.lake.release_statistics import Tally
from rugs_assets.lake.specs import TableSpec, content_digest

_FOOTER_TAIL = 8  # length of the footer as 4 bytes, then PAR1


@dataclass(frozen=True, slots=True)
class Selection:
    """What was found fit to be released.

    Attributes:
        days: the capture dates.
        absent: dates in between of which nothing is stored.
        conditions: which episodes are taken.
        checks: what the manifest says of the rules.
    """

    days: tuple[date, ...]
    absent: tuple[date, ...]
    conditions: tuple[Condition, ...]
    checks: tuple[dict[str, Any], ...]


def staged_files(
    pinned: Pinned, spec: TableSpec, selection: Selection, folder: Path
) -> tuple[ReleaseFile, ...]:
    """Link the files of the dates into `folder` and hash them.

    Raises:
        ReleaseRefused: a file is not what was written when its date was computed.
    """
    table = Path(pinned.lake.uri(spec))
    files: list[ReleaseFile] = []
    problems: list[str] = []
    for day in selection.days:
        stored = pinned.stored[spec.name, day]
        digests = []
        for path in stored.files:
            target = folder / spec.name / path
            linked(table / path, target)
            file, data_digest = _hashed(target, f"{spec.name}/{path}", day)
            files.append(file)
            digests.append(data_digest)
        if content_digest(spec.fingerprint, digests) != stored.content_digest:
            problems.append(f"{day}: {spec.name}: its bytes are not those that were written")
    if problems:
        raise ReleaseRefused(folder.name, tuple(problems))
    return tuple(files)


def content_of(
    name: str,
    pinned: Pinned,
    basis: Basis,
    selection: Selection,
    files: Sequence[ReleaseFile],
    folder: Path,
) -> Manifest:
    """Index and count the steps, write the index, and say all of it in a manifest.

    Raises:
        ReleaseRefused: no episode meets the conditions.
    """
    spec = basis.tables[-1].spec
    index = _selected(name, pinned, spec, selection, files)
    text = index.to_bytes()
    (folder / INDEX).write_bytes(text)
    indexed = ReleaseFile(INDEX, len(text), hashlib.sha256(text).hexdigest(), len(index), None)
    return Manifest(
        name=name,
        content={
            **_identity(pinned, basis, selection),
            **_counts(pinned, spec, selection, files, index),
        },
        tables=dict(pinned.versions),
        evidence={
            each.spec.name: {
                day.isoformat(): pinned.stored[each.spec.name, day].content_digest
                for day in selection.days
            }
            for each in basis.tables
        },
        files=(*files, indexed),
    )


def _hashed(path: Path, name: str, day: date) -> tuple[ReleaseFile, str]:
    """The file, and sha256 hex of its bytes before the footer, which are the rows alone."""
    text = path.read_bytes()
    before_footer = len(text) - _FOOTER_TAIL - int.from_bytes(text[-_FOOTER_TAIL:-4], "little")
    digest = hashlib.sha256(memoryview(text)[: max(0, before_footer)])
    data_digest = digest.hexdigest()
    digest.update(memoryview(text)[max(0, before_footer) :])
    return ReleaseFile(name, len(text), digest.hexdigest(), _rows_of(path), day), data_digest


def _rows_of(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def _selected(
    name: str,
    pinned: Pinned,
    spec: TableSpec,
    selection: Selection,
    files: Sequence[ReleaseFile],
) -> EpisodeIndex:
    rows = pinned.lake.read(
        spec,
        selection.days,
        version=pinned.versions[spec.name],
        columns=list(episode_index.COLUMNS),
    )
    places = [IndexedFile(file.day, file.rows) for file in files]
    index = index_of(rows.batches(), places)
    if selection.conditions:
        columns = columns_of(selection.conditions)
        taken: set[str] = set()
        for day in selection.days:
            episodes = PinnedDate(pinned, day).table(EPISODES, columns)
            taken |= episodes_meeting(selection.conditions, episodes)
        index = index.of_episodes(taken)
    if not len(index):
        asked = " and ".join(str(each) for each in selection.conditions) or "no condition"
        raise ReleaseRefused(name, (f"the dates hold no episode to release ({asked})",))
    return index


def _identity(pinned: Pinned, basis: Basis, selection: Selection) -> dict[str, Any]:
    spec, days = basis.tables[-1].spec, selection.days
    settings = {
        each.spec.name: json.loads(pinned.stored[each.spec.name, days[0]].config)
        for each in basis.tables
    }
    chosen = [found["reward"] for found in settings.values() if "reward" in found]
    reward = reward_named(chosen[0] if chosen else SampleRules().reward)
    return {
        "dates": [day.isoformat() for day in days],
        "absent_dates": [day.isoformat() for day in selection.absent],
        "where": [str(each) for each in selection.conditions],
        "rows": {day.isoformat(): pinned.stored[spec.name, day].content_digest for day in days},
        "features": {
            "names": list(FEATURE_NAMES),
            "version": FEATURES_VERSION,
            "digest": features_digest(),
        },
        "actions": list(ACTIONS),
        "reward": {"name": reward.name, "version": reward.version, "unit": reward.unit},
        "split": {
            "rule": "first 8 bytes of sha256('split:' + episode_id), big-endian, modulo 100",
            "below": dict(SPLITS),
        },
        "schemas": {
            each.spec.name: {
                "version": each.spec.schema_version,
                "fingerprint": each.spec.fingerprint,
            }
            for each in basis.tables
        },
        "code": {each.spec.name: each.code_version for each in basis.tables},
        "settings": settings,
        "checks": list(selection.checks),
    }


def _counts(
    pinned: Pinned,
    spec: TableSpec,
    selection: Selection,
    files: Sequence[ReleaseFile],
    index: EpisodeIndex,
) -> dict[str, Any]:
    tally = Tally()
    splits = index.split_of_rows([file.rows for file in files])
    seen = 0
    rows = pinned.lake.read(
        spec,
        selection.days,
        version=pinned.versions[spec.name],
        columns=list(release_statistics.COLUMNS),
    )
    for batch in rows.batches():
        tally.add(batch, splits[seen : seen + batch.num_rows])
        seen += batch.num_rows
    episodes = np.bincount(index.split, minlength=len(SPLIT_NAMES))
    return {
        "counts": {
            "episodes": len(index),
            "episodes_with_player": int(index.has_player.sum()),
            "samples": int(tally.samples.sum()),
            "steps": int(index.rows.sum()),
            "actions": dict(zip(ACTIONS, tally.actions.tolist(), strict=True)),
            "ends": dict(tally.ends),
            "splits": {
                split: {"episodes": int(episodes[at]), "samples": int(tally.samples[at])}
                for at, split in enumerate(SPLIT_NAMES)
            },
        },
        "normalisation": {
            "over": "decisions of train",
            **release_statistics.moments_said(tally.moments),
        },
    }
