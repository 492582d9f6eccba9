//! `reboot`: the host reboots, unless it did since the first attempt.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::quoted;
use palinode_core::action::{Secret, Target};
use palinode_core::id::ResourceKey;
use palinode_core::port::{Bodies, Job};
use palinode_core::resource::State;

/// The action has no fields.
pub(crate) struct Reboot;

impl OnHost for Reboot {
    fn act(&self, job: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        let old = quoted(old_boot(job).unwrap_or_default());
        Ok(format!(
            "if [ \"$(cat /proc/sys/kernel/random/boot_id)\" != {old} ]; then echo 'rebooted already, nothing to do'; exit 0; fi\n\
             if [ -d /run/systemd/system ]; then systemctl --no-block reboot; else reboot; fi\n"
        ))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn special(&self) -> Special<'_> {
        Special::Reboot
    }

    fn brings(&self) -> String {
        String::new()
    }
}

/// The boot that a reboot is to end: the one before the first attempt.
pub(crate) fn old_boot(job: &Job) -> Option<&str> {
    let Target { host: Some(host), .. } = &job.target else { return None };
    match job.before.get(&ResourceKey::boot(host)) {
        Some(State::Boot { id }) => Some(id),
        _ => job.boot.as_deref(),
    }
}
