//! A drain: every pod that can move is evicted once, and waited for until it is gone.
//!
//! Each round reads the pods of the node in one request and decides anew from what is there, so that a drain that was cut
//! goes on where it was: a pod that is being deleted is not evicted again, and one that came back under its name is
//! another one. Each eviction names the UID it means. A pod that the last round had not is evicted only if the Node is
//! still the one that the drain began with, cordoned and ours.

use crate::cluster::api::{Answer, Fault};
use crate::cluster::draining::{Draining, Known};
use crate::cluster::evict::{AGAIN, Came, came};
use crate::cluster::job::{ApiJob, Stop, failed, well};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use futures_util::stream::{FuturesUnordered, StreamExt};
use palinode_core::action::{Bare, Drain, Emptydir, Terminating};
use palinode_core::chain::chain;
use palinode_core::cluster;
use palinode_core::id::ResourceKey;
use palinode_core::port::{BodyError, Ended, LookError};
use palinode_core::record::Why;
use palinode_core::resource::Pod;
use palinode_core::span::Span;
use serde_json::Value;
use std::collections::BTreeSet;
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

/// Why an eviction that is denied since then is asked for again, or why it is not.
fn denied(drain: &Drain, since: Instant, why: String) -> Result<String, String> {
    match drain.retry_denied {
        Some(limit) if since.elapsed() < span(limit) => Ok(why),
        Some(limit) => Err(format!("{why} (for {limit})")),
        None => Err(format!("{why}; where that passes, `retry-denied: 5m` has it asked again")),
    }
}

/// Why a pod that is being deleted is still there, as far as it says.
fn why_going(pod: &Value, forced: bool) -> String {
    let finalizers = pod["metadata"]["finalizers"].as_array().into_iter().flatten();
    let holds: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
    let held = format!("held by its finalizers: {}", holds.join(", "));
    match (forced, holds.is_empty()) {
        (false, true) => "it is Terminating".to_owned(),
        (false, false) => format!("it is Terminating, {held}"),
        (true, true) => "its object was deleted by force, and is still there".to_owned(),
        (true, false) => format!("its object was deleted by force, and is still there, {held}"),
    }
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
    /// that pods are gone, and which of those that are still there will be.
    async fn drain(&mut self, drain: &Drain, state: &mut Draining) -> Result<Option<Stop>, Stop> {
        let mut came = self.drain_round(drain, state).await;
        if let Err(Stop::Ended(Ended::Finished(finished))) = &mut came {
            if matches!(finished.why, Some(Why::Precondition | Why::Conflict)) && state.evicted > 0 {
                let message = finished.message.take().unwrap_or_default();
                finished.message = Some(format!("{message} ({} evicted before)", counted(state.evicted)));
            }
            let going = state.going();
            finished.losses = (!going.is_empty()).then(|| Box::new(Drain::losses_of(&going)));
        }
        came
    }

    async fn drain_round(&mut self, drain: &Drain, state: &mut Draining) -> Result<Option<Stop>, Stop> {
        let node = self.node_name()?;
        let uid = match &state.node {
            Some(uid) => uid.clone(),
            None => {
                let uid = self.begin(&node).await?;
                state.node = Some(uid.clone());
                if !self.reports.is_empty() {
                    return Ok(None);
                }
                uid
            }
        };
        let all = match self.look(&node, state).await {
            Ok(all) => all,
            Err(error) => return self.silence(error, state).await,
        };
        let sets = state.sets.clone().unwrap_or(None);
        let left: Vec<(&Value, Pod)> = all
            .iter()
            .filter(|pod| cluster::stays(pod, &sets).is_none())
            .map(|raw| (raw, cluster::pod(raw, &sets)))
            .collect();
        if left.iter().any(|(_, pod)| !state.pods.contains_key(&pod.uid)) {
            let now = match self.cluster.node(&node).await {
                Ok(now) => now,
                Err(error) => return self.silence(error, state).await,
            };
            self.is_the_same(&node, &uid, now.as_ref())?;
        }
        state.there = left.iter().map(|(raw, pod)| (pod.clone(), cluster::deleted_at(raw).is_some())).collect();
        self.allowed(drain, &left, state)?;
        self.came_back(&left, state)?;
        if left.is_empty() {
            return Ok(Some(well(match state.evicted {
                0 => "there was nothing to evict".to_owned(),
                count => format!("{} evicted", counted(count)),
            })));
        }
        let now = Instant::now();
        let version = match self.cluster.evictions().await {
            Ok(version) => version,
            Err(error) => return self.silence(error, state).await,
        };
        state.silent = None;
        let Some(version) = version else {
            let why = format!("the API server knows no evictions; {}", self.nothing());
            return Err(failed(Why::Precondition, why));
        };
        let mut ask = Vec::new();
        for (raw, pod) in left.iter() {
            let known = state.pods.entry(pod.uid.clone()).or_insert_with(|| Known::new(now));
            if cluster::deleted_at(raw).is_some() {
                known.going.get_or_insert(now);
                known.next = None;
                if known.force_again.is_none() || known.forced {
                    known.why = why_going(raw, known.forced);
                }
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

    /// What is said where nothing was evicted: an earlier attempt may have done so.
    fn nothing(&self) -> &'static str {
        if self.job.attempt > 1 { "this attempt evicted nothing" } else { "nothing was evicted" }
    }

    /// Before the first eviction: the node is there, cordoned, and ours. Gives its UID.
    async fn begin(&mut self, node: &str) -> Result<String, Stop> {
        let Some(found) = self.cluster.node(node).await? else {
            let why = format!("nodes \"{node}\" not found: there is nothing to drain; {}", self.nothing());
            return Err(failed(Why::Precondition, why));
        };
        if found["spec"]["unschedulable"] != true {
            let why =
                format!("node {node} is not cordoned: what is evicted could come back at once; {}", self.nothing());
            return Err(failed(Why::Precondition, why));
        }
        let found = self.claim(node, found).await?;
        Ok(cluster::uid(&found).to_owned())
    }

    /// Whether a pod that was not there before may be evicted: the Node is the one that the drain began with, cordoned, and
    /// ours. Else what is evicted comes back at once, or was placed on another machine.
    fn is_the_same(&self, name: &str, uid: &str, now: Option<&Value>) -> Result<(), Stop> {
        let stopped = |why: String| Err(failed(Why::Conflict, format!("{why}; no more is evicted there")));
        let Some(now) = now else {
            return stopped(format!("node {name} was deleted while it was drained"));
        };
        if cluster::uid(now) != uid {
            let new = cluster::uid(now);
            return stopped(format!(
                "node {name} registered again while it was drained, under UID {new}; the one that was drained had {uid}"
            ));
        }
        if now["spec"]["unschedulable"] != true {
            return stopped(format!("someone else uncordoned node {name} while it was drained, and pods come back"));
        }
        self.is_ours(name, now).map(drop)
    }

    /// The pods of the node.
    async fn look(&self, node: &str, state: &mut Draining) -> Result<Vec<Value>, LookError> {
        if state.sets.is_none() {
            state.sets = Some(self.cluster.daemon_sets().await?);
        }
        self.cluster.pods_on(node).await
    }

    /// A server that does not answer is asked again for a while, and then nobody knows.
    async fn silence(&self, error: LookError, state: &mut Draining) -> Result<Option<Stop>, Stop> {
        let LookError::Unreachable { .. } = &error else { return Err(error.into()) };
        let since = *state.silent.get_or_insert_with(Instant::now);
        if since.elapsed() >= SILENT {
            return Err(Stop::Ended(Ended::Unknown(chain(&error))));
        }
        tokio::time::sleep(AGAIN).await;
        Ok(None)
    }

    /// Whether what is there may be evicted at all. Nothing was, the first time that this is asked.
    fn allowed(&self, drain: &Drain, left: &[(&Value, Pod)], state: &Draining) -> Result<(), Stop> {
        let so_far = if state.evicted > 0 { "it was not there at first" } else { self.nothing() };
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
            state.pods.insert(pod.uid.clone(), Known { next: None, why, ..Known::new(Instant::now()) });
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
                Came::Gone(why) => (known.next, known.why) = (Some(now + AGAIN), why),
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
                Came::Denied(why) => match denied(drain, *known.denied.get_or_insert(now), why) {
                    Ok(why) => (known.next, known.why) = (Some(now + AGAIN), why),
                    Err(why) => {
                        never.get_or_insert(format!("pod {} cannot be evicted: {why}", title(&pod)));
                        (known.next, known.why) = (None, why);
                    }
                },
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
            let asked = known.forced || known.force_again.is_some_and(|again| Instant::now() < again);
            if since.elapsed() < after + Duration::from_secs(grace) || asked {
                continue;
            }
            if !force {
                stuck.insert(title(pod));
                continue;
            }
            let answer = self.cluster.force(pod).await;
            self.told("delete by force", pod, &answer)?;
            let passes = match &answer {
                Ok(answer) if answer.is_good() || matches!(answer.code, 404 | 409) => {
                    (known.forced, known.why) = (true, why_going(raw, true));
                    continue;
                }
                Ok(answer) => answer.code == 429 || answer.is_open(),
                Err(fault) => !matches!(fault, Fault::Nonsense(_)),
            };
            known.errors += 1;
            let why = answer.as_ref().map_or_else(|fault| chain(fault), Answer::words);
            // It names the UID that it means, so it may be asked for again: the next look shows whether it is there.
            if passes && known.errors < ERRORS {
                let wait = answer.as_ref().map_or(AGAIN, Answer::wait);
                known.force_again = Some(Instant::now() + wait);
                known.why = format!("its object could not be deleted by force: {why}");
                continue;
            }
            return Err(match answer {
                Ok(_) => failed(Why::ExitCode, format!("pod {} stays Terminating: {why}", title(pod))),
                Err(_) => Stop::Ended(Ended::Unknown(why)),
            });
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
        failed(Why::Timeout, message)
    }
}
