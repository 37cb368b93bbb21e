"""Host paths have one home, the deploy engine: all that others name are known to an uninstall."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from ansible.module_utils.groundwork import paths
from ansible.module_utils.groundwork.ownership.names import PARTS, REDIS_PIDFILE, names_of

from tests.ansible.roles import read

ROOT = Path(__file__).parents[3]
UNITS = ROOT / "systemd"
#: A path of ours, as code, configuration and documentation write it.
PATH = re.compile(
    r"(?<![\w.}:])/(?:etc|opt|run|var/(?:lib|log|backups)|usr/(?:lib|local))/[\w@%.*/-]*groundwork[\w@%.*/-]*"
)


def directives(name: str) -> list[str]:
    """What the units say for a directive."""
    text = "\n".join(path.read_text() for path in UNITS.rglob("*") if path.suffix in {".conf", ".service"})
    return re.findall(rf"^{name}=(.+)$", text, re.MULTILINE)


def known() -> set[str]:
    """What goes with an uninstall, and what goes with the process that it was made for."""
    runtime = {f"/run/{name.replace('%i', '*')}" for name in directives("RuntimeDirectory")}
    return {*names_of(list(PARTS)), str(paths.STATE), str(REDIS_PIDFILE.parent), *runtime}


def named() -> list[tuple[str, str]]:
    """Each file of the project with each path that it names."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [ROOT / name for name in listed.stdout.splitlines()]
    return [
        (str(file.relative_to(ROOT)), found.rstrip("./"))
        for file in files
        if file.is_file()
        for found in PATH.findall(file.read_text(errors="replace"))
    ]


def test_every_path_that_anything_names_is_known_to_an_uninstall() -> None:
    names, found = known(), named()
    assert len({file for file, _ in found}) > 30
    assert [(file, path) for file, path in found if not is_below(path, names)] == []


def is_below(path: str, names: set[str]) -> bool:
    parts = (path, *map(str, Path(path).parents))
    return any(fnmatchcase(part, name) for part in parts for name in names)


def test_units_and_folders_are_where_the_deploy_engine_puts_things() -> None:
    folders = re.findall(r"^d (\S+)", (UNITS / "groundwork.tmpfiles").read_text(), re.MULTILINE)
    wired = yaml.safe_load((ROOT / "ansible/group_vars/all.yml").read_text())["groundwork_base_settings"]
    storage = Path(wired["storage"])
    assert folders == list(map(str, (paths.ETC, paths.ETC / "credentials", paths.DATA, storage, paths.LOGS)))
    # It is what the units let services write to.
    assert storage.parent == paths.DATA
    assert directives("WorkingDirectory") == [str(paths.DATA)]
    assert directives("User") == directives("Group") == [paths.USER]
    assert directives("LoadCredential") == [f"groundwork:{paths.ETC / 'credentials'}"]
    assert set(directives("EnvironmentFile")) == {
        f"{paths.ETC}/groundwork.env",
        f"-{paths.ETC}/worker-%i.env",
    }
    program = paths.CURRENT / "venv/bin/groundwork"
    assert {command.split()[0] for command in directives("ExecStart")} == {str(program)}


def test_roles_keep_and_find_things_where_the_deploy_engine_puts_them() -> None:
    backup = read("backup", "defaults/main.yml")
    assert backup["backup_settings_folder"] == str(paths.ETC)
    assert backup["backup_database_url_file"] == str(paths.ETC / "credentials/database_url")
    assert backup["backup_sqlite_file"] == str(paths.DATA / "groundwork.db")
    assert read("backup", "vars/main.yml")["__backup_configuration"]["release"] == str(
        paths.CURRENT / "release.json"
    )
    assert read("groundwork", "vars/main.yml")["__groundwork_state_folder"] == str(paths.STATE)
    assert read("logrotate", "defaults/main.yml")["logrotate_expected"] == [f"{paths.LOGS}/*.log"]
