//! A drain: every pod that can move is evicted once, and waited for until it is gone.
//!
//! Each round reads the pods of the node in one request and decides anew from what is there, so that a drain that was cut
//! goes on where it was: a pod that is being deleted is not evicted again, and one that came back under its name is
//! another one. Each eviction names the UID it means.

use crate::cluster::api::{Answer, Fault};
use crate::cluster::evict::{AGAIN, Came, came};
use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use futures_util::stream::{FuturesUnordered, StreamExt};
use palinode_core::action::{Bare, Drain, Emptydir, Terminating};
use palinode_core::chain::chain;
use palinode_core::cluster::{self, DaemonSets};
use palinode_core::id::ResourceKey;
use palinode_core::port::{BodyError, Ended, Finished, LookError};
use palinode_core::record::Why;
use palinode_core::resource::Pod;
use palinode_core::span::Span;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// So often the pods are read.
const EVERY: Duration = Duration::from_millis(500);

/// So many evictions are asked for at the same time.
const SIDE: usize = 16;

/// So often a server error may answer the eviction of one pod.
const ERRORS: u32 = 5;

/// So long may the server give no answer at all before nobody knows.
const SILENT: Duration = Duration::from_secs(60);

/// So many pods are named in a message.
const NAMED: usize = 5;

/// What a drain remembers from one round to the next.
#[derive(Debug)]
pub(crate) struct Draining {
    began: Instant,
    pods: BTreeMap<String, Known>,
    sets: Option<DaemonSets>,
    claimed: bool,
    silent: Option<Instant>,
    evicted: usize,
    /// The controllers whose pods were evicted: namespace, kind and name.
    owners: BTreeSet<(String, String, String)>,
    /// The pods that are there in place of evicted ones.
    back: BTreeSet<String>,
}

/// What is known of a pod.
#[derive(Debug)]
struct Known {
    /// When it may be asked for again; none if it was evicted.
    next: Option<Instant>,
    /// Why it is still there.
    why: String,
    /// How often a server error answered.
    errors: u32,
    /// Since when it is seen being deleted.
    going: Option<Instant>,
    forced: bool,
}

impl Draining {
    pub(crate) fn new() -> Self {
        Self {
            began: Instant::now(),
            pods: BTreeMap::new(),
            sets: None,
            claimed: false,
            silent: None,
            evicted: 0,
            owners: BTreeSet::new(),
            back: BTreeSet::new(),
        }
    }
}

fn span(span: Span) -> Duration {
    Duration::from_micros(u64::try_from(span.micros().0).unwrap_or(0))
}

fn counted(count: usize) -> String {
    if count == 1 { "1 pod".to_owned() } else { format!("{count} pods") }
}

fn owner_of(pod: &Pod) -> Option<(String, String, String)> {
    let (kind, name) = pod.owner.clone()?;
    Some((pod.namespace.clone(), kind, name))
}

fn title(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}

impl OnCluster for Drain {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, memory: &'a mut Memory) -> Round<'a> {
        Box::pin(job.drain(self, &mut memory.drain))
    }

    fn needs(&self) -> Needs<'_> {
        let mut all = Right::node();
        all.extend([Right::of("list", "pods"), Right::of("create", "pods/eviction")]);
        if matches!(self.terminating, Some(Terminating::Force { .. })) {
            all.push(Right::of("delete", "pods"));
        }
        Needs::Rights(all)
    }
}

impl ApiJob<'_> {
    /// One round. `None`: there is something to tell, or it was waited, and it goes on. Whoever reads why it stopped is told
    /// that pods are gone.
    async fn drain(&mut self, drain: &Drain, state: &mut Draining) -> Result<Option<Stop>, Stop> {
        let mut came = self.drain_round(drain, state).await;
        if let Err(Stop::Ended(Ended::Finished(finished))) = &mut came
            && finished.why == Some(Why::Precondition)
            && state.evicted > 0
        {
            let message = finished.message.take().unwrap_or_default();
            finished.message = Some(format!("{message} ({} evicted before)", counted(state.evicted)));
        }
        came
    }

    async fn drain_round(&mut self, drain: &Drain, state: &mut Draining) -> Result<Option<Stop>, Stop> {
        let Some(node) = self.job.target.node.clone() else {
            return Err(failed(Why::Precondition, "the action needs a node, and the target has none"));
        };
        if !state.claimed {
            self.begin(&node, state).await?;
            if !self.reports.is_empty() {
                return Ok(None);
            }
        }
        let all = match self.look(&node, state).await? {
            Some(all) => all,
            None => return Ok(None),
        };
        let sets = state.sets.clone().unwrap_or(None);
        let left: Vec<(&Value, Pod)> = all
            .iter()
            .filter(|pod| cluster::stays(pod, &sets).is_none())
            .map(|raw| (raw, cluster::pod(raw, &sets)))
            .collect();
        self.allowed(drain, &left, state)?;
        self.came_back(&left, state)?;
        if left.is_empty() {
            return Ok(Some(well(match state.evicted {
                0 => "there was nothing to evict".to_owned(),
                count => format!("{} evicted", counted(count)),
            })));
        }
        let now = Instant::now();
        let version = self.cluster.evictions().await?;
        let Some(version) = version else {
            return Err(failed(Why::Precondition, "the API server knows no evictions; nothing was evicted"));
        };
        let mut ask = Vec::new();
        for (raw, pod) in left.iter() {
            let fresh = || Known { next: Some(now), why: String::new(), errors: 0, going: None, forced: false };
            let known = state.pods.entry(pod.uid.clone()).or_insert_with(fresh);
            if cluster::deleted_at(raw).is_some() {
                known.going.get_or_insert(now);
                known.next = None;
                known.why = "it is Terminating".to_owned();
            } else if known.next.is_some_and(|next| next <= now) {
                ask.push(pod);
            }
        }
        // What was just read tells; what is asked for now may take long.
        if state.began.elapsed() >= span(drain.timeout) {
            return Err(self.late(drain, &left, state));
        }
        self.evict(&version, drain, &ask, state).await?;
        let stuck: Vec<(&Value, &Pod)> = left.iter().map(|(raw, pod)| (*raw, pod)).collect();
        self.stuck(drain, &stuck, state).await?;
        if self.reports.is_empty() {
            tokio::time::sleep(EVERY).await;
        }
        Ok(None)
    }

    /// Before the first eviction: the node is cordoned, and ours.
    async fn begin(&mut self, node: &str, state: &mut Draining) -> Result<(), Stop> {
        match self.cluster.node(node).await? {
            // Pods may be left that nobody collected yet.
            None => {}
            Some(found) if found["spec"]["unschedulable"] != true => {
                let why = format!(
                    "node {node} is not cordoned: what is evicted could come back at once; nothing was evicted"
                );
                return Err(failed(Why::Precondition, why));
            }
            Some(found) => {
                self.claim(node, found).await?;
            }
        }
        state.claimed = true;
        Ok(())
    }

    /// The pods of the node. A server that does not answer is asked again for a while, and then nobody knows.
    async fn look(&mut self, node: &str, state: &mut Draining) -> Result<Option<Vec<Value>>, Stop> {
        let found = async {
            if state.sets.is_none() {
                state.sets = Some(self.cluster.daemon_sets().await?);
            }
            self.cluster.pods_on(node).await
        };
        match found.await {
            Ok(all) => {
                state.silent = None;
                Ok(Some(all))
            }
            Err(error @ LookError::Unreachable { .. }) => {
                let since = *state.silent.get_or_insert_with(Instant::now);
                if since.elapsed() >= SILENT {
                    return Err(Stop::Ended(Ended::Unknown(chain(&error))));
                }
                tokio::time::sleep(AGAIN).await;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether what is there may be evicted at all. Nothing was, the first time that this is asked.
    fn allowed(&self, drain: &Drain, left: &[(&Value, Pod)], state: &Draining) -> Result<(), Stop> {
        let so_far = match state.evicted {
            0 if self.job.attempt > 1 => "this attempt evicted nothing",
            0 => "nothing was evicted",
            _ => "it was not there at first",
        };
        let new = left.iter().filter(|(raw, pod)| !state.pods.contains_key(&pod.uid) && !cluster::has_ended(raw));
        for (_, pod) in new {
            if pod.emptydir && drain.emptydir == Emptydir::Refuse {
                return Err(failed(
                    Why::Precondition,
                    format!("pod {} has an emptyDir volume, and emptydir is refuse; {so_far}", title(pod)),
                ));
            }
            if pod.owner.is_none() && drain.bare == Bare::Refuse {
                return Err(failed(
                    Why::Precondition,
                    format!("pod {} has no controller, and bare is refuse; {so_far}", title(pod)),
                ));
            }
        }
        Ok(())
    }

    /// Marks the pods that are here in place of evicted ones, as may be that tolerate the cordon: each eviction would only
    /// bring the next. When no other is left, the step ends.
    fn came_back(&self, left: &[(&Value, Pod)], state: &mut Draining) -> Result<(), Stop> {
        for (raw, pod) in left {
            let owner = owner_of(pod).filter(|owner| state.owners.contains(owner));
            let Some((_, kind, owner)) = owner.filter(|_| cluster::tolerates_cordon(raw)) else { continue };
            if state.pods.contains_key(&pod.uid) {
                continue;
            }
            let why = format!(
                "it came back in place of one that was evicted, since it tolerates the cordon: scale {kind} {owner} down, or let its pods be placed elsewhere, then retry"
            );
            state.pods.insert(pod.uid.clone(), Known { next: None, why, errors: 0, going: None, forced: false });
            state.back.insert(pod.uid.clone());
        }
        match left.first().filter(|_| left.iter().all(|(_, pod)| state.back.contains(&pod.uid))) {
            None => Ok(()),
            Some((_, pod)) => {
                let why = state.pods.get(&pod.uid).map_or("", |known| known.why.as_str());
                let (count, evicted) = (counted(left.len()), counted(state.evicted));
                Err(failed(Why::Unmet, format!("{count} still there, {}: {why} ({evicted} evicted)", title(pod))))
            }
        }
    }

    async fn evict(&mut self, version: &str, drain: &Drain, pods: &[&Pod], state: &mut Draining) -> Result<(), Stop> {
        let cluster = self.cluster;
        let mut waiting = pods.iter();
        let mut asked = FuturesUnordered::new();
        let one = |pod: &&'_ Pod| {
            let pod = (*pod).clone();
            async move {
                let answer = cluster.evict(version, &pod, drain.grace).await;
                (pod, answer)
            }
        };
        for pod in waiting.by_ref().take(SIDE) {
            asked.push(one(pod));
        }
        let mut never = None;
        while let Some((pod, answer)) = asked.next().await {
            self.told("evict", &pod, &answer)?;
            let now = Instant::now();
            let Some(known) = state.pods.get_mut(&pod.uid) else { continue };
            match came(&answer) {
                Came::Done => {
                    state.evicted += 1;
                    state.owners.extend(owner_of(&pod));
                    (known.next, known.why) = (None, "it was evicted, and is still there".to_owned());
                    known.going = Some(now);
                }
                // If it is still there, it is another's change that was in the way.
                Came::Gone => known.next = Some(now + AGAIN),
                Came::Later(wait, why) => (known.next, known.why) = (Some(now + wait), why),
                Came::Error(why) => {
                    known.errors += 1;
                    if known.errors >= ERRORS {
                        never.get_or_insert(format!("pod {} could not be evicted, {ERRORS} times: {why}", title(&pod)));
                    }
                    (known.next, known.why) = (Some(now + AGAIN), why);
                }
                // It is looked at before it is asked for again: it may be going.
                Came::Nobody(why) => {
                    known.errors += 1;
                    if known.errors >= ERRORS {
                        return Err(Stop::Ended(Ended::Unknown(why)));
                    }
                    (known.next, known.why) = (Some(now + AGAIN), why);
                }
                Came::Never(why) => {
                    never.get_or_insert(format!("pod {} cannot be evicted: {why}", title(&pod)));
                    (known.next, known.why) = (None, why);
                }
            }
            // After a refusal for good nothing more is begun.
            if never.is_none()
                && let Some(pod) = waiting.next()
            {
                asked.push(one(pod));
            }
        }
        match never {
            Some(why) => Err(failed(Why::ExitCode, format!("{why}; {} evicted", counted(state.evicted)))),
            None => Ok(()),
        }
    }

    fn told(&mut self, verb: &str, pod: &Pod, answer: &Result<Answer, Fault>) -> Result<(), BodyError> {
        self.tell(verb, &ResourceKey::pod(&pod.namespace, &pod.name), answer)
    }

    /// Pods that stay Terminating, as the step says what is done with them.
    async fn stuck(&mut self, drain: &Drain, left: &[(&Value, &Pod)], state: &mut Draining) -> Result<(), Stop> {
        let Some(terminating) = drain.terminating else { return Ok(()) };
        let (after, force) = match terminating {
            Terminating::Ask { after } => (span(after), false),
            Terminating::Force { after } => (span(after), true),
        };
        let mut stuck = BTreeSet::new();
        for (raw, pod) in left {
            let Some(known) = state.pods.get_mut(&pod.uid) else { continue };
            let grace = raw["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(0);
            let Some(since) = known.going.filter(|_| cluster::deleted_at(raw).is_some()) else { continue };
            if since.elapsed() < after + Duration::from_secs(grace) || known.forced {
                continue;
            }
            if !force {
                stuck.insert(title(pod));
                continue;
            }
            known.forced = true;
            known.why = "its object was deleted by force, and is still there: it has finalizers".to_owned();
            let answer = self.cluster.force(pod).await;
            self.told("delete by force", pod, &answer)?;
            match answer {
                Ok(answer) if answer.is_good() || matches!(answer.code, 404 | 409) => {}
                Ok(answer) => {
                    return Err(failed(
                        Why::ExitCode,
                        format!("pod {} stays Terminating: {}", title(pod), answer.words()),
                    ));
                }
                Err(fault) => return Err(Stop::Ended(Ended::Unknown(chain(&fault)))),
            }
        }
        if stuck.is_empty() {
            return Ok(());
        }
        let (count, names) = (stuck.len(), stuck.into_iter().take(NAMED).collect::<Vec<_>>().join(", "));
        Err(failed(
            Why::Unmet,
            format!(
                "{} still Terminating ({names}): look at the runtime of their node, then retry, or end them with `terminating: force`",
                counted(count)
            ),
        ))
    }

    /// Its time is up.
    fn late(&self, drain: &Drain, left: &[(&Value, Pod)], state: &Draining) -> Stop {
        let why = |pod: &Pod| state.pods.get(&pod.uid).map_or("", |known| known.why.as_str());
        let names: Vec<String> =
            left.iter().take(NAMED).map(|(_, pod)| format!("{}: {}", title(pod), why(pod))).collect();
        let more = match left.len().saturating_sub(NAMED) {
            0 => String::new(),
            count => format!("; and {count} more"),
        };
        let count = counted(left.len());
        let message = format!("still there after {}: {count}, {}{more}", drain.timeout, names.join("; "));
        Stop::Ended(Ended::Finished(Finished {
            why: Some(Why::Timeout),
            message: Some(message),
            ..Finished::default()
        }))
    }
}
