"""`make audit`: known vulnerabilities of what requirements.lock holds.

pip-audit calls a package that it could find nothing about "skipped" and then says that no
vulnerability is known. Here that is said for what it is: not audited. The exit status is 1 when a
vulnerability is known, 0 when none is, and 0 with a plain word when the data cannot be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Audit:
    """What pip-audit found.

    Attributes:
        audited: packages that data were found about.
        skipped: packages that none were found about, with the reason.
        known: vulnerabilities, a line each.
    """

    audited: int
    skipped: tuple[str, ...]
    known: tuple[str, ...]

    def told(self) -> str:
        """The outcome in words."""
        if not self.audited:
            return "NOT AUDITED: the data about vulnerabilities cannot be reached from here."
        lines = [f"{self.audited} packages audited, {len(self.known)} vulnerabilities known."]
        if self.skipped:
            lines.append(f"Not audited: {'; '.join(self.skipped)}")
        return "\n".join([*lines, *self.known])


def audit_of(output: str) -> Audit:
    """Read the JSON that pip-audit printed; none of it means that it could not ask."""
    try:
        said: list[dict[str, Any]] = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Audit(0, (), ())
    skipped = [f"{each['name']} ({each['skip_reason']})" for each in said if "skip_reason" in each]
    known = [
        f"{each['name']} {each['version']}: {found['id']}, mended in"
        f" {', '.join(found['fix_versions']) or 'no version'}"
        for each in said
        for found in each.get("vulns", ())
    ]
    return Audit(len(said) - len(skipped), tuple(skipped), tuple(known))


def main(pip_audit: str, lock: str) -> int:
    """Ask pip-audit and say what came of it."""
    command = [pip_audit, "--requirement", lock, "--require-hashes", "--disable-pip"]
    try:
        done = subprocess.run(
            [*command, "--format", "json", "--progress-spinner", "off"],
            capture_output=True,
            text=True,
            check=False,
        )
        found = audit_of(done.stdout)
    except FileNotFoundError:
        found = Audit(0, (), ())
    sys.stdout.write(found.told() + "\n")
    return 1 if found.known else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
