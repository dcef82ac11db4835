"""Captures in a bucket: listed there, and copied to a local folder before they are read.

In: a URL that pyarrow's file systems know (``s3://bucket/prefix``, ``gs://...``). Out: what a look
shows, and a folder that holds the same files. Invariants: a copy is fetched when its object is new
or changed (size or time), and only then; it appears whole, with the time of the object, so that
everything behind it reads a folder and nothing else; a copy whose object is gone goes too; two
processes copy one after the other. Credentials are read by the library, from AWS_* and the like.

Belongs here: listing and copying. Goes elsewhere: what is in the files (`capture_files`), and when
a file is at rest (`listing`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from threading import get_ident

import pyarrow as pa
import pyarrow.fs as pafs
import xxhash

from rugs_assets.lake.errors import CapturesRefused, CapturesUnreached, WriteFailed, in_a_line
from rugs_assets.lake.known_formats import UNREADABLE, CaptureFile
from rugs_assets.lake.locks import held
from rugs_assets.lake.paths import inner_path, synced
from rugs_assets.lake.seen_files import SeenFile

_AT_ONCE = 8
"""Objects copied side by side: an event store has thousands of tiny ones, each a round trip."""
_PIECE = 1 << 20
_LOCK_SECONDS = 3_600.0
_LONGEST_NAME = 200
_LASTING = (
    *("NO_SUCH_BUCKET", "ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH"),
    *(
        "INVALID_CLIENT_TOKEN_ID",
        "MISSING_AUTHENTICATION_TOKEN",
        "EXPIRED_TOKEN",
        "UNAUTHENTICATED",
    ),
    *("PERMISSION_DENIED", "HTTP status 403", "HTTP status 401", "not found"),
)
"""What asking again does not change, as the libraries word it; all else may pass."""


def is_url(captures: str | Path) -> bool:
    """Whether captures lie behind a URL, not in a folder."""
    return "://" in str(captures)


def place_shown(captures: str | Path) -> str:
    """The place as messages name it."""
    return f"{captures} (RUGS_CAPTURES)"


@dataclass(frozen=True, slots=True)
class Copied:
    """A local folder that holds what a bucket holds; what could not be copied for its name."""

    folder: Path
    refused: tuple[CaptureFile, ...] = ()


def copy_of(url: str, cache: Path) -> Path:
    """Where the copy of a bucket is kept; buckets that are used in turn do not share one."""
    return cache / "_fetched" / xxhash.xxh3_64_hexdigest(url.rstrip("/"))


class Bucket:
    """Captures below a URL.

    Args:
        url: where they lie.

    Raises:
        CapturesRefused, CapturesUnreached: it cannot be used, or not now.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        with self._told():
            self._files, base = pafs.FileSystem.from_uri(self._url)
        self._base = base.rstrip("/")
        if not self._base:
            raise CapturesRefused(f"{place_shown(url)} names no bucket; write s3://bucket/prefix")

    def seen(self) -> list[SeenFile]:
        """All objects with their sizes and times, sorted; hidden ones are left out.

        Raises:
            CapturesRefused, CapturesUnreached: it cannot be listed, or not now.
        """
        with self._told():
            infos = self._files.get_file_info(pafs.FileSelector(self._base, recursive=True))
        found = (
            SeenFile(info.path[len(self._base) + 1 :], info.size, info.mtime_ns or 0)
            for info in infos
            if info.type is pafs.FileType.File
        )
        return sorted(file for file in found if not _is_hidden(file.path))

    def copied(self, cache: Path) -> Copied:
        """Bring the local copy up to date.

        Args:
            cache: the folder that it is kept in; made when needed.

        Raises:
            CapturesRefused, CapturesUnreached: the bucket cannot be read, or not now.
            WriteFailed: the copy cannot be written.
            LakeBusy: another process has been copying for very long.
        """
        folder = copy_of(self._url, cache)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with held(folder / ".lock", shared=False, timeout=_LOCK_SECONDS):
                seen = self.seen()
                good = _that_can_be_files(seen)
                _drop(folder, good.keys())
                refused = {f.path for f in seen} - good.keys()
                new = [file for file in good.values() if not _is_here(folder, file)]
                refused |= self._fetch_all(folder, new)
        except OSError as error:  # of this machine: what the storage says is told in `_told`
            raise WriteFailed(
                f"captures cannot be copied to {folder}: {error}; make room or restore access"
                " (what lies there may be deleted at any time), then run it again"
            ) from error
        return Copied(folder, tuple(_refused(folder, path) for path in sorted(refused)))

    def _fetch_all(self, folder: Path, files: Iterable[SeenFile]) -> set[str]:
        """Copy objects side by side; the first that fails ends it. As `_fetch` gives paths."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch") as pool:
            try:
                return set(pool.map(lambda file: self._fetch(folder, file), files)) - {""}
            finally:
                pool.shutdown(cancel_futures=True)

    def _fetch(self, folder: Path, file: SeenFile) -> str:
        """Copy an object; its path where it is listed and cannot be opened by it, else ""."""
        target = folder / file.path
        scratch = folder / f".{os.getpid()}-{get_ident()}"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with scratch.open("wb") as copy:
                for piece in self._pieces(file):
                    copy.write(piece)
            self._refuse_changed(file, scratch.stat().st_size)
            os.utime(scratch, ns=(file.mtime_ns, file.mtime_ns))
            synced(scratch)
            scratch.replace(target)
        except _NotFound:
            if file in self.seen():  # such as a key that ends with a slash
                return file.path
            raise
        finally:
            with suppress(OSError):
                scratch.unlink(missing_ok=True)
        return ""

    def _pieces(self, file: SeenFile) -> Iterator[bytes]:
        with self._told(file.path):
            stream = self._files.open_input_stream(f"{self._base}/{file.path}", compression=None)
        with stream:
            while True:
                with self._told(file.path):
                    piece = stream.read(_PIECE)
                if not piece:
                    return
                yield piece

    def _refuse_changed(self, file: SeenFile, size: int) -> None:
        """What was read must be what was listed: the object may have been replaced meanwhile."""
        with self._told(file.path):
            now = self._files.get_file_info(f"{self._base}/{file.path}")
        if (now.size, now.mtime_ns or 0, size) != (file.size, file.mtime_ns, file.size):
            raise CapturesUnreached(
                f"{self._url}/{file.path} changed while it was read; try again when its upload is"
                " over"
            )

    @contextmanager
    def _told(self, path: str = "") -> Iterator[None]:
        """What the storage says, told with the place and what helps."""
        place = place_shown(f"{self._url}/{path}" if path else self._url)
        try:
            yield
        except pa.ArrowInvalid as error:
            raise CapturesRefused(
                f"{place} is no place of captures: {in_a_line(error)}; name a folder, or a URL"
                " such as s3://bucket/prefix"
            ) from error
        except (OSError, pa.ArrowException) as error:
            told = in_a_line(error)
            if path and isinstance(error, FileNotFoundError):
                raise _NotFound(f"{place} went away while it was read; it is tried again") from None
            if isinstance(error, (FileNotFoundError, PermissionError)) or _is_lasting(told):
                raise CapturesRefused(
                    f"{place} cannot be read: {told}; correct the name, or the credentials in the"
                    " environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION,"
                    " AWS_ENDPOINT_URL) and their right to list and read"
                ) from error
            raise CapturesUnreached(
                f"{place} did not answer: {told}; it is tried again. Is the network up, is"
                " AWS_ENDPOINT_URL right?"
            ) from error


class _NotFound(CapturesUnreached):
    """An object that was listed is not there."""


def _is_lasting(told: str) -> bool:
    return "curlCode" not in told and any(word in told for word in _LASTING)


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/"))


def _that_can_be_files(seen: Iterable[SeenFile]) -> dict[str, SeenFile]:
    """Those that a local folder can hold side by side: none has the name of another's folder."""
    good = {file.path: file for file in seen if _can_be_a_file(file.path)}
    folders = {str(parent) for path in good for parent in PurePosixPath(path).parents}
    return {path: file for path, file in good.items() if path not in folders}


def _can_be_a_file(path: str) -> bool:
    try:
        return all(len(os.fsencode(part)) <= _LONGEST_NAME for part in inner_path(path).split("/"))
    except ValueError:
        return False


def _refused(folder: Path, path: str) -> CaptureFile:
    told = "no file can have the name of this object; give it another in the bucket"
    plain = path.encode("unicode_escape").decode()
    return CaptureFile(str(folder / "_"), plain, format=UNREADABLE, problem=told)


def _is_here(folder: Path, file: SeenFile) -> bool:
    try:
        status = (folder / file.path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return (status.st_size, status.st_mtime_ns) == (file.size, file.mtime_ns)


def _drop(folder: Path, keep: Iterable[str]) -> None:
    """Remove what no object is behind any more, scratch files of killed processes too."""
    wanted = {folder / path for path in keep} | {folder / ".lock"}
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies in a folder before the folder
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
        elif path not in wanted:
            path.unlink()
