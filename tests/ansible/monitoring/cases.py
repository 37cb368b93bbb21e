"""What provokes each alert: of the service, and of hosts and their servers."""

from __future__ import annotations

from tests.ansible.monitoring.case import DAY, UP, Case, ending, failing, paused, standing, waited

#: Within 2.5 s each for a day, and then no more.
SLOWER = {
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="2.5"}': "0+10x1440 14400x100",
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="10.0"}': "0+10x1540",
    'groundwork_job_run_seconds_bucket{task="t",queue="emails",le="+Inf"}': "0+10x1540",
    'groundwork_job_run_seconds_count{task="t",queue="emails"}': "0+10x1540",
}
DEAD = 'groundwork_jobs_finished_total{state="dead",task="t",queue="emails"}'
DISK = 'instance="a",mountpoint="/",fstype="ext4"}'

CASES = [
    Case("JobsOverdue", {'groundwork_jobs_overdue{reason="lost"}': "0x5 1x10"}, quiet=7, fires=8),
    Case("QueueStands", standing(running="0x30"), quiet=11, fires=13),
    Case("QueueStands", standing(running="1x30"), quiet=25),
    Case("QueueStands", standing(running="0x30") | paused(seconds="0+60x30"), quiet=30),
    Case("QueuePaused", paused(seconds="14000+60x20"), quiet=6, fires=8),
    Case("NewDead", {DEAD: "0x5 1x30"}, quiet=5, fires=7),
    Case("NewDead", {DEAD: "0x5 1x30"}, quiet=30),
    Case(
        "DeadWait",
        {'groundwork_jobs{state="dead",task="t",queue="emails"}': "3x1500"},
        quiet=1436,
        fires=1440,
        every=4,
    ),
    Case(
        "FailureRatio",
        failing("failed", values="0+1x40") | failing("done", values="0+4x40"),
        quiet=10,
        fires=20,
    ),
    Case(
        "FailureRatio", failing("failed", values="0x5 1x35") | failing("done", values="0x20 1x20"), quiet=30
    ),
    Case("TaskSlower", SLOWER, quiet=1440, fires=1528, every=4),
    Case("NoMetrics", {'up{job="groundwork"}': "1x5 0x10"}, quiet=7, fires=8, count=2),
    Case("NoMetrics", {}, quiet=1, fires=2),
    Case(
        "NoWorkers",
        UP | {'groundwork_workers{node="bulk@a",release="r"}': "1x5 stale"},
        labels='pool=""',
        quiet=7,
        fires=8,
    ),
    Case("NoWorkers", {'up{job="groundwork"}': "0x20"}, quiet=15),
    Case(
        "NoWorkers",
        UP
        | {
            'groundwork_workers{node="bulk@a",release="r"}': "1x5 stale",
            'groundwork_workers{node="standard@a",release="r"}': "4x20",
            'groundwork_workers{node="outside@a",release="r"}': "16x20",
        },
        quiet=7,
        fires=8,
    ),
    Case("NoBeat", UP | {'groundwork_beat_leader{node="a"}': "1x5 stale"}, quiet=7, fires=8),
    Case("WorkersLost", failing("lost", values="0x5 1x20"), quiet=5, fires=8),
    Case("BrokerDown", {"groundwork_broker_up": "1x5 0x10"}, quiet=6, fires=8),
    Case("PutAside", {"groundwork_messages_put_aside_total": "0x5 1x20"}, quiet=5, fires=7),
    Case(
        "TwoReleases",
        {f'groundwork_workers{{node="bulk@a",release="{one}"}}': "1x90" for one in ("old", "new")},
        quiet=59,
        fires=60,
    ),
    Case("RollUpStands", {"groundwork_rolled_up_timestamp_seconds": "0x20"}, quiet=10, fires=12),
    Case(
        "UncertainDeliveries",
        {'groundwork_deliveries{channel="email",state="uncertain"}': "2x20"},
        quiet=9,
        fires=10,
    ),
    Case("DeliveriesStuck", {"groundwork_deliveries_stuck": "1x20"}, quiet=9, fires=10),
    Case("Watchdog", {}, fires=1),
    Case("ScheduleMissed", {'groundwork_schedule_missed{schedule="s"}': "0x5 1x9"}, quiet=5, fires=6),
    Case(
        "ScheduleLate", {'groundwork_schedule_due_timestamp_seconds{schedule="s"}': "0x20"}, quiet=5, fires=6
    ),
    Case("ScheduleOverdue", {'groundwork_schedule_overdue{schedule="s"}': "0x5 1x9"}, quiet=5, fires=6),
    Case("ScheduleNotFired", {'groundwork_schedule_not_fired{schedule="s"}': "0x5 1x9"}, quiet=9, fires=11),
    Case(
        "QueueLatency", {'groundwork_queue_oldest_ready_seconds{queue="emails"}': "0+60x30"}, quiet=6, fires=7
    ),
    Case(
        "QueueLatency",
        {'groundwork_queue_oldest_ready_seconds{queue="emails"}': "0+60x30"} | paused(seconds="0+60x30"),
        quiet=30,
    ),
    Case(
        "QueueLatency",
        {'groundwork_queue_oldest_ready_seconds{queue="invoices"}': "0+60x30"},
        quiet=20,
        fires=21,
    ),
    Case("WaitBudget", waited("emails", within="8", bound="60.0"), quiet=1, fires=6),
    Case("WaitBudget", waited("emails", within="9", bound="60.0"), quiet=80),
    Case("WaitBudget", waited("invoices", within="8", bound="900.0"), quiet=1, fires=6),
    # Of hosts and their servers.
    Case("ExporterDown", {'up{instance="a",job="node"}': "1x5 0x20"}, quiet=10, fires=11),
    Case(
        "DiskFills",
        {f"node_filesystem_avail_bytes{{{DISK}": "5x20", f"node_filesystem_size_bytes{{{DISK}": "100x20"},
        quiet=14,
        fires=15,
    ),
    Case(
        "DiskFills",
        {
            f"node_filesystem_avail_bytes{{{DISK}": "29-0.1x60",
            f"node_filesystem_size_bytes{{{DISK}": "100x60",
        },
        quiet=10,
        fires=20,
    ),
    Case(
        "MemoryShort",
        {
            'node_memory_MemAvailable_bytes{instance="a"}': "4x20",
            'node_memory_MemTotal_bytes{instance="a"}': "100x20",
        },
        quiet=9,
        fires=10,
    ),
    Case("KilledForMemory", {'node_vmstat_oom_kill{instance="a"}': "7x5 8x20"}, quiet=5, fires=7),
    Case("ClockAdrift", {'node_timex_offset_seconds{instance="a"}': "-2x30"}, quiet=14, fires=15),
    Case("ClockAdrift", {'node_timex_sync_status{instance="a"}': "0x30"}, quiet=14, fires=15),
    Case(
        "UnitFailed",
        {'node_systemd_unit_state{instance="a",name="x.service",state="failed"}': "0x5 1x20"},
        quiet=10,
        fires=11,
    ),
    Case("RedisDown", {'redis_up{instance="a"}': "1x5 0x9"}, quiet=6, fires=7),
    Case("RedisNotWritten", {'redis_aof_last_write_status{instance="a"}': "1x5 0x9"}, quiet=6, fires=7),
    Case(
        "RedisMemory",
        {'redis_memory_used_bytes{instance="a"}': "90x20", 'redis_memory_max_bytes{instance="a"}': "100x20"},
        quiet=9,
        fires=10,
    ),
    Case(
        "RedisMemory",
        {'redis_memory_used_bytes{instance="a"}': "90x20", 'redis_memory_max_bytes{instance="a"}': "0x20"},
        quiet=15,
    ),
    Case("PostgresqlDown", {'pg_up{instance="a"}': "1x5 0x9"}, quiet=6, fires=7),
    Case(
        "PostgresqlConnections",
        {
            'pg_stat_activity_count{instance="a",datname="groundwork",state="active"}': "20x20",
            'pg_stat_activity_count{instance="a",datname="groundwork",state="idle"}': "70x20",
            'pg_settings_max_connections{instance="a"}': "100x20",
        },
        quiet=9,
        fires=10,
    ),
    Case(
        "PostgresqlLongTransaction",
        {'pg_stat_activity_max_tx_duration{instance="a",datname="d",state="active"}': "3500+60x20"},
        quiet=6,
        fires=7,
    ),
    Case("NginxDown", {'nginx_up{instance="a"}': "1x5 0x9"}, quiet=7, fires=8),
    Case(
        "BackupOld",
        {
            'upkeep_backup_made_timestamp_seconds{instance="a"}': "0x60",
            'upkeep_backup_max_age_seconds{instance="a"}': "1800x60",
        },
        quiet=45,
        fires=46,
    ),
    Case("BackupFailed", {'upkeep_backup_failed{instance="a"}': "0x5 1x30"}, quiet=20, fires=21),
    Case("CertificateNear", ending(after=13 * DAY, lifetime=90 * DAY), quiet=14, fires=15),
    Case("CertificateNear", ending(after=15 * DAY, lifetime=90 * DAY), quiet=30),
    Case("CertificateNear", ending(after=3 * DAY, lifetime=7 * DAY), quiet=30),
    Case("UpkeepUnknown", {'node_textfile_mtime_seconds{instance="a",file="f"}': "0x60"}, quiet=45, fires=46),
    Case("UpkeepUnknown", {'node_textfile_scrape_error{instance="a"}': "1x60"}, quiet=14, fires=15),
]
