//! Small programs in C for what the workspace's own code may not do: it has no unsafe.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const CUT: &str = include_str!("../helpers/cut.c");
const FAULTS: &str = include_str!("../helpers/faults.c");
const DELAY: &str = include_str!("../helpers/delay.c");
const CLOCK: &str = include_str!("../helpers/clock.c");

/// The program that cuts a file system off its device.
pub fn cut() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("cut", CUT, &[]))
}

/// The library that lets calls fail; to be preloaded.
pub fn faults() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("faults.so", FAULTS, &["-shared", "-fPIC", "-ldl"]))
}

/// The program that hands on what comes in, each piece so many milliseconds later.
pub fn delay() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("delay", DELAY, &[]))
}

/// The library that makes a clock wrong; to be preloaded.
pub fn clock() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("clock.so", CLOCK, &["-shared", "-fPIC"]))
}

/// The settings that have a library loaded before all others. It is named by its file alone: the linker would split a path
/// at a space.
pub fn preloaded(library: &Path) -> [(&'static str, PathBuf); 2] {
    let file = library.file_name().expect("a library has a name");
    let folder = library.parent().expect("a library is in a folder");
    [("LD_PRELOAD", file.into()), ("LD_LIBRARY_PATH", folder.to_owned())]
}

/// Compiles a source beside the test's own file, unless it was compiled before.
fn build(name: &str, source: &str, options: &[&str]) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (source, options).hash(&mut hasher);
    let me = std::env::current_exe().expect("a test has a path");
    let folder = me.parent().expect("tests are in a folder");
    let built = folder.join(format!("helper-{:016x}-{name}", hasher.finish()));
    if built.exists() {
        return built;
    }
    // Several test processes may do this at once: each builds aside, and the last rename stays.
    let aside = tempfile::tempdir_in(folder).expect("a folder can be made");
    let (text, temp) = (aside.path().join("source.c"), aside.path().join(name));
    std::fs::write(&text, source).expect("the folder can be written");
    let out = Command::new("cc").args(["-O2", "-o"]).args([&temp, &text]).args(options).output();
    let out = out.expect("a C compiler is there: the workspace's own dependencies need it");
    assert!(out.status.success(), "{name} compiles: {}", String::from_utf8_lossy(&out.stderr));
    std::fs::rename(&temp, &built).expect("a file can be renamed");
    built
}
