"""What goes wrong with a host, and with the servers on it. `{redis}` asks Redis, `{sql}` PostgreSQL."""

from __future__ import annotations

from tests.host.monitoring.faults import Fault, alert

STORE, FIRST, SECOND = ("store",), ("first",), ("second",)
UPKEEP = "systemctl start upkeep-groundwork.service"
BACKUPS, ANNOUNCED = "/var/backups/groundwork", "/var/lib/groundwork-backup/status.json"
#: A disk of its own, so that none of others is filled.
DISK = "/srv/rehearsal"
FILL_DISK = f"""
mkdir -p {DISK}
truncate --size 64M /root/disk && mkfs.ext4 -q /root/disk && mount -o loop /root/disk {DISK}
fallocate --length 50M {DISK}/full
"""
#: The exporter reads it in a namespace of its own. A container really short of memory takes all along.
LITTLE_MEMORY = """
sed 's/^MemAvailable:.*/MemAvailable: 1000 kB/' /proc/meminfo > /var/lib/rehearsal-meminfo
chmod 644 /var/lib/rehearsal-meminfo
nsenter --mount --target $(systemctl show --value --property MainPID node-exporter-groundwork) \\
    mount --bind /var/lib/rehearsal-meminfo /proc/meminfo
"""
#: It is ended by the kernel.
TAKE_MEMORY = """
systemd-run --wait --quiet --property MemoryMax=30M --property MemorySwapMax=0 \\
    /usr/bin/python3 -c 'x = bytearray(200_000_000)' || true
"""
NO_ROOM_FOR_BACKUPS = f"""
mount -t tmpfs -o size=16k,mode=0700 tmpfs {BACKUPS}
! groundwork-backup create && {UPKEEP}
"""
OLD_BACKUP = f"""
cp --preserve {ANNOUNCED} /root/announced
sed --in-place 's/"made_at": "20../"made_at": "2020/' {ANNOUNCED} && {UPKEEP}
"""
#: Ten days before its end, of ninety: `{certificate}` and `{key}` are PEM.
NEAR_CERTIFICATE = f"""
umask 077; data=$({{sql}} 'SHOW data_directory')
printf %s '{{certificate}}' > $data/rehearsal.pem; printf %s '{{key}}' > $data/rehearsal.key
chown postgres: $data/rehearsal.*
{{sql}} "ALTER SYSTEM SET ssl_cert_file = 'rehearsal.pem'"
{{sql}} "ALTER SYSTEM SET ssl_key_file = 'rehearsal.key'"
{{sql}} 'SELECT pg_reload_conf()'; {UPKEEP}
"""
OLD_CERTIFICATE = f"""
{{sql}} 'ALTER SYSTEM RESET ssl_cert_file'; {{sql}} 'ALTER SYSTEM RESET ssl_key_file'
{{sql}} 'SELECT pg_reload_conf()'; {UPKEEP}; rm $({{sql}} 'SHOW data_directory')/rehearsal.*
"""
HOSTS = (
    Fault(
        SECOND,
        "systemctl stop nginx",
        "systemctl start nginx",
        alerts=(alert("NginxDown", instance="second"), alert("NoMetrics", instance="second")),
    ),
    Fault(
        STORE,
        "systemctl stop postgres-exporter-groundwork",
        "systemctl start postgres-exporter-groundwork",
        alerts=(alert("ExporterDown", job="postgres"),),
    ),
    Fault(
        FIRST,
        "! systemd-run --quiet --wait --unit rehearsal-groundwork --property RemainAfterExit=yes /bin/false",
        "systemctl reset-failed rehearsal-groundwork",
        alerts=(alert("UnitFailed", name="rehearsal-groundwork.service"),),
    ),
    Fault(
        FIRST,
        FILL_DISK,
        f"umount {DISK}; rm /root/disk",
        alerts=(alert("DiskFills", mountpoint=DISK),),
    ),
    Fault(
        FIRST,
        LITTLE_MEMORY,
        "systemctl restart node-exporter-groundwork; rm /var/lib/rehearsal-meminfo",
        alerts=(alert("MemoryShort", instance="first"),),
    ),
    Fault(
        SECOND,
        OLD_BACKUP,
        f"mv /root/announced {ANNOUNCED}; {UPKEEP}",
        alerts=(alert("BackupOld", instance="second"),),
    ),
    Fault(
        STORE,
        NO_ROOM_FOR_BACKUPS,
        f"umount {BACKUPS}; groundwork-backup create; {UPKEEP}",
        alerts=(alert("BackupFailed", instance="store"),),
    ),
    Fault(STORE, NEAR_CERTIFICATE, OLD_CERTIFICATE, alerts=(alert("CertificateNear", instance="store"),)),
    Fault(
        FIRST,
        "systemctl stop upkeep-groundwork.timer",
        f"systemctl start upkeep-groundwork.timer; {UPKEEP}",
        alerts=(alert("UpkeepUnknown", instance="first"),),
    ),
    # At last, for it is told no longer than it is looked back.
    Fault(SECOND, TAKE_MEMORY, alerts=(alert("KilledForMemory"),)),
)

#: Nine tenths of what it may use.
FULL_REDIS = """
used=$({redis} INFO memory | tr -d '\\r' | awk -F: '/^used_memory:/ {{print $2}}')
{redis} CONFIG SET maxmemory $((used * 10 / 9))
"""
AS_BEFORE = (
    "{redis} CONFIG SET maxmemory $(awk '/^maxmemory / {{print $2}}' /etc/redis/redis-groundwork.conf)"
)
#: Takes all connections but some, and leaves a transaction open.
CONNECTIONS = """
cat > /root/connect.py <<'END'
import pathlib, psycopg, time
url = pathlib.Path("/etc/groundwork/credentials/database_url").read_text().strip()
first = psycopg.connect(url)
free = 170 - first.execute("SELECT count(*) FROM pg_stat_activity").fetchone()[0]
kept = [psycopg.connect(url) for _ in range(free)]
time.sleep(600)
END
systemd-run --quiet --unit rehearsal-connections /opt/groundwork/current/venv/bin/python /root/connect.py
"""
REDIS_DATA = "/var/lib/redis-groundwork"
#: On a disk of its own, which is filled once it runs.
REDIS_WITHOUT_DISK = f"""
systemctl stop redis-server@groundwork
mount -t tmpfs -o size=4M,mode=0750,uid=$(id -u redis),gid=$(id -g redis) tmpfs {REDIS_DATA}
systemctl start redis-server@groundwork
cat /dev/zero > {REDIS_DATA}/full || true
"""
REDIS_WITH_DISK = f"""
rm {REDIS_DATA}/full; systemctl stop redis-server@groundwork; umount {REDIS_DATA}
systemctl start redis-server@groundwork
"""
FULL = (
    Fault(STORE, FULL_REDIS, AS_BEFORE, alerts=(alert("RedisMemory"),)),
    Fault(
        FIRST,
        CONNECTIONS,
        "systemctl stop rehearsal-connections; rm /root/connect.py",
        alerts=(alert("PostgresqlConnections"), alert("PostgresqlLongTransaction", datname="groundwork")),
    ),
)
UNWRITTEN = (Fault(STORE, REDIS_WITHOUT_DISK, REDIS_WITH_DISK, alerts=(alert("RedisNotWritten"),)),)
AWAY = (
    Fault(
        STORE,
        "systemctl stop redis-server@groundwork",
        "systemctl start redis-server@groundwork",
        alerts=(alert("RedisDown"), alert("BrokerDown")),
    ),
)
DATABASE = (
    Fault(
        STORE,
        "systemctl stop {postgresql}",
        "systemctl start {postgresql}",
        alerts=(alert("PostgresqlDown"),),
    ),
)
