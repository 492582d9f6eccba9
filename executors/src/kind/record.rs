//! `record`: nothing is done, for looks before and after say it all.

use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use palinode_core::action::{Record, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for Record {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(":".to_owned())
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
