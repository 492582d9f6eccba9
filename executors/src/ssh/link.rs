//! The connection to one host: opened when it is needed, and anew after it was lost.

use super::channel::{AskError, Channel, OpenError, Reply};
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(15);

/// How long a new shell may take to answer.
const GREET: Duration = Duration::from_secs(10);

/// A connection that nobody uses ends after so many seconds, also when this process is gone.
const IDLE: NonZeroUsize = NonZeroUsize::new(60).expect("sixty is not zero");

/// Why a host gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection came about. Nothing was asked.
    #[error("no connection")]
    Connect(#[source] openssh::Error),
    /// No connection came about in time. Nothing was asked.
    #[error("no connection within {} seconds", CONNECT.as_secs())]
    Slow,
    /// There is a connection, but no root shell. Nothing was asked.
    #[error("{0}")]
    Refused(String),
    /// The link broke. What was asked may have happened.
    #[error("{0}")]
    Lost(String),
    /// The answer is longer than what was expected. What was asked may have happened.
    #[error("{0}")]
    TooLong(String),
}

impl LinkError {
    /// Whether it is certain that nothing was asked.
    pub fn was_asked(&self) -> bool {
        matches!(self, Self::Lost(_) | Self::TooLong(_))
    }

    /// Whether it makes sense to try again without changing anything.
    pub fn may_pass(&self) -> bool {
        match self {
            // A host key that changed or a login that is not allowed will be so in a minute too.
            Self::Connect(openssh::Error::Connect(error)) => {
                let text = error.to_string();
                error.kind() != std::io::ErrorKind::PermissionDenied
                    && !text.contains("Host key verification failed")
                    && !text.contains("HOST IDENTIFICATION HAS CHANGED")
            }
            Self::Connect(_) | Self::Slow | Self::Lost(_) => true,
            Self::Refused(_) | Self::TooLong(_) => false,
        }
    }
}

/// The connection to one host.
pub(super) struct Link {
    // In this order: a shell ends before its connection.
    channel: Option<Channel>,
    session: Option<Arc<Session>>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { channel: None, session: None }
    }

    /// Sees to it that there is a shell.
    async fn ready(&mut self, host: &str, how: &How) -> Result<&mut Channel, LinkError> {
        if self.channel.as_ref().is_none_or(|channel| !channel.is_sound()) {
            self.channel = None;
            let mut channel = self.shell(host, how).await?;
            let hello = channel.ask("", "p_hello; (p_sweep &) >/dev/null 2>&1", 1 << 16, GREET).await;
            let hello = hello.map_err(|error| LinkError::Refused(error.to_string()))?;
            let said = |word: &str| hello.lines().any(|line| line == word);
            if hello.code != 0 || !said("uid 0") {
                return Err(LinkError::Refused(format!("its shell does not answer as ours would: {}", hello.why())));
            }
            channel.systemd = said("systemd");
            self.channel = Some(channel);
        }
        self.channel.as_mut().ok_or(LinkError::Slow)
    }

    /// Asks the host's shell, with `jobs` one that can have jobs started. Whatever goes wrong, the next call begins with
    /// a new one.
    pub(super) async fn ask(
        &mut self,
        host: &str,
        how: &How,
        jobs: bool,
        script: &str,
        limit: usize,
        patience: Duration,
    ) -> Result<Reply, LinkError> {
        let channel = self.ready(host, how).await?;
        let first = match (jobs, channel.systemd) {
            (false, _) => "",
            (true, true) => "p_open systemd\n",
            (true, false) => "p_open setsid\n",
        };
        let asked = channel.ask(first, script, limit, patience).await;
        asked.map_err(|error| {
            self.channel = None;
            match error {
                AskError::TooLong(_) => LinkError::TooLong(error.to_string()),
                AskError::Nul => LinkError::Refused(error.to_string()),
                AskError::Lost(_) | AskError::Silent(_) => {
                    // The connection may be dead without knowing it: nothing that came of it is used again.
                    self.session = None;
                    LinkError::Lost(error.to_string())
                }
            }
        })
    }

    /// A shell on the connection that is there, or else on a new one.
    async fn shell(&mut self, host: &str, how: &How) -> Result<Channel, LinkError> {
        if let Some(session) = &self.session {
            match Channel::open(session, GREET).await {
                Ok(channel) => return Ok(channel),
                Err(OpenError::Ended(words)) if !words.is_empty() => return Err(refused(&OpenError::Ended(words))),
                Err(_) => self.session = None,
            }
        }
        let session = match timeout(CONNECT, how.builder().connect_mux(host)).await {
            Ok(session) => Arc::new(session.map_err(LinkError::Connect)?),
            Err(_) => return Err(LinkError::Slow),
        };
        let channel = Channel::open(&session, GREET).await.map_err(|error| refused(&error))?;
        self.session = Some(session);
        Ok(channel)
    }
}

fn refused(error: &OpenError) -> LinkError {
    match error {
        OpenError::Ended(words) if words.contains("sudo") => LinkError::Refused(format!(
            "{error}; the login must be root, or allowed to run `sudo -n /bin/sh` without a password"
        )),
        OpenError::Ended(_) | OpenError::Noise => LinkError::Refused(error.to_string()),
        OpenError::Ssh(openssh::Error::Disconnected) | OpenError::Silent(_) => LinkError::Lost(error.to_string()),
        OpenError::Ssh(cause) => LinkError::Refused(format!("{error}: {cause}")),
    }
}

/// How the folders begin that sockets are in.
const PREFIX: &str = "palinode-";

/// How hosts are reached: the operator's own configuration of ssh, under a few lines that a journal needs.
#[derive(Debug)]
pub(super) struct How {
    /// Where control sockets are; its path is short.
    sockets: tempfile::TempDir,
    config: PathBuf,
}

impl How {
    /// Lays the configuration out. `own` replaces `~/.ssh/config` and the system's.
    pub(super) fn new(own: Option<&Path>) -> std::io::Result<Self> {
        let place = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let place = place.filter(|dir| dir.as_os_str().len() < 40).unwrap_or_else(|| PathBuf::from("/tmp"));
        sweep(&place);
        let sockets = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        std::fs::write(sockets.path().join("owner"), std::process::id().to_string())?;
        let mut text = String::from(
            "# The first value that ssh reads of an option is the one that counts.\n\
             BatchMode yes\nStrictHostKeyChecking yes\nServerAliveInterval 5\nServerAliveCountMax 3\n\
             ConnectTimeout 10\nControlMaster no\nForwardAgent no\nForwardX11 no\nRequestTTY no\nLogLevel INFO\n",
        );
        match own {
            Some(own) => text.push_str(&include(&std::path::absolute(own)?)?),
            None => text.push_str("Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n"),
        }
        let config = sockets.path().join("config");
        std::fs::write(&config, text)?;
        Ok(Self { sockets, config })
    }

    fn builder(&self) -> SessionBuilder {
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .control_directory(self.sockets.path())
            .control_persist(ControlPersist::IdleFor(IDLE))
            .config_file(&self.config);
        builder
    }
}

/// Removes what killed processes left. Their connections end by themselves.
fn sweep(place: &Path) {
    let items = std::fs::read_dir(place).into_iter().flatten().flatten();
    for item in items.filter(|item| item.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Only what can be told to be of a dead process; others' folders cannot be read.
        let owner = std::fs::read_to_string(item.path().join("owner")).ok();
        let Some(pid) = owner.and_then(|text| text.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(pid.to_string()).exists() && item.path().join("config").is_file() {
            let _ = std::fs::remove_dir_all(item.path());
        }
    }
}

/// The line that reads a file; its name in quotes, as ssh takes them.
fn include(path: &Path) -> std::io::Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\n', '*', '?', '[']));
    let text = text.ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "its path cannot be written into a configuration of ssh")
    })?;
    std::fs::File::open(path)?;
    Ok(format!("Include \"{text}\"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_processes_left_is_removed() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let make = |name: &str, owner: Option<u32>| {
            let folder = place.path().join(name);
            std::fs::create_dir(&folder).expect("a folder can be made");
            std::fs::write(folder.join("config"), "").expect("it can be written");
            if let Some(pid) = owner {
                std::fs::write(folder.join("owner"), pid.to_string()).expect("it can be written");
            }
            folder
        };
        // No process has the highest number.
        let dead = make("palinode-dead", Some(u32::MAX));
        let others =
            [make("palinode-live", Some(std::process::id())), make("palinode-x", None), make("other", Some(u32::MAX))];
        sweep(place.path());
        assert!(!dead.exists());
        assert!(others.iter().all(|folder| folder.exists()));
    }

    #[test]
    fn a_configuration_is_included_by_its_whole_name_or_refused() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let good = place.path().join("a b");
        std::fs::write(&good, "").expect("it can be written");
        assert_eq!(include(&good).expect("it can be read"), format!("Include \"{}\"\n", good.display()));
        for bad in ["a\"b", "a*b", "a\nb"] {
            assert!(include(&place.path().join(bad)).is_err(), "{bad:?}");
        }
        assert!(include(&place.path().join("missing")).is_err());
    }
}
