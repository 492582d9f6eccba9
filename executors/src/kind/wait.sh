# Each looks once, and says in $seen what it saw.
listens() {
  seen="nothing listens on port $1"
  awk -v port="$(printf %04X "$1")" '
    FNR > 1 && $4 == "0A" { n = split($2, at, ":"); if (at[n] == port) found = 1 }
    END { exit !found }
  ' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}
is_there() {
  seen="$1: No such file or directory"
  [ -e "$1" ] || [ -L "$1" ]
}
runs() {
  u=$(p_named "$1")
  shown=$(systemctl show -p LoadState -p ActiveState -- "$u") || { seen=$shown; return 1; }
  case $shown in
    *LoadState=not-found*) seen="there is no unit $1" ;;
    *) seen="$1 is $(printf '%s\n' "$shown" | sed -n 's/^ActiveState=//p')" ;;
  esac
  case $shown in *ActiveState=active*) return 0 ;; esac
  return 1
}
now() { read -r up rest </proc/uptime && echo "${up%.*}"; }
# SECONDS WORDS...: until they hold.
until_they_hold() {
  end=$(($(now) + $1))
  shift
  until "$@"; do
    if [ "$(now)" -ge $end ]; then echo "timed out: $seen" >&2; exit 124; fi
    sleep 0.5
  done
}
