//! `service`: units are started, stopped, enabled and disabled by systemctl.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::{NAMED, quoted};
use palinode_core::action::{Secret, Service, ServiceState};
use palinode_core::port::{Bodies, Job};
use std::fmt::Write as _;

/// A unit may leave behind what it ran, as CRI-O leaves containers: stopped means that nothing of it runs.
const EMPTY: &str = r#"cg=$(systemctl show -p ControlGroup -- "$u"); cg=${cg#*=}
case $cg in */"$u") ;; *) cg=/system.slice/$u ;; esac
left() {
  for at in "/sys/fs/cgroup/systemd$cg" "/sys/fs/cgroup/unified$cg" "/sys/fs/cgroup$cg"; do
    if [ -d "$at" ]; then find "$at" -name cgroup.procs -exec cat {} + 2>/dev/null; fi
  done | sort -u
}
if [ -n "$(left)" ]; then
  echo "$u left processes behind, which are ended now:"
  for pid in $(left); do printf '%s %s
' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
  kill -TERM $(left) 2>/dev/null
  n=0
  while [ -n "$(left)" ] && [ $n -lt 200 ]; do
    sleep 0.1
    n=$((n + 1))
    if [ $n = 100 ]; then kill -KILL $(left) 2>/dev/null; fi
  done
  if [ -n "$(left)" ]; then echo "$u still has processes" >&2; exit 1; fi
fi
"#;

impl OnHost for Service {
    /// Units are known under their own name: systemctl refuses to change one by an alias. Before one of several is started,
    /// all are there.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let names: Vec<String> = self.names().map(quoted).collect();
        let wanted = self.state == Some(ServiceState::Started) || self.enabled == Some(true);
        let absent = if wanted {
            "echo \"Unit $u not found\" >&2; exit 5"
        } else {
            "echo \"$u: there is no such unit, nothing to do\"; continue"
        };
        let each = format!("for name in {}; do\nu=$(p_named \"$name\")\n", names.join(" "));
        let known = format!(
            "shown=$(systemctl show -p Id -p LoadState -- \"$u\") || exit\n\
             case $shown in *LoadState=not-found*) {absent} ;; esac\n"
        );
        let mut act = NAMED.to_owned();
        if wanted && names.len() > 1 {
            let _ = writeln!(act, "{each}{known}done");
        }
        let _ = writeln!(act, "{each}{known}u=$(printf '%s\\n' \"$shown\" | sed -n 's/^Id=//p')");
        match self.state {
            Some(ServiceState::Stopped) => {
                act.push_str("systemctl stop -- \"$u\" || exit\n");
                act.push_str(EMPTY);
            }
            Some(ServiceState::Started) => act.push_str("systemctl start -- \"$u\" || exit\n"),
            None => {}
        }
        match self.enabled {
            Some(true) => act.push_str("systemctl enable -- \"$u\" || exit\n"),
            Some(false) => act.push_str(
                "case $(systemctl show -p UnitFileState -- \"$u\") in *= | *=static | *=indirect | *=generated | *=transient) ;; \
                 *) systemctl disable -- \"$u\" ;; esac || exit\n",
            ),
            None => {}
        }
        act.push_str("done\n");
        Ok(act)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn special(&self) -> Special<'_> {
        Special::Plain
    }

    fn brings(&self) -> String {
        match self.enabled {
            Some(_) => "p_bring /etc\n".to_owned(),
            None => String::new(),
        }
    }
}
