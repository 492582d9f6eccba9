//! What runs on a host, run here: in a folder instead of `/var/lib` and `/run`, by both shells that hosts have.

use super::channel::{PRELUDE, STARTER};
use super::quoted;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// A shell that was taught what a channel's shell is.
pub(super) struct Shell {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Shell {
    fn new(words: &[&str], place: &Path) -> Self {
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell can be started");
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut shell = Self { child, to, from };
        let here = |text: &str| {
            let lib = place.join("lib");
            text.replace("/var/lib/palinode", lib.to_str().expect("a path in UTF-8"))
                .replace("/run/palinode", place.join("run").to_str().expect("a path in UTF-8"))
        };
        shell.send(&format!("{}\np_program={}\n", here(PRELUDE), quoted(&here(STARTER))));
        shell
    }

    fn send(&mut self, text: &str) {
        self.to.as_mut().expect("it is open").write_all(text.as_bytes()).expect("the shell reads");
    }

    /// As a channel asks: exit code and lines.
    pub(super) fn ask(&mut self, script: &str) -> (i32, Vec<String>) {
        self.send(&format!("p_open setsid\n( eval {} ) </dev/null; printf '\\n<%d>\\n' \"$?\"\n", quoted(script)));
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.from.read_line(&mut line).expect("it prints text"), 0, "the shell ended: {lines:?}");
            let line = line.trim_end_matches('\n');
            if let Some(code) = line.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
                assert_eq!(lines.pop().as_deref(), Some(""), "the mark is on a line of its own");
                return (code.parse().expect("a number"), lines);
            }
            lines.push(line.to_owned());
        }
    }

    #[track_caller]
    fn says(&mut self, script: &str, wanted: &[&str]) -> Vec<String> {
        let (code, lines) = self.ask(script);
        assert_eq!(code, 0, "{script}: {lines:?}");
        for line in wanted {
            assert!(lines.iter().any(|found| found == line), "{script}: {line} in {lines:?}");
        }
        lines
    }

    /// Starts a job and waits for its end.
    #[track_caller]
    fn job(&mut self, name: &str, act: &str, wanted: &[&str]) -> Vec<String> {
        self.says(&format!("p_start {name} {} '' && p_status {name} 20 -", quoted(act)), wanted)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

/// With each shell, in a folder of its own.
pub(super) fn each(test: impl Fn(&mut Shell, &Path, &[&str])) {
    for words in [&["/bin/sh"][..], &["bash", "--posix"], &["dash"]] {
        if Command::new(words[0]).args(["-c", ":"]).status().is_err() {
            continue;
        }
        let place = tempfile::tempdir().expect("a folder can be made");
        let mut shell = Shell::new(words, place.path());
        test(&mut shell, place.path(), words);
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn base64(text: &str) -> String {
    super::encoded(text.as_bytes())
}

#[test]
fn a_job_tells_how_it_ended_and_starts_once() {
    each(|shell, place, _| {
        let count = place.join("count");
        let act = format!("echo one >>{}; echo told; echo complained >&2; exit 3", count.display());
        let out = format!("out {}", base64("told\ncomplained\n"));
        shell.job("a", &act, &["state finished", "rc 3", "dropped 0", &out]);
        shell.job("a", &act, &["state finished", "rc 3", &out]);
        assert_eq!(std::fs::read_to_string(&count).expect("it was written"), "one\n");
        shell.job("b", "exec true", &["state finished", "rc 0", "out "]);
        shell.job("c", "if", &["state finished"]);
        shell.says("p_status d 0 -", &["state none"]);
    });
}

#[test]
fn what_prints_without_end_is_kept_in_part_and_counted() {
    each(|shell, place, _| {
        let lines = shell.job("a", "head -c 9000000 /dev/zero", &["state finished", "rc 0"]);
        assert!(lines.iter().any(|line| line.starts_with("dropped ") && line != "dropped 0"), "it is counted");
        let kept = std::fs::read_dir(place.join("lib/jobs/a")).expect("it is there").flatten();
        let kept = kept.filter(|item| item.file_name().to_string_lossy().starts_with("ended."));
        let sizes: Vec<u64> = kept.map(|item| item.metadata().expect("it is there").len()).collect();
        assert_eq!(sizes, [8 << 20]);
    });
}

#[test]
fn what_a_job_leaves_running_does_not_keep_it_from_ending() {
    each(|shell, _, _| {
        let began = Instant::now();
        shell.job("a", "sleep 20 & echo told", &["state finished", "rc 0", "dropped +"]);
        assert!(began.elapsed() < Duration::from_secs(10), "nobody waited for it");
    });
}

#[test]
fn output_is_told_while_the_job_runs() {
    each(|shell, place, _| {
        let gate = place.join("gate");
        let act = format!("echo first; until [ -e {} ]; do sleep 0.1; done; echo second", gate.display());
        shell.says(&format!("p_start a {} ''", quoted(&act)), &[]);
        shell.says("p_status a 20 0", &["state running", &format!("more {}", base64("first\n"))]);
        shell.says("p_status a 1 6", &["state running", "more "]);
        std::fs::write(gate, "").expect("it can be written");
        shell.says("p_status a 20 6", &["state finished", &format!("out {}", base64("first\nsecond\n"))]);
    });
}

#[test]
fn a_revoked_job_never_begins_and_one_that_began_is_not_revoked() {
    each(|shell, place, _| {
        assert_eq!(shell.ask("p_revoke a"), (0, vec!["revoked".to_owned()]));
        let count = place.join("count");
        let act = quoted(&format!("echo one >>{}", count.display()));
        shell.says(&format!("p_start a {act} ''; p_status a 1 -"), &["state revoked"]);
        // Claimed, and then revoked before what starts jobs came to it.
        shell.says("mkdir -p $p_jobs/b; p_status b 0 -", &["state claimed"]);
        assert_eq!(shell.ask("p_revoke b").0, 0);
        shell.says(&format!("printf '%s\\n' {act} >$p_jobs/b/job; echo b >&8; p_status b 1 -"), &["state revoked"]);
        shell.job("c", "true", &["state finished"]);
        assert!(!count.exists());
        shell.says("p_start d 'sleep 5' ''; until [ -L $p_jobs/d/fate ]; do sleep 0.01; done", &[]);
        assert_eq!(shell.ask("p_revoke d"), (1, vec!["began".to_owned()]));
    });
}

#[test]
fn a_job_outlives_the_shell_that_asked_for_it() {
    each(|shell, place, words| {
        let (began, gate) = (place.join("began"), place.join("gate"));
        let act = format!("echo >{}; until [ -e {} ]; do sleep 0.1; done; echo told", began.display(), gate.display());
        shell.says(&format!("p_start a {} ''", quoted(&act)), &[]);
        until("it begins", || began.exists());
        shell.child.kill().expect("it can be killed");
        let mut another = Shell::new(words, place);
        another.says("p_status a 0 -", &["state running"]);
        std::fs::write(gate, "").expect("it can be written");
        another.says("p_status a 20 -", &["state finished", &format!("out {}", base64("told\n"))]);
    });
}

#[test]
fn a_job_that_was_killed_is_cut_short_and_another_starter_is_made() {
    each(|shell, place, _| {
        shell.says("p_start a 'echo begun; sleep 30' ''; until [ -s $p_jobs/a/out ]; do sleep 0.01; done", &[]);
        let fate = std::fs::read_link(place.join("lib/jobs/a/fate")).expect("it began");
        let pid = fate.to_str().and_then(|text| text.split(' ').nth(2)).expect("a process").to_owned();
        shell.says(&format!("kill -9 $p_starter {pid}; until [ ! -d /proc/{pid} ]; do sleep 0.01; done"), &[]);
        until("it printed", || std::fs::read(place.join("lib/jobs/a/out")).is_ok_and(|out| out == b"begun\n"));
        shell.says("p_status a 20 -", &["state interrupted", &format!("out {}", base64("begun\n"))]);
        shell.job("b", "echo told", &["state finished", &format!("out {}", base64("told\n"))]);
    });
}

/// Its folder shows no end at the first look, and one at the second.
#[test]
fn a_job_that_ends_while_it_is_looked_at_is_told_of_whole() {
    each(|shell, place, _| {
        shell.says("p_start a 'echo told; sleep 30' ''; until [ -s $p_jobs/a/out ]; do sleep 0.01; done", &[]);
        let fate = std::fs::read_link(place.join("lib/jobs/a/fate")).expect("it began");
        let pid = fate.to_str().and_then(|text| text.split(' ').nth(2)).expect("a process").to_owned();
        shell.says(&format!("kill -9 $p_starter {pid}; until [ ! -d /proc/{pid} ]; do sleep 0.01; done"), &[]);
        let ends = "p_boot() { read -r p_id </proc/sys/kernel/random/boot_id; echo $p_id; \
                    if [ -n \"$p_second\" ]; then mv $p_jobs/a/out $p_jobs/a/ended.0.0 2>/dev/null; fi; p_second=1; }";
        let out = format!("out {}", base64("told\n"));
        shell.says(&format!("{ends}; p_status a 0 -"), &["state finished", "rc 0", &out]);
    });
}

#[test]
fn a_host_is_claimed_in_one_name_and_a_late_job_of_another_is_refused() {
    each(|shell, place, _| {
        shell.says("p_claim one 'the words of one'; p_claim one 'the words of one'", &[]);
        assert_eq!(shell.ask("p_claim two 'other words'").0, 73);
        let who = format!("claimant {}", base64("the words of one\n"));
        shell.says("p_claimant two", &[&who]);
        assert_eq!(shell.says("p_claimant one", &[]), Vec::<String>::new());
        shell.says("p_release two; p_claimant two", &[&who]);
        // The claim was lost between the asking and the beginning.
        shell.says("p_take 'other words'; p_claim two 'other words'", &[]);
        let count = place.join("count");
        let act = quoted(&format!("echo one >>{}", count.display()));
        shell.says(&format!("p_start a {act} one; p_status a 5 -"), &["state revoked"]);
        assert!(!count.exists());
        shell.says(&format!("p_start b {act} two; p_status b 5 -"), &["state finished"]);
        assert!(count.exists());
        shell.says("p_release two; p_claim one again; p_release one; ! [ -L $p_claimed ]", &[]);
        // Who was taken it from finds who took it, until it claims anew.
        shell.says("p_claim one again; p_take 'a third'; p_claim three 'a third'; p_release three", &[]);
        shell.says("p_whose one", &[&format!("taken {}", base64("a third\n"))]);
        let lines = shell.says("p_claim one again; p_whose one", &["ours"]);
        assert!(!lines.iter().any(|line| line.starts_with("taken")), "{lines:?}");
        shell.says(
            "p_whose two",
            &[&format!("claimant {}", base64("again\n")), &format!("by {}", base64("claims/one\n"))],
        );
        // What a power cut leaves of the words.
        shell.says("p_claim one again; rm -f $p_claims/one; p_claim one again", &[]);
        shell.says("rm -f $p_claims/one; p_claimant two", &[&format!("claimant {}", base64("claims/one\n"))]);
    });
}

#[test]
fn an_older_state_of_a_journal_or_another_copy_of_it_begins_nothing() {
    each(|shell, _, _| {
        let mut fence = |words: &str, code: i32| {
            let (found, lines) = shell.ask(&format!("p_fence journal {words}"));
            assert_eq!(found, code, "{words}: {lines:?}");
        };
        fence("3 anna 40 e40", 0);
        // The same owner's intents come in any order, and again.
        fence("3 anna 42 e42", 0);
        fence("3 anna 41 e41", 0);
        fence("3 anna 42 e42", 0);
        // A copy that was opened too, or one from before.
        fence("3 bert 50 e50", 75);
        fence("2 anna 60 e60", 75);
        // A backup that was opened so often that its epoch is newer: what it does next was done.
        fence("9 bert 42 other", 75);
        fence("4 bert 43 e43", 0);
        fence("3 anna 43 e43", 75);
        shell.says("p_whose journal", &["seen 4 bert 43 e43"]);
        shell.says("p_fence another 1 carl 1 e1; p_whose another", &["seen 1 carl 1 e1"]);
        // A person said that the older one goes on: not beside the newer one.
        shell.says("p_unsee journal dora; p_fence journal 1 dora 7 e7", &[]);
        assert_eq!(shell.ask("p_fence journal 4 bert 44 e44").0, 75);
        // What a power cut leaves is nothing that was seen.
        for cut in ["", "4", "4 bert", "4 bert x e", "x bert 4 e"] {
            shell.says(&format!("printf '%s' '{cut}' >$p_seen/journal; p_fence journal 1 dora 8 e8"), &[]);
        }
    });
}

#[test]
fn what_an_old_job_printed_goes_and_that_it_was_there_stays() {
    each(|shell, _, _| {
        for job in ["old", "back", "new"] {
            shell.job(job, "echo words", &["state finished", "rc 0"]);
        }
        let words = format!("out {}", base64("words\n"));
        shell.says("p_revoke gone", &["revoked"]);
        shell.says("mkdir $p_jobs/begun", &[]);
        // Another boot than this one, whose clock went back and forth.
        let older =
            "for j in old gone; do echo other >$p_jobs/$j/boot; done; ln -sfT 'began other 1 1' $p_jobs/old/fate";
        shell.says(
            &format!("{older}; for j in old back gone begun; do touch -d '400 days ago' $p_jobs/$j; done; p_sweep"),
            &[],
        );
        let lines = shell.says("p_start old 'echo again' ''; p_status old 2 -", &["state finished", "rc 0"]);
        assert!(lines.iter().any(|line| line == "out " || line == "out"), "{lines:?}");
        shell.says("p_status gone 0 -", &["state revoked"]);
        for job in ["new", "back"] {
            shell.says(&format!("p_status {job} 0 -"), &["state finished", &words]);
        }
        shell.says("p_status begun 0 -", &["state claimed"]);
        // Whoever comes late, however late, begins none of them again.
        shell.says("for j in old gone; do touch -d '4000 days ago' $p_jobs/$j; done; p_sweep", &[]);
        shell.says("p_start old 'echo again' ''; p_status old 2 -", &["state finished", "rc 0"]);
    });
}

#[test]
fn what_is_recorded_of_a_job_stays_on_the_host_no_longer() {
    each(|shell, place, _| {
        let jobs = place.join("lib/jobs");
        let secrets = || {
            let out = Command::new("grep").args(["-rl", "secret"]).arg(&jobs).output().expect("grep is there");
            String::from_utf8(out.stdout).expect("text")
        };
        let gate = place.join("gate");
        let act = format!("echo secret; : secret; until [ -e {} ]; do sleep 0.1; done; exit 3", gate.display());
        shell.says(&format!("p_start a {} ''; until [ -s $p_jobs/a/out ]; do sleep 0.01; done", quoted(&act)), &[]);
        // One that is at work is left alone; what it is to do is read already.
        shell.says("p_settled a; p_status a 0 -", &["state running"]);
        assert_eq!(secrets().lines().count(), 1, "{}", secrets());
        std::fs::write(&gate, "").expect("it can be written");
        let told = format!("out {}", base64("secret\n"));
        shell.says("p_status a 20 -", &["state finished", "rc 3", &told]);
        shell.says("p_settled a gone ../x; p_status a 0 -", &["state finished", "rc 3"]);
        assert_eq!(secrets(), "");
        // It is not begun again, and what never begins keeps nothing.
        shell.says("p_start a 'echo secret' ''; p_status a 1 -", &["state finished", "rc 3"]);
        shell.says("mkdir -p $p_jobs/b; echo secret >$p_jobs/b/job; p_revoke b", &["revoked"]);
        assert_eq!(secrets(), "");
    });
}

/// What a power cut leaves beside a file is named in its job's folder, and goes before the next job.
#[test]
fn what_a_job_left_beside_a_file_goes_unless_it_is_at_work() {
    each(|shell, place, words| {
        let beside = |job: &str| {
            let folder = place.join(format!(".palinode-{job}"));
            std::fs::create_dir(&folder).expect("it can be made");
            std::fs::write(folder.join("new"), "secret").expect("it can be written");
            std::fs::write(place.join("lib/jobs").join(job).join("box"), format!("{}\n", folder.display()))
                .expect("it can be written");
            folder
        };
        shell.job("ended", "true", &["state finished"]);
        shell.says("p_start working 'sleep 4' ''; until [ -L $p_jobs/working/fate ]; do sleep 0.01; done", &[]);
        shell.says("mkdir $p_jobs/strange", &[]);
        let other = place.join("other");
        std::fs::create_dir(&other).expect("it can be made");
        std::fs::write(place.join("lib/jobs/strange/box"), format!("{}\n", other.display()))
            .expect("it can be written");
        let (ended, working) = (beside("ended"), beside("working"));
        let mut another = Shell::new(words, place);
        another.job("next", "true", &["state finished"]);
        assert!(!ended.exists() && working.exists() && other.exists());
        another.says("p_status working 20 -", &["state finished"]);
    });
}
