//! Files of the control side.

pub(crate) mod file;
mod inventory_files;
mod on_files;
#[cfg(test)]
mod tests;

pub use inventory_files::InventoryFiles;
pub(crate) use on_files::OnFiles;
