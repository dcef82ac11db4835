"""How large the files of `training_shards` are.

Belongs here: sizes. Goes elsewhere: the rows (`shards`), where a file is cut so that no episode
splits over two (`rugs_assets.lake.file_cuts`).
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from rugs_assets.domain.shards import TRAINING_SHARDS

_TEXT_BYTES = 24
"""Nominal bytes of a text in a row: an episode id takes about 40, a split 5."""

_MEBIBYTE = 1 << 20


def _row_bytes(schema: pa.Schema) -> int:
    """Bytes of a row in memory."""
    kinds = [field.type for field in schema]
    bits = sum(_TEXT_BYTES * 8 if pa.types.is_string(kind) else kind.bit_width for kind in kinds)
    return -(-bits // 8)


ROW_BYTES = _row_bytes(TRAINING_SHARDS)
"""Bytes of a step in memory; on disk it takes about a tenth."""


@dataclass(frozen=True, slots=True)
class ShardLayout:
    """Sizes of the files of a date.

    Attributes:
        file_mebibytes: size of the rows of a file in memory; a file ends with the episode that
            reaches it.
        row_group_rows: rows of a Parquet row group, the unit of reading; 16,384 to 65,536.

    Raises:
        ValueError: a size is out of range.
    """

    file_mebibytes: int = 64
    row_group_rows: int = 32_768

    def __post_init__(self) -> None:
        if self.file_mebibytes < 1:
            raise ValueError(f"file_mebibytes {self.file_mebibytes}: must be 1 or more")
        if not 16_384 <= self.row_group_rows <= 65_536:
            raise ValueError(f"row_group_rows {self.row_group_rows}: must be 16384 to 65536")

    @property
    def file_rows(self) -> int:
        """Rows at which a file ends with the next episode."""
        return self.file_mebibytes * _MEBIBYTE // ROW_BYTES


DEFAULT_SHARDS = ShardLayout()
"""64 MiB of rows a file: some hundred episodes, a second's work for one reader."""
