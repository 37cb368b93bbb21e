"""The unit files as they lie in systemd/: valid, sandboxed, and in agreement with the settings."""

from __future__ import annotations

import configparser
import grp
import os
import pwd
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from app import topology
from app.http import gunicorn_settings
from app.schedule.beat import STANDBY
from app.settings.config import Settings
from app.worker.launch import READY_SECONDS
from app.worker.watchdog import PING_SECONDS

ROOT = Path(__file__).resolve().parent.parent
UNITS = ROOT / "systemd"
#: Of 10, as `systemd-analyze security` rates it; a service without a sandbox has 9.2.
WORST_EXPOSURE = 1.5
#: What a service may need beyond its own stop time before systemd kills it.
STOP_MARGIN_SECONDS = 15
INSTALLED = [
    name
    for service in topology.SERVICES
    for name in (
        [service.unit.replace("@.", f"@{instance}.") for instance in service.instances] or [service.unit]
    )
]


def section(file: str, name: str) -> dict[str, str]:
    unit = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(UNITS / file)
    return dict(unit[name])


def service_files() -> list[str]:
    return sorted(path.name for path in UNITS.glob("*.service"))


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root folder of a host with the units installed and the programs that they name."""
    root = tmp_path_factory.mktemp("host")
    for program in ("opt/groundwork/current/venv/bin/groundwork", "bin/kill"):
        (root / program).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", root / program)
    installed = root / "etc/systemd/system"
    shutil.copytree(UNITS, installed, ignore=shutil.ignore_patterns("*.md", "groundwork.[!ts]*"))
    # The units that ours refer to, so that a misspelt name would be noticed.
    shutil.copytree("/lib/systemd/system", root / "lib/systemd/system", symlinks=True)
    for neighbour in ("redis-server@groundwork.service", "postgresql.service"):
        (root / "lib/systemd/system" / neighbour).write_text("[Service]\nExecStart=/bin/kill\n")
    return root


def test_systemd_finds_nothing_to_say(host: Path) -> None:
    units = [*INSTALLED, "groundwork.target", "groundwork.slice", "groundwork-api.socket"]
    done = subprocess.run(
        ["systemd-analyze", "verify", f"--root={host}", *units], capture_output=True, text=True, check=False
    )

    # It ends with 0 also when a directive is misspelt: only silence is approval.
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("unit", INSTALLED)
def test_every_service_is_sandboxed(unit: str, host: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--root={host}", "--no-pager", unit],
        capture_output=True,
        text=True,
        check=True,
    )
    rating = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)

    assert rating, done.stdout + done.stderr
    assert float(rating[1]) <= WORST_EXPOSURE


def test_every_service_file_is_a_service_of_the_topology() -> None:
    assert service_files() == sorted(service.unit for service in topology.SERVICES)


def test_templates_and_only_templates_have_instances() -> None:
    assert all(bool(service.instances) == ("@." in service.unit) for service in topology.SERVICES)


def test_a_stopping_worker_has_time_for_its_soft_shutdown() -> None:
    soft_shutdown = Settings.model_fields["soft_shutdown_seconds"].default

    assert int(section("groundwork-worker@.service", "Service")["TimeoutStopSec"]) >= (
        soft_shutdown + STOP_MARGIN_SECONDS
    )


def test_a_stopping_api_has_time_for_its_last_requests() -> None:
    assert int(section("groundwork-api.service", "Service")["TimeoutStopSec"]) >= (
        gunicorn_settings.graceful_timeout + STOP_MARGIN_SECONDS
    )


def test_the_socket_listens_where_the_settings_say() -> None:
    host, port = (Settings.model_fields[name].default for name in ("api_host", "api_port"))

    assert section("groundwork-api.socket", "Socket")["ListenStream"] == f"{host}:{port}"


def test_a_detached_service_writes_the_pidfile_that_systemd_reads() -> None:
    for file in service_files():
        service = section(file, "Service")
        words = service["ExecStart"].split()
        assert ("--detach" in words) == (service["Type"] == "forking"), file
        if service["Type"] == "forking":
            assert words[words.index("--pidfile") + 1] == service["PIDFile"]


def test_a_worker_takes_over_under_the_pidfile_of_the_one_before() -> None:
    worker = section("groundwork-worker@.service", "Service")

    assert worker["ExecReload"] == worker["ExecStart"].replace("--detach", "--replace")


def test_a_worker_that_does_not_get_ready_says_so_before_systemd_gives_up() -> None:
    worker = section("groundwork-worker@.service", "Service")

    assert int(worker["TimeoutStartSec"]) >= 2 * READY_SECONDS + STOP_MARGIN_SECONDS


@pytest.mark.parametrize("file", ["groundwork-worker@.service", "groundwork-beat.service"])
def test_what_is_watched_is_told_of_several_times_before_it_is_replaced(file: str) -> None:
    assert int(section(file, "Service")["WatchdogSec"]) >= 3 * max(PING_SECONDS, STANDBY.total_seconds())


def test_what_a_pool_overrides_comes_after_what_is_set_for_all() -> None:
    shared = next(
        path for path in UNITS.glob("groundwork-.service.d/*") if "EnvironmentFile" in path.read_text()
    )
    own = next(UNITS.glob("groundwork-worker@.service.d/*"))

    assert own.name > shared.name
    assert "EnvironmentFile=-/etc/groundwork/worker-%i.env" in own.read_text().splitlines()


def test_every_pidfile_lies_in_the_runtime_folder_of_its_own_unit() -> None:
    for file in service_files():
        service = section(file, "Service")
        words = service["ExecStart"].split()
        if "--pidfile" in words:
            pidfile = Path(words[words.index("--pidfile") + 1])
            assert pidfile.parent == Path("/run", service["RuntimeDirectory"])


@pytest.mark.parametrize("path", sorted(UNITS.rglob("groundwork*")), ids=lambda path: path.name)
def test_unit_files_carry_no_comments(path: Path) -> None:
    if path.is_file():
        assert not [line for line in path.read_text().splitlines() if line.startswith(("#", ";"))]


def test_every_directive_is_explained() -> None:
    explained = (UNITS / "README.md").read_text()
    used = {
        line.partition("=")[0]
        for path in UNITS.rglob("*")
        if path.suffix in {".service", ".socket", ".slice", ".target", ".conf"} and path.is_file()
        for line in path.read_text().splitlines()
        if "=" in line
    }

    assert {directive for directive in used if f"`{directive}" not in explained} == set()


def test_logs_are_rotated(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    log.write_text("{}\n")
    me = f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"
    snippet = (UNITS / "groundwork.logrotate").read_text()
    snippet = snippet.replace("/var/log/groundwork", str(tmp_path)).replace("groundwork groundwork", me)
    (tmp_path / "snippet").write_text(snippet)
    (tmp_path / "snippet").chmod(0o644)
    logrotate = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
    assert logrotate, "logrotate is missing; scripts/test installs it"
    done = subprocess.run(
        [logrotate, "--force", "--state", tmp_path / "state", tmp_path / "snippet"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout + done.stderr == ""
    assert (tmp_path / "api.log.1").read_text() == "{}\n"
    assert (log.stat().st_size, log.stat().st_mode & 0o777) == (0, 0o640)
