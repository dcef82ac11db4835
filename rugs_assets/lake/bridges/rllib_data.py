"""The class of RLlib's offline data that reads a release: importable by name from every worker.

Importing this module imports RLlib; `rugs_assets.lake.bridges.rllib` does so when asked.
"""

from __future__ import annotations

from typing import Any

from ray.rllib.offline.offline_data import OfflineData

READER = "rugs_reader"
"""Where the configuration of an algorithm keeps the `DateReader`."""


class ReleaseData(OfflineData):  # type: ignore[misc] # ray's types are not installed here
    """Reads the capture dates that are the configuration's input, each in a task of its own."""

    data: Any

    def __init__(self, config: Any) -> None:
        super().__init__(config)  # lists the dates
        reader = config.learner_config_dict[READER]
        self.data = self.data.map_batches(reader, batch_size=1)
