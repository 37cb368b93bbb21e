"""Settings: every mistake is refused by name, with what to do."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

import pytest

from app.config import (
    ConfigError,
    DefaultSecret,
    Settings,
    UnknownSetting,
    load_settings,
    refuse_weak_secret,
)
from app.secret import MIN_SECRET_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = secrets.token_urlsafe(MIN_SECRET_LENGTH)


@pytest.fixture
def env_file(configure: Callable[..., None], tmp_path: Path) -> Path:
    """The env file in use; `configure` clears what a test sets."""
    path = tmp_path / "groundwork.env"
    path.write_text(f"GROUNDWORK_SECRET_KEY={SECRET}\n")
    configure(env_file=path)
    return path


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_has_a_description(name: str) -> None:
    description = Settings.model_fields[name].description

    assert description
    assert description.endswith(".")


@pytest.mark.parametrize("value", ["", "changeme", "Change-Me", "groundwork", "x" * (MIN_SECRET_LENGTH - 1)])
def test_a_weak_secret_is_refused_by_name(value: str, configure: Callable[..., None]) -> None:
    configure(secret_key=value)

    with pytest.raises(DefaultSecret, match=r"Refusing to start: GROUNDWORK_SECRET_KEY .*token_urlsafe"):
        load_settings()


def test_a_default_secret_is_shown_and_a_short_one_is_not() -> None:
    with pytest.raises(DefaultSecret, match='is still the default "admin"'):
        refuse_weak_secret(name="X", value="admin")
    with pytest.raises(DefaultSecret) as refused:
        refuse_weak_secret(name="X", value="hunter2-hunter2")
    assert "hunter2" not in str(refused.value)


def test_a_misspelt_variable_is_refused_with_the_nearest_name(configure: Callable[..., None]) -> None:
    configure(redis_ulr="redis://127.0.0.1/0")

    with pytest.raises(UnknownSetting, match=r"GROUNDWORK_REDIS_ULR .*Did you mean GROUNDWORK_REDIS_URL\?"):
        load_settings()


def test_a_misspelt_key_in_the_env_file_is_refused_with_the_file(env_file: Path) -> None:
    env_file.write_text(f"{env_file.read_text()}GROUNDWORK_API_PROT=8001\n")

    with pytest.raises(UnknownSetting, match=f"GROUNDWORK_API_PROT .in {re.escape(str(env_file))}.*API_PORT"):
        load_settings()


def test_keys_of_other_programs_are_no_concern(env_file: Path) -> None:
    env_file.write_text(f"{env_file.read_text()}LANG=C.UTF-8\n")

    assert load_settings().secret_key


def test_the_environment_wins_over_the_env_file(env_file: Path, configure: Callable[..., None]) -> None:
    env_file.write_text("GROUNDWORK_API_PORT=8001\nGROUNDWORK_FLOWER_PORT=5556\n")
    configure(secret_key=SECRET, api_port=8002)

    loaded = load_settings()

    assert (loaded.api_port, loaded.flower_port) == (8002, 5556)


def test_values_may_be_quoted_and_hold_anything(env_file: Path, configure: Callable[..., None]) -> None:
    env_file.write_text("GROUNDWORK_FLOWER_PASSWORD='a#b \"c\" %d $e'\n")
    configure(secret_key=SECRET)

    assert load_settings().flower_password.get_secret_value() == 'a#b "c" %d $e'


def test_an_empty_value_is_the_default_also_against_the_env_file(
    env_file: Path, configure: Callable[..., None]
) -> None:
    env_file.write_text(f"{env_file.read_text()}GROUNDWORK_LOG_DIR=/tmp\nGROUNDWORK_API_PORT=8001\n")
    configure(log_dir="", api_port="")

    loaded = load_settings()

    assert (loaded.log_dir, loaded.api_port) == (None, 8000)


def test_a_named_env_file_must_exist(configure: Callable[..., None], tmp_path: Path) -> None:
    configure(env_file=tmp_path / "none.env")

    with pytest.raises(ConfigError, match=r"none\.env, which is no file"):
        load_settings()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("api_port", "0"),
        ("api_port", "65536"),
        ("lease_seconds", "1h"),
        ("lease_seconds", "0"),
        ("log_level", "LOUD"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(
    key: str, value: str, configure: Callable[..., None]
) -> None:
    configure(**{key: value})

    with pytest.raises(ConfigError, match=f"GROUNDWORK_{key.upper()}: "):
        load_settings()


def test_all_mistakes_are_said_at_once(configure: Callable[..., None]) -> None:
    configure(api_port="x", lease_seconds="y")

    with pytest.raises(ConfigError, match=r"GROUNDWORK_API_PORT.*GROUNDWORK_LEASE_SECONDS"):
        load_settings()


def test_time_limits_that_contradict_are_refused_with_both_numbers(configure: Callable[..., None]) -> None:
    configure(task_soft_time_limit_seconds=100, task_time_limit_seconds=100)

    with pytest.raises(
        ConfigError, match=r"SOFT_TIME_LIMIT_SECONDS \(100\) must be below .*LIMIT_SECONDS \(100\)"
    ):
        load_settings()


def test_secrets_do_not_show(env_file: Path) -> None:
    assert SECRET not in repr(load_settings())
