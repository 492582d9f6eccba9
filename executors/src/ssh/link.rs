//! The connection to one host: opened when it is needed, and anew after it was lost.

use super::channel::{AskError, Channel, OpenError, Places, Reply};
use super::log;
use super::ssh_config::SshConfig;
use crate::ssh::link_error::{CONNECT, LinkError};
use openssh::Session;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use tracing::Instrument as _;

/// How long a new shell may take to answer.
const GREET: Duration = Duration::from_secs(10);

/// What a link leads to.
#[derive(Clone, Copy)]
pub(super) enum To<'a> {
    /// A host, reached over SSH.
    Host(&'a str, &'a SshConfig),
    /// This machine.
    Local(&'a Places),
}

/// The connection to one host, or a shell on this machine.
pub(super) struct Link {
    // In this order: a shell ends before its connection.
    channel: Option<Channel>,
    session: Option<Arc<Session>>,
    key: Option<String>,
    /// The machine id that was recorded of it before, or that it told.
    machine: Option<String>,
    told: bool,
    /// The boot that it told of last.
    boot: Option<String>,
}

impl Link {
    pub(super) fn new() -> Self {
        Self { channel: None, session: None, key: None, machine: None, told: false, boot: None }
    }

    /// Which machine it leads to, once that was told.
    pub(super) fn machine(&self) -> Option<&str> {
        self.machine.as_deref().filter(|_| self.told)
    }

    /// The boot of that machine when it was last connected to.
    pub(super) fn boot(&self) -> Option<&str> {
        self.boot.as_deref()
    }

    /// Which machine it must lead to.
    pub(super) fn expect(&mut self, machine: &str) {
        self.machine = Some(machine.to_owned());
    }

    /// Takes in which machine answered. Also one that is exchanged while a run goes on is noticed.
    fn recognize(&mut self, now: &str) -> Result<(), LinkError> {
        if !is_machine(now) {
            return Ok(());
        }
        if let Some(was) = self.machine.as_deref().filter(|was| *was != now) {
            return Err(LinkError::Changed { was: was.to_owned(), now: now.to_owned() });
        }
        (self.machine, self.told) = (Some(now.to_owned()), true);
        Ok(())
    }

    /// The host key of the last connection, as far as ssh told it.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Sees to it that there is a shell.
    async fn ready(&mut self, to: To<'_>) -> Result<&mut Channel, LinkError> {
        if self.channel.as_ref().is_none_or(|channel| !channel.is_sound()) {
            self.channel = None;
            let mut channel = match to {
                To::Host(host, ssh) => {
                    let began = Instant::now();
                    let shell = self.shell(host, ssh).await;
                    log::connected(host, began, &shell);
                    shell?
                }
                To::Local(places) => Channel::here(places, GREET).await.map_err(|error| refused(&error))?,
            };
            let hello = channel.ask("", "p_hello; (p_sweep &) >/dev/null 2>&1", 1 << 16, GREET).await;
            let hello = hello.map_err(|error| LinkError::Refused(error.to_string()))?;
            let said = |word: &str| hello.lines().any(|line| line == word);
            if hello.code != 0 || !(said("uid 0") || matches!(to, To::Local(_))) {
                return Err(LinkError::Refused(format!("its shell does not answer as ours would: {}", hello.why())));
            }
            if let (To::Host(..), Some(machine)) = (to, hello.lines().find_map(|line| line.strip_prefix("machine "))) {
                self.recognize(machine)?;
            }
            self.boot = hello.lines().find_map(|line| line.strip_prefix("boot ")).map(str::to_owned);
            // On this machine a job needs the environment of whoever asks for it, which a unit would not have.
            channel.systemd = said("systemd") && matches!(to, To::Host(..));
            self.channel = Some(channel);
        }
        self.channel.as_mut().ok_or(LinkError::Slow)
    }

    /// Asks the host's shell, with `jobs` one that can have jobs started. Whatever goes wrong, the next call begins with
    /// a new one.
    pub(super) async fn ask(
        &mut self,
        to: To<'_>,
        jobs: bool,
        script: &str,
        limit: usize,
        patience: Duration,
    ) -> Result<Reply, LinkError> {
        let host = match to {
            To::Host(host, _) => Some(host),
            To::Local(_) => None,
        };
        let question = log::Question::new(host, script);
        let reply = self.asked(to, jobs, script, limit, patience).instrument(question.span.clone()).await;
        question.answered(&reply);
        reply
    }

    async fn asked(
        &mut self,
        to: To<'_>,
        jobs: bool,
        script: &str,
        limit: usize,
        patience: Duration,
    ) -> Result<Reply, LinkError> {
        let channel = self.ready(to).await?;
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
    async fn shell(&mut self, host: &str, ssh: &SshConfig) -> Result<Channel, LinkError> {
        if let Some(session) = &self.session {
            match Channel::open(session, GREET).await {
                Ok(channel) => return Ok(channel),
                Err(OpenError::Ended(words)) if !words.is_empty() => return Err(refused(&OpenError::Ended(words))),
                Err(_) => self.session = None,
            }
        }
        let session = match timeout(CONNECT, ssh.connect(host)).await {
            Ok(Ok(session)) => Arc::new(session),
            Ok(Err(error)) => return Err(LinkError::Connect(ssh.with_words(host, error).await)),
            Err(_) => return Err(LinkError::Slow),
        };
        self.key = ssh.key(host);
        let channel = Channel::open(&session, GREET).await.map_err(|error| refused(&error))?;
        self.session = Some(session);
        Ok(channel)
    }
}

/// Whether a host's word is a machine id as systemd makes them.
fn is_machine(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) && text.bytes().any(|byte| byte != b'0')
}

fn refused(error: &OpenError) -> LinkError {
    match error {
        OpenError::Ended(words) if words.contains("sudo") => LinkError::Refused(format!(
            "{error}; the login must be root, or allowed to run `sudo -n /bin/sh` without a password"
        )),
        OpenError::Ended(_) | OpenError::Closed(_) | OpenError::Noise => LinkError::Refused(error.to_string()),
        OpenError::Ssh(openssh::Error::Disconnected) | OpenError::Silent { .. } => LinkError::Lost(error.to_string()),
        OpenError::Ssh(cause) => LinkError::Refused(format!("{error}: {cause}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_machine_under_the_same_name_is_refused() {
        let (one, other) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210");
        let mut link = Link::new();
        assert_eq!(link.machine(), None);
        // What is no machine id says nothing.
        for nothing in ["", "uninitialized", "00000000000000000000000000000000", &one[1..]] {
            link.recognize(nothing).expect("it is not known");
            assert_eq!(link.machine(), None, "{nothing}");
        }
        link.recognize(one).expect("the first time");
        link.recognize(one).expect("the same");
        assert_eq!(link.machine(), Some(one));
        assert!(matches!(link.recognize(other), Err(LinkError::Changed { .. })));
        // What was recorded is not what was told.
        let mut link = Link::new();
        link.expect(one);
        assert_eq!(link.machine(), None);
        let Err(error @ LinkError::Changed { .. }) = link.recognize(other) else { unreachable!("it is another") };
        assert!(!error.was_asked() && !error.may_pass());
        link.recognize(one).expect("as recorded");
        assert_eq!(link.machine(), Some(one));
    }
}
