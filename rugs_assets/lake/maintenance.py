"""Taking out what no kept version needs, never harming a running writer or a kept version.

What a release rests on is kept by itself: the versions of its tables are read from the manifests
while no release can appear, and a manifest that cannot be read stops the vacuum.

Belongs here: vacuum. Goes elsewhere: what killed processes leave outside of the tables
(`sweeping`), what is in a release (`release_files`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from deltalake.exceptions import DeltaError

from rugs_assets.lake import delta_log
from rugs_assets.lake.errors import LakeError, WriteFailed, in_a_line
from rugs_assets.lake.release_files import kept_versions
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.storage import Store

RETENTION_HOURS = 168
"""A week: longer than any reader keeps a version open."""


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum took out (or, dry, would take out).

    Attributes:
        files: paths below the table's folder.
        dead_writers: folders of killed writers that were removed.
    """

    table: str
    files: tuple[str, ...]
    dead_writers: int
    dry_run: bool


def vacuum(
    store: Store,
    spec: TableSpec,
    *,
    keep_versions: Iterable[int] = (),
    retention_hours: int = RETENTION_HOURS,
    dry_run: bool = True,
    timeout: float = 60.0,
) -> Vacuumed:
    """Delete files that no kept version refers to and that are older than the retention.

    The latest version and those that releases rest on are always kept. Writers wait while this
    runs, and it waits for those that have files in place but not yet committed; the streaming of
    their rows goes on meanwhile.

    Args:
        store: where the table lies.
        spec: the table.
        keep_versions: further versions that stay readable.
        retention_hours: files younger than this stay, and so do those replaced within it. 0 only on
            a local store, where the lock proves that no writer is about to commit.
        dry_run: only say what would go.
        timeout: seconds to wait for writers.

    Raises:
        LakeBusy: writers did not finish in time.
        LakeError: a retention that could harm writers.
        ReleaseDamaged: a release cannot be read, so that it is not known what it rests on.
    """
    if retention_hours < (0 if store.local else 1):
        raise LakeError(
            f"table {spec.name}: retention_hours={retention_hours} at {store.root}; an object "
            "store has no writer lock, keep at least 1 hour"
        )
    with store.maintaining(spec.name, timeout):
        table = delta_log.load(store, spec)
        released = kept_versions(store, spec.name)
        keep = sorted({*keep_versions, *released, table.version()})
        for version in keep:
            delta_log.load(store, spec, version)  # one that does not exist is an error here
        try:
            files = table.vacuum(
                retention_hours=retention_hours,
                dry_run=dry_run,
                enforce_retention_duration=False,
                full=True,
                keep_versions=keep,
            )
        except (DeltaError, OSError) as error:
            raise WriteFailed(
                f"table {spec.name}, {store.uri(spec.name)}: the vacuum was refused, what it keeps "
                f"is whole: {in_a_line(error)}. Make room or restore access, then run it again"
            ) from error
        dead = [] if dry_run else store.clear_staging(spec.name)
    return Vacuumed(spec.name, tuple(sorted(files)), len(dead), dry_run)
