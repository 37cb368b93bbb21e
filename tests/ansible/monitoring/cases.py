"""What provokes each alert of the service, and what does not yet: series as promtool has them, by minute."""

from __future__ import annotations

from dataclasses import dataclass

#: Two APIs tell the same, and are to be heard as one.
INSTANCES = ("one", "two")
UP = {'up{job="groundwork"}': "1x100"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """After `quiet` minutes nothing has fired, after `fires` minutes `count` alerts have."""

    alert: str
    #: Name and labels to values; each is of both APIs, where it names no instance.
    series: dict[str, str]
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


#: Within 2.5 s each for a day, and then no more.
SLOWER = {
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="2.5"}': "0+10x1440 14400x100",
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="10.0"}': "0+10x1540",
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="+Inf"}': "0+10x1540",
    'groundwork_job_run_seconds_count{task="t",queue="emails"}': "0+10x1540",
}
DEAD = 'groundwork_jobs_finished_total{state="dead",task="t",queue="emails"}'

SERVICE = [
    Case(
        alert="JobsOverdue", series={'groundwork_jobs_overdue{reason="lost"}': "0x5 1x10"}, quiet=7, fires=8
    ),
    Case(alert="QueueStands", series=standing(running="0x30"), quiet=11, fires=13),
    Case(alert="QueueStands", series=standing(running="1x30"), quiet=25),
    Case(alert="NewDead", series={DEAD: "0x5 1x30"}, quiet=5, fires=7),
    Case(alert="NewDead", series={DEAD: "0x5 1x30"}, quiet=30),
    Case(
        alert="DeadWait",
        series={'groundwork_jobs{state="dead",task="t",queue="emails"}': "3x1500"},
        quiet=1436,
        fires=1440,
        every=4,
    ),
    Case(
        alert="FailureRatio",
        series=failing("failed", values="0+1x40") | failing("done", values="0+4x40"),
        quiet=10,
        fires=20,
    ),
    Case(
        alert="FailureRatio",
        series=failing("failed", values="0x5 1x35") | failing("done", values="0x20 1x20"),
        quiet=30,
    ),
    Case(alert="TaskSlower", series=SLOWER, quiet=1440, fires=1528, every=4),
    Case(alert="NoMetrics", series={'up{job="groundwork"}': "1x5 0x10"}, quiet=7, fires=8, count=2),
    Case(alert="NoMetrics", series={}, quiet=1, fires=2),
    Case(
        alert="NoWorkers",
        series=UP | {'groundwork_workers{node="bulk@a",release="r"}': "1x5 stale"},
        labels='pool=""',
        quiet=7,
        fires=8,
    ),
    Case(alert="NoWorkers", series={'up{job="groundwork"}': "0x20"}, quiet=15),
    Case(
        alert="NoWorkers",
        series=UP
        | {
            'groundwork_workers{node="bulk@a",release="r"}': "1x5 stale",
            'groundwork_workers{node="standard@a",release="r"}': "4x20",
            'groundwork_workers{node="outside@a",release="r"}': "16x20",
        },
        quiet=7,
        fires=8,
    ),
    Case(alert="NoBeat", series=UP | {'groundwork_beat_leader{node="a"}': "1x5 stale"}, quiet=7, fires=8),
    Case(alert="WorkersLost", series=failing("lost", values="0x5 1x20"), quiet=5, fires=8),
    Case(alert="BrokerDown", series={"groundwork_broker_up": "1x5 0x10"}, quiet=6, fires=8),
    Case(alert="PutAside", series={"groundwork_messages_put_aside_total": "0x5 1x20"}, quiet=5, fires=7),
    Case(
        alert="TwoReleases",
        series={f'groundwork_workers{{node="bulk@a",release="{one}"}}': "1x90" for one in ("old", "new")},
        quiet=59,
        fires=60,
    ),
    Case(alert="RollUpStands", series={"groundwork_rolled_up_timestamp_seconds": "0x20"}, quiet=10, fires=12),
    Case(
        alert="UncertainDeliveries",
        series={'groundwork_deliveries{channel="email",state="uncertain"}': "2x20"},
        quiet=9,
        fires=10,
    ),
    Case(alert="DeliveriesStuck", series={"groundwork_deliveries_stuck": "1x20"}, quiet=9, fires=10),
    Case(alert="Watchdog", series={}, fires=1),
    Case(
        alert="ScheduleMissed",
        series={'groundwork_schedule_missed{schedule="s"}': "0x5 1x9"},
        quiet=5,
        fires=6,
    ),
    Case(
        alert="ScheduleLate",
        series={'groundwork_schedule_due_timestamp_seconds{schedule="s"}': "0x20"},
        quiet=5,
        fires=6,
    ),
    Case(
        alert="ScheduleOverdue",
        series={'groundwork_schedule_overdue{schedule="s"}': "0x5 1x9"},
        quiet=5,
        fires=6,
    ),
    Case(
        alert="ScheduleNotFired",
        series={'groundwork_schedule_not_fired{schedule="s"}': "0x5 1x9"},
        quiet=9,
        fires=11,
    ),
    Case(
        alert="QueueLatency",
        series={'groundwork_queue_oldest_ready_seconds{queue="emails"}': "0+60x30"},
        quiet=6,
        fires=7,
    ),
    Case(
        alert="QueueLatency",
        series={'groundwork_queue_oldest_ready_seconds{queue="invoices"}': "0+60x30"},
        quiet=20,
        fires=21,
    ),
    Case(alert="WaitBudget", series=waited("emails", within="8", bound="60.0"), quiet=1, fires=6),
    Case(alert="WaitBudget", series=waited("emails", within="9", bound="60.0"), quiet=80),
    Case(alert="WaitBudget", series=waited("invoices", within="8", bound="900.0"), quiet=1, fires=6),
]
