# Looks at what a run needs of a host. Nothing is changed. Answers are lines of words, what a host brings is base64.
c_b64() { head -c 300 | base64 -w0; }
c_ver() { if command -v "$1" >/dev/null; then printf '%s %s\n' "$1" "$(timeout 20 "$1" --version 2>/dev/null </dev/null | head -n 1 | c_b64)"; fi; }
# FILE PID: a lock that a living process holds.
c_lock() {
  case $2 in '' | *[!0-9]*) return ;; esac
  if [ -d "/proc/$2" ]; then
    printf 'lock %s %s %s\n' "$2" "$(printf '%s' "$1" | c_b64)" "$(tr '\0' ' ' <"/proc/$2/cmdline" 2>/dev/null | c_b64)"
  fi
}
printf 'login %s\n' "$(printf '%s' "${SUDO_USER:-$(id -un)}" | c_b64)"
printf 'os %s\n' "$( (. /etc/os-release && printf '%s' "$PRETTY_NAME") 2>/dev/null | c_b64)"
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null; then
  printf 'systemd %s\n' "$(systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9][0-9]*\).*/\1/p')"
  printf 'state %s\n' "$(systemctl is-system-running 2>/dev/null | c_b64)"
fi
if command -v yum >/dev/null; then
  # The name may be all that is left of it.
  case $(readlink -f "$(command -v yum)") in */dnf*) ;; *) c_ver yum ;; esac
fi
c_ver dnf
c_ver rpm
for c_f in /var/run/yum.pid /var/cache/dnf/*.pid /var/lib/dnf/*.pid; do
  if [ -f "$c_f" ]; then c_lock "$c_f" "$(head -c 20 "$c_f" | tr -cd 0-9)"; fi
done
for c_f in /var/lib/rpm/.rpm.lock /usr/lib/sysimage/rpm/.rpm.lock; do
  if [ -f "$c_f" ]; then c_lock "$c_f" "$(awk -v i=":$(stat -c %i "$c_f")" '$4 == "WRITE" && substr($6, 6) == i { print $5; exit }' /proc/locks 2>/dev/null)"; fi
done
c_d=/var/lib/palinode
while [ -n "$c_d" ] && [ ! -d "$c_d" ]; do c_d=${c_d%/*}; done
printf 'space %s\n' "$(stat -f -c '%a %S %d %c' -- "${c_d:-/}")"
if [ ! -w "${c_d:-/}" ]; then echo readonly; fi
if c_has=$(readlink /var/lib/palinode/claim); then
  # The words may have gone with the power; the link counts.
  c_who=$(head -c 2000 /var/lib/palinode/claim 2>/dev/null) || c_who='nobody knows who'
  printf 'claim %s\n' "$(printf '%s %s' "${c_has##*/}" "$c_who" | head -c 2300 | base64 -w0)"
fi
c_all=0 c_runs=0 c_cut=0
c_boot=$(cat /proc/sys/kernel/random/boot_id)
for c_j in /var/lib/palinode/jobs/*; do
  if [ ! -d "$c_j" ]; then continue; fi
  c_all=$((c_all + 1))
  set -- "$c_j"/ended.*
  if [ -e "$1" ]; then continue; fi
  c_fate=$(readlink "$c_j/fate") || c_fate=
  set -- $c_fate
  case $1 in
    revoked) ;;
    began) if [ "$2" = "$c_boot" ] && [ -d "/proc/$3" ]; then c_runs=$((c_runs + 1)); else c_cut=$((c_cut + 1)); fi ;;
    *) c_cut=$((c_cut + 1)) ;;
  esac
done
printf 'jobs %s %s %s\n' "$c_all" "$c_runs" "$c_cut"
echo end
