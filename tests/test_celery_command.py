"""The services load what they need: each module costs at every start, and memory for good."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.celery_command import OF_THE_LEDGER
from tests.checkout import ROOT

pytestmark = pytest.mark.databases("sqlite")

LOAD = """
import sys
from importlib import import_module
from app.celery_command import COMMANDS, application_for
from app.processes import lean_libraries
lean_libraries.load()
import_module(COMMANDS[sys.argv[1]])
made = application_for(sys.argv[1])
made.loader.import_default_modules()
made.connection().transport
import app.logs.configure
"""
LOAD_API = """
import sys
from importlib import import_module
from app.processes import lean_libraries
lean_libraries.load()
for name in ("gunicorn.app.wsgiapp", "app.http.gunicorn_settings", "app.http.gunicorn_worker", "app.api"):
    import_module(name)
"""
NAME_LOADED = """
print(*sorted({".".join(name.split(".")[:depth]) for name in sys.modules for depth in (1, 2)}))
"""
#: What those need who start services, and what few jobs or requests need.
NEEDLESS = {
    *(
        "alembic",
        "prompt_toolkit",
        "pycparser",
        "typer",
        "opentelemetry.sdk",
        "sentry_sdk",
        "pygments",
        "rich",
    ),
    *("PIL", "boto3", "botocore", "facturx", "google", "httpx", "jinja2", "plaid", "pypdf", "typst"),
}
OF_THE_API = {"fastapi", "gunicorn"}
OF_FLOWER = {"flower", "tornado"}
OF_THE_DATABASE = {"psycopg", "psycopg_binary", "sqlalchemy"}


def loaded_by(program: str, *arguments: str, environment: dict[str, str]) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", program + NAME_LOADED, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("service", OF_THE_LEDGER)
def test_a_service_of_the_ledger_loads_no_web_server_and_no_command_line(
    service: str, environment: dict[str, str]
) -> None:
    loaded = loaded_by(LOAD, service, environment=environment)
    assert {"app", "celery", "redis", "structlog"} | OF_THE_DATABASE <= loaded
    assert loaded & (NEEDLESS | OF_FLOWER | OF_THE_API) == set()


def test_flower_loads_nothing_of_the_ledger(environment: dict[str, str]) -> None:
    loaded = loaded_by(LOAD, "flower", environment=environment)
    assert {"app", "celery", "redis", "structlog"} | OF_FLOWER <= loaded
    assert loaded & (NEEDLESS | OF_THE_DATABASE | OF_THE_API) == set()


def test_the_api_loads_nothing_for_single_requests(environment: dict[str, str]) -> None:
    loaded = loaded_by(LOAD_API, environment=environment)
    assert {"app", "celery", "redis", "structlog"} | OF_THE_API | OF_THE_DATABASE <= loaded
    assert loaded & (NEEDLESS | OF_FLOWER) == set()


PUSH_IN_A_THREAD = """
from concurrent.futures import ThreadPoolExecutor
from app.celery_command import application_for
from celery.app.task import Context
task = next(iter(application_for("worker").tasks.values()))
push = task.request_stack.push
def run():
    push(Context(id="mine"))
    return task.request.id
with ThreadPoolExecutor(1) as pool:
    print(pool.submit(run).result(), task.request.id)
"""


def test_what_a_thread_of_a_worker_runs_is_known_in_that_thread_alone(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PUSH_IN_A_THREAD],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["mine", "None"]
