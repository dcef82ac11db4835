"""What a training run imports: `TrainingDataset` to open a release, and the plan's generator.

`TrainingDataGenerator` makes training data from event-store files or lists of events, without a
store. In: files that a pattern names, or events as dicts. Out: a `TrainingDataset` in memory,
minibatches of it, or decisions as dicts. Nothing is decided here: the rows are those of the stages,
run one after the other over everything at once. A date's stored shards hold the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from rugs_assets.domain.buttons import ACTIONS, ADJUSTS
from rugs_assets.domain.episodes import EpisodeRules, episodes_of
from rugs_assets.domain.event_files import read_event_files
from rugs_assets.domain.features import FEATURE_INDEX
from rugs_assets.domain.merging import merged
from rugs_assets.domain.observations import observations_of
from rugs_assets.domain.recording import Recording
from rugs_assets.domain.samples import SamplePass, SampleRules
from rugs_assets.domain.segmenter import Episode
from rugs_assets.domain.shards import shards_of
from rugs_assets.lake.dataset import TrainingDataset

__all__ = ["TrainingDataGenerator", "TrainingDataset"]

Event = Mapping[str, Any]


class TrainingDataGenerator:
    """Makes training data out of events.

    Args:
        samples: what becomes a sample.
        episodes: which games are kept; incomplete ones too, unless it says otherwise.
        seed: of the minibatches.
    """

    def __init__(
        self,
        samples: SampleRules | None = None,
        episodes: EpisodeRules | None = None,
        *,
        seed: int = 0,
    ) -> None:
        self._samples = samples or SampleRules()
        self._episodes = episodes or EpisodeRules(admit_incomplete=True)
        self._random = np.random.default_rng(seed)

    def from_parquet(
        self,
        ws_events_path: str,
        button_events_path: str | None = None,
        limit: int | None = None,
    ) -> TrainingDataset:
        """The decisions in files of the event store.

        Args:
            ws_events_path: pattern of the files with the socket's events (``~``, ``*``, ``**``).
            button_events_path: pattern of those with the presses; none that match, no presses.
            limit: how many of the socket's events to read at most; all by default.

        Raises:
            FileNotFoundError: no file matches the first pattern; the message names it.
        """
        presses = (
            read_event_files(button_events_path, may_be_none=True) if button_events_path else ()
        )
        recording = Recording.of_files(chain(presses, read_event_files(ws_events_path, limit)))
        made = self._make(recording)
        return TrainingDataset.of_shards(made.shards(), len(recording.rejects))

    def align_events(
        self, ws_events: Sequence[Event], button_events: Sequence[Event]
    ) -> list[dict[str, Any]]:
        """The decisions at which something was pressed.

        Args:
            ws_events: the socket's events, in order of arrival.
            button_events: the presses; where they came, ``merging.merged`` says.

        Returns:
            As `process_episode`, without the decisions to wait.
        """
        made = self._make(Recording.of_events(merged(ws_events, button_events)))
        return [row for row in made.decisions() if row["action"] != "WAIT" or row["adjust"]]

    def process_episode(self, episode: Episode | Sequence[Event]) -> list[dict[str, Any]]:
        """The decisions of a game, in order.

        Args:
            episode: a game, or its events in order of arrival.

        Returns:
            For each decision its labels (``action`` and ``adjust`` by name), ``game_id``, ``tick``,
            ``price``, ``done``, ``truncated``, ``observation`` and ``next_observation``.
        """
        events = episode.events if isinstance(episode, Episode) else episode
        return self._make(Recording.of_events(events)).decisions()

    def get_batch(self, dataset: TrainingDataset, batch_size: int) -> dict[str, NDArray[Any]]:
        """A minibatch of decisions drawn at random, each as likely as any other.

        Args:
            dataset: what is drawn from.
            batch_size: how many; more than there are are drawn with repeats, fewer without.

        Raises:
            ValueError: there is nothing to draw from.
        """
        if not len(dataset):
            raise ValueError("the dataset holds no decision: no game of the files was kept")
        repeats = batch_size > len(dataset)
        return dataset.batch(self._random.choice(len(dataset), batch_size, replace=repeats))

    def _make(self, recording: Recording) -> _Made:
        games = episodes_of(recording.rows, self._episodes)
        rows = list(observations_of(recording.rows, games))
        return _Made(
            games, rows, list(SamplePass(rows, recording.rows, games, self._samples).samples())
        )


@dataclass(frozen=True, slots=True)
class _Made:
    """What the stages made."""

    episodes: pa.Table
    observations: list[pa.RecordBatch]
    samples: list[pa.RecordBatch]

    def shards(self) -> list[pa.RecordBatch]:
        return list(shards_of(self.observations, self.samples, self.episodes))

    def decisions(self) -> list[dict[str, Any]]:
        dataset = TrainingDataset.of_shards(self.shards())
        found: list[dict[str, Any]] = []
        for index, row in enumerate(row for batch in self.samples for row in batch.to_pylist()):
            here, _, _, there, _ = dataset[index]
            found.append(
                {
                    **row,
                    "game_id": row["episode_id"],
                    "action": ACTIONS[row["action"]],
                    "adjust": ADJUSTS[row["adjust"]],
                    "tick": int(here[FEATURE_INDEX["tick"]]),
                    "price": float(here[FEATURE_INDEX["price"]]),
                    "observation": here,
                    "next_observation": there,
                }
            )
        return found
