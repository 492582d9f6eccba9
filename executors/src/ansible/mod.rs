//! Playbooks: run on this machine by the operator's own Ansible, each as a job that outlives this process.
//!
//! 1. A playbook is a job like those on hosts: a folder that one claimant makes, below the journal; a program that is
//!    started once, whoever asks; an end that is a file. What it does is in `command`.
//! 2. A callback plugin (`palinode_events.py`) writes a line for every play, task and host result. The lines are read as
//!    they come (`events`) and recorded as evidence; whoever goes on later reads on behind the last one recorded.
//! 3. What its end means (`verdict`) is told by those lines: who was dealt with, and how they fared. A playbook that went
//!    without telling is in doubt.
//! 4. Two journals do not run playbooks with one inventory at once: the inventory is claimed as a host is, and a playbook
//!    whose claim is taken is ended.

mod asking;
mod cause;
mod command;
mod config;
mod events;
mod question;
mod tally;
mod verdict;

pub use asking::{Asker, Prompt, Reply};

use crate::inventories::DiskSources;
use crate::plain::{check_plain, in_others_reach};
use crate::secrets::{self, NoSecret};
use crate::ssh::{Asked, Claim, JobError, Jobs, LocalShell, Places, Recorded, Said, Word, claimant};
use asking::Asking;
use command::{Around, BEGINS, EVENTS, ITSELF, LAPSED, RAN, UNHEARD, UNREADABLE};
use config::Config;
use events::{Line, Tail};
use palinode_core::action::{Playbook, Target};
use palinode_core::id::{EntryId, RunId};
use palinode_core::inventory::model::Reading;
use palinode_core::port::{Bodies, BodyError, Ended, Finished, Job, JobStatus, Remains, Report};
use palinode_core::record::{Class, ProgressKind};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tally::Question;
use tracing::info;
use verdict::{Left, Verdict};

/// The events in what the plugin wrote, piece by piece, and how many lines are none.
pub(crate) fn read<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<(u64, ProgressKind)>, u64) {
    let mut tail = Tail::default();
    let told = pieces.flat_map(|piece| tail.feed(piece)).map(|line| (line.number, line.what)).collect();
    (told, tail.tally.strange)
}

/// How long to wait before a playbook is looked at again.
const PAUSE: Duration = Duration::from_millis(100);

/// Every so many looks it is seen whether its process is still there.
const ALIVE: u32 = 20;

/// How long a question of a shell on this machine may take.
const SOON: Duration = Duration::from_secs(60);

/// Where callback plugins are by default.
const OTHERS: &str = "~/.ansible/plugins/callback:/usr/share/ansible/plugins/callback";

/// What playbooks need of the machine they are run on.
#[derive(Debug, Clone)]
pub struct PlaybookDirs {
    /// Where their jobs are kept: a folder of the journal.
    pub jobs: PathBuf,
    /// Where it is kept who runs playbooks with an inventory: the same for all journals of a user.
    pub claims: PathBuf,
    /// The configuration of ssh that was asked for.
    pub ssh: Option<PathBuf>,
}

/// Runs playbooks. See the module.
pub(crate) struct Playbooks {
    dirs: PlaybookDirs,
    shells: RefCell<BTreeMap<String, Rc<LocalShell>>>,
    /// The inventories that were claimed here.
    held: RefCell<BTreeSet<String>>,
    /// How far each playbook was read.
    tails: RefCell<BTreeMap<EntryId, Heard>>,
    /// Those whose end is recorded, by their inventory.
    recorded: Recorded<String>,
    /// Who answers what playbooks ask.
    asker: Option<Rc<dyn Asker>>,
    asking: RefCell<Asking>,
}

#[derive(Default)]
struct Heard {
    tail: Tail,
    /// Bytes of its output that were shown.
    shown: u64,
    looks: u32,
}

impl Playbooks {
    pub(crate) fn new(dirs: PlaybookDirs) -> Self {
        Self {
            dirs,
            shells: RefCell::default(),
            held: RefCell::default(),
            tails: RefCell::default(),
            recorded: Recorded::default(),
            asker: None,
            asking: RefCell::default(),
        }
    }

    /// Has a person answer what playbooks ask.
    pub(crate) fn asking(&mut self, asker: Rc<dyn Asker>) {
        self.asker = Some(asker);
    }

    /// Why it cannot be run here; none if it can. Read-only.
    pub(crate) fn unready(&self, playbook: &Playbook) -> Option<String> {
        if program("ansible-playbook").is_none() {
            return Some(
                "there is no ansible-playbook on this machine's PATH; install Ansible, or activate its environment"
                    .to_owned(),
            );
        }
        // Ansible would take such a path for several, or for the name of something else.
        if let Some(odd) = self.dirs.jobs.to_str().and_then(|path| path.chars().find(|c| ":,~${}".contains(*c))) {
            return Some(format!(
                "the journal's path {} holds `{odd}`, which Ansible has another meaning for; move the journal",
                self.dirs.jobs.display()
            ));
        }
        // Whoever may write there could have our claims go elsewhere, or let us wait for ever.
        if let Some(why) = in_others_reach(&self.dirs.claims) {
            return Some(format!(
                "who uses an inventory is noted in {}, and there others could meddle with it: {why}; set XDG_STATE_HOME \
                 to a folder of your own",
                self.dirs.claims.display()
            ));
        }
        for (what, path) in [("playbook", &playbook.path), ("inventory", &playbook.inventory)]
            .into_iter()
            .chain(playbook.vars_from.iter().map(|path| ("file with variables", path)))
        {
            // Ansible would wait for a pipe, and read what has no end. An inventory may be a folder.
            let found = match std::fs::metadata(path) {
                Ok(found) if found.is_dir() && what == "inventory" => Ok(()),
                _ => check_plain(Path::new(path), MOST_FILE).map_err(|error| error.to_string()),
            };
            if let Err(error) = found {
                return Some(format!("the {what} {path} cannot be read: {error}"));
            }
        }
        let folder = std::env::current_dir().unwrap_or_default();
        if self.asker.is_none() && Config::find(&folder).vault_prompts().any() {
            let asked = Question { kind: "vault".to_owned(), ..Question::default() };
            return Some(format!("Ansible is configured to ask: {}", question::told(&[asked])));
        }
        if playbook.requires.is_empty() {
            return None;
        }
        match Reading::of(&DiskSources::default(), &[playbook.inventory.as_str()]) {
            Ok(inventory) => playbook.unready(&inventory).map(|why| format!("{}: {why}", playbook.inventory)),
            Err(error) => Some(format!("what the step requires of its groups cannot be checked: {error}")),
        }
    }

    fn here(&self, playbook: &Playbook) -> Rc<LocalShell> {
        let mut shells = self.shells.borrow_mut();
        let here = shells.entry(playbook.inventory.clone()).or_insert_with(|| {
            let jobs = self.dirs.jobs.clone();
            let pipes = jobs.join(".pipes");
            Rc::new(LocalShell::new(Places { jobs, claims: self.dirs.claims.join(named(&playbook.inventory)), pipes }))
        });
        Rc::clone(here)
    }

    /// The end of one is recorded.
    pub(crate) fn recorded(&self, playbook: &Playbook, job: EntryId) {
        self.recorded.add(playbook.inventory.clone(), job);
    }

    /// Empties what is recorded.
    pub(crate) async fn settle(&self) {
        for inventory in self.recorded.keys() {
            let (script, told) = self.recorded.before(&inventory, ":");
            let here = self.shells.borrow().get(&inventory).cloned();
            let Some(here) = here else { continue };
            if here.ask(false, &script, SOON).await.is_err() {
                self.recorded.again(inventory, told);
            }
        }
    }

    fn folder(&self, job: &Job) -> PathBuf {
        self.dirs.jobs.join(job.name.to_string())
    }

    /// Starts it, or finds it started.
    pub(crate) async fn start(&self, playbook: &Playbook, job: &Job, claim: &Claim) -> Result<Said, JobError> {
        let act =
            self.prepare(playbook, job).map_err(|why| JobError::NotStarted(format!("it cannot be prepared: {why}")))?;
        let here = self.here(playbook);
        let had = self.held.borrow().contains(&playbook.inventory);
        let said = Jobs(Asked::Local(&here)).start_only((job.name, job.seq), &act, (claim, had)).await?;
        self.held.borrow_mut().insert(playbook.inventory.clone());
        let secrets = playbook.vars.values().filter(|word| word.secret().is_some()).count();
        info!(job = %job.name.short(), bytes_out = act.len(), vars = playbook.vars.len(), secrets, "playbook started");
        Ok(said)
    }

    /// Lays the plugin out; what the job does.
    fn prepare(&self, playbook: &Playbook, job: &Job) -> io::Result<String> {
        let plugins = self.dirs.jobs.join(".plugins");
        let mut folder = std::fs::DirBuilder::new();
        folder.recursive(true).mode(0o700).create(&plugins)?;
        let file = plugins.join(command::PLUGIN);
        if std::fs::read(&file).ok().as_deref() != Some(command::SOURCE.as_bytes()) {
            let mut new = tempfile::NamedTempFile::new_in(&plugins)?;
            io::Write::write_all(&mut new, command::SOURCE.as_bytes())?;
            new.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
            new.persist(&file)?;
        }
        let folder = std::env::current_dir()?;
        let path = std::env::var("PATH").unwrap_or_default();
        let config = Config::find(&folder);
        let others = std::env::var("ANSIBLE_CALLBACK_PLUGINS").ok().or_else(|| config.callback_plugins());
        let vault = self.asker.is_some().then(|| config.vault_prompts());
        let locale = std::env::var("LC_ALL").ok();
        let umask = umask();
        let vars = playbook.vars.iter();
        let values = vars.map(|(name, word)| secrets::value(word).map(|value| (name.clone(), value)));
        let vars = values.collect::<Result<BTreeMap<_, _>, NoSecret>>().map_err(io::Error::other)?;
        let around = Around {
            vars: &vars,
            plugins: &plugins,
            others: others.as_deref().unwrap_or(OTHERS),
            folder: &folder,
            path: &path,
            umask: umask.as_deref().unwrap_or("0022"),
            locale: locale.as_deref(),
            ssh: self.dirs.ssh.as_deref(),
            asks: vault.as_ref(),
        };
        let act = command::act(playbook, &around).ok_or_else(|| io::Error::other("a path is no text in UTF-8"))?;
        Ok(format!("printf '%s\\n' {} >\"$p_d/run\"\n{act}", job.run))
    }

    /// What it told beyond what is recorded, a piece of it. Nothing: there is no more now.
    pub(crate) fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, BodyError> {
        let path = self.folder(job).join(EVENTS);
        let mut tails = self.tails.borrow_mut();
        let heard = tails.entry(job.name).or_default();
        loop {
            // What cannot be read now is read with the next look.
            let lines = heard.tail.more(&path).unwrap_or_default();
            if lines.is_empty() {
                return Ok(Vec::new());
            }
            let fresh = lines.into_iter().filter(|line| line.number > job.heard);
            let reports = fresh.map(|line| report(line, bodies)).collect::<Result<Vec<_>, _>>()?;
            if !reports.is_empty() {
                return Ok(reports);
            }
        }
    }

    /// Waits until it tells something, or ended. `tell` hears what it prints.
    pub(crate) async fn watch(
        &self,
        playbook: &Playbook,
        job: &Job,
        bodies: &dyn Bodies,
        tell: &dyn Fn(&[u8]),
    ) -> Ended {
        let folder = self.folder(job);
        loop {
            self.show(job, &folder, tell);
            self.asking.borrow_mut().look(&folder, &job.step, self.asker.as_deref());
            match self.told(job, bodies) {
                Ok(reports) if reports.is_empty() => {}
                Ok(reports) => return Ended::Telling(reports),
                Err(error) => return Ended::Unknown(format!("what it told cannot be kept: {error}")),
            }
            let looks = {
                let mut tails = self.tails.borrow_mut();
                let heard = tails.entry(job.name).or_default();
                heard.looks += 1;
                heard.looks
            };
            if ended(&folder) || looks % ALIVE == 0 {
                match self.fate(playbook, job).await {
                    Ok(Fate::Running) => {}
                    // It may have told more since it was looked at.
                    Ok(fate) => match self.told(job, bodies) {
                        Ok(reports) if reports.is_empty() => {
                            self.show(job, &folder, tell);
                            return end(fate, bodies);
                        }
                        Ok(reports) => return Ended::Telling(reports),
                        Err(error) => return Ended::Unknown(format!("what it told cannot be kept: {error}")),
                    },
                    Err(error) => return Ended::Unknown(error.to_string()),
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// What it printed since it was shown last.
    fn show(&self, job: &Job, folder: &Path, tell: &dyn Fn(&[u8])) {
        let Ok(mut out) = std::fs::File::open(folder.join("out")) else { return };
        let mut tails = self.tails.borrow_mut();
        let heard = tails.entry(job.name).or_default();
        let mut more = Vec::new();
        let read = io::Seek::seek(&mut out, io::SeekFrom::Start(heard.shown))
            .and_then(|_| io::Read::read_to_end(&mut io::Read::take(out, 1 << 20), &mut more));
        if read.is_ok() && !more.is_empty() {
            heard.shown += more.len() as u64;
            tell(&more);
        }
    }

    /// What became of it. What it told has been asked for before.
    pub(crate) async fn status(
        &self,
        playbook: &Playbook,
        job: &Job,
        bodies: &dyn Bodies,
    ) -> Result<JobStatus, JobError> {
        Ok(match self.fate(playbook, job).await? {
            Fate::Running => JobStatus::Running,
            Fate::Revoked => JobStatus::Revoked,
            Fate::NotStarted => JobStatus::NotStarted,
            Fate::Unknown => JobStatus::Unknown,
            Fate::Ended(end) => end.kept(bodies).unwrap_or(JobStatus::Unknown),
        })
    }

    /// What became of it, before anything of it is kept.
    async fn fate(&self, playbook: &Playbook, job: &Job) -> Result<Fate, JobError> {
        let here = self.here(playbook);
        let said = Jobs(Asked::Local(&here)).status(job.name).await?;
        let same = job.boot.as_deref() == Some(said.boot.as_str());
        Ok(match said.word {
            Word::Running => Fate::Running,
            // Its shell is gone; it may go on without.
            Word::Finished { .. } | Word::Interrupted { .. } if lives(&self.folder(job)) => Fate::Running,
            Word::Finished { code, out, dropped } => self.ended(playbook, job, Some(code), out, dropped),
            // Killed with everything around it; what it told to the end counts all the same.
            Word::Interrupted { out } => self.ended(playbook, job, None, out, Some(0)),
            Word::Revoked => Fate::Revoked,
            Word::None if same => Fate::NotStarted,
            Word::Claimed if same && said.claimed.as_ref() == Some(&said.boot) => Fate::NotStarted,
            Word::None | Word::Claimed => Fate::Unknown,
        })
    }

    fn ended(&self, playbook: &Playbook, job: &Job, code: Option<i32>, out: Vec<u8>, dropped: Option<u64>) -> Fate {
        let folder = self.folder(job);
        // From the beginning, and beside what is read to be recorded: what it told is what counts.
        let mut tail = Tail::default();
        while tail.more(&folder.join(EVENTS)).is_ok_and(|lines| !lines.is_empty()) {}
        let tally = tail.tally;
        let there = |name: &str| folder.join(name).exists();
        let left = Left {
            lapsed: there(LAPSED),
            unheard: there(UNHEARD),
            begins: there(BEGINS),
            itself: there(ITSELF),
            unreadable: there(UNREADABLE),
        };
        let target: &Target = &job.target;
        let verdict = verdict::verdict(playbook, target, code, &tally, left, &out);
        let came = match verdict {
            Verdict::Well(_) => "finished-well",
            Verdict::Badly(..) => "finished-badly",
            Verdict::Unknown(_) => "unknown",
        };
        info!(job = %job.name.short(), code, came, bytes_in = out.len(), "playbook ended");
        Fate::Ended(End { verdict, code, out, dropped })
    }

    /// Sees to it that one that did not begin never does; false if it began.
    pub(crate) async fn revoke(&self, playbook: &Playbook, job: &Job) -> Result<bool, JobError> {
        let here = self.here(playbook);
        Jobs(Asked::Local(&here)).revoke(job.name).await
    }

    /// Who else runs playbooks with an inventory.
    pub(crate) async fn claimant(&self, playbook: &Playbook, claim: &Claim) -> Result<Option<String>, JobError> {
        let here = self.here(playbook);
        Ok(claimant(&here.ask(false, &claim.asks(), SOON).await?))
    }

    /// Takes an inventory from whoever runs playbooks with it. What runs is ended.
    pub(crate) async fn take(&self, playbook: &Playbook, claim: &Claim) -> Result<(), JobError> {
        let here = self.here(playbook);
        let reply = here.ask(false, &claim.takes(), SOON).await?;
        if reply.code == 0 { Ok(()) } else { Err(JobError::Nonsense(reply.why())) }
    }

    /// Gives an inventory up, if nothing else needs it. What the ended jobs of a closed run left is removed: it is
    /// recorded, sealed.
    pub(crate) async fn release(&self, playbook: &Playbook, run: RunId, claim: Option<&Claim>) -> Result<(), JobError> {
        let give_up = claim.map(Claim::releases).unwrap_or_default();
        let script = format!(
            "{give_up}for p_old in \"$p_jobs\"/*; do\ncase $(p_word \"$p_old\") in running | claimed) continue ;; esac\n\
             if read -r p_run <\"$p_old/run\" && [ \"$p_run\" = {run} ]; then rm -rf -- \"$p_old\"; fi\ndone 2>/dev/null\n:\n"
        );
        let here = self.here(playbook);
        here.ask(false, &script, SOON).await?;
        Ok(())
    }
}

fn report(line: Line, bodies: &dyn Bodies) -> Result<Report, BodyError> {
    let evidence = Some(bodies.put(Class::Output, &line.bytes)?);
    Ok(Report { number: line.number, what: line.what, evidence })
}

/// What became of a playbook.
enum Fate {
    Running,
    Ended(End),
    Revoked,
    NotStarted,
    Unknown,
}

/// How one ended.
struct End {
    verdict: Verdict,
    /// Its exit code, if somebody saw it.
    code: Option<i32>,
    /// What it printed, as far as it was kept.
    out: Vec<u8>,
    /// How many bytes more it printed; none if nobody counted to the end.
    dropped: Option<u64>,
}

impl End {
    /// As it is told, with what it printed as a body.
    fn kept(self, bodies: &dyn Bodies) -> Result<JobStatus, BodyError> {
        let output = (!self.out.is_empty()).then(|| bodies.put(Class::Output, &self.out)).transpose()?;
        let (why, mut message) = match self.verdict {
            Verdict::Unknown(words) => {
                return Ok(JobStatus::Interrupted(Remains { message: Some(words), output }));
            }
            Verdict::Well(words) => (None, words),
            Verdict::Badly(why, words) => (Some(why), words),
        };
        match self.dropped {
            Some(0) => {}
            Some(count) => message.push_str(&format!(" ({count} bytes more of its output were not kept)")),
            None => message.push_str(" (its output was not counted to the end)"),
        }
        Ok(JobStatus::Finished(Finished {
            why,
            code: self.code,
            message: Some(message),
            output,
            ..Finished::default()
        }))
    }
}

/// How a watch ends.
fn end(fate: Fate, bodies: &dyn Bodies) -> Ended {
    let nobody = || Ended::Unknown("nobody knows what became of it".to_owned());
    match fate {
        // What it printed is kept with the look that follows.
        Fate::Ended(End { verdict: Verdict::Unknown(words), .. }) => Ended::Unknown(words),
        Fate::Ended(end) => match end.kept(bodies) {
            Ok(JobStatus::Finished(finished)) => Ended::Finished(finished),
            Ok(_) => nobody(),
            Err(error) => Ended::Unknown(format!("it ended, but its output cannot be kept: {error}")),
        },
        Fate::Revoked => Ended::NotStarted("another owner had it revoked".to_owned()),
        // Until it is revoked it may begin yet: whoever asks what became of it sees to that.
        Fate::NotStarted => Ended::Unknown("it has not begun".to_owned()),
        Fate::Running | Fate::Unknown => nobody(),
    }
}

/// Whether a job's end is there to be seen.
fn ended(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut all| {
        all.any(|entry| entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"ended.")))
    })
}

/// Whether the process that a job noted is still there.
fn lives(folder: &Path) -> bool {
    let field = |stat: &str, at: usize| Some(stat.rsplit_once(") ")?.1.split(' ').nth(at)?.to_owned());
    let Ok(noted) = std::fs::read_to_string(folder.join(RAN)) else { return false };
    let Some(pid) = noted.split(' ').next().and_then(|pid| pid.parse::<u32>().ok()) else { return false };
    let Ok(now) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // One that nobody has waited for is still listed, and does not run. The start time tells one process from the next.
    field(&now, 19).is_some() && field(&now, 19) == field(&noted, 19) && field(&now, 0).as_deref() != Some("Z")
}

/// The file mode mask of this process.
fn umask() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?.trim();
    (!mask.is_empty() && mask.bytes().all(|byte| (b'0'..=b'7').contains(&byte))).then(|| mask.to_owned())
}

/// The folder of an inventory's claim: one for a file, by whatever links it is reached.
fn named(inventory: &str) -> String {
    let path = std::fs::canonicalize(inventory).unwrap_or_else(|_| PathBuf::from(inventory));
    let digest = palinode_core::record::blob_id(path.as_os_str().as_encoded_bytes()).to_string();
    let short: String = digest.chars().take(16).collect();
    format!("{}-{short}", slug(inventory))
}

/// A program on `PATH`.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0))
}

/// An inventory's name as a folder has it.
fn slug(inventory: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
    let all: Vec<char> = inventory.chars().map(plain).collect();
    all.iter().skip(all.len().saturating_sub(100)).collect::<String>().trim_start_matches(['-', '.']).to_owned()
}

/// No file that is handed to Ansible is longer.
const MOST_FILE: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_has_one_folder() {
        assert_eq!(slug("/etc/ansible/hosts"), "etc-ansible-hosts");
        assert_eq!(slug("/../x y"), "x-y");
        assert!(slug(&"/long".repeat(100)).len() <= 100);
    }
}
