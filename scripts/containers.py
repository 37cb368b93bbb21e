"""The container engine and the images that stand in for hosts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from packages import ENGINE, RUNC, SetupFailed, ensure

ROOT = Path(__file__).resolve().parent.parent
#: For machines where the engine's own choices do not start a container.
CONTAINERS_CONF = ROOT / "ansible" / "molecule" / "containers.conf"


def ready_engine() -> str:
    """The name of the container engine; podman comes from the distribution when it is missing."""
    engine = os.environ.setdefault("CONTAINER_ENGINE", "podman")
    if engine == "podman":
        ensure(*ENGINE)
    elif shutil.which(engine) is None:
        raise SetupFailed(
            f'CONTAINER_ENGINE is "{engine}", and there is no such command. Install it, or use podman.'
        )
    return engine


def ready_image(image: str | None, *, suite: str, init: str, engine: str) -> str:
    """An image that starts here: `image`, or else the project's own, built when it is missing."""
    if image is None:
        built = subprocess.run(
            [ROOT / "scripts" / "build-image", suite, init], stdout=subprocess.PIPE, text=True, check=False
        )
        sys.stdout.write(built.stdout)
        if built.returncode != 0:
            raise SetupFailed(f"Building the image of {suite} with {init} failed (above).")
        image = built.stdout.split()[-1]
    _make_startable(image, engine=engine)
    return image


def _make_startable(image: str, *, engine: str) -> None:
    problem = _try(image, engine=engine)
    if problem and engine == "podman" and "CONTAINERS_CONF" not in os.environ:
        ensure(RUNC)
        os.environ["CONTAINERS_CONF"] = str(CONTAINERS_CONF)
        problem = _try(image, engine=engine)
    if problem:
        raise SetupFailed(f"{engine} cannot start a container of {image} on this machine: {problem}")


def _try(image: str, *, engine: str) -> str:
    """What is wrong when a container is started as molecule will; empty when nothing is."""
    trial = subprocess.run(
        [engine, "run", "--rm", "--cgroupns=private", "--privileged", image, "/bin/true"],
        capture_output=True,
        text=True,
        check=False,
    )
    return trial.stderr.strip() if trial.returncode != 0 else ""
