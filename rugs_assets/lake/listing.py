"""The captures as one look shows them: names, sizes and times, and no content.

In: a folder, or the URL of a bucket. Out: its files, told apart into those at rest and those that a
recorder or a copy may still be writing. Costs one walk, whatever the files hold, so that it can be
done every half minute.

Belongs here: what can be told without opening a file. Goes elsewhere: formats (`capture_files`),
which dates a file holds (`ledger`, which is made when it has been decoded).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import xxhash

from rugs_assets.lake.bucket import Bucket, is_url
from rugs_assets.lake.paths import shown_name
from rugs_assets.lake.seen_files import SeenFile

__all__ = ["Listing", "SeenFile", "look_at"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Listing:
    """The captures at one moment.

    Attributes:
        at_rest: files that nobody has written to for a while, sorted.
        growing: files that were written to only just, sorted.
    """

    at_rest: tuple[SeenFile, ...]
    growing: tuple[SeenFile, ...]

    @property
    def fingerprint(self) -> str:
        """Digest of the files at rest: the same as long as none is new, changed or gone."""
        digest = xxhash.xxh3_128()
        for file in self.at_rest:
            digest.update(f"{file.path!r} {file.size} {file.mtime_ns}\n".encode())
        return digest.hexdigest()


def look_at(place: str | Path, *, now: float, settle_seconds: float) -> Listing | None:
    """What lies in a place and below it; hidden files and folders are left out.

    A file is at rest when its time of change is `settle_seconds` ago. One from the future, as the
    clock of another machine makes it, is at rest unless it is only just ahead.

    Args:
        place: the capture folder, or its URL.
        now: the time [seconds since 1970].
        settle_seconds: how long nobody must have written to a file.

    Returns:
        None where there is no such folder: a disk that is not mounted holds no news.

    Raises:
        CapturesRefused, CapturesUnreached: a bucket cannot be listed, or not now.
    """
    try:
        found = Bucket(str(place)).seen() if is_url(place) else sorted(_walk(Path(place)))
    except FileNotFoundError:
        return None
    at_rest: list[SeenFile] = []
    growing: list[SeenFile] = []
    for file in found:
        (growing if abs(now - file.mtime_ns / _NS) < settle_seconds else at_rest).append(file)
    return Listing(tuple(at_rest), tuple(growing))


def _walk(folder: Path) -> Iterator[SeenFile]:
    """What lies in a folder and below it; not by recursion, which a thousand levels would break."""
    pending = [(os.fspath(folder), "")]
    while pending:
        here, below = pending.pop()
        try:
            with os.scandir(here) as listing:
                entries = [entry for entry in listing if not entry.name.startswith(".")]
        except OSError as error:
            if not below:
                raise
            if not isinstance(error, FileNotFoundError):  # else it is gone since it was listed
                yield SeenFile(shown_name(below[:-1]), -1, 0)
            continue
        for entry in entries:
            path = f"{below}{entry.name}"
            try:
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, f"{path}/"))
                    continue
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # gone since it was listed
                continue
            except OSError:
                yield SeenFile(shown_name(path), -1, 0)  # there: that is all that can be told
                continue
            yield SeenFile(shown_name(path), status.st_size, status.st_mtime_ns)
