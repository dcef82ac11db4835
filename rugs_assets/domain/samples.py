"""Rows to decisions: action, reward, done.

In: `observations`, `raw_ws_events` and `episodes` of one date. Out: `aligned_samples`, one row a
decision, and `unaligned_actions`, one row a press that no decision carries.
Grain: one decision. Alignment is SAR: at index t stand observation_t, action_t, reward_t; the next
observation is the next row of the same game, so n rows give n - 1 samples.
Invariants: only PRESALE and ACTIVE rows of kept games (by default); ``done`` where the next row is
RUGGED, ``truncated`` where the capture (or the chosen phases) end first, never both, and the last
sample of a game is one of them; presses in = aligned + unaligned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.alignment import GameLabels, align_presses
from rugs_assets.domain.columns import Array, optional, required
from rugs_assets.domain.features import Phase
from rugs_assets.domain.games import Game, games_in
from rugs_assets.domain.own_play import own_play_of
from rugs_assets.domain.packed_rewards import PackedRewards
from rugs_assets.domain.presses import Press
from rugs_assets.domain.rewards import Account, reward_named

ALIGNED_SAMPLES = pa.schema(
    [
        required("episode_id", pa.string()),
        required("session_id", pa.string()),
        required("frame", pa.int32()),
        required("action", pa.int8()),
        required("adjust", pa.int8()),
        optional("order_amount", pa.float32()),
        optional("sell_fraction", pa.float32()),
        optional("sequence_id", pa.string()),
        optional("trade_id", pa.string()),
        required("reward", pa.float32()),
        required("done", pa.bool_()),
        required("truncated", pa.bool_()),
        required("tick_delta", pa.int32()),
        required("has_player", pa.bool_()),
    ]
)
"""The schema of `aligned_samples`: one row a decision (design.md 5 and 6)."""

UNALIGNED_ACTIONS = pa.schema(
    [
        optional("episode_id", pa.string()),
        required("session_id", pa.string()),
        required("seq", pa.int64()),
        optional("button_id", pa.string()),
        optional("press_tick", pa.int32()),
        required("reason", pa.string()),
        required("source_file", pa.string()),
        required("source_position", pa.int64()),
    ]
)
"""The schema of `unaligned_actions`: one row a button press that no sample carries."""

_BATCH_ROWS = 16_384
DECISION_COLUMNS = ("episode_id", "session_id", "frame", "tick", "game_phase")
"""The columns of `observations` that decisions are made of."""
_OF_EPISODE = ["episode_id", "session_id", "has_player", "excluded_because"]

DECIDABLE = frozenset({Phase.PRESALE, Phase.ACTIVE})
"""Phases in which something can be decided."""


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What becomes a sample.

    Attributes:
        phases: of the rows that are decisions; some of `DECIDABLE`.
        tolerance: how many ticks an ACTIVE press may stand from its row.
        reward: name of the reward (`rewards.REWARDS`).
    """

    phases: frozenset[Phase] = DECIDABLE
    tolerance: int = 1
    reward: str = "equity_delta"

    def __post_init__(self) -> None:
        if not self.phases or not self.phases <= DECIDABLE:
            named = ", ".join(phase.name for phase in sorted(self.phases)) or "none"
            raise ValueError(f"phases: {named}; choose PRESALE, ACTIVE or both")
        if self.tolerance < 0:
            raise ValueError(f"tolerance {self.tolerance}: must be 0 or more ticks")
        reward_named(self.reward)


class _Known(NamedTuple):
    """What is known of a game: a date may have tens of thousands."""

    session_id: str
    has_player: bool
    excluded_because: str | None


@dataclass(frozen=True, slots=True)
class _Decisions:
    """The decisions of one game; arrays of shape (n,)."""

    episode_id: str
    session_id: str
    has_player: bool
    frame: NDArray[np.int32]
    labels: GameLabels
    reward: NDArray[np.float32]
    done: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    tick_delta: NDArray[np.int32]


class SamplePass:
    """Makes the samples of one date; `samples` first, then `unaligned`.

    Args:
        observations: rows of `observations` of the date, the rows of a game together, at least
            `DECISION_COLUMNS`.
        events: rows of `raw_ws_events` of the date, in their order, at least
            `own_play.PLAY_COLUMNS`.
        episodes: the date's `episodes`.
        rules: what becomes a sample.
    """

    def __init__(
        self,
        observations: Iterable[pa.RecordBatch],
        events: Iterable[pa.RecordBatch],
        episodes: pa.Table,
        rules: SampleRules = SampleRules(),
    ) -> None:
        self._observations = observations
        self._rules = rules
        self._is_wanted = np.array([phase in rules.phases for phase in sorted(Phase)])
        self._episodes = _known_games(episodes)
        played = {
            (game, known.session_id) for game, known in self._episodes.items() if known.has_player
        }
        own_play = own_play_of(events, played, self._rewards_of)
        self._rewards = own_play.accounts
        self._left: list[tuple[Press, str]] = []
        self._presses = self._by_game(own_play.presses)
        self._is_done = False

    def samples(self) -> Iterator[pa.RecordBatch]:
        """The samples, in the order of the rows; batches in the schema `ALIGNED_SAMPLES`."""
        made: list[_Decisions] = []
        rows = 0
        for game in games_in(self._observations, DECISION_COLUMNS):
            episode = self._episodes.get(game.episode_id)
            if episode is None or episode.excluded_because is not None:
                continue
            made.append(self._of_game(game, episode.has_player))
            rows += len(made[-1].frame)
            if rows >= _BATCH_ROWS:
                yield _batch(made)
                made, rows = [], 0
        if rows:
            yield _batch(made)
        for game_id, presses in self._presses.items():
            self._left += [(press, self._why_no_samples(game_id)) for press in presses]
        self._presses = {}
        self._is_done = True

    def unaligned(self) -> pa.Table:
        """The presses that no sample carries, by session and order of arrival.

        Raises:
            ValueError: the samples have not been taken to their end: it is not known yet.
        """
        if not self._is_done:
            raise ValueError("take all of samples() first: what they leave over is unaligned")
        rows = [
            {name: press.row.get(name) for name in UNALIGNED_ACTIONS.names} | {"reason": reason}
            for press, reason in self._left
        ]
        rows.sort(key=lambda row: (row["session_id"], row["seq"]))
        return pa.Table.from_pylist(rows, UNALIGNED_ACTIONS)

    def _by_game(self, presses: list[Press]) -> dict[str, list[Press]]:
        """The presses that may find a row, by game; the others are left over at once."""
        by_game: dict[str, list[Press]] = {}
        for press in presses:
            episode = self._episodes.get(press.row["episode_id"] or "")
            if episode is None:
                self._left.append((press, "it names no game of this date"))
            elif episode.session_id != press.row["session_id"]:
                self._left.append((press, "its game is taken from another session"))
            else:
                by_game.setdefault(press.row["episode_id"], []).append(press)
        return by_game

    def _why_no_samples(self, episode_id: str) -> str:
        excluded = self._episodes[episode_id].excluded_because
        return f"its game is not kept: {excluded}" if excluded else "its game has no rows"

    def _of_game(self, game: Game, has_player: bool) -> _Decisions:
        ticks = game.column("tick").astype(np.int64)
        phases = game.column("game_phase").astype(np.int64)
        takes = _span(self._is_wanted[phases])
        takes[-1:] = False
        labels, left = align_presses(
            self._presses.pop(game.episode_id, []),
            ticks,
            phases,
            takes,
            tolerance=self._rules.tolerance,
        )
        self._left += left
        packed = self._rewards.pop((game.episode_id, game.session_id), None)
        rewards = np.zeros(max(len(ticks) - 1, 0), np.float32) if packed is None else packed.all()
        at = np.flatnonzero(takes)
        done = phases[at + 1] == Phase.RUGGED
        truncated = np.zeros(len(at), bool)
        truncated[-1:] = ~done[-1:]
        return _Decisions(
            game.episode_id,
            game.session_id,
            has_player,
            game.column("frame")[at],
            labels.at(at),
            rewards[at],
            done,
            truncated,
            (ticks[at + 1] - ticks[at]).astype(np.int32),
        )

    def _rewards_of(self, account: Account) -> PackedRewards:
        rewards = reward_named(self._rules.reward).of(account).astype(np.float32)
        return PackedRewards.of(rewards)


def _known_games(episodes: pa.Table) -> dict[str, _Known]:
    ids, sessions, players, why = (episodes[name].to_pylist() for name in _OF_EPISODE)
    texts: dict[str, str] = {}  # thousands of games share a session and a reason

    def shared(text: str | None) -> str | None:
        return None if text is None else texts.setdefault(text, text)

    return {
        str(game): _Known(str(shared(session)), bool(has_player), shared(reason))
        for game, session, has_player, reason in zip(ids, sessions, players, why, strict=True)
    }


def _span(wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All rows from the first to the last wanted one: the steps of a game follow each other."""
    at = np.flatnonzero(wanted)
    span = np.zeros(len(wanted), bool)
    if len(at):
        span[at[0] : at[-1] + 1] = True
    return span


def _batch(games: list[_Decisions]) -> pa.RecordBatch:
    """The decisions of many games at once: calls cost by the batch."""
    game = np.repeat(np.arange(len(games)), [len(found.frame) for found in games])
    labels = GameLabels.joined([found.labels for found in games])
    arrays = [
        pa.array([found.episode_id for found in games], pa.string()).take(game),
        pa.array([found.session_id for found in games], pa.string()).take(game),
        pa.array(np.concatenate([found.frame for found in games]), pa.int32()),
        pa.array(labels.action),
        pa.array(labels.adjust),
        _or_null(labels.order_amount),
        _or_null(labels.sell_fraction),
        pa.array(labels.sequence_id, pa.string()),
        pa.array(labels.trade_id, pa.string()),
        pa.array(np.concatenate([found.reward for found in games])),
        pa.array(np.concatenate([found.done for found in games])),
        pa.array(np.concatenate([found.truncated for found in games])),
        pa.array(np.concatenate([found.tick_delta for found in games])),
        pa.array(np.array([found.has_player for found in games], bool)[game]),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=ALIGNED_SAMPLES)


def _or_null(values: NDArray[np.float64]) -> Array:
    return pa.array(values.astype(np.float32), mask=np.isnan(values))
