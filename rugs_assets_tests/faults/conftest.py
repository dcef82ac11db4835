"""A world whose store is whole at the beginning of a test, and what it must hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rugs_assets.orchestration import pictures
from rugs_assets_tests.faults import pipeline
from rugs_assets_tests.faults.pipeline import DAY, OTHER_DAY, VARIANTS, Digests, World


@dataclass
class Known:
    """What stores hold that nobody disturbed.

    Attributes:
        root: folder of the captures and the undisturbed stores.
        day: variant -> digests of the date that changes.
        other: digests of the date that does not.
        release: variant -> checksum of a release.
    """

    root: Path
    day: dict[str, Digests] = field(default_factory=dict)
    other: Digests = field(default_factory=dict)
    release: dict[str, str] = field(default_factory=dict)


@contextmanager
def prepared() -> Iterator[None]:
    """This process can run stages, and is as it was afterwards: other tests run in it too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUGS_PSEUDONYM_KEY", "-")
        for name in [name for name in vars(pictures) if name.startswith("of_")]:
            patch.setattr(pictures, name, getattr(pictures, name))
        pipeline.prepare_process()
        yield


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    known = Known(tmp_path_factory.mktemp("faults"))
    World(known.root).make_captures()
    with prepared():
        for variant in VARIANTS:
            world = World(known.root, f"undisturbed-{variant}")
            pipeline.run_chain(world, variant)
            pipeline.run_chain(world, "a", OTHER_DAY)
            known.day[variant] = pipeline.digests(world.lake, DAY)
            known.other = pipeline.digests(world.lake, OTHER_DAY)
            known.release[variant] = pipeline.make_release(world)
            assert pipeline.strays(world) == []
    changed = {name for name in known.day["a"] if known.day["a"][name] != known.day["b"][name]}
    assert set(known.day["a"]) - changed <= {"unaligned_actions", "rejected_input"}
    return known


@pytest.fixture
def world(known: Known, tmp_path: Path) -> Iterator[World]:
    """A store of variant `a`, both dates."""
    made = World(tmp_path)
    (tmp_path / "captures").symlink_to(known.root / "captures")
    shutil.copytree(known.root / "undisturbed-a", made.store)
    shutil.rmtree(made.store / "releases")
    with prepared():
        yield made


@pytest.fixture
def assert_whole(known: Known) -> Callable[..., str]:
    """See `_assert_whole`."""

    def check(world: World, was: str, will_be: str) -> str:
        return _assert_whole(known, world, was, will_be)

    return check


def _assert_whole(known: Known, world: World, was: str, will_be: str) -> str:
    """Every table of the date is wholly the one or the other; what it was made of comes first.

    Returns:
        The names of the tables that are new already.
    """
    found = pipeline.digests(world.lake, DAY)
    for name, digest in found.items():
        assert digest in (known.day[was][name], known.day[will_be][name]), name
    for versions in pipeline.logged_versions(world).values():
        assert versions == list(range(versions[0], -1, -1))
    return " ".join(name for name in found if found[name] != known.day[was][name])
