"""Every press is where it belongs: at the row that the truth says, or at none for the same reason.

What the truth does not decide follows from the tables: of the adjusting presses at a row the last
one stands, and presses of a game whose view is another session's or that is not kept find no row.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given, settings

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS
from rugs_assets.domain.simulator import Plan
from rugs_assets_tests.truth.played import (
    EVERY_FAULT,
    ONE_VIEW,
    WORLDS,
    Json,
    Played,
    plans,
    played,
)

REASONS = {
    "phase": "pressed in ",
    "unknown_button": "unknown button ",
    "no_row": "no row within ",
    "row_taken": "its row is taken",
}
"""Reason of the truth -> how the pipeline's begins."""


@dataclass
class Expected:
    """What the truth says about presses.

    Attributes:
        actions: (game, row) -> the action that the row carries.
        adjusts: (game, row) -> the adjusting press that stands.
        left: (session, seq) -> how the reason begins why no row carries the press.
    """

    actions: dict[tuple[str, int], Json] = field(default_factory=dict)
    adjusts: dict[tuple[str, int], Json] = field(default_factory=dict)
    left: dict[tuple[str, int], str] = field(default_factory=dict)

    def take(self, press: Json, episode: Json | None) -> None:
        """Take in the next press of its session."""
        key, row = (press["session_id"], press["seq"]), (press["game_id"], press["row"])
        if episode is None or episode["session_id"] != press["session_id"]:
            self.left[key] = "it names no game" if episode is None else "its game is taken from"
        elif episode["excluded_because"] is not None:
            self.left[key] = "its game is not kept"
        elif press["reason"] is not None:
            self.left[key] = REASONS[press["reason"]]
        elif press["button"] in ACTIONS:
            self.actions[row] = press
        else:
            before = self.adjusts.get(row)
            if before is not None:
                self.left[before["session_id"], before["seq"]] = "superseded"
            self.adjusts[row] = press


def expected(world: Played) -> Expected:
    """What the truth says about the presses of a world."""
    result = Expected()
    for press in world.truths["presses"]:
        result.take(press, world.episodes.get(press["game_id"]))
    return result


@settings(WORLDS, max_examples=3)
@given(plans())
def test_without_faults_every_useful_press_is_on_its_row(plan: Plan) -> None:
    world = played(plan)
    left = assert_presses_are_where_they_belong(world)
    assert set(left) <= {"superseded", REASONS["row_taken"], REASONS["phase"]}
    assert {press["reason"] for press in world.truths["presses"]} <= {None, "row_taken", "phase"}


@settings(WORLDS, max_examples=5)
@given(plans(ONE_VIEW) | plans(EVERY_FAULT))
def test_with_every_fault_none_is_on_a_wrong_row_and_none_is_missed(plan: Plan) -> None:
    assert_presses_are_where_they_belong(played(plan))


def assert_presses_are_where_they_belong(world: Played) -> Counter[str]:
    """Compare press by press; returns how many are left over, by reason."""
    truth = expected(world)
    for sample in world.rows("samples"):
        row = sample["episode_id"], sample["frame"]
        action, adjust = truth.actions.pop(row, None), truth.adjusts.pop(row, None)
        assert sample["action"] == (ACTIONS.index(action["button"]) if action else 0), row
        assert sample["adjust"] == (ADJUSTS.index(adjust["button"]) if adjust else 0), row
        assert sample["sequence_id"] == (action and action["sequence_id"])
        assert sample["trade_id"] == (action and action["trade_id"])
    assert not truth.actions
    assert not truth.adjusts
    unaligned = {(row["session_id"], row["seq"]): row["reason"] for row in world.rows("unaligned")}
    assert unaligned.keys() == truth.left.keys()
    for press, reason in truth.left.items():
        assert unaligned[press].startswith(reason), press
    assert len(unaligned) == sum(day.unaligned.num_rows for day in world.days.values())
    return Counter(truth.left.values())
