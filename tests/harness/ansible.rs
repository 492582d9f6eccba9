//! Ansible itself, to be compared with: what it reads in inventories.

use crate::skip::skip;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The release to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// A current ansible-core.
    Current,
    /// The last that OpenShift 3.11 was installed with.
    Old,
}

/// A virtual environment that has Ansible.
#[derive(Debug)]
pub struct Ansible {
    home: PathBuf,
}

/// What Ansible said: its standard output, or why it refused.
pub type Answer = Result<String, String>;

impl Ansible {
    /// The environment that `tests/ansible build` made; none is a skipped test. Nothing is installed for it.
    pub fn find(test: &str, release: Release) -> Option<Self> {
        let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("ansible"));
        script.arg("built").args((release == Release::Old).then_some("2.9"));
        let out = script.output().expect("the script can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if out.status.success() {
            return Some(Self { home: PathBuf::from(text(&out.stdout)) });
        }
        skip(test, text(&out.stderr).trim_start_matches("tests/"));
        None
    }

    /// Where its programs are.
    pub fn programs(&self) -> PathBuf {
        self.home.join("bin")
    }

    fn oracle(file: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("oracle").join(file)
    }

    /// Asks `ansible-inventory` many questions, each the words behind its name, for the price of one start.
    pub fn inventories<W: AsRef<OsStr>>(&self, questions: &[Vec<W>]) -> Vec<Answer> {
        let mut asked = String::new();
        for words in questions {
            let words: Vec<_> = words.iter().map(|word| word.as_ref().to_str().expect("words are UTF-8")).collect();
            asked.push_str(&serde_json::to_string(&words).expect("words are JSON"));
            asked.push('\n');
        }
        let mut child = Command::new(self.home.join("bin/python3"))
            .arg(Self::oracle("inventories.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python can be started");
        let mut input = child.stdin.take().expect("it is a pipe");
        // It answers while it is still being asked.
        let asks = std::thread::spawn(move || input.write_all(asked.as_bytes()));
        let output = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let answers: Vec<Answer> = output
            .lines()
            .map(|line| {
                let line = line.expect("it answers in UTF-8");
                let value: Value = serde_json::from_str(&line).expect("it answers in JSON");
                let text = |key: &str| value[key].as_str().expect("an answer has a text").to_owned();
                if value["ok"] == true { Ok(text("out")) } else { Err(text("why")) }
            })
            .collect();
        asks.join().expect("no panic").expect("it takes all questions");
        assert!(child.wait().expect("it ends").success(), "the oracle ends well");
        assert_eq!(answers.len(), questions.len(), "every question has an answer");
        answers
    }

    /// The same of one inventory from the program that people start.
    pub fn inventory<W: AsRef<OsStr>>(&self, words: &[W]) -> Answer {
        let out = Command::new(self.home.join("bin/ansible-inventory"))
            .args(words)
            .env("ANSIBLE_CONFIG", Self::oracle("ansible.cfg"))
            .env("LC_ALL", "C.UTF-8")
            .output()
            .expect("ansible-inventory can be started");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
    }
}
