"""While one release takes the place of another, pages of both find their files, whichever of them answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient

from app.console import assets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from httpx import Response

OLD, NEW = "20261128-0a1b2c3", "20261129-4d5e6f7"
FILES = {
    OLD: {"console.css": b"body{color:red}", "live.js": b"both()", "gone.js": b"old()"},
    NEW: {"console.css": b"body{color:blue}", "live.js": b"both()"},
}
PYTHONS = {OLD: "python3.11", NEW: "python3.13"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A host with both releases, on which the one that is named answers from then on."""
    for release, files in FILES.items():
        folder = static(tmp_path, release)
        folder.mkdir(parents=True)
        (tmp_path / release / assets.COMPLETE).write_text("{}")
        for name, content in files.items():
            (folder / name).write_bytes(content)

    def run(release: str) -> None:
        monkeypatch.setattr(sys, "prefix", str(tmp_path / release / "venv"))
        monkeypatch.setattr(assets, "FOLDER", static(tmp_path, release))
        forget()

    yield run
    monkeypatch.undo()
    forget()


def static(host: Path, release: str) -> Path:
    return host / release / f"venv/lib/{PYTHONS[release]}/site-packages/app/console/static"


def forget() -> None:
    """As another process does."""
    assets._assets.cache_clear()
    assets._hashed_names.cache_clear()


def ask(url: str) -> Response:
    found: Response = TestClient(assets.Assets(PlainTextResponse("a page"))).get(url)
    return found


@pytest.mark.parametrize(("shown_by", "answers"), [(OLD, NEW), (NEW, OLD), (OLD, OLD), (NEW, NEW)])
def test_a_page_finds_its_files_whichever_release_answers(
    runs: Callable[[str], None], shown_by: str, answers: str
) -> None:
    runs(shown_by)
    urls = {name: assets.url_of(name) for name in FILES[shown_by]}
    runs(answers)
    for name, url in urls.items():
        found = ask(url)
        assert (found.status_code, found.content) == (200, FILES[shown_by][name])
        assert found.headers["Content-Type"] == assets.TYPES[f".{name.partition('.')[2]}"]
        assert found.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_both_names_of_a_file_are_told_apart_by_its_content(runs: Callable[[str], None]) -> None:
    seen = set()
    for release in (OLD, NEW):
        runs(release)
        seen.add(assets.url_of("console.css"))
    assert len(seen) == 2


def test_a_release_that_is_being_removed_is_none(runs: Callable[[str], None], tmp_path: Path) -> None:
    runs(OLD)
    url = assets.url_of("gone.js")
    runs(NEW)
    assert ask(url).status_code == 200
    (tmp_path / OLD / assets.COMPLETE).unlink()
    assert ask(url).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        "console.css",
        "console.000000000000.css",
        "release.000000000000.json",
        "../static/console.000000000000.css",
        "..%2f..%2fconsole.000000000000.css",
        "console.000000000000.css\n",
        "c" * 10_000 + ".000000000000.css",
        "\udcff.000000000000.css",
    ],
)
def test_what_is_no_files_name_finds_none(runs: Callable[[str], None], asked: str) -> None:
    runs(NEW)
    assert assets._of_other_release(asked) is None


def test_a_checkout_has_no_releases_beside_it(runs: Callable[[str], None], tmp_path: Path) -> None:
    runs(OLD)
    url = assets.url_of("gone.js")
    runs(NEW)
    (tmp_path / NEW / assets.COMPLETE).unlink()
    assert ask(url).status_code == 404
