"""What provokes each alert about hosts and their servers, in the series of Debian's exporters."""

from __future__ import annotations

from tests.ansible.monitoring.cases import Case

DISK = 'instance="a",mountpoint="/",fstype="ext4"}'

HOSTS = [
    Case(alert="ExporterDown", series={'up{instance="a",job="node"}': "1x5 0x20"}, quiet=10, fires=11),
    Case(
        alert="DiskFills",
        series={
            f"node_filesystem_avail_bytes{{{DISK}": "5x20",
            f"node_filesystem_size_bytes{{{DISK}": "100x20",
        },
        quiet=14,
        fires=15,
    ),
    Case(
        alert="DiskFills",
        series={
            f"node_filesystem_avail_bytes{{{DISK}": "29-0.1x60",
            f"node_filesystem_size_bytes{{{DISK}": "100x60",
        },
        quiet=10,
        fires=20,
    ),
    Case(
        alert="MemoryShort",
        series={
            'node_memory_MemAvailable_bytes{instance="a"}': "4x20",
            'node_memory_MemTotal_bytes{instance="a"}': "100x20",
        },
        quiet=9,
        fires=10,
    ),
    Case(
        alert="KilledForMemory", series={'node_vmstat_oom_kill{instance="a"}': "7x5 8x20"}, quiet=5, fires=7
    ),
    Case(
        alert="ClockAdrift", series={'node_timex_offset_seconds{instance="a"}': "-2x30"}, quiet=14, fires=15
    ),
    Case(alert="ClockAdrift", series={'node_timex_sync_status{instance="a"}': "0x30"}, quiet=14, fires=15),
    Case(
        alert="UnitFailed",
        series={'node_systemd_unit_state{instance="a",name="x.service",state="failed"}': "0x5 1x20"},
        quiet=10,
        fires=11,
    ),
    Case(alert="RedisDown", series={'redis_up{instance="a"}': "1x5 0x9"}, quiet=6, fires=7),
    Case(
        alert="RedisNotWritten",
        series={'redis_aof_last_write_status{instance="a"}': "1x5 0x9"},
        quiet=6,
        fires=7,
    ),
    Case(
        alert="RedisMemory",
        series={
            'redis_memory_used_bytes{instance="a"}': "90x20",
            'redis_memory_max_bytes{instance="a"}': "100x20",
        },
        quiet=9,
        fires=10,
    ),
    Case(
        alert="RedisMemory",
        series={
            'redis_memory_used_bytes{instance="a"}': "90x20",
            'redis_memory_max_bytes{instance="a"}': "0x20",
        },
        quiet=15,
    ),
    Case(alert="PostgresqlDown", series={'pg_up{instance="a"}': "1x5 0x9"}, quiet=6, fires=7),
    Case(
        alert="PostgresqlConnections",
        series={
            'pg_stat_activity_count{instance="a",datname="groundwork",state="active"}': "20x20",
            'pg_stat_activity_count{instance="a",datname="groundwork",state="idle"}': "70x20",
            'pg_settings_max_connections{instance="a"}': "100x20",
        },
        quiet=9,
        fires=10,
    ),
    Case(
        alert="PostgresqlLongTransaction",
        series={'pg_stat_activity_max_tx_duration{instance="a",datname="d",state="active"}': "3500+60x20"},
        quiet=6,
        fires=7,
    ),
    Case(alert="NginxDown", series={'nginx_up{instance="a"}': "1x5 0x9"}, quiet=7, fires=8),
]
