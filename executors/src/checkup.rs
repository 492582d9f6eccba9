//! A look at what a run needs of a host, for people. Nothing is changed.

use crate::ssh::{Fleet, LinkError, Reply, decoded};
use futures_util::future::join_all;
use palinode_core::id::HostName;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

const SCRIPT: &str = include_str!("ssh/checkup.sh");

/// So often is the clock asked; the quickest answer counts.
const CLOCK: u32 = 5;

/// What a host is like. Texts stand as the host told them: escape before printing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checkup {
    /// The key it was known by: type and fingerprint.
    pub host_key: Option<String>,
    /// The user who logged in; what is done there is done as root.
    pub login: String,
    /// What it calls its system.
    pub os: String,
    /// The version of systemd, if it runs.
    pub systemd: Option<u32>,
    /// What systemd says of itself.
    pub state: String,
    /// The first lines that yum, dnf and rpm print of their versions.
    pub tools: Vec<(Tool, String)>,
    /// Locks of package managers that living processes hold.
    pub locks: Vec<Lock>,
    /// Room for jobs and archives, if it could be told.
    pub room: Option<Room>,
    /// Whether nothing can be written there.
    pub read_only: bool,
    /// Who has the host: the name of the journal, and who, which run, since when.
    pub claim: Option<(String, String)>,
    /// Jobs in its folder.
    pub jobs: Jobs,
    /// How far its clock is ahead of this one.
    pub clock: Option<Clock>,
}

/// A program that manages packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tool {
    /// yum, where it is not another name of dnf.
    Yum,
    /// dnf.
    Dnf,
    /// rpm.
    Rpm,
}

/// A lock, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The process.
    pub pid: u32,
    /// The file.
    pub file: String,
    /// What the process was started with.
    pub command: String,
}

/// Room in a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free bytes.
    pub bytes: u64,
    /// Free inodes, where the file system counts them.
    pub files: Option<u64>,
}

/// Jobs in a host's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Jobs {
    /// All of them.
    pub all: u64,
    /// Those that run.
    pub running: u64,
    /// Those without an end that do not run.
    pub cut: u64,
}

/// A clock against this one, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// So far ahead.
    pub ahead: i64,
    /// So much may that be wrong, either way: half of the way there and back.
    pub error: i64,
}

impl Fleet {
    /// Looks at hosts, all at the same time.
    pub async fn checkups(&self, hosts: &[HostName]) -> Vec<Result<Checkup, LinkError>> {
        join_all(hosts.iter().map(|host| self.checkup(host))).await
    }

    async fn checkup(&self, host: &HostName) -> Result<Checkup, LinkError> {
        let reply = self.ask(host, SCRIPT).await?;
        let mut found =
            read(&reply).ok_or_else(|| LinkError::Refused(format!("it cannot be looked at: {}", reply.why())))?;
        for _ in 0..CLOCK {
            let (began, wall) = (Instant::now(), wall());
            let reply = self.ask(host, "date +%s%N").await?;
            let took = i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX);
            let theirs = reply.lines().next().and_then(|line| line.trim().parse::<i64>().ok());
            let Some(theirs) = theirs else { continue };
            let clock = Clock { ahead: (theirs / 1000).saturating_sub(wall.saturating_add(took / 2)), error: took / 2 };
            if found.clock.is_none_or(|best| clock.error < best.error) {
                found.clock = Some(clock);
            }
        }
        found.host_key = self.host_keys().remove(host);
        Ok(found)
    }
}

fn wall() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// A text that a host told.
fn text(word: Option<&str>) -> String {
    let bytes = word.and_then(decoded).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

fn read(reply: &Reply) -> Option<Checkup> {
    let mut found = Checkup::default();
    let mut ended = false;
    for line in reply.lines() {
        let mut words = line.split(' ');
        let kind = words.next().unwrap_or_default();
        match kind {
            "login" => found.login = text(words.next()),
            "os" => found.os = text(words.next()),
            "systemd" => found.systemd = Some(words.next().and_then(|word| word.parse().ok()).unwrap_or(0)),
            "state" => found.state = text(words.next()),
            "yum" => found.tools.push((Tool::Yum, text(words.next()))),
            "dnf" => found.tools.push((Tool::Dnf, text(words.next()))),
            "rpm" => found.tools.push((Tool::Rpm, text(words.next()))),
            "lock" if found.locks.len() < 20 => {
                let Some(pid) = words.next().and_then(|word| word.parse().ok()) else { continue };
                found.locks.push(Lock { pid, file: text(words.next()), command: text(words.next()) });
            }
            "space" => {
                let all: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                if let [free, block, files, inodes] = all[..] {
                    let files = (inodes > 0).then_some(files);
                    found.room = Some(Room { bytes: free.saturating_mul(block), files });
                }
            }
            "readonly" => found.read_only = true,
            "claim" => {
                let told = text(words.next());
                let (journal, who) = told.split_once(' ').unwrap_or((&told, ""));
                found.claim = Some((journal.to_owned(), who.to_owned()));
            }
            "jobs" => {
                let all: Vec<u64> = words.map_while(|word| word.parse().ok()).collect();
                if let [all, running, cut] = all[..] {
                    found.jobs = Jobs { all, running, cut };
                }
            }
            "end" => ended = true,
            _ => {}
        }
    }
    ended.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::encoded;

    fn reply(out: &str) -> Reply {
        Reply { code: 0, out: out.as_bytes().to_vec(), complaint: "sh: no stat".to_owned() }
    }

    #[test]
    fn what_a_host_answers_is_read_and_nothing_else_is() {
        let word = |text: &str| encoded(text.as_bytes());
        let told = format!(
            "login {}\nsystemd 219\nstate {}\nyum {}\nlock 12 {} {}\nlock x y\nspace 10 4096 7 0\nreadonly\nclaim {}\n\
             jobs 3 1 1\nwhat\nend",
            word("ops"),
            word("degraded\n"),
            word("3.4.3"),
            word("/var/run/yum.pid"),
            word("yum -y\u{1b}[2J"),
            word("abc run 1 of root"),
        );
        let found = read(&reply(&told)).expect("it is whole");
        assert_eq!((found.login.as_str(), found.systemd, found.state.as_str()), ("ops", Some(219), "degraded"));
        assert_eq!(found.tools, [(Tool::Yum, "3.4.3".to_owned())]);
        assert_eq!(found.locks.len(), 1);
        assert_eq!(found.room, Some(Room { bytes: 40960, files: None }));
        assert_eq!(found.claim, Some(("abc".to_owned(), "run 1 of root".to_owned())));
        assert_eq!(found.jobs, Jobs { all: 3, running: 1, cut: 1 });
        assert!(found.read_only);
        // Cut short, or from a shell that is none.
        assert_eq!(read(&reply(told.trim_end_matches("end"))), None);
        assert_eq!(read(&reply("\u{0}\u{ff}")), None);
        let wild = read(&reply("space 18446744073709551615 4096 1 1\nsystemd 9999999999999\nlogin ///\nend"));
        assert_eq!(wild.expect("it is whole").room, Some(Room { bytes: u64::MAX, files: Some(1) }));
    }
}
