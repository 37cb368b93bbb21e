"""Where settings come from besides the environment: env files, and credentials, one file each."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dotenv.parser import Binding, parse_stream

from app.errors import GroundworkError
from app.values.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

PREFIX = "GROUNDWORK_"
#: Names the env files, separated by colons, when they lie somewhere else than where they are looked for.
#: As in a unit, a minus sign before a file lets it be missing, and what a later file says wins.
ENV_FILE_VARIABLE = "GROUNDWORK_ENV_FILE"
ENV_FILES = (Path("/etc/groundwork/groundwork.env"), Path("var/groundwork.env"))
#: Where systemd puts a service's credentials; all of ours bear our prefix there.
SYSTEMD_VARIABLE = "CREDENTIALS_DIRECTORY"
#: The folder of credentials beside the env file, for whoever runs without systemd.
CREDENTIALS = "credentials"


class ConfigError(GroundworkError):
    """Raised when the settings cannot be used; the process must not start."""

    code = "config_error"


class UnknownSetting(ConfigError):
    """Raised for a key that is no setting: a typo must not pass in silence."""

    def __init__(self, *, key: str, source: str, known: Iterable[str]) -> None:
        hint = f"{did_you_mean(key, known)} Remove it or correct its name.".lstrip()
        super().__init__(f"{key} (in {source}) is not a setting. {hint}")


def env_files() -> list[Path]:
    """The env files in use: those named by `GROUNDWORK_ENV_FILE`, else the first that exists."""
    named = os.environ.get(ENV_FILE_VARIABLE)
    if not named:
        return [path for path in ENV_FILES if path.is_file() and os.access(path, os.R_OK)][:1]
    for path in (Path(name) for name in named.split(":") if not name.startswith("-")):
        if not path.is_file():
            raise ConfigError(
                f"{ENV_FILE_VARIABLE} names {path}, which is not a file. Create it or unset the variable."
            )
    return [path for name in named.split(":") if (path := Path(name.removeprefix("-"))).is_file()]


def refuse_misspelt_variables(fields: Collection[str]) -> None:
    """Raise `UnknownSetting` for a variable of the environment that looks like ours and is none."""
    _ours(os.environ, fields=fields, source="the environment")


def env_values(fields: Collection[str]) -> dict[str, str]:
    """What the env files say, by field, the later file over the earlier. Raises `UnknownSetting`."""
    values: dict[str, str] = {}
    for path in env_files():
        try:
            with path.open(encoding="utf-8-sig") as file:
                bindings = list(parse_stream(file))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(_unreadable(path, error)) from None
        _refuse_unclear_lines(bindings, path=path)
        found = {binding.key: binding.value for binding in bindings if binding.key is not None}
        values |= _ours(found, fields=fields, source=str(path))
    return values


def _refuse_unclear_lines(bindings: Iterable[Binding], *, path: Path) -> None:
    """Raise `ConfigError` for a line that is no setting, and for one of our keys that appears twice."""
    lines: dict[str, int] = {}
    for binding in bindings:
        number = binding.original.line
        if binding.error:
            raise ConfigError(f"{path}, line {number}, cannot be read. Write NAME=value, and close quotes.")
        key = (binding.key or "").upper()
        if key.startswith(PREFIX) and key in lines:
            raise ConfigError(
                f"{key} appears twice in {path}, in lines {lines[key]} and {number}. Remove one of them."
            )
        if key:
            lines[key] = number


def credentials(fields: Collection[str]) -> dict[str, str]:
    """The settings that lie in files of their own, by field. Raises `UnknownSetting` for any other file."""
    found: dict[str, str] = {}
    for name, path in credential_files().items():
        _refuse_unknown(name, known=fields, source=str(path.parent))
        try:
            found[name] = path.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(_unreadable(path, error)) from None
    return found


def credential_files() -> dict[str, Path]:
    """The files with one setting each, by field: from systemd, else in the folder beside the env file."""
    prefix = PREFIX.lower()
    from_systemd = {
        path.name.removeprefix(prefix): path
        for path in _files_in(Path(os.environ.get(SYSTEMD_VARIABLE) or os.devnull))
        if path.name.startswith(prefix)
    }
    return from_systemd or {path.name: path for path in _files_in(_folder_of_credentials())}


def renew_credentials() -> None:
    """Read credentials where they are kept: in a reload systemd hands out those of the start."""
    if _files_in(_folder_of_credentials()):
        os.environ.pop(SYSTEMD_VARIABLE, None)


def installed_release() -> str:
    """The id of the release this runs from, which a file beside its virtual environment holds."""
    path = Path(sys.prefix).parent / "release.json"
    try:
        return str(json.loads(path.read_text())["id"])
    except FileNotFoundError:
        return "dev"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} does not say which release this is ({error!r}). Deploy again.") from None


def _ours(found: Mapping[str, str | None], *, fields: Collection[str], source: str) -> dict[str, str]:
    keys = {f"{PREFIX}{field.upper()}": field for field in fields}
    ours = {key.upper(): value for key, value in found.items() if key.upper().startswith(PREFIX)}
    for key in ours:
        _refuse_unknown(key, known=[*keys, ENV_FILE_VARIABLE], source=source)
    return {keys[key]: value for key, value in ours.items() if key in keys and value is not None}


def _refuse_unknown(key: str, *, known: Collection[str], source: str) -> None:
    if key not in known:
        raise UnknownSetting(key=key, source=source, known=known)


def _folder_of_credentials() -> Path:
    return next(iter([*env_files(), *ENV_FILES])).with_name(CREDENTIALS)


def _files_in(folder: Path) -> list[Path]:
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> str:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return (
        f"{path} cannot be read: {reason}. Give it to the user that runs the service: "
        f"chown root:groundwork {path} && chmod 0640 {path}"
    )
