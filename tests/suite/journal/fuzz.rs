//! Every target over what today's code writes, over the corpus that a fuzzer left, and over mutations of both.

use palinode_tests::crash::side_by_side;
use palinode_tests::fuzz::{TARGETS, corpus, seeds};
use std::time::Instant;

/// `PALINODE_TESTS_FUZZ_SEEDS` names a folder to write the seeds to, each target's in its own: a fuzzer begins there.
fn keep(target: &str, seeds: &[(String, Vec<u8>)]) {
    let Some(folder) = std::env::var_os("PALINODE_TESTS_FUZZ_SEEDS") else { return };
    let folder = std::path::Path::new(&folder).join(target);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    for (name, bytes) in seeds {
        std::fs::write(folder.join(name), bytes).expect("a seed can be written");
    }
}

#[test]
fn no_input_breaks_a_promise() {
    let wrong = side_by_side(TARGETS, |target| {
        let began = Instant::now();
        let fresh = seeds::of(target.name);
        keep(target.name, &fresh);
        let kept = corpus::read(target.name);
        assert!(!fresh.is_empty() && !kept.is_empty(), "{} has inputs", target.name);
        match corpus::run(target, &[fresh, kept].concat()) {
            Ok(count) => {
                println!("{}: {count} inputs, {:.1?}", target.name, began.elapsed());
                Vec::new()
            }
            Err(fallen) => {
                let path = std::env::temp_dir().join(format!("palinode-fallen-{}", target.name));
                let kept = std::fs::write(&path, &fallen.bytes).is_ok();
                let place = if kept { path.display().to_string() } else { format!("{:?}", fallen.bytes) };
                vec![format!("{}: {} fails; it is in {place}", target.name, fallen.from)]
            }
        }
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
