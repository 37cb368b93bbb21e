"""Env files, credentials and the release file: where settings come from."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING

import pytest

from app.settings.config import load_settings
from app.settings.sources import ConfigError, UnknownSetting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "s" * 20 + "-of-more-than-32-characters"


@pytest.fixture
def credentials(
    configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Puts credentials where systemd puts them, and no other secret anywhere."""
    monkeypatch.delenv("GROUNDWORK_SECRET_KEY", raising=False)
    folder = tmp_path / "of-the-unit"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))

    def write(**values: str) -> Path:
        folder.mkdir(exist_ok=True)
        for name, value in values.items():
            (folder / name).write_text(value)
        return folder

    return write


@pytest.fixture
def beside(
    configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Path]:
    """Puts credentials beside the env file, under their plain names."""
    monkeypatch.delenv("GROUNDWORK_SECRET_KEY", raising=False)
    env_file, folder = tmp_path / "groundwork.env", tmp_path / "credentials"
    env_file.write_text("GROUNDWORK_API_PORT=8001\n")
    configure(env_file=env_file)

    def write(**values: str) -> Path:
        folder.mkdir(exist_ok=True)
        for name, value in values.items():
            (folder / name).write_text(value)
        return folder

    return write


def test_credentials_of_systemd_are_read_without_the_newline_at_their_end(
    credentials: Callable[..., Path],
) -> None:
    credentials(groundwork_secret_key=f"{SECRET}\n")

    assert load_settings().secret_key.get_secret_value() == SECRET


def test_a_credential_of_another_program_is_no_concern(credentials: Callable[..., Path]) -> None:
    credentials(groundwork_secret_key=SECRET, tls_key="x")

    assert load_settings().secret_key.get_secret_value() == SECRET


def test_a_misspelt_credential_is_refused_with_the_nearest_name(credentials: Callable[..., Path]) -> None:
    folder = credentials(groundwork_secret_key=SECRET, groundwork_redis_ulr="redis://127.0.0.1/0")

    with pytest.raises(
        UnknownSetting, match=rf"redis_ulr .in {re.escape(str(folder))}.*mean \"redis_url\"\?"
    ):
        load_settings()


def test_credentials_beside_the_env_file_are_read(beside: Callable[..., Path]) -> None:
    beside(secret_key=SECRET)

    loaded = load_settings()

    assert (loaded.secret_key.get_secret_value(), loaded.api_port) == (SECRET, 8001)


def test_a_misspelt_file_beside_the_env_file_is_refused_and_a_hidden_one_is_not(
    beside: Callable[..., Path],
) -> None:
    folder = beside(secret_key=SECRET)
    (folder / ".secret_key.swp").write_text("x")
    assert load_settings()
    (folder / "secretkey").write_text("x")

    with pytest.raises(UnknownSetting, match=r'secretkey .*Did you mean "secret_key"\?'):
        load_settings()


def test_those_of_systemd_win_over_those_beside_the_env_file(
    beside: Callable[..., Path], credentials: Callable[..., Path]
) -> None:
    beside(secret_key="of-the-folder" * 3)
    credentials(groundwork_secret_key=SECRET)

    assert load_settings().secret_key.get_secret_value() == SECRET


def test_the_environment_wins_over_the_env_file_and_that_over_credentials(
    beside: Callable[..., Path], configure: Callable[..., None]
) -> None:
    beside(secret_key=SECRET, api_port="8002", flower_user="nobody", log_level="ERROR")
    configure(log_level="DEBUG")

    loaded = load_settings()

    assert (loaded.log_level, loaded.api_port, loaded.flower_user) == ("DEBUG", 8001, "nobody")


def test_a_credential_that_is_no_text_is_refused_by_its_path(beside: Callable[..., Path]) -> None:
    path = beside() / "secret_key"
    path.write_bytes(b"\xff" * 40)

    with pytest.raises(ConfigError, match=rf"{re.escape(str(path))} cannot be read: it is not UTF-8"):
        load_settings()


def test_of_several_env_files_the_later_wins(configure: Callable[..., None], tmp_path: Path) -> None:
    for name, text in (("a", "GROUNDWORK_API_PORT=8001\nGROUNDWORK_FLOWER_PORT=5556\n"), ("b", "")):
        (tmp_path / f"{name}.env").write_text(text)
    (tmp_path / "b.env").write_text("GROUNDWORK_API_PORT=8002\n")
    configure(env_file=f"{tmp_path}/a.env:-{tmp_path}/b.env:-{tmp_path}/missing.env")

    loaded = load_settings()

    assert (loaded.api_port, loaded.flower_port) == (8002, 5556)


def test_values_are_taken_as_they_are_written(configure: Callable[..., None], tmp_path: Path) -> None:
    path = tmp_path / "groundwork.env"
    path.write_text("GROUNDWORK_FLOWER_PASSWORD='pa${HOME}ss'\n")
    configure(env_file=path)

    assert load_settings().flower_password.get_secret_value() == "pa${HOME}ss"


def test_the_release_is_that_of_the_folder_around_the_virtual_environment(
    configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    assert load_settings().release == "dev"
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    (tmp_path / "release.json").write_text(json.dumps({"id": "20260101-abcdef0"}))

    assert load_settings().release == "20260101-abcdef0"


def test_a_broken_release_file_is_refused(
    configure: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    (tmp_path / "release.json").write_text("{}")

    with pytest.raises(ConfigError, match=r"release\.json does not say which release"):
        load_settings()
