//! Files of the control side.

mod inventory_files;
#[cfg(test)]
mod tests;

pub use inventory_files::InventoryFiles;
