//! Files of the control side.

mod file;
mod inventory_files;
mod kind;
#[cfg(test)]
mod tests;

pub use inventory_files::InventoryFiles;
pub(crate) use kind::OnFiles;
