//! `palinode inventory host`.

use crate::args::{Args, Source};
use crate::exit::{Exit, Failure};

pub(crate) fn host(_args: &Args, source: &Source, _host: &str) -> Result<Exit, Failure> {
    Err(Failure::usage(format!("cannot read {} yet", source.inventory.join(" ")), "use ansible-inventory meanwhile"))
}
