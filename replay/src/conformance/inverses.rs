//! The actions that take a case back.

use super::bench::Try;
use palinode_core::action::{Action, Undo};
use palinode_core::id::ResourceKey;
use palinode_core::resource::Image;
use palinode_core::run::rules::prepare::way_back;
use palinode_core::run::rules::version::Rules;

/// The inverses of an attempt, as a rollback plans them: a merge gets the text that the attempt left.
pub(super) fn inverses_of(attempt: &Try, recorded: &Image) -> Vec<Undo> {
    let (mut inverses, _) =
        way_back(Rules::NOW, attempt.action(), &attempt.job.target, &attempt.footprint, attempt.before());
    for undo in &mut inverses {
        if let Action::InventoryRestore(restore) = &mut undo.action {
            let key = ResourceKey::control_file(&restore.file);
            restore.base = Some(Box::new(recorded.get(&key).cloned().unwrap_or_else(|| restore.to.clone())));
        }
    }
    inverses
}
