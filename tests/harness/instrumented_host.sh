#!/bin/sh
# Stands before a program of a test machine, under its name. It notes the calls that a suite watches in a file that
# outlives the power, and stops at the gates that the suite has closed. Gates go with the boot.
me=${0##*/} at=/srv/rig gates=/run/rig through='' watched=''
real=/usr/bin/$me
if [ -x "$at/real/$me" ]; then real=$at/real/$me; fi
call="$me $*"

# GATE: the first that comes to a closed gate waits until it is opened; all others pass.
stop_at() {
  if [ -e "$gates/$1" ] && /usr/bin/mkdir "$gates/$1.reached" 2>/dev/null; then
    # When the machine goes down, whoever waits for this program is ended first, and takes it for no answer.
    trap 'sleep 1; exit 1' TERM
    until [ -e "$gates/$1.open" ]; do /usr/bin/sleep 0.02; done
    trap - TERM
    through=$1
  fi
}

case $call in
  "mkdir "*/var/lib/palinode/jobs/?*) stop_at claim ;;
  "mv "*" /var/lib/palinode/jobs/"?*) stop_at end ;;
esac
if [ -s "$at/watch" ]; then
  while IFS= read -r pattern; do
    # The pattern is one.
    # shellcheck disable=SC2254
    case $call in $pattern) watched=1 && break ;; esac
  done <"$at/watch"
fi
if [ -n "$watched" ]; then
  stop_at effect
  printf '%s\n' "$call" >>"$at/count"
  /usr/bin/sync "$at/count"
fi
"$real" "$@"
rc=$?
if [ -n "$through" ]; then /usr/bin/mkdir "$gates/$through.passed"; fi
exit $rc
