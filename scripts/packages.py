"""Installs what the project needs from the distribution, without starting the distribution's services."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

POSTGRESQL_BINARIES = "/usr/lib/postgresql"

# A policy-rc.d that answers 101 ("not allowed") keeps the package from starting its service: ours run on
# ports of their own. It is gone when the installation ends, however it ends.
_APT_INSTALL = """
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 130' INT TERM HUP
    printf '#!/bin/sh\\nexit 101\\n' >"$policy"
    chmod 755 "$policy"
fi
apt-get update -q || true
DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
"""


class SetupFailed(Exception):
    """What is wrong on this machine, and what to do about it."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package of the distribution and how to see that it is there already."""

    name: str
    what: str
    #: A command to be found on the PATH, or a pattern below `POSTGRESQL_BINARIES`.
    command: str

    @property
    def is_present(self) -> bool:
        """Whether nothing needs to be installed."""
        if any(Path(POSTGRESQL_BINARIES).glob(f"*/bin/{self.command}")):
            return True
        return shutil.which(self.command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin") is not None


REDIS = Package(name="redis-server", what="Redis", command="redis-server")
POSTGRESQL = Package(name="postgresql", what="PostgreSQL", command="initdb")
#: The server alone, whose data no script of the distribution makes.
MARIADB = Package(name="mariadb-server-core", what="MariaDB", command="mariadbd")
#: Without it the server's data cannot be made; which package holds it has changed within Debian 12.
MARIADB_DATA = Package(
    name="mariadb-client-core", what="MariaDB's my_print_defaults", command="my_print_defaults"
)
#: Erlang comes with it.
RABBITMQ = Package(name="rabbitmq-server", what="RabbitMQ", command="rabbitmq-server")
#: What checks the unit files and the snippet for logrotate.
SYSTEMD = Package(name="systemd", what="systemd-analyze", command="systemd-analyze")
LOGROTATE = Package(name="logrotate", what="logrotate", command="logrotate")
#: What tries the rules of alerts.
PROMETHEUS = Package(name="prometheus", what="Prometheus", command="promtool")
#: What stands before the API on hosts.
NGINX = Package(name="nginx", what="nginx", command="nginx")
#: What opens the console's pages; a font comes with it.
CHROMIUM = Package(name="chromium", what="Chromium", command="chromium")
#: What starts containers, joins them to a network, builds their images, and logs in to them.
ENGINE = (
    Package(name="podman", what="podman", command="podman"),
    Package(name="netavark", what="podman's network", command="/usr/lib/podman/netavark"),
    Package(name="aardvark-dns", what="podman's name server", command="/usr/lib/podman/aardvark-dns"),
    Package(name="iptables", what="iptables", command="iptables"),
    Package(name="mmdebstrap", what="mmdebstrap", command="mmdebstrap"),
    Package(name="openssh-client", what="ssh", command="ssh"),
)
RUNC = Package(name="runc", what="runc", command="runc")


def ensure(*packages: Package) -> None:
    """Install those of `packages` that are missing. Raises `SetupFailed` with the command to type."""
    missing = [package for package in packages if not package.is_present]
    if not missing:
        return
    names = [package.name for package in missing]
    by_hand = f"sudo apt-get update && sudo apt-get install {' '.join(names)}"
    command = _as_root()
    if command is None or shutil.which("apt-get") is None:
        raise SetupFailed(f"{_listed(missing)} missing and may not be installed from here. Run: {by_hand}")
    print(f"Installing {' and '.join(names)} from the distribution; no service of theirs is started ...")
    done = subprocess.run(
        [*command, "sh", "-c", _APT_INSTALL, "sh", *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0 or not all(package.is_present for package in missing):
        sys.stderr.write(done.stdout[-2000:])
        raise SetupFailed(f"Installing {' and '.join(names)} failed (above). Put it right, or run: {by_hand}")


def _as_root() -> list[str] | None:
    """The words to put before a command so that root runs it; None when this user may not."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if sys.stdin.isatty():
        return ["sudo"]
    may = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if may else None


def _listed(packages: list[Package]) -> str:
    verb = "is" if len(packages) == 1 else "are"
    return f"{' and '.join(package.what for package in packages)} {verb}"
