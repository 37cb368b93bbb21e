"""The documentation is in step with the code, and what it names and links to exists."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from app.__main__ import LazyGroup, command_line
from app.settings.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(
    path.relative_to(ROOT)
    for path in [ROOT / "README.md", *ROOT.glob("[!.]*/**/README.md")]
    if not {"var", "node_modules"} & set(path.relative_to(ROOT).parts)
)
TOP_FOLDERS = ("app", "systemd", "ansible", "scripts", "tests")
#: The README is a path to walk, not a book.
MAX_README_LINES = 200
#: `[text](target)`, outside of code.
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
#: A path below one of our folders, as prose or a command names it.
PATH = re.compile(rf"(?<![\w/.])(?:{'|'.join(TOP_FOLDERS)})/[\w./@-]*\w/?")


def text_of(page: Path) -> str:
    return (ROOT / page).read_text()


def commands_named(page: Path) -> list[str]:
    """Every `groundwork ...` inside code, of a line with several each."""
    quoted = re.findall(r"`(groundwork [^`]+)`", text_of(page))
    lines = re.findall(r"^    .*$", text_of(page), re.MULTILINE)
    return quoted + [one for line in lines for one in re.findall(r"\bgroundwork [a-z][^;]*", line)]


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


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_a_page_and_to_a_heading_of_it(page: Path) -> None:
    assert [target for target in links_of(page) if not _leads_somewhere(target, page=page)] == []


def links_of(page: Path) -> list[str]:
    return [target for target in LINK.findall(text_of(page)) if "://" not in target]


def _leads_somewhere(target: str, *, page: Path) -> bool:
    name, _, anchor = target.partition("#")
    there = (ROOT / page).parent / name if name else ROOT / page
    return there.exists() and (not anchor or anchor in _anchors_of(there.read_text()))


def _anchors_of(text: str) -> set[str]:
    """What GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_the_examples_of_a_page_import_is_there(page: Path) -> None:
    imports = re.findall(r"^from (app[\w.]*) import (.+)$", text_of(page), re.MULTILINE)
    real = [(module, names) for module, names in imports if "carts" not in module]

    assert [
        f"{module}.{name}"
        for module, names in real
        for name in names.split(", ")
        if not hasattr(import_module(module), name)
    ] == []


def test_the_map_of_the_code_has_every_folder() -> None:
    page = text_of(Path("app/README.md"))
    folders = {path.parent.name for path in ROOT.glob("app/*/__init__.py")}

    assert {
        name for name in folders if f"| `app/{name}/`" not in page and f", `app/{name}/`" not in page
    } == set()


def test_every_page_is_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [Path("README.md")]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        targets = {target.partition("#")[0] for target in links_of(page)} - {""}
        found = {((ROOT / page).parent / target).resolve().relative_to(ROOT) for target in targets}
        waiting += found - seen

    assert set(PAGES) - seen == set()


def test_the_readme_is_short() -> None:
    assert len(text_of(Path("README.md")).splitlines()) <= MAX_README_LINES


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_line_of_a_page_is_a_wall(page: Path) -> None:
    prose = re.sub(r"<!-- begin: .*?<!-- end: \S+ -->", "", text_of(page), flags=re.DOTALL)

    assert [line for line in prose.splitlines() if len(line) > 140 and not line.startswith("|")] == []


@pytest.mark.parametrize(("unit", "setting"), [("api.socket", "api_port"), ("flower.service", "flower_port")])
def test_the_page_of_the_units_has_the_ports_of_the_settings(unit: str, setting: str) -> None:
    row = f"| `groundwork-{unit}` | 127.0.0.1:{Settings.model_fields[setting].default} |"

    assert row in text_of(Path("systemd/README.md"))
