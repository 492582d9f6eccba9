# Repositories as yum reads them: those of a file, a line `ID 0` or `ID 1` each. Without a word of its own one is enabled.
p_repos_in() {
  awk '
    function told() { if (id != "") print id " " on }
    /^[ \t]*\[/ { told(); id = $0; sub(/^[ \t]*\[/, "", id); sub(/\].*/, "", id); on = 1; next }
    /^[ \t]*enabled[ \t]*=/ {
      word = tolower($0)
      sub(/^[^=]*=[ \t]*/, "", word)
      sub(/[ \t\r]*$/, "", word)
      on = word == "1" || word == "yes" || word == "true" || word == "on" ? 1 : 0
    }
    END { told() }
  ' "$1"
}

p_repos() {
  for p_f in /etc/yum.repos.d/*.repo; do
    if [ -f "$p_f" ]; then p_repos_in "$p_f" || return; fi
  done
}

# Where a release is pinned on a host without subscription-manager.
p_release_file() {
  if [ -d /etc/dnf ]; then echo /etc/dnf/vars/releasever; else echo /etc/yum/vars/releasever; fi
}

# The pinned release, or nothing.
p_release() {
  if command -v subscription-manager >/dev/null; then
    p_said=$(timeout 120 subscription-manager release --show) || { printf '%s\n' "$p_said" >&2; return 1; }
    case $p_said in
      *'Release: '* | *'Release not set'*) printf '%s\n' "$p_said" | sed -n 's/^Release: *//p' | head -n 1 ;;
      *) printf 'subscription-manager tells no release: %s\n' "$p_said" >&2; return 1 ;;
    esac
  else
    p_f=$(p_release_file)
    if [ -f "$p_f" ]; then head -n 1 -- "$p_f"; fi
  fi
}
