"""Which failures may pass by themselves, so that trying again is worth it.

A lock that was not free, storage that did not answer, a file that was being replaced: the next try
may find them well. Data that breaks a rule, a schema that does not fit, a file that is damaged give
the same answer however often they are asked; trying again would only hide them for longer.
"""

from __future__ import annotations

from rugs_assets.lake.errors import (
    CapturesUnreached,
    CommitConflict,
    LakeBusy,
    LakeError,
    WriteFailed,
)

_PASSING = (LakeBusy, CommitConflict, WriteFailed, CapturesUnreached)
_LASTING = (PermissionError, IsADirectoryError, NotADirectoryError)


def is_transient(error: BaseException) -> bool:
    """Whether the same work may succeed when it is done again, unchanged, a little later."""
    if isinstance(error, LakeError):
        return isinstance(error, _PASSING)
    return isinstance(error, OSError) and not isinstance(error, _LASTING)
