//! `gluster.heal`: gluster is asked, and nothing is started.

use crate::gluster;
use crate::host::act_error::ActError;
use crate::host::{OnHost, Special};
use palinode_core::action::{GlusterHeal, Secret};
use palinode_core::port::{Bodies, Job};

impl OnHost for GlusterHeal {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(gluster::query(self))
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
