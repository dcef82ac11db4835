"""The health of the landing: are there captures, can they be read, what does their copy take.

In: the folder of the captures and the cache beside it. Out: findings. Files whose format is known
are not opened; the others are, at their beginning. Nothing is written.

Belongs here: judging the folder as a whole. Goes elsewhere: telling formats (`capture_files`), what
the lines of a file gave (`capture_report`).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from rugs_assets.lake.bucket import Bucket, copy_of, is_url, place_shown
from rugs_assets.lake.capture_files import UNREADABLE, UNRECOGNISED, CaptureFile, find_captures
from rugs_assets.lake.errors import CapturesRefused, CapturesUnreached
from rugs_assets.lake.findings import Finding, Judge, finding_of
from rugs_assets.lake.known_formats import KnownFormats


class CaptureHealth:
    """A folder of captures, looked at once.

    Args:
        captures: the folder that is searched, or the URL of a bucket; of that the files are told
            that have been copied so far.
        cache: where the decoded captures are kept.
        is_used: whether dates were made from captures already.
    """

    def __init__(self, captures: str | Path, cache: Path, *, is_used: bool) -> None:
        self._url = str(captures) if is_url(captures) else ""
        self._captures = copy_of(self._url, cache) if self._url else Path(captures)
        self._cache = cache
        self._is_used = is_used

    def judges(self) -> Iterator[tuple[str, Judge]]:
        """What to ask, in order."""
        yield "captures", self.present
        yield "capture_files", self.readable
        yield "other_files", self.recognised
        yield "decoded_copy", self.decoded_copy

    @cached_property
    def found(self) -> list[CaptureFile]:
        """Every file of the folder, with its format."""
        return find_captures(self._captures, KnownFormats(self._cache))

    @property
    def bytes_to_decode(self) -> int:
        """Bytes of the captures where nothing was decoded yet, else 0: the rest is little."""
        is_fresh = not any(self._cache.glob("*.json"))
        return sum(file.size for file in self.found) if is_fresh else 0

    @property
    def newest(self) -> tuple[float, str]:
        """The latest time of change [s since 1970] of a capture, and its path; 0 without any."""
        latest = max(self.found, key=lambda file: file.mtime_ns, default=None)
        return (0.0, "") if latest is None else (latest.mtime_ns / 1e9, latest.path)

    def present(self) -> Finding:
        """The folder is there, can be listed, and holds captures."""
        if self._url:
            return self._reached()
        place = place_shown(self._captures)
        if not self._captures.is_dir():
            cure = "name the folder of your captures: `make run RUGS_CAPTURES=/where/they/lie`"
            if self._is_used:
                return Finding("captures", "error", f"{place} is gone, or no folder", cure)
            told = f"{place} does not exist; `make run` makes it and simulates three dates into it"
            return Finding("captures", "warn", told, cure)
        if not os.access(self._captures, os.R_OK | os.X_OK):
            return Finding(
                "captures",
                "error",
                f"{place} may not be listed by this user",
                f"`chmod u+rx {self._captures}`, or run as its owner",
            )
        formats = Counter(file.format for file in self.found)
        kinds = ", ".join(f"{count} {name}" for name, count in sorted(formats.items()))
        if not formats.keys() - {UNRECOGNISED, UNREADABLE}:
            cure = "name the folder of your captures, or an empty one to have some simulated:"
            return Finding(
                "captures",
                "error" if self._is_used or formats else "warn",
                f"{place} holds no capture ({kinds or 'nothing'})",
                f"{cure} `make run RUGS_CAPTURES=/where/they/lie`",
            )
        size = sum(file.size for file in self.found)
        return Finding("captures", "ok", f"{place}: {kinds}, {size / 1e6:,.1f} MB")

    def _reached(self) -> Finding:
        """The bucket can be listed, and holds something."""
        place = place_shown(self._url)
        cure = "correct RUGS_CAPTURES or the credentials in the environment (AWS_*)"
        try:
            seen = Bucket(self._url).seen()
        except (CapturesRefused, CapturesUnreached) as error:
            return Finding("captures", "error", str(error), cure)
        if not seen:
            return Finding("captures", "error", f"{place} holds nothing", cure)
        size = sum(file.size for file in seen)
        return Finding("captures", "ok", f"{place}: {len(seen)} objects, {size / 1e6:,.1f} MB")

    def readable(self) -> Finding:
        """Every file can be opened and decoded."""
        told = [f"{f.path}: {f.problem}" for f in self.found if f.format == UNREADABLE]
        return finding_of(
            "capture_files",
            told,
            "no file is beyond reading",
            "mend or remove the files (the dates that they name fail until then), then `make run`",
        )

    def recognised(self) -> Finding:
        """Nothing else lies in the folder."""
        told = [f"{f.path}: {f.problem}" for f in self.found if f.format == UNRECOGNISED]
        return finding_of(
            "other_files",
            told,
            "nothing but captures lies there",
            "nothing is made of them: move them elsewhere, or mend them where they should be"
            " captures",
            level="warn",
        )

    def decoded_copy(self) -> Finding:
        """How much the decoded copy takes."""
        copied = copy_of(self._url, self._cache).rglob("*") if self._url else ()
        kept = (*self._cache.glob("*"), *copied)
        size = sum(path.stat().st_size for path in kept if path.is_file())
        told = f"{self._cache}: {size / 1e6:,.1f} MB; it may be deleted at any time"
        return Finding("decoded_copy", "ok", told)
