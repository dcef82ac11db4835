"""A small pipeline that can be killed: the very asset bodies, without Dagster around them.

Importable by child processes and free of pytest. A world has two sets of captures of the same two
dates, `a` and `b`; whatever is done turns one date of the store from one into the other, while the
other date stays as it is. What a store must hold then is known from a store nobody disturbed.
"""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rugs_assets.domain.simulator import Faults, Payload, Plan, write_simulation
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.releases import ReleaseRequest, Releases
from rugs_assets.lake.shard_manifests import read_manifest
from rugs_assets.lake.specs import TableSpec, content_digest
from rugs_assets.lake.sweeping import sweep
from rugs_assets.lake.tables import Lake
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.assets import ASSETS
from rugs_assets.orchestration.release_basis import BASIS
from rugs_assets.orchestration.resources import CapturesResource, LakeResource
from rugs_assets.orchestration.stages import stage_of

DAY, OTHER_DAY = date(2025, 12, 15), date(2025, 12, 16)
VARIANTS = ("a", "b")
RELEASE = "demo"
STAGES = tuple(asset.key.to_user_string() for asset in ASSETS)
MANIFEST = "shard manifest"
_FOOTER_TAIL = 8
_NEWEST = 12

Digests = dict[str, str]
"""Table (or `MANIFEST`) -> content digest of a date."""


@dataclass(frozen=True, slots=True)
class World:
    """Folders of a pipeline.

    Args:
        root: holds the captures of both variants.
        name: of the store.
    """

    root: Path
    name: str = "store"

    @property
    def store(self) -> Path:
        """Where the tables lie."""
        return self.root / self.name

    @property
    def landing(self) -> Path:
        """Where decoded captures lie."""
        return self.store / "_landing"

    @property
    def lake(self) -> Lake:
        """The store, opened anew."""
        return Lake(self.store)

    def captures(self, variant: str) -> Path:
        """The capture folder of a variant."""
        return self.root / "captures" / variant

    def make_captures(self, days: int = 2, games_per_day: int = 1) -> None:
        """Simulate both variants."""
        for seed, variant in enumerate(VARIANTS):
            plan = Plan(
                seed=seed,
                days=days,
                sessions=1,
                players=1,
                games_per_day=games_per_day,
                payload=Payload.LEAN,
                faults=Faults.usual(),
            )
            write_simulation(plan, self.captures(variant), truth=None)


KEY = "a key for tests of faults"
"""Digests hold pseudonyms: who compares them uses this key."""


def prepare_process(key: str = KEY) -> None:
    """What a process needs to run stages: a key; pictures of a date are left out."""
    os.environ["RUGS_PSEUDONYM_KEY"] = key
    for name in [name for name in vars(pictures) if name.startswith("of_")]:
        setattr(pictures, name, lambda _: {})


def run_stage(world: World, variant: str, stage: str, day: date = DAY) -> None:
    """Run the body of one asset for one date."""
    body = _BODIES[stage]
    given: dict[str, object] = {
        "context": SimpleNamespace(
            partition_key=day.isoformat(), run=SimpleNamespace(run_id=f"run-{os.getpid()}")
        ),
        "captures": CapturesResource(
            folder=str(world.captures(variant)),
            cache=str(world.landing),
            first_date="2025-10-01",
        ),
        "lake": LakeResource(root=str(world.store)),
    }
    parameters = inspect.signature(body).parameters
    body(**{
        name: given[name] if name in given else parameter.annotation()
        for name, parameter in parameters.items()
    })  # fmt: skip


def run_chain(world: World, variant: str, day: date = DAY, first: str = STAGES[0]) -> None:
    """Run all stages of a date, or those from one on."""
    for stage in STAGES[STAGES.index(first) :]:
        run_stage(world, variant, stage, day)


def make_release(world: World, name: str = RELEASE) -> str:
    """Cut a release of both dates; its checksum."""
    return Releases(world.lake).create(ReleaseRequest(name, DAY, OTHER_DAY), BASIS).checksum


def vacuum_all(world: World) -> None:
    """Vacuum every table without any retention, then sweep: what a maintenance does."""
    lake = world.lake
    for spec in TABLES:
        lake.vacuum(spec, retention_hours=0, dry_run=False)
    sweep(lake.store, landing=world.landing, idle_hours=0, dry_run=False)


def digests(lake: Lake, day: date, stages: Sequence[str] = STAGES) -> Digests:
    """What a date holds, table by table, every byte of it read and hashed anew.

    Args:
        lake: the store.
        day: the date.
        stages: the assets whose tables are read.

    Raises:
        AssertionError: the bytes are not those that the log and the footers speak of.
    """
    wanted = {*stages, *(stage_of(name).side_table for name in stages)}
    found = {
        spec.name: _digest(lake, spec, day)
        for spec in TABLES
        if spec.name in wanted or spec in wanted
    }
    manifest = read_manifest(lake, day) if stages[-1] == STAGES[-1] else None
    return found | ({MANIFEST: str(manifest["content_digest"])} if manifest else {})


def _digest(lake: Lake, spec: TableSpec, day: date) -> str:
    version = lake.version(spec)
    stored = lake.provenance(spec, day, version=version)
    if stored is None:
        return ""
    rows = lake.read(spec, day, version=version)
    data = [_hashed(Path(path)) for path in rows.files]
    assert content_digest(spec.fingerprint, data) == stored.content_digest, spec.name
    assert sum(batch.num_rows for batch in rows.batches()) == stored.rows == rows.count()
    said = [entry for entry in lake.versions(spec, limit=_NEWEST) if entry.day == day]
    known = [entry.content_digest for entry in said if entry.version <= version]
    assert not known or known[0] == stored.content_digest, spec.name
    return stored.content_digest


def _hashed(path: Path) -> str:
    """sha256 hex of the rows of a file: all its bytes but for the footer."""
    text = path.read_bytes()
    footer = int.from_bytes(text[-_FOOTER_TAIL:-4], "little") + _FOOTER_TAIL
    return hashlib.sha256(text[:-footer]).hexdigest()


def strays(world: World) -> list[str]:
    """Files of a store that nothing refers to, relative to it; locks are none."""
    lake = world.lake
    named = {str(path) for spec in TABLES for path in lake.read(spec).files}
    found = []
    for path in sorted(path for path in world.store.rglob("*") if path.is_file()):
        parts = path.relative_to(world.store).parts
        is_log = parts[1] == "_delta_log" and "#" not in path.name
        is_decoded = parts[0] == "_landing" and not path.name.startswith(".")
        is_manifest = parts[0] == "shard_manifests" and parts[1].endswith(".json")
        is_released = parts[0] == "releases" and not parts[1].startswith("_")
        is_lock = parts[1] == "_staging" and path.suffix == ".lock" and len(parts) == 3
        if str(path) not in named and not any(
            (is_log, is_decoded, is_manifest, is_released, is_lock)
        ):
            found.append("/".join(parts))
    return found


def logged_versions(world: World) -> dict[str, list[int]]:
    """The versions of each table, which must follow each other without a gap."""
    logs = {spec.name: world.store / spec.name / "_delta_log" for spec in TABLES}
    return {
        name: sorted((int(path.stem) for path in log.glob("*[0-9].json")), reverse=True)
        for name, log in logs.items()
    }


def _bodies() -> dict[str, Callable[..., object]]:
    """The functions that were decorated as assets."""
    bodies: dict[str, Callable[..., object]] = {}
    for asset in ASSETS:
        compute: Any = asset.op.compute_fn
        bodies[asset.key.to_user_string()] = compute.decorated_fn
    return bodies


_BODIES = _bodies()
