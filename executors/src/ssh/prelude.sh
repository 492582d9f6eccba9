# What a channel's shell knows before it is asked anything. The floor is RHEL 7: POSIX sh, systemd 219,
# coreutils 8.22, tar 1.26. Answers are lines of words; whatever a host or a file brings is base64.
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
unset CDPATH ENV BASH_ENV TMOUT TAR_OPTIONS GREP_OPTIONS LS_COLORS
umask 077
# What a login may not write, root may, where it may set limits.
ulimit -f unlimited 2>/dev/null
cd /

# JOBS LIB RUN: where jobs are, where claims are and what was seen of journals, and where pipes are.
p_places() { p_jobs=$1 p_lib=$2 p_claimed=$2/claim p_claims=$2/claims p_seen=$2/seen p_pipes=$3; }
p_places /var/lib/palinode/jobs /var/lib/palinode /run/palinode

# A shell that starts no program for it: most of what an action costs is programs started.
p_boot() {
  read -r p_id </proc/sys/kernel/random/boot_id
  # Not every kernel gives it byte by byte.
  if [ ${#p_id} != 36 ]; then p_id=$(cat /proc/sys/kernel/random/boot_id); fi
  printf '%s\n' "$p_id"
}

# Bytes of a file or a pipe, on one line.
p_b64() { base64 -w0 "$@" && echo; }

# FILE: why it cannot be written. Not every shell knows.
p_unwritten() { dd if=/dev/zero of="$1" bs=1 count=1 conv=notrunc 2>&1 | sed -n '1s/^dd: //p' >&2; }

p_hello() {
  printf 'uid %s\n' "$(id -u)"
  printf 'boot %s\n' "$(p_boot)"
  if [ -r /etc/machine-id ] && read -r p_machine </etc/machine-id; then printf 'machine %s\n' "$p_machine"; fi
  if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then echo systemd; fi
}

# FOLDER: says why what is in it may be another's, and fails. One that is not there is made by us.
p_own() {
  if ! [ -e "$1" ]; then return 0; fi
  p_stat=$(stat -L -c '%a %U' -- "$1") || return 71
  if ! [ -O "$1" ]; then
    echo "$1 belongs to ${p_stat#* }, who could meddle with what is kept there: look at it, and move it away" >&2
    return 71
  fi
  case ${p_stat%% *} in
    *[2367]? | *[2367])
      echo "others may write in $1 (its mode is ${p_stat%% *}), and could meddle with what is kept there: look at it, and move it away" >&2
      return 71
      ;;
  esac
}

# ---- Claims. Whoever changes a host has a link there that names the file with their words: one maker, no half of it.

# JOURNAL: whether it has the host.
p_has() { [ "$p_claimed" -ef "$p_claims/$1" ]; }

p_owned=

# JOURNAL WORDS [had]: claims the host. 73: another journal has it; says who. 74: nobody has it, though this one had.
p_claim() {
  p_own "$p_lib" || return
  p_owned=$p_lib
  if p_has "$1"; then return 0; fi
  if [ "$3" = had ] && ! [ -L "$p_claimed" ]; then return 74; fi
  mkdir -p "$p_claims" || return 71
  if ! printf '%s\n' "$2" 2>/dev/null >"$p_claims/$1"; then
    p_unwritten "$p_claims/$1"
    return 71
  fi
  if p_link=$(ln -sT "claims/$1" "$p_claimed" 2>&1) || p_has "$1"; then
    if [ -e "$p_claims/$1.taken" ]; then rm -f "$p_claims/$1.taken"; fi
    return 0
  fi
  p_who=$(p_claimant "$1")
  if [ -n "$p_who" ]; then printf '%s\n' "$(p_owner)" >&2; return 73; fi
  printf '%s\n' "$p_link" >&2
  return 71
}

# JOURNAL: gives the host up, if it is that journal's.
p_release() { if p_has "$1"; then rm -f "$p_claimed"; fi; rm -f "$p_claims/$1"; }

# The words of whoever has it. They may have gone with the power, the link that counts not.
p_owner() { if ! cat "$p_claimed" 2>/dev/null; then readlink "$p_claimed"; fi; }

# JOURNAL: who else has it, if anyone.
p_claimant() {
  if [ -L "$p_claimed" ] && p_own "$p_lib" 2>/dev/null && ! p_has "$1"; then printf 'claimant %s\n' "$(p_owner | base64 -w0)"; fi
}

# JOURNAL: all that is known of its claim. `claimant` and `by`: another journal has the host. `ours`: it has it. `taken`:
# it had it, and who took it. `seen`: the newest that the host saw of it.
p_whose() {
  p_own "$p_lib" 2>/dev/null || return 0
  p_claimant "$1"
  if p_has "$1"; then echo ours; elif [ -L "$p_claimed" ]; then printf 'by %s\n' "$(readlink "$p_claimed" | base64 -w0)"; fi
  if [ -e "$p_claims/$1.taken" ]; then printf 'taken %s\n' "$(base64 -w0 "$p_claims/$1.taken")"; fi
  if p_saw "$1"; then printf 'seen %s %s %s %s\n' "$p_e" "$p_o" "$p_s" "$p_i"; fi
}

# WORDS: whoever has it has it no more, and finds who took it.
p_take() {
  p_had=$(readlink "$p_claimed")
  p_had=${p_had#claims/}
  rm -f "$p_claimed"
  case $p_had in '' | */* | *.taken) ;; *) printf '%s\n' "$1" >"$p_claims/$p_had.taken" ;; esac
}

# A journal may be restored from a backup, or copied, and both may go on. The host keeps the newest that it saw of each:
# epoch and owner, sequence and id of an intent. What an older one, or one that went another way, asks for is not done.

# JOURNAL: whether anything was seen of it: epoch p_e, owner p_o, sequence p_s, entry p_i.
p_saw() {
  p_e='' p_o='' p_s='' p_i=''
  if [ -r "$p_seen/$1" ]; then read -r p_e p_o p_s p_i <"$p_seen/$1"; fi
  # A cut write is nothing that was seen.
  case $p_e:$p_s in :* | *: | *[!0-9:]*) return 1 ;; esac
  [ -n "$p_i" ]
}

# JOURNAL EPOCH OWNER SEQUENCE ENTRY: notes that it is here with an intent. 75: the host saw a newer state of it.
p_fence() {
  # Right behind a claim it is known; each question is a subshell of its own, so that is this one's.
  if [ "$p_owned" != "$p_lib" ]; then p_own "$p_lib" || return; fi
  if [ -e "$p_seen/$1.not" ] && read -r p_not <"$p_seen/$1.not" && [ "$p_not" = "$3" ]; then
    echo 'what its other copy did' >&2
    return 75
  fi
  if p_saw "$1"; then
    # Within an epoch one owner's intents may come in any order.
    if [ "$p_e" -gt "$2" ] || { [ "$p_e" -eq "$2" ] && [ "$p_o" != "$3" ]; } ||
      { [ "$p_e" -lt "$2" ] && [ "$p_s" -ge "$4" ]; }; then
      printf 'entry %s of epoch %s\n' "$p_s" "$p_e" >&2
      return 75
    fi
    if [ "$p_e" -eq "$2" ] && [ "$p_s" -ge "$4" ]; then return 0; fi
  elif ! [ -d "$p_seen" ] && ! mkdir -p "$p_seen"; then return 71; fi
  if ! printf '%s %s %s %s\n' "$2" "$3" "$4" "$5" 2>/dev/null >"$p_seen/$1"; then
    p_unwritten "$p_seen/$1"
    return 71
  fi
}

# JOURNAL OWNER: forgets what was seen of it, and that other owner is not heard any more.
p_unsee() {
  if p_saw "$1" && [ "$p_o" != "$2" ]; then printf '%s\n' "$p_o" >"$p_seen/$1.not" && rm -f "$p_seen/$1"; fi
}

# ---- Jobs. A job is a folder that one mkdir claims. Its fate is a link that only one maker can make: it began, with
# boot, process and start time of the process in the link's text, or it was revoked. Its output is renamed when it is
# whole and on the disk, and the new name tells how the job ended: ended.CODE.MORE, where MORE counts what was printed
# beyond what was kept, and is `+` if nobody counted to the end.

p_starter='' p_ticker='' p_number=0

# HOW: sees to it that there is a starter, which outlives this shell. Not in a subshell.
p_open() {
  if [ -n "$p_starter" ] && kill -0 "$p_starter" 2>/dev/null; then return; fi
  p_starter='' p_at=$p_pipes/$$
  mkdir -p "$p_pipes" && p_own "$p_pipes" && rm -f "$p_at.to" "$p_at.from" && mkfifo "$p_at.to" "$p_at.from" || return
  printf '%s\n' "$p_program" >"$p_at.sh" || return
  # Open at both ends, so that nothing waits for the other side.
  exec 7<>"$p_at.to" 9<>"$p_at.from"
  p_number=$((p_number + 1))
  case $1 in
    systemd)
      read -r p_stat </proc/$$/stat
      set -- ${p_stat##*)}
      systemd-run -q --unit="palinode-$$-${20}-$p_number" -p KillMode=process \
        /usr/bin/env -u POSIXLY_CORRECT -u SHELLOPTS -u BASHOPTS -u BASH_ENV -u ENV -u TAR_OPTIONS -u GREP_OPTIONS /bin/sh "$p_at.sh" "$p_at" "$p_jobs" "$p_lib" 7>&- 9>&-
      ;;
    *) setsid /bin/sh "$p_at.sh" "$p_at" "$p_jobs" "$p_lib" 7>&- 9>&- & ;;
  esac </dev/null || return
  # Whoever waits for a job hears of its end, or looks again now and then.
  if [ -n "$p_ticker" ]; then kill "$p_ticker" 2>/dev/null; fi
  (while kill -0 $$ 2>/dev/null && sleep 1; do echo tick >&9; done) </dev/null >/dev/null 2>&1 7>&- 8>&- &
  p_ticker=$!
  p_left=20
  while [ $p_left -gt 0 ] && read -r p_word p_more <&9; do
    case $p_word in
      ready) p_starter=$p_more; break ;;
      tick) p_left=$((p_left - 1)) ;;
    esac
  done
  # From here on the starter ends with this shell, which has the only other end.
  exec 8>"$p_at.to" 7>&-
  rm -f "$p_at.to" "$p_at.from" "$p_at.sh"
  if [ -z "$p_starter" ]; then echo 'what starts jobs does not answer' >&2; fi
}

# NAME PROGRAM JOURNAL: claims the job and has it started. 71: it did not start.
p_start() {
  p_d=$p_jobs/$1
  if ! mkdir "$p_d" 2>/dev/null; then
    if [ -d "$p_d" ]; then return 0; fi
    if ! mkdir -p "$p_jobs"; then return 71; fi
    if ! p_why=$(mkdir "$p_d" 2>&1); then
      if [ -d "$p_d" ]; then return 0; fi
      printf '%s\n' "$p_why" >&2
      return 71
    fi
  fi
  if [ -z "$p_starter" ]; then
    p_unstarted "$1"
    return
  fi
  if ! { p_boot >"$p_d/boot" && printf '' >"$p_d/out" && printf 'exec 5<&-\n%s\n' "$2" >"$p_d/job"; } 2>/dev/null; then
    p_unwritten "$p_d/job"
    p_unstarted "$1"
    return
  fi
  printf '%s %s\n' "$1" "$3" >&8
}

# It could not be started, unless it was all the same.
p_unstarted() { if p_revoke "$1" >/dev/null; then return 71; fi; }

# NAME: makes sure that a job that did not begin never will; fails if it did.
p_revoke() {
  p_d=$p_jobs/$1
  mkdir -p "$p_d" || return 72
  ln -sT revoked "$p_d/fate" 2>/dev/null
  p_fate=$(readlink "$p_d/fate") || return 72
  if [ "$p_fate" = revoked ]; then rm -f "$p_d/job"; echo revoked; return 0; fi
  echo began
  return 1
}

# NAME SECONDS SHOWN: the job's own word; waits so long for its end. SHOWN: so many bytes of its output were told
# already, and more of them end the waiting; `-` if nobody wants to know.
p_status() {
  p_d=$p_jobs/$1 p_left=$2
  while ! p_ended "$p_d" && [ "$p_left" -gt 0 ] && read -r p_line <&9; do
    if [ "$p_line" != tick ]; then continue; fi
    p_left=$((p_left - 1))
    p_word=$(p_word "$p_d")
    case $p_word in running | claimed) ;; *) break ;; esac
    if [ "$3" != - ] && [ "$(stat -c %s "$p_d/out" 2>/dev/null || echo 0)" -gt "$3" ]; then break; fi
  done
  p_boot >/dev/null
  if p_ended "$p_d"; then
    printf 'state finished\nboot %s\nrc %s\ndropped %s\n' "$p_id" "$p_rc" "$p_beyond"
    printf 'out '
    if [ -s "$p_end" ]; then p_b64 "$p_end"; else echo; fi
    return
  fi
  p_word=$(p_word "$p_d")
  # It may have ended between the two looks.
  if [ "$p_word" = finished ]; then p_status "$1" 0 "$3"; return; fi
  printf 'state %s\nboot %s\n' "$p_word" "$p_id"
  if [ -f "$p_d/boot" ]; then printf 'claimed %s\n' "$(cat "$p_d/boot")"; fi
  if [ "$p_word" = interrupted ] && [ -s "$p_d/out" ]; then printf 'out '; p_b64 "$p_d/out"; fi
  if [ "$3" != - ] && [ "$p_word" = running ]; then printf 'more '; tail -c +$(($3 + 1)) "$p_d/out" | head -c 65536 | p_b64; fi
}

# FOLDER: whether the job ended; how.
p_ended() {
  for p_end in "$1"/ended.*; do
    if [ -f "$p_end" ]; then
      p_beyond=${p_end##*.} p_rc=${p_end%.*}
      p_rc=${p_rc##*.}
      return 0
    fi
  done
  return 1
}

p_word() {
  if [ ! -d "$1" ]; then echo none; return; fi
  p_dir=$1
  if p_ended "$p_dir"; then echo finished; return; fi
  p_fate=$(readlink "$1/fate") || { echo claimed; return; }
  if [ "$p_fate" = revoked ]; then echo revoked; return; fi
  # began BOOT PID START
  set -- $p_fate
  p_was=$2 p_pid=$3 p_began=$4
  if [ "$p_was" = "$(p_boot)" ] && p_now=$(cat "/proc/$p_pid/stat" 2>/dev/null); then
    set -- ${p_now##*)}
    # One that nobody has waited for is still listed, and does not run.
    if [ "$1" != Z ] && [ "${20}" = "$p_began" ]; then echo running; return; fi
  fi
  # It may have ended between the two looks.
  if p_ended "$p_dir"; then echo finished; else echo interrupted; fi
}

# FOLDER: what a job was and said goes; that it was there, and how it ended, stays, so that none is begun again by someone
# who comes late. One that may be at work is left alone.
p_empty() {
  case $(p_word "$1") in finished | revoked | interrupted) ;; *) return 0 ;; esac
  if [ -L "$1" ] || ! : >"$1/emptied"; then return 0; fi
  for p_f in "$1"/ended.* "$1/out" "$1/job" "$1/events" "$1/vars.json" "$1"/secret.*; do
    if [ -f "$p_f" ] && ! [ -L "$p_f" ]; then : >"$p_f"; fi
  done
}

# NAME...: what became of these is recorded.
p_settled() {
  for p_n; do
    if ! [ -d "$p_jobs/$p_n" ]; then continue; fi
    if [ -e "$p_jobs/$p_n/emptied" ] && ! { p_ended "$p_jobs/$p_n" && [ -s "$p_end" ]; }; then continue; fi
    p_empty "$p_jobs/$p_n"
  done
}

# What jobs of another boot said that nobody asked for in a month goes. A clock that steps makes no job of this boot old:
# one that was begun in it is never touched.
p_sweep() {
  p_boot >/dev/null
  # What was fetched to see whether it can be, by a question that was cut short.
  find "$p_lib" -mindepth 1 -maxdepth 1 -type d -name 'put-back.*' -mtime +0 -exec rm -rf --one-file-system -- {} + 2>/dev/null
  find "$p_jobs" -mindepth 1 -maxdepth 1 -type d -mtime +30 2>/dev/null | while IFS= read -r p_old; do
    case ${p_old##*/} in .*) continue ;; esac
    if [ -e "$p_old/emptied" ]; then continue; fi
    p_was=
    if [ -f "$p_old/boot" ]; then read -r p_was <"$p_old/boot"; fi
    if [ "$p_was" = "$p_id" ] || [ "$(readlink "$p_old/fate" | cut -d' ' -f2)" = "$p_id" ]; then continue; fi
    p_empty "$p_old"
  done
}

# ---- What is there. Read-only.

p_unit() {
  printf 'asked %s\n' "$1"
  p_full "$1"
  p_shows
  case $p_u in *LoadState=not-found*) p_aliased; p_shows ;; esac
  if [ -z "$p_u" ]; then return 1; fi
  printf 'looked %s\n%s\n' "$p_n" "$p_u"
  # A unit that stopped may have left processes behind: then what it ran still runs.
  case $p_u in *ActiveState=inactive* | *ActiveState=failed*)
    if [ -n "$(p_left "$(p_cgroup "$p_u")")" ]; then echo left; fi
    ;;
  esac
}

p_shows() {
  p_u=$(systemctl show -p Id -p Names -p LoadState -p ActiveState -p UnitFileState -p ControlGroup -p Slice -p Transient -p FragmentPath -- "$p_n") ||
    { printf '%s\n' "$p_u"; p_u=''; }
}

p_packages() {
  rpm -q --qf 'rpm %{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH}\n' -- "$@"
  return 0
}

# PATH: how each folder above it is, from the root's on.
p_above() {
  p_up=${1%"${1##*[!/]}"}
  set --
  while :; do
    case $p_up in */*) p_up=${p_up%/*} ;; *) break ;; esac
    p_up=${p_up%"${p_up##*[!/]}"}
    if [ -n "$p_up" ]; then set -- "$p_up" "$@"; fi
  done
  if [ $# -gt 0 ]; then stat -L -c 'above %a %U:%G' -- "$@"; fi
}

# PATH: where it leads, if it is a symbolic link: each further link, and what is behind the last one, by names that lead
# through no link; not what is no file. `large BYTES PATH`: a folder that is longer than LIMIT.
p_behind() {
  p_at=$1 p_hops=0
  while [ -L "$p_at" ] && [ $p_hops -lt 40 ]; do
    p_hops=$((p_hops + 1))
    p_to=$(readlink -n -- "$p_at" && echo .) || return
    p_to=${p_to%.}
    case $p_to in /*) ;; *) p_to=${p_at%/*}/$p_to ;; esac
    case ${p_to##*/} in
      '' | . | ..) p_at=$(readlink -m -- "$p_to" && echo .) && p_at=${p_at%??} ;;
      *) p_in=$(readlink -m -- "${p_to%/*}/" && echo .) && p_in=${p_in%??} && p_at=${p_in%/}/${p_to##*/} ;;
    esac || return
    if [ -d "$p_at" ] && ! [ -L "$p_at" ]; then
      p_size=$(du -s -B1 --apparent-size -- "$p_at" | cut -f1)
      if [ "$p_size" -gt "$2" ]; then printf 'large %s %s\n' "$p_size" "$(printf '%s' "$p_at" | base64 -w0)"; return; fi
    elif [ -e "$p_at" ] && ! [ -L "$p_at" ] && ! [ -f "$p_at" ]; then return; fi
    printf 'behind %s\n' "$(printf '%s' "$p_at" | base64 -w0)"
  done
}

# PATH LIMIT
p_file() {
  p_look "$1" "$2" || return
  if [ -e "$1" ] || [ -L "$1" ]; then p_above "$1"; fi
}
p_look() {
  if [ -L "$1" ]; then
    printf 'link %s ' "$(stat -c %U:%G -- "$1")"
    readlink -n -- "$1" | p_b64
  elif [ -d "$1" ]; then
    p_size=$(du -s -B1 --apparent-size -- "$1" | cut -f1)
    if [ "$p_size" -gt "$2" ]; then echo "large $p_size"; return; fi
    printf 'tree %s ' "$(find "$1" -mindepth 1 ! -type s -printf . | wc -c)"
    printf '%s ' "$({ p_apart "$1" && printf OK; } | base64 -w0)"
    { p_tree "$1" && printf OK; } | p_b64
  elif [ -f "$1" ]; then
    p_size=$(stat -c %s -- "$1")
    if [ "$p_size" -gt "$2" ]; then echo "large $p_size"; return; fi
    p_stat=$(stat -c '%a %U:%G %u:%g %h %i %b' -- "$1") || return 1
    p_time=$(date -u -r "$1" +%s.%N) || return 1
    p_more=$(p_attributes "$1" | base64 -w0)
    printf 'file %s %s %s ' "$p_stat" "$p_time" "${p_more:--}"
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
