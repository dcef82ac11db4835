"""Trying again what may pass by itself, and nothing else.

Dagster's RetryPolicy retries whatever an asset raises. Bad data gives the same answer each time, so
here an asset asks for a retry itself, when `lake.transient` says that the fault may pass.
"""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import dagster as dg

from rugs_assets.lake.transient import is_transient

P = ParamSpec("P")
R = TypeVar("R")

TRIES_AGAIN = 3
WAIT_SECONDS = 2.0


def retrying_transient_faults(body: Callable[P, R]) -> Callable[P, R]:
    """The body of an asset or op; a transient fault starts it again, up to three times.

    An asset may start again at any point: what it writes is one commit, made at its end.
    """

    @functools.wraps(body)
    def retrying(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return body(*args, **kwargs)
        except Exception as error:
            if not is_transient(error):
                raise
            raise dg.RetryRequested(TRIES_AGAIN, WAIT_SECONDS) from error

    return retrying
