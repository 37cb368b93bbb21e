#!/usr/bin/python3 -I
"""Writes down for Prometheus what no exporter tells of a host: its backups, and its certificates.

Standard library only: hosts with nothing but stores have no release.
"""

from __future__ import annotations

import argparse
import json
import math
import ssl
import subprocess
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIMEOUT_SECONDS = 5
HOUR_SECONDS = 3600
#: What says how the backups went is some hundred bytes long.
MAX_BYTES = 64 * 1024


class Server(NamedTuple):
    """One that shows a certificate, by what it speaks before TLS ("tls": nothing)."""

    speaks: str
    address: str
    #: By which a client calls it.
    name: str


def server(given: str) -> Server:
    """What `--certificate` names: SPEAKS,ADDRESS[,NAME]."""
    speaks, _, rest = given.partition(",")
    address, _, name = rest.partition(",")
    return Server(speaks, address, name)


def of_backups(status: Path) -> Iterator[str]:
    """When the newest was made, how old it may be, and whether one failed since; nothing of none."""
    try:
        made_at, most, has_failed = read(status)
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        # What cannot be read is no comfort.
        yield sample("backup_failed", 1)
        return
    yield sample("backup_made_timestamp_seconds", made_at)
    yield sample("backup_max_age_seconds", most)
    yield sample("backup_failed", has_failed)


def read(status: Path) -> tuple[float, float, bool]:
    """What the program that makes backups says of them."""
    with status.open("rb") as file:
        said = json.loads(file.read(MAX_BYTES))
    made_at, most = datetime.fromisoformat(said["made_at"]), float(said["max_age_hours"]) * HOUR_SECONDS
    if made_at.tzinfo is None or not math.isfinite(most):
        raise ValueError("neither a moment nor an age")
    return made_at.timestamp(), most, said.get("failure") is not None


def of_certificate(asked: Server) -> Iterator[str]:
    """When it ends, and how long it lives in all; nothing of a server that is away or speaks no TLS."""
    options = [] if asked.speaks == "tls" else ["-starttls", asked.speaks]
    options += ["-servername", asked.name] if asked.name else []
    try:
        shown = run("openssl", "s_client", "-connect", asked.address, *options, given="")
        dates = run("openssl", "x509", "-noout", "-startdate", "-enddate", given=shown)
        begin, end = (ssl.cert_time_to_seconds(line.partition("=")[2]) for line in dates.splitlines())
    except (OSError, ValueError, subprocess.SubprocessError):
        return
    yield sample("certificate_end_timestamp_seconds", end, place=asked.address)
    yield sample("certificate_lifetime_seconds", end - begin, place=asked.address)


def run(*command: str, given: str) -> str:
    """What a command prints."""
    done = subprocess.run(  # noqa: S603 (what asks is what the role has written)
        command, input=given, capture_output=True, text=True, check=True, timeout=TIMEOUT_SECONDS
    )
    return done.stdout


def sample(name: str, value: float, **labels: str) -> str:
    """A line as Prometheus reads it."""
    written = ",".join(f"{label}={json.dumps(text)}" for label, text in labels.items())
    return f"upkeep_{name}{{{written}}} {value:.0f}\n"


def collected(status: Path, servers: Sequence[Server]) -> str:
    """All of it."""
    return "".join([*of_backups(status), *(line for one in servers for line in of_certificate(one))])


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="groundwork-upkeep", description="Backups and certificates, for Prometheus."
    )
    parser.add_argument("--backups", type=Path, required=True, metavar="FILE", help="what says how they went")
    parser.add_argument(
        "--certificate", type=server, action="append", default=[], metavar="SPEAKS,ADDRESS[,NAME]"
    )
    parser.add_argument("file", type=Path, help="where to write")
    given = parser.parse_args()
    # Whole or not at all, whenever it is read.
    fresh = given.file.with_suffix(".new")
    fresh.write_text(collected(given.backups, given.certificate))
    fresh.chmod(0o600)
    fresh.replace(given.file)


if __name__ == "__main__":
    main()
