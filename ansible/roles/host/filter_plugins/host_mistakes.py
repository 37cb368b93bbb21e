"""Says in sentences what a host lacks; looks at everything, changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Facts = dict[str, Any]

#: The oldest that the units were tried on.
LEAST_SYSTEMD = 252


def mistakes(look: Facts, *, facts: Facts, wanted: Facts) -> list[str]:
    """Every lack, one sentence each; empty when the host is as wanted.

    `look` comes from the module host_look, `facts` are Ansible's, `wanted` holds the role's variables
    without their prefix.
    """
    seen = {"look": look, "facts": facts, "wanted": wanted}
    return [sentence for check in CHECKS for sentence in check(seen)]


def _system(seen: Facts) -> Iterator[str]:
    facts, supported = seen["facts"], seen["wanted"]["distributions"]
    name, release = str(facts["distribution"]), str(facts["distribution_major_version"])
    if release not in map(str, supported.get(name, [])):
        tested = ", ".join(f"{known} {' and '.join(map(str, of))}" for known, of in supported.items())
        yield (
            f"The host runs {name} {release}; the service is tested on {tested}. "
            "Take such a host, or add it to host_distributions."
        )


def _service_manager(seen: Facts) -> Iterator[str]:
    facts = seen["facts"]
    if facts["service_mgr"] != "systemd":
        return
    version = int(facts.get("systemd", {}).get("version", LEAST_SYSTEMD))
    if version < LEAST_SYSTEMD:
        yield f"systemd is version {version}; the units need {LEAST_SYSTEMD} or newer. Upgrade the host."


def _python(seen: Facts) -> Iterator[str]:
    found, supported = str(seen["look"]["python"]), [str(version) for version in seen["wanted"]["pythons"]]
    if not found:
        yield f"There is no python3 on the host; install Python {' or '.join(supported)}."
    elif ".".join(found.split(".")[:2]) not in supported:
        yield (
            f"The host's python3 is {found}; the release brings packages for {' and '.join(supported)}. "
            f"Build the release for it, or take another host."
        )


def _memory(seen: Facts) -> Iterator[str]:
    found, least = int(seen["look"]["memory_mb"]), int(seen["wanted"]["least_memory_mb"])
    if found < least:
        yield f"The host has {found} MB of memory; it needs {least} (host_least_memory_mb)."


def _disk(seen: Facts) -> Iterator[str]:
    least = int(seen["wanted"]["least_disk_mb"])
    for folder, free in seen["look"]["disk_free_mb"].items():
        if free < least:
            yield f"{free} MB are free at {folder}; it needs {least} (host_least_disk_mb). Make room."


def _clock(seen: Facts) -> Iterator[str]:
    skew, most = float(seen["look"]["clock_skew_seconds"]), float(seen["wanted"]["most_clock_skew_seconds"])
    if abs(skew) > most:
        direction = "ahead of" if skew > 0 else "behind"
        yield (
            f"The clock of the host is {abs(skew):.0f} s {direction} the controller's; at most {most:.0f} s "
            "are fine (host_most_clock_skew_seconds). Set the clocks, and keep host_time_sync on."
        )


CHECKS: tuple[Callable[[Facts], Iterator[str]], ...] = (
    _system,
    _service_manager,
    _python,
    _memory,
    _disk,
    _clock,
)


class FilterModule:
    """What Ansible asks for the filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filters by their names."""
        return {"host_mistakes": mistakes}
