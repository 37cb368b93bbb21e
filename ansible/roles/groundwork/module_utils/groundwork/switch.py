"""From what a host is to what it is to be, in one go, and back again when that fails."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork import releases
from ansible.module_utils.groundwork.files import differing, folder, lay_down
from ansible.module_utils.groundwork.paths import CURRENT, PREVIOUS, STATE
from ansible.module_utils.groundwork.wanted import present_host, record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from ansible.module_utils.groundwork.instances import Instance
    from ansible.module_utils.groundwork.manager import Manager
    from ansible.module_utils.groundwork.wanted import Host

#: Services that somebody waits for, in the order in which they change.
SERVING = ("worker", "api")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What differs between a host and what it is to be."""

    flips: bool
    paths: tuple[Path, ...]
    enables: tuple[Instance, ...]
    starts: tuple[Instance, ...]
    renews: tuple[Instance, ...]
    removes: tuple[Instance, ...]

    def __bool__(self) -> bool:
        return bool(self.flips or self.paths or self.enables or self.starts or self.renews or self.removes)

    def touches(self, service: str) -> bool:
        """Whether a service of that name is started or made to run something else."""
        return any(one.service == service for one in (*self.starts, *self.renews))

    def in_words(self) -> dict[str, str]:
        """Per instance what is to be done, for a check."""
        words = {one.name: "renew" for one in self.renews}
        words |= {one.name: "start" for one in self.starts}
        words |= {one.name: "remove" for one in self.removes}
        return words | {one.name: "enable" for one in self.enables if one.name not in words}


def plan(wanted: Host, *, manager: Manager) -> Plan:
    """Compare the host with what it is to be."""
    present = present_host(also=wanted.files)
    running = {one for one in wanted.instances if manager.is_running(one)}
    known = {*present.instances, *manager.installed()}
    return Plan(
        flips=present.release != wanted.release,
        paths=tuple(differing(wanted.files, known=present.files)),
        enables=tuple(one for one in wanted.instances if not manager.is_enabled(one)),
        starts=tuple(one for one in wanted.instances if one not in running),
        renews=tuple(
            one
            for one in wanted.instances
            if one in running and present.fingerprints.get(one.name) != wanted.fingerprints.get(one.name)
        ),
        removes=tuple(sorted(known - set(wanted.instances))),
    )


def apply(
    wanted: Host, steps: Plan, *, manager: Manager, look: Callable[[], None] | None = None
) -> dict[str, str]:
    """Do it; per instance what was done. Raises the first failure and leaves the rest to a way back.

    `look` is called once workers and API run what they are to run, and its failure is one of ours.
    """
    done: dict[str, str] = {}
    if wanted.release is None:
        # Nothing is to be left: stop what runs while its files still say how.
        done |= _remove(steps, manager=manager)
        manager.disband()
    _exchange(wanted, steps, manager=manager)
    manager.take_over(steps.paths)
    manager.renew_socket(wanted.instances, changed=steps.paths)
    for instance in steps.enables:
        manager.enable(instance)
        done[instance.name] = "enabled"
    # Workers first: callers get to know a release when its jobs are done already. Then the API with the
    # whole machine to itself, because callers wait for it.
    for service in SERVING:
        instances = [one for one in wanted.instances if one.service == service]
        done |= _settle(wanted, instances, steps=steps, manager=manager)
    others = [one for one in wanted.instances if one.service not in SERVING]
    done |= _settle(wanted, others, steps=steps, manager=manager, beside=look)
    if wanted.release is not None:
        done |= _remove(steps, manager=manager)
    record(wanted)
    return done


def _settle(
    wanted: Host,
    instances: Sequence[Instance],
    *,
    steps: Plan,
    manager: Manager,
    beside: Callable[[], None] | None = None,
) -> dict[str, str]:
    """Start or renew what needs it, as many together as the manager takes; raises the first failure.

    `beside` is done meanwhile.
    """

    def settle(instance: Instance) -> str:
        with _Noted(wanted, instance):
            if instance in steps.renews and manager.is_running(instance):
                return manager.renew(instance, changed=steps.paths)
            manager.start(instance)
            return "started"

    concerned = [one for one in instances if one in (*steps.starts, *steps.renews)]
    with ThreadPoolExecutor(max_workers=manager.at_once) as threads:
        also = threads.submit(beside) if beside else None
        done = dict(zip([one.name for one in concerned], threads.map(settle, concerned), strict=True))
        if also:
            also.result()
    return done


def _remove(steps: Plan, *, manager: Manager) -> dict[str, str]:
    for instance in steps.removes:
        manager.remove(instance)
    return {one.name: "removed" for one in steps.removes}


def _exchange(wanted: Host, steps: Plan, *, manager: Manager) -> None:
    """Files and links. What has to be stopped for them is still described by the old files until the end."""
    folder(STATE)
    present = present_host()
    instances = {*present.instances, *wanted.instances, *manager.installed()}
    # Before anything changes, so that whoever comes after an interruption knows all there is to tidy.
    record(
        replace(
            present,
            release=wanted.release,
            files={**wanted.files, **present.files},
            instances=tuple(sorted(instances)),
        )
    )
    releases.flip(CURRENT, wanted.release)
    releases.flip(PREVIOUS, wanted.previous)
    lay_down(wanted.files, paths=steps.paths)


class _Noted:
    """Surrounds what is done to one instance: meanwhile nobody knows what it runs, then the record does."""

    _one_by_one = Lock()

    def __init__(self, wanted: Host, instance: Instance) -> None:
        self._name = instance.name
        self._wanted = wanted
        self._before = present_host().fingerprints.get(self._name, "")

    def __enter__(self) -> None:
        self._note("")

    def __exit__(self, failure: object, *_: object) -> None:
        # A reload that failed left the old process as it was.
        self._note(self._before if failure else self._wanted.fingerprints.get(self._name, ""))

    def _note(self, fingerprint: str) -> None:
        with self._one_by_one:
            present = present_host()
            record(replace(present, fingerprints={**present.fingerprints, self._name: fingerprint}))
