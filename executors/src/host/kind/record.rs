//! `record`: nothing is done, for looks before and after say it all.

use super::OnHost;
use crate::host::act_error::ActError;
use palinode_core::action::Record;
use palinode_core::port::{Bodies, Job};

impl OnHost for Record {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(":".to_owned())
    }

    fn guarded(&self) -> Vec<String> {
        Vec::new()
    }

    fn brings(&self) -> String {
        String::new()
    }
}
