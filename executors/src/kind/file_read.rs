//! `file.read`: the first line `KEY=` of a file is printed.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special, bounded};
use crate::ssh::quoted;
use palinode_core::action::{FileRead, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for FileRead {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(format!(
            "path={} key={}\n{}line=$(grep -m 1 \"^[[:space:]]*$key=\" -- \"$path\") || {{ rc=$?; \
             if [ $rc = 1 ]; then echo \"$path has no line $key=\" >&2; fi; exit $rc; }}\n\
             printf '%s\\n' \"${{line#*=}}\"\n",
            quoted(&self.path),
            quoted(&self.key),
            bounded("path"),
        ))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn special(&self) -> Special<'_> {
        Special::Value(value)
    }

    fn brings(&self) -> String {
        String::new()
    }
}

/// The value that a `file.read` printed.
fn value(out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok()?.lines().next()?;
    Some(text.trim().trim_matches('"').to_owned())
}
