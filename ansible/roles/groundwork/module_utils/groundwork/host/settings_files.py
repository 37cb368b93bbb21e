"""The settings of a host as files: one env file, one per pool that differs, one file per secret."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from ansible.module_utils.groundwork.files import File

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "GROUNDWORK_"
HEADER = "# Ansible managed: what is changed here is lost at the next deploy. See groundwork_settings.\n"


class UnusableValue(ValueError):
    """Raised for a setting that no env file can hold."""

    def __init__(self, *, name: str, problem: str) -> None:
        super().__init__(f"The setting {name} {problem}. Correct it in the inventory.")


def settings_files(
    *,
    settings: Mapping[str, Any],
    pool_settings: Mapping[str, Mapping[str, Any]],
    secrets: Mapping[str, str],
) -> dict[PurePosixPath, File]:
    """The files, by their place below the folder of the settings."""
    files = {PurePosixPath("groundwork.env"): _env_file(settings)}
    for pool, overrides in sorted(pool_settings.items()):
        if overrides:
            files[PurePosixPath(f"worker-{pool}.env")] = _env_file(overrides)
    for name, value in sorted(secrets.items()):
        if value:
            files[PurePosixPath("credentials", name)] = File(content=_secret(name, value))
    return files


def _env_file(settings: Mapping[str, Any]) -> File:
    lines = [
        f"{PREFIX}{name.upper()}={_value(name, value)}\n"
        for name, value in sorted(settings.items())
        if value is not None
    ]
    return File(content=(HEADER + "".join(lines)).encode())


def _value(name: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "\n" in text or "\r" in text:
        raise UnusableValue(name=name, problem="has more than one line")
    if isinstance(value, (dict, list)):
        raise UnusableValue(name=name, problem="is not a single value")
    # systemd takes what stands in double quotes as it is, but for these two; so does python-dotenv.
    plain = text and not set(text) & set(" \t\"'\\#$;`")
    return text if plain or not text else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _secret(name: str, value: str) -> bytes:
    if "\n" in value.strip():
        raise UnusableValue(name=name, problem="has more than one line")
    return (value.strip() + "\n").encode()
