"""What provokes an alert, and what does not yet: series as promtool has them, by minute."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

#: Two APIs tell the same, and are to be heard as one.
INSTANCES = ("one", "two")
DAY = 86_400
UP = {'up{job="groundwork"}': "1x100"}


@dataclass(frozen=True)
class Case:
    """After `quiet` minutes nothing has fired, after `fires` minutes `count` alerts have."""

    alert: str
    #: Name and labels to values; each is of both APIs, where it names no instance.
    series: dict[str, str]
    _: KW_ONLY
    quiet: int | None = None
    fires: int | None = None
    count: int = 1
    #: The rules are looked at each so many minutes, more than one for what takes a day; below five, for which
    #: a recorded series stands.
    every: int = 1
    #: Which of several alerts of that name.
    labels: str = ""

    @property
    def instances(self) -> dict[str, str]:
        """The series by instance."""
        found: dict[str, str] = {}
        for series, values in self.series.items():
            for instance in INSTANCES if "instance=" not in series else ("",):
                name, _, labels = series.partition("{")
                own = f'{{instance="{instance}",{labels or "}"}' if instance else f"{{{labels}"
                found[f"{name}{own}"] = values
        return found


def failing(outcome: str, *, values: str) -> dict[str, str]:
    """Attempts of a task that ended so."""
    return {f'groundwork_attempts_total{{outcome="{outcome}",task="t",queue="emails"}}': values}


def waited(queue: str, *, within: str, bound: str) -> dict[str, str]:
    """Ten jobs a minute, of which so many waited no longer than `bound`."""
    name = f'groundwork_job_wait_seconds_bucket{{task="t",queue="{queue}",le='
    return {f'{name}"{bound}"}}': f"0+{within}x90", f'{name}"+Inf"}}': "0+10x90"}


def standing(*, running: str) -> dict[str, str]:
    """A queue whose oldest job waits ever longer."""
    return {
        'groundwork_queue_oldest_ready_seconds{queue="emails"}': "0+60x30",
        'groundwork_jobs{state="running",task="t",queue="emails"}': running,
        **failing("done", values="0x30"),
    }


def paused(*, seconds: str) -> dict[str, str]:
    """The same queue, which somebody has paused for so long."""
    return {'groundwork_queue_paused_seconds{queue="emails"}': seconds}


def ending(*, after: int, lifetime: int) -> dict[str, str]:
    """A certificate that ends so many seconds after the beginning."""
    labels = '{instance="a",place="127.0.0.1:443"}'
    return {
        f"upkeep_certificate_end_timestamp_seconds{labels}": f"{after}x60",
        f"upkeep_certificate_lifetime_seconds{labels}": f"{lifetime}x60",
    }
