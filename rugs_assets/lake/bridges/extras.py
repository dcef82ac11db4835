"""Libraries that an extra of this package brings: imported when asked for, named when missing.

Goes elsewhere: what is done with them.
"""

from __future__ import annotations

import importlib
from typing import Any

from rugs_assets.lake.errors import LakeError

LIBRARIES = {"rllib": "ray"}
"""Extra -> what it brings, where that has another name."""


class MissingExtra(LakeError, ImportError):
    """A library is needed that the package does not bring by itself.

    Args:
        module: what could not be imported.
        extra: of this package, that brings it.
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed: pip install 'rugs_assets[{extra}]'")
        self.extra = extra


def library(module: str, extra: str) -> Any:
    """A module of a library, without its types: no environment of this project needs to have it.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        # A library that lacks something itself says so better than we could.
        own = (error.name or "").partition(".")[0]
        if own not in (module.partition(".")[0], LIBRARIES.get(extra, extra)):
            raise
        raise MissingExtra(module, extra) from error
