# Starts jobs, each as a process of its own, for the shell at the other end of two pipes. Ends with that shell and with
# the last of its jobs, which do not.
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 077
cd /
p_jobs=$2 p_lib=$3
exec 8<"$1.to" 9>"$1.from"
p_boot=$(cat /proc/sys/kernel/random/boot_id)
# Since coreutils 8.24 it knows what to bring to the disk; before, it would ignore that and wait for every mount.
case $(sync --help 2>/dev/null) in *--file-system*) p_sync=1 ;; *) p_sync='' ;; esac

# JOB: whether it is at work.
p_works() {
  p_fate=$(readlink "$1/fate") || return
  set -- $p_fate
  p_was=$2 p_pid=$3 p_began=$4
  if [ "$p_was" != "$p_boot" ] || ! p_now=$(cat "/proc/$p_pid/stat" 2>/dev/null); then return 1; fi
  set -- ${p_now##*)}
  [ "$1" != Z ] && [ "${20}" = "$p_began" ]
}

# What jobs made beside files, and could not take away.
p_clear() {
  for p_left in "$p_jobs"/*/box; do
    if ! [ -s "$p_left" ] || p_works "${p_left%/*}"; then continue; fi
    read -r p_box <"$p_left"
    case $p_box in */.palinode-*) rm -rf --one-file-system -- "$p_box" && rm -f -- "$p_left" ;; esac
  done
}
p_clear

p_run() {
  read -r p_stat </proc/self/stat
  p_pid=${p_stat%% *}
  p_why=began
  # Whoever claims the host in the meantime is not disturbed.
  if [ -n "$p_journal" ] && ! [ "$p_lib/claim" -ef "$p_lib/claims/$p_journal" ]; then ln -sT revoked "$p_d/fate"; exit; fi
  set -- ${p_stat##*)}
  # Whoever makes this link decides: it began, or it was revoked.
  ln -sT "began $p_boot $p_pid ${20}" "$p_d/fate" 2>/dev/null || exit
  # What it does may hold a secret: it is read once, and has its name no more.
  (umask 022; exec 5<"$p_d/job" && rm -f "$p_d/job" && : >"$p_d/job" && . /proc/self/fd/5) </dev/null 2>&1 9>&-
  p_rc=$?
  exec >/dev/null
  # What it left running may hold the pipe for ever.
  p_n=0
  until [ -s "$p_d/kept" ] || [ $p_n -ge 400 ]; do
    if [ $p_n -ge 300 ]; then sleep 0.01; fi
    p_n=$((p_n + 1))
  done
  p_beyond=+
  # Of an empty one nothing but its name has to be on the disk.
  if { { [ -f "$p_d/out" ] && ! [ -s "$p_d/out" ]; } || dd if=/dev/null of="$p_d/out" oflag=append conv=notrunc,fsync 2>/dev/null; } && [ -s "$p_d/kept" ]; then
    read -r p_beyond <"$p_d/kept"
  fi
  mv -T "$p_d/out" "$p_d/ended.$p_rc.$p_beyond"
  # A name is on the disk with the folder, or with a later file in the same journal.
  if [ -n "$p_sync" ]; then sync "$p_d"; else dd if=/dev/zero of="$p_d/named" bs=1 count=1 conv=fsync; fi 2>/dev/null
  echo ended >&9
}

# So much of the output is kept; the rest is counted. Nobody who prints to it has to wait for a reader of ours.
p_keep() {
  if (trap '' XFSZ; ulimit -f 16384; exec cat) >>"$p_d/out" 2>/dev/null; then p_beyond=0; else p_beyond=$(wc -c); fi
  echo "$p_beyond" >"$p_d/kept"
}

echo "ready $$" >&9
while read -r p_name p_journal <&8; do
  p_d=$p_jobs/$p_name
  p_run 8<&- | p_keep 8<&- 9>&- &
  # Lets the shell forget those that ended.
  jobs >/dev/null 2>&1
done
wait
