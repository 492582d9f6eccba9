"""Prints all that a rollback has to bring back of this machine, one JSON list [what, name, value] for each line.

Times are left out: a path that was put back has a new one, or the old one, and neither is wrong here.
"""

import fcntl, hashlib, json, os, stat, struct, subprocess, sys

# What changes by itself, or with everything that is done: logs, caches, databases of packages (asked of rpm instead).
AWAY = {
    "/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache", "/var/lib/rpm", "/var/lib/dnf", "/var/lib/yum",
    "/var/lib/systemd", "/var/lib/palinode", "/usr/lib/sysimage/rpm", "/etc/ld.so.cache", "/root/.cache", "/var/spool/cron/atjobs",
    "/etc/machine-id", "/lost+found",
}
# The flags of a file that a person or a program sets: undeletable, immutable, append-only, no dump and their like.
FLAGS = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x80


def say(what, name, value):
    print(json.dumps([what, name, value], ensure_ascii=True))


def flags(path):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return 0
    try:
        return struct.unpack("l", fcntl.ioctl(fd, 0x80086601, bytes(8)))[0] & FLAGS
    except OSError:
        return 0
    finally:
        os.close(fd)


def xattrs(path):
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError:
        return []
    return [[name, os.getxattr(path, name, follow_symlinks=False).hex()] for name in names 
            if not name.startswith(("trusted.overlay", "user.Librepo."))]


def repositories(path):
    """What such a file says: that a repository is enabled may be said, or left out."""
    with open(path, errors="backslashreplace") as file:
        lines = [line.strip().replace(" ", "") for line in file]
    return hashlib.blake2b("\n".join(line for line in lines if line and line != "enabled=1").encode()).hexdigest()[:24]


def digest(path):
    if path.startswith("/etc/yum.repos.d/"):
        return repositories(path)
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()[:24]


# What was found of a file holds as long as its change time: no program can set that. In memory, and gone with the boot.
CACHE = "/dev/shm/survey"


def paths():
    try:
        with open(CACHE) as file:
            known = json.load(file)
    except (OSError, ValueError):
        known = {}
    seen = {}
    several = {}
    todo = ["/"]
    while todo:
        folder = todo.pop()
        try:
            items = sorted(os.listdir(folder))
        except OSError:
            continue
        for item in items:
            path = os.path.join(folder, item)
            if path in AWAY:
                continue
            try:
                found = os.lstat(path)
                value = [oct(found.st_mode), found.st_uid, found.st_gid]
                if stat.S_ISREG(found.st_mode):
                    mark = [found.st_dev, found.st_ino, found.st_ctime_ns, found.st_size]
                    before = known.get(path)
                    if before is None or before[0] != mark:
                        before = [mark, [xattrs(path), digest(path), flags(path)]]
                    seen[path] = before
                    # Whether it has holes is said; how many blocks it takes is the file system's own affair.
                    holes = found.st_size > 65536 and found.st_blocks * 512 < found.st_size // 2
                    size = 0 if path.startswith("/etc/yum.repos.d/") else found.st_size
                    value += [size, *before[1], "holes" if holes else ""]
                    if found.st_nlink > 1:
                        several.setdefault((found.st_dev, found.st_ino), []).append(path)
                elif stat.S_ISDIR(found.st_mode):
                    value += [xattrs(path), flags(path)]
                    todo.append(path)
                elif stat.S_ISLNK(found.st_mode):
                    value += [os.readlink(path)]
                elif stat.S_ISBLK(found.st_mode) or stat.S_ISCHR(found.st_mode):
                    value += [found.st_rdev]
            except FileNotFoundError:
                continue
            say("path", os.fsencode(path).decode("utf-8", "backslashreplace"), value)
    # A name with bytes that are no text cannot be kept; it is read again.
    with open(CACHE, "w", errors="surrogateescape") as file:
        json.dump(seen, file)
    for names in several.values():
        for name in names:
            say("names", name, sorted(names))


def lines(*command):
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, errors="backslashreplace")
    return out.stdout.splitlines()


# Units that come and go with logins, timers and the machine itself.
PASSING = ("session-", "user@", "user-", "run-", "palinode-", "systemd-tmpfiles", "dnf-", "yum-", "fstrim", "logrotate", "man-db", "apt-",
           "e2scrub", "getty@", "modprobe@", "systemd-networkd-wait", "systemd-hostnamed", "systemd-timedated", "systemd-localed", "rpmdb")


def units():
    names = {line.split()[0] for line in lines("systemctl", "list-units", "--all", "--no-legend", "--plain") if line.split()}
    names |= {line.split()[0] for line in lines("systemctl", "list-unit-files", "--no-legend") if line.split()}
    names = [name for name in sorted(names) if not name.startswith(PASSING) and "@." not in name
             and not name.endswith((".device", ".scope", ".slice", ".swap"))]
    asked = ["Id", "ActiveState", "SubState", "UnitFileState", "NeedDaemonReload"]
    for begin in range(0, len(names), 100):
        block = {}
        for line in lines("systemctl", "show", "-p", ",".join(asked), "--", *names[begin:begin + 100]) + [""]:
            if line:
                key, value = line.split("=", 1)
                block[key] = value
            elif block:
                active = block["ActiveState"]
                runs = block["SubState"] if active == "active" and block["Id"].endswith(".service") else ""
                say("unit", block["Id"], [active, runs, block["UnitFileState"], block["NeedDaemonReload"]])
                block = {}


def processes():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cgroup") as file:
                group = next((line.rstrip("\n").split(":", 2)[2] for line in file if ":name=systemd:" in line or line.startswith("0::")), "")
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().rstrip(b"\0").replace(b"\0", b" ").decode("utf-8", "backslashreplace")
        except OSError:
            continue
        unit = next((part for part in group.split("/") if part.endswith(".service")), "")
        if words and unit and not unit.startswith(PASSING) and not unit.startswith(("systemd-", "ssh", "dbus")):
            found.setdefault(unit, []).append(words)
    for unit, words in found.items():
        say("processes", unit, sorted(words))


def packages():
    for name in sorted(lines("rpm", "-qa", "--qf", "%{NAME}\t%{EPOCH}:%{VERSION}-%{RELEASE}.%{ARCH}\n")):
        say("package", *name.split("\t"))
    for line in sorted(lines("rpm", "-Va", "--nomtime")):
        say("altered", line[13:] or line, line[:13])


def mounts():
    with open("/proc/self/mounts") as file:
        for line in sorted(set(file)):
            source, place, kind, *_ = line.split()
            if not place.startswith(("/proc", "/sys", "/dev", "/run", "/tmp")):
                say("mount", place, [source, kind])


paths()
units()
processes()
packages()
mounts()
sys.stdout.flush()
