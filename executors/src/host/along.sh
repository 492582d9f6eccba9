# ---- What systemd stops and starts along with a unit.

# What is asked of each unit. A systemd of another age leaves out what it does not know.
p_asked='-p Id -p Names -p LoadState -p ActiveState -p StopWhenUnneeded -p TriggeredBy -p UpheldBy'
p_asked="$p_asked -p RequiredBy -p RequisiteOf -p BoundBy -p ConsistsOf -p PropagatesStopTo -p WantedBy"
p_asked="$p_asked -p Requires -p RequiresOverridable -p Requisite -p BindsTo -p Wants -p Upholds -p Conflicts -p ConflictedBy"

# stop|start NAME...: `along UNIT` for each other unit that changes when these are stopped or started one after the other,
# or when that is taken back. `again UNIT`: it runs, and starts one of those that are stopped.
p_along() {
  p_verb=$1 p_seeds='' p_known='' p_want='' p_round=0
  shift
  for p_s; do
    p_full "$p_s"
    p_seeds="$p_seeds $p_n"
  done
  p_want=$p_seeds
  while [ -n "$p_want" ] && [ $p_round -lt 40 ]; do
    # Names have no spaces; some have a backslash, which an echo might eat.
    p_more=$(set -f; systemctl show $p_asked -- $p_want) || { printf '%s\n' "$p_more" >&2; return 1; }
    # One may be known by another name, which only its file tells.
    case $p_round:$p_more in 0:*LoadState=not-found*)
      p_want='' p_round=1
      for p_s; do p_want="$p_want $(p_named "$p_s")"; done
      if [ "$p_want" != "$p_seeds" ]; then
        p_seeds=$p_want
        continue
      fi
      ;;
    esac
    p_known="$p_known
asked$p_want
$p_more
"
    p_said=$(printf '%s %s\n%s\n\n' "$p_verb" "$p_seeds" "$p_known" | p_reached)
    p_want=$(printf '%s\n' "$p_said" | sed -n 's/^ask//p')
    p_round=$((p_round + 1))
  done
  printf '%s\n' "$p_said"
}

# From what is known of units: what is reached, and at the end the names that must be asked about before more is known.
# Dependencies are followed as systemd does it: the units that were named always, others only if they would change.
p_reached() {
  awk '
    function plain(text,   n, i, part, out) {
      n = split(text, part, /\\x5c/)
      out = part[1]
      for (i = 2; i <= n; i++) out = out "\\" part[i]
      return out
    }
    function keep(   n, i, name, what) {
      if (value["Id"] != "") {
        id = value["Id"]
        n = split(plain(value["Names"]), name, " ")
        for (i = 1; i <= n; i++) is[name[i]] = id
        is[id] = id
        for (what in value) of[id, what] = plain(value[what])
      }
      split("", value)
    }
    # The unit of that name; empty if nothing is known of it.
    function unit(name) {
      if (name in is) return is[name]
      if (!(name in asked)) { asked[name] = 1; ask = ask " " name }
      return ""
    }
    function runs(u) { return of[u, "ActiveState"] != "" && of[u, "ActiveState"] !~ /^(inactive|failed)$/ }
    function starts(u) { return of[u, "LoadState"] == "loaded" && !runs(u) }
    function usual(name) {
      return name ~ /^(shutdown|sysinit|basic)\.target$/ || name == "system.slice" || name == "-.slice" || name == "-.mount"
    }
    # What is reached is a verb for a unit, forth and back.
    function reach(u, verb, way) {
      if ((u, verb, way) in seen) return
      seen[u, verb, way] = 1
      queue[++last] = u; does[last] = verb; on[last] = way
    }
    function each(u, what, verb, way,   n, i, name, other) {
      n = split(of[u, what], name, " ")
      for (i = 1; i <= n; i++) {
        if (usual(name[i])) continue
        other = unit(name[i])
        if (other == "") continue
        if (verb == "stop" ? runs(other) : starts(other)) reach(other, verb, way)
      }
    }
    function follow() {
      while (next_one < last) {
        next_one++
        u = queue[next_one]; way = on[next_one]
        if (does[next_one] == "stop") {
          each(u, "RequiredBy", "stop", way); each(u, "RequisiteOf", "stop", way); each(u, "BoundBy", "stop", way)
          each(u, "ConsistsOf", "stop", way); each(u, "PropagatesStopTo", "stop", way)
        } else {
          each(u, "Requires", "start", way); each(u, "RequiresOverridable", "start", way)
          each(u, "BindsTo", "start", way); each(u, "Wants", "start", way); each(u, "Upholds", "start", way)
          each(u, "Conflicts", "stop", way); each(u, "ConflictedBy", "stop", way)
        }
      }
    }
    # Whether a unit that stops once nobody needs it is needed by one that stays.
    function needed(u,   n, i, name, other) {
      n = split(of[u, "RequiredBy"] " " of[u, "RequisiteOf"] " " of[u, "BoundBy"] " " of[u, "WantedBy"], name, " ")
      for (i = 1; i <= n; i++) {
        other = unit(name[i])
        if (other != "" && runs(other) && !((other, "stop", "forth") in seen)) return 1
      }
      return 0
    }
    function unneeded(   i, n, k, name, other) {
      for (i = 1; i <= last; i++) {
        if (does[i] != "stop" || on[i] != "forth") continue
        u = queue[i]
        n = split(of[u, "Requires"] " " of[u, "Requisite"] " " of[u, "BindsTo"] " " of[u, "Wants"], name, " ")
        for (k = 1; k <= n; k++) {
          if (usual(name[k])) continue
          other = unit(name[k])
          if (other != "" && runs(other) && of[other, "StopWhenUnneeded"] == "yes" && !needed(other)) reach(other, "stop", "forth")
        }
      }
    }
    NR == 1 { verb = $1; for (i = 2; i <= NF; i++) seed[++seeds] = $i; next }
    /^asked / { keep(); for (i = 2; i <= NF; i++) asked[$i] = 1; next }
    /^$/ { keep(); next }
    { at = index($0, "="); value[substr($0, 1, at - 1)] = substr($0, at + 1) }
    END {
      keep()
      for (i = 1; i <= seeds; i++) {
        u = unit(seed[i])
        if (u != "" && of[u, "LoadState"] != "not-found") { named[u] = 1; reach(u, verb, "forth") }
      }
      follow()
      for (was = -1; was != last;) { was = last; unneeded(); follow() }
      forth = last
      for (i = 1; i <= forth; i++) {
        u = queue[i]
        if (does[i] == "stop" && runs(u)) reach(u, "start", "back")
        if (does[i] == "start" && starts(u)) reach(u, "stop", "back")
      }
      follow()
      for (i = 1; i <= last; i++) {
        u = queue[i]
        if (!(u in named) && !(u in told)) { told[u] = 1; print "along " u }
        if (does[i] != "stop" || on[i] != "forth") continue
        n = split(of[u, "TriggeredBy"] " " of[u, "UpheldBy"], name, " ")
        for (k = 1; k <= n; k++) {
          other = unit(name[k])
          if (other != "" && runs(other) && !((other, "stop", "forth") in seen) && !(other in again)) {
            again[other] = 1
            print "again " other
          }
        }
      }
      if (ask != "") print "ask" ask
    }
  '
}

# NAME...: `along UNIT` for each other unit that is enabled or disabled with these, as their files say.
p_also() {
  p_want='' p_had=' ' p_round=0
  for p_s; do
    p_s=$(p_named "$p_s")
    p_want="$p_want $p_s" p_had="$p_had$p_s "
  done
  while [ -n "$p_want" ] && [ $p_round -lt 10 ]; do
    p_files=$(set -f; systemctl show -p FragmentPath -p DropInPaths -- $p_want) || { printf '%s\n' "$p_files" >&2; return 1; }
    p_files=$(printf '%s\n' "$p_files" | sed -n 's/^[A-Za-z]*=//p')
    p_want='' p_round=$((p_round + 1))
    for p_f in $p_files; do
      if ! [ -f "$p_f" ]; then continue; fi
      # What a name is made of is known to systemd alone where it has a specifier.
      for p_s in $(sed -n 's/^Also=//p' "$p_f"); do
        case "$p_s $p_had" in *%*) continue ;; *" $p_s "*) continue ;; esac
        p_want="$p_want $p_s" p_had="$p_had$p_s "
        printf 'along %s\n' "$p_s"
      done
    done
  done
}
