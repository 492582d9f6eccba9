//! What is seen to before a run acts: whether its targets can be reached, are the same machines, and are free.

use super::against::Against;
use super::executor::Either;
use super::reach::{by_node, by_ssh, playbooks};
use super::taking::Taking;
use super::unkept::Unkept;
use super::world::World;
use crate::error::{Exit, Failure};
use crate::render::{escape, to_stderr};
use palinode_core::action::{Action, PackageState, Target};
use palinode_core::chain::chain;
use palinode_core::gate::Gate;
use palinode_core::id::ResourceKey;
use palinode_core::port::{Executor as _, LookError, Sample};
use palinode_core::resource::{Active, Fields, Kind, State};
use palinode_core::run::plan::{Plan, Step, Work};
use palinode_executors::{Real, Unready};

/// What to do about a claim of another journal.
const WAIT_OR_TAKE: &str =
    "wait until that run is closed; if you know that nobody works on it any more, add --take-over";

impl World {
    /// Sees to it that all real hosts of a plan can be acted on, before anything is: reached, allowed to, the same machines
    /// as before, not claimed, and not ahead of this journal. A run that is open already goes on with the hosts that
    /// answer. Gives what is to be taken from other journals, if `take` allows that; nothing is changed yet.
    pub(super) fn check(&self, plan: &Plan, take: bool, open: bool, against: Against<'_>) -> Result<Taking, Failure> {
        let Either::Real(real) = &self.executor else { return Ok(Taking::default()) };
        let mut taking = Taking { plan: take.then(|| plan.clone()), ..Taking::default() };
        for playbook in playbooks(plan) {
            let Some((inventory, who)) = self.runtime.block_on(real.unready_to_play(&[playbook])) else { continue };
            if take {
                taking.words.insert(inventory, who);
                continue;
            }
            return Err(Failure::new(
                Exit::Owned,
                format!("another journal runs playbooks with {inventory}: {}; nothing was touched", escape(who.trim())),
                WAIT_OR_TAKE,
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
                if !take {
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
        if take {
            for (host, why) in unready.extract_if(.., |(_, why)| matches!(why, Unready::Claimed(..))) {
                let Unready::Claimed(words, _) = why else { continue };
                taking.words.insert(host.to_string(), words);
                taking.hosts.push(host);
            }
        }
        for (host, why) in nodes {
            match why {
                Unready::Claimed(words, _) if take => {
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
            self.apart(real, plan, open)?;
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
                WAIT_OR_TAKE,
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

    /// Sees to it that no two hosts of a plan are one machine: every step would be done twice there, side by side. What is
    /// open already, or takes a run back, is only told of.
    fn apart(&self, real: &Real, plan: &Plan, open: bool) -> Result<(), Failure> {
        let Some((one, other, mark)) = real.same_machine(&by_ssh(plan)) else { return Ok(()) };
        let what = format!("{one} and {other} are one machine: both have {}, in one boot", escape(&mark));
        if open || plan.steps.iter().any(|step| step.undoes.is_some()) {
            to_stderr(&format!("notice: {what}: what is done on one of them is done on both\n"));
            return Ok(());
        }
        Err(Failure::usage(
            format!("{what}; every step would be done there twice; nothing was touched"),
            format!(
                "leave one of them out of the inventory's group, or mend where its name leads to: `ssh -G {other}` shows that"
            ),
        ))
    }

    /// Why what a plan removes could not be installed again, a line for each host and step. Packages that a gate of the
    /// plan asks about are left to it.
    pub(super) fn lost_packages(&self, plan: &Plan) -> Vec<String> {
        let mut lost = Vec::new();
        for step in &plan.steps {
            let (Work::Act(Action::Package(package)), Some(host)) = (&step.work, &step.target.host) else { continue };
            let asked = |name: &&String| {
                let asks = |other: &Step| {
                    let is_there = other.target.host.as_ref() == Some(host);
                    matches!(&other.work, Work::Gate { gate: Gate::PackageRestorable { names }, .. }
                        if is_there && names.contains(name))
                };
                plan.steps.iter().any(asks)
            };
            let names: Vec<String> = package.names.iter().filter(|name| !asked(name)).cloned().collect();
            let skipped = step.undoes.is_some() || names.is_empty() || names.iter().any(|name| name.contains("{{"));
            if skipped || package.state != PackageState::Absent {
                continue;
            }
            let told = match &self.executor {
                Either::Real(real) => self.runtime.block_on(real.lost_with(host, &names)),
                Either::Lab(lab) => {
                    let gate = Gate::PackageRestorable { names };
                    self.runtime.block_on(lab.sample(&step.target, &gate, &Unkept)).map(lacking)
                }
            };
            match told {
                Ok(None) => {}
                Ok(Some(why)) => lost.push(format!("{host}: {}", escape(&why))),
                Err(error) => lost.push(format!("{host}: the host could not be asked: {}", escape(&chain(&error)))),
            }
        }
        lost
    }

    /// The units, of these, that systemd stops along with those that a plan changes.
    pub(super) fn stopped_along(&self, plan: &Plan, of: fn(&str) -> bool) -> Result<Vec<String>, Failure> {
        let mut stopped = Vec::new();
        for (step, action) in plan.actions() {
            let Action::Service(service) = action else { continue };
            let cannot = |error: LookError| {
                Failure::new(
                    Exit::Failed,
                    format!("what it stops cannot be looked at: {}; nothing was touched", escape(&chain(&error))),
                    "see that `ssh HOST systemctl list-dependencies --reverse UNIT` works, then type the same again",
                )
            };
            let survey = self.runtime.block_on(self.executor.survey(&step.target, action, &Unkept)).map_err(cannot)?;
            let along = survey.more.into_iter().filter(|place| place.fields != Fields::Evidence).map(|place| place.key);
            let along: Vec<ResourceKey> =
                along.filter(|key| matches!(key.kind(), Some(Kind::Unit(_, unit)) if of(unit))).collect();
            // What starts along does not run, and what runs already and changes along with a start is stopped by it.
            let runs = self.runtime.block_on(self.executor.observe(&along, &Unkept)).map_err(cannot)?;
            let is_stopped = |key: &&ResourceKey| match runs.get(*key) {
                Some(State::Unit { active, .. }) => *active == Active::Active && service.state.is_some(),
                _ => false,
            };
            let names = along.iter().filter(is_stopped).filter_map(|key| match key.kind() {
                Some(Kind::Unit(_, unit)) => Some(unit.to_owned()),
                _ => None,
            });
            stopped.extend(names);
        }
        Ok(stopped)
    }

    /// Sees to it that these credentials may do what the plan needs. A run that is open already is only told of.
    fn permitted(&self, real: &Real, plan: &Plan, open: bool) -> Result<(), Failure> {
        // Whether a step with a condition runs at all is found out when its turn comes.
        let certain = plan.actions().filter(|(step, _)| step.when.is_none());
        let steps: Vec<(&Action, &Target)> = certain.map(|(step, action)| (action, &step.target)).collect();
        let lacking = match self.runtime.block_on(real.lacking(&steps)) {
            Ok(lacking) if lacking.is_empty() => return Ok(()),
            Ok(lacking) => escape(&lacking.join(", ")),
            Err(error) => {
                to_stderr(&format!(
                    "notice: the API does not say what these credentials may do in the cluster: {}\n",
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
}

/// What keeps packages from being installed again; none if nothing does.
fn lacking(sample: Sample) -> Option<String> {
    let told = sample.facts.into_iter().filter(|(name, _)| name != "installed");
    let told: Vec<String> = told.map(|(name, value)| format!("{name}: {value}")).collect();
    (!sample.pass).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_core::inventory::model::Reading;
    use palinode_core::runbook::{Given, Runbook};
    use palinode_executors::{InventoryFiles, MemFiles};
    use palinode_replay::lab::{self, DEFAULT_NODES, Lab, inventory_of};
    use std::sync::Arc;

    /// In a lab as on hosts.
    #[test]
    fn what_a_lab_could_not_install_again_is_told_before_it_is_removed() {
        let text = "runbook: gone\nhosts: { group: glusterfs }\neach_host:\n  - gone: { package: { names: [cri-tools], state: absent } }\n";
        let reading = Reading::of_text("hosts", inventory_of(DEFAULT_NODES).as_bytes()).expect("it is good");
        let given = Given { inventory: Some(("hosts".to_owned(), Arc::new(reading))), ..Given::default() };
        let plan = Runbook::parse(text).and_then(|runbook| runbook.expand(&given)).expect("a plan");
        let world = |change: fn(&mut lab::World)| {
            let mut there = lab::World::of(DEFAULT_NODES);
            change(&mut there);
            let around = lab::Surroundings {
                read_inventory: Box::new(|| Ok(Vec::new())),
                inventory_path: "hosts".to_owned(),
                control: Box::new(InventoryFiles::new(MemFiles::default())),
            };
            World::lab(Lab::in_memory(there, around)).expect("a lab")
        };
        assert_eq!(world(|_| {}).lost_packages(&plan), Vec::<String>::new());
        let lost = world(|there| there.drop_from_repository("cri-tools")).lost_packages(&plan);
        assert!(lost.iter().any(|line| line.contains("gluster1.demo") && line.contains("cri-tools")), "{lost:?}");
    }
}
