//! Starting a job and waiting for its end, whatever becomes of the link.

use super::on_host::{HostSide, is_on};
use super::reasons::reasons;
use crate::host::{self, LeftOut};
use crate::kind::old_boot;
use crate::ssh::{JobError, LinkError, Said, Watch, Word};
use palinode_core::chain::chain;
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::port::{Bodies, Ended, Finished, Job};
use palinode_core::record::{Class, Why};
use palinode_core::resource::Residue;
use palinode_core::span::Span;
use std::time::Duration;

/// How long a host may take to come back from a reboot.
const REBOOT: Duration = Duration::from_secs(20 * 60);

/// How long to wait before a host that reboots is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a host that answers under its new boot may go on starting before it counts as back.
const SETTLES: Duration = Duration::from_secs(150);

/// How long a host may refuse to let us in before it is believed: while it starts, keys and accounts may be out of reach.
const REFUSES: Duration = Duration::from_secs(45);

/// How long it may show another key: what asks for the password of a disk may have one of its own.
const OTHER_KEY: Duration = Duration::from_secs(10);

/// How often a person is told what is waited for.
const TOLD: Duration = Duration::from_secs(60);

/// Asks for the boot, whether systemd has settled, and what it waits for if not.
const SETTLED: &str = "p_boot; p_s=$(systemctl is-system-running 2>/dev/null) || :; echo \"${p_s:-offline}\"; \
                       case $p_s in starting | initializing) \
                       systemctl --no-legend --no-pager list-jobs 2>/dev/null | awk '$NF == \"running\" { print $2 }' | head -n 3 ;; esac";

/// So many looks, of about ten seconds each, may find a job claimed and not begun.
const CLAIMED: u32 = 3;

/// A message is told on one screen; the whole output is a body.
const MESSAGE: usize = 1000;

impl HostSide<'_> {
    /// What is looked at once a job ended, on its host.
    pub(super) fn watch<'a>(&self, look: &'a str, shown: u64) -> Watch<'a> {
        Watch { look, shown: self.real.listener.is_some().then_some(shown) }
    }

    /// Tells what a job printed beyond what was told of it before.
    pub(super) fn tell(&self, job: &Job, shown: &mut u64, more: &[u8]) {
        if let (Some(listener), false) = (&self.real.listener, more.is_empty()) {
            *shown += more.len() as u64;
            listener(job, more);
        }
    }

    /// Starts a job. A start whose answer was lost is asked about, and if the host knows nothing of it, asked for again:
    /// a job is claimed by its name, so it starts once.
    pub(super) async fn start(&self, job: &Job, act: &str, look: &str) -> Result<Said, JobError> {
        let mut lost = None;
        for seconds in [0, 1, 3] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if lost.is_some() {
                match self.jobs().status(job.name).await {
                    Ok(Said { word: Word::None, boot, .. }) if job.boot.as_ref() == Some(&boot) => {}
                    Err(JobError::Link(error)) if !error.was_asked() => continue,
                    other => return other,
                }
            }
            let claim = self.real.claim_for(job).map(|claim| (claim, self.real.has(self.host, job.boot.as_deref())));
            match self.jobs().start((job.name, job.seq), act, claim, self.watch(look, 0)).await {
                Ok(said) => {
                    if claim.is_some() {
                        self.real.held.borrow_mut().insert(self.host.clone(), said.boot.clone());
                    }
                    return Ok(said);
                }
                Err(JobError::Link(error)) if error.was_asked() => lost = Some(error),
                // Nothing was asked this time, but before.
                Err(JobError::Link(_)) if lost.is_some() => {}
                other => return other,
            }
        }
        Err(lost.map_or_else(|| JobError::Nonsense("it was not asked".to_owned()), JobError::Link))
    }

    /// Waits for the end of a job that was started.
    pub(super) async fn wait(&self, job: &Job, mut said: Said, look: &str, bodies: &dyn Bodies) -> Ended {
        let (mut claimed, mut shown) = (0, 0);
        loop {
            self.tell(job, &mut shown, &said.more);
            match said.word {
                Word::Running => {}
                // What became of it went with the power, if anything did.
                Word::Claimed if said.claimed.as_ref() != Some(&said.boot) => {
                    return Ended::Unknown("the host booted since the job was claimed".to_owned());
                }
                Word::Claimed if claimed < CLAIMED => claimed += 1,
                Word::Claimed => match self.jobs().revoke(job.name).await {
                    Ok(true) => return Ended::NotStarted("the host claimed it and never began".to_owned()),
                    Ok(false) => claimed = 0,
                    Err(error) => return Ended::Unknown(chain(&error)),
                },
                Word::Finished { code, out, dropped } => {
                    let told = usize::try_from(shown).unwrap_or(usize::MAX);
                    self.tell(job, &mut shown, out.get(told..).unwrap_or_default());
                    let ended = self.finished(code, &out, dropped, bodies);
                    return seen(ended, job, self.host, said.after.as_deref(), bodies);
                }
                Word::Interrupted { .. } => return Ended::Unknown("it began and ended without a word".to_owned()),
                Word::Revoked => return Ended::NotStarted("another owner had it revoked on the host".to_owned()),
                Word::None => return Ended::Unknown("the host does not know the job".to_owned()),
            }
            said = match self.jobs().wait(job.name, self.watch(look, shown)).await {
                Ok(said) => said,
                Err(error) => return Ended::Unknown(chain(&error)),
            };
        }
    }

    /// Waits until the host has another boot than before, and has settled. What will not pass by itself ends the waiting.
    pub(super) async fn rebooted(&self, job: &Job) -> Ended {
        let Some(old) = old_boot(job) else {
            return Ended::Unknown("nobody knows the boot before".to_owned());
        };
        let mut wait = RebootWait::default();
        let began = tokio::time::Instant::now();
        let mut told = began;
        while began.elapsed() < REBOOT {
            match self.real.fleet.ask(self.host, SETTLED).await {
                Ok(reply) => {
                    wait.refused = None;
                    let mut lines = reply.lines();
                    let boot = lines.next().filter(|boot| host::is_boot(boot));
                    // Without systemd nobody says when a host has settled.
                    let state = lines.next().unwrap_or("offline");
                    match boot {
                        Some(boot) if boot != old => {
                            let waits_for: Vec<&str> = lines.filter(|unit| !unit.is_empty()).collect();
                            if let Some(message) = wait.is_back(boot, state, &waits_for) {
                                let message = Some(message);
                                return Ended::Finished(Finished { code: Some(0), message, ..Finished::default() });
                            }
                        }
                        // A start that was lost on its way: nobody will reboot this host.
                        Some(_) if self.knows_nothing(job).await => {
                            return Ended::Unknown("the host does not know the job".to_owned());
                        }
                        _ => "it still runs the old boot".clone_into(&mut wait.last),
                    }
                }
                Err(error) => {
                    if let Some(why) = wait.refuses(&error) {
                        return Ended::Unknown(why);
                    }
                }
            }
            if told.elapsed() >= TOLD {
                told = tokio::time::Instant::now();
                let left = span(REBOOT.saturating_sub(began.elapsed()));
                if let Some(teller) = self.real.teller {
                    let host = self.host;
                    teller(&format!("{host} is not back from its reboot: {}", wait.last), span(PAUSE), left);
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        let message = Some(format!("it did not come back within {} minutes: {}", REBOOT.as_secs() / 60, wait.last));
        Ended::Finished(Finished { why: Some(Why::Timeout), message, ..Finished::default() })
    }

    pub(super) async fn knows_nothing(&self, job: &Job) -> bool {
        let said = self.jobs().status(job.name).await;
        matches!(said, Ok(Said { word: Word::None | Word::Revoked, .. }))
    }

    /// What a job's end means.
    pub(super) fn finished(&self, code: i32, out: &[u8], dropped: Option<u64>, bodies: &dyn Bodies) -> Ended {
        if let Some(why) = host::stopped(code, out) {
            return Ended::NotStarted(why);
        }
        if let Some(why) = host::moved(code, out) {
            return Ended::Moved(why);
        }
        let (said, left_out) = host::left_out(out);
        let output = match (!out.is_empty()).then(|| bodies.put(Class::Output, out)).transpose() {
            Ok(output) => output,
            Err(error) => return Ended::Unknown(format!("it ended, but its output cannot be kept: {}", chain(&error))),
        };
        let value = self.kind.value(out).filter(|_| code == 0);
        let why = self.kind.why(code, dropped == Some(0));
        let mut message = String::new();
        if code == 0 {
            message = self.kind.message(out).unwrap_or_default();
        }
        if code != 0 {
            message = reasons(&String::from_utf8_lossy(said), MESSAGE);
        }
        let mut losses = Vec::new();
        for LeftOut { loss, path, why } in left_out {
            if let Some(why) = why {
                message.push_str(&format!(" (not known to be on the disk: {path}: {why})"));
            }
            losses.push(Residue { key: ResourceKey::file(self.host, &path), loss });
        }
        if dropped != Some(0) {
            message.push_str(&match dropped {
                Some(count) => format!(" ({count} bytes more of its output were not kept)"),
                None => " (what it left running may print more, which is not kept)".to_owned(),
            });
        }
        Ended::Finished(Finished {
            why,
            code: Some(code),
            message: Some(message.trim().to_owned()).filter(|text| !text.is_empty()),
            output,
            value: value.map(String::into_boxed_str),
            losses: (!losses.is_empty()).then(|| Box::new(losses)),
            ..Finished::default()
        })
    }
}

/// What was seen while a host was waited for that reboots.
#[derive(Debug, Default)]
struct RebootWait {
    /// What was found last, for a person.
    last: String,
    /// When it first answered under its new boot.
    answers: Option<tokio::time::Instant>,
    /// Since when it refuses to let us in.
    refused: Option<tokio::time::Instant>,
}

impl RebootWait {
    /// Whether a host with a new boot is back, by what systemd says of itself; what is said of it then.
    fn is_back(&mut self, boot: &str, state: &str, waits_for: &[&str]) -> Option<String> {
        let since = *self.answers.get_or_insert_with(tokio::time::Instant::now);
        let units = match waits_for {
            [] => String::new(),
            units => format!(" (it waits for {})", units.join(", ")),
        };
        match state {
            "running" | "degraded" | "offline" => Some(format!("boot {boot}")),
            // A unit that never comes to its end keeps nobody from using the host.
            "starting" | "initializing" if since.elapsed() >= SETTLES => Some(format!(
                "boot {boot}; systemd still says `{state}`{units} after {} minutes and counts as back all the same: \
                 `systemctl list-jobs` on the host shows why",
                SETTLES.as_secs() / 60
            )),
            _ => {
                self.last = format!("it answers, and systemd says `{state}`{units}");
                None
            }
        }
    }

    /// Takes in that it did not answer; why it is not worth waiting any more, if it is not.
    fn refuses(&mut self, error: &LinkError) -> Option<String> {
        self.last = chain(error);
        let Some(advice) = error.advice() else {
            self.refused = None;
            return None;
        };
        let since = *self.refused.get_or_insert_with(tokio::time::Instant::now);
        let patience = match error {
            LinkError::Changed { .. } => Duration::ZERO,
            _ if error.is_another_key() => OTHER_KEY,
            _ => REFUSES,
        };
        (since.elapsed() >= patience).then(|| format!("waiting helps no more: {advice}; {}", self.last))
    }
}

fn span(time: Duration) -> Span {
    Span::seconds(u32::try_from(time.as_secs()).unwrap_or(u32::MAX))
}

/// With what was looked at after its end. What could not be told then is asked for again.
pub(super) fn seen(ended: Ended, job: &Job, host: &HostName, after: Option<&str>, bodies: &dyn Bodies) -> Ended {
    let (Ended::Finished(finished), Some(after)) = (&ended, after) else { return ended };
    match host::observe(&left(job, host), after, bodies) {
        Ok(seen) => Ended::Finished(Finished { seen, ..finished.clone() }),
        Err(_) => ended,
    }
}

/// What is looked at on its host once a job ended.
pub(super) fn left(job: &Job, host: &HostName) -> Vec<ResourceKey> {
    job.look.iter().filter(|key| is_on(key, host)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(time: Duration) -> Option<tokio::time::Instant> {
        Some(tokio::time::Instant::now().checked_sub(time).expect("this machine runs for some minutes"))
    }

    #[test]
    fn a_boot_that_never_settles_is_back_after_a_while_and_says_what_it_waits_for() {
        let mut wait = RebootWait::default();
        assert_eq!(wait.is_back("b", "starting", &["slow.service"]), None);
        assert_eq!(wait.last, "it answers, and systemd says `starting` (it waits for slow.service)");
        for state in ["running", "degraded", "offline"] {
            assert_eq!(wait.is_back("b", state, &[]).as_deref(), Some("boot b"));
        }
        wait.answers = before(SETTLES);
        let said = wait.is_back("b", "starting", &["slow.service"]).expect("it is back");
        assert!(said.starts_with("boot b; systemd still says `starting` (it waits for slow.service)"), "{said}");
        assert_eq!(wait.is_back("b", "stopping", &[]), None, "it goes down again");
    }

    #[test]
    fn what_does_not_pass_by_itself_ends_the_waiting_for_a_reboot() {
        let connect = |kind, text: &str| LinkError::Connect(openssh::Error::Connect(std::io::Error::new(kind, text)));
        let aborted = std::io::ErrorKind::ConnectionAborted;
        let key = || connect(aborted, "Host key verification failed.");
        let denied = || connect(std::io::ErrorKind::PermissionDenied, "ops@a: Permission denied (publickey).");
        for (error, patience) in [(key(), OTHER_KEY), (denied(), REFUSES)] {
            let mut wait = RebootWait::default();
            assert_eq!(wait.refuses(&error), None, "once is not for good");
            wait.refused = before(patience);
            let why = wait.refuses(&error).expect("it is for good");
            assert!(why.starts_with("waiting helps no more: "), "{why}");
            // Whatever else comes in between begins it anew.
            wait.refused = before(patience);
            assert_eq!(wait.refuses(&connect(aborted, "Connection refused")), None);
            assert_eq!(wait.refused, None);
        }
        let changed = LinkError::Changed { was: "a".to_owned(), now: "b".to_owned() };
        assert!(RebootWait::default().refuses(&changed).is_some(), "at once");
        for words in
            ["\"System is going down. Unprivileged users are not permitted to log in anymore.\"; Connection closed", ""]
        {
            let mut wait = RebootWait { refused: before(REFUSES), ..RebootWait::default() };
            assert_eq!(wait.refuses(&connect(aborted, words)), None, "{words}");
        }
        let nologin = LinkError::Refused("System is booting up. See pam_nologin(8)".to_owned());
        assert_eq!(RebootWait { refused: before(REFUSES), ..RebootWait::default() }.refuses(&nologin), None);
    }
}
