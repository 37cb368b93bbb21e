"""The services of a host under systemd."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from ansible.module_utils.groundwork.commands import run, run_checked
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.host.instances import Instance
from ansible.module_utils.groundwork.paths import LOGS, UNITS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

TARGET = "groundwork.target"
SLICE = "groundwork.slice"
SOCKET = "groundwork-api.socket"
#: Where the API listens, if not where the release says; before the inventory's own drop-ins, which win.
ADDRESS = f"{SOCKET}.d/10-address.conf"
#: The address may come later in a boot than the socket.
ADDRESS_CONTENT = "[Socket]\nListenStream=\nListenStream={address}\nFreeBind=true\n"
#: Files of a release's systemd folder that are units; the rest is for other programs.
UNIT_KINDS = (".service", ".socket", ".target", ".slice", ".timer", ".path")
#: Above every TimeoutStartSec and TimeoutStopSec of our units.
TIMEOUT_SECONDS = 300.0
#: More of a log is not looked through for the reason of a failure.
MAX_OUTPUT = 100_000


class Systemd:
    """See `Manager`."""

    #: Each start keeps one processor busy until it is through.
    parallel = os.cpu_count() or 1

    def __init__(self) -> None:
        self._since = f"@{int(time.time())}"
        self._log_sizes = {path: path.stat().st_size for path in LOGS.glob("*.log")}

    def files(self, release: Path, *, extra: Mapping[str, str], address: str) -> dict[Path, bytes]:
        """The units of the release, whole, and the drop-ins of the inventory."""
        folder = release / "systemd"
        found = [path for path in folder.rglob("*") if path.is_file()]
        units = {
            UNITS / path.relative_to(folder): path.read_bytes()
            for path in found
            if path.suffix in UNIT_KINDS or path.parent.suffix == ".d"
        }
        listens = f"ListenStream={address}\n".encode()
        if listens not in units.get(UNITS / SOCKET, listens):
            units[UNITS / ADDRESS] = ADDRESS_CONTENT.format(address=address).encode()
        return units | {UNITS / name: text.encode() for name, text in extra.items()}

    def reload_files(self, changed: Collection[Path]) -> None:
        """Have changed units read."""
        if any(path.is_relative_to(UNITS) for path in changed):
            self._do("daemon-reload")

    def is_running(self, instance: Instance) -> bool:
        """Whether it is up, and no other state counts."""
        return self._is("is-active", instance.unit)

    def is_enabled(self, instance: Instance) -> bool:
        """Whether it starts with the host."""
        return all(self._is("is-enabled", unit) for unit in (TARGET, *_with_socket(instance)))

    def enable(self, instance: Instance) -> None:
        """Start it with the host from now on."""
        self._do("enable", "--quiet", TARGET, *_with_socket(instance))
        # The target belongs to no process; without it nothing comes up at the next boot in its name.
        self._do("start", "--no-block", TARGET)

    def start(self, instance: Instance) -> None:
        """Start what does not run; it is ready when this returns."""
        self._note_log_size(instance)
        self._act("start", instance)

    def reload_or_restart(self, instance: Instance, *, changed: Collection[Path]) -> str:
        """Make it run what is installed now; what was done. A worker's jobs go on, the API's callers wait."""
        self._note_log_size(instance)
        # systemd hands out credentials at a start; a reload would go on with the old ones.
        new_secrets = any(path.parent.name == "credentials" for path in changed)
        if instance.service == "worker" and not new_secrets:
            self._act("reload", instance)
            return "reloaded"
        self._act("restart", instance)
        return "restarted"

    def restart_socket(self, instances: Collection[Instance], *, changed: Collection[Path]) -> None:
        """Listen where the socket's file says now; systemd refuses that while the service runs."""
        api = Instance(service="api")
        of_socket = any(SOCKET in (path.name, path.parent.name.removesuffix(".d")) for path in changed)
        if api not in instances or not of_socket or not self._is("is-active", SOCKET):
            return
        self._do("stop", api.unit, SOCKET)
        self._do("start", SOCKET)

    def remove(self, instance: Instance) -> None:
        """Stop and disable it."""
        self._do("disable", "--quiet", "--now", *_with_socket(instance), failing=False)
        self._do("reset-failed", instance.unit, failing=False)

    def stop_family(self) -> None:
        """End the target and the slice, while their files are still there."""
        self._do("disable", "--quiet", "--now", TARGET, failing=False)
        self._do("stop", SLICE, failing=False)

    def disable_timer(self, timer: str) -> None:
        """Stop and disable a timer that another role has made."""
        self._do("disable", "--quiet", "--now", f"{timer}.timer", failing=False)

    def stop(self, instances: Collection[Instance]) -> None:
        """Stop these together until they are started or the host boots."""
        units = [unit for one in instances for unit in _with_socket(one)]
        self._do("stop", TARGET, *units)

    def status(self, instance: Instance) -> tuple[str, str]:
        """What state it is in, and since when."""
        shown = run(["systemctl", "show", "--property", "ActiveState,StateChangeTimestamp", instance.unit])
        values = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
        return values.get("ActiveState", "unknown"), values.get("StateChangeTimestamp", "")

    def enabled(self) -> list[Instance]:
        """The instances that start with the host."""
        folder = UNITS / f"{TARGET}.wants"
        found = folder.glob("groundwork-*.service") if folder.is_dir() else ()
        return [Instance.of_unit(path.name) for path in found]

    def recent_output(self, instance: Instance) -> str:
        """What it wrote since this object was made, to the journal and to its log."""
        # What was written a moment ago may still be on its way.
        run(["journalctl", "--sync"])
        # With a number of lines it would give the first ones since then, not the last.
        journal = run(["journalctl", "--unit", instance.unit, "--since", self._since, "--output", "cat"])
        path = LOGS / f"{instance.name}.log"
        logged = ""
        if path.is_file():
            with path.open("rb") as stream:
                stream.seek(self._log_sizes.get(path, 0))
                logged = stream.read()[-MAX_OUTPUT:].decode(errors="replace")
        return journal.stdout[-MAX_OUTPUT:] + logged

    def _act(self, verb: str, instance: Instance) -> None:
        done = run(["systemctl", verb, instance.unit], seconds=TIMEOUT_SECONDS)
        if done.returncode != 0 or not self.is_running(instance):
            did = {"start": "start", "reload": "be reloaded", "restart": "be restarted"}[verb]
            raise Failure(
                f"{instance.unit} could not {did}.", output=self.recent_output(instance) or done.stderr
            )

    def _note_log_size(self, instance: Instance) -> None:
        path = LOGS / f"{instance.name}.log"
        self._log_sizes[path] = path.stat().st_size if path.is_file() else 0

    def _is(self, question: str, unit: str) -> bool:
        return run(["systemctl", question, "--quiet", unit]).returncode == 0

    def _do(self, *arguments: str, failing: bool = True) -> None:
        argv = ["systemctl", *arguments]
        if failing:
            run_checked(argv, message=f"{' '.join(argv)} failed.", seconds=TIMEOUT_SECONDS)
        else:
            run(argv, seconds=TIMEOUT_SECONDS)


def _with_socket(instance: Instance) -> tuple[str, ...]:
    return (SOCKET, instance.unit) if instance.service == "api" else (instance.unit,)
