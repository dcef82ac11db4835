"""Paths of files: those that can only lead down, and those that would survive a power cut.

Belongs here: what holds for any path below a store. Goes elsewhere: which paths there are
(`storage`, `release_files`).
"""

from __future__ import annotations

import os
import re
from pathlib import Path

_LIKE_ESCAPED = re.compile(rb"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})")
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that end a line, steer a terminal or turn the direction of text round."""


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
    """The path of a capture as tables and messages call it: one line of plain text.

    Bytes that are no UTF-8 are escaped, and so are characters that would put words of their own
    into a log. No two paths have the same: what looks escaped gets its backslash escaped.
    """
    name = _LIKE_ESCAPED.sub(rb"\\x5c", os.fsencode(path)).decode("utf-8", "backslashreplace")
    return _STEERING.sub(_escaped, name)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    # \x80 and above stand for bytes.
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def synced(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
