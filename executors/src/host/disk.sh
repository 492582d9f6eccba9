# ---- What a job changed is on the disk before its end is told. Never a bare `sync`: one dead mount would hang it.

# What can bring a single file system to the disk. A `sync` before coreutils 8.24 would ignore what it is told, and
# sync all; the package manager of a system of that age has a Python.
p_how() {
  p_py=
  if [ -n "$p_sync" ]; then return; fi
  for p_py in /usr/libexec/platform-python python python2 python3; do
    if p_py=$(command -v "$p_py"); then return; fi
  done
}

# PATH...: of each file system that has some of them, once: `local`, `memory` or its type, and where it is mounted.
# Nothing is touched for it: a dead mount would not answer.
p_disks() {
  awk '
    BEGIN {
      count = ARGC - 1
      for (i = 1; i <= count; i++) { path[i] = ARGV[i]; ARGV[i] = "" }
      while ((getline line <"/proc/self/mountinfo") > 0) {
        n = split(line, field, " ")
        on = field[5]
        gsub(/\\040/, " ", on)
        gsub(/\\134/, "\\\\", on)
        for (j = 7; j < n && field[j] != "-"; j++);
        for (i = 1; i <= count; i++) {
          if (on != "/" && path[i] != on && index(path[i], on "/") != 1) continue
          if (length(on) >= length(where[i])) { where[i] = on; type[i] = field[j + 1]; device[i] = field[3] }
        }
      }
      for (i = 1; i <= count; i++) {
        if (device[i] in told) continue
        told[device[i]] = 1
        kind = "local"
        if (type[i] ~ /^(tmpfs|ramfs|devtmpfs|proc|sysfs|cgroup|cgroup2|devpts|mqueue|hugetlbfs|securityfs|debugfs|tracefs|configfs|efivarfs|rootfs)$/) kind = "memory"
        if (type[i] ~ /^(nfs|nfs4|cifs|smb3|smbfs|ceph|fuse|fuse\..*|glusterfs|9p|afs|ncpfs|lustre|gfs2?|ocfs2|beegfs|autofs|coda|pvfs2)$/) kind = type[i]
        print kind " " where[i]
      }
    }
  ' "$@"
}

# PATH: the file system it is in.
p_whole() {
  if [ -n "$p_sync" ]; then timeout 120 sync -f -- "$1"
  elif [ -n "$p_py" ]; then
    timeout 120 "$p_py" -ESs -c 'import ctypes, os, sys
sys.exit(1 if ctypes.CDLL(None).syncfs(os.open(sys.argv[1], os.O_RDONLY)) else 0)' "$1"
  else
    echo 'no program there brings one file system to the disk' >&2
    return 1
  fi
}

# FOLDER: what it lists. A new file is in the same journal of ext4 and XFS, behind the change.
p_listed() {
  if [ -n "$p_sync" ]; then timeout 120 sync -- "$1"
  elif [ -n "$p_py" ]; then timeout 120 "$p_py" -ESs -c 'import os, sys
os.fsync(os.open(sys.argv[1], os.O_RDONLY))' "$1"
  else
    p_uuid=$(cat /proc/sys/kernel/random/uuid)
    p_mark=${1%/}/.palinode-${p_uuid%%-*}
    # The power may bring it back.
    printf '%s\n' "$p_mark" >"$p_d/box"
    dd if=/dev/zero of="$p_mark" bs=1 count=1 conv=excl,fsync && rm -f -- "$p_mark"
  fi
}

# PATH WHY
p_unsynced() { echo "not synced: $1: $(printf '%s' "$2" | tail -n 1)"; }

# FOLDER...: what these list is on the disk, or it is said that it is not known to be.
p_bring_folders() {
  p_how
  for p_at; do
    # A folder that went is listed in the one above.
    until [ -d "$p_at" ] || [ -z "$p_at" ]; do p_at=${p_at%/*}; done
    case $(p_disks "${p_at:-/}") in
      'local '*) p_said=$(p_listed "${p_at:-/}" 2>&1) || p_unsynced "${p_at:-/}" "$p_said" ;;
    esac
  done
}

# PATH...: the file systems that these are in. Of those that no step names, mounts of other machines are left out.
p_bring_usual() { p_usual=1; p_bring "$@"; p_usual=; }
p_bring() {
  p_how
  p_disks "$@" | while read -r p_type p_at; do
    case $p_type in
      local) p_said=$(p_whole "$p_at" 2>&1) || p_unsynced "$p_at" "$p_said" ;;
      memory) ;;
      *) [ -n "$p_usual" ] || p_unsynced "$p_at" "a mount of type $p_type is not waited for" ;;
    esac
  done
}
