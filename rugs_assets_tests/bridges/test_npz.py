"""npz: every decision once, the same bytes every time, readable without pickle."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from rugs_assets.cli import app
from rugs_assets.domain.features import FEATURE_NAMES
from rugs_assets.lake.bridges import npz
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.errors import LakeError, WriteFailed
from rugs_assets_tests.bridges.conftest import Released, expected_rows, games_of, rows_of

SPLITS = ("train", "val", "test", None)


@pytest.mark.parametrize("split", SPLITS)
def test_every_decision_of_a_split_once(
    dataset: TrainingDataset, tmp_path: Path, split: str | None
) -> None:
    with np.load(npz.save(dataset, tmp_path / "out.npz", split), allow_pickle=False) as found:
        assert rows_of(dict(found)) == expected_rows(dataset, split)
        games = games_of(dataset, split)
        assert found["episode_ids"][found["episode"]].tolist() == games
        starts = np.flatnonzero(found["step"] == 0)
        assert len(starts) == len(found["episode_ids"])
        ends = np.append(starts[1:], len(games)) - 1
        assert (found["dones"] | found["truncateds"]).nonzero()[0].tolist() == ends.tolist()
        assert found["feature_names"].tolist() == list(FEATURE_NAMES)


def test_the_passport_names_the_release(released: Released, tmp_path: Path) -> None:
    for dataset in (released.open(), released.open().normalised()):
        with np.load(npz.save(dataset, tmp_path / "out.npz", "val")) as found:
            assert json.loads(str(found["passport"])) == {
                "made_from": "release spring",
                "release": "spring",
                "checksum": released.checksum,
                "split": "val",
                "normalised": dataset.scale is not None,
            }


@pytest.mark.parametrize("compressed", [True, False])
def test_the_same_release_gives_the_same_bytes(
    released: Released, tmp_path: Path, compressed: bool
) -> None:
    paths = [
        npz.save(released.open(), tmp_path / str(number) / "out.npz", compressed=compressed)
        for number in range(2)
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_columns_asked_for_come_along(released: Released, tmp_path: Path) -> None:
    dataset = released.open(columns=["observed", "order_amount"])
    with np.load(npz.save(dataset, tmp_path / "out.npz", "train")) as found:
        (batch,) = dataset.batches(dataset.count("train"), split="train")
        np.testing.assert_array_equal(found["observed"], batch["observed"])
        np.testing.assert_array_equal(found["order_amount"], batch["order_amount"])


def test_nothing_is_left_of_a_file_that_could_not_be_written(
    dataset: TrainingDataset, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(WriteFailed, match="name another place"):
        npz.save(dataset, tmp_path / "file" / "out.npz")
    target = tmp_path / "out.npz"
    target.mkdir()
    with pytest.raises(WriteFailed, match=r"out\.npz cannot be written"):
        npz.save(dataset, target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "out.npz"]


def test_an_unknown_split_is_an_error(dataset: TrainingDataset, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no split 'dev'"):
        npz.save(dataset, tmp_path / "out.npz", "dev")


def test_the_command_writes_the_same_file(released: Released, tmp_path: Path) -> None:
    out = tmp_path / "command.npz"
    options = ["--split", "train", "--normalised", "--column", "frame"]
    run = CliRunner().invoke(
        app, ["export", "spring", str(out), "--store", str(released.store), *options]
    )
    assert run.exit_code == 0, run.output
    dataset = released.open(columns=["frame"]).normalised()
    assert f"{dataset.count('train')} decisions" in run.output
    assert out.read_bytes() == npz.save(dataset, tmp_path / "own.npz", "train").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["autumn", "out.npz"], "no release 'autumn'"),
        (["spring", "out.npz", "--split", "dev"], "no split 'dev'"),
        (["spring", "out.npy"], "must be called .npz"),
        (["spring", "out.npz", "--column", "gold"], "no column 'gold'"),
    ],
)
def test_what_the_command_cannot_do_is_said(
    released: Released,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke(app, ["export", *arguments, "--store", str(released.store)])
    assert (run.exit_code, said in run.output) == (2, True), run.output
    assert list(tmp_path.iterdir()) == []
