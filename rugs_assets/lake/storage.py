"""A store's place, local folder or object store, under one interface.

Belongs here: paths, reading files, putting finished files in place, the locks a local store has.
Goes elsewhere: what is in the files (`parquet_files`), which of them count (`delta_log`).

A table's folder holds `_delta_log/`, `capture_date=<day>/part-<n>-<digest>.parquet`, and on local
stores `_staging/` with the lock files and the unfinished files of running writers. Tools and vacuum
ignore names that start with an underscore.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.fs as pafs

from rugs_assets.lake.errors import LakeBusy, StoreInvalid
from rugs_assets.lake.locks import held
from rugs_assets.lake.paths import synced

if TYPE_CHECKING:
    from rugs_assets.lake.delta_log import Seen

_LOCK_SECONDS = 120.0
_COPY_BYTES = 8 * 2**20


def open_store(root: str | Path) -> Store:
    """The store at a folder or URL; nothing is created.

    Raises:
        StoreInvalid: the place cannot be used; says why.
    """
    text = str(root)
    if re.match(r"[a-z][a-z0-9+.-]+:/[^/]", text):
        raise StoreInvalid(
            f"store {text!r}: a URL was passed through Path and lost a slash; pass it as str"
        )
    if "://" in text and not text.startswith("file://"):
        return ObjectStore(text.rstrip("/"))
    if text.startswith("file://"):
        text = url2pathname(urlsplit(text).path)
    path = os.path.abspath(Path(text).expanduser())  # noqa: PTH100 - resolve() would follow links
    # deltalake decodes %XX in local paths and turns \\ into /: it would write beside the store.
    if unquote(path) != path or "\\" in path or not path.isprintable():
        raise StoreInvalid(
            f"store {path!r}: the table log cannot hold a path with a %-escape, a backslash or a "
            "control character; choose another folder"
        )
    return LocalStore(Path(path))


class Store:
    """What both kinds share: reading through pyarrow, below one root."""

    local: bool

    def __init__(self, root: str, filesystem: pafs.FileSystem, base: str) -> None:
        self.root = root
        self.filesystem = filesystem
        self.seen: dict[str, Seen] = {}  # by table; `delta_log` alone looks at it
        self._base = base

    def uri(self, table: str) -> str:
        """Path or URL of a table's folder, as deltalake takes it."""
        return f"{self.root}/{table}"

    def path(self, table: str, relative: str) -> str:
        """Path of a file of a table, as `filesystem` takes it."""
        return f"{self._base}/{table}/{relative}"

    def size(self, table: str, relative: str) -> int | None:
        """Bytes of a file, None when there is none."""
        info: pafs.FileInfo = self.filesystem.get_file_info(self.path(table, relative))
        return info.size if info.type is pafs.FileType.File else None

    def stamps(self, table: str, *relatives: str) -> list[tuple[int, int] | None]:
        """Size and time of change [ns] of files; None for one that is not there."""
        paths = [self.path(table, relative) for relative in relatives]
        found: list[pafs.FileInfo] = self.filesystem.get_file_info(paths)
        return [
            (info.size, info.mtime_ns or 0) if info.type is pafs.FileType.File else None
            for info in found
        ]

    def names(self, table: str, folder: str) -> list[str]:
        """Names of the files in a folder of a table, sorted; none when the folder is absent."""
        selector = pafs.FileSelector(self.path(table, folder), allow_not_found=True)
        found = self.filesystem.get_file_info(selector)
        return sorted(info.base_name for info in found if info.type is pafs.FileType.File)

    def read_bytes(self, table: str, relative: str) -> bytes:
        """The whole content of a small file."""
        with self.filesystem.open_input_stream(
            self.path(table, relative), compression=None
        ) as stream:
            return bytes(stream.read())

    def make_durable(self, table: str, relative: str) -> None:
        """Wait until a file that is in place would survive a power cut."""
        raise NotImplementedError

    def creating(self, table: str) -> AbstractContextManager[None]:
        """Held while a table is created."""
        raise NotImplementedError

    def publishing(self, table: str) -> AbstractContextManager[None]:
        """Held, together with other writers, from the first file put in place to the commit."""
        raise NotImplementedError

    def maintaining(self, table: str, timeout: float) -> AbstractContextManager[None]:
        """Held alone: no writer has files in place that no version refers to yet."""
        raise NotImplementedError

    def staging(self, table: str, label: str) -> AbstractContextManager[Path]:
        """A folder for unfinished files, gone afterwards."""
        raise NotImplementedError

    def put(self, staged: Path, table: str, relative: str) -> None:
        """Put a finished file in place, whole or not at all, over whatever lies there."""
        raise NotImplementedError

    def clear_staging(self, table: str, *, dry_run: bool = False) -> list[str]:
        """Remove and name the folders of killed writers; the caller holds `maintaining`."""
        raise NotImplementedError


class LocalStore(Store):
    """A folder on a file system that knows locks and atomic rename."""

    local = True

    def __init__(self, root: Path) -> None:
        super().__init__(str(root), pafs.LocalFileSystem(), str(root))
        self._root = root

    def path(self, table: str, relative: str) -> str:
        """Path of a file of a table, which lies below the root, whatever links there are.

        Raises:
            StoreInvalid: a link leads out of the store.
        """
        path = super().path(table, relative)
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root)):
            raise StoreInvalid(
                f"{path} is reached through a link that leads out of the store {self.root}; put "
                "the file or folder itself there (or mount it), then try again"
            )
        return path

    def make_durable(self, table: str, relative: str) -> None:
        """Wait until a file that is in place would survive a power cut."""
        path = Path(self.path(table, relative))
        for each in (path, path.parent):
            synced(each)

    def creating(self, table: str) -> AbstractContextManager[None]:
        """Held alone while a table is created."""
        return held(self._staging(table) / "create.lock", shared=False, timeout=_LOCK_SECONDS)

    def publishing(self, table: str) -> AbstractContextManager[None]:
        """Held with other writers."""
        return held(self._staging(table) / "publish.lock", shared=True, timeout=_LOCK_SECONDS)

    def maintaining(self, table: str, timeout: float) -> AbstractContextManager[None]:
        """Held alone."""
        return held(self._staging(table) / "publish.lock", shared=False, timeout=timeout)

    @contextmanager
    def staging(self, table: str, label: str) -> Iterator[Path]:
        """A folder of this writer alone, gone afterwards."""
        # Made and locked while no maintenance runs, so that a folder without a holder is a dead
        # writer's.
        with ExitStack() as until_done:
            with self.publishing(table):
                folder = Path(tempfile.mkdtemp(prefix=f"{label}-", dir=self._staging(table)))
                until_done.enter_context(held(folder / "writer.lock", shared=False, timeout=0))
            until_done.callback(shutil.rmtree, folder, ignore_errors=True)
            yield folder

    def put(self, staged: Path, table: str, relative: str) -> None:
        """Put a finished file in place."""
        target = Path(self.path(table, relative))
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        synced(target.parent)  # the name must survive a power cut before a version refers to it

    def clear_staging(self, table: str, *, dry_run: bool = False) -> list[str]:
        """Remove and name the folders of killed writers."""
        removed = []
        for folder in sorted(p for p in self._staging(table).iterdir() if p.is_dir()):
            # A writer that ends now removes its folder itself, and the lock file with it.
            with (
                suppress(LakeBusy, FileNotFoundError),
                held(folder / "writer.lock", shared=False, timeout=0),
            ):
                removed.append(folder.name)
                if not dry_run:
                    shutil.rmtree(folder, ignore_errors=True)
        return removed

    def _staging(self, table: str) -> Path:
        folder = self._root / table / "_staging"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class ObjectStore(Store):
    """A bucket, whose credentials and endpoint the libraries read from AWS_* and the like.

    There are no locks: creation is put-if-absent, commits are conditional puts, and vacuum relies
    on its retention hours.
    """

    local = False

    def __init__(self, url: str) -> None:
        try:
            filesystem, base = pafs.FileSystem.from_uri(url)
        except (pa.ArrowInvalid, OSError) as error:
            raise StoreInvalid(f"store {url!r} cannot be opened: {error}") from error
        super().__init__(url, filesystem, base.rstrip("/"))

    def creating(self, table: str) -> AbstractContextManager[None]:
        """Held alone while a table is created."""
        return nullcontext()

    def publishing(self, table: str) -> AbstractContextManager[None]:
        """Held with other writers."""
        return nullcontext()

    def maintaining(self, table: str, timeout: float) -> AbstractContextManager[None]:
        """Held alone."""
        return nullcontext()

    def make_durable(self, table: str, relative: str) -> None:
        """An object is durable when its upload completes."""

    @contextmanager
    def staging(self, table: str, label: str) -> Iterator[Path]:
        """A folder of this writer alone, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix=f"{table}-{label}-") as folder:
            yield Path(folder)

    def put(self, staged: Path, table: str, relative: str) -> None:
        """Put a finished file in place."""
        # An object appears when its upload completes, and its name is made of its content: one of
        # the same name and size is this very file, and a re-run need not send it again.
        if self.size(table, relative) == staged.stat().st_size:
            return
        with (
            staged.open("rb") as source,
            self.filesystem.open_output_stream(self.path(table, relative)) as target,
        ):
            while chunk := source.read(_COPY_BYTES):
                target.write(chunk)

    def clear_staging(self, table: str, *, dry_run: bool = False) -> list[str]:
        """Remove and name the folders of killed writers."""
        return []
