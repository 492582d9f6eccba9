//! `palinode inventory graph`.

use crate::args::{Args, Source};
use crate::exit::{Exit, Failure};

pub(crate) fn graph(_args: &Args, source: &Source, _group: &str) -> Result<Exit, Failure> {
    Err(Failure::usage(format!("cannot read {} yet", source.inventory.join(" ")), "use ansible-inventory meanwhile"))
}
