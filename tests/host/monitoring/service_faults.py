"""What goes wrong with the service. `{python}` runs a line as the service, `{sql}` asks PostgreSQL."""

from __future__ import annotations

from tests.host.monitoring.faults import Fault, alert

STORE, FIRST, SECOND = ("store",), ("first",), ("second",)
BOTH = (*FIRST, *SECOND)
UNITS = "groundwork-beat groundwork-worker@standard groundwork-worker@outside groundwork-worker@bulk"
#: As long as it is there, a task of the rehearsal fails.
BROKEN = "/var/lib/groundwork/rehearsal-broken"
POOLS = ("standard", "outside", "bulk")


def submit(task: str, *, count: int, arguments: str = "") -> str:
    """Accept so many jobs of a task of the rehearsal."""
    line = f"import app.celery_app; from app.rehearsal.tasks import {task} as task"
    return f'{{python}} "{line}; [task.delay({arguments}) for _ in range({count})]"'


def schedule(name: str, *, options: str) -> str:
    """Create one that does nothing."""
    return f"groundwork schedules create {name} --task rehearsal.nap --arg seconds=0 {options}"


#: Everybody who works is away, while there is work.
STANDING = (
    Fault(
        FIRST,
        schedule("rehearsal-late", options="--every 10s --misfire skip --grace 5s"),
        "true",
        tidy="groundwork schedules delete rehearsal-late",
    ),
    Fault(
        BOTH,
        f"systemctl stop {UNITS}",
        f"systemctl start {UNITS}",
        alerts=(
            alert("NoBeat"),
            alert("NoWorkers"),
            *(alert("NoWorkers", pool=pool) for pool in POOLS),
            alert("RollUpStands"),
            alert("ScheduleLate", schedule="rehearsal-late"),
        ),
    ),
    Fault(
        FIRST,
        "; ".join(
            (
                submit("nap", count=3, arguments="0"),
                submit("work", count=3, arguments="0"),
                # Nobody brings it forward.
                "groundwork jobs submit rehearsal.nap --arg seconds=0 --in 1s",
            )
        ),
        alerts=(
            alert("QueueStands", queue="maintenance"),
            *(alert("QueueLatency", pool=pool) for pool in ("outside", "bulk")),
            alert("JobsOverdue"),
        ),
        afterwards=(alert("WaitBudget", pool="outside"), alert("WaitBudget", pool="bulk")),
    ),
    Fault(
        STORE,
        "true",
        afterwards=(alert("ScheduleMissed", schedule="rehearsal-late"),),
        tidy="{sql} \"DELETE FROM schedule_run WHERE outcome = 'missed'\"",
    ),
)

DELIVERIES = """{sql} "
INSERT INTO delivery (key, channel, recipient, subject, content, state, calls, created_at, changed_at)
SELECT 'rehearsal-' || state, 'email', 'ann', 'Hello', '{{}}', state, 1, now(), now()
FROM unnest(ARRAY['uncertain', 'sending']) AS state" """
ANOTHER_RELEASE = """
unit=groundwork-worker@standard.service; folder=/run/systemd/system/$unit.d; mkdir -p $folder
printf '[Service]\\nEnvironment=GROUNDWORK_RELEASE=rehearsal\\n' > $folder/rehearsal.conf
systemctl daemon-reload; systemctl restart groundwork-worker@standard
"""
ONE_RELEASE = """
unit=groundwork-worker@standard.service; rm -r /run/systemd/system/$unit.d
systemctl daemon-reload; systemctl restart groundwork-worker@standard
"""
GARBAGE = (
    "import pathlib, redis; url = pathlib.Path('/etc/groundwork/credentials/redis_url').read_text().strip();"
    " redis.Redis.from_url(url).lpush('groundwork:maintenance', 'garbage')"
)
FAILING = (
    Fault(
        FIRST,
        schedule("rehearsal-overdue", options="--cron '0 0 1 1 *' --success-within 10s"),
        "groundwork schedules delete rehearsal-overdue",
        alerts=(alert("ScheduleOverdue", schedule="rehearsal-overdue"),),
    ),
    Fault(
        FIRST,
        schedule("rehearsal-wrong", options="--every 10s"),
        "groundwork schedules delete rehearsal-wrong",
    ),
    Fault(
        STORE,
        "{sql} \"UPDATE schedule SET task = 'rehearsal.none' WHERE name = 'rehearsal-wrong'\"",
        alerts=(alert("ScheduleNotFired", schedule="rehearsal-wrong"),),
    ),
    Fault(
        STORE,
        DELIVERIES,
        "{sql} \"DELETE FROM delivery WHERE key LIKE 'rehearsal-%'\"",
        alerts=(alert("UncertainDeliveries"), alert("DeliveriesStuck")),
    ),
    Fault(FIRST, ANOTHER_RELEASE, ONE_RELEASE, alerts=(alert("TwoReleases"),)),
    Fault(BOTH, f"touch {BROKEN}", f"rm {BROKEN}"),
    Fault(
        FIRST,
        submit("fail", count=40),
        "groundwork jobs retry --dead --task rehearsal.fail --yes",
        alerts=(
            alert("NewDead", task="rehearsal.fail"),
            alert("DeadWait"),
            alert("FailureRatio", task="rehearsal.fail"),
        ),
    ),
    Fault(FIRST, '{python} "' + GARBAGE + '"', "groundwork quarantine clear", alerts=(alert("PutAside"),)),
    Fault(FIRST, submit("work", count=12, arguments="15")),
    Fault(
        BOTH,
        "sleep 2; pkill -KILL --newest --parent $(cat /run/groundwork-worker-bulk/worker.pid)",
        alerts=(alert("WorkersLost"),),
    ),
)
#: Fast for as long as is looked back, and then slow.
STREAMS = (
    "import app.celery_app, time; from app.rehearsal.tasks import nap;"
    " [(nap.delay(0.01), time.sleep(0.3)) for _ in range(120)];"
    " [(nap.delay(1.5), time.sleep(0.1)) for _ in range(200)]"
)
SLOWER = (Fault(FIRST, f'{{python}} "{STREAMS}"', alerts=(alert("TaskSlower", task="rehearsal.nap"),)),)
