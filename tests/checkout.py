"""A copy of the checkout in which `scripts/up` runs as a person runs it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from tests.servers import free_ports, stretched, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
#: What running needs; the tests' own servers are the outside world of a demonstration.
COPIED = (
    "app",
    "scripts",
    "systemd",
    "tests/fakes",
    "tests/__init__.py",
    "tests/servers.py",
    "pyproject.toml",
    "README.md",
)
#: Setting up is not what is timed here; everything answers within a minute or it is a failure.
TIMEOUT_SECONDS = 180


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A checkout with ports of its own, and the virtual environment of this one."""

    folder: Path
    environment: dict[str, str]

    def use_ledger(self, *, copy_of: Path) -> None:
        """Have it work on a copy of that SQLite file in place of an empty database."""
        file = shutil.copy(copy_of, self.folder / "ledger.db")
        self.environment["GROUNDWORK_DATABASE_URL"] = f"sqlite:///{file}"

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.folder / "scripts" / "up", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=stretched(TIMEOUT_SECONDS),
        )

    def in_foreground(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.folder / "scripts" / "up"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def token(self) -> str:
        return (self.folder / "var" / "token").read_text().strip()

    @property
    def ports(self) -> list[int]:
        redis = self.environment["GROUNDWORK_REDIS_URL"]
        return [
            int(self.environment["GROUNDWORK_API_PORT"]),
            int(self.environment["GROUNDWORK_FLOWER_PORT"]),
            int(redis.rpartition(":")[2].removesuffix("/0")),
        ]

    def answers(self, path: str) -> int:
        with self.client() as client:
            return client.get(path).status_code

    def console_of(self, email: str, password: str) -> httpx.Response:
        """What the console shows first to somebody who signs in."""
        with httpx.Client(base_url=f"http://127.0.0.1:{self.ports[0]}", timeout=10) as browser:
            browser.headers["Sec-Fetch-Site"] = "same-origin"
            signed_in = browser.post("/console/sign-in", data={"email": email, "password": password})
            return browser.get(signed_in.headers["location"])

    def client(self) -> httpx.Client:
        """A client of its API."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.ports[0]}", headers=headers, timeout=10)

    @property
    def is_gone(self) -> bool:
        """Whether nothing listens and nothing runs any more."""
        return not self._processes() and not any(map(is_listening, self.ports))

    def _processes(self) -> list[int]:
        mark = os.fsencode(
            f"GROUNDWORK_ENV_FILE={self.folder}/var/groundwork.env:-{self.folder}/var/demo.env"
        )
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found


def is_listening(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def copied_checkout(folder: Path) -> Iterator[Checkout]:
    """A copy of the checkout that lies deep and has an awkward name; stopped in the end."""
    # Deeper than the 107 bytes of a unix socket's address, and with a space in it.
    copy = _copy(folder / ("deep" * 25) / "a checkout")
    yield copy
    if not copy.is_gone:
        copy.up("stop")
    # What says that all has stopped has to end itself.
    wait_until(lambda: copy.is_gone, seconds=10, what="all has ended")


def _copy(folder: Path) -> Checkout:
    folder.mkdir(parents=True)
    for name in (*COPIED, *(path.name for path in ROOT.glob("requirements*.txt"))):
        source = ROOT / name
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GROUNDWORK_")}
    # A block of its own: what runs beside the API has ports that are counted from the API's.
    ports = free_ports()
    environment = {
        "GROUNDWORK_API_PORT": str(next(ports)),
        "GROUNDWORK_FLOWER_PORT": str(next(ports)),
        "GROUNDWORK_REDIS_URL": f"redis://:pass%2Fword@127.0.0.1:{next(ports)}/0",
    }
    return Checkout(folder=folder, environment=kept | environment)
