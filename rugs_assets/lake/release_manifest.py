"""The manifest of a release: what it holds, what it rests on, and the seals that guard it.

In: facts about dates, files and checks. Out: one JSON file that a training run cites. Invariants:
`content` holds no clock, path of a machine, run id or table version, so that the same rows give the
same checksum in every store; `storage` says where this store keeps them; the seal covers both, so
that one flipped byte of the manifest is found when it is read.

Belongs here: the form of the manifest, names and paths that cannot leave the store. Goes elsewhere:
gathering the facts (`releases`), reading the rows (`dataset`).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from rugs_assets.domain.manifest import manifest_digest
from rugs_assets.lake.errors import LakeError
from rugs_assets.lake.paths import inner_path

FORMAT = 1
"""Goes up when the manifest's form changes; a reader refuses what is newer than itself."""

MANIFEST = "release.json"
INDEX = "episodes.parquet"
CONTENT = {
    "dates": "the capture dates, oldest first",
    "absent_dates": "dates in between that were left out because no table held anything of them",
    "where": "the conditions on `episodes` that all had to hold; none: every episode",
    "rows": "capture date -> content digest of the date's `training_shards`",
    "features": "names in order, version and digest of the feature list",
    "actions": "names of the actions, by number",
    "reward": "name, version and unit",
    "split": "how an episode's split is found, and the percentile below which each one lies",
    "schemas": "table -> schema version and fingerprint of its columns",
    "code": "table -> version of the code that computed its dates",
    "settings": "table -> the configuration that its dates were computed with",
    "checks": "every rule that was judged, on how many dates, and how often it was broken",
    "counts": "episodes, those with an own player, samples (decisions), steps (samples and the row"
    " behind the last one of each episode), samples by action and by split, how episodes end",
    "normalisation": "rows, mean, standard deviation, least and greatest of each feature, in the"
    " order of the features, over the decisions of the train split",
}
"""What the content of a manifest holds, by key."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ReleaseError(LakeError):
    """What was asked of a release cannot be done."""


class ReleaseRefused(ReleaseError):
    """Dates are not fit for a release; the message has a line for each, with its cure.

    Attributes:
        problems: the lines.
    """

    def __init__(self, name: str, problems: tuple[str, ...]) -> None:
        super().__init__(f"release {name!r} was not created:\n" + "\n".join(problems))
        self.problems = problems


class ReleaseDamaged(ReleaseError):
    """A file of a release is missing, cut short or changed."""


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release.

    Attributes:
        path: below the release's folder.
        bytes: its size.
        sha256: of all its bytes, hex.
        rows: rows in it.
        day: the capture date of the rows; None for the index of episodes.
    """

    path: str
    bytes: int
    sha256: str
    rows: int
    day: date | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release, as its manifest tells it.

    Attributes:
        name: how it is called; not part of its checksum.
        content: what a training run depends on, plain JSON values under the keys of `CONTENT`.
        tables: table name -> version that the release rests on, in this store.
        evidence: table name -> date -> content digest of the rows of that date.
        files: the rows, in order; the index of episodes is the last.
    """

    name: str
    content: dict[str, Any]
    tables: dict[str, int]
    evidence: dict[str, dict[str, str]]
    files: tuple[ReleaseFile, ...]

    @property
    def checksum(self) -> str:
        """sha256 hex of the content: equal rows, features, split and filters give an equal one."""
        return manifest_digest(self.content)

    @property
    def shards(self) -> tuple[ReleaseFile, ...]:
        """The files that hold steps, in order."""
        return tuple(file for file in self.files if file.day is not None)

    @property
    def index(self) -> ReleaseFile:
        """The file that lists the episodes."""
        return next(file for file in self.files if file.day is None)

    @property
    def dates(self) -> tuple[date, ...]:
        """The capture dates, oldest first."""
        return tuple(date.fromisoformat(day) for day in self.content["dates"])

    def to_bytes(self) -> bytes:
        """The manifest file."""
        said = self._unsealed()
        return (
            json.dumps({**said, "seal": manifest_digest(said)}, indent=1, sort_keys=True) + "\n"
        ).encode()

    def _unsealed(self) -> dict[str, Any]:
        files = [
            {**asdict(file), "day": None if file.day is None else file.day.isoformat()}
            for file in self.files
        ]
        return {
            "format": FORMAT,
            "name": self.name,
            "checksum": self.checksum,
            "content": self.content,
            "storage": {"tables": self.tables, "evidence": self.evidence, "files": files},
        }


def manifest_of(text: bytes, place: str) -> Manifest:
    """Read a manifest file.

    Args:
        text: the bytes of the file.
        place: where it lies, for messages.

    Raises:
        ReleaseDamaged: a byte of it is not what was written.
        ReleaseError: it was written by a newer version of this package.
    """
    try:
        said = json.loads(text)
        newer = said["format"] > FORMAT
        if not newer:
            manifest = _parsed(said)
            # Written anew it has the seal of its values. Compared as bytes, since a changed space
            # or a repeated key parses to the same values.
            intact = text == manifest.to_bytes()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReleaseDamaged(f"{place} is damaged: {error}; put it back from a backup") from error
    if newer:
        raise ReleaseError(f"{place} has format {said['format']}, this code reads up to {FORMAT}")
    if not intact:
        raise ReleaseDamaged(f"{place} is damaged: its seal is broken; put it back from a backup")
    return manifest


def checked_name(name: str) -> str:
    """The name, when it can be that of a release.

    Raises:
        ReleaseError: it is empty, long, hidden, or could lead out of the store.
    """
    if not _NAME.fullmatch(name) or ".." in name:
        raise ReleaseError(
            f"{name!r} cannot name a release: use 1 to 100 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit, without '..'"
        )
    return name


def _parsed(said: dict[str, Any]) -> Manifest:
    storage = said["storage"]
    files = tuple(
        ReleaseFile(
            path=inner_path(file["path"]),
            bytes=int(file["bytes"]),
            sha256=str(file["sha256"]),
            rows=int(file["rows"]),
            day=None if file["day"] is None else date.fromisoformat(file["day"]),
        )
        for file in storage["files"]
    )
    return Manifest(
        name=checked_name(said["name"]),
        content=said["content"],
        tables={table: int(version) for table, version in storage["tables"].items()},
        evidence=storage["evidence"],
        files=files,
    )
