# Fails if another process holds a lock of the package manager or of rpm, and says which: nobody waits for it, and who is
# told who it is can retry.
p_locked() {
  for p_f in /var/run/yum.pid /var/lib/dnf/rpmdb_lock.pid; do
    if ! [ -s "$p_f" ] || ! read -r p_pid <"$p_f"; then continue; fi
    case $p_pid in '' | *[!0-9]*) continue ;; esac
    p_by=
    if [ -r "/proc/$p_pid/cmdline" ]; then p_by=$(tr '\0' ' ' <"/proc/$p_pid/cmdline"); fi
    # A number that another program has by now is no lock.
    case $p_by in
      *yum* | *dnf* | *[Pp]ackage[Kk]it*)
        echo "process $p_pid holds the package manager's lock: ${p_by% }; retry when it has ended" >&2
        return 75
        ;;
    esac
  done
  # rpm says nothing of whom it waits for, and waits for ever.
  for p_f in /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
    if ! [ -f "$p_f" ]; then continue; fi
    p_pid=$(awk -v i=":$(stat -c %i "$p_f")" '$4 == "WRITE" && substr($6, 6) == i { print $5; exit }' /proc/locks 2>/dev/null)
    case $p_pid in '' | *[!0-9]*) continue ;; esac
    p_by=$(tr '\0' ' ' 2>/dev/null <"/proc/$p_pid/cmdline")
    p_by=${p_by:-another program}
    echo "process $p_pid holds rpm's lock $p_f: ${p_by% }; retry when it has ended" >&2
    return 75
  done
}
