yum=$(command -v yum || command -v dnf) || { echo 'neither yum nor dnf is there' >&2; exit 127; }

p_locked || exit

# NAME-EPOCH:VERSION-RELEASE.ARCH...: refuses what versionlock keeps at another version.
locked() {
  set -f
  entries=$(cat /etc/yum/pluginconf.d/versionlock.list /etc/dnf/plugins/versionlock.list 2>/dev/null |
    sed 's/#.*//;s/[[:space:]]//g' | grep -v '^!')
  kept=
  for wanted; do
    name=${wanted%-[0-9]*:*}
    version=${wanted#"$name"-}
    epoch=${version%%:*} version=${version#*:} about=
    for entry in $entries; do
      case $entry in "$name"-[0-9]* | [0-9]*:"$name"-[0-9]*) ;; *) continue ;; esac
      about=$entry
      case $epoch:$name-$version in $entry) about= && break ;; esac
      case $name-$epoch:$version in $entry) about= && break ;; esac
      case $name-$version in $entry) about= && break ;; esac
    done
    if [ -n "$about" ]; then kept="$kept $name at $about"; fi
  done
  set +f
  if [ -n "$kept" ]; then echo "versionlock keeps$kept; nothing was changed" >&2; exit 1; fi
}

# The last entry of the package manager's own history.
latest() { timeout 120 "$yum" -q history list </dev/null 2>/dev/null | awk -F'|' '$1 ~ /^ *[0-9]+ *$/ { print $1 + 0; exit }'; }

# BEFORE: says which entry is ours, if one came since.
told() {
  after=$(latest)
  if [ "${after:-0}" -gt "${1:-0}" ]; then echo "transaction $after in the package manager's history"; fi
}
