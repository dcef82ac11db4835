"""A recorder's zone is set, changed and taken back: exactly its dates follow, and come back."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from rugs_assets.lake.catalog import RAW_WS_EVENTS
from rugs_assets.orchestration import pictures
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.settings import Settings, SettingsError
from rugs_assets_tests.captures_builders import ME, active, at, event, lines, rug
from rugs_assets_tests.orchestration.conftest import Project
from rugs_assets_tests.orchestration.ticks import Machine

FRAMES = (*(active(n, n) for n in range(3)), rug(3, 3))
ZONED = lines(*({**frame, "ts": f"2025-12-15T12:00:0{n}Z"} for n, frame in enumerate(FRAMES)))
LATE = 11.5 * 3_600
"""Half past eleven at night, counted from noon [s]."""
NAIVE = lines(
    *(event(n, "playerUpdate", {"id": ME, "cash": n}, ts=at(LATE + n)) for n in range(3)),
    event(3, "usernameStatus", {"id": "me", "username": "me"}, ts=at(LATE + 3)),
)
"""No game, no server time: only its zone says which date it is of."""
FIRST, NEXT = "2025-12-15", "2025-12-16"


def machine_with(
    project: Project, instance: dg.DagsterInstance, zones: str, default: str
) -> Machine:
    """The same folders and databases after a restart with other settings."""
    environment = {**project.environment, "RUGS_ZONES": zones, "RUGS_DEFAULT_ZONE": default}
    return Machine(Project(project.root, environment), instance)


@pytest.fixture
def own(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    for drawn in ("of_observations", "of_shards"):
        monkeypatch.setattr(pictures, drawn, lambda day: {})
    captures = project.root / "captures"
    for name, content in (("zoned/a.jsonl", ZONED), ("upstairs/b.jsonl", NAIVE)):
        (captures / name).parent.mkdir(parents=True)
        (captures / name).write_bytes(content)
    return replace(project, environment={**project.environment, "RUGS_CAPTURES": str(captures)})


def received(machine: Machine, key: str) -> dict[str, list[str]]:
    """Session -> the times of its events in a date."""
    rows = machine.project.lake.read(RAW_WS_EVENTS, machine.project.date(key)).to_arrow()
    found: dict[str, list[str]] = {}
    for row in rows.to_pylist():
        found.setdefault(row["session_id"], []).append(f"{row['received_at']:%d %H:%M}")
    return found


def restarted(
    own: Project,
    instance: dg.DagsterInstance,
    zones: str,
    expected: list[str],
    default: str = "+00:00",
) -> Machine:
    """With these zones the sensor asks for these runs, and afterwards for none."""
    machine = machine_with(own, instance, zones, default)
    machine.now += 3_600
    assert machine.schedule_tick() == []  # not before it is known what the captures hold now
    assert machine.settle() == expected
    assert (machine.schedule_tick(), machine.said) == ([], "every date is up to date")
    return machine


def test_the_dates_of_a_clock_follow_its_zone_and_no_others(
    own: Project, instance: dg.DagsterInstance
) -> None:
    machine = restarted(own, instance, "", ["decode_captures", FIRST])
    assert received(machine, FIRST)["upstairs/b"] == ["15 23:30"] * 4
    plain = machine.digests()
    zoned = received(machine, FIRST)["zoned/a"]

    behind = restarted(own, instance, "upstairs/*=-05:00", ["decode_captures", FIRST, NEXT])
    assert received(behind, FIRST) == {"zoned/a": zoned}
    assert received(behind, NEXT) == {"upstairs/b": ["16 04:30"] * 4}
    stored = behind.project.lake.provenance(RAW_WS_EVENTS, behind.project.date(NEXT))
    assert stored is not None
    bare = CapturesResource.of(own.settings).look().select(own.date(NEXT))
    assert stored.input_digest != bare.input_digest

    # A zone for what says its own, or for nothing that is there, makes nothing due.
    restarted(
        own,
        instance,
        "upstairs/*=-05:00, zoned/*=+01:00, cellar/*=+02:00",
        ["decode_captures"],
    )
    back = restarted(own, instance, "", ["decode_captures", FIRST, NEXT])
    assert {k: v for k, v in back.digests().items() if FIRST in k} == plain


def test_a_default_zone_is_that_of_what_tells_nothing(
    own: Project, instance: dg.DagsterInstance
) -> None:
    environment = {**own.environment, "RUGS_DEFAULT_ZONE": "-01:00"}
    machine = Machine(replace(own, environment=environment), instance)
    inventory = CapturesResource.of(machine.project.settings).look()
    clocks = inventory.select(machine.project.date(NEXT)).tally()["clocks"]
    assert clocks == {"upstairs/b": "+1.00 h, assumed the default zone"}
    day = inventory.select(machine.project.date(FIRST))
    assert day.tally()["clocks"] == {"zoned/a": "+0.00 h, zones in the stamps"}


def test_a_change_of_the_default_zone_makes_dates_due_whose_clock_nothing_tells(
    own: Project, instance: dg.DagsterInstance
) -> None:
    for place in ("captures/zoned/a.jsonl", "captures/cellar/c.jsonl"):  # of the next date
        later = ZONED.replace(b"2025-12-15T", b"2025-12-17T").replace(b"20251215", b"20251217")
        target = own.root / place
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(later)
    last = "2025-12-17"
    plain = restarted(own, instance, "", ["decode_captures", FIRST, last])
    assert received(plain, FIRST) == {"upstairs/b": ["15 23:30"] * 4}
    # An hour ahead it is the same date, at another time; what tells its zone keeps its own.
    ahead = restarted(own, instance, "", ["decode_captures", FIRST], default="+01:00")
    assert received(ahead, FIRST) == {"upstairs/b": ["15 22:30"] * 4}


@pytest.mark.parametrize(
    ("variable", "text"), [("RUGS_DEFAULT_ZONE", "EST"), ("RUGS_ZONES", "a=-5")]
)
def test_a_zone_that_is_none_is_named_with_its_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingsError, match=rf"{variable}: .* such as \+01:00"):
        Settings.from_environment({variable: text})


def test_a_zone_that_is_none_fails_a_run_of_the_launchpad_once(tmp_path: Path) -> None:
    given = CapturesResource(
        folder=str(tmp_path), cache=str(tmp_path), first_date=FIRST, zones={"*": "five"}
    )
    with pytest.raises(dg.Failure, match="resource captures: 'five' is no zone") as refused:
        given.look()
    assert not refused.value.allow_retries
