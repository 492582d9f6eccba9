//! The world that a run acts in: opened once, watched and disturbed as the command line says, and given up at the end.

use super::executor::Either;
use super::mandate::Mandate;
use super::reach::{by_node, by_ssh, cluster, fleet, needs_cluster, playbook_dirs, playbooks, runtime, ways};
use super::taking::Taking;
use crate::args::Args;
use crate::asking::Terminal;
use crate::clock::wall;
use crate::error::{Exit, Failure};
use crate::lab::{self, LabOptions};
use crate::render::live::Live;
use crate::render::{escape, hints, to_stderr};
use crate::sources::read_inventory;
use palinode_core::chain::chain;
use palinode_core::id::{HostName, Micros, RunId};
use palinode_core::port::Executor as _;
use palinode_core::record;
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_core::run::state::RunState;
use palinode_core::span::Span;
use palinode_executors::{Claim, Fence, Real};
use palinode_replay::lab::Lab;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;
use tokio::runtime::Runtime;

/// Where a run acts, and what lets it wait there.
pub(crate) struct World {
    /// What looks and acts.
    pub(super) executor: Either,
    // After the executor: links end before what they wait with.
    pub(super) runtime: Runtime,
}

impl World {
    /// A lab.
    pub(crate) fn lab(lab: Lab) -> Result<Self, Failure> {
        Ok(Self { executor: Either::Lab(Box::new(lab)), runtime: runtime()? })
    }

    /// The operator's hosts, in the name of a journal and a run, reached as the plan's inventory says. And their
    /// cluster, if the plan has to do with it.
    pub(crate) fn real(args: &Args, mandate: &Mandate, run: RunId, plan: &Plan) -> Result<Self, Failure> {
        let ssh_config = args.ssh_config.as_deref();
        let (ways, names) = match &plan.inventory {
            Some(path) => {
                let reading = read_inventory(Path::new(path)).map_err(|failure| {
                    let why = failure.what();
                    Failure::usage(
                        format!("the inventory {path}, which says how hosts are reached, is not as it was: {why}"),
                        "put it back, or mend it, then type the same again",
                    )
                })?;
                ways(Path::new(path), &reading, plan.reached().into_iter())?
            }
            None => (BTreeMap::new(), BTreeMap::new()),
        };
        let runtime = runtime()?;
        let claim = mandate.claim(run)?;
        let real = Real::new(fleet(ssh_config, ways)?, claim.clone(), playbook_dirs(mandate.store.root(), ssh_config))
            .telling(unanswered);
        let cluster = match needs_cluster(plan) {
            true => Some(cluster(args, &runtime, claim, names)?),
            false => None,
        };
        Ok(Self { executor: Either::Real(Box::new(real.with_cluster(cluster))), runtime })
    }

    /// Opens the world that a run was opened in: it acts there and nowhere else.
    pub(crate) fn reopen(run: &RunState, args: &Args, mandate: &Mandate) -> Result<Self, Failure> {
        match &run.opened.world {
            record::World::Lab { folder } => Self::lab(lab::open(Path::new(folder))?),
            record::World::Real => {
                let world = Self::real(args, mandate, run.run, &run.plan)?;
                if let (Some(was), Some(now)) = (&run.opened.cluster, world.executor.cluster())
                    && let Some(why) = was.differs(&now)
                {
                    return Err(Failure::usage(
                        format!("this is not the cluster of run {}: {}", run.run, escape(&why)),
                        format!("name the same with --kubeconfig and --context (it was {})", escape(&was.context)),
                    ));
                }
                Ok(world)
            }
        }
    }

    /// The same for what reaches no host.
    pub(crate) fn unreached(run: &RunState, journal: &Path) -> Result<Self, Failure> {
        match &run.opened.world {
            record::World::Lab { folder } => Self::lab(lab::open(Path::new(folder))?),
            record::World::Real => Self::nowhere(journal),
        }
    }

    /// No world at all, for what only records: the run's own may be gone.
    pub(crate) fn nowhere(journal: &Path) -> Result<Self, Failure> {
        let nobody = Claim { journal: String::new(), words: String::new(), fence: Fence::default() };
        let real = Real::new(fleet(None, BTreeMap::new())?, nobody, playbook_dirs(journal, None));
        Ok(Self { executor: Either::Real(Box::new(real)), runtime: runtime()? })
    }

    /// Disturbs a lab as the command line says, and lets time pass in it. Real hosts are not disturbed.
    pub(crate) fn disturb(&self, options: &LabOptions, plan: &Plan, gap: Option<Micros>) -> Result<(), Failure> {
        match &self.executor {
            Either::Lab(lab) => {
                lab::disturbance(options, plan)?.apply(lab);
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

    /// Lets someone hear what steps print on real hosts, and answer what playbooks ask there.
    pub(crate) fn listen(&mut self, live: Option<Rc<Live>>, asks: Option<Rc<Terminal>>) {
        let Either::Real(real) = &mut self.executor else { return };
        if let Some(live) = live {
            real.listen(Box::new(move |job, bytes| live.hear(&job.step, job.attempt, bytes)));
        }
        if let Some(asks) = asks {
            real.asking(asks);
        }
    }

    /// The time that passed meanwhile: in a lab what is given, in the real world what passed.
    pub(crate) fn gap(&self, given: Span) -> Option<Micros> {
        matches!(self.executor, Either::Lab(_)).then(|| given.micros())
    }

    /// Which machines hosts were when they were recorded. Hosts that turn out to be others are not asked anything, before
    /// the run and while it goes on.
    pub(crate) fn expect(&self, machines: &BTreeMap<HostName, String>) {
        if let Either::Real(real) = &self.executor {
            real.expect(machines);
        }
    }

    /// Takes what is claimed by other journals, once it is recorded whose it was. With a plan its inventories too.
    pub(crate) async fn take(&self, taking: &Taking) -> Result<(), Failure> {
        let Either::Real(real) = &self.executor else { return Ok(()) };
        let hosts = &taking.hosts;
        let playbooks = taking.plan.as_ref().map(playbooks).unwrap_or_default();
        let failed = |why: String| {
            let run = "the run is open; type `palinode resume --take-over`";
            Failure::new(Exit::Failed, format!("a claim cannot be taken: {why}"), run)
        };
        real.take_inventories(&playbooks).await.map_err(|error| failed(chain(&error)))?;
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
        let (Either::Real(real), Some(state)) = (&self.executor, history.runs.get(&run)) else { return true };
        let open =
            history.runs.values().filter(|other| other.closed.is_none() && other.opened.world == record::World::Real);
        let kept: BTreeSet<&HostName> = open.flat_map(|other| other.plan.hosts()).collect();
        let others =
            history.runs.values().filter(|other| other.closed.is_none() && other.opened.world == record::World::Real);
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
        match &self.executor {
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

/// Tells of a host that does not answer, each time that it was tried.
fn unanswered(why: &str, again: Span, left: Span) {
    let seconds = |span: Span| crate::render::span(span.micros());
    to_stderr(&format!(
        "{}  {}; tried again in {}, and for {} more; Ctrl-C pauses\n",
        crate::render::clock(wall()),
        escape(why),
        seconds(again),
        seconds(left)
    ));
}
