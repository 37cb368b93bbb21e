"""libvirt for the virtual machine of a test: the one that runs on this machine, or one for the time being."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from packages import Package, SetupFailed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Files(Package):
    """A package that is seen by its files: `command` is a pattern of theirs."""

    @property
    def is_present(self) -> bool:
        """Whether nothing needs to be installed."""
        return any(Path("/").glob(self.command.removeprefix("/")))


PACKAGES = (
    Package(name="vagrant", what="Vagrant", command="vagrant"),
    Files(
        name="vagrant-libvirt",
        what="Vagrant's plugin for libvirt",
        command="/usr/share/rubygems-integration/all/gems/vagrant-libvirt-*",
    ),
    Package(name="libvirt-daemon-system", what="libvirt", command="libvirtd"),
    Package(name="libvirt-clients", what="virsh", command="virsh"),
    Package(name="qemu-system-x86", what="QEMU", command="qemu-system-x86_64"),
    Package(name="dnsmasq-base", what="dnsmasq", command="dnsmasq"),
    Package(name="iptables", what="iptables", command="iptables"),
    Package(name="openssh-client", what="ssh", command="ssh"),
)
#: What scripts/build-box takes.
BOX_PACKAGES = (
    Package(name="mmdebstrap", what="mmdebstrap", command="mmdebstrap"),
    Package(name="e2fsprogs", what="mke2fs", command="mke2fs"),
    Package(name="fdisk", what="sfdisk", command="sfdisk"),
    Package(name="grub-common", what="grub-mkimage", command="grub-mkimage"),
    Files(name="grub-pc-bin", what="GRUB", command="/usr/lib/grub/i386-pc/boot.img"),
    Package(name="qemu-utils", what="qemu-img", command="qemu-img"),
)
START = timedelta(seconds=30)
#: QEMU as root: else libvirt, which may open /dev/kvm where QEMU's user may not, looks at QEMU anew a dozen
#: times for each machine, a minute and more. No control groups, no daemon for logs: nobody is there for them.
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""
#: Settings and state of this machine's own libvirt stay out of sight, and as they are. It ends with us.
_START = """
for place in etc:/etc/libvirt lib:/var/lib/libvirt log:/var/log/libvirt; do
    mount --bind "$0/${place%%:*}" "${place#*:}"
done
exec setpriv --pdeathsig TERM libvirtd
"""


@contextmanager
def hypervisor(folder: Path) -> Iterator[None]:
    """Run what is inside with libvirt there; what was started for it is gone after it."""
    if _answers():
        yield
        return
    if Path("/run/systemd/system").is_dir() or os.geteuid() != 0:
        raise SetupFailed(
            "libvirt does not answer at qemu:///system. Run `sudo systemctl start libvirtd`; to be let in, "
            "run `sudo adduser $USER libvirt` and log in again."
        )
    with _firewall_restored():
        daemon = _start(folder)
        try:
            yield
        finally:
            _clear()
            daemon.terminate()
            daemon.wait()
            shutil.rmtree(folder)


def _start(folder: Path) -> subprocess.Popen[bytes]:
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("etc", "lib/images", "log/qemu"):
        (folder / name).mkdir(parents=True)
    (folder / "etc" / "qemu.conf").write_text(QEMU_CONF)
    for default in ("libvirtd.conf", "libvirt.conf"):
        shutil.copy(Path("/etc/libvirt") / default, folder / "etc")
    Path("/run/libvirt").mkdir(exist_ok=True)
    with (folder / "libvirtd.log").open("wb") as log:
        daemon = subprocess.Popen(
            ["unshare", "--mount", "sh", "-ec", _START, folder], stdout=log, stderr=subprocess.STDOUT
        )
    deadline = time.monotonic() + START.total_seconds()
    while not _answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.kill()
            raise SetupFailed(f"libvirtd did not start: {(folder / 'libvirtd.log').read_text()[-1000:]}")
        time.sleep(0.2)
    return daemon


def _answers() -> bool:
    return subprocess.run(_virsh("version"), capture_output=True, check=False).returncode == 0


def _virsh(*arguments: str) -> list[str]:
    return ["virsh", "--quiet", "--connect", "qemu:///system", *arguments]


def _clear() -> None:
    """Machines and networks outlive their libvirt, so they go first. In one of our own all are ours."""
    for listed, destroy in (("list", "destroy"), ("net-list", "net-destroy")):
        names = subprocess.run(_virsh(listed, "--name"), capture_output=True, text=True, check=False).stdout
        for name in names.split():
            subprocess.run(_virsh(destroy, name), capture_output=True, check=False)


@contextmanager
def _firewall_restored() -> Iterator[None]:
    """libvirt leaves empty chains of rules behind; those that were not there before are taken away."""
    tables = [(tool, table) for tool in ("iptables", "ip6tables") for table in ("filter", "nat", "mangle")]
    before = {place: _rules(*place) for place in tables}
    try:
        yield
    finally:
        for tool, table in tables:
            added = [
                rule for rule in _rules(tool, table) if "LIBVIRT_" in rule and rule not in before[tool, table]
            ]
            # A chain can be deleted when nothing leads to it and it is empty: first rules, then chains.
            for old, new in (("-A", "-D"), ("-N", "-X")):
                for rule in added:
                    if rule.startswith(old):
                        subprocess.run([tool, "-w", "-t", table, new, *rule.split()[1:]], check=False)


def _rules(tool: str, table: str) -> list[str]:
    command = [tool, "-w", "-t", table, "-S"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def driver() -> str:
    """`kvm` where the processor and this user allow it; else `qemu`, emulation, ten times slower."""
    flags = Path("/proc/cpuinfo").read_text().split()
    usable = {"vmx", "svm"} & set(flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)
    return "kvm" if usable else "qemu"
