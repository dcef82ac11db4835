"""The web UI of a small simulated project, as `make ui` starts it, on a free port of loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake.tables import Lake

FIRST = date(2025, 12, 15)
CLICKED = "2025-12-15"
TAMPERED = "2025-12-16"
THREE = ("2025-12-17", "2025-12-18", "2025-12-19")
TUNED = "2025-12-20"
PLAN = Plan(start=FIRST, days=6, sessions=1, players=1, games_per_day=2, payload=Payload.LEAN)
PATIENCE = 240.0
"""Seconds that anything may take on a busy machine."""


@dataclass(frozen=True)
class Site:
    """A running web UI."""

    url: str
    lake: Lake
    environment: Mapping[str, str]

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Put a question to the GraphQL of the UI."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.load(answer)
        assert "errors" not in found, found
        data: dict[str, Any] = found["data"]
        return data

    def materialized(self, asset: str) -> set[str]:
        """The dates of an asset that Dagster counts as materialized."""
        found = self.ask(
            "query($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {"
            " assetPartitionStatuses { ... on TimePartitionStatuses { ranges {"
            " status startKey endKey } } } } } }",
            key={"path": [asset]},
        )
        ranges = found["assetNodeOrError"]["assetPartitionStatuses"]["ranges"]
        days: set[str] = set()
        for each in ranges:
            if each["status"] == "MATERIALIZED":
                first, last = map(date.fromisoformat, (each["startKey"], each["endKey"]))
                span = range(first.toordinal(), last.toordinal() + 1)
                days |= {date.fromordinal(at).isoformat() for at in span}
        return days


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds:g} s still not: {what}"
        time.sleep(0.5)


def contradict_seed(captures: Path, day: str) -> str:
    """Give the first game of a date, wherever it is revealed, the seed of another.

    Returns:
        The id of the game.
    """
    prefix = day.replace("-", "")
    revealed = re.compile(rf'"id": "({prefix}-[0-9a-f]+)".*?"serverSeed": "([0-9a-f]{{64}})"')
    texts = {path: path.read_text("utf-8") for path in captures.rglob("*.jsonl")}
    game, seed = next(
        match.groups() for text in texts.values() for match in revealed.finditer(text)
    )
    other = seed[::-1]
    for path, text in texts.items():
        if seed in text:
            path.write_text(text.replace(seed, other), "utf-8")
    return game


def project_in(folder: Path, root: Path) -> dict[str, str]:
    """Captures, an empty store and a Dagster home; the environment that names them."""
    (folder / "home").mkdir(parents=True)
    shutil.copy(root / "dagster.yaml", folder / "home")
    write_simulation(PLAN, folder / "captures", truth=None)
    return {
        **os.environ,
        "RUGS_CAPTURES": str(folder / "captures"),
        "RUGS_STORE": str(folder / "store"),
        "RUGS_START_DATE": FIRST.isoformat(),
        "RUGS_PSEUDONYM_KEY": "a key for tests",
        "DAGSTER_HOME": str(folder / "home"),
        "PYTHONPATH": str(root),
    }


def materialize(environment: Mapping[str, str], root: Path, day: str) -> None:
    """All assets of a date, by the command line."""
    command = [sys.executable, "-m", "dagster", "asset", "materialize"]
    command += ["-m", "rugs_assets.definitions", "--select", "*", "--partition", day]
    subprocess.run(command, env=environment, cwd=root, check=True, capture_output=True)


@contextmanager
def serving(environment: Mapping[str, str], root: Path, log: Path) -> Iterator[str]:
    """`dagster dev` on loopback; its address. Stopped with all that it started."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [sys.executable, "-m", "dagster", "dev", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, cwd=root, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        until(lambda: server.poll() is not None or _answers(url), f"{url} answers, see {log}")
        assert server.poll() is None, log.read_text("utf-8", errors="replace")[-3000:]
        yield url
    finally:
        # What it starts lives in the same session; Ctrl-C reaches all of it.
        os.killpg(server.pid, signal.SIGINT)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
