"""For any bytes in the landing folder: no uncaught exception, and every line is accounted for."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import given, settings

from rugs_assets.lake.decompression import GZIP, ZSTD
from rugs_assets.lake.landing import Inventory, UnreadableCapture
from rugs_assets_tests.bytes_strategies import mixtures, pieces
from rugs_assets_tests.captures_builders import active, landed, lines, stored, write_store


def assert_accounted(inventory: Inventory) -> None:
    """Everything that the landing says adds up, and can be read."""
    kept = rejected = 0
    for day in inventory.days:
        found = inventory.select(day)
        tally = found.tally()
        rows = [row for batch in found.events() for row in batch["is_context"].to_pylist()]
        assert rows.count(False) == tally["used"]
        assert sum(batch.num_rows for batch in found.rejected()) == tally["rejected"]
        assert tally["kept"] == tally["used"] + tally["ignored"]
        kept, rejected = kept + tally["kept"], rejected + tally["rejected"]
    for file in inventory.files:
        assert file.lost == 0, file
    assert rejected == sum(file.rejected for file in inventory.files)
    assert kept == sum(file.events for file in inventory.files)


@given(mixtures, st.sampled_from(["plain", "gzip", "cut gzip"]))
@settings(max_examples=25, deadline=None)
def test_any_bytes_in_a_file(text: bytes, packed: str) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "in"
        folder.mkdir()
        data = text if packed == "plain" else gzip.compress(lines(active(1, 0)) + text)
        (folder / "any").write_bytes(data[:-6] if packed == "cut gzip" else data)
        inventory = landed(folder)
        if inventory.unreadable:
            # What begins as a packed file and is none cannot be opened.
            assert packed == "cut gzip" or text.startswith((GZIP, ZSTD, b"PAR1"))
        else:
            assert_accounted(inventory)


@given(st.lists(st.tuples(pieces, st.sampled_from(["ws_event", "button_event", "x"])), max_size=9))
@settings(max_examples=20, deadline=None)
def test_any_bytes_in_the_event_store(held: list[tuple[bytes, str]]) -> None:
    rows = [
        {
            **stored(active(seq, 0)),
            "raw_json": raw.decode("utf-8", "replace"),
            "doc_type": doc_type,
        }
        for seq, (raw, doc_type) in enumerate(held)
    ]
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "in"
        write_store(folder, rows)
        assert_accounted(landed(folder))


@given(st.binary(max_size=400), st.integers(0, 2_000))
@settings(max_examples=25, deadline=None)
def test_any_damage_to_a_file_of_the_event_store(noise: bytes, at: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "in"
        path = write_store(folder, [stored(active(seq, seq)) for seq in range(1, 60)])
        data = bytearray(path.read_bytes())
        data[at : at + len(noise)] = noise
        path.write_bytes(data)
        inventory = landed(folder)
        try:
            assert_accounted(inventory)
        except UnreadableCapture:
            assert inventory.unreadable
