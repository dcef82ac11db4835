"""`make test-faults TIMES=20`: the short fault tests one run after the other, until one fails.

What depends on the moment (kills, rivals, locks) may pass once by luck; this shows more than luck.
Random draws differ from run to run, unless `CI` is set.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from rugs_assets_tests.faults.fuzz import say
from rugs_assets_tests.faults.told import tell

_TESTS = ("-m", "pytest", "-q", "-n", "0", "--no-header", "rugs_assets_tests/faults")


def main() -> int:
    """Run them again and again; the exit status is that of the run that failed."""
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    times = parser.parse_args().times
    # What the short forms find is not what the page of results is about.
    environment = {name: value for name, value in os.environ.items() if name != "RUGS_FAULTS_TOLD"}
    began = time.monotonic()
    for round_ in range(1, times + 1):
        done = subprocess.run(
            [sys.executable, *_TESTS], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            say(f"run {round_} of {times}:\n{done.stdout}{done.stderr}")
            return done.returncode
        say(f"run {round_} of {times}: {done.stdout.splitlines()[-1]}")
    seconds = round(time.monotonic() - began)
    tell("the short tests, run after run", rounds=times, failed=0, seconds=seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
