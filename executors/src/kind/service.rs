//! `service`: units are started, stopped, enabled and disabled by systemctl.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::{NAMED, quoted};
use palinode_core::action::{Secret, Service, ServiceState};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::Kind;
use std::fmt::Write as _;

/// A unit that runs again is not stopped, and its processes are none that it left: what started it is told.
const AGAIN: &str = r#"shown=$(systemctl show -p Id -p ActiveState -p ControlGroup -p Slice -p TriggeredBy -- "$u") || exit
case $shown in *ActiveState=inactive* | *ActiveState=failed* | *ActiveState=deactivating*) ;; *)
  by=
  for t in $(printf '%s\n' "$shown" | sed -n 's/^TriggeredBy=//p'); do
    case $(systemctl show -p ActiveState -- "$t") in *=active) by="$by $t" ;; esac
  done
  echo "$u runs again right after it was stopped${by:+; it is started by$by: stop that first}" >&2
  exit 1
  ;;
esac
"#;

/// A unit may leave behind what it ran, as CRI-O leaves containers: stopped means that nothing of it runs.
const EMPTY: &str = r#"cg=$(p_cgroup "$shown")
if [ -n "$(p_left "$cg")" ]; then
  echo "$u left processes behind, which are ended now:"
  for pid in $(p_left "$cg"); do printf '%s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"; done
  kill -TERM $(p_left "$cg") 2>/dev/null
  n=0
  while [ -n "$(p_left "$cg")" ] && [ $n -lt 200 ]; do
    sleep 0.1
    n=$((n + 1))
    if [ $n = 100 ]; then kill -KILL $(p_left "$cg") 2>/dev/null; fi
  done
  if [ -n "$(p_left "$cg")" ]; then echo "$u still has processes" >&2; exit 1; fi
fi
"#;

impl OnHost for Service {
    /// Units are known under their own name: systemctl refuses to change one by an alias. Before one of several is started,
    /// all are there. The definition that starts is the one on the disk.
    fn act(&self, job: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let names: Vec<String> = self.names().map(quoted).collect();
        let wanted = self.state == Some(ServiceState::Started) || self.enabled == Some(true);
        let absent = if wanted {
            "echo \"Unit $u not found\" >&2; exit 5"
        } else {
            "echo \"$u: there is no such unit, nothing to do\"; continue"
        };
        let each = format!("for name in {}; do\nu=$(p_named \"$name\")\n", names.join(" "));
        let show = "shown=$(systemctl show -p Id -p LoadState -p NeedDaemonReload -- \"$u\") || exit";
        // What systemd looked for in vain, it may take for missing until it reads all anew.
        let anew = if wanted {
            format!(
                "case $shown in *LoadState=not-found* | *NeedDaemonReload=yes*) \
                 systemctl daemon-reload || exit; u=$(p_named \"$name\"); {show} ;; esac\n"
            )
        } else {
            String::new()
        };
        let known = format!("{show}\n{anew}case $shown in *LoadState=not-found*) {absent} ;; esac\n");
        let mut act = NAMED.to_owned();
        if self.state == Some(ServiceState::Started) {
            act.push_str(&stale(self, job));
        }
        if wanted && names.len() > 1 {
            let _ = writeln!(act, "{each}{known}done");
        }
        let _ = writeln!(act, "{each}{known}u=$(printf '%s\\n' \"$shown\" | sed -n 's/^Id=//p')");
        // To enable one reads all anew: systemd then may forget that a unit runs which gets another name with it. It is
        // started behind that.
        if self.enabled == Some(true) {
            act.push_str("systemctl enable -- \"$u\" || exit\n");
        }
        match self.state {
            Some(ServiceState::Stopped) => {
                act.push_str("systemctl stop -- \"$u\" || exit\n");
                act.push_str(AGAIN);
                act.push_str(EMPTY);
            }
            Some(ServiceState::Started) => act.push_str("systemctl start -- \"$u\" || exit\n"),
            None => {}
        }
        if self.enabled == Some(false) {
            act.push_str(
                // To disable one that is only linked would take it away.
                "case $(systemctl show -p UnitFileState -- \"$u\") in *=enabled | *=disabled) systemctl disable -- \"$u\" ;; esac || exit\n",
            );
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
        Special::Service(self)
    }

    fn brings(&self) -> String {
        match self.enabled {
            Some(_) => "p_bring /etc\n".to_owned(),
            None => String::new(),
        }
    }
}

/// Has systemd read the files of its units anew if one of those changed that are started along.
fn stale(service: &Service, job: &Job) -> String {
    let mut along = String::new();
    for key in job.before.keys() {
        match key.kind() {
            Some(Kind::Unit(_, unit)) if service.names().all(|name| name != unit) => {
                let _ = write!(along, " {}", quoted(unit));
            }
            _ => {}
        }
    }
    if along.is_empty() {
        return along;
    }
    format!(
        "set --; for name in{along}; do p_full \"$name\"; set -- \"$@\" \"$p_n\"; done\n\
         case $(systemctl show -p NeedDaemonReload -- \"$@\") in *=yes*) systemctl daemon-reload || exit ;; esac\n"
    )
}

/// Where systemd looks for the files of its units.
const FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Has systemd read the files of its units anew, behind a change of this path; empty if none of them is at or below it.
pub(super) fn read_anew(path: &str) -> &'static str {
    let path = path.trim_end_matches('/');
    let below =
        |one: &str, other: &str| one.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match FOLDERS.iter().any(|folder| below(path, folder) || below(folder, path)) {
        true => "if [ -d /run/systemd/system ]; then systemctl daemon-reload || exit; fi\n",
        false => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_unit_files_is_told_to_systemd() {
        let told = ["/etc/systemd/system/a.service", "/etc/systemd/system/", "/etc", "/lib/systemd/system/a.d/x.conf"];
        assert!(told.iter().all(|path| !read_anew(path).is_empty()));
        let others = ["/etc/systemd/system.conf", "/etc/origin", "/etc/systemd/system.conf.d/a", "/usr/lib/systemdx"];
        assert!(others.iter().all(|path| read_anew(path).is_empty()));
    }
}
