"""What the doctor says about where files are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.health.doctor import files, host
from app.health.doctor.finding import Level
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(configure: Callable[..., None], tmp_path: Path) -> Path:
    configure(storage=tmp_path / "files")
    return tmp_path / "files"


def test_a_folder_that_is_private_is_fine_and_left_empty(folder: Path) -> None:
    finding = files.files_can_be_kept()
    assert finding.level is Level.OK
    assert str(folder) in finding.sentence
    assert [path for path in folder.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("mode", [0o701, 0o704, 0o755, 0o777])
def test_a_folder_that_others_can_look_into_is_a_problem(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    finding = files.files_can_be_kept()
    assert finding.level is Level.PROBLEM
    assert f"{mode:04o}" in finding.sentence
    assert str(folder) in (finding.fix or "")


def test_a_place_that_takes_no_files_is_a_problem(configure: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", "/proc/files"):
        configure(storage=place)
        finding = files.files_can_be_kept()
        assert finding.level is Level.PROBLEM
        assert str(place) in (finding.fix or "")


def test_a_bucket_that_does_not_answer_is_a_problem(
    configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.storage.s3_calls.ATTEMPTS", 1)
    configure(
        storage="s3://bucket/prefix",
        storage_endpoint_url=f"http://127.0.0.1:{free_port()}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert files.files_can_be_kept().level is Level.PROBLEM
    assert files.links_lead_to_the_api().level is Level.OK


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({}, Level.OK),
        ({"release": "r1"}, Level.WARNING),
        ({"release": "r1", "api_url": "https://h"}, Level.OK),
    ],
)
def test_links_that_lead_nowhere_are_told(
    configure: Callable[..., None], given: dict[str, str], level: Level
) -> None:
    configure(**given)
    assert files.links_lead_to_the_api().level is level


def test_the_disk_of_the_files_is_looked_at(folder: Path) -> None:
    assert folder not in host._folders()
    folder.mkdir()
    assert folder in host._folders()
