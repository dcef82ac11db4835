"""Train on a release, evaluate in the environment: the whole way of a training run.

    make example                       # simulates, materializes, releases, trains, evaluates
    python -m examples.train_on_a_release --store data/example/store --release example

In: a release. Out: a table of what players earn a game, printed and written beside the store
(`results.md`, `results.json`). Needs the extra `bridges` (or gymnasium and d3rlpy).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from examples.behaviour_cloning import cloned, indifferent, likelihood
from examples.evaluation import scores, table_of
from examples.parity import play_and_compare, replay_of_release
from examples.players import Player, cloning, greedy, random_presses, scripted, waiting
from rugs_assets.domain.simulator import POLICIES
from rugs_assets.environment import RugsEnv
from rugs_assets.lake.bridges.d3rlpy import mdp_dataset
from rugs_assets.lake.bridges.extras import library
from rugs_assets.lake.dataset import TrainingDataset
from rugs_assets.lake.releases import Releases
from rugs_assets.lake.tables import Lake

_REWARD_SCALE = 100.0  # rewards are thousandths of a SOL; values of about 1 are learnt faster
_FIRST_WORLD = 1_000  # worlds of the evaluation; captures are simulated with small seeds


def offline_agent(dataset: TrainingDataset, *, steps: int, seed: int) -> Any:
    """A small DiscreteCQL of d3rlpy, on the CPU.

    Args:
        dataset: normalised.
        steps: gradient steps.
        seed: of torch, numpy and d3rlpy.
    """
    d3rlpy = library("d3rlpy", "d3rlpy")
    # A net of this size is done before several threads have found each other.
    library("torch", "d3rlpy").set_num_threads(1)
    structlog = library("structlog", "d3rlpy")  # d3rlpy tells what it builds, to whoever listens
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    d3rlpy.seed(seed)
    config = d3rlpy.algos.DiscreteCQLConfig(
        batch_size=256,
        gamma=0.99,
        learning_rate=3e-4,
        target_update_interval=500,
        reward_scaler=d3rlpy.preprocessing.MultiplyRewardScaler(_REWARD_SCALE),
        encoder_factory=d3rlpy.models.VectorEncoderFactory([128, 128]),
    )
    agent = config.create(device="cpu:0")
    agent.fit(
        mdp_dataset(dataset, "train"),
        n_steps=steps,
        n_steps_per_epoch=steps,
        show_progress=False,
        logger_adapter=d3rlpy.logging.NoopAdapterFactory(),
    )
    return agent


def main(arguments: list[str] | None = None) -> Path:
    """Train, evaluate, write the results; returns the table's path."""
    options = _options().parse_args(arguments)
    store, began = Path(options.store), time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {words}", flush=True)

    manifest = Releases(Lake(store)).manifest(options.release)
    reward = manifest.content["reward"]["name"]
    say(f"release {manifest.name}, checksum {manifest.checksum[:16]}, reward {reward}")
    games, rows = replay_of_release(store, options.release, games=10)
    say(f"{games} recorded games replayed event by event: {rows} rows, the release's bits")
    say(f"a game played and put through the stages: {play_and_compare(seed=1)} steps, same bits")

    dataset = TrainingDataset.open(store, release=options.release).normalised()
    if dataset.scale is None:
        raise AssertionError("a normalised dataset has its scale")
    clone = cloned(dataset, epochs=options.epochs, seed=0)
    for split in ("train", "val"):
        said = f"log-likelihood of a decision of {split} {likelihood(clone, dataset, split):.4f}"
        said += f", always as often as train {likelihood(indifferent(dataset), dataset, split):.4f}"
        say(f"behaviour cloning, {options.epochs} epochs: {said}")
    agent = offline_agent(dataset, steps=options.steps, seed=0)
    say(f"DiscreteCQL, {options.steps} steps of 256 decisions")

    players: dict[str, Player] = {"wait": waiting, "random": random_presses}
    players |= {f"simulator: {name}": scripted(name) for name in POLICIES}
    players |= {
        "behaviour cloning": cloning(clone, dataset.scale),
        "DiscreteCQL": greedy(agent, dataset.scale),
    }
    seeds = list(range(_FIRST_WORLD, _FIRST_WORLD + options.worlds))
    found = scores(players, seeds, options.games, lambda: RugsEnv(reward=reward), say)
    table = table_of(found)
    decisions = manifest.content["counts"]["samples"]
    run = f"{options.worlds} worlds of {options.games} games, stake 0.01 SOL, reward {reward}; "
    run += f"release {manifest.checksum[:16]} of {decisions:,} decisions"
    print(f"\n{table}\n\n{run}")
    target = store.parent / "results.md"
    target.write_text(f"{table}\n\n{run}\n", encoding="utf-8")
    results = {"run": run, "scores": {name: asdict(score) for name, score in found.items()}}
    target.with_suffix(".json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    return target


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Train on a release, evaluate in the simulator.")
    parser.add_argument("--store", required=True, help="folder of the store")
    parser.add_argument("--release", required=True, help="name of the release")
    parser.add_argument("--epochs", type=int, default=10, help="of behaviour cloning")
    parser.add_argument("--steps", type=int, default=5_000, help="of DiscreteCQL")
    parser.add_argument("--worlds", type=int, default=8, help="seeds of the evaluation")
    parser.add_argument("--games", type=int, default=8, help="games in each world")
    return parser


if __name__ == "__main__":
    main()
