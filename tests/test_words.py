"""Names, messages and documents use the words of the glossary and of the field."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = ROOT / "app" / "README.md"
AREAS = ("app", "ansible", "systemd", "scripts")
#: Words of our own for what the field has a word for, as patterns, and what to say instead. They are in no
#: name, message, comment or document.
RETIRED = {
    "belated": "late",
    "clockwork": "scheduler",
    r"foretell\w*": "insert a dead placeholder",
    r"groundwork power": "groundwork_state",
    r"host look": "host_probe",
    r"hearts?": "heartbeat",
    r"light tasks?": "non-durable task",
    r"sees? off": "wait for peers",
    r"stands? down": "drain",
    r"verdicts?": "transition",
    r"wish mistakes": "inventory_errors",
}
#: Beside them, what no document says.
RETIRED_IN_DOCUMENTS = RETIRED | {
    r"calls? off|called off": "cancel",
    r"puts? aside": "quarantine, or set aside",
}
#: Constants that say MAX, MIN, TRANSIENT, and TIMEOUT or RETRY.
RETIRED_CONSTANT = re.compile(r"\b_?(?:(?:MOST|LEAST)_\w+|PASSING|PATIENT|PATIENCE)\b")
#: Modules that have the name of what they hold.
RETIRED_MODULES = {"answers", "asking", "ending", "heart", "making", "operator", "power", "refusals"}


@cache
def texts(*areas: str) -> dict[Path, str]:
    """Every file of ours in these folders that is text, by its path."""
    paths = [path for area in areas for path in (ROOT / area).rglob("*") if path.is_file()]
    found = {}
    for path in paths:
        if not {"__pycache__", "node_modules"} & set(path.parts):
            try:
                found[path.relative_to(ROOT)] = path.read_text()
            except UnicodeDecodeError:
                continue
    return found


def documents() -> dict[Path, str]:
    pages = {path: text for path, text in texts(*AREAS, "tests").items() if path.name == "README.md"}
    return pages | {Path("README.md"): (ROOT / "README.md").read_text()}


def found_in(files: dict[Path, str], pattern: str) -> list[str]:
    """Where a retired word is, in prose or as a part of a name."""
    word = re.compile(rf"(?<![a-z])(?:{pattern.replace(' ', '[ _]')})(?![a-z])", re.IGNORECASE)
    return [f"{path}: {match[0]}" for path, text in files.items() for match in word.finditer(text)]


def terms() -> list[str]:
    """The words that the glossary explains."""
    section = GLOSSARY.read_text().partition("## Glossary")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[2:]
    return [term.strip() for cell in cells for term in cell.split(",")]


@pytest.mark.parametrize("pattern", RETIRED)
def test_a_retired_word_stays_away(pattern: str) -> None:
    assert found_in(texts(*AREAS), pattern) == [], f'say "{RETIRED[pattern]}"'


def test_no_constant_has_a_retired_name() -> None:
    python = {path: text for path, text in texts("app", "scripts").items() if path.suffix == ".py"}

    assert [
        f"{path}: {found}" for path, text in python.items() for found in RETIRED_CONSTANT.findall(text)
    ] == []


def test_no_module_has_a_retired_name() -> None:
    assert [path for path in texts(*AREAS) if path.suffix == ".py" and path.stem in RETIRED_MODULES] == []


@pytest.mark.parametrize("pattern", RETIRED_IN_DOCUMENTS)
def test_no_document_has_a_retired_word(pattern: str) -> None:
    assert found_in(documents(), pattern) == [], f'say "{RETIRED_IN_DOCUMENTS[pattern]}"'


@pytest.mark.parametrize("term", terms())
def test_a_term_of_the_glossary_is_one_of_the_code(term: str) -> None:
    code = (text for path, text in texts("app").items() if path.suffix == ".py")
    word = re.compile(re.escape(term).replace(r"\ ", r"[ _\n#]+"), re.IGNORECASE)

    assert any(word.search(text) for text in code)


def test_the_glossary_has_terms() -> None:
    assert len(terms()) > 10
