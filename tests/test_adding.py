"""What app/README.md says of adding is true: so few files, and everything else learns of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("app", "ansible", "scripts", "systemd", "tests/seeds", "pyproject.toml", "README.md")
#: The folder that domains lie in.
DOMAINS = "app/domains"
GUIDE = "app/README.md"
#: More than the folder of a domain: its tables come by a migration.
MAX_PLACES = {"a task": 1, "a queue": 1, "a setting": 1, "a service": 2, "a domain": 2}

TASK = '''

@task(queue=Queue.MAINTENANCE, public=True)
def count_parcels() -> int:
    """Count what is in the parcels."""
    return 0
'''
SETTING = """    parcel_days: Seconds = Field(default=3, description="How long a parcel may take.")

"""
UNIT = """[Unit]
Description=Groundwork events

[Service]
Type=exec
ExecStart=/opt/groundwork/current/venv/bin/celery -A app.celery_app events --dump
Restart=always
TimeoutStopSec=15

[Install]
WantedBy=groundwork.target
"""
SERVICE = """    Service(
        name="events", unit="groundwork-events.service", group="beat", description="what workers tell"
    ),
"""
DOMAIN = {
    "__init__.py": '"""Carts."""\n',
    "models.py": '''"""The tables of carts."""

from sqlalchemy.orm import Mapped, mapped_column

from app.db.columns import Base


class Cart(Base):
    """What somebody may buy."""

    __tablename__ = "cart"

    id: Mapped[int] = mapped_column(primary_key=True)
''',
    "scopes.py": '''"""What a token may do with carts."""

from app.tokens.scope import declare_scope

READ = declare_scope("carts:read", "See carts.")
''',
    "tasks.py": '''"""The tasks of carts."""

from app.jobs.celery.task import task


@task(public=True)
def forget_old_carts() -> int:
    """Delete carts that nobody has touched."""
    return 0
''',
    "api.py": '''"""HTTP routes of carts."""

from fastapi import APIRouter

router = APIRouter(tags=["carts"])


@router.get("/api/v1/carts")
def list_carts() -> list[int]:
    """Every cart."""
    return []
''',
    "cli.py": '''"""Carts: what somebody may buy."""

import typer

app = typer.Typer(help=__doc__)


@app.command(name="list")
def list_some() -> None:
    """List the carts."""
''',
}
MIGRATION = '''"""carts"""

import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"


def upgrade() -> None:
    op.create_table("cart", sa.Column("id", sa.Integer, primary_key=True))
'''
#: Run in the scratch checkout: what everybody learns of the additions.
PROBE = """
import json
from app import topology
from app.__main__ import command_line
from app.api import app
from app.db.columns import Base
from app.db.migrations.revisions import upgrade
from app.jobs.declaration.registry import tasks
from app.packages import modules
from app.settings.config import settings

modules("models")
upgrade()
print(json.dumps({
    "tasks": sorted(tasks()),
    "commands": sorted(command_line().commands),
    "routes": sorted(app.openapi()["paths"]),
    "tables": sorted(Base.metadata.tables),
    "parcel_days": settings().parcel_days,
    "topology": topology.topology(),
}))
"""


@dataclass
class Scratch:
    """A copy of the checkout that is changed as a person changes it."""

    folder: Path
    touched: dict[str, set[str]] = field(default_factory=dict)

    def write(self, what: str, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(exist_ok=True)
        (self.folder / path).write_text(text)
        self.touched.setdefault(what, set()).add(path)

    def insert(self, what: str, path: str, text: str, *, before: str) -> None:
        whole = (self.folder / path).read_text()
        assert before in whole, f"{path} has no {before!r} any more"
        self.write(what, path, whole.replace(before, text + before, 1))

    def run(self, *arguments: str | Path) -> str:
        database = {"GROUNDWORK_DATABASE_URL": f"sqlite:///{self.folder}.db"}
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=os.environ | database,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def page(self, name: str = GUIDE) -> str:
        return (self.folder / name).read_text()

    def changed(self) -> set[str]:
        """The files that are otherwise than in this checkout."""
        return {
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and not self._is_as_before(path)
        }

    def _is_as_before(self, path: Path) -> bool:
        original = ROOT / path.relative_to(self.folder)
        return original.is_file() and original.read_bytes() == path.read_bytes()


def add_task(scratch: Scratch) -> None:
    path = f"{DOMAINS}/pricing/tasks.py"
    scratch.write("a task", path, scratch.page(path) + TASK)


def add_queue(scratch: Scratch) -> None:
    scratch.insert(
        "a queue", "app/topology.py", '    PARCELS = "parcels"\n', before='    BANKING = "banking"\n'
    )
    scratch.insert("a queue", "app/topology.py", "Queue.PARCELS,\n            ", before="Queue.MODELS,")


def add_setting(scratch: Scratch) -> None:
    scratch.insert(
        "a setting", "app/settings/config.py", SETTING, before='    @model_validator(mode="before")'
    )


def add_service(scratch: Scratch) -> None:
    scratch.write("a service", "systemd/groundwork-events.service", UNIT)
    scratch.insert("a service", "app/topology.py", SERVICE, before='    Service(\n        name="worker"')


def add_domain(scratch: Scratch) -> None:
    for name, text in DOMAIN.items():
        scratch.write("a domain", f"{DOMAINS}/carts/{name}", text)
    versions = scratch.folder / "app/db/migrations/versions"
    newest = max(versions.rglob("0*.py"), key=lambda path: path.name)
    before = newest.name[:4]
    number = f"{int(before) + 1:04}"
    path = str((newest.parent / f"{number}_carts.py").relative_to(scratch.folder))
    scratch.write("a domain", path, MIGRATION.format(number=number, before=before))


ADDITIONS: dict[str, Callable[[Scratch], None]] = {
    "a task": add_task,
    "a queue": add_queue,
    "a setting": add_setting,
    "a service": add_service,
    "a domain": add_domain,
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A checkout to which one of each was added, with the tables written anew."""
    made = Scratch(folder=tmp_path_factory.mktemp("scratch"))
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, made.folder / name)
        else:
            shutil.copy(ROOT / name, made.folder / name)
    for add in ADDITIONS.values():
        add(made)
    made.run("scripts/tables.py")
    return made


@pytest.fixture(scope="module")
def learnt(scratch: Scratch) -> Any:
    """What the application knows there."""
    return json.loads(scratch.run("-c", PROBE))


def promised(what: str) -> list[re.Pattern[str]]:
    """The places that the guide names for an addition."""
    row = re.search(rf"^\| {what} \| (.*) \|$", (ROOT / GUIDE).read_text(), re.MULTILINE)
    assert row, f"{GUIDE} does not say how to add {what}"
    paths = re.findall(r"`((?:app|systemd)/[^`]*)`", row[1])
    return [re.compile(re.sub(r"<[^>]+>", "[^/]+", path.replace(".", r"\."))) for path in paths]


@pytest.mark.parametrize("what", ADDITIONS)
def test_it_takes_the_files_that_the_guide_names_and_so_few(what: str, scratch: Scratch) -> None:
    places = promised(what)

    assert len(places) <= MAX_PLACES[what]
    assert {path for path in scratch.touched[what] if not any(place.match(path) for place in places)} == set()
    assert all(any(place.match(path) for path in scratch.touched[what]) for place in places)


def test_nothing_else_changes_but_the_generated_tables(scratch: Scratch) -> None:
    by_hand = set().union(*scratch.touched.values())

    assert scratch.changed() - by_hand == {"app/README.md", "systemd/README.md"}


def test_a_task_is_found_and_described(scratch: Scratch, learnt: Any) -> None:
    assert "pricing.count_parcels" in learnt["tasks"]
    assert "| `pricing.count_parcels` | `maintenance` |  | yes |" in scratch.page()


def test_a_queue_is_drained_by_its_pool(scratch: Scratch, learnt: Any) -> None:
    bulk = next(pool for pool in learnt["topology"]["pools"] if pool["name"] == "bulk")

    assert "parcels" in learnt["topology"]["queues"]
    assert "parcels" in bulk["queues"]
    assert "`parcels`" in scratch.page()


def test_a_setting_is_read_and_described(scratch: Scratch, learnt: Any) -> None:
    assert learnt["parcel_days"] == 3
    assert "| `GROUNDWORK_PARCEL_DAYS` | `3` | How long a parcel may take. |" in scratch.page()


def test_a_service_is_supervised_and_listed(scratch: Scratch, learnt: Any) -> None:
    row = "| `events` | `groundwork-events.service` | `/var/log/groundwork/events.log` |"

    assert "events" in {service["name"] for service in learnt["topology"]["services"]}
    assert row in scratch.page("systemd/README.md")
    assert "[program:groundwork-events]\ncommand=/opt/groundwork/current/venv/bin/celery -A" in scratch.run(
        "scripts/supervision.py"
    )


def test_a_domain_is_found_with_tasks_tables_routes_and_commands(learnt: Any) -> None:
    assert "carts.forget_old_carts" in learnt["tasks"]
    assert "carts" in learnt["commands"]
    assert "/api/v1/carts" in learnt["routes"]
    assert "cart" in learnt["tables"]
