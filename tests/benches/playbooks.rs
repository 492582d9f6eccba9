//! What it costs that a playbook's every host result is recorded, against the same playbook by hand, and by hand with `ara`.

use crate::rounds::{goal, ratio, rounds_of, table};
use palinode_tests::ansible::Release;
use palinode_tests::playbooks::Playbooks;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// So many host results: a task on each of three hosts makes three. They are `raw`: no Python starts on the machines, which
/// are this very one and would make the time longer that recording is a part of.
const TASKS: usize = 134;

const NAMES: [&str; 3] = ["gluster1.demo", "gluster2.demo", "gluster3.demo"];

pub(crate) fn run() {
    println!("a playbook of {TASKS} tasks on three hosts, {} host results", 3 * TASKS);
    let Some(plays) = Playbooks::new("bench: playbooks", Release::Current, &NAMES) else { return };
    let mut text = "- hosts: glusterfs\n  gather_facts: false\n  tasks:\n".to_owned();
    for number in 0..TASKS {
        text.push_str(&format!("    - name: task {number}\n      raw: echo {number}\n"));
    }
    plays.site.desk.write("play.yml", text);
    // As fast as Ansible is over ssh: what recording costs counts the most then.
    plays.site.desk.write("ansible.cfg", "[ssh_connection]\npipelining = true\n");
    plays.runbook("", "");
    let inside = std::cell::RefCell::new(Vec::new());
    let mut ours = || {
        let (seconds, spent, busy) = palinode(&plays);
        inside.borrow_mut().push((spent, busy, seconds));
        seconds
    };
    let mut bare = || by_hand(&plays, None);
    let ara = std::env::var_os("PALINODE_BENCH_ARA").map(PathBuf::from);
    let with_ara = ara.clone();
    let mut theirs = || by_hand(&plays, with_ara.as_deref());
    let mut all: Vec<(&str, &mut dyn FnMut() -> f64)> =
        vec![("palinode run", &mut ours), ("ansible-playbook by hand", &mut bare)];
    match ara {
        Some(_) => all.push(("ansible-playbook with ara", &mut theirs)),
        None => println!("  ara was not measured: PALINODE_BENCH_ARA names no environment that has it"),
    }
    let figures = rounds_of(9, &mut all);
    print!("{}", table("s", &figures));
    // The first was not measured.
    inside.borrow_mut().remove(0);
    let mut shares: Vec<f64> =
        inside.borrow().iter().map(|(spent, busy, seconds)| 100.0 * (spent + busy) / seconds).collect();
    shares.sort_by(f64::total_cmp);
    let middle = shares[shares.len() / 2];
    let (spent, busy, _) = inside.borrow()[inside.borrow().len() / 2];
    println!(
        "  of the time, inside the callback {spent:.3} s and on a processor in palinode {busy:.3} s (one of the runs)"
    );
    let share = (middle, shares[0], shares[shares.len() - 1]);
    goal("callback and palinode, % of the time", share, middle <= 5.0, "at most 5");
    let over = ratio(&figures[0], &figures[1]);
    println!("  palinode run over ansible by hand: {:.2} ({:.2} to {:.2})", over.0, over.1, over.2);
    if let Some(theirs) = figures.get(2) {
        let over = ratio(theirs, &figures[1]);
        println!("  with ara over ansible by hand: {:.2} ({:.2} to {:.2})", over.0, over.1, over.2);
    }
}

/// A run: its time, the time inside the callback, and what the process used of a processor.
fn palinode(plays: &Playbooks) -> (f64, f64, f64) {
    let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
    let start = Instant::now();
    let mut live = plays.spawn(&["run", "./play-book.yml", "-i", "hosts", "--yes"]);
    let (mut spent, mut busy) = (0.0, 0.0);
    while !live.has_ended() {
        // While it lives; the last of it is a few milliseconds old.
        busy = ticks(live.pid()).unwrap_or(busy);
        if let Some(last) = last_line(plays)
            && let Some(micros) = last["spent"].as_u64()
        {
            spent = micros as f64 / 1e6;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let seconds = start.elapsed().as_secs_f64();
    live.end().exits(0);
    assert!(spent > 0.0, "the callback tells what it took");
    (seconds, spent, busy)
}

/// What a process used of a processor, in user mode and in the kernel.
fn ticks(pid: u32) -> Option<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    // A hundred of them are a second, on every Linux that people use.
    Some(ticks as f64 / 100.0)
}

/// The last whole line that the job told, without reading all of them each time.
fn last_line(plays: &Playbooks) -> Option<serde_json::Value> {
    let jobs = std::fs::read_dir(plays.site.desk.path().join(".palinode/jobs")).ok()?;
    let file = jobs.flatten().map(|job| job.path().join("events")).find(|file| file.exists())?;
    let mut file = std::fs::File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(length.saturating_sub(4096))).ok()?;
    let mut text = String::new();
    std::io::Read::read_to_string(&mut file, &mut text).ok()?;
    serde_json::from_str(text.trim_end().lines().last()?).ok()
}

fn by_hand(plays: &Playbooks, ara: Option<&Path>) -> f64 {
    let settings = plays.settings();
    let path = settings.iter().find(|(name, _)| *name == "PATH").map(|(_, path)| path.clone()).unwrap_or_default();
    let mut command = match ara {
        Some(home) => {
            let mut command = Command::new(home.join("bin/ansible-playbook"));
            let out = Command::new(home.join("bin/python3")).args(["-m", "ara.setup.callback_plugins"]).output();
            let plugins = String::from_utf8(out.expect("python can be started").stdout).expect("a path");
            command.env("ANSIBLE_CALLBACK_PLUGINS", plugins.trim());
            command.env("ARA_BASE_DIR", plays.site.desk.path().join("ara"));
            let mut found = OsString::from(home.join("bin"));
            found.push(":");
            found.push(&path);
            command.env("PATH", found);
            command
        }
        None => {
            let mut command = Command::new("ansible-playbook");
            command.env("PATH", &path);
            command
        }
    };
    let config = plays.site.hosts.config().display();
    command.env("ANSIBLE_SSH_ARGS", format!("-F '{config}' -C -o ControlMaster=auto -o ControlPersist=60s"));
    command.args(["-i", "hosts", "play.yml"]).current_dir(plays.site.desk.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    assert!(command.status().expect("ansible can be started").success(), "the playbook is good");
    start.elapsed().as_secs_f64()
}
