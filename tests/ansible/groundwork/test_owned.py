"""What deploys made is noted, and nothing else is ever taken away."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible.module_utils.groundwork.ownership import names, owned, package_use
from ansible.module_utils.groundwork.uninstall import removal

from tests.ansible.roles import read

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "made.json"


def test_what_is_noted_stays_and_adds_up(file: Path) -> None:
    assert owned.read(file) == owned.Owned()
    assert owned.add(names=["/opt/groundwork"], account=True, path=file)
    assert owned.add(packages=["nginx", "nginx-common"], path=file)
    assert not owned.add(names=["/opt/groundwork"], packages=["nginx"], path=file)
    assert owned.read(file) == owned.Owned(
        names=["/opt/groundwork"], packages=["nginx", "nginx-common"], account=True
    )


def test_only_what_was_noted_is_taken_away() -> None:
    there = "/usr/lib/*"
    part = names.Names(installed=(there,))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(names.PARTS, "test", part)
        assert removal._paths(owned.Owned(), purge=True) == []
        assert Path("/usr/lib") in {
            path.parent for path in removal._paths(owned.Owned(names=[there]), purge=False)
        }


def test_data_goes_only_with_a_purge() -> None:
    part = names.Names(installed=(), data=("/usr/lib/*",))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(names.PARTS, "test", part)
        known = owned.Owned(names=["/usr/lib/*"])
        assert removal._paths(known, purge=False) == []
        assert removal._paths(known, purge=True) != []


@pytest.mark.parametrize(
    ("files", "kept"),
    [
        ((), set()),
        (("etc/nginx/sites-enabled/default",), set()),
        (("etc/nginx/sites-available/default",), set(package_use.NGINX)),
        (("etc/nginx/sites-enabled/shop",), set(package_use.NGINX)),
        (("etc/nginx/conf.d/shop.conf",), set(package_use.NGINX)),
        (("etc/nginx/nginx.conf",), set(package_use.NGINX)),
        (("etc/redis/redis.conf",), set()),
        (("etc/redis/redis-shop.conf",), set(package_use.REDIS)),
        (("var/lib/redis/dump.rdb",), set(package_use.REDIS)),
        (("etc/rabbitmq/rabbitmq-env.conf",), set()),
        (("etc/rabbitmq/rabbitmq.conf",), set(package_use.RABBITMQ)),
        (("var/lib/rabbitmq/mnesia/rabbit@one/schema.DAT",), set(package_use.RABBITMQ)),
        (
            ("etc/postgresql/15/main/postgresql.conf",),
            {"postgresql", "postgresql-common", "postgresql-15", "postgresql-client-15"},
        ),
    ],
)
def test_packages_that_others_use_stay(files: tuple[str, ...], kept: set[str], tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("theirs")
    assert package_use.used_by_others(etc=tmp_path / "etc", data=tmp_path / "var/lib") == kept


def test_all_call_our_instances_by_one_name() -> None:
    redis, postgresql, proxy = (read(role, "vars/main.yml") for role in ("redis", "postgresql", "proxy"))
    assert redis["__redis_instance"] == postgresql["__postgresql_cluster"] == names.INSTANCE
    rabbitmq = read("rabbitmq", "vars/main.yml")
    assert rabbitmq["__rabbitmq_service"] == names.RABBITMQ_UNIT
    assert {rabbitmq["__rabbitmq_folder"], rabbitmq["__rabbitmq_ctl"]} < {*names.PARTS["rabbitmq"].installed}
    assert {rabbitmq["__rabbitmq_data"], rabbitmq["__rabbitmq_logs"]} == {*names.PARTS["rabbitmq"].data}
    assert read("backup", "defaults/main.yml")["backup_postgresql_cluster"] == names.INSTANCE
    assert read("backup", "defaults/main.yml")["backup_redis_folder"] in names.PARTS["redis"].data
    assert {
        proxy["__proxy_folder"],
        proxy["__proxy_site"],
        proxy["__proxy_enabled"],
        proxy["__proxy_main"],
    } < {*names.PARTS["api"].installed}
    assert proxy["__proxy_logs"] in names.PARTS["api"].data


@pytest.mark.parametrize(
    "file",
    [
        "systemd/groundwork-.service.d/10-run.conf",
        "app/health/doctor/redis_server.py",
        "systemd/README.md",
        "ansible/roles/backup/vars/main.yml",
        "ansible/roles/backup/templates/etc/systemd/system/backup-groundwork.service.j2",
        "tests/host/stores.py",
    ],
)
def test_who_names_the_unit_of_redis_names_ours(file: str) -> None:
    text = (ROOT / file).read_text()
    assert f"redis-server@{names.INSTANCE}" in text
    assert "redis-server.service" not in text
