"""Paths of files: those that can only lead down, and those that would survive a power cut.

Belongs here: what holds for any path below a store. Goes elsewhere: which paths there are
(`storage`, `release_files`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_LIKE_A_BYTE = re.compile(rb"\\(?=x[0-9a-f]{2})")


def inner_path(path: str) -> str:
    """The path, when it can only lead to a file below the folder it is joined to.

    Raises:
        ValueError: it is absolute, a URL, leads up, or holds what no file of ours is named with.
    """
    parts = path.split("/")
    is_plain = path.isprintable() and "\\" not in path and "://" not in path
    if not is_plain or not all(parts) or not {".", ".."}.isdisjoint(parts):
        raise ValueError(f"the path {path!r} leads out of its folder")
    return path


def shown_name(path: str) -> str:
    """The path of a capture as tables call it: bytes that are no UTF-8 are escaped.

    No two paths have the same: what looks like an escaped byte gets its backslash escaped.
    """
    name = _LIKE_A_BYTE.sub(rb"\\x5c", os.fsencode(path))
    return name.decode("utf-8", "backslashreplace")


def synced(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
