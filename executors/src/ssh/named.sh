# NAME: the same with the suffix that systemd gives it.
p_full() {
  case $1 in
    *.service | *.socket | *.device | *.mount | *.automount | *.swap | *.target | *.path | *.timer | *.slice | *.scope) p_n=$1 ;;
    *) p_n=$1.service ;;
  esac
}

# The unit $p_n, which is not known by that name: disabling one takes the links away that are its other names, so that
# only its file knows them.
p_aliased() {
  p_f=$(grep -lsE "^Alias=(.* )?$p_n( |\$)" /etc/systemd/system/*.* /usr/lib/systemd/system/*.* /lib/systemd/system/*.* | head -n 1)
  if [ -n "$p_f" ]; then p_n=${p_f##*/}; fi
}

# NAME: the unit itself.
p_named() {
  p_full "$1"
  case $(systemctl show -p LoadState -- "$p_n") in *=not-found) p_aliased ;; esac
  printf '%s\n' "$p_n"
}

# SHOWN: the control group of the unit whose Id, ControlGroup and Slice these lines have. One that does not run may have
# none by systemd's word, and its processes are still where they were. A slice is in those that its name begins with.
p_cgroup() {
  p_id=$(printf '%s\n' "$1" | sed -n 's/^Id=//p')
  p_cg=$(printf '%s\n' "$1" | sed -n 's/^ControlGroup=//p')
  case $p_cg in */"$p_id") printf '%s\n' "$p_cg"; return ;; esac
  p_sl=$(printf '%s\n' "$1" | sed -n 's/^Slice=//p')
  p_sl=${p_sl:-system.slice} p_cg='' p_at=''
  if [ "$p_sl" != -.slice ]; then
    p_rest=${p_sl%.slice}-
    while [ -n "$p_rest" ]; do
      p_at=$p_at${p_at:+-}${p_rest%%-*} p_rest=${p_rest#*-}
      p_cg=$p_cg/$p_at.slice
    done
  fi
  printf '%s\n' "$p_cg/$p_id"
}

# CGROUP: the processes in it and below.
p_left() {
  for p_at in "/sys/fs/cgroup/systemd$1" "/sys/fs/cgroup/unified$1" "/sys/fs/cgroup$1"; do
    if [ -d "$p_at" ]; then find "$p_at" -name cgroup.procs -exec cat {} + 2>/dev/null; fi
  done | sort -u
}
