"""An audit that could not ask anybody does not say that all is well."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from rugs_assets_tests.audit import audit_of, main

_SKIPPED = {"name": "a", "skip_reason": "Dependency not found"}
_SOUND = {"name": "b", "version": "1", "vulns": []}
_HOLED = {"name": "c", "version": "2", "vulns": [{"id": "X-1", "fix_versions": ["2.1"]}]}


def of(*packages: Mapping[str, object]) -> str:
    return audit_of(json.dumps({"dependencies": packages})).told()


def test_nothing_that_could_be_asked_is_no_all_clear(capsys: pytest.CaptureFixture[str]) -> None:
    assert of(_SKIPPED).startswith("NOT AUDITED")
    assert audit_of("Traceback ...").told().startswith("NOT AUDITED")
    assert main("/no/such/program", "requirements.lock") == 0
    assert capsys.readouterr().out.startswith("NOT AUDITED")


def test_what_was_found_is_said() -> None:
    assert of(_SOUND) == "1 packages audited, 0 vulnerabilities known."
    assert of(_SOUND, _SKIPPED, _HOLED).splitlines() == [
        "2 packages audited, 1 vulnerabilities known.",
        "Not audited: a (Dependency not found)",
        "c 2: X-1, mended in 2.1",
    ]
