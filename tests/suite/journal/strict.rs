//! Strict replay: a journal altered in one decision, and made whole again byte by byte, is caught where it was altered.

use palinode_core::action::{Accepted, Action, Recovery, UndoClass, Verdict};
use palinode_core::id::{Epoch, HostName, Micros, ResourceKey, RunId, Seq, StepPath};
use palinode_core::record::{
    Actor, Answer, Decision, Difference, Ending, Entry, Event, Intent, JobWord, Outcome, PauseWhy, Probed, Rule,
    RunClosed, RunEnd, RunOpened, Scope, SkipWhy, Why, World, blob_id,
};
use palinode_core::resource::{Fields, Loss, Residue, State};
use palinode_core::run::history::History;
use palinode_core::run::plan::Plan;
use palinode_journal::JournalReader;
use palinode_replay::strict::{Divergence, StrictError, strict};
use palinode_tests::binary::Desk;
use palinode_tests::corpus::all;
use palinode_tests::forge::Forgery;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// One alteration of a journal of the corpus.
struct Row {
    /// The kind of run.
    kind: &'static str,
    /// What is altered, for messages.
    what: &'static str,
    /// The entry.
    find: fn(&Entry) -> bool,
    /// Alters it.
    alter: fn(&mut Forgery, usize),
    /// How many entries later it is caught.
    later: usize,
    /// Words of what was expected.
    expected: &'static str,
    /// Words of what was found.
    got: &'static str,
}

fn of(entry: &Entry, step: &str) -> bool {
    entry.event.step().is_some_and(|path| path.as_str() == step)
}

fn opened(story: &mut Forgery, at: usize, change: fn(&mut RunOpened)) {
    if let Event::RunOpened(opened) = &mut story.entries[at].event {
        change(opened);
    }
}

fn intent(story: &mut Forgery, at: usize, change: fn(&mut Intent)) {
    if let Event::Intent(intent) = &mut story.entries[at].event {
        change(Arc::make_mut(intent));
    }
}

fn outcome(story: &mut Forgery, at: usize, change: fn(&mut Outcome)) {
    if let Event::Outcome(outcome) = &mut story.entries[at].event {
        change(outcome);
    }
}

fn probed(story: &mut Forgery, at: usize, change: fn(&mut Probed)) {
    if let Event::Probed(probed) = &mut story.entries[at].event {
        change(probed);
    }
}

fn closed(story: &mut Forgery, at: usize, change: fn(&mut RunClosed)) {
    if let Event::RunClosed(closed) = &mut story.entries[at].event {
        change(closed);
    }
}

/// Gives a run another plan, whose digest and blob fit.
fn planned(story: &mut Forgery, at: usize, change: fn(&mut Plan)) {
    let Event::RunOpened(opened) = &story.entries[at].event else { return };
    let mut plan = Plan::decode(&story.public(opened.plan_blob)).expect("the plan can be read");
    change(&mut plan);
    let (bytes, digest) = plan.encode().expect("a plan has a form");
    if let Event::RunOpened(opened) = &mut story.entries[at].event {
        (opened.plan, opened.plan_blob) = (digest, blob_id(&bytes));
    }
    story.blobs.push(bytes);
}

fn is_back(entry: &Entry) -> bool {
    matches!(&entry.event, Event::RunOpened(opened) if opened.compensates.is_some())
}

fn key(text: &str) -> ResourceKey {
    ResourceKey::new(text).expect("a key")
}

fn table() -> Vec<Row> {
    let row = |kind, what, find, alter, (later, expected, got)| Row { kind, what, find, alter, later, expected, got };
    let is_intent = |entry: &Entry| matches!(entry.event, Event::Intent(_));
    let is_stop = |entry: &Entry| matches!(entry.event, Event::Intent(_)) && of(entry, "gluster1.demo/stop");
    let is_drain = |entry: &Entry| matches!(entry.event, Event::Intent(_)) && of(entry, "gluster1.demo/drain");
    let is_retry = |entry: &Entry| matches!(&entry.event, Event::Intent(intent) if intent.attempt == 2);
    let is_undo = |entry: &Entry| matches!(&entry.event, Event::Intent(intent) if intent.undoes.is_some());
    let is_outcome = |entry: &Entry| matches!(entry.event, Event::Outcome(_));
    let is_failed = |entry: &Entry| matches!(&entry.event, Event::Outcome(found) if found.ending == Ending::Failed);
    let is_lost = |entry: &Entry| matches!(&entry.event, Event::Outcome(found) if found.ending == Ending::Unknown);
    let is_probed = |entry: &Entry| matches!(entry.event, Event::Probed(_));
    let is_sampled = |entry: &Entry| matches!(entry.event, Event::GateSampled { .. });
    let is_decided = |entry: &Entry| matches!(entry.event, Event::GateDecided { .. });
    let is_paused = |entry: &Entry| matches!(entry.event, Event::Paused { .. });
    let is_drift = |entry: &Entry| matches!(entry.event, Event::DriftFound { .. });
    let is_skipped = |entry: &Entry| matches!(entry.event, Event::Skipped { .. });
    let is_closed = |entry: &Entry| matches!(entry.event, Event::RunClosed(_));
    let is_taken = |entry: &Entry| matches!(entry.event, Event::OwnerChanged { .. });
    vec![
        // How a run opens.
        row(
            "back-a-run",
            "the runbook's name",
            is_back,
            |s, at| opened(s, at, |o| o.runbook = "x".into()),
            (0, "runbook as in the plan", "x"),
        ),
        row(
            "back-a-run",
            "rules that this binary has too",
            is_back,
            |s, at| opened(s, at, |o| o.rules = 2),
            (0, "rules as in the plan: 1", "2"),
        ),
        row(
            "two-labs",
            "whose keys",
            is_back,
            |s, at| opened(s, at, |o| o.keys = RunId([3, 0, 0, 0, 0, 0, 0, 3])),
            (0, "the keys of run 01", "those of 03"),
        ),
        row(
            "back-a-run",
            "the scope beside the plan",
            is_back,
            |s, at| {
                opened(s, at, |o| {
                    if let Some(back) = &mut o.compensates {
                        back.scope = Scope::Host(HostName::new("gluster1.demo").expect("a host"));
                    }
                });
            },
            (0, "what is taken back as in the plan", "gluster1.demo"),
        ),
        row(
            "back-a-run",
            "the world",
            is_back,
            |s, at| opened(s, at, |o| o.world = World::Real),
            (0, "the world of that run", "real"),
        ),
        row(
            "back-a-run",
            "a step of the way back",
            is_back,
            |s, at| {
                planned(s, at, |plan| {
                    plan.steps.pop();
                    if let Some(lane) = plan.lanes.iter_mut().rev().find(|lane| lane.end > lane.start) {
                        lane.end -= 1;
                    }
                    let end = u32::try_from(plan.steps.len()).expect("few steps");
                    for lane in &mut plan.lanes {
                        lane.start = lane.start.min(end);
                        lane.end = lane.end.min(end);
                    }
                });
            },
            (0, "a plan that goes on with", "a plan that ends there"),
        ),
        row(
            "back-a-run",
            "what a step of the way back accepts",
            is_back,
            |s, at| {
                planned(s, at, |plan| {
                    let step =
                        plan.steps.iter_mut().find(|step| !step.accepts.is_empty()).expect("one accepts something");
                    step.accepts[0].state = Accepted::Any;
                    step.accepts.push(palinode_core::action::Accept {
                        key: step.accepts[0].key.clone(),
                        state: Accepted::Absent,
                    });
                });
            },
            (0, "as recorded", "accepts"),
        ),
        row(
            "back-a-run",
            "how many hosts side by side",
            is_back,
            |s, at| planned(s, at, |plan| plan.serial += 1),
            (0, "lanes and limits", "another"),
        ),
        // Who writes.
        row(
            "killed-and-applied",
            "the owner change is left out",
            is_taken,
            |s, at| drop(s.entries.remove(at)),
            (0, "", "probed"),
        ),
        row(
            "failed-and-retried",
            "another process in the same epoch",
            is_taken,
            |s, at| {
                let before = s.entries[at - 3].epoch;
                s.entries[at - 2].epoch = before;
                s.entries[at - 1].epoch = before;
                s.entries[at].epoch = before;
            },
            (0, "whose epoch", "process"),
        ),
        row(
            "done",
            "the epoch of an outcome",
            is_outcome,
            |s, at| {
                for entry in &mut s.entries[at..] {
                    entry.epoch = Epoch(9);
                }
            },
            (0, "of the process that drives the run", "epoch 9"),
        ),
        row(
            "done",
            "a time before the last",
            is_outcome,
            |s, at| s.entries[at].time = Micros(1),
            (0, "or later", "1 micro"),
        ),
        // What is intended.
        row(
            "back-a-step",
            "the action",
            is_stop,
            |s, at| {
                intent(s, at, |i| {
                    if let Action::Service(service) = &mut i.action {
                        service.enabled = None;
                    }
                });
            },
            (0, "\"enabled\":false", "\"enabled\":null"),
        ),
        row(
            "back-a-step",
            "the host",
            is_stop,
            |s, at| intent(s, at, |i| i.target.host = None),
            (0, "target: {\"host\":\"gluster1.demo\"", "\"host\":null"),
        ),
        row(
            "back-a-step",
            "a resource is left out",
            is_stop,
            |s, at| intent(s, at, |i| drop(i.footprint.pop())),
            (0, "resources: gluster1.demo/unit/docker", "resources: []"),
        ),
        row(
            "back-a-step",
            "the fields that count",
            is_stop,
            |s, at| intent(s, at, |i| i.footprint[0].fields = Fields::Presence),
            (0, "(all) among them", "presence"),
        ),
        row(
            "back-a-step",
            "no inverse",
            is_stop,
            |s, at| intent(s, at, |i| i.inverse.clear()),
            (0, "inverse: [{", "inverse: []"),
        ),
        row(
            "killed-and-applied",
            "no losses",
            is_drain,
            |s, at| intent(s, at, |i| i.losses.clear()),
            (0, "losses: [{", "losses: []"),
        ),
        row(
            "back-a-step",
            "the undo class",
            is_stop,
            |s, at| intent(s, at, |i| i.class = UndoClass::NoUndo),
            (0, "reversible", "no-undo"),
        ),
        row(
            "back-a-step",
            "the recovery rule",
            is_stop,
            |s, at| intent(s, at, |i| i.recovery = Recovery::Ask),
            (0, "repeat", "ask"),
        ),
        row(
            "back-a-step",
            "an attempt that is not due",
            is_stop,
            |s, at| intent(s, at, |i| i.attempt = 2),
            (0, "attempt 1", "attempt 2"),
        ),
        row(
            "back-a-step",
            "a step before its turn",
            is_stop,
            |s, at| {
                intent(s, at, |i| {
                    i.step = StepPath::new("gluster1.demo/conf").expect("a path");
                });
            },
            (0, "gluster1.demo/stop", "gluster1.demo/conf"),
        ),
        row(
            "back-a-step",
            "what it undoes",
            is_undo,
            |s, at| intent(s, at, |i| i.undoes = None),
            (0, "gluster1.demo/conf", "undoes: null"),
        ),
        row(
            "failed-and-retried",
            "the before-image of a retry",
            is_retry,
            |s, at| {
                let after = s.entries.iter().rev().find_map(|entry| match &entry.event {
                    Event::Outcome(found) if found.step.as_str() == "gluster2.demo/conf" => Some(found.after.clone()),
                    _ => None,
                });
                if let (Event::Intent(intent), Some(after)) = (&mut s.entries[at].event, after) {
                    Arc::make_mut(intent).before = after;
                }
            },
            (0, "before-image and inverse of the first attempt", ""),
        ),
        row(
            "back-a-step",
            "a resource that it does not own",
            is_stop,
            |s, at| {
                intent(s, at, |i| {
                    let mut image = match &i.before {
                        palinode_core::record::ImageRef::Here(image) => (**image).clone(),
                        _ => return,
                    };
                    image.insert(key("gluster1.demo/unit/crio"), State::Absent);
                    i.before = palinode_core::record::ImageRef::here(image);
                });
            },
            (0, "resources in the before-image", "unit/crio"),
        ),
        // How attempts end.
        row(
            "back-a-step",
            "failed for no reason",
            is_outcome,
            |s, at| outcome(s, at, |o| o.ending = Ending::Failed),
            (0, "succeeded", "failed"),
        ),
        row(
            "failed-and-retried",
            "a failure told as a success",
            is_failed,
            |s, at| {
                outcome(s, at, |o| {
                    (o.ending, o.why) = (Ending::Succeeded, None);
                });
            },
            (0, "failed (unmet)", "succeeded"),
        ),
        row(
            "back-a-step",
            "a promise told as broken",
            is_outcome,
            |s, at| {
                outcome(s, at, |o| {
                    (o.ending, o.why) = (Ending::Failed, Some(Why::Unmet));
                });
            },
            (0, "succeeded", "failed (unmet)"),
        ),
        row(
            "link-dropped",
            "why nobody knows",
            is_lost,
            |s, at| outcome(s, at, |o| o.why = Some(Why::Timeout)),
            (0, "link-lost", "timeout"),
        ),
        row(
            "back-a-step",
            "a capture of nothing",
            is_outcome,
            |s, at| {
                outcome(s, at, |o| {
                    o.captures.insert(palinode_core::id::Label::new("x").expect("a label"), "y".into());
                });
            },
            (0, "no capture", "x"),
        ),
        row(
            "side-by-side",
            "a captured value",
            |entry: &Entry| matches!(&entry.event, Event::Outcome(found) if !found.captures.is_empty()),
            |s, at| outcome(s, at, |o| o.captures.values_mut().for_each(|value| *value = "another".into())),
            (usize::MAX, "", "skipped"),
        ),
        // How doubts are decided.
        row(
            "killed-and-partial",
            "what follows from a look",
            is_probed,
            |s, at| probed(s, at, |p| p.decision = Decision::Succeeded),
            (0, "again by repeat", "succeeded by repeat"),
        ),
        row(
            "killed-and-partial",
            "by which rule",
            is_probed,
            |s, at| probed(s, at, |p| p.rule = Rule::Probe),
            (0, "again by repeat", "again by probe"),
        ),
        row(
            "killed-and-partial",
            "what a look says",
            is_probed,
            |s, at| probed(s, at, |p| p.verdict = Verdict::NotApplied),
            (0, "verdict partial", "verdict not-applied"),
        ),
        row(
            "killed-and-finished",
            "what the job said",
            is_probed,
            |s, at| probed(s, at, |p| p.job = JobWord::FinishedBadly),
            (0, "failed by job", "succeeded by job"),
        ),
        row(
            "killed-before-it-began",
            "never started, taken as done",
            is_probed,
            |s, at| {
                probed(s, at, |p| {
                    (p.verdict, p.rule, p.decision) = (Verdict::Applied, Rule::Job, Decision::Succeeded);
                });
            },
            (0, "not-applied: again by job", "applied: succeeded by job"),
        ),
        row(
            "asked-and-applied",
            "the operator was not asked",
            is_probed,
            |s, at| {
                probed(s, at, |p| {
                    (p.rule, p.decision) = (Rule::Repeat, Decision::Again);
                });
            },
            (0, "ask by ask", "again by repeat"),
        ),
        row(
            "partial-and-not-safe-to-repeat",
            "repeated all the same",
            is_probed,
            |s, at| {
                probed(s, at, |p| {
                    (p.rule, p.decision) = (Rule::Repeat, Decision::Again);
                });
            },
            (0, "failed-partial by probe", "again by repeat"),
        ),
        row(
            "asked-and-not-applied",
            "another answer",
            |entry: &Entry| matches!(entry.event, Event::Resolved { .. }),
            |s, at| {
                if let Event::Resolved { answer, .. } = &mut s.entries[at].event {
                    *answer = Answer::Applied;
                }
            },
            (2, "gluster1.demo/schedulable", "intent of gluster1.demo/unexclude"),
        ),
        // Gates.
        row(
            "done",
            "a sample that held",
            is_sampled,
            |s, at| {
                if let Event::GateSampled { pass, .. } = &mut s.entries[at].event {
                    *pass = false;
                }
            },
            (2, "a sample that decides the gate", "opens"),
        ),
        row(
            "done",
            "a sample without hope",
            is_sampled,
            |s, at| {
                if let Event::GateSampled { hopeless, .. } = &mut s.entries[at].event {
                    *hopeless = true;
                }
            },
            (1, "fails", "gate-sampled"),
        ),
        row(
            "done",
            "a gate that stays shut",
            is_decided,
            |s, at| {
                if let Event::GateDecided { passed, .. } = &mut s.entries[at].event {
                    *passed = false;
                }
            },
            (0, "opens, at once", "fails"),
        ),
        row(
            "done",
            "a gate opened without enough samples",
            is_sampled,
            |s, at| drop(s.entries.remove(at)),
            (1, "a sample that decides", "opens"),
        ),
        row(
            "timer-fired",
            "time that was not up",
            |entry: &Entry| matches!(entry.event, Event::TimerFired { .. }),
            |s, at| {
                let step = s.entries[at].event.step().cloned().expect("a step");
                s.entries[at].event = Event::GateDecided { step, passed: true };
            },
            (0, "timer-fired", "opens"),
        ),
        row(
            "done",
            "a sample too early",
            |entry: &Entry| matches!(entry.event, Event::GateSampled { .. }) && entry.seq == Seq(3),
            |s, at| s.entries[at].time = s.entries[at - 1].time,
            (0, "no sample before", "one at"),
        ),
        // What is passed over.
        row(
            "back-with-something-there-already",
            "why it was passed over",
            is_skipped,
            |s, at| {
                if let Event::Skipped { why, .. } = &mut s.entries[at].event {
                    *why = SkipWhy::When;
                }
            },
            (0, "`when` does not hold", "skipped"),
        ),
        row(
            "back-with-something-there-already",
            "what it would have undone",
            is_skipped,
            |s, at| {
                if let Event::Skipped { undoes, .. } = &mut s.entries[at].event {
                    *undoes = None;
                }
            },
            (0, "\"last\":true", "null"),
        ),
        row(
            "failed-and-skipped",
            "who passed it over",
            is_skipped,
            |s, at| {
                if let Event::Skipped { by, .. } = &mut s.entries[at].event {
                    *by = None;
                }
            },
            (0, "a person named", "skipped"),
        ),
        row(
            "failed-and-skipped",
            "passed over on the way there",
            is_skipped,
            |s, at| {
                if let Event::Skipped { why, .. } = &mut s.entries[at].event {
                    *why = SkipWhy::AlreadyThere;
                }
            },
            (0, "of the process that drives the run", "epoch 2"),
        ),
        row(
            "side-by-side",
            "a step whose `when` does not hold",
            is_skipped,
            |s, at| drop(s.entries.remove(at)),
            (0, "gluster2.demo/conf", "intent of gluster2.demo/reboot"),
        ),
        // Drift.
        row(
            "drift-on-the-way-there",
            "the last recorded state",
            is_drift,
            |s, at| {
                if let Event::DriftFound { expected, .. } = &mut s.entries[at].event {
                    *expected = State::Absent;
                }
            },
            (0, "last recorded as", "and not absent"),
        ),
        row(
            "drift-on-the-way-there",
            "drift that stops",
            is_drift,
            |s, at| {
                if let Event::DriftFound { forced, .. } = &mut s.entries[at].event {
                    *forced = false;
                }
            },
            (0, "the step goes on", "the step stops"),
        ),
        row(
            "drift-on-the-way-there",
            "drift that is not told",
            is_drift,
            |s, at| drop(s.entries.remove(at)),
            (0, "drift of gluster1.demo/unit/docker", "intent"),
        ),
        row(
            "drift-on-the-way-there",
            "what was found",
            is_drift,
            |s, at| {
                if let Event::DriftFound { found, .. } = &mut s.entries[at].event {
                    *found = State::Absent;
                }
            },
            (1, "drift of gluster1.demo/unit/docker", "intent"),
        ),
        row(
            "drift-refused-and-forced",
            "drift that does not stop",
            is_drift,
            |s, at| {
                if let Event::DriftFound { forced, .. } = &mut s.entries[at].event {
                    *forced = true;
                }
            },
            (0, "the step stops", "the step goes on"),
        ),
        // Why it pauses.
        row(
            "failed-and-retried",
            "why it pauses",
            is_paused,
            |s, at| pause(s, at, PauseWhy::InDoubt),
            (0, "failed or asked", "in-doubt"),
        ),
        row(
            "asked-and-applied",
            "why it pauses",
            is_paused,
            |s, at| pause(s, at, PauseWhy::Asked),
            (0, "in-doubt", "asked"),
        ),
        row(
            "drift-refused-and-forced",
            "for what drift",
            is_paused,
            |s, at| pause(s, at, PauseWhy::Drift(key("gluster3.demo/boot"))),
            (0, "cannot go on", "gluster3"),
        ),
        row(
            "blocked-and-skipped",
            "what is blocked",
            is_paused,
            |s, at| {
                pause(s, at, PauseWhy::Blocked(StepPath::new("gluster1.demo/cordon").expect("a path")));
            },
            (0, "cannot go on", "gluster1.demo/cordon"),
        ),
        row(
            "done",
            "a pause while something runs",
            is_outcome,
            |s, at| {
                s.entries[at].event = Event::Paused { why: PauseWhy::Asked, by: None, reason: None };
            },
            (0, "the outcome of", "paused"),
        ),
        row(
            "done",
            "a pause at the end",
            is_closed,
            |s, at| {
                s.entries[at].event = Event::Paused { why: PauseWhy::Asked, by: None, reason: None };
            },
            (0, "the end of the run", "asked"),
        ),
        // How it ends.
        row(
            "done",
            "an end that a person decided, where the rules have none",
            is_closed,
            |s, at| closed(s, at, |c| c.by = Some(Actor::default())),
            (0, "an end that no person decided", "names a person"),
        ),
        row(
            "done",
            "how it ended",
            is_closed,
            |s, at| closed(s, at, |c| c.end = RunEnd::Failed),
            (0, "done", "failed"),
        ),
        row(
            "done",
            "counts",
            is_closed,
            |s, at| {
                closed(s, at, |c| {
                    *c.steps.entry("succeeded".to_owned()).or_default() += 1;
                });
            },
            (0, "succeeded", "succeeded"),
        ),
        row("done", "what was lost", is_closed, |s, at| closed(s, at, |c| drop(c.residues.pop())), (0, "lost", "done")),
        row(
            "done",
            "what has no undo",
            is_closed,
            |s, at| closed(s, at, |c| drop(c.passed.pop())),
            (0, "passed", "done"),
        ),
        row(
            "done",
            "an end before the end",
            is_intent,
            |s, at| {
                let end = s.entries.last().expect("entries").event.clone();
                s.entries[at].event = end;
            },
            (0, "the steps that are ready", "done"),
        ),
        row(
            "back-a-step",
            "more restored than was",
            |entry: &Entry| is_end(entry, true),
            |s, at| {
                closed(s, at, |c| {
                    c.residues.push(Residue { key: key("gluster1.demo/file:/etc/yum.conf"), loss: Loss::Differs });
                });
            },
            (0, "partly-rolled-back", "rolled-back"),
        ),
        row(
            "back-a-run",
            "a loss that is not told",
            |entry: &Entry| is_end(entry, true),
            |s, at| {
                closed(s, at, |c| {
                    c.residues.remove(0);
                });
            },
            (0, "among what is lost", "partly"),
        ),
        row(
            "back-a-run",
            "a loss that was not announced",
            |entry: &Entry| is_end(entry, true),
            |s, at| {
                closed(s, at, |c| {
                    c.residues.push(Residue { key: key("pod/x/y@cluster"), loss: Loss::Moved });
                    c.residues.sort();
                });
            },
            (0, "nothing lost but what was announced", "partly"),
        ),
        row(
            "back-a-run",
            "a difference that was not compared",
            |entry: &Entry| is_end(entry, true),
            |s, at| {
                closed(s, at, |c| {
                    let key = key("gluster1.demo/unit/docker");
                    let (was, is) = (State::Absent, State::Absent);
                    c.residues.push(Residue { key: key.clone(), loss: Loss::Differs });
                    c.residues.sort();
                    c.differences.push(Difference { key, was, is });
                });
            },
            (0, "gluster1.demo/unit/docker", ""),
        ),
        row(
            "back-a-run",
            "what steps without undo changed",
            |entry: &Entry| is_end(entry, true),
            |s, at| {
                closed(s, at, |c| {
                    c.passed.clear();
                });
            },
            (0, "passed", ""),
        ),
        row(
            "back-an-interrupted-run",
            "how the other run ends",
            |entry: &Entry| is_end(entry, false),
            |s, at| {
                closed(s, at, |c| {
                    c.end = RunEnd::Done;
                });
            },
            (0, "with its rollback", "done"),
        ),
        row(
            "back-an-interrupted-run",
            "the other run's counts",
            |entry: &Entry| is_end(entry, false),
            |s, at| {
                closed(s, at, |c| {
                    c.steps.clear();
                });
            },
            (0, "with its rollback", ""),
        ),
    ]
}

fn pause(story: &mut Forgery, at: usize, with: PauseWhy) {
    if let Event::Paused { why, .. } = &mut story.entries[at].event {
        *why = with;
    }
}

/// The end of the rollback, or of the run that it took back.
fn is_end(entry: &Entry, back: bool) -> bool {
    matches!(entry.event, Event::RunClosed(_)) && (entry.run == palinode_tests::memory::BACK) == back
}

fn diverges(dir: &Path) -> Result<(), Divergence> {
    let reader = JournalReader::open(dir).expect("the journal can be read");
    match strict(&reader, None) {
        Ok(_) => Ok(()),
        Err(StrictError::Diverged(divergence)) => Err(*divergence),
        Err(StrictError::Load(error)) => unreachable!("{}: a forged journal is whole: {error}", dir.display()),
    }
}

/// A folder in memory, where there is such a place: forged journals are written sync by sync.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() }.expect("a folder can be made")
}

#[test]
fn an_altered_decision_is_caught_with_sequence_expected_and_got() {
    let corpus = all();
    let rows = table();
    let mut wrong = Vec::new();
    for Row { kind, what, find, alter, later, expected, got } in &rows {
        let fixture = corpus.iter().rev().find(|one| one.name.ends_with(&format!("rules-1/{kind}"))).expect("a kind");
        let mut story = Forgery::of(&fixture.dir);
        let Some(at) = story.entries.iter().position(find) else {
            wrong.push(format!("{kind}, {what}: there is no such entry"));
            continue;
        };
        alter(&mut story, at);
        let folder = scratch();
        let dir = folder.path().join("journal");
        story.write(&dir);
        if let Err(error) = palinode_journal::verify(&dir) {
            wrong.push(format!("{kind}, {what}: its bytes are not as they should be: {error}"));
            continue;
        }
        match diverges(&dir) {
            Ok(()) => wrong.push(format!("{kind}, {what}: not caught")),
            Err(found) => {
                let seq = Seq(u64::try_from(at + 1).expect("few entries"));
                let there = match later {
                    &usize::MAX => found.seq > seq,
                    later => found.seq.0 == seq.0 + u64::try_from(*later).expect("few entries"),
                };
                if !there || !found.expected.contains(expected) || !found.got.contains(got) {
                    wrong.push(format!("{kind}, {what}: altered {seq}, caught as {found}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} alterations:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn a_journal_written_again_as_it_was_replays() {
    for fixture in all() {
        let folder = scratch();
        let dir = folder.path().join("journal");
        Forgery::of(&fixture.dir).write(&dir);
        let found = diverges(&dir);
        assert!(found.is_ok(), "{}: {found:?}", fixture.name);
    }
}

/// A run of other rules stands in nobody's way: it is known, the other runs fold and replay.
#[test]
fn a_run_under_other_rules_is_left_to_the_release_that_has_them() {
    let corpus = all();
    let fixture = corpus.iter().find(|one| one.name.ends_with("two-labs")).expect("a kind");
    let mut story = Forgery::of(&fixture.dir);
    let of = |story: &Forgery| {
        story
            .entries
            .iter()
            .rposition(|entry| matches!(&entry.event, Event::RunOpened(opened) if opened.compensates.is_none()))
    };
    let at = of(&story).expect("a run");
    let run = story.entries[at].run;
    opened(&mut story, at, |opened| opened.rules = 77);
    let folder = scratch();
    let dir = folder.path().join("journal");
    story.write(&dir);
    let reader = JournalReader::open(&dir).expect("the journal can be read");
    let found = strict(&reader, None).expect("the other runs replay");
    assert_eq!((found.runs, found.foreign.get(&run)), (2, Some(&77)));
    let history = History::load(&reader).expect("the journal folds");
    assert_eq!((history.runs.len(), history.foreign[&run].closed, history.order.len()), (2, true, 3));
    let why = history.admits([(run, &story.entries[at + 1].event)]);
    assert!(why.is_err_and(|why| why.to_string().contains("rules 77")));
}

/// `status` reads from the latest run on. Where that follows other rules, it says so: the journal is not empty.
#[test]
fn status_names_a_latest_run_under_other_rules() {
    let corpus = all();
    let fixture = corpus.iter().find(|one| one.name.ends_with("two-labs")).expect("a kind");
    let mut story = Forgery::of(&fixture.dir);
    let at = story.entries.iter().rposition(|entry| matches!(entry.event, Event::RunOpened(_))).expect("a run");
    let run = story.entries[at].run.to_string();
    opened(&mut story, at, |opened| opened.rules = 77);
    let desk = Desk::new();
    story.write(&desk.path().join("other"));
    for named in [&["status"][..], &["status", "@"], &["status", "-o", "json"]] {
        let out = desk.run(&[&["--journal", "other"][..], named].concat()).exits(1);
        out.complains(&[&format!("run {run} follows rules 77"), "use the release that has them"]);
    }
}

#[test]
fn the_command_says_what_was_replayed_and_where_it_diverges() {
    let desk = Desk::new();
    desk.run(&["run", "crio-to-docker", "--lab", "--host", "gluster1.demo"]).exits(0);
    desk.run(&["rollback"]).exits(6);
    desk.run(&["replay", "--strict"]).exits(0).says(&["replays: 2 runs, ", "every decision follows from the rules"]);
    let value = desk.json(&["replay", "--strict", "@"]);
    assert_eq!((&value["strict"], &value["runs"]), (&true.into(), &1.into()));
    desk.run(&["replay"]).exits(2).complains(&["--strict"]);
    // Without any key it goes as far as it can.
    let keys = desk.path().join(".palinode/keys");
    std::fs::rename(&keys, desk.path().join("aside")).expect("keys can be moved");
    std::fs::create_dir(&keys).expect("a folder can be made");
    desk.run(&["replay", "--strict"]).exits(0).says(&["unchecked: ", "actions filled in from sealed content"]);

    let fixture = all().into_iter().find(|one| one.name.ends_with("killed-and-partial")).expect("a kind");
    let mut story = Forgery::of(&fixture.dir);
    // What took the step back is gone: the history folds as ever, and only the rules tell.
    let undoable = |entry: &Entry| matches!(&entry.event, Event::Intent(intent) if !intent.inverse.is_empty());
    let at = story.entries.iter().position(undoable).expect("a step that can be taken back");
    intent(&mut story, at, |intent| intent.inverse.clear());
    story.write(&desk.path().join("forged"));
    let seq = (at + 1).to_string();
    desk.run(&["--journal", "forged", "verify"]).exits(0);
    let out = desk.run(&["--journal", "forged", "replay", "--strict"]).exits(7);
    out.says(&[&format!("diverges: entry {seq} "), "expected", "got", "palinode show"]);
    let value = desk.json(&["--journal", "forged", "replay", "--strict"]);
    assert_eq!((value["sequence"].to_string(), &value["strict"]), (seq, &false.into()));
}
