"""The promises of every table about a date of it: predicates of the domain, by table.

In: a date, as an asset body, a check or a release sees it. Out: the verdict of a rule.
Invariants: this is the one list; the checks of the UI and the releases judge by it. All that a rule
needs lies in the store, so that it can be judged anew in a year, without the captures.

Belongs here: which predicate is asked of which table, and whether a date that breaks it can be
used. Goes elsewhere: the predicates (`rugs_assets.domain`), what only a capture folder can tell
(`rugs_assets.orchestration.rules`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from rugs_assets.domain.episodes import violations_of_capture_date, violations_of_fairness
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.domain.observation_rules import (
    CONSTANCY_COLUMNS,
    violations_of_constancy,
    violations_of_encoded_games,
    violations_of_observed_share,
    violations_of_peaks,
    violations_of_phase_order,
    violations_of_terminal_rows,
    violations_of_tick_order,
)
from rugs_assets.domain.observations import (
    violations_of_feature_schema,
    violations_of_finiteness,
    violations_of_ranges,
)
from rugs_assets.domain.order import violations_of_order
from rugs_assets.domain.sample_rules import (
    violations_of_endings,
    violations_of_press_accounting,
    violations_of_tick_steps,
)
from rugs_assets.domain.shards import (
    violations_of_known_episodes,
    violations_of_shards_against_rows,
)
from rugs_assets.domain.steps import STEP_COLUMNS, violations_of_steps
from rugs_assets.domain.violations import Violations
from rugs_assets.lake import catalog
from rugs_assets.lake.accounting import violations_of_stored_accounting
from rugs_assets.lake.date_rows import DateRows
from rugs_assets.lake.specs import TableSpec
from rugs_assets.lake.stored_schema import violations_of_stored_schema

PLACE = ("episode_id", "frame")
"""What tells a row of `observations` from all others."""


@dataclass(frozen=True, slots=True)
class DateRule:
    """A promise about the rows of a date.

    Attributes:
        name: how it is called, in the UI and in the manifest of a release.
        description: the promise in words.
        judge: applies the predicate to a date.
        blocking: whether what is made of a date that breaks it would be wrong.
        is_error: whether a break is an error or, for statistics, a warning. Whatever blocks is an
            error.
    """

    name: str
    description: str
    judge: Callable[[DateRows], Violations]
    blocking: bool = True
    is_error: bool = False


def _schema(table: TableSpec) -> DateRule:
    return DateRule(
        "schema_as_declared",
        "The stored columns, types and order are the declared ones.",
        lambda day: violations_of_stored_schema(day, table),
    )


def _order(table: TableSpec, by: str) -> DateRule:
    return DateRule(
        "rows_in_order",
        f"The rows of a game stand together and {by} strictly ascends.",
        lambda day: violations_of_order(day.batches(table, ["episode_id", by]), by),
    )


def _features(table: TableSpec) -> tuple[DateRule, DateRule]:
    """What every table with the 36 promises about them."""

    def declared(day: DateRows) -> Violations:
        judged = [violations_of_feature_schema(schema) for _, schema in day.schemas(table)]
        return next((found for found in judged if not found.ok), judged[0])

    def finite(day: DateRows) -> Violations:
        return violations_of_finiteness(day.batches(table, [*PLACE, *FEATURE_NAMES]))

    return (
        DateRule("features_as_declared", "36 float32 features in the declared order.", declared),
        DateRule("features_finite", "No NaN and no infinity in any feature.", finite),
    )


def _of_rows(
    name: str,
    description: str,
    predicate: Callable[[Iterable[pa.RecordBatch]], Violations],
    columns: Sequence[str],
    *,
    blocking: bool = False,
) -> DateRule:
    """A rule about the rows of `observations`; only the columns it names are read."""

    def judge(day: DateRows) -> Violations:
        return predicate(day.batches(catalog.OBSERVATIONS, columns))

    return DateRule(name, description, judge, blocking)


RULES: dict[str, tuple[DateRule, ...]] = {
    "raw_ws_events": (
        _schema(catalog.RAW_WS_EVENTS),
        DateRule(
            "every_line_accounted_for",
            "Events kept = used + ignored by name; used events and rejected records are stored.",
            violations_of_stored_accounting,
        ),
    ),
    "episodes": (
        _schema(catalog.EPISODES),
        DateRule(
            "games_of_this_date",
            "Every game lies in the partition of its gameId's date.",
            lambda day: violations_of_capture_date(
                day.table(catalog.EPISODES, ["episode_id"]), day.date
            ),
        ),
        DateRule(
            "provably_fair",
            "Hash and price curve of every game agree with its revealed seed.",
            lambda day: violations_of_fairness(day.table(catalog.EPISODES)),
            blocking=False,  # one corrupt game must not cost the others of its date
            is_error=True,
        ),
        DateRule(
            "peaks_agree",
            "The captured peak of a game is the one that the server revealed.",
            lambda day: violations_of_peaks(day.table(catalog.EPISODES)),
            blocking=False,
        ),
        DateRule(
            "constant_within_games",
            "The statistics of the last 100 games do not change within a game.",
            lambda day: violations_of_constancy(
                day.batches(catalog.RAW_WS_EVENTS, CONSTANCY_COLUMNS)
            ),
            blocking=False,
        ),
    ),
    "observations": (
        _schema(catalog.OBSERVATIONS),
        *_features(catalog.OBSERVATIONS),
        _order(catalog.OBSERVATIONS, "frame"),
        _of_rows(
            "phases_in_order",
            "COOLDOWN, PRESALE, ACTIVE, RUGGED.",
            violations_of_phase_order,
            [*PLACE, "game_phase"],
        ),
        _of_rows(
            "rug_row_is_last",
            "A RUGGED row ends its game.",
            violations_of_terminal_rows,
            [*PLACE, "game_phase"],
        ),
        _of_rows(
            "ticks_in_order",
            "The tick never falls in a game.",
            violations_of_tick_order,
            [*PLACE, "tick", "game_phase"],
        ),
        _of_rows(
            "games_encoded",
            "The feature game_id is the code of the row's game.",
            violations_of_encoded_games,
            [*PLACE, "game_id"],
            blocking=True,
        ),
        _of_rows(
            "features_in_range",
            "Every feature lies in its declared range.",
            violations_of_ranges,
            [*PLACE, *FEATURE_NAMES],
        ),
        _of_rows(
            "features_observed",
            "What the captures carry is observed; the share of rows is a statistic.",
            violations_of_observed_share,
            ["observed"],
        ),
    ),
    "aligned_samples": (
        _schema(catalog.ALIGNED_SAMPLES),
        _order(catalog.ALIGNED_SAMPLES, "frame"),
        DateRule(
            "presses_accounted_for",
            "Presses in = aligned + unaligned, game by game.",
            lambda day: violations_of_press_accounting(
                day.batches(catalog.RAW_WS_EVENTS, ["event", "episode_id", "is_context"]),
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "action", "adjust"]),
                day.batches(catalog.UNALIGNED_ACTIONS, ["episode_id"]),
            ),
        ),
        DateRule(
            "games_end_once",
            "The last sample of a game, and no other, is either done or truncated.",
            lambda day: violations_of_endings(
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "frame", "done", "truncated"])
            ),
        ),
        DateRule(
            "ticks_ascend",
            "Time in a game never runs back.",
            lambda day: violations_of_tick_steps(
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "frame", "tick_delta"])
            ),
        ),
    ),
    "training_shards": (
        _schema(catalog.TRAINING_SHARDS),
        *_features(catalog.TRAINING_SHARDS),
        _order(catalog.TRAINING_SHARDS, "step"),
        DateRule(
            "steps_are_the_rows",
            "Each step is its decision's row, and the next row follows it.",
            lambda day: violations_of_shards_against_rows(
                day.batches(catalog.TRAINING_SHARDS),
                day.batches(catalog.OBSERVATIONS),
                day.batches(catalog.ALIGNED_SAMPLES),
            ),
        ),
        DateRule(
            "episodes_of_steps",
            "Steps count from 0, an episode ends once, and lies in the split of its hash.",
            lambda day: violations_of_steps(day.batches(catalog.TRAINING_SHARDS, STEP_COLUMNS)),
        ),
        DateRule(
            "episodes_exist",
            "Every step's episode exists and is kept.",
            lambda day: violations_of_known_episodes(
                day.batches(catalog.TRAINING_SHARDS, ["episode_id"]), day.table(catalog.EPISODES)
            ),
        ),
    ),
}
"""Table name -> its rules, in the order in which they are shown."""
