"""What a service has loaded before it does anything, by library, in memory that it changed (anonymous pages).

python -m tests.bench.loaded worker    # or beat, serve, flower
"""

from __future__ import annotations

import argparse
import importlib
import os
import secrets
from collections import Counter
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

MOST = 25
#: What a service loads beside what its own code names.
MODULES = {
    "worker": ("app.celery_command", "celery.bin.worker", "app.celery_app"),
    "beat": ("app.celery_command", "celery.bin.beat", "app.celery_app", "app.schedule.beat"),
    "serve": ("gunicorn.app.wsgiapp", "app.http.gunicorn_settings", "app.http.gunicorn_worker", "app.api"),
    "flower": ("app.celery_command", "flower.command", "app.jobs.celery.transport.broker"),
}


class Sizes:
    """By how much the process grew while each library was loaded, without what that loaded in turn."""

    def __init__(self) -> None:
        self.kib: Counter[str] = Counter()
        self._within = [0]

    def measured(self, load: Callable[..., Any]) -> Callable[..., Any]:
        """`load`, which a loader runs with a module, or with what describes one."""

        def loading(loader: Any, about: ModuleType) -> Any:
            before = changed_kib()
            self._within.append(0)
            try:
                return load(loader, about)
            finally:
                grown = changed_kib() - before
                name = getattr(about, "__name__", None) or about.name
                self.kib[name.partition(".")[0]] += grown - self._within.pop()
                self._within[-1] += grown

        return loading


def changed_kib() -> int:
    """What this process has for itself in memory."""
    rows = (line.split() for line in Path("/proc/self/smaps_rollup").read_text().splitlines())
    return sum(int(row[1]) for row in rows if row[0] in ("Private_Dirty:", "Shared_Dirty:"))


def load(service: str) -> None:
    """Load what the service loads."""
    importlib.import_module("app.__main__")
    importlib.import_module("app.processes.lean_libraries").load()
    for name in MODULES[service]:
        importlib.import_module(name)
    if service != "flower":
        importlib.import_module("app.packages").modules("tasks")
        importlib.import_module("sqlalchemy.orm").configure_mappers()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("service", choices=MODULES)
    service = parser.parse_args().service
    os.environ["GROUNDWORK_SECRET_KEY"] = secrets.token_urlsafe(32)
    sizes, before = Sizes(), changed_kib()
    SourceFileLoader.exec_module = sizes.measured(SourceFileLoader.exec_module)  # type: ignore[method-assign]
    ExtensionFileLoader.create_module = sizes.measured(ExtensionFileLoader.create_module)  # type: ignore[method-assign]
    load(service)
    for name, kib in sizes.kib.most_common(MOST):
        print(f"{name:24} {kib / 1024:6.1f} MiB")
    print(f"{'Python itself':24} {before / 1024:6.1f} MiB")
    print(f"{'all':24} {changed_kib() / 1024:6.1f} MiB")


if __name__ == "__main__":
    main()
