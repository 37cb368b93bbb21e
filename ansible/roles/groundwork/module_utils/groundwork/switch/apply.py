"""Carrying out a plan, in one go on the host."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.files import folder, write_files
from ansible.module_utils.groundwork.host.state import current_host, record
from ansible.module_utils.groundwork.install.releases import switch_link
from ansible.module_utils.groundwork.paths import CURRENT, PREVIOUS, STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ansible.module_utils.groundwork.host.instances import Instance
    from ansible.module_utils.groundwork.host.state import Host
    from ansible.module_utils.groundwork.managers.manager import Manager
    from ansible.module_utils.groundwork.switch.plan import Plan

#: Workers first: callers get to know a release when its jobs are done already. Then the API with the whole
#: machine to itself, because callers wait for it. What nobody waits for follows.
FIRST = ("worker", "api")

_one_record_at_a_time = Lock()


def apply(
    wanted: Host, steps: Plan, *, manager: Manager, check: Callable[[], None] | None = None
) -> dict[str, str]:
    """Do it; per instance what was done. Raises the first failure and leaves the rest to a rollback.

    `check` is called once workers and API run what they are to run, and its failure is one of ours.
    """
    done: dict[str, str] = {}
    if wanted.release is None:
        # Nothing is to be left: stop what runs while its files still say how.
        done |= _remove(steps, manager=manager)
        manager.stop_family()
    _replace_files(wanted, steps, manager=manager)
    manager.reload_files(steps.paths)
    manager.restart_socket(wanted.instances, changed=steps.paths)
    for instance in steps.enables:
        manager.enable(instance)
        done[instance.name] = "enabled"
    for service in FIRST:
        instances = [one for one in wanted.instances if one.service == service]
        done |= _start_or_restart(wanted, instances, steps=steps, manager=manager)
    others = [one for one in wanted.instances if one.service not in FIRST]
    done |= _start_or_restart(wanted, others, steps=steps, manager=manager, meanwhile=check)
    if wanted.release is not None:
        done |= _remove(steps, manager=manager)
    record(wanted)
    return done


def _start_or_restart(
    wanted: Host,
    instances: Sequence[Instance],
    *,
    steps: Plan,
    manager: Manager,
    meanwhile: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Those that need it, as many together as the manager takes; raises the first failure."""

    def bring_up(instance: Instance) -> str:
        with _fingerprint_recorded(wanted, instance):
            if instance in steps.restarts and manager.is_running(instance):
                return manager.reload_or_restart(instance, changed=steps.paths)
            manager.start(instance)
            return "started"

    concerned = [one for one in instances if one in (*steps.starts, *steps.restarts)]
    with ThreadPoolExecutor(max_workers=manager.parallel) as threads:
        other = threads.submit(meanwhile) if meanwhile else None
        done = dict(zip([one.name for one in concerned], threads.map(bring_up, concerned), strict=True))
        if other:
            other.result()
    return done


def _remove(steps: Plan, *, manager: Manager) -> dict[str, str]:
    for instance in steps.removes:
        manager.remove(instance)
    return {one.name: "removed" for one in steps.removes}


def _replace_files(wanted: Host, steps: Plan, *, manager: Manager) -> None:
    """Files and links. What has to be stopped for them is still described by the old files until the end."""
    folder(STATE)
    current = current_host()
    instances = {*current.instances, *wanted.instances, *manager.enabled()}
    # Before anything changes, so that whoever comes after an interruption knows all there is to tidy.
    record(
        replace(
            current,
            release=wanted.release,
            files={**wanted.files, **current.files},
            instances=tuple(sorted(instances)),
        )
    )
    switch_link(CURRENT, wanted.release)
    switch_link(PREVIOUS, wanted.previous)
    write_files(wanted.files, paths=steps.paths)


@contextmanager
def _fingerprint_recorded(wanted: Host, instance: Instance) -> Iterator[None]:
    """Surrounds what is done to one instance: meanwhile nobody knows what it runs, then the record does."""
    before = current_host().fingerprints.get(instance.name, "")
    _record_fingerprint(instance, "")
    try:
        yield
    except BaseException:
        # A reload that failed left the old process as it was.
        _record_fingerprint(instance, before)
        raise
    _record_fingerprint(instance, wanted.fingerprints.get(instance.name, ""))


def _record_fingerprint(instance: Instance, fingerprint: str) -> None:
    with _one_record_at_a_time:
        current = current_host()
        record(replace(current, fingerprints={**current.fingerprints, instance.name: fingerprint}))
