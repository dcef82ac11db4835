"""The pages that users read, and the blocks of code in them.

A block is fenced and names its language. A comment before it may say that it is not run, and why
(`<!-- not run: ... -->`), or what it needs beside the development environment
(`<!-- needs: torch -->`: run where that can be imported).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    if path.is_file()
)

_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run|needs): (?P<said>[^\n]+) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<text>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
_ENDS_COMMAND = {"&&", "||", "|", ";", "&"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: the number of its first line of code in the page.
        not_run: why it is not run, if so.
        needs: the modules it needs beside what is always there.
    """

    page: Path
    line: int
    language: str
    text: str
    not_run: str | None
    needs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path, *languages: str) -> list[Block]:
    """The blocks of a page that are in one of the languages, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        if match["language"] in languages:
            code = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
            line = text.count("\n", 0, match.start("text")) + 1
            said, mark = match["said"], match["mark"]
            needs = tuple(said.split(", ")) if mark == "needs" else ()
            not_run = said if mark == "not run" else None
            found.append(Block(page, line, match["language"], code, not_run, needs))
    return found


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands of a shell script of the simple kind, each as its words.

    Continued lines are one command; comments, prompts, redirections and the settings of variables
    before a command are left out.
    """
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        command: list[str] = []
        for word in [*words, ";"]:
            if word in _ENDS_COMMAND:
                if command:
                    yield command
                command = []
            elif command or not re.fullmatch(r"[A-Z_]+=.*", word):
                command.append(word)
