"""Captures behind a URL: listed and copied as they are, and what goes wrong with a storage.

The same code reads any storage: a folder by its URL stands for most of it here, servers on
loopback for what only a network does.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rugs_assets.domain.simulator import Payload, Plan, write_simulation
from rugs_assets.lake import bucket
from rugs_assets.lake.bucket import Bucket, copy_of
from rugs_assets.lake.capture_health import CaptureHealth
from rugs_assets.lake.errors import CapturesRefused, CapturesUnreached, WriteFailed
from rugs_assets.lake.landing import Landing, UnreadableCapture
from rugs_assets.lake.listing import look_at
from rugs_assets.lake.seen_files import SeenFile
from rugs_assets.lake.transient import is_transient
from rugs_assets_tests.object_store import variables

Contents = dict[str, bytes]
MADE_NS = 1_766_000_000_000_000_000


def put(folder: Path, name: str, content: bytes, at_ns: int = MADE_NS) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(at_ns, at_ns))


def held(folder: Path) -> Contents:
    """What a folder shows, without what is hidden in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


@pytest.fixture
def there(tmp_path: Path) -> Path:
    folder = tmp_path / "bucket"
    put(folder, "a.jsonl", b"one")
    put(folder, "deep/er/b.jsonl", b"two")
    put(folder, ".hidden/c.jsonl", b"three")
    return folder


def url(folder: Path) -> str:
    return f"file://{folder}"


def test_it_is_listed_as_a_folder_is(there: Path) -> None:
    now = MADE_NS / 1e9 + 100
    put(there, "new.jsonl", b"four", MADE_NS + 90_000_000_000)
    ours = look_at(url(there), now=now, settle_seconds=60)
    assert ours == look_at(there, now=now, settle_seconds=60)
    assert ours is not None
    assert [file.path for file in ours.growing] == ["new.jsonl"]


def test_a_copy_follows_what_is_there_and_fetches_only_what_is_new(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    inner = Bucket._pieces

    def noted(self: Bucket, file: SeenFile) -> Iterator[bytes]:
        fetched.append(file.path)
        return inner(self, file)

    monkeypatch.setattr(Bucket, "_pieces", noted)

    def copied() -> Contents:
        fetched.clear()
        return held(Bucket(url(there)).copied(tmp_path / "cache").folder)

    assert copied() == {"a.jsonl": b"one", "deep/er/b.jsonl": b"two"}
    assert sorted(fetched) == ["a.jsonl", "deep/er/b.jsonl"]
    folder = copy_of(url(there), tmp_path / "cache")
    assert (folder / "a.jsonl").stat().st_mtime_ns == MADE_NS
    (folder / ".1-2").write_bytes(b"half a file of a process that was killed")
    assert copied() == held(folder)
    assert (fetched, (folder / ".1-2").exists()) == ([], False)
    put(there, "a.jsonl", b"ONE", MADE_NS + 1_000)  # its time alone tells it
    (there / "deep/er/b.jsonl").unlink()
    put(there, "deep/er/b.jsonl/c.jsonl", b"a folder now")
    assert copied() == {"a.jsonl": b"ONE", "deep/er/b.jsonl/c.jsonl": b"a folder now"}
    assert sorted(fetched) == ["a.jsonl", "deep/er/b.jsonl/c.jsonl"]
    shutil.rmtree(there / "deep")
    assert copied() == {"a.jsonl": b"ONE"}
    assert not (folder / "deep").exists()


def test_dates_rest_on_the_same_digests_as_those_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "captures"
    plan = Plan(days=2, sessions=1, players=0, games_per_day=1, payload=Payload.LEAN)
    write_simulation(plan, folder, truth=None)
    at_home = Landing(folder, tmp_path / "one", b"key").refresh()
    abroad = Landing(url(folder), tmp_path / "other", b"key").refresh()
    assert at_home.days == abroad.days
    for day in at_home.days:
        one, other = at_home.select(day), abroad.select(day)
        assert one.input_digest == other.input_digest
        assert list(one.events()) == list(other.events())


def test_a_name_that_no_file_can_have_is_told_and_holds_back_its_dates(
    there: Path, tmp_path: Path
) -> None:
    put(there, "date=2025-12-15/back\\slash.jsonl", b"x")
    inventory = Landing(url(there), tmp_path / "cache", b"key").refresh()
    (refused,) = inventory.unreadable
    assert "give it another in the bucket" in str(refused.problem)
    with pytest.raises(UnreadableCapture, match="back"):
        inventory.select(plan_day := Plan().start)
    assert plan_day.isoformat() == "2025-12-15"


def test_what_changes_under_the_reader_is_read_again(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = Bucket._pieces

    def replaced(self: Bucket, file: SeenFile) -> Iterator[bytes]:
        yield from inner(self, file)
        put(there, file.path, b"another", MADE_NS + 5_000)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "_pieces", replaced)
        with pytest.raises(CapturesUnreached, match="changed while it was read") as refused:
            Bucket(url(there)).copied(tmp_path / "cache")
    assert is_transient(refused.value)
    assert held(copy_of(url(there), tmp_path / "cache")) == {}
    assert held(Bucket(url(there)).copied(tmp_path / "cache").folder)["a.jsonl"] == b"another"


def test_a_copy_that_cannot_be_written_names_the_place(there: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with pytest.raises(WriteFailed, match=r"cannot be copied to .*; make room or restore access"):
        Bucket(url(there)).copied(tmp_path / "cache")


@pytest.mark.parametrize("place", ["nfs://host/x", "s3://", "file:///no/such/folder"])
def test_a_place_that_is_none_is_told_with_the_cure(place: str) -> None:
    with pytest.raises(CapturesRefused, match=r"RUGS_CAPTURES\).*(name|write|correct)") as refused:
        Bucket(place).seen()
    assert not is_transient(refused.value)


class Answers(BaseHTTPRequestHandler):
    """A storage that has one object, and something wrong with it."""

    status, error, length = 200, "", 3

    def do_GET(self) -> None:
        if self.error:
            return self._send(self.status, f"<Error><Code>{self.error}</Code></Error>".encode())
        if "list-type" in self.path:
            return self._send(200, LISTED)
        # Promises all of it and goes away before.
        return self._send(206, b"o", promised=self.length)

    def do_HEAD(self) -> None:
        self._send(200, b"", promised=self.length)

    def _send(self, status: int, body: bytes, promised: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.send_header("Last-Modified", "Mon, 15 Dec 2025 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Say nothing."""


LISTED = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount><Contents>"
    b"<Key>a.jsonl</Key><LastModified>2025-12-15T00:00:00.000Z</LastModified><Size>3</Size>"
    b"</Contents></ListBucketResult>"
)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answers]]:
    answers = type("Mine", (Answers,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name, value in variables(f"http://127.0.0.1:{server.server_port}").items():
        monkeypatch.setenv(name, value)
    yield answers
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("status", "error", "passes"),
    [(403, "AccessDenied", False), (404, "NoSuchBucket", False), (500, "InternalError", True)],
)
def test_what_may_pass_is_told_from_what_does_not(
    storage: type[Answers], tmp_path: Path, status: int, error: str, passes: bool
) -> None:
    storage.status, storage.error = status, error
    with pytest.raises(CapturesUnreached if passes else CapturesRefused) as refused:
        Bucket("s3://captures").seen()
    assert is_transient(refused.value) is passes
    assert "s3://captures (RUGS_CAPTURES)" in str(refused.value)
    assert "AWS_ENDPOINT_URL" in str(refused.value)
    assert "hush-hush" not in str(refused.value)
    if not passes:  # else it is asked for many seconds
        found = dict(CaptureHealth("s3://captures", tmp_path, is_used=True).judges())["captures"]()
        assert (found.level, found.told) == ("error", str(refused.value))


def test_a_connection_that_breaks_in_the_middle_leaves_no_half_file(
    storage: type[Answers], tmp_path: Path
) -> None:
    with pytest.raises(CapturesUnreached) as refused:
        Bucket("s3://captures").copied(tmp_path)
    assert is_transient(refused.value)
    assert held(copy_of("s3://captures", tmp_path)) == {}


def test_a_host_that_is_not_found_may_be_found_again() -> None:
    # Only the network's library tells it from a bucket that is not found.
    told = "AWS Error NETWORK_CONNECTION: curlCode: 6, Could not resolve hostname, host not found"
    assert not bucket._is_lasting(told)
    assert bucket._is_lasting("Path does not exist 'captures': bucket not found")
