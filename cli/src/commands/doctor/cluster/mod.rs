//! `palinode doctor --cluster`: whether the cluster lets a run work, and what its server cannot do. Nothing is changed.

mod judge;
mod words;

use super::judge::Level;
use super::row::Look;
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::journal::{self, Store};
use crate::render::{print_json, to_stdout};
use crate::run;
use palinode_core::chain::chain;
use palinode_core::port::Store as _;
use palinode_executors::NoCluster;

/// Looks at the cluster that the command line or the environment names.
pub(crate) fn look(args: &Args) -> Result<Exit, Failure> {
    let runtime = run::runtime()?;
    let own = journal::store_or_new(args.journal.as_deref()).ok().map(|store| name_of(&store));
    let look = runtime.block_on(async {
        match run::open_to_ask(args).await {
            Ok(cluster) => match cluster.checkup().await {
                Ok(found) => Look::Seen(Box::new(found)),
                Err(error) => Look::Refused(chain(&error)),
            },
            Err(error @ NoCluster::Refused { .. }) => Look::Refused(chain(&error)),
            Err(error @ (NoCluster::Config(_) | NoCluster::NotPlain { .. } | NoCluster::Silent(_))) => {
                Look::Unreached(chain(&error))
            }
        }
    });
    let rows = judge::judge(&look, own.as_deref());
    match args.output {
        Output::Json => print_json(&words::as_json(&look, &rows)),
        Output::Text => to_stdout(&words::text(&look, &rows)),
    }
    Ok(match look {
        Look::Unreached(_) => Exit::Usage,
        _ if rows.iter().any(|row| row.level == Level::Broken) => Exit::Failed,
        _ => Exit::Done,
    })
}

/// How Nodes know the journal here.
fn name_of(store: &Store) -> String {
    let id = store.id().ok().flatten();
    id.map_or_else(|| run::former_name(store.root()), |id| id.to_string())
}
