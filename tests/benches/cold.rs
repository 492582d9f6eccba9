//! The binary in a process of its own: how long it takes and how much memory it has at most.

use palinode_tests::binary::binary;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What a process took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Wall time in seconds.
    pub(crate) seconds: f64,
    /// Most resident memory, in MiB.
    pub(crate) mebibytes: f64,
}

/// The most resident memory of a process so far, as the kernel counts it; none once it is gone.
fn peak(pid: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok().map(|kibibytes| kibibytes / 1024.0)
}

/// Runs the binary in a folder to its end, which must be this exit code.
pub(crate) fn run(dir: &Path, args: &[&str], code: i32) -> Cost {
    let mut command = Command::new(binary());
    command.args(args).current_dir(dir).env_remove("PALINODE_JOURNAL");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().expect("the binary can be started");
    let mut mebibytes: f64 = 0.0;
    let status = loop {
        mebibytes = mebibytes.max(peak(child.id()).unwrap_or(0.0));
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            break status;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(status.code(), Some(code), "palinode {}", args.join(" "));
    Cost { seconds, mebibytes }
}
