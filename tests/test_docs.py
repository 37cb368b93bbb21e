"""The documentation is in step with the code, and what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from app.__main__ import LazyGroup, command_line

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for path in [ROOT / "README.md", *ROOT.glob("[!.]*/**/README.md")]
    if not {"var", "node_modules"} & set(path.relative_to(ROOT).parts)
)
TOP_FOLDERS = ("app", "systemd", "ansible", "scripts", "tests")
#: A path below one of our folders, as prose or a command names it.
PATH = re.compile(rf"(?<![\w/.])(?:{'|'.join(TOP_FOLDERS)})/[\w./@-]*\w/?")


def text_of(page: Path) -> str:
    return (ROOT / page).read_text()


def commands_named(page: Path) -> list[str]:
    """Every `groundwork ...` line inside code: words up to the first option or argument."""
    code = re.findall(r"`(groundwork [^`]+)`|^    .*?\b(groundwork [a-z].*)$", text_of(page), re.MULTILINE)
    return [quoted or indented for quoted, indented in code]


def test_the_generated_tables_are_in_step() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "tables.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    named = {path.rstrip("/.") for path in PATH.findall(text_of(page)) if "<" not in path}

    assert {path for path in named if not (ROOT / path).exists() and not list(ROOT.glob(path))} == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    unknown = [line for line in commands_named(page) if not _exists(line.split()[1:])]

    assert unknown == []


def _exists(words: list[str]) -> bool:
    """Whether the words lead to a command; what follows a command are its arguments."""
    group: object = command_line()
    for word in words:
        if isinstance(group, LazyGroup):
            group = get_command(__import__(group._module, fromlist=["app"]).app)
        if not isinstance(group, TyperGroup):
            return True
        if word not in group.commands:
            return False
        group = group.commands[word]
    return True


def test_no_line_of_the_readme_is_a_wall() -> None:
    prose = re.sub(r"<!-- begin: .*?<!-- end: \S+ -->", "", text_of(Path("README.md")), flags=re.DOTALL)

    assert [line for line in prose.splitlines() if len(line) > 140 and not line.startswith("|")] == []
