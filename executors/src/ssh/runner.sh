# A job's program: its folder is the first argument, what it is to do is the function below.
d=$1
LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
umask 022
cd /
self=$(cat /proc/$$/stat)
set -- ${self##*)}
# Whoever makes this link decides: it began, or it was revoked.
ln -sT "began $(cat /proc/sys/kernel/random/boot_id) $$ ${20}" "$d/fate" 2>/dev/null || exit 0
umask 077
mkfifo "$d/pipe" || exit 1
# So much of the output is kept; the rest is counted. Nobody who prints to it has to wait for a reader of ours.
{
  (
    trap '' XFSZ
    ulimit -f 16384
    exec cat
  ) >"$d/out" 2>/dev/null
  wc -c >"$d/dropped"
} <"$d/pipe" &
keeper=$!
umask 022
(act) </dev/null >"$d/pipe" 2>&1
rc=$?
# What it left running may hold the pipe for ever.
n=0
while kill -0 "$keeper" 2>/dev/null && [ $n -lt 100 ]; do
  sleep 0.01
  n=$((n + 1))
done
rm -f "$d/pipe"
dd if=/dev/null of="$d/out" oflag=append conv=notrunc,fsync 2>/dev/null
printf '%s\n' "$rc" | dd of="$d/rc.new" conv=notrunc,fsync 2>/dev/null && mv -T "$d/rc.new" "$d/rc"
