"""Taking everything off a host that deploys made, and nothing else; the data only on demand."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import in_use, made, packages, stores
from ansible.module_utils.groundwork.claims import ACCOUNT, PARTS, found
from ansible.module_utils.groundwork.commands import must, run
from ansible.module_utils.groundwork.files import lay_down, remove_empty_folder, remove_tree
from ansible.module_utils.groundwork.paths import INSTALLED, LOCK, MADE, STATE
from ansible.module_utils.groundwork.reason import Failure
from ansible.module_utils.groundwork.wanted import present_host

if TYPE_CHECKING:
    from ansible.module_utils.groundwork.made import Made
    from ansible.module_utils.groundwork.manager import Manager

AUTHORITIES = Path("/usr/local/share/ca-certificates")


def remains(*, purge: bool) -> list[str]:
    """What there is to remove."""
    _refuse_unnoted()
    known = made.read()
    there = [*present_host().files, *_paths(known, purge=purge)]
    state = [STATE] if purge else [path for path in STATE.glob("*") if not _is_kept(path)]
    going = [f"package {name}" for name in packages.removable(_packages(known, purge=purge))]
    return sorted({*map(str, there), *map(str, state), *going})


def remove(*, purge: bool, manager: Manager) -> None:
    """Stop the services and remove them; with `purge` their data, logs, packages and user too."""
    known, host = made.read(), present_host()
    for instance in sorted({*host.instances, *manager.installed()}):
        manager.remove(instance)
    manager.disband()
    manager.forget("backup-groundwork")
    stores.put_away(purge=purge)
    gone = [*host.files, *_paths(known, purge=purge)]
    lay_down({}, paths=host.files)
    for path in gone:
        remove_tree(path)
        remove_empty_folder(path.parent)
    manager.take_over(gone)
    _tell_others(gone)
    _remove_packages(known, purge=purge)
    if purge and known.account and run(["getent", "passwd", ACCOUNT]).returncode == 0:
        must(["userdel", ACCOUNT], sentence=f"The user {ACCOUNT} could not be removed.")
    # Last, because until then a second attempt has to know what there was.
    _forget(purge=purge)


def _refuse_unnoted() -> None:
    if INSTALLED.is_file() and not MADE.is_file():
        raise Failure(
            "This host was deployed to by a playbook that did not note what it made, so this one cannot tell "
            "what is ours. Run the uninstall.yml of the checkout that was deployed."
        )


def _paths(known: Made, *, purge: bool) -> list[Path]:
    """What there is under the names that a deploy took; a name is ours only if it was free then."""
    names = {
        name
        for part in PARTS.values()
        for name in (*part.installed, *(part.data if purge else ()))
        if name in known.names
    }
    return [path for name in sorted(names) for path in found(name)]


def _tell_others(gone: list[Path]) -> None:
    """Whoever else uses what we have used goes on without us."""
    if any(path.is_relative_to(AUTHORITIES) for path in gone):
        run(["update-ca-certificates", "--fresh"])
    if any(path.is_relative_to("/etc/nginx") for path in gone):
        run(["nginx", "-s", "reload"])


def _remove_packages(known: Made, *, purge: bool) -> None:
    going = packages.removable(_packages(known, purge=purge))
    if going:
        packages.purge(going)


def _packages(known: Made, *, purge: bool) -> set[str]:
    # Left alone, nginx would serve the page of its package; Redis and PostgreSQL go on with the data.
    asked = set(known.packages) if purge else set(known.packages) & set(in_use.NGINX)
    return asked - in_use.by_others()


def _forget(*, purge: bool) -> None:
    if purge:
        remove_tree(STATE)
        return
    for path in STATE.glob("*"):
        if not _is_kept(path):
            remove_tree(path)


def _is_kept(path: Path) -> bool:
    """What is still there of what was made, and the lock of this very run."""
    return path == MADE or path.name.startswith(LOCK.name)
