"""Which rules hold for which asset, and which of them stop the assets after it.

A rule is a predicate of the domain applied to one date of the store. The checks of the UI are
generated from this list, and `training_shards` asserts the blocking rules of its inputs by it: a
blocking check holds only within the run that found it broken.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from rugs_assets.domain.episodes import violations_of_capture_date, violations_of_fairness
from rugs_assets.domain.observation_rules import (
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
from rugs_assets.domain.steps import violations_of_steps
from rugs_assets.domain.violations import Violations, violations
from rugs_assets.lake import catalog
from rugs_assets.lake.specs import TableSpec
from rugs_assets.orchestration.accounting import violations_of_accounting
from rugs_assets.orchestration.day import Day, InputInvalid
from rugs_assets.orchestration.resources import CapturesResource
from rugs_assets.orchestration.stages import Stage
from rugs_assets.orchestration.stored_schema import schemas_of, violations_of_stored_schema

Judge = Callable[[Day, CapturesResource], Violations]


@dataclass(frozen=True, slots=True)
class Rule:
    """A promise of an asset.

    Attributes:
        name: The name of the check.
        description: The promise in words.
        judge: Applies the predicate to a date.
        blocking: Whether assets after it would be wrong without it.
        is_error: Whether a break is an error (red) or, for statistics, a warning. Whatever blocks
            is an error.
    """

    name: str
    description: str
    judge: Judge
    blocking: bool = True
    is_error: bool = False


def _schema(table: TableSpec) -> Rule:
    return Rule(
        "schema_as_declared",
        "The stored columns, types and order are the declared ones.",
        lambda day, _: violations_of_stored_schema(day, table),
    )


def _order(table: TableSpec, by: str) -> Rule:
    return Rule(
        "rows_in_order",
        f"The rows of a game stand together and {by} strictly ascends.",
        lambda day, _: violations_of_order(day.batches(table, ["episode_id", by]), by),
    )


def _features(table: TableSpec) -> tuple[Rule, Rule]:
    """What every table with the 36 promises about them."""

    def declared(day: Day, _: CapturesResource) -> Violations:
        judged = [violations_of_feature_schema(schema) for _, schema in schemas_of(day, table)]
        return next((found for found in judged if not found.ok), judged[0])

    def finite(day: Day, _: CapturesResource) -> Violations:
        return violations_of_finiteness(_by_frame(day.batches(table)))

    return (
        Rule("features_as_declared", "36 float32 features in the declared order.", declared),
        Rule("features_finite", "No NaN and no infinity in any feature.", finite),
    )


def _by_frame(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows under the name that the predicates of observations know their number by."""
    for batch in batches:
        names = ["frame" if name == "step" else name for name in batch.schema.names]
        yield batch.rename_columns(names)


def _of_rows(
    name: str,
    description: str,
    predicate: Callable[[Iterable[pa.RecordBatch]], Violations],
    *,
    blocking: bool = False,
) -> Rule:
    """A rule about the rows of `observations`."""
    return Rule(
        name, description, lambda day, _: predicate(day.batches(catalog.OBSERVATIONS)), blocking
    )


def _accounting(day: Day, captures: CapturesResource) -> Violations:
    return violations_of_accounting(day, captures.open().refresh())


def _presence(day: Day, _: CapturesResource) -> Violations:
    found = [] if day.stored(catalog.RAW_WS_EVENTS).rows else [{"date": str(day.date), "events": 0}]
    return violations(
        "the captures hold events of the date",
        found,
        cure="put the captures of the date into RUGS_CAPTURES and materialize it again",
    )


RULES: dict[str, tuple[Rule, ...]] = {
    "raw_ws_events": (
        _schema(catalog.RAW_WS_EVENTS),
        Rule(
            "every_line_accounted_for",
            "Lines read = kept + duplicates + rejected; events kept = used + ignored by name.",
            _accounting,
        ),
        Rule(
            "captures_hold_the_date",
            "The captures hold events of this date; without any it is stored as empty.",
            _presence,
            blocking=False,
        ),
    ),
    "episodes": (
        _schema(catalog.EPISODES),
        Rule(
            "games_of_this_date",
            "Every game lies in the partition of its gameId's date.",
            lambda day, _: violations_of_capture_date(
                day.table(catalog.EPISODES, ["episode_id"]), day.date
            ),
        ),
        Rule(
            "provably_fair",
            "Hash and price curve of every game agree with its revealed seed.",
            lambda day, _: violations_of_fairness(day.table(catalog.EPISODES)),
            blocking=False,  # one corrupt game must not cost the others of its date
            is_error=True,
        ),
        Rule(
            "peaks_agree",
            "The captured peak of a game is the one that the server revealed.",
            lambda day, _: violations_of_peaks(day.table(catalog.EPISODES)),
            blocking=False,
        ),
        Rule(
            "constant_within_games",
            "The statistics of the last 100 games do not change within a game.",
            lambda day, _: violations_of_constancy(day.batches(catalog.RAW_WS_EVENTS)),
            blocking=False,
        ),
    ),
    "observations": (
        _schema(catalog.OBSERVATIONS),
        *_features(catalog.OBSERVATIONS),
        _order(catalog.OBSERVATIONS, "frame"),
        _of_rows(
            "phases_in_order", "COOLDOWN, PRESALE, ACTIVE, RUGGED.", violations_of_phase_order
        ),
        _of_rows("rug_row_is_last", "A RUGGED row ends its game.", violations_of_terminal_rows),
        _of_rows("ticks_in_order", "The tick never falls in a game.", violations_of_tick_order),
        _of_rows(
            "games_encoded",
            "The feature game_id is the code of the row's game.",
            violations_of_encoded_games,
            blocking=True,
        ),
        _of_rows(
            "features_in_range", "Every feature lies in its declared range.", violations_of_ranges
        ),
        _of_rows(
            "features_observed",
            "What the captures carry is observed; the share of rows is a statistic.",
            violations_of_observed_share,
        ),
    ),
    "aligned_samples": (
        _schema(catalog.ALIGNED_SAMPLES),
        _order(catalog.ALIGNED_SAMPLES, "frame"),
        Rule(
            "presses_accounted_for",
            "Presses in = aligned + unaligned, game by game.",
            lambda day, _: violations_of_press_accounting(
                day.batches(catalog.RAW_WS_EVENTS, ["event", "episode_id", "is_context"]),
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "action", "adjust"]),
                day.batches(catalog.UNALIGNED_ACTIONS, ["episode_id"]),
            ),
        ),
        Rule(
            "games_end_once",
            "The last sample of a game, and no other, is either done or truncated.",
            lambda day, _: violations_of_endings(
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "frame", "done", "truncated"])
            ),
        ),
        Rule(
            "ticks_ascend",
            "Time in a game never runs back.",
            lambda day, _: violations_of_tick_steps(
                day.batches(catalog.ALIGNED_SAMPLES, ["episode_id", "frame", "tick_delta"])
            ),
        ),
    ),
    "training_shards": (
        _schema(catalog.TRAINING_SHARDS),
        *_features(catalog.TRAINING_SHARDS),
        _order(catalog.TRAINING_SHARDS, "step"),
        Rule(
            "steps_are_the_rows",
            "Each step is its decision's row, and the next row follows it.",
            lambda day, _: violations_of_shards_against_rows(
                day.batches(catalog.TRAINING_SHARDS),
                day.batches(catalog.OBSERVATIONS),
                day.batches(catalog.ALIGNED_SAMPLES),
            ),
        ),
        Rule(
            "episodes_of_steps",
            "Steps count from 0, an episode ends once, and lies in the split of its hash.",
            lambda day, _: violations_of_steps(day.batches(catalog.TRAINING_SHARDS)),
        ),
        Rule(
            "episodes_exist",
            "Every step's episode exists and is kept.",
            lambda day, _: violations_of_known_episodes(
                day.batches(catalog.TRAINING_SHARDS, ["episode_id"]), day.table(catalog.EPISODES)
            ),
        ),
    ),
}
"""Asset key -> its rules, in the order in which they are shown."""


def assert_inputs(day: Day, stage: Stage, captures: CapturesResource) -> None:
    """Refuse to go on where an input is missing, stale or breaks one of its blocking rules.

    Raises:
        InputInvalid: Lists every rule that is broken, with the first offenders and the cure.
    """
    broken = [
        f"{table.name}, {rule.name}: {found}"
        for table in stage.inputs
        for rule in RULES[table.name]
        if rule.blocking and not (found := rule.judge(day, captures)).ok
    ]
    if broken:
        raise InputInvalid(broken)
