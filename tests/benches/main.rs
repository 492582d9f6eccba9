//! What Palinode costs, each figure against the physical limit in the same process run. Prints ratios, asserts none.
//!
//! `cargo bench -p palinode-tests` runs all, `cargo bench -p palinode-tests -- NAME...` those named.

mod append;
mod bodies;
mod cold;
mod driver;
mod hosts;
mod inventories;
mod kube;
mod logging;
mod migration;
mod place;
mod playbooks;
mod reading;
mod rounds;
mod status;
mod still;

/// The binary's own: what is measured here without starting it allocates as it does.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A bench: its name on the command line, and what runs it.
const ALL: &[(&str, fn())] = &[
    ("append-one", append::one),
    ("append-many", append::sixty_four),
    ("bodies", bodies::run),
    ("driver", driver::run),
    ("logging-off", logging::off),
    ("logging-ring", logging::ring),
    ("reading", reading::run),
    ("status-many", status::many_runs),
    ("status-one", status::one_run),
    ("hosts", hosts::run),
    ("playbooks", playbooks::run),
    ("kube", kube::run),
    ("inventories", inventories::run),
    ("migration", migration::eleven),
    ("migration-thousand", migration::thousand),
];

fn main() {
    // Cargo passes flags of its own.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    if let Some(name) = wanted.iter().find(|name| ALL.iter().all(|(known, _)| known != name)) {
        let names: Vec<&str> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("there is no bench `{name}`; there are {}", names.join(", "));
        std::process::exit(2);
    }
    for (name, run) in ALL {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            run();
        }
    }
}
