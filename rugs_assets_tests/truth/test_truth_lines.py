"""Every line is accounted for as what it really is: kept, repeated or broken, and no good one lost.

Frames that make no row are counted by what became of them, as the truth's own order of frames says.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings

from rugs_assets.domain import events as ev
from rugs_assets.domain.features import Phase
from rugs_assets.domain.simulator import Faults, Plan
from rugs_assets_tests.truth.played import EVERY_FAULT, WORLDS, Json, Played, plans, played

TRACED = {ev.TRADE, ev.SIDEBET_PLACED, ev.SIDEBET_RESULT, ev.USERNAME}
USED = TRACED | {
    *(ev.FRAME, ev.PLAYER_TICK, ev.PLAYER_UPDATE, ev.ANSWER),
    *(ev.BUY_REQUEST, ev.SELL_REQUEST, ev.SIDEBET_REQUEST),
}
"""Events that the pipeline reads; of the traced ones a recorder may have lost the payload."""

BROKEN = replace(EVERY_FAULT, broken=0.03, duplicated=0.03)


@settings(WORLDS, max_examples=4)
@given(plans(BROKEN))
def test_exactly_the_broken_lines_are_rejected_and_no_good_one_is_lost(plan: Plan) -> None:
    world = played(plan)
    kinds = Counter(line["kind"] for line in world.truths["lines"])
    assert kinds["cut"]
    assert kinds["duplicate"]
    assert_exactly_the_broken_are_rejected(world)
    assert_files_add_up(world)
    assert_no_good_event_is_lost_nor_there_twice(world)


def assert_exactly_the_broken_are_rejected(world: Played) -> None:
    """Place by place."""
    broken = [line for line in world.truths["lines"] if line["is_broken"]]
    found = places(world.rows("rejected"), "source_file", "source_position")
    assert sorted(found) == sorted(places(broken, "file", "position"))


def assert_no_good_event_is_lost_nor_there_twice(world: Played) -> None:
    """Place by place; only a recorder can have lost the payload of a traced event."""
    events = [row for row in world.rows("events") if not row["is_context"]]
    kept = Counter((row["source_file"], row["source_position"], row["event"]) for row in events)
    true = Counter(
        (line["file"], line["position"], line["event"])
        for line in world.truths["lines"]
        if line["event"] in USED and line["kind"] not in ("cut", "cut_joined", "prose", "duplicate")
    )
    presses = sum(row["event"] == ev.BUTTON for row in events)
    assert presses == len(world.truths["presses"])
    assert not {key for key in kept - true if key[2] != ev.BUTTON}
    lost = true - kept
    assert {event for _, _, event in lost} <= TRACED
    assert lost.total() <= world.counts["trace_only"] * (2 if world.plan.format == "both" else 1)


@settings(WORLDS, max_examples=3)
@given(plans(EVERY_FAULT))
def test_frames_that_make_no_row_are_counted_by_what_they_are(plan: Plan) -> None:
    world = played(plan)
    for episode in world.episodes.values():
        frames = world.view(episode)
        found = Counter(fate for frame, fate in zip(frames, fates(frames), strict=True))
        assert episode["frames"] == len(frames)
        assert episode["rows"] == found["row"]
        assert episode["late_frames"] == found["late"]
        assert episode["duplicate_frames"] == found["repeated"]
        assert episode["post_rug_frames"] == found["post_rug"]


@settings(WORLDS, max_examples=2)
@given(plans(Faults(repeated=0.05), players=0))
def test_repeated_frames_are_those_that_were_injected(plan: Plan) -> None:
    world = played(plan)
    repeated = sum(episode["duplicate_frames"] for episode in world.episodes.values())
    # Tick 0 comes twice by itself: the start frame, then the full one.
    assert world.counts["repeated"] == repeated - len(world.truths["games"])


def places(rows: list[Json], file: str, position: str) -> list[tuple[str, int]]:
    """Where rows came from."""
    return [(row[file], row[position]) for row in rows]


def assert_files_add_up(world: Played) -> None:
    """Each capture file's tally is that of the truth."""
    lines: dict[str, Counter[str]] = {}
    for line in world.truths["lines"]:
        fate = "broken" if line["is_broken"] else line["kind"]
        lines.setdefault(line["file"], Counter())[fate] += 1
    for file in world.files:
        if "button_event" in file.path:
            continue
        true = lines.pop(file.path)
        assert (file.duplicates, file.rejected) == (true["duplicate"], true["broken"])
        assert file.events == true.total() - true["duplicate"] - true["broken"]
        assert file.lost == 0
    assert not lines


def fates(frames: list[Json]) -> list[str]:
    """What becomes of each frame of a view (design.md 2), from the truth's order of them."""
    found: list[str] = []
    highest, is_over = -1, False
    for frame in frames:
        tick = frame["tick"]
        if frame["row"] is not None:
            found.append("row")
        elif is_over:
            found.append("post_rug")
        else:
            found.append("late" if tick is not None and tick < highest else "repeated")
        is_over |= frame["row"] is not None and frame["phase"] == Phase.RUGGED
        highest = highest if tick is None else max(highest, tick)
    return found
