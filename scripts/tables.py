"""Writes the tables of the README files that repeat what the code says, between their markers."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
# Importing the tasks reads the settings, which refuse to be without a secret.
os.environ.setdefault("GROUNDWORK_SECRET_KEY", secrets.token_urlsafe(32))
sys.path.insert(0, str(ROOT))

from pydantic import SecretStr  # noqa: E402
from role_tables import roles, rows_of  # noqa: E402
from seed_tables import Status, counts, documents  # noqa: E402
from seed_tables import rows_of as rows_of_document  # noqa: E402

from app import topology  # noqa: E402 (the lines above make it importable)
from app.__main__ import command_line  # noqa: E402
from app.jobs.declaration.registry import tasks  # noqa: E402
from app.settings.config import Settings  # noqa: E402
from app.settings.sources import PREFIX  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Tables = dict[str, "Callable[[], str]"]


def render(text: str, *, tables: Tables, page: Path) -> str:
    """`text` with every table between markers made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"{page} has no place for the table of {name}: put {begin} and {end} into it.")
        made = f"{begin}\n{table()}\n{end}"
        text = pattern.sub(lambda _found, made=made: made, text)  # type: ignore[misc]
    return text


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = None if field.default_factory else field.get_default()
        shown = default.get_secret_value() if isinstance(default, SecretStr) else default
        rows.append((_code(f"{PREFIX}{name.upper()}"), _code(shown), field.description or ""))
    return _table(columns=("setting", "default", "what it does"), rows=rows)


#: What the jobs of a pool run in.
WORDS = {topology.Kind.PREFORK: "processes", topology.Kind.THREADS: "threads"}


def _pools() -> str:
    rows = [
        (
            _code(pool.name),
            f"{pool.concurrency} {WORDS[pool.kind]}",
            ", ".join(map(_code, pool.queues)),
            pool.description,
        )
        for pool in topology.POOLS
    ]
    return _table(columns=("pool", "jobs at a time", "queues, most urgent first", "for"), rows=rows)


def _services() -> str:
    rows = [
        (
            _code(service.name),
            _code(service.unit.replace("@.", "@POOL.")),
            _code(f"/var/log/groundwork/{service.name}{'-POOL' if service.instances else ''}.log"),
            service.group,
            service.description,
        )
        for service in topology.SERVICES
    ]
    return _table(columns=("service", "unit", "log", "on hosts of", "what it is"), rows=rows)


def _tasks() -> str:
    rows = [
        (
            _code(spec.name),
            _code(spec.queue),
            spec.schedule.describe() if spec.schedule else "",
            "yes" if spec.public else "",
            _code(spec.scope),
            spec.doc,
        )
        for spec in tasks().values()
        if spec.body.__module__.startswith("app.")
    ]
    return _table(columns=("task", "queue", "runs by itself", "public", "scope", "what it does"), rows=rows)


def _commands() -> str:
    rows = [
        (_code(f"groundwork {name}"), (command.help or "").strip().splitlines()[0])
        for name, command in command_line().commands.items()
    ]
    return _table(columns=("command", "what it does"), rows=rows)


def _table(*, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _code(value: object) -> str:
    return f"`{value}`" if value not in (None, "") else ""


def _variables(role: str) -> Callable[[], str]:
    return lambda: _table(columns=("variable", "default", "what it does"), rows=rows_of(role))


def _counts() -> str:
    return _table(columns=("document", *map(str, Status)), rows=counts())


def _document(name: str) -> Callable[[], str]:
    return lambda: _table(columns=("", "the document says", "here"), rows=rows_of_document(name))


PAGES: dict[str, Tables] = {
    "app/README.md": {"tasks": _tasks, "pools": _pools, "commands": _commands, "settings": _settings},
    "ansible/README.md": {role: _variables(role) for role in roles()},
    "app/SEEDS.md": {"documents": _counts, **{name: _document(name) for name in documents()}},
    "systemd/README.md": {"services": _services},
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="scripts/docs", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail when a table is out of step"
    )
    given = parser.parse_args()
    for name, tables in PAGES.items():
        page = ROOT / name
        before = page.read_text()
        after = render(before, tables=tables, page=page)
        if given.check and after != before:
            sys.exit(f"{name} is out of step with the code. Run: scripts/docs")
        if after != before:
            page.write_text(after)
            print(f"{name} is up to date again.")


if __name__ == "__main__":
    main()
