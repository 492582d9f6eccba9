//! The world that a run acts in, whichever it is.

use crate::args::Args;
use crate::exit::{Exit, Failure};
use crate::render::live::Live;
use crate::render::{escape, hints, to_stderr};
use crate::targets::{Against, Mandate, Taking, place_of};
use crate::{args, session, world};
use palinode_core::action::{Action, Place, Playbook, Target};
use palinode_core::cluster::ClusterId;
use palinode_core::gate::Gate;
use palinode_core::id::{EntryId, HostName, Micros, ResourceKey, RunId};
use palinode_core::inventory::Inventory;
use palinode_core::inventory::reading::Reading;
use palinode_core::port::{Bodies, Ended, Executor, Halted, Job, JobStatus, LookError, Report, Sample, Survey};
use palinode_core::record::World;
use palinode_core::resource::Image;
use palinode_core::run::history::History;
use palinode_core::run::plan::{Plan, Work};
use palinode_core::run::state::RunState;
use palinode_core::span::Span;
use palinode_executors::{
    Claim, Cluster, DiskSources, FILE_LIMIT, Fence, Fleet, Given, NoCluster, PlaybookDirs, Real, SshSettings, Unready,
    read_plain,
};
use palinode_replay::lab::Lab;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tokio::runtime::Runtime;

/// Where a run acts, and what lets it wait there.
pub(crate) struct Acting {
    /// The world.
    pub(crate) world: Either,
    // After the world: links end before what they wait with.
    pub(crate) runtime: Runtime,
}

/// Either world.
pub(crate) enum Either {
    /// A simulated cluster.
    Lab(Box<Lab>),
    /// Real hosts.
    Real(Box<Real>),
}

impl Acting {
    /// A lab.
    pub(crate) fn lab(lab: Lab) -> Result<Self, Failure> {
        Ok(Self { world: Either::Lab(Box::new(lab)), runtime: runtime()? })
    }

    /// The operator's hosts, in the name of a journal and a run, reached as the plan's inventory says. And their
    /// cluster, if the plan has to do with it.
    pub(crate) fn real(args: &Args, mandate: &Mandate, run: RunId, plan: &Plan) -> Result<Self, Failure> {
        let ssh_config = args.ssh_config.as_deref();
        let (ways, names) = match &plan.inventory {
            Some(path) => {
                let unread = |why: String| {
                    Failure::usage(
                        format!("the inventory {path}, which says how hosts are reached, cannot be read: {why}"),
                        "put it back, then type the same again",
                    )
                };
                let bytes = read_plain(Path::new(path), FILE_LIMIT).map_err(|error| unread(error.to_string()))?;
                let text = String::from_utf8(bytes).map_err(|error| unread(error.to_string()))?;
                ways(Path::new(path), &text, plan.reached().into_iter())?
            }
            None => (BTreeMap::new(), BTreeMap::new()),
        };
        let runtime = runtime()?;
        let claim = mandate.claim(run)?;
        let real =
            Real::new(fleet(ssh_config, ways)?, claim.clone(), workshop(&mandate.root, ssh_config)).telling(unanswered);
        let cluster = match needs_cluster(plan) {
            true => Some(cluster(args, &runtime, claim, names)?),
            false => None,
        };
        Ok(Self { world: Either::Real(Box::new(real.with_cluster(cluster))), runtime })
    }

    /// Opens the world that a run was opened in: it acts there and nowhere else.
    pub(crate) fn reopen(run: &RunState, args: &Args, mandate: &Mandate) -> Result<Self, Failure> {
        match &run.opened.world {
            World::Lab { folder } => Self::lab(world::open(Path::new(folder))?),
            World::Real => {
                let acting = Self::real(args, mandate, run.run, &run.plan)?;
                if let (Some(was), Some(now)) = (&run.opened.cluster, acting.world.cluster())
                    && let Some(why) = was.differs(&now)
                {
                    return Err(Failure::usage(
                        format!("this is not the cluster of run {}: {}", run.run, escape(&why)),
                        format!("name the same with --kubeconfig and --context (it was {})", escape(&was.context)),
                    ));
                }
                Ok(acting)
            }
        }
    }

    /// The same for what reaches no host.
    pub(crate) fn unreached(run: &RunState, journal: &Path) -> Result<Self, Failure> {
        match &run.opened.world {
            World::Lab { folder } => Self::lab(world::open(Path::new(folder))?),
            World::Real => Self::nowhere(journal),
        }
    }

    /// No world at all, for what only records: the run's own may be gone.
    pub(crate) fn nowhere(journal: &Path) -> Result<Self, Failure> {
        let nobody = Claim { journal: String::new(), words: String::new(), fence: Fence::default() };
        let real = Real::new(fleet(None, BTreeMap::new())?, nobody, workshop(journal, None));
        Ok(Self { world: Either::Real(Box::new(real)), runtime: runtime()? })
    }

    /// Disturbs a lab as the command line says, and lets time pass in it. Real hosts are not disturbed.
    pub(crate) fn disturb(&self, options: &args::Lab, plan: &Plan, gap: Option<Micros>) -> Result<(), Failure> {
        match &self.world {
            Either::Lab(lab) => {
                world::disturbance(options, plan)?.apply(lab);
                if let Some(gap) = gap {
                    lab.advance(gap);
                }
                Ok(())
            }
            Either::Real(_) if options.disturbs() => Err(Failure::usage(
                "--pace, --drop, --fail and --die are for the simulated lab",
                "leave them away on real hosts",
            )),
            Either::Real(_) => Ok(()),
        }
    }

    /// Lets someone hear what steps print on real hosts.
    pub(crate) fn listen(&mut self, live: Option<Rc<Live>>) {
        if let (Either::Real(real), Some(live)) = (&mut self.world, live) {
            real.listen(Box::new(move |job, bytes| live.hear(&job.step, job.attempt, bytes)));
        }
    }

    /// The time that passed meanwhile: in a lab what is given, in the real world what passed.
    pub(crate) fn gap(&self, given: Span) -> Option<Micros> {
        matches!(self.world, Either::Lab(_)).then(|| given.micros())
    }

    /// Which machines hosts were when they were recorded. Hosts that turn out to be others are not asked anything, before
    /// the run and while it goes on.
    pub(crate) fn expect(&self, machines: &BTreeMap<HostName, String>) {
        if let Either::Real(real) = &self.world {
            real.expect(machines);
        }
    }

    /// Sees to it that all real hosts of a plan can be acted on, before anything is: reached, allowed to, the same machines
    /// as before, not claimed, and not ahead of this journal. A run that is open already goes on with the hosts that
    /// answer. Gives what is taken from other journals, if that may be (none: nobody can say so here); nothing is changed
    /// yet.
    pub(crate) fn ready(
        &self,
        plan: &Plan,
        take: Option<bool>,
        open: bool,
        against: Against<'_>,
    ) -> Result<Taking, Failure> {
        let Either::Real(real) = &self.world else { return Ok(Taking::default()) };
        let mut taking = Taking { plan: (take == Some(true)).then(|| plan.clone()), ..Taking::default() };
        for playbook in playbooks(plan) {
            let Some((inventory, who)) = self.runtime.block_on(real.unready_to_play(&[playbook])) else { continue };
            if take == Some(true) {
                taking.words.insert(inventory, who);
                continue;
            }
            return Err(Failure::new(
                Exit::Owned,
                format!("another journal runs playbooks with {inventory}: {}; nothing was touched", escape(who.trim())),
                wait_or_take(take),
            ));
        }
        let (known, mut unready) = self.runtime.block_on(real.unready(&by_ssh(plan)));
        // What this journal claimed before it had an id is its own.
        let former = |why: &Unready| matches!(why, Unready::Claimed(words, by) if against.formerly(words, by));
        taking.hosts.extend(unready.extract_if(.., |(_, why)| former(why)).map(|(host, _)| host));
        for (host, whose) in &known {
            against.tell_of_lost(host, whose);
            if let Some(seen) = whose.seen.as_ref().filter(|seen| against.lacks(seen)) {
                let what = format!("entry {} of epoch {} of this journal", seen.seq, seen.epoch);
                if take != Some(true) {
                    return Err(Failure::new(
                        Exit::Owned,
                        format!(
                            "{host} was asked for {what}, which is not in it: this is an older copy of the journal, or \
                             another copy of it went on; nothing was touched"
                        ),
                        "go on with the newest copy of the journal; if that is lost, see what was done there, and take \
                         the host with --take-over (`palinode exec --take-over HOST -- true` where there is no such option)",
                    ));
                }
                taking
                    .words
                    .insert(host.to_string(), format!("a newer or another copy of this journal, seen at {what}"));
                taking.hosts.push(host.clone());
            }
        }
        let nodes = self.runtime.block_on(real.unready_nodes(&by_node(plan)));
        if take == Some(true) {
            for (host, why) in unready.extract_if(.., |(_, why)| matches!(why, Unready::Claimed(..))) {
                let Unready::Claimed(words, _) = why else { continue };
                taking.words.insert(host.to_string(), words);
                taking.hosts.push(host);
            }
        }
        for (host, why) in nodes {
            match why {
                Unready::Claimed(words, _) if take == Some(true) => {
                    taking.words.insert(format!("node of {host}"), words);
                    taking.hosts.push(host);
                }
                why => unready.push((host, why)),
            }
        }
        taking.hosts.sort();
        taking.hosts.dedup();
        if open {
            for (host, why) in unready.extract_if(.., |(_, why)| matches!(why, Unready::Unreached(_))) {
                let Unready::Unreached(why) = why else { continue };
                to_stderr(&format!(
                    "notice: {host} does not answer, and is tried again for some minutes: {}\n",
                    escape(&why)
                ));
            }
            for (host, why) in unready.extract_if(.., |(_, why)| matches!(why, Unready::Unseen(_))) {
                let Unready::Unseen(why) = why else { continue };
                to_stderr(&format!("notice: the node of {host} cannot be looked at now: {}\n", escape(&why)));
            }
        }
        let Some((host, why)) = unready.first() else {
            self.permitted(real, plan, open)?;
            return Ok(taking);
        };
        let more = match unready.len() - 1 {
            0 => String::new(),
            1 => " (and one more host cannot be acted on)".to_owned(),
            count => format!(" (and {count} more hosts cannot be acted on)"),
        };
        Err(match why {
            Unready::Unreached(why) => Failure::new(
                Exit::Failed,
                format!("{host} cannot be acted on: {why}{more}; nothing was touched"),
                format!("see that `ssh {host} true` works from here, without a question, then type the same again"),
            ),
            Unready::Unseen(why) => Failure::new(
                Exit::Failed,
                format!("the node of {host} cannot be looked at: {}{more}; nothing was touched", escape(why)),
                "see that `kubectl get nodes` works from here with the same --kubeconfig and --context",
            ),
            Unready::Claimed(who, _) => Failure::new(
                Exit::Owned,
                format!("{host} is claimed by another journal: {who}{more}; nothing was touched"),
                wait_or_take(take),
            ),
            Unready::Changed(was, now) => Failure::usage(
                format!(
                    "{host} is another machine than the one that was recorded: its machine id is {now}, and was \
                     {was}{more}; it was installed anew or cloned, or its name leads elsewhere; nothing was touched"
                ),
                format!(
                    "see that `ssh {host}` leads to the right machine; if the run shall act on this one, whatever was \
                     recorded of the other, add --host-changed {host}"
                ),
            ),
        })
    }

    /// Sees to it that these credentials may do what the plan needs. A run that is open already is only told of.
    fn permitted(&self, real: &Real, plan: &Plan, open: bool) -> Result<(), Failure> {
        let actions: Vec<&Action> = plan
            .steps
            .iter()
            .filter_map(|step| match &step.work {
                // Whether it runs at all is found out when its turn comes.
                Work::Act(action) => step.when.is_none().then_some(action),
                Work::Gate { .. } => None,
            })
            .collect();
        let lacking = match self.runtime.block_on(real.lacking(&actions)) {
            Ok(lacking) if lacking.is_empty() => return Ok(()),
            Ok(lacking) => escape(&lacking.join(", ")),
            Err(error) => {
                to_stderr(&format!(
                    "notice: nobody says what these credentials may do in the cluster: {}\n",
                    escape(&chain(&error))
                ));
                return Ok(());
            }
        };
        if open {
            to_stderr(&format!("notice: these credentials may not {lacking}: steps that need it will be refused\n"));
            return Ok(());
        }
        Err(Failure::new(
            Exit::Failed,
            format!("these credentials may not {lacking}, which the plan or its way back needs; nothing was touched"),
            "ask for the rights (`kubectl auth can-i VERB KIND` shows them), or name others with --kubeconfig and --context",
        ))
    }

    /// Takes what is claimed by other journals, once it is recorded whose it was. With a plan its inventories too.
    pub(crate) async fn take(&self, taking: &Taking) -> Result<(), Failure> {
        let Either::Real(real) = &self.world else { return Ok(()) };
        let hosts = &taking.hosts;
        let playbooks = taking.plan.as_ref().map(playbooks).unwrap_or_default();
        let failed = |why: String| {
            let run = "the run is open; type `palinode resume --take-over`";
            Failure::new(Exit::Failed, format!("a claim cannot be taken: {why}"), run)
        };
        real.take_inventories(&playbooks).await.map_err(failed)?;
        let nodes: Vec<HostName> = match &taking.plan {
            Some(plan) => by_node(plan).into_iter().filter(|host| hosts.contains(host)).collect(),
            None => Vec::new(),
        };
        real.take_nodes(&nodes).await.map_err(|error| failed(chain(&error)))?;
        let there: Vec<HostName> = match &taking.plan {
            Some(plan) => by_ssh(plan).into_iter().filter(|host| hosts.contains(host)).collect(),
            None => hosts.clone(),
        };
        real.take(&there).await.map_err(|error| failed(error.to_string()))
    }

    /// Gives the hosts of a closed run up, but for those that another open run of this journal acts on. False if one could
    /// not be reached.
    pub(crate) fn release(&self, history: &History, run: RunId) -> bool {
        let (Either::Real(real), Some(state)) = (&self.world, history.runs.get(&run)) else { return true };
        let open = history.runs.values().filter(|other| other.closed.is_none() && other.opened.world == World::Real);
        let kept: BTreeSet<&HostName> = open.flat_map(|other| other.plan.hosts()).collect();
        let others = history.runs.values().filter(|other| other.closed.is_none() && other.opened.world == World::Real);
        let needed: BTreeSet<&str> =
            others.flat_map(|other| playbooks(&other.plan)).map(|playbook| playbook.inventory.as_str()).collect();
        self.runtime.block_on(real.release_inventories(run, &playbooks(&state.plan), &needed));
        let hosts: Vec<HostName> = state.plan.hosts().filter(|host| !kept.contains(host)).cloned().collect();
        let there: Vec<HostName> = by_ssh(&state.plan).into_iter().filter(|host| hosts.contains(host)).collect();
        let mut left = self.runtime.block_on(real.release(&there));
        let nodes: Vec<HostName> = by_node(&state.plan).into_iter().filter(|host| hosts.contains(host)).collect();
        left.extend(self.runtime.block_on(real.release_nodes(&nodes)));
        left.sort();
        left.dedup();
        for host in &left {
            to_stderr(&format!(
                "notice: {host} could not be reached to give it up; it stays claimed by this journal\n"
            ));
        }
        left.is_empty()
    }

    /// Why nothing is done any more, if the world itself is broken.
    pub(crate) fn broken(&self) -> Option<Failure> {
        match &self.world {
            Either::Lab(lab) => lab.broken().map(|why| {
                Failure::new(
                    Exit::CannotRecord,
                    format!("the lab's ledger cannot be written: {why}"),
                    format!("make room, then type `{}`", hints::of_run("resume")),
                )
            }),
            Either::Real(_) => None,
        }
    }
}

/// What to do about a claim of another journal.
fn wait_or_take(take: Option<bool>) -> &'static str {
    match take {
        None => "wait until that run is closed, or ask whoever began it",
        Some(_) => "wait until that run is closed; if you know that nobody works on it any more, add --take-over",
    }
}

/// Whether a plan has to do with the cluster's API.
fn needs_cluster(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| match &step.work {
        Work::Act(action) => Real::needs_cluster(action),
        Work::Gate { gate, .. } => Real::gate_needs_cluster(gate),
    })
}

/// The hosts of a plan that something is done on, and not only in the cluster.
fn by_ssh(plan: &Plan) -> Vec<HostName> {
    let there = plan.steps.iter().filter(|step| match &step.work {
        Work::Act(action) => action.place() != Place::Cluster,
        Work::Gate { gate, .. } => !Real::gate_needs_cluster(gate),
    });
    let needed: BTreeSet<&HostName> = there.filter_map(|step| step.target.host.as_ref()).collect();
    plan.hosts().filter(|host| needed.contains(host)).cloned().collect()
}

/// The hosts of a plan whose Node has a part in it.
fn by_node(plan: &Plan) -> Vec<HostName> {
    let there = plan.steps.iter().filter(|step| match &step.work {
        Work::Act(action) => Real::needs_cluster(action),
        Work::Gate { .. } => false,
    });
    let needed: BTreeSet<&HostName> = there.filter_map(|step| step.target.host.as_ref()).collect();
    needed.into_iter().cloned().collect()
}

/// The cluster, as the command line or the environment names it.
fn cluster(args: &Args, runtime: &Runtime, claim: Claim, names: BTreeMap<HostName, Given>) -> Result<Cluster, Failure> {
    let open = Cluster::open(args.kubeconfig.as_deref(), args.context.as_deref(), claim, names);
    runtime.block_on(open).map_err(|error| {
        let exit =
            if matches!(error, NoCluster::Config(_) | NoCluster::NotPlain { .. }) { Exit::Usage } else { Exit::Failed };
        Failure::new(
            exit,
            format!("the plan has to do with the cluster: {}; nothing was touched", escape(&chain(&error))),
            "see that `kubectl version` works from here; name the file with --kubeconfig, the context with --context",
        )
    })
}

/// Tells of a host that does not answer, each time that it was tried.
fn unanswered(why: &str, again: Span, left: Span) {
    let seconds = |span: Span| crate::render::span(span.micros());
    to_stderr(&format!(
        "{}  {}; tried again in {}, and for {} more; Ctrl-C pauses\n",
        crate::render::clock(session::wall()),
        escape(why),
        seconds(again),
        seconds(left)
    ));
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        let lines: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let words = lines.join(" ");
        // Some say what their cause says.
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

/// What waits for hosts.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot start: {error}"), "see that the machine has file handles left")
    })
}

/// How hosts are reached, and what their nodes may be known by.
type Reached = (BTreeMap<HostName, SshSettings>, BTreeMap<HostName, Given>);

/// What an inventory says of how hosts are reached.
pub(crate) fn ways<'a>(path: &Path, text: &str, hosts: impl Iterator<Item = &'a HostName>) -> Result<Reached, Failure> {
    let inventory = Inventory::parse(text);
    let reading = path.to_str().map(|path| Reading::without_encrypted(&DiskSources::without_scripts(), &[path]));
    let reading = match reading {
        Some(Ok(reading)) => {
            for file in reading.encrypted() {
                to_stderr(&format!(
                    "note: {} is encrypted; what it says of reaching hosts is not known\n",
                    escape(file)
                ));
            }
            Some(reading)
        }
        // What can be edited may be less than what Ansible would read: the file alone must do.
        Some(Err(error)) => {
            to_stderr(&format!("note: {}\n", escape(&error.to_string())));
            to_stderr("note: so group_vars and host_vars are not asked how hosts are reached\n");
            None
        }
        None => None,
    };
    let (mut ways, mut names) = (BTreeMap::new(), BTreeMap::new());
    for host in hosts {
        let text = |name: &str| match &reading {
            Some(reading) => reading.setting(host.as_str(), name).and_then(|said| said.value.printed()),
            None => inventory.effective_var(host.as_str(), name).map(str::to_owned),
        };
        let given = Given { name: text("openshift_kubelet_name_override"), address: text("ansible_host") };
        if given != Given::default() {
            names.insert(host.clone(), given);
        }
        let way = match &reading {
            Some(reading) => SshSettings::read(reading, host),
            None => SshSettings::of(&inventory, host),
        };
        let way = way.map_err(|bad| {
            Failure::usage(
                format!("the inventory {} does not say how a host is reached: {bad}", path.display()),
                "write a plain value there, or leave it away and say it in the configuration of ssh",
            )
        })?;
        ways.extend(way.map(|way| (host.clone(), way)));
    }
    Ok((ways, names))
}

/// The operator's hosts.
pub(crate) fn fleet(ssh_config: Option<&Path>, ways: BTreeMap<HostName, SshSettings>) -> Result<Fleet, Failure> {
    Fleet::new(ssh_config, ways).map_err(|error| {
        let what = ssh_config.map_or_else(String::new, |path| format!(" with {}", path.display()));
        Failure::usage(
            format!("cannot set ssh up{what}: {error}"),
            "name a file that can be read with --ssh-config, and see that /tmp can be written",
        )
    })
}

/// What playbooks need of this machine: their jobs are the journal's, who runs them is known to all journals of a user.
fn workshop(journal: &Path, ssh: Option<&Path>) -> PlaybookDirs {
    let jobs = place_of(journal).join("jobs");
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = state.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")));
    let claims = state.filter(|path| path.is_absolute()).map(|path| path.join("palinode/inventories"));
    let ssh = ssh.and_then(|path| std::path::absolute(path).ok());
    PlaybookDirs { claims: claims.unwrap_or_else(|| jobs.join(".claims")), jobs, ssh }
}

/// The playbooks of a plan.
fn playbooks(plan: &Plan) -> Vec<&Playbook> {
    let all = plan.steps.iter().filter_map(|step| match &step.work {
        Work::Act(Action::Playbook(playbook)) => Some(&**playbook),
        _ => None,
    });
    let mut seen = BTreeSet::new();
    all.filter(|playbook| seen.insert(playbook.inventory.as_str())).collect()
}

macro_rules! either {
    ($self:ident, $world:ident => $call:expr) => {
        match $self {
            Either::Lab($world) => $call,
            Either::Real($world) => $call,
        }
    };
}

impl Executor for Either {
    async fn survey(&self, target: &Target, action: &Action, bodies: &dyn Bodies) -> Result<Survey, LookError> {
        either!(self, world => world.survey(target, action, bodies).await)
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        either!(self, world => world.node_of(target).await)
    }

    async fn observe(&self, keys: &[ResourceKey], bodies: &dyn Bodies) -> Result<Image, LookError> {
        either!(self, world => world.observe(keys, bodies).await)
    }

    async fn execute(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        either!(self, world => world.execute(job, bodies).await)
    }

    async fn told(&self, job: &Job, bodies: &dyn Bodies) -> Result<Vec<Report>, LookError> {
        either!(self, world => world.told(job, bodies).await)
    }

    async fn status(&self, job: &Job, bodies: &dyn Bodies) -> Result<JobStatus, LookError> {
        either!(self, world => world.status(job, bodies).await)
    }

    async fn attach(&self, job: &Job, bodies: &dyn Bodies) -> Ended {
        either!(self, world => world.attach(job, bodies).await)
    }

    async fn revoke(&self, job: &Job) -> Result<bool, LookError> {
        either!(self, world => world.revoke(job).await)
    }

    fn recorded(&self, job: EntryId, action: &Action, target: &Target) {
        either!(self, world => world.recorded(job, action, target));
    }

    async fn settle(&self) {
        either!(self, world => world.settle().await);
    }

    async fn sample(&self, target: &Target, gate: &Gate, bodies: &dyn Bodies) -> Result<Sample, LookError> {
        either!(self, world => world.sample(target, gate, bodies).await)
    }

    fn cluster(&self) -> Option<ClusterId> {
        either!(self, world => world.cluster())
    }

    fn host_keys(&self) -> BTreeMap<HostName, String> {
        either!(self, world => world.host_keys())
    }

    fn machines(&self) -> BTreeMap<HostName, String> {
        either!(self, world => world.machines())
    }

    fn now(&self) -> Micros {
        either!(self, world => world.now())
    }

    fn is_virtual(&self) -> bool {
        either!(self, world => world.is_virtual())
    }

    fn unanswered(&self, why: &LookError, again: Span, left: Span) {
        either!(self, world => world.unanswered(why, again, left));
    }

    async fn sleep(&self, until: Micros) {
        either!(self, world => world.sleep(until).await);
    }

    async fn idle(&self) -> Result<(), Halted> {
        either!(self, world => world.idle().await)
    }
}
