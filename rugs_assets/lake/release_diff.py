"""What differs between two releases, said in the words of their manifests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rugs_assets.lake.release_manifest import Manifest


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two releases do not share; None where one of them has no such thing."""

    what: str
    one: Any
    other: Any


def differences(one: Manifest, other: Manifest) -> list[Difference]:
    """Every leaf of the content that differs, in the order of its name.

    Table versions and files are where a store keeps the rows, not what they are: they are compared
    by their content digests, under `rows`.
    """
    return sorted(_differing("", one.content, other.content), key=lambda found: found.what)


def _differing(place: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted({*one, *other}):
            inner = f"{place}.{key}" if place else key
            yield from _differing(inner, one.get(key), other.get(key))
    elif one != other:
        yield Difference(place, one, other)
