//! `package`: packages are installed and removed by yum or dnf, in one transaction.

use crate::host::act_error::ActError;
use crate::host::guard;
use crate::host::{EXACTLY, OnHost};
use crate::ssh::quoted;
use palinode_core::action::{Package, PackageState, Secret};
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::Nevra;
use std::fmt::Write as _;

impl OnHost for Package {
    /// Only what was named goes. What the package manager's own history calls it is said at the end.
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        const YUM: &str = "\"$yum\" -y --setopt=exit_on_lock=1 --setopt=clean_requirements_on_remove=0";
        const ALL: &str = concat!(include_str!("package_lock.sh"), include_str!("package.sh"));
        const MEANT: &str = include_str!("package_meant.sh");
        let list = |all: &[String]| all.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(" ");
        if self.state == PackageState::Absent {
            return Ok(format!(
                "{ALL}{MEANT}found() {{ {}; }}\nset -- $(found)\n\
                 if [ $# = 0 ]; then echo 'none of them is installed, nothing to do'; exit 0; fi\n\
                 was=$(latest)\n\
                 {YUM} --disableexcludes=all remove \"$@\" || exit\n\
                 set -- $(found)\n\
                 if [ $# != 0 ]; then echo \"still installed: $*\"; exit 1; fi\n\
                 told \"$was\"\nexit 0\n",
                self.names.iter().map(|item| self.found(item)).collect::<Vec<_>>().join("; ")
            ));
        }
        let mut act = ALL.to_owned();
        let exact: Vec<String> = self.exact.iter().map(Nevra::to_string).collect();
        let exact = list(&exact);
        if !exact.is_empty() {
            // In one transaction; a version older than the installed one is a downgrade, which yum wants to be told.
            let _ = write!(
                act,
                "missing() {{ set --; for p in {exact}; do if ! rpm -q --qf '%{{NAME}}-%|EPOCH?{{%{{EPOCH}}}}:{{0}}|:%{{VERSION}}-%{{RELEASE}}.%{{ARCH}}\\n' \
                 -- \"${{p%-[0-9]*:*}}\" 2>/dev/null | grep -Fqx -- \"$p\"; then set -- \"$@\" \"$p\"; fi; done; echo \"$*\"; }}\n\
                 left=$(missing)\nlocked $left\n"
            );
        }
        act.push_str("was=$(latest)\n");
        if !self.names.is_empty() {
            let _ = writeln!(act, "{YUM} install {} || exit", list(&self.names));
        }
        if !exact.is_empty() {
            let _ = write!(
                act,
                "if [ -n \"$left\" ]; then\n\
                 {YUM} {EXACTLY} install $left || exit\n\
                 left=$(missing)\n\
                 if [ -n \"$left\" ]; then {YUM} {EXACTLY} downgrade $left || exit; fi\n\
                 left=$(missing)\n\
                 if [ -n \"$left\" ]; then echo \"not installed: $left\" >&2; exit 1; fi\n\
                 else echo 'all of them are installed, nothing to do'; fi\n",
            );
        }
        act.push_str("told \"$was\"\nexit 0\n");
        Ok(act)
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn transaction(&self) -> Option<&Package> {
        Some(self)
    }

    fn message(&self, out: &[u8]) -> Option<String> {
        transaction(out)
    }

    fn brings(&self) -> String {
        format!("p_bring_usual {}\n", guard::USUAL)
    }
}

trait Found {
    /// The words of shell that print what is installed of an item that is to go: its name, else each version of it that the
    /// item means, in a form that can mean nothing else.
    fn found(&self, item: &str) -> String;
}

impl Found for Package {
    fn found(&self, item: &str) -> String {
        let name = self.name_of(item);
        match self.named.contains_key(item) {
            true => format!("meant {} {}", quoted(name), quoted(item)),
            false => format!("if rpm -q -- {0} >/dev/null 2>&1; then echo {0}; fi", quoted(name)),
        }
    }
}

/// What a package manager's own history calls the transaction of a job that printed this.
fn transaction(out: &[u8]) -> Option<String> {
    let last = String::from_utf8_lossy(guard::left_out(out).0).lines().last().map(str::to_owned);
    last.filter(|line| line.starts_with("transaction "))
}
