//! What a kind of action says that is done on hosts, and the body of a job's program that comes of it.

use super::act_error::ActError;
use super::{guard, same};
use crate::kind::done_by;
use palinode_core::action::{Package, Secret, Service};
use palinode_core::port::{Bodies, Job};
use palinode_core::record::Why;

/// A kind of action that is done on hosts.
pub(crate) trait OnHost {
    /// The body of a job's program; else why the action cannot be said.
    fn act(&self, job: &Job, bodies: &dyn Bodies) -> Result<String, ActError>;

    /// The secrets that it names. Each is read before anything is asked of the host, and once more when the job is made.
    fn secrets(&self) -> Vec<&Secret>;

    /// The words for the function of the guard, one list for each path that the action changes.
    fn guarded(&self) -> Vec<String>;

    /// Functions that those words call, beside the guard's own.
    fn functions(&self) -> &'static str {
        ""
    }

    /// What it is as a package transaction, whose other packages and files are looked up before.
    fn transaction(&self) -> Option<&Package> {
        None
    }

    /// What it stops or starts, whose dependencies are looked up before.
    fn service(&self) -> Option<&Service> {
        None
    }

    /// The paths that it writes through where they are symbolic links: where they lead is changed too.
    fn written_through(&self) -> &[String] {
        &[]
    }

    /// Whether its host goes down and comes back: then another boot is its end.
    fn reboots(&self) -> bool {
        false
    }

    /// Why it failed, by the code that its program ended with, and whether all that was printed is there.
    fn why(&self, code: i32, _whole: bool) -> Option<Why> {
        (code != 0).then_some(Why::ExitCode)
    }

    /// The value that it read, out of what it printed.
    fn value(&self, _out: &[u8]) -> Option<String> {
        None
    }

    /// What it says of an end that is good, out of what it printed.
    fn message(&self, _out: &[u8]) -> Option<String> {
        None
    }

    /// What has to be on the disk before the job's end is told, as a piece of shell; empty if it writes nothing.
    fn brings(&self) -> String;
}

/// So long may a file or an archive be that is read from a host or brought to one.
pub(crate) const LIMIT: usize = 32 << 20;

/// What a job is to do; else why it cannot be said. It looks first whether it may, and has what it did on the disk before
/// it ends, also if it failed half-way.
pub(crate) fn act(job: &Job, bodies: &dyn Bodies) -> Result<String, ActError> {
    const DISK: &str = include_str!("disk.sh");
    const WORK: &str = include_str!("work.sh");
    let Some(kind) = done_by(&job.action).on_host() else {
        return Err(ActError::Elsewhere(job.action.name()));
    };
    let act = kind.act(job, bodies)?;
    let (checks, brings) = (guard::checks(&job.action), kind.brings());
    if brings.is_empty() {
        return Ok(act);
    }
    let same = if job.action.replaces_files() { same::checks(job, bodies)? } else { String::new() };
    Ok(format!("{checks}{same}{DISK}{WORK}(\n{act}\n)\np_rc=$?\n{brings}exit $p_rc\n"))
}

/// Refuses what a user of the host may have laid out in the place of a file: what is waited for, and what has no end. One
/// that is not there is for what follows to say.
pub(crate) fn bounded(variable: &str) -> String {
    format!(
        "if [ -e \"${variable}\" ] && [ ! -f \"${variable}\" ]; then echo \"${variable} is no file\" >&2; exit 1; fi\n\
         if [ -f \"${variable}\" ] && [ \"$(stat -L -c %s -- \"${variable}\")\" -gt {LIMIT} ]; then \
         echo \"${variable} is longer than {} MiB\" >&2; exit 1; fi\n",
        LIMIT >> 20
    )
}
