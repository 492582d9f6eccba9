//! One long-lived shell on a host: requests go in, answers come out, each up to a mark that only we know.

use openssh::{Session, Stdio};
use palinode_core::shown::Shown as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// What the shell knows before it is asked anything.
pub(crate) const PRELUDE: &str = concat!(
    include_str!("prelude.sh"),
    include_str!("packages.sh"),
    include_str!("../kind/package_lock.sh"),
    include_str!("named.sh"),
    include_str!("carried.sh")
);

/// What starts jobs on the host and outlives the shell.
pub(super) const STARTER: &str = include_str!("starter.sh");

/// So much of what a shell says besides its answers is kept, to be told if it dies.
const WORDS: usize = 4 << 10;

/// So much may a login print before our shell speaks.
const BANNER: usize = 1 << 20;

/// So many times, ten milliseconds apart, is looked for the end of a complaint.
const PATIENCE: u32 = 200;

/// Starts a shell without anything of the login's environment, and becomes root if the login is not: `sudo -n` never
/// asks. The login's own shell reads this line, and may be a csh or a fish: one pair of single quotes, and nothing in it
/// that any of them reads.
const LOGIN: &str = "exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin LC_ALL=C \
                     HOME=/root /bin/sh -c 'if [ \"$(id -u)\" = 0 ]; then exec /bin/sh; else exec sudo -n -- /bin/sh; fi'";

/// The first line that the root shell reads, alone: drops what sudo brought, and says the word behind it. A shell may
/// read more than one line at a time, so nothing is sent behind it before that word came.
const CLEAN: &str = "exec /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root \
                     SUDO_USER=\"${SUDO_USER-}\" /bin/sh -c 'printf \"%s\\n\" \"$0\"; exec /bin/sh'";

/// What would change how programs here read their words, or a shell its lines.
const ODD: [&str; 9] =
    ["POSIXLY_CORRECT", "SHELLOPTS", "BASHOPTS", "BASH_ENV", "ENV", "CDPATH", "TMOUT", "TAR_OPTIONS", "GREP_OPTIONS"];

/// Why a channel could not be opened. Nothing was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("no shell could be started")]
    Ssh(#[from] openssh::Error),
    #[error("the shell ended before it answered{}", told(.0))]
    Ended(String),
    /// The same without a complaint, with what was printed: `nologin` says there that it lets nobody in.
    #[error("the shell ended before it answered{}", told(.0))]
    Closed(String),
    #[error("the login printed {BANNER} bytes and no shell answered")]
    Noise,
    #[error("no shell answered for {seconds} seconds{}", told(words))]
    Silent { seconds: u64, words: String },
}

/// Why an answer is missing. What was asked may have happened.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error("the link was lost{}", told(.0))]
    Lost(String),
    #[error("no answer for {0} seconds")]
    Silent(u64),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// Nothing was asked.
    #[error("a NUL byte cannot be sent to a shell")]
    Nul,
}

fn told(words: &str) -> String {
    match words.trim().lines().last() {
        Some(last) => format!(": {}", last.shown()),
        None => String::new(),
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// Exit code of what was asked.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: Vec<u8>,
    /// What it complained about.
    pub(crate) complaint: String,
}

/// The shell's process.
#[expect(dead_code, reason = "kept as long as the shell is asked")]
enum Process {
    There(openssh::Child<Arc<Session>>),
    Local(tokio::process::Child),
}

/// Where a shell on this machine keeps what a host's keeps below `/var/lib/palinode`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// Folders of jobs.
    pub(crate) jobs: std::path::PathBuf,
    /// Whose claim it is.
    pub(crate) claims: std::path::PathBuf,
    /// Pipes.
    pub(crate) pipes: std::path::PathBuf,
}

impl Places {
    fn words(&self) -> Option<String> {
        let word =
            |path: &Path| path.to_str().and_then(|text| shlex::try_quote(text).ok().map(|word| word.into_owned()));
        Some(format!("p_places {} {} {}", word(&self.jobs)?, word(&self.claims)?, word(&self.pipes)?))
    }
}

/// See the module. Whoever stops waiting for an answer leaves a channel that is of no use any more.
pub(super) struct Channel {
    // Ends with the session, or with its input; nothing is waited for.
    _child: Process,
    to: Box<dyn AsyncWrite + Unpin>,
    from: Box<dyn AsyncRead + Unpin>,
    beside: Arc<Mutex<Vec<u8>>>,
    buffer: Vec<u8>,
    sound: bool,
    /// Whether systemd runs there: what the greeting told.
    pub(super) systemd: bool,
}

impl Channel {
    /// Starts a shell on a host, as root, and teaches it the prelude.
    pub(super) async fn open(session: &Arc<Session>, patience: Duration) -> Result<Self, OpenError> {
        let mut command = session.clone().arc_raw_command(LOGIN);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A host that is still starting may take a login and then nothing more.
        let spawned = timeout(patience, command.spawn()).await;
        let mut child =
            spawned.map_err(|_| OpenError::Silent { seconds: patience.as_secs(), words: String::new() })??;
        let (to, from, beside) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let (Some(to), Some(from), Some(err)) = (to, from, beside) else {
            return Err(OpenError::Ended(String::new()));
        };
        Self::greet(Process::There(child), Box::new(to), Box::new(from), Box::new(err), None, patience).await
    }

    /// Starts a shell on this machine, as whoever runs this process, that keeps jobs and claims in these places.
    pub(super) async fn here(places: &Places, patience: Duration) -> Result<Self, OpenError> {
        let mut command = tokio::process::Command::new("/bin/sh");
        // A signal from the terminal is for this process alone.
        command.process_group(0);
        ODD.iter().for_each(|name| {
            command.env_remove(name);
        });
        let piped = std::process::Stdio::piped;
        command.stdin(piped()).stdout(piped()).stderr(piped());
        let mut child = command.spawn().map_err(|error| OpenError::Ended(error.to_string()))?;
        let (to, from, beside) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(to), Some(from), Some(err)) = (to, from, beside) else {
            return Err(OpenError::Ended(String::new()));
        };
        let places = places.words().ok_or_else(|| OpenError::Ended("a place has no plain name".to_owned()))?;
        Self::greet(Process::Local(child), Box::new(to), Box::new(from), Box::new(err), Some(&places), patience).await
    }

    async fn greet(
        child: Process,
        to: Box<dyn AsyncWrite + Unpin>,
        from: Box<dyn AsyncRead + Unpin>,
        mut err: Box<dyn AsyncRead + Unpin + Send>,
        places: Option<&str>,
        patience: Duration,
    ) -> Result<Self, OpenError> {
        let beside = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&beside);
        tokio::spawn(async move {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = err.read(&mut piece).await {
                let mut words = keep.lock().unwrap_or_else(PoisonError::into_inner);
                words.extend_from_slice(&piece[..count]);
                let over = words.len().saturating_sub(WORDS);
                words.drain(..over);
            }
        });
        let mut channel = Self { _child: child, to, from, beside, buffer: Vec::new(), sound: true, systemd: false };
        let (clean, hello) = (mark(), mark());
        let (first, places) = match places {
            None => (format!("{CLEAN} {clean}\n"), ""),
            // What is done on this machine needs the environment of whoever asks for it.
            Some(places) => (format!("printf '%s\\n' '{clean}'\n"), places),
        };
        let greeting =
            format!("{PRELUDE}\n{places}\np_program={}\nprintf '%s\\n' '{hello}'\n", super::words::quoted(STARTER));
        let greeted = async {
            // A shell that died leaves its words on the other pipe.
            let _ = channel.send(&first).await;
            channel.until(&clean).await?;
            let _ = channel.send(&greeting).await;
            channel.until(&hello).await
        };
        // A login that asks something says so before it waits for the answer.
        if let Ok(greeted) = timeout(patience, greeted).await {
            greeted?;
        } else {
            let words = channel.words();
            let words = if words.trim().is_empty() { channel.printed() } else { words };
            return Err(OpenError::Silent { seconds: patience.as_secs(), words });
        }
        channel.words();
        Ok(channel)
    }

    /// Reads up to the line that a mark stands on; whatever a login prints before it is dropped.
    async fn until(&mut self, mark: &str) -> Result<(), OpenError> {
        loop {
            if let Some(at) = find(&self.buffer, mark.as_bytes()) {
                let end = at + mark.len() + 1;
                if self.buffer.len() >= end {
                    self.buffer.drain(..end);
                    return Ok(());
                }
            }
            if self.buffer.len() > BANNER {
                return Err(OpenError::Noise);
            }
            if !self.more().await {
                // Its last words may be on the way.
                tokio::time::sleep(Duration::from_millis(50)).await;
                let words = self.words();
                return Err(match words.trim() {
                    "" => OpenError::Closed(self.printed()),
                    _ => OpenError::Ended(words),
                });
            }
        }
    }

    /// Whether it can still be asked.
    pub(super) fn is_sound(&self) -> bool {
        self.sound
    }

    /// Runs a script in a subshell without input and waits for its end, at most so long and for so many bytes. `first` is
    /// a command for the shell itself.
    pub(super) async fn ask(
        &mut self,
        first: &str,
        script: &str,
        limit: usize,
        patience: Duration,
    ) -> Result<Reply, AskError> {
        let mark = mark();
        let script = shlex::try_quote(script).map_err(|_| AskError::Nul)?;
        // A complaint takes another way than the answer: it is whole once the mark came there too.
        let request = format!(
            "{first}( eval {script} ) </dev/null; p_code=$?; printf '\\n%s %d\\n' '{mark}' $p_code; \
             if [ $p_code != 0 ]; then printf '%s\\n' '{mark}' >&2; fi\n"
        );
        // Until the whole answer was read, nothing else can be.
        self.sound = false;
        self.words();
        let answered = timeout(patience, async {
            self.send(&request).await.map_err(|_| AskError::Lost(self.words()))?;
            self.answer(mark.as_bytes(), limit).await
        });
        let (code, out) = answered.await.map_err(|_| AskError::Silent(patience.as_secs()))??;
        self.sound = true;
        let complaint = if code == 0 { self.words() } else { self.complaint(&mark).await };
        Ok(Reply { code, out, complaint })
    }

    /// What was complained about up to the mark, if that comes.
    async fn complaint(&self, mark: &str) -> String {
        let mut words = self.words();
        for _ in 0..PATIENCE {
            if words.contains(mark) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            words.push_str(&self.words());
        }
        words.split(mark).next().unwrap_or_default().to_owned()
    }

    async fn answer(&mut self, mark: &[u8], limit: usize) -> Result<(i32, Vec<u8>), AskError> {
        let mut seen = 0;
        loop {
            if let Some(at) = find(&self.buffer[seen..], mark).map(|at| at + seen) {
                let rest = &self.buffer[at + mark.len()..];
                if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let code = std::str::from_utf8(&rest[..end]).ok().and_then(|text| text.trim().parse().ok());
                    let used = at + mark.len() + end + 1;
                    let mut out: Vec<u8> = self.buffer.drain(..used).collect();
                    // Without the line break before the mark.
                    out.truncate(at.saturating_sub(1));
                    return code.map(|code| (code, out)).ok_or_else(|| AskError::Lost("a torn answer".to_owned()));
                }
                seen = at;
            } else {
                seen = self.buffer.len().saturating_sub(mark.len());
            }
            if self.buffer.len() > limit {
                return Err(AskError::TooLong(limit));
            }
            if !self.more().await {
                return Err(AskError::Lost(self.words()));
            }
        }
    }

    async fn send(&mut self, text: &str) -> std::io::Result<()> {
        self.to.write_all(text.as_bytes()).await?;
        self.to.flush().await
    }

    async fn more(&mut self) -> bool {
        self.buffer.reserve(64 << 10);
        matches!(self.from.read_buf(&mut self.buffer).await, Ok(1..))
    }

    /// What it printed in place of an answer.
    fn printed(&self) -> String {
        String::from_utf8_lossy(&self.buffer).into_owned()
    }

    /// What came beside the answers since it was last asked for.
    fn words(&self) -> String {
        let words = std::mem::take(&mut *self.beside.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&words).into_owned()
    }
}

impl Reply {
    /// What was printed, line by line. What a host brings is base64 in it, so what is not text is no answer of ours.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text().lines()
    }

    /// The same as a whole.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap_or_default()
    }

    /// The last line of the complaint, else of what was printed: what a person should read.
    pub(crate) fn why(&self) -> String {
        let printed = String::from_utf8_lossy(&self.out);
        let last = self.complaint.trim().lines().last().or_else(|| printed.trim().lines().last());
        last.map_or_else(|| format!("exit code {}", self.code), |line| line.chars().take(1000).collect())
    }
}

/// Where a text stands in a longer one.
fn find(all: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = all.get(from..)?.iter().position(|byte| *byte == first).map(|at| at + from) {
        if all[at..].starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// A word that nothing on the host can know beforehand.
fn mark() -> String {
    let mut bytes = [0u8; 16];
    // Without chance it would still be no other word's beginning; an answer could be forged, as by root it can.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().fold("palinode-".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_found_wherever_it_stands() {
        assert_eq!(find(b"abcabd", b"abd"), Some(3));
        assert_eq!(find(b"aab", b"ab"), Some(1));
        assert_eq!(find(b"ab", b"abc"), None);
        assert_eq!(find(b"", b"a"), None);
        assert_ne!(mark(), mark());
        assert_eq!(mark().len(), 41);
    }
}
