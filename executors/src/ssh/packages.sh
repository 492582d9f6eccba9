# ---- Packages beyond those that were named.

p_nevra='%{NAME}-%|EPOCH?{%{EPOCH}}:{0}|:%{VERSION}-%{RELEASE}.%{ARCH}\n'

# Those of the names that are installed. A database that cannot be asked is no answer.
p_installed() {
  for p_n; do
    if p_said=$(LC_ALL=C rpm -q -- "$p_n" 2>&1); then
      printf '%s\n' "$p_n"
    else
      case $p_said in
        *'is not installed') ;;
        *) p_refuse "$p_said"; return 1 ;;
      esac
    fi
  done
}

# TEXT: complains in the words of a tool that gave no answer: the lines that tell why, else its last words.
p_refuse() {
  p_why=$(printf '%s\n' "$1" | grep -iE "$p_tells" | grep -viE "$p_silent" | sed 's/^ *//; s/ *$//' | awk '!seen[$0]++' | tail -n 4 |
    awk '{ printf "%s%s", (NR > 1 ? "; " : ""), $0 } END { print "" }')
  if [ -z "$p_why" ]; then p_why=$(printf '%s\n' "$1" | grep . | tail -n 1); fi
  printf '%s\n' "${p_why:-there was no answer}" >&2
}
p_tells='^ *(error|failure|fatal|another app|cannot|could not|failed to|no package|no match|there are no|problem|- |nothing provides)'
p_tells="$p_tells|errno|curl error|status code|scriptlet failed|no space left|permission denied|not signed|conflicts with|needed by|requires:"
# They say that it failed, and not why.
p_silent='^ *(error: (unable to find a match: *$|transaction failed|nothing to do)|- (curl|status)?$)'

# WORD...: the installed packages that one of these may mean, by name or with a version: `is NAME EPOCH VERSION RELEASE ARCH`.
p_words() {
  p_all=$(LC_ALL=C rpm -qa --qf '%{NAME} %|EPOCH?{%{EPOCH}}:{0}| %{VERSION} %{RELEASE} %{ARCH}\n' 2>&1) || { p_refuse "$p_all"; return 1; }
  if printf '%s\n' "$p_all" | grep -q '^error: '; then p_refuse "$p_all"; return 1; fi
  # An epoch may stand before the name.
  printf '%s\n' "$p_all" | awk -v all="$*" '
    BEGIN { n = split(all, word, " "); for (i = 1; i <= n; i++) { bare[i] = word[i]; sub(/^[0-9]+:/, "", bare[i]) } }
    NF == 5 { for (i = 1; i <= n; i++) if (index(word[i], $1) == 1 || index(bare[i], $1) == 1) { print "is " $0; next } }'
}

# NAME...: the changed configuration files of these, which are installed, and what an excluder among them writes in
# another's when it goes.
p_changed() {
  # That files differ is a code of its own; that it could not look is told beside what it found.
  p_said=$(LC_ALL=C rpm -V --nodeps -- "$@" 2>&1)
  if printf '%s\n' "$p_said" | grep -q '^error: '; then p_refuse "$p_said"; return 1; fi
  printf '%s\n' "$p_said" | sed -n 's/^\(missing  \|.........\) *c \(\/.*\)$/\2/p' |
    while IFS= read -r p_path; do printf 'changed %s\n' "$(printf '%s' "$p_path" | base64 -w0)"; done
  if rpm -q --scripts -- "$@" 2>/dev/null | grep -q -e '-excluder ' && [ -f /etc/yum.conf ]; then
    printf 'changed %s\n' "$(printf /etc/yum.conf | base64 -w0)"
  fi
}

# NAME...: the units that these hold, which are installed, and those that stop and start along with them. Of a unit that
# is made by a name alone, those that systemd has.
p_units() {
  if ! [ -d /run/systemd/system ]; then return 0; fi
  p_held=$(rpm -ql -- "$@" 2>/dev/null |
    sed -n 's,^\(/usr\)*/lib/systemd/system/\([^/]*[.]\(service\|socket\|timer\|path\|mount\|automount\)\)$,\2,p' | sort -u)
  p_made=$(printf '%s\n' "$p_held" | sed -n 's/@[.]/@*./p')
  p_held=$(printf '%s\n' "$p_held" | grep -v '@[.]')
  if [ -n "$p_made" ]; then
    p_made=$(set -f; systemctl show -p Id -- $p_made) || { printf '%s\n' "$p_made" >&2; return 1; }
    p_held=$(printf '%s\n%s\n' "$p_held" "$p_made" | sed 's/^Id=//' | grep . | sort -u)
  fi
  if [ -n "$p_held" ]; then
    printf 'unit %s\n' $p_held
    p_along stop $p_held || return 1
  fi
}

# NAME...: what would go with them, and the changed configuration files of all of these.
p_removal() {
  p_locked || return 1
  p_have=$(p_installed "$@") || return 1
  set -- $p_have
  p_round=0
  while [ $# -gt 0 ] && [ $p_round -lt 30 ]; do
    if p_said=$(LC_ALL=C rpm -e --allmatches --test -- "$@" 2>&1); then break; fi
    p_users=$(printf '%s\n' "$p_said" | sed -n 's/.* is needed by (installed) //p' | sort -u)
    # Whatever else it complains about, it did not say what would go.
    if [ -z "$p_users" ] || printf '%s\n' "$p_said" | grep -E '^error: ' | grep -qv '^error: Failed dependencies:'; then
      p_refuse "$p_said"
      return 1
    fi
    p_users=$(LC_ALL=C rpm -q --qf '%{NAME}\n' -- $p_users 2>&1) || { p_refuse "$p_users"; return 1; }
    p_users=$(printf '%s\n' "$p_users" | sort -u)
    printf 'needs %s\n' $p_users
    set -- "$@" $p_users
    p_round=$((p_round + 1))
  done
  if [ $# -gt 0 ]; then p_changed "$@" && p_units "$@" || return 1; fi
  echo end
}

p_cannot='^(Error: Unable to find a match|Error: Nothing to do|Error: No packages marked for |No match for argument|No package .* available)|'
p_cannot="$p_cannot"'^ *Problem( [0-9]+)?: |^Error: Package: |You could try using --skip-broken'
p_trouble='Ignoring repositories|Failed to (download|synchronize)|Errors during downloading|Errno|Cannot (download|retrieve|find a valid)'
p_trouble="$p_trouble|repomd|mirrors|exit_on_lock"

# WORDS OF YUM...: what it would do, on standard output. It ends with 1 if it would do something, with 1 if nothing can be
# done (the job will say so, and bring nothing), and with 1 if it could not find out: only its words tell.
p_would() {
  p_said=$(LC_ALL=C "$p_yum" --assumeno --setopt=exit_on_lock=1 "$@" </dev/null 2>&1) ||
    printf '%s\n' "$p_said" | grep -qiE '^(Exiting on user command|Operation aborted)' ||
    { printf '%s\n' "$p_said" | grep -qE "$p_cannot" && ! printf '%s\n' "$p_said" | grep -qiE "$p_trouble"; } ||
    { p_refuse "$p_said"; return 1; }
  printf '%s\n' "$p_said"
}

# Standard input: what yum would do. Names too long for a column are wrapped. A line below a package tells what it replaces.
p_table() {
  awk '
    function told() { if (n >= 3) print (goes ? "removes" : "brings"), word[0], word[1], word[2]; n = 0 }
    /^Transaction Summary/ { told(); on = 0 }
    # What is passed over does not come.
    /^[A-Z][A-Za-z ]*:$/ { told(); on = ($1 != "Skipping"); goes = ($1 ~ /^Removing/); next }
    !on { next }
    /^ +replacing +/ { told(); name = $2; sub(/\.[^.]*$/, "", name); print "replaces", name; next }
    /^ [A-Za-z0-9]/ { told(); open = 1 }
    !/^ / { told(); open = 0 }
    open { for (i = 1; i <= NF && n < 3; i++) word[n++] = $i }'
}

# NAME...: what would come with them, go for them or be replaced by them, and the changed configuration files of all that
# is there of these.
p_arrival() {
  p_locked || return 1
  p_proxies
  p_yum=$(command -v yum || command -v dnf) || { echo 'there is neither yum nor dnf' >&2; return 1; }
  p_plan=$(p_would install "$@") || return 1
  case $1:$(readlink -f "$p_yum") in
    --*:*/dnf*) ;;
    # An older version than the installed one is another transaction of yum's.
    --*) p_plan=$p_plan$(echo; p_would downgrade "$@") || return 1 ;;
  esac
  p_plan=$(printf '%s\n' "$p_plan" | p_table)
  printf '%s\n' "$p_plan" | awk '
    $1 == "replaces" || $1 == "removes" { print $1, $2 }
    $1 == "brings" {
      print "brings", $2
      epoch = 0; evr = $4
      if (i = index(evr, ":")) { epoch = substr(evr, 1, i - 1); evr = substr(evr, i + 1) }
      if (i = index(evr, "-")) print "comes", $2, epoch, substr(evr, 1, i - 1), substr(evr, i + 1), $3
    }'
  p_have=$(p_installed $(printf '%s\n' "$p_plan" | cut -d' ' -f2 | sort -u)) || return 1
  if [ -n "$p_have" ]; then p_changed $p_have || return 1; fi
  p_have=$(p_installed $(printf '%s\n' "$p_plan" | sed -n 's/^\(replaces\|removes\) \([^ ]*\).*/\2/p')) || return 1
  if [ -n "$p_have" ]; then p_units $p_have || return 1; fi
  echo end
}

# ---- Whether what is installed could be installed again.

# As a job has them: proxies that the manager of services gives its units, and a login does not have.
p_proxies() {
  unset http_proxy https_proxy ftp_proxy all_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY
  if ! [ -d /run/systemd/system ]; then return 0; fi
  set -f
  p_ifs=$IFS IFS='
'
  for p_line in $(systemctl show-environment 2>/dev/null | grep -iE '^(https?|ftp|all|no)_proxy=' | grep -v "=[$]'"); do
    export "$p_line"
  done
  IFS=$p_ifs
  set +f
}

# NAME...: what the repositories have of them: `have NEVRA REPOSITORY`.
p_offered() {
  if command -v dnf >/dev/null; then
    dnf -q --disableexcludes=all --setopt=exit_on_lock=1 repoquery --show-duplicates \
      --qf 'have %{name}-%{epoch}:%{version}-%{release}.%{arch} %{repoid}\n' -- "$@" </dev/null | grep .
    return
  fi
  # repoquery of that age would not show what exclude= hides. Names too long for a column are wrapped. What is
  # installed is listed always, so an error is one of the repositories.
  p_said=$(LC_ALL=C yum -q --disableexcludes=all --setopt=exit_on_lock=1 --showduplicates list "$@" </dev/null) || return 1
  printf '%s\n' "$p_said" | awk '
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
          print "have " name "-" word[1] "." arch " " word[2]
        }
      }
    }'
}

# REPOSITORY: whether signatures of its packages are checked, and the keys that it names.
p_keys() {
  p_arch=$(uname -m)
  p_release=$(cat /etc/yum/vars/releasever /etc/dnf/vars/releasever 2>/dev/null | head -n 1)
  if [ -z "$p_release" ]; then p_release=$(rpm -q --qf '%{VERSION}\n' --whatprovides redhat-release 2>/dev/null | head -n 1); fi
  cat /etc/yum.conf /etc/yum.repos.d/*.repo 2>/dev/null | awk -v id="$1" -v arch="$p_arch" -v release="$p_release" '
    /^[ \t]*[#;]/ { next }
    /^\[/ { here = $0; gsub(/^\[|\].*$/, "", here); key = ""; next }
    /^[^ \t][^=]*=/ { key = $0; sub(/[ \t]*=.*$/, "", key); value = $0; sub(/^[^=]*=[ \t]*/, "", value) }
    /^[ \t]+[^ \t]/ { value = $0 }
    key == "gpgcheck" && (here == "main" || here == id) { check[here] = tolower(value); key = "" }
    key == "gpgkey" && here == id { keys = keys " " value }
    END {
      checked = (id in check) ? check[id] : check["main"]
      gsub(/,/, " ", keys)
      gsub(/[$]\{?releasever\}?/, release, keys)
      gsub(/[$]\{?basearch\}?/, arch, keys)
      print checked ~ /^(1|yes|true|on)/ ? 1 : 0, keys
    }'
}

# FILE [OPTION...]: whether rpm knows the key of its signature; 2 if it has none.
p_signature() {
  p_file=$1
  shift
  # The name of the file stands before what is said of it.
  p_ok=$(LC_ALL=C rpm "$@" -K -- "$p_file" 2>&1 | sed -n 's/^.*[.]rpm: //p' | tail -n 1)
  case $p_ok in *'NOT OK'*) return 1 ;; *OK*) ;; *) return 1 ;; esac
  printf '%s\n' "$p_ok" | grep -qiE 'signatures|pgp|gpg|rsa|dsa' || return 2
}

# FILE REPOSITORY: says why its signature would not be taken.
p_unsigned() {
  set -- "$1" "$2" $(p_keys "$2")
  if [ "$3" != 1 ]; then return 1; fi
  p_signature "$1" && return 1
  if [ $? = 2 ]; then echo "it is not signed, and $2 has signatures checked"; return 0; fi
  p_rpm=$1 p_repo=$2
  shift 3
  # What yum would take over from the keys that the repository names. rpm of the host learns nothing.
  rm -rf "$p_box/db" && mkdir "$p_box/db" && rpm --dbpath "$p_box/db" --initdb >/dev/null 2>&1
  for p_key; do rpm --dbpath "$p_box/db" --import "$p_key" >/dev/null 2>&1; done
  p_signature "$p_rpm" --dbpath "$p_box/db" && return 1
  echo "rpm does not know the key of its signature, and $p_repo names none that fits"
}

# NEVRA...: fetches these as far as it can; what was said is in p_said.
p_gets() {
  p_said=$(LC_ALL=C "$p_yum" -y --nogpgcheck --disableexcludes=all --setopt=exit_on_lock=1 --setopt=obsoletes=0 \
    --setopt=keepcache=0 --downloadonly --downloaddir="$p_box" reinstall "$@" </dev/null 2>&1)
  if printf '%s\n' "$p_said" | grep -qiE '(no such option|unrecognized arguments).*--downloadonly'; then
    # An older yum has it only as a plugin.
    if ! command -v yumdownloader >/dev/null; then
      echo 'yum cannot fetch without installing: install yum-utils or yum-plugin-downloadonly' >&2
      return 1
    fi
    p_said=$(LC_ALL=C yumdownloader --disableexcludes=all --destdir="$p_box" "$@" </dev/null 2>&1)
  fi
  for p_rpm in "$p_box"/*.rpm; do
    if [ -f "$p_rpm" ]; then rpm -qp --nosignature --qf "$p_nevra" -- "$p_rpm" 2>/dev/null | sed "s|\$| $p_rpm|"; fi
  done >"$p_box/all"
}

# NEVRA: its file, if it was fetched.
p_got() { awk -v one="$1" '$1 == one { print $2; exit }' "$p_box/all"; }

# NEVRA REPOSITORY lines on standard input: fetches these as a job would, and says what cannot be: `bad NEVRA REASON`.
p_fetched() {
  p_list=$(cat)
  if [ -z "$p_list" ]; then return 0; fi
  p_own "$p_lib" && mkdir -p "$p_lib" && p_box=$(mktemp -d "$p_lib/put-back.XXXXXX") || return 71
  trap 'rm -rf --one-file-system -- "$p_box"' EXIT
  trap 'exit 143' HUP INT TERM
  p_yum=$(command -v yum || command -v dnf) || { echo 'there is neither yum nor dnf' >&2; return 1; }
  p_gets $(printf '%s\n' "$p_list" | cut -d' ' -f1) || return 1
  printf '%s\n' "$p_list" | while read -r p_one p_from; do
    p_got=$(p_got "$p_one")
    # One that is not there keeps the others away too.
    if [ -z "$p_got" ] && [ "$p_list" != "$p_one $p_from" ]; then p_gets "$p_one" && p_got=$(p_got "$p_one"); fi
    if [ -z "$p_got" ]; then p_bad=$(p_refuse "$p_said" 2>&1); else p_bad=$(p_unsigned "$p_got" "$p_from"); fi
    if [ -n "$p_bad" ]; then printf 'bad %s %s\n' "$p_one" "$(printf '%s' "$p_bad" | base64 -w0)"; fi
  done
}

# NAME...: the exact versions that are installed, those that the repositories have, and which of these a job could not
# fetch or would not take.
p_restorable() {
  p_locked || return
  p_have=$(p_installed "$@") || return 1
  set -- $p_have
  if [ $# -gt 0 ]; then
    p_proxies
    p_want=$(rpm -q --qf "$p_nevra" -- "$@" | sort -u) && p_offer=$(p_offered "$@") || return 1
    printf 'want %s\n' $p_want
    if [ -n "$p_offer" ]; then printf '%s\n' "$p_offer"; fi
    printf '%s\n' "$p_offer" | awk -v want="$(echo $p_want)" '
      BEGIN { n = split(want, all, " "); for (i = 1; i <= n; i++) wanted[all[i]] = 1 }
      $1 == "have" && ($2 in wanted) { delete wanted[$2]; print $2, $3 }' | (p_fetched) || return 1
  fi
  echo end
}
