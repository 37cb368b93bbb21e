"""What supervisord runs is what the units say."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import pytest

from app import topology

ROOT = Path(__file__).resolve().parent.parent


def projected(*arguments: str) -> configparser.ConfigParser:
    done = subprocess.run(
        [ROOT / "scripts" / "supervisord", *arguments], capture_output=True, text=True, check=True
    )
    parsed = configparser.ConfigParser(interpolation=None)
    parsed.read_string(done.stdout)
    return parsed


def unit(file: str) -> configparser.SectionProxy:
    parsed = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parsed.read(ROOT / "systemd" / file)
    return parsed["Service"]


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    return projected()


def test_every_service_is_a_program_and_every_pool_one_of_its_own(config: configparser.ConfigParser) -> None:
    workers = {f"groundwork-worker-{pool.name}" for pool in topology.POOLS}
    others = {f"groundwork-{service.name}" for service in topology.SERVICES if service.name != "worker"}
    programs = {name.partition(":")[2] for name in config.sections() if name.startswith("program:")}

    assert programs == workers | others


@pytest.mark.parametrize("service", topology.SERVICES, ids=lambda service: service.name)
def test_commands_are_those_of_the_units_but_for_detaching(
    service: topology.Service, config: configparser.ConfigParser
) -> None:
    for instance in service.instances or ("",):
        program = config[f"program:groundwork-{service.name}" + (f"-{instance}" if instance else "")]
        expected = unit(service.unit)["ExecStart"].replace(" --detach", "").replace("%i", instance).split()
        given = program["command"].split()
        if "--pidfile" in expected:
            expected[expected.index("--pidfile") + 1] = given[given.index("--pidfile") + 1]
        assert given == expected


@pytest.mark.parametrize("service", topology.SERVICES, ids=lambda service: service.name)
def test_stop_times_are_those_of_the_units(
    service: topology.Service, config: configparser.ConfigParser
) -> None:
    programs = [config[name] for name in config if name.startswith(f"program:groundwork-{service.name}")]

    assert {program["stopwaitsecs"] for program in programs} == {unit(service.unit)["TimeoutStopSec"]}


def test_what_all_units_share_reaches_every_program(config: configparser.ConfigParser) -> None:
    for name in config.sections():
        if name.startswith("program:"):
            program = dict(config[name])
            assert program["user"] == "groundwork"
            assert program["directory"] == "/var/lib/groundwork"
            assert program["environment"].startswith('GROUNDWORK_ENV_FILE="/etc/groundwork/groundwork.env')
            assert (program["stopsignal"], program["stopasgroup"], program["killasgroup"]) == (
                "TERM",
                "false",
                "true",
            )
            assert (program["autorestart"], program["umask"]) == ("true", "0077")


@pytest.mark.parametrize("pool", topology.POOLS, ids=lambda pool: pool.name)
def test_the_settings_of_a_pool_come_after_those_of_all_and_may_be_missing(
    pool: topology.Pool, config: configparser.ConfigParser
) -> None:
    files = f"/etc/groundwork/groundwork.env:-/etc/groundwork/worker-{pool.name}.env"

    assert config[f"program:groundwork-worker-{pool.name}"]["environment"] == f'GROUNDWORK_ENV_FILE="{files}"'


def test_pidfiles_are_not_shared(config: configparser.ConfigParser) -> None:
    commands = [config[name]["command"].split() for name in config.sections() if name.startswith("program:")]
    pidfiles = [words[words.index("--pidfile") + 1] for words in commands if "--pidfile" in words]

    assert len(pidfiles) == len(set(pidfiles))


def test_it_can_be_laid_out_below_one_folder(tmp_path: Path) -> None:
    config = projected("--bin", "/srv/venv/bin", "--state", str(tmp_path), "--redis", "/srv/redis.conf")

    assert config["unix_http_server"]["file"] == f"{tmp_path}/supervisor.sock"
    assert config["program:redis"]["command"] == "redis-server /srv/redis.conf"
    assert config["program:groundwork-api"]["command"] == "/srv/venv/bin/groundwork serve"
    assert (
        config["program:groundwork-api"]["environment"] == f'GROUNDWORK_ENV_FILE="{tmp_path}/groundwork.env"'
    )
    assert "user" not in config["program:groundwork-api"]


def test_redis_starts_first_and_stops_last() -> None:
    config = projected("--redis", "/srv/redis.conf")

    assert int(config["program:redis"]["priority"]) < int(config["group:groundwork"]["priority"])


def test_the_family_can_be_addressed_as_one(config: configparser.ConfigParser) -> None:
    programs = {name.partition(":")[2] for name in config.sections() if name.startswith("program:")}

    assert set(config["group:groundwork"]["programs"].split(",")) == programs


def test_percent_signs_survive() -> None:
    assert projected("--bin", "/srv/100%/bin")["program:groundwork-api"]["command"] == (
        "/srv/100%%/bin/groundwork serve"
    )
