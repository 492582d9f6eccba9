# What a channel's shell knows before it is asked anything. The floor is RHEL 7: POSIX sh, systemd 219,
# coreutils 8.22, tar 1.26. Answers are lines of words; whatever a host or a file brings is base64.
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH ENV BASH_ENV TAR_OPTIONS GREP_OPTIONS LS_COLORS
umask 077
cd /
p_jobs=/var/lib/palinode/jobs

p_boot() { cat /proc/sys/kernel/random/boot_id; }

# Bytes of a file or a pipe, on one line.
p_b64() { base64 -w0 "$@" && echo; }

# Lets what a file holds reach the disk; dd is the tool of that age that can.
p_sync() { dd if=/dev/null of="$1" oflag=append conv=notrunc,fsync 2>/dev/null; }

p_hello() {
  printf 'uid %s\n' "$(id -u)"
  printf 'boot %s\n' "$(p_boot)"
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then echo systemd; fi
  if command -v yum >/dev/null; then echo yum; fi
  if command -v dnf >/dev/null; then echo dnf; fi
}

# ---- Claims. A host that a journal changes carries a link whose text says so: one maker, no half of it.

p_claimed=/var/lib/palinode/claim

# JOURNAL WORDS: claims the host. 73: another journal has it; says who.
p_claim() {
  mkdir -p "${p_claimed%/*}" || return 71
  if ln -sT "$1 $2" "$p_claimed" 2>/dev/null; then return 0; fi
  p_has=$(readlink "$p_claimed") || { readlink "$p_claimed/" >&2; echo 'the claim cannot be made' >&2; return 71; }
  case $p_has in "$1 "*) return 0 ;; esac
  printf '%s\n' "${p_has#* }" >&2
  return 73
}

# JOURNAL: gives the host up, if it is that journal's.
p_release() { case $(readlink "$p_claimed") in "$1 "*) rm -f "$p_claimed" ;; esac; }

# JOURNAL: who else has it, if anyone.
p_claimant() {
  p_has=$(readlink "$p_claimed") || return 0
  case $p_has in "$1 "*) ;; *) printf 'claimant %s\n' "$(printf '%s' "${p_has#* }" | base64 -w0)" ;; esac
}

# Whoever has it has it no more.
p_take() { rm -f "$p_claimed"; }

# ---- Jobs. A job is a folder that one mkdir claims. Its fate is a link that only one maker can make: it began, with
# boot, process and start time of the process in the link's text, or it was revoked. Its status arrives by rename.

# NAME HOW < the job's program: claims it and starts it. 71: it did not start.
p_start() {
  p_d=$p_jobs/$1
  mkdir -p "$p_jobs" || return 71
  if ! mkdir "$p_d" 2>/dev/null; then
    if [ -d "$p_d" ]; then return 0; fi
    mkdir "$p_d"
    return 71
  fi
  if ! { p_boot >"$p_d/boot" && printf '    \n' >"$p_d/rc.new" && dd of="$p_d/job" conv=fsync 2>"$p_d/err"; }; then
    cat "$p_d/err" >&2
    p_revoke "$1" >/dev/null
    return 71
  fi
  case $2 in
    systemd) systemd-run -q --unit="palinode-$1" /bin/sh "$p_d/job" "$p_d" </dev/null || p_unstarted "$1" ;;
    *) setsid /bin/sh "$p_d/job" "$p_d" </dev/null >/dev/null 2>&1 & ;;
  esac
}

# It could not be started, unless it was all the same.
p_unstarted() { if p_revoke "$1" >/dev/null; then return 71; fi; }

# NAME: makes sure that a job that did not begin never will; fails if it did.
p_revoke() {
  p_d=$p_jobs/$1
  mkdir -p "$p_d" || return 72
  ln -sT revoked "$p_d/fate" 2>/dev/null
  p_fate=$(readlink "$p_d/fate") || return 72
  if [ "$p_fate" = revoked ]; then echo revoked; return 0; fi
  echo began
  return 1
}

# NAME TENTHS: the job's own word; waits so long for its end.
p_status() {
  p_d=$p_jobs/$1 p_left=$2 p_soon=20
  while :; do
    p_word=$(p_word "$p_d")
    case $p_word in
      running | claimed)
        # Most jobs end at once.
        if [ "$p_soon" -gt 0 ] && [ "$p_left" -gt 0 ]; then sleep 0.01; p_soon=$((p_soon - 1)); continue; fi
        if [ "$p_left" -gt 0 ]; then sleep 0.1; p_left=$((p_left - 1)); continue; fi
        ;;
    esac
    break
  done
  printf 'state %s\nboot %s\n' "$p_word" "$(p_boot)"
  if [ -f "$p_d/boot" ]; then printf 'claimed %s\n' "$(cat "$p_d/boot")"; fi
  if [ "$p_word" = finished ]; then
    printf 'rc %s\n' "$(cat "$p_d/rc")"
    printf 'dropped %s\n' "$(cat "$p_d/dropped" 2>/dev/null)"
    printf 'out '
    p_b64 "$p_d/out"
  fi
}

p_word() {
  if [ -f "$1/rc" ]; then echo finished; return; fi
  if [ ! -d "$1" ]; then echo none; return; fi
  p_fate=$(readlink "$1/fate") || { echo claimed; return; }
  if [ "$p_fate" = revoked ]; then echo revoked; return; fi
  p_dir=$1
  # began BOOT PID START
  set -- $p_fate
  p_was=$2 p_pid=$3 p_began=$4
  if [ "$p_was" = "$(p_boot)" ] && p_now=$(cat "/proc/$p_pid/stat" 2>/dev/null); then
    set -- ${p_now##*)}
    if [ "${20}" = "$p_began" ]; then echo running; return; fi
  fi
  # It may have ended between the two looks.
  if [ -f "$p_dir/rc" ]; then echo finished; else echo interrupted; fi
}

# Ended or revoked jobs that nobody asked for in a month go.
p_sweep() {
  find "$p_jobs" -mindepth 1 -maxdepth 1 -type d -mtime +30 2>/dev/null | while IFS= read -r p_old; do
    if [ -f "$p_old/rc" ] || [ "$(readlink "$p_old/fate")" = revoked ]; then rm -rf -- "$p_old"; fi
  done
}

# ---- What is there. Read-only.

p_unit() {
  set -- "$(p_named "$1")"
  p_u=$(systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState -p ControlGroup -- "$1") || return 1
  printf '%s\n' "$p_u"
  # A unit that stopped may have left processes behind: then what it ran still runs.
  case $p_u in *ActiveState=inactive* | *ActiveState=failed*)
    p_cg=$(printf '%s\n' "$p_u" | sed -n 's/^ControlGroup=//p')
    if [ -z "$p_cg" ]; then p_cg=/system.slice/$(printf '%s\n' "$p_u" | sed -n 's/^Id=//p'); fi
    for p_at in "/sys/fs/cgroup/systemd$p_cg" "/sys/fs/cgroup/unified$p_cg" "/sys/fs/cgroup$p_cg"; do
      if [ -d "$p_at" ] && [ -n "$(find "$p_at" -name cgroup.procs -exec cat {} + 2>/dev/null | head -n 1)" ]; then
        echo left
        break
      fi
    done
    ;;
  esac
}

p_packages() {
  rpm -q --qf 'rpm %{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH}\n' -- "$@"
  return 0
}

# PATH LIMIT
p_file() {
  if [ -L "$1" ]; then
    printf 'link '
    readlink -n -- "$1" | p_b64
  elif [ -d "$1" ]; then
    p_size=$(du -s -B1 --apparent-size -- "$1" | cut -f1)
    if [ "$p_size" -gt "$2" ]; then echo "large $p_size"; return; fi
    printf 'tree %s ' "$(find "$1" -mindepth 1 -printf . | wc -c)"
    { p_tree "$1" && printf OK; } | p_b64
  elif [ -f "$1" ]; then
    p_size=$(stat -c %s -- "$1")
    if [ "$p_size" -gt "$2" ]; then echo "large $p_size"; return; fi
    p_stat=$(stat -c '%a %U:%G %u:%g' -- "$1") || return 1
    printf 'file %s ' "$p_stat"
    { cat -- "$1" && printf OK; } | p_b64
  elif [ -e "$1" ]; then
    echo special
  else
    # Only a name that is not there is absent: anything else that keeps us from looking is an error.
    p_why=$(ls -d -- "$1" 2>&1 >/dev/null)
    case $p_why in
      *'No such file or directory' | *'Not a directory') echo absent ;;
      *) printf '%s\n' "$p_why" >&2; return 1 ;;
    esac
  fi
}

# An archive that two equal trees have equal. tar of that age cannot sort.
p_tree() {
  (
    cd -- "$1" &&
      find . -xdev -print0 | sort -z |
      tar -cf - --null --no-recursion -T - --format=posix --numeric-owner --acls --selinux --xattrs \
        --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' 2>/dev/null
  )
}

# ---- Packages beyond those that were named.

p_nevra='%{NAME}-%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}.%{ARCH}\n'

p_installed() { for p_n; do if rpm -q -- "$p_n" >/dev/null 2>&1; then printf '%s\n' "$p_n"; fi; done; }

# NAME...: what would go with them, and the changed configuration files of all of these.
p_removal() {
  set -- $(p_installed "$@")
  p_round=0
  while [ $# -gt 0 ] && [ $p_round -lt 30 ]; do
    p_users=$(rpm -e --test -- "$@" 2>&1 | sed -n 's/.* is needed by (installed) //p' | sort -u)
    if [ -z "$p_users" ]; then break; fi
    p_users=$(rpm -q --qf '%{NAME}\n' -- $p_users | sort -u)
    printf 'needs %s\n' $p_users
    set -- "$@" $p_users
    p_round=$((p_round + 1))
  done
  if [ $# -gt 0 ]; then
    rpm -V --nodeps -- "$@" 2>/dev/null | sed -n 's/^\(missing  \|.........\) *c \(\/.*\)$/\2/p' |
      while IFS= read -r p_path; do printf 'changed %s\n' "$(printf '%s' "$p_path" | base64 -w0)"; done
  fi
  echo end
}

# NAME...: what would come with them.
p_arrival() {
  p_yum=$(command -v yum || command -v dnf) || return 1
  "$p_yum" --assumeno --setopt=exit_on_lock=1 install "$@" </dev/null 2>&1 |
    sed -n '/^=====/,/^Transaction Summary/p' | sed -n 's/^ \([A-Za-z0-9][^ ]*\).*/brings \1/p'
  echo end
}

# NAME...: the exact versions that are installed, and those that the repositories have.
p_restorable() {
  set -- $(p_installed "$@")
  if [ $# -gt 0 ]; then
    rpm -q --qf "want $p_nevra" -- "$@"
    if command -v dnf >/dev/null; then
      dnf -q --disableexcludes=all repoquery --show-duplicates --qf 'have %{name}-%{epoch}:%{version}-%{release}.%{arch}' -- "$@"
    else
      # repoquery of that age would not show what exclude= hides. Names too long for a column are wrapped.
      yum -q --disableexcludes=all --showduplicates list "$@" | awk '
        /^Available Packages/ { on = 1; next }
        /^[A-Z][a-z]+ Packages/ { on = 0; next }
        on {
          for (i = 1; i <= NF; i++) {
            word[n++] = $i
            if (n == 3) {
              n = 0
              name = arch = word[0]
              sub(/\.[^.]*$/, "", name)
              sub(/^.*\./, "", arch)
              if (word[1] !~ /:/) word[1] = "0:" word[1]
              print "have " name "-" word[1] "." arch
            }
          }
        }'
    fi </dev/null || return
  fi
  echo end
}
