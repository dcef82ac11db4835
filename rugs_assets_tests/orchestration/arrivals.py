"""How captures arrive in real life: whole, growing, replaced, late, and some that go away again."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

Step = Callable[[], None]


def arrivals(source: Path, target: Path) -> Iterator[tuple[str, Step]]:
    """Steps after which `target` holds what `source` does; between them anything may look at it.

    Every file arrives once, in order of its name, but: the second session grows piece by piece and
    rests in between; the third is replaced by its whole self after a first half was landed; the
    first comes last of all; a stray copy and a file that is no capture come and go.

    Yields:
        What happens, and the function that makes it happen.
    """
    files = files_of(source)
    sessions = [path for path in files if path.suffix == ".jsonl"]
    late, growing, replaced = sessions[0], sessions[1], sessions[2]
    where = {path: target / path.relative_to(source) for path in files}
    stray = target / f"stray-{sessions[1].name}"
    broken = target / "cut_off.parquet"
    for path in files:
        if path == late:
            yield "a file that cannot be opened", lambda: _write(broken, b"PAR1 and no footer")
        elif path == growing:
            for part in range(1, 4):
                yield f"{path.name} grows ({part} of 3)", _grow(path, where[path], part / 3)
        elif path == replaced:
            half = path.read_bytes()[: path.stat().st_size // 2]
            yield f"half of {path.name}", lambda half=half: _write(where[replaced], half)  # type: ignore[misc]  # bound now
            yield "a stray copy", lambda: _move(sessions[1], stray)
            yield f"the whole of {path.name}", _land(path, where[path])
        else:
            yield f"{path.name}", _land(path, where[path])
    yield "the broken file goes", broken.unlink
    yield "the stray copy goes", stray.unlink
    yield f"{late.name}, late", _land(late, where[late])


def _land(source: Path, target: Path) -> Step:
    return lambda: _move(source, target)


def _grow(source: Path, target: Path, share: float) -> Step:
    def grow() -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        whole = source.read_bytes()
        there = target.stat().st_size if target.exists() else 0
        with target.open("ab") as file:
            file.write(whole[there : round(len(whole) * share)])

    return grow


def _move(source: Path, target: Path) -> None:
    """Put a file in place whole, as `mv` does; its time of change is now."""
    _write(target, source.read_bytes())


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f".{target.name}")
    scratch.write_bytes(content)
    scratch.replace(target)


def age(folder: Path, seconds: float, now: float | None = None) -> None:
    """Make every file look as if nobody had written to it for that long."""
    at = (time.time() if now is None else now) - seconds
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_mtime > at:
            os.utime(path, (at, at))


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders hold the same files."""
    held = [
        {path.relative_to(folder): path.read_bytes() for path in files_of(folder)}
        for folder in (one, other)
    ]
    return held[0] == held[1]


def files_of(folder: Path) -> list[Path]:
    """All files below a folder."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def emptied(folder: Path) -> Path:
    """The folder, made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
