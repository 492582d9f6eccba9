//! `wait`: the host is asked until something holds, or the time is up.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use crate::ssh::{NAMED, quoted};
use palinode_core::action::{Awaited, Secret, Wait};
use palinode_core::port::{Bodies, Job};
use palinode_core::record::Why;
use palinode_core::span::Span;

/// The exit code of a wait whose time is up.
const TIMED_OUT: i32 = 124;

impl OnHost for Wait {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        const LOOKS: &str = include_str!("wait.sh");
        let seconds = |span: Span| span.micros().0 / 1_000_000;
        let looks = match self.what() {
            Some(Awaited::Port(port)) => format!("listens {port}"),
            Some(Awaited::Path(path)) => format!("is_there {}", quoted(path)),
            Some(Awaited::Unit(unit)) => format!("runs {}", quoted(unit)),
            Some(Awaited::Time(span)) => return Ok(format!("sleep {}\n", seconds(span))),
            None => return Err(ActError::NoWait),
        };
        Ok(format!("{NAMED}{LOOKS}until_they_hold {} {looks}\n", seconds(self.timeout)))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn why(&self, code: i32, _: bool) -> Option<Why> {
        match code {
            0 => None,
            TIMED_OUT => Some(Why::Timeout),
            _ => Some(Why::ExitCode),
        }
    }

    fn special(&self) -> Special<'_> {
        Special::Plain
    }

    fn brings(&self) -> String {
        String::new()
    }
}
