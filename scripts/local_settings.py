"""Keeps what a checkout runs with: `var/groundwork.env`, made once, and the files derived from it."""

from __future__ import annotations

import json
import os
import secrets
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from packages import SetupFailed

from app.settings.config import Settings, settings
from app.settings.sources import ENV_FILE_VARIABLE, PREFIX, ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

VAR = Path("var")
ENV_FILE = VAR / "groundwork.env"
#: What a demonstration sets beside it; there only while one runs.
DEMO_FILE = VAR / "demo.env"
LOGS = VAR / "log"
REDIS_CONFIG = VAR / "redis.conf"
REDIS_DATA = VAR / "redis"
#: Not 6379, where the distribution's own Redis listens.
REDIS_PORT = 6390
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def ensure_env_file() -> Settings:
    """The settings of this checkout; the env file is written first when there is none."""
    for folder in (VAR, LOGS, REDIS_DATA):
        folder.mkdir(mode=0o700, exist_ok=True)
    is_first = not ENV_FILE.exists()
    if is_first:
        write_private(ENV_FILE, _first_env_file())
    os.environ[ENV_FILE_VARIABLE] = env_files()
    try:
        found = settings()
    except ConfigError:
        if is_first:
            # It would go on refusing what this shell had wrong once.
            ENV_FILE.unlink()
        raise
    if is_first:
        print(f"Wrote the settings to {ENV_FILE}; edit them there.")
    _tell_overrides()
    return found


def env_files() -> str:
    """The env files of this checkout, the later winning, as `GROUNDWORK_ENV_FILE` names them."""
    return f"{ENV_FILE.absolute()}:-{DEMO_FILE.absolute()}"


def _first_env_file() -> str:
    values = {
        "SECRET_KEY": secrets.token_urlsafe(32),
        "DATABASE_URL": f"sqlite:///{VAR}/groundwork.db",
        "REDIS_URL": f"redis://:{secrets.token_urlsafe(24)}@127.0.0.1:{REDIS_PORT}/0",
        "LOG_DIR": str(LOGS),
        "API_PORT": str(Settings.model_fields["api_port"].default),
        "FLOWER_PORT": str(Settings.model_fields["flower_port"].default),
        "FLOWER_PASSWORD": secrets.token_urlsafe(32),
    }
    for name in Settings.model_fields:
        if given := os.environ.get(f"{PREFIX}{name.upper()}"):
            values[name.upper()] = given
    return as_env_file(values)


def as_env_file(values: Mapping[str, str]) -> str:
    """Settings, by their names without the prefix, as lines of an env file."""
    return "".join(f"{PREFIX}{name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _tell_overrides() -> None:
    """A setting that only this shell knows is a trap for the next command typed in another one."""
    kept = dotenv_values(ENV_FILE)
    for name in Settings.model_fields:
        key = f"{PREFIX}{name.upper()}"
        if key in os.environ and os.environ[key] != kept.get(key):
            print(f"{key} is taken from your shell. Other shells will not know it: write it to {ENV_FILE}.")


def starts_redis(given: Settings) -> bool:
    """Whether the broker is ours to run: it is a Redis on this machine, reached by TCP."""
    if given.broker_url.get_secret_value():
        return False
    url = urlsplit(given.redis_url.get_secret_value())
    return url.scheme == "redis" and url.hostname in LOOPBACK


def write_redis_config(given: Settings) -> None:
    """Every write is appended to a file and nothing is ever evicted: a broker must not forget."""
    url = urlsplit(given.redis_url.get_secret_value())
    lines = [
        f"bind {url.hostname}",
        f"port {url.port or 6379}",
        f"dir {json.dumps(str(REDIS_DATA.absolute()), ensure_ascii=False)}",
        "appendonly yes",
        "appendfsync everysec",
        'save ""',
        "maxmemory-policy noeviction",
    ]
    if url.password:
        lines.append(f"requirepass {json.dumps(unquote(url.password), ensure_ascii=False)}")
    write_private(REDIS_CONFIG, "\n".join(lines) + "\n")


def refuse_taken_ports(given: Settings, *, with_flower: bool, further: Collection[int] = ()) -> None:
    """Raise `SetupFailed` when something else listens where one of ours is to listen.

    The `further` ports move with that of the API.
    """
    wanted = [
        ("API_PORT", given.api_host, given.api_port),
        *([("FLOWER_PORT", "127.0.0.1", given.flower_port)] if with_flower else []),
        *(("API_PORT", "127.0.0.1", port) for port in further),
    ]
    if starts_redis(given):
        url = urlsplit(given.redis_url.get_secret_value())
        wanted.append(("REDIS_URL", str(url.hostname), url.port or 6379))
    for name, host, port in wanted:
        if not _is_free(host=host, port=port):
            raise SetupFailed(
                f"Port {port} on {host} is taken by another program. Stop that, or change {PREFIX}{name} "
                f"in {ENV_FILE} to a free port (such as {_free_port(host)}), then run scripts/up again."
            )


def _is_free(*, host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, at once or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(path)
