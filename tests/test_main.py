"""The command line as a whole: mistakes, exit codes, pipes, Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.main import get_group

from app import topology
from app.__main__ import command_line, run
from app.cli import SERVICE_COMMANDS
from app.cli import app as services
from app.logs.failures import ExitCode
from tests.command_line import COMMAND, ROOT, groundwork
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

COMMANDS = {"serve", "worker", "beat", "flower", "migrate", "topology", "doctor", "token"}
GROUPS = {"tasks", "jobs", "schedules", "pricing"}


def every_command() -> Iterator[list[str]]:
    """The words of every command and group."""
    context = command_line().make_context("groundwork", ["topology"])
    pending: list[tuple[list[str], Any]] = [([], context)]
    while pending:
        words, context = pending.pop()
        yield words
        for name in getattr(context.command, "commands", {}):
            command = context.command.get_command(context, name)
            pending.append(
                ([*words, name], command.make_context(name, [], parent=context, resilient_parsing=True))
            )


def test_the_commands_are_all_there() -> None:
    assert set(command_line().commands) >= COMMANDS | GROUPS


def test_the_commands_that_turn_into_a_service_are_known_by_name() -> None:
    functions = [command.callback for command in services.registered_commands if command.callback]
    assert {
        each.__name__ for each in functions if "Process" in each.__annotations__["return"]
    } == SERVICE_COMMANDS


def test_what_turns_into_a_service_loads_little_before() -> None:
    code = "import sys, app.__main__, app.processes.command_lines, app.worker.launch; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, cwd=ROOT
    )
    assert set(loaded.stdout.split()) & {"celery", "fastapi", "rich", "sqlalchemy", "structlog"} == set()


def test_every_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    for words in every_command():
        outcome = groundwork(capsys, *words, "--help")
        assert outcome.code == ExitCode.OK
        assert "Example: groundwork" in outcome.out, words


def test_an_unknown_command_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = groundwork(capsys, "topolgy")
    assert outcome.code == ExitCode.BAD_INPUT
    assert "Did you mean 'topology'" in outcome.err


def test_an_unknown_flag_suggests_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = groundwork(capsys, "topology", "--jsn")
    assert outcome.code == ExitCode.BAD_INPUT
    assert "--json" in outcome.err


def test_an_unknown_pool_is_bad_input_and_names_the_pools(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = groundwork(capsys, "worker", "standart")
    assert outcome.code == ExitCode.BAD_INPUT
    assert all(pool.name in outcome.err for pool in topology.POOLS)


def test_no_command_is_bad_input_and_says_where_the_help_is(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = groundwork(capsys)
    assert outcome.code == ExitCode.BAD_INPUT
    assert "groundwork --help" in outcome.err


def test_the_topology_is_the_one_a_controller_reads(capsys: pytest.CaptureFixture[str]) -> None:
    expected = subprocess.run(
        [sys.executable, "-m", "app.topology"], capture_output=True, check=True, text=True, cwd=ROOT
    )
    assert groundwork(capsys, "topology", "--json").out == expected.stdout


def test_migrating_says_from_where_to_where(
    capsys: pytest.CaptureFixture[str], configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(database_url=f"sqlite:///{tmp_path}/new.db")
    first = json.loads(groundwork(capsys, "migrate", "--json").out)
    again = groundwork(capsys, "migrate")
    assert first["from"] is None
    assert first["to"] in again.out
    assert "already" in again.out


def test_a_database_without_tables_says_to_migrate(
    capsys: pytest.CaptureFixture[str], configure: Callable[..., None], tmp_path: Path
) -> None:
    configure(database_url=f"sqlite:///{tmp_path}/new.db")
    outcome = groundwork(capsys, "token", "list")
    assert outcome.code == ExitCode.FAILED
    assert outcome.err == "The database has no ledger yet. Run: groundwork migrate\n"


def test_a_database_that_is_away_is_one_sentence_without_its_password(
    capsys: pytest.CaptureFixture[str], configure: Callable[..., None]
) -> None:
    configure(database_url=f"postgresql://me:hunter2@127.0.0.1:{free_port()}/ledger")
    outcome = groundwork(capsys, "token", "list")
    assert outcome.code == ExitCode.UNREACHABLE
    assert "Connection refused" in outcome.err
    assert "hunter2" not in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("url", ["nothing", "mysqlx://me:hunter2@host/name"])
def test_a_database_url_nobody_knows_is_bad_configuration(
    capsys: pytest.CaptureFixture[str], configure: Callable[..., None], url: str
) -> None:
    configure(database_url=url)
    outcome = groundwork(capsys, "token", "list")
    assert outcome.code == ExitCode.BAD_CONFIGURATION
    assert "hunter2" not in outcome.err


def test_a_mistyped_setting_is_bad_configuration_and_suggests_the_nearest(
    capsys: pytest.CaptureFixture[str], configure: Callable[..., None]
) -> None:
    configure(redis_ulr="redis://somewhere")
    outcome = groundwork(capsys, "token", "list")
    assert outcome.code == ExitCode.BAD_CONFIGURATION
    assert "GROUNDWORK_REDIS_URL" in outcome.err


def test_the_help_and_a_worker_load_neither_fastapi_nor_a_domain() -> None:
    program = (
        "import sys; from app.__main__ import run; run(['--help']); run(['worker', '?']);"
        "print('loaded', {'fastapi', 'celery', 'app.jobs', 'app.domains.pricing'} & set(sys.modules))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert loaded.stdout.splitlines()[-1] == "loaded set()"


def test_a_reader_that_goes_away_ends_the_command_without_a_word(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outcome = subprocess.run(
        [*COMMAND, "topology", "--json"], stdout=writer, stderr=subprocess.PIPE, cwd=ROOT, text=True
    )
    os.close(writer)
    assert outcome.returncode == ExitCode.BROKEN_PIPE
    assert outcome.stderr == ""


@pytest.mark.parametrize(
    "terminal",
    [
        {"NO_COLOR": "1", "FORCE_COLOR": ""},
        {"COLUMNS": "20"},
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"TERM": "dumb"},
    ],
    ids=lambda terminal: " ".join(terminal),
)
def test_any_terminal_will_do(terminal: dict[str, str]) -> None:
    outcome = run_after_another("topology", "--help", "worker ü", **terminal)
    assert (outcome.returncode, outcome.stdout.splitlines()[-1]) == (0, b"0 0 2"), outcome.stderr
    assert b"Traceback" not in outcome.stderr
    assert b"\x1b[" not in outcome.stdout + outcome.stderr


#: One start of Python for several command lines.
RUN_EACH = (
    "import sys; from app.__main__ import run; print(*[int(run(line.split())) for line in sys.argv[1:]])"
)


def run_after_another(*lines: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What command lines print, and at last their exit codes."""
    command = [sys.executable, "-c", RUN_EACH, *lines]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True)


def test_the_version_is_told_without_any_settings() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.startswith("groundwork ")
    assert "release" in done.stdout


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """What a shell makes of `line`, in which GROUNDWORK is the command."""
    command = line.replace("GROUNDWORK", " ".join(COMMAND))
    return subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=False
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("GROUNDWORK topology > /dev/full", ExitCode.FAILED, b"cannot be written: No space left"),
        ("GROUNDWORK topology --json > /dev/full", ExitCode.FAILED, b"cannot be written: No space left"),
        ("GROUNDWORK --help > /dev/full", ExitCode.FAILED, b"cannot be written: No space left"),
        ("GROUNDWORK topology >&-", ExitCode.FAILED, b"standard output is closed"),
        ("GROUNDWORK topology --json >&-", ExitCode.FAILED, b"standard output is closed"),
        ("GROUNDWORK --help >&-", ExitCode.FAILED, b"standard output is closed"),
        ("GROUNDWORK --version >&-", ExitCode.FAILED, b"standard output is closed"),
        ("GROUNDWORK topology >&- 2>&- <&-", ExitCode.FAILED, b""),
        (r"GROUNDWORK jobs show $'\xff\xfe'", ExitCode.BAD_INPUT, b"not UTF-8"),
        (r"GROUNDWORK $'\xc3\x28'", ExitCode.BAD_INPUT, b"not UTF-8"),
        ("GROUNDWORK deliveries settle 99999999999999999999 --sent", ExitCode.BAD_INPUT, b"less than"),
        ("GROUNDWORK jobs list --since 999999w", ExitCode.BAD_INPUT, b"36500 days"),
        ("GROUNDWORK serve --port 70000", ExitCode.BAD_INPUT, b"65535"),
    ],
)
def test_odd_surroundings_and_arguments_end_in_a_sentence(line: str, code: int, said: bytes) -> None:
    done = shell(line)
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("number", ["1_0", "+1", "1.0", " 1", "1e1", "\uff11", "01", "\u0661"])
@pytest.mark.parametrize(
    "line",
    [
        ("serve", "--port"),
        ("jobs", "list", "--limit"),
        ("deliveries", "settle", "--sent"),
        ("stats", "show"),
        ("schedules", "preview", "sample", "--count"),
    ],
    ids=" ".join,
)
def test_a_number_is_plain_digits(
    line: tuple[str, ...], number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = groundwork(capsys, *line, number)
    assert said.code == ExitCode.BAD_INPUT
    assert "Give a whole number in decimal digits, such as 1 or 42." in said.err


@pytest.mark.parametrize("columns", ["0", "-5", "x", "", "1"])
def test_any_width_of_the_terminal_does(columns: str) -> None:
    done = run_after_another("topology", "--help", COLUMNS=columns)
    assert (done.returncode, done.stderr, done.stdout.splitlines()[-1]) == (0, b"", b"0 0")


def test_a_taken_port_is_named(configure: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    configure(secret_key=secrets.token_urlsafe(32))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = groundwork(capsys, "serve", "--port", str(port))
    assert outcome.code == ExitCode.UNREACHABLE
    assert f"Port {port} on 127.0.0.1 is taken" in outcome.err


def test_ctrl_c_is_no_fault_though_tidying_up_after_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    commands = typer.Typer()

    @commands.command()
    def look() -> None:
        try:
            raise KeyboardInterrupt
        finally:
            raise ValueError("the connection is in mid-statement")

    commands.callback()(lambda: None)
    assert run(["look"], commands=get_group(commands)) == ExitCode.INTERRUPTED
    assert capsys.readouterr().err == ""
