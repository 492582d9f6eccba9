//! `dns.check`: names are looked up as programs on the host do it.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::quoted;
use palinode_core::action::{DnsCheck, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for DnsCheck {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let names: Vec<String> = self.names.iter().map(|name| quoted(name)).collect();
        Ok(format!(
            "bad=\nfor name in {}; do if ! timeout 20 getent ahostsv4 \"$name\" >/dev/null; then bad=\"$bad $name\"; fi; done\n\
             if [ -n \"$bad\" ]; then echo \"cannot resolve$bad\" >&2; exit 1; fi\n",
            names.join(" ")
        ))
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
        String::new()
    }
}
