//! Where benches write: a folder of the target folder's disk, or that of `PALINODE_BENCH_DIR`, removed in the end.

use std::path::PathBuf;
use tempfile::TempDir;

/// A folder of its own.
pub(crate) fn folder(name: &str) -> TempDir {
    let under = std::env::var_os("PALINODE_BENCH_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    tempfile::Builder::new().prefix(&format!("{name}-")).tempdir_in(under).expect("a folder can be made")
}
