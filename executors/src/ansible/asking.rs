//! Questions of a playbook that wait for an answer: files in its job's folder, handed to a person and answered through a
//! pipe, so that the answer never lies on a disk.
//!
//! Who asks makes a pipe `NAME.answer` and a file `NAME.ask`: a word on how it is asked, and the prompt. Then it waits until
//! somebody opens the pipe: `+` and the answer, or `-` for none. It waits as long as that takes, also without Palinode.

use palinode_core::id::StepPath;
use rustix::fs::{Mode, OFlags, open};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// In the folder of a job: the questions that wait. It is there if somebody was there to answer when it began.
pub(super) const ASKS: &str = "asks";

/// A longer prompt is cut.
const PROMPT: u64 = 4 << 10;

/// A longer answer does not fit into a pipe at once.
const ANSWER: usize = 4000;

/// What a playbook asks a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// What the person reads. These are a playbook's bytes.
    pub prompt: String,
    /// What is typed is not shown.
    pub private: bool,
    /// What was typed before the question was shown is no answer.
    pub afresh: bool,
}

/// How a person answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// With these words.
    Given(String),
    /// Not at all: the terminal is gone, or the line was empty and closed.
    Refused,
}

/// Hands questions to a person.
pub trait Asker {
    /// Shows a question, or looks for its answer; none if that is not there yet. It is called again and again, and never
    /// waits. `id` tells one question from another.
    fn ask(&self, step: &StepPath, id: &str, asked: &Prompt) -> Option<Reply>;

    /// A question is not asked any more, answered or not.
    fn gone(&self, id: &str);
}

/// The questions of the jobs that are watched.
#[derive(Default)]
pub(super) struct Asking {
    /// Those that were shown and are not answered.
    open: BTreeSet<String>,
    /// Replies that nobody waits for yet.
    replies: BTreeMap<String, Reply>,
    /// Those that were answered, until their files are gone.
    answered: BTreeSet<String>,
}

impl Asking {
    /// Looks for questions of a job, and for answers to them. Without anybody who asks, each is answered with none.
    pub(super) fn look(&mut self, folder: &Path, step: &StepPath, asker: Option<&dyn Asker>) {
        let here = waiting(&folder.join(ASKS));
        let gone: Vec<String> = self.open.iter().filter(|id| !here.contains(*id)).cloned().collect();
        for id in gone {
            self.open.remove(&id);
            if let Some(asker) = asker {
                asker.gone(&id);
            }
        }
        self.answered.retain(|id| here.contains(id));
        self.replies.retain(|id, _| here.contains(id));
        let waits = |id: &&String| !self.answered.contains(*id);
        for id in here.iter().filter(waits).cloned().collect::<Vec<_>>() {
            let Some(asked) = read(Path::new(&id)) else { continue };
            if !self.replies.contains_key(&id) {
                let reply = match asker {
                    Some(asker) => {
                        self.open.insert(id.clone());
                        asker.ask(step, &id, &asked)
                    }
                    None => Some(Reply::Refused),
                };
                // One after the other: a terminal has one line.
                let Some(reply) = reply else { return };
                self.replies.insert(id.clone(), reply);
            }
            // Who asked may not have come to wait yet.
            if self.replies.get(&id).is_some_and(|reply| hand(Path::new(&id), reply)) {
                self.replies.remove(&id);
                if let (true, Some(asker)) = (self.open.remove(&id), asker) {
                    asker.gone(&id);
                }
                self.answered.insert(id);
            }
        }
    }
}

/// The questions in a folder, the oldest first as far as names tell.
fn waiting(folder: &Path) -> BTreeSet<String> {
    let Ok(all) = std::fs::read_dir(folder) else { return BTreeSet::new() };
    let paths = all.flatten().filter(|entry| entry.path().extension().is_some_and(|end| end == "ask"));
    paths.filter_map(|entry| entry.path().to_str().map(str::to_owned)).collect()
}

fn read(path: &Path) -> Option<Prompt> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(PROMPT).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (how, prompt) = text.split_once('\n').unwrap_or((&text, ""));
    // What is not known is not shown either.
    Some(Prompt {
        prompt: prompt.trim().to_owned(),
        private: how != "open" && how != "afresh",
        afresh: how == "afresh",
    })
}

/// Writes a reply to who waits for it; false if nobody waits yet.
fn hand(asked: &Path, reply: &Reply) -> bool {
    let pipe = asked.with_extension("answer");
    let Ok(pipe) = open(&pipe, OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
    else {
        return false;
    };
    let bytes = match reply {
        Reply::Given(words) if words.len() <= ANSWER => format!("+{words}\n"),
        Reply::Given(_) | Reply::Refused => "-\n".to_owned(),
    };
    let mut pipe = std::fs::File::from(pipe);
    std::io::Write::write_all(&mut pipe, bytes.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::process::Command;

    struct Person(RefCell<Vec<(Prompt, Option<Reply>)>>, RefCell<Vec<String>>);

    impl Asker for Person {
        fn ask(&self, _: &StepPath, _: &str, asked: &Prompt) -> Option<Reply> {
            let mut all = self.0.borrow_mut();
            let (wanted, reply) = all.first().cloned().expect("it is asked this often");
            assert_eq!(*asked, wanted);
            if reply.is_none() {
                all.remove(0);
            }
            reply
        }

        fn gone(&self, id: &str) {
            self.0.borrow_mut().clear();
            self.1.borrow_mut().push(id.to_owned());
        }
    }

    /// The script that ssh and the vault are given, with a person who takes a look to answer, and with nobody.
    #[test]
    fn a_question_is_answered_through_a_pipe_or_with_none() {
        for (reply, wanted) in [(Some("it's \\ $x"), "it's \\ $x\n"), (None, "")] {
            let dir = tempfile::tempdir().expect("a folder");
            std::fs::create_dir(dir.path().join(ASKS)).expect("made");
            let script = dir.path().join("ask");
            std::fs::write(&script, super::super::command::ASK).expect("written");
            let child = Command::new("/bin/sh")
                .arg(&script)
                .arg("Are you sure (yes/no)? ")
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("started");
            let asked = Prompt { prompt: "Are you sure (yes/no)?".to_owned(), private: false, afresh: false };
            let given = reply.map(|words| Reply::Given(words.to_owned()));
            let person = Person(RefCell::new(vec![(asked.clone(), None), (asked, given.clone())]), RefCell::default());
            let step = StepPath::new("after/play").expect("a path");
            let mut asking = Asking::default();
            let began = std::time::Instant::now();
            while asking.answered.is_empty() {
                assert!(began.elapsed().as_secs() < 20, "somebody asks");
                asking.look(dir.path(), &step, given.is_some().then_some(&person as &dyn Asker));
                std::thread::sleep(std::time::Duration::from_millis(5));
            }
            let out = child.wait_with_output().expect("it ends");
            assert_eq!(String::from_utf8_lossy(&out.stdout), wanted);
            assert_eq!(out.status.success(), given.is_some());
            let noted = std::fs::read_to_string(dir.path().join("questions")).expect("noted");
            assert!(!noted.contains("it's"), "{noted}");
            assert_eq!(noted.contains("\"answered\""), given.is_some(), "{noted}");
            asking.look(dir.path(), &step, None);
            assert!(asking.answered.is_empty() && waiting(&dir.path().join(ASKS)).is_empty());
            assert_eq!(person.1.borrow().len(), usize::from(given.is_some()));
        }
    }
}
