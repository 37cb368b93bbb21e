"""Writes the random secrets of a deployment into its inventory; what is there already stays as it is.

A value belongs to the servers it was deployed to, so nothing is ever changed, only added.
Standard library only.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from pathlib import Path

#: What the playbook asks of an operator and nobody needs to choose.
NAMES = (
    "groundwork_secret_key",
    "groundwork_flower_password",
    "redis_app_password",
    "redis_monitor_password",
    "redis_operator_password",
    "rabbitmq_password",
    "postgresql_password",
)
RANDOM_BYTES = 32
HEADER = """\
---
# Random, made by scripts/secrets. Encrypt it before it goes anywhere: ansible-vault encrypt <this file>
"""


class NotWritten(Exception):
    """Why no secret was written, and what to do about it."""


def complete(inventory: Path) -> tuple[Path, list[str]]:
    """Add to the inventory's secrets those that are missing. Returns the file and their names."""
    if not inventory.is_dir():
        raise NotWritten(
            f"{inventory} is not a folder. Give the folder of an inventory (its hosts file lies in it), "
            "such as ansible/inventories/example."
        )
    file = inventory / "group_vars" / "all" / "secrets.yml"
    missing = [name for name in NAMES if name not in _defined(file.parent)]
    if missing:
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [f'{name}: "{secrets.token_urlsafe(RANDOM_BYTES)}"\n' for name in missing]
        _write_whole(file, text=_begun(file) + "".join(lines))
    return file, missing


def _defined(folder: Path) -> set[str]:
    """The variables that the files of `folder` set, as far as one can read them."""
    found: set[str] = set()
    for file in sorted(folder.glob("*.y*ml")):
        text = file.read_text()
        if text.startswith("$ANSIBLE_VAULT"):
            raise NotWritten(
                f"{file} is encrypted, so what is missing in it cannot be seen. Run "
                f"`ansible-vault decrypt {file}`, this again, and `ansible-vault encrypt {file}` after it."
            )
        found |= set(re.findall(r"^(\w+)[ \t]*:", text, re.MULTILINE))
    return found


def _begun(file: Path) -> str:
    text = file.read_text() if file.exists() else HEADER
    return text if text.endswith("\n") else f"{text}\n"


def _write_whole(file: Path, *, text: str) -> None:
    """Nobody else can read it at any moment, and a full disk does not cost what was there."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as written:
            written.write(text)
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/secrets", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "inventory", metavar="INVENTORY_DIR", type=Path, help="such as ansible/inventories/example"
    )
    try:
        file, added = complete(parser.parse_args().inventory)
    except NotWritten as problem:
        sys.exit(str(problem))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}. Make it writable for this user and run this again.")
    if not added:
        print(f"{file} has every secret already; nothing was changed.")
        return
    print(f"Added to {file}: {', '.join(added)}. Everything else stays as it was.")
    print(f"Encrypt it before it goes anywhere: ansible-vault encrypt {file}")


if __name__ == "__main__":
    main()
