//! What a journal stores, by chance: entries with their events, and plans.

use super::values::LENGTHS;
use crate::action::*;
use crate::cluster::ClusterId;
use crate::gate::Gate;
use crate::id::*;
use crate::record::Place;
use crate::record::*;
use crate::resource::{Fields, Footprint, Image, Loss, Residue};
use crate::run::plan::{Lane, LaneKind, Plan, Step, When, Work};
use crate::test_util::{Arbitrary as _, Dice};
use std::sync::Arc;

impl Dice<'_> {
    fn accept(&mut self) -> Accept {
        let state = self.pick(&[Accepted::Absent, Accepted::Stopped, Accepted::NewNode, Accepted::Any]);
        Accept { key: self.key(), state }
    }

    fn undo(&mut self) -> Undo {
        Undo { action: Action::arbitrary(self), accepts: self.list(Self::accept) }
    }

    fn residue(&mut self) -> Residue {
        use Loss::*;
        let loss = self.pick(&[
            EmptyDir,
            Moved,
            BarePod,
            NewUid,
            EvictedAgain,
            Differs,
            UnknownEffect,
            NotUndone,
            NotSeenBefore,
            NotSynced,
            Socket,
            OtherNames,
            Holes,
            StaysStopped,
            LeftProcesses,
            EnabledOtherwise,
        ]);
        Residue { key: self.key(), loss }
    }

    fn image(&mut self) -> ImageRef {
        let image: Image = self.list(|dice| (dice.key(), dice.state()));
        if self.once_in(4) { ImageRef::sealed(image, self.body()) } else { ImageRef::Here(Arc::new(image)) }
    }

    fn fields(&mut self) -> Fields {
        use Fields::*;
        self.pick(&[All, Presence, Schedulable, Membership, Content, Permissions, Evidence])
    }

    fn micros(&mut self) -> Micros {
        Micros(self.signed())
    }

    fn target(&mut self) -> Target {
        Target { host: self.maybe(Self::host), node: self.maybe(Self::word) }
    }

    fn actor(&mut self) -> Actor {
        Actor {
            user: self.word(),
            sudo_user: self.maybe(Self::word),
            login_uid: self.maybe(Self::small),
            host: self.word(),
            boot: self.word(),
        }
    }

    fn owner(&mut self) -> Owner {
        Owner { host: self.word(), boot: self.word(), pid: self.small(), started: self.number() }
    }

    fn compensates(&mut self) -> Compensates {
        let scope = match self.below(3) {
            0 => Scope::Run,
            1 => Scope::Host(self.host()),
            _ => Scope::Step(self.step_path()),
        };
        Compensates { run: RunId(self.hash()), scope }
    }

    fn undoes(&mut self) -> Undoes {
        Undoes { run: RunId(self.hash()), step: self.step_path(), last: self.flag() }
    }

    fn class(&mut self) -> UndoClass {
        use UndoClass::*;
        self.pick(&[Read, Reversible, UnknownEffect, NoUndo, PointOfNoReturn])
    }

    fn recovery(&mut self) -> Recovery {
        self.pick(&[Recovery::Repeat, Recovery::Ask])
    }

    fn opened(&mut self) -> RunOpened {
        RunOpened {
            runbook: self.word(),
            plan: PlanDigest(self.hash()),
            plan_blob: BlobId(self.hash()),
            rules: self.small(),
            world: if self.flag() { World::Lab { folder: self.word() } } else { World::Real },
            actor: self.actor(),
            owner: self.owner(),
            reason: self.maybe(Self::body),
            change: self.maybe(Self::word),
            compensates: self.maybe(Self::compensates),
            force: self.flag(),
            keys: RunId(self.hash()),
            host_keys: self.maybe(Self::host_keys),
            cluster: self.maybe(|dice| {
                Box::new(ClusterId {
                    server: dice.word(),
                    ca: dice.maybe(Self::word),
                    context: dice.word(),
                    version: dice.word(),
                })
            }),
            found: self.maybe(Self::found_there),
        }
    }

    fn found_there(&mut self) -> Box<FoundThere> {
        Box::new(FoundThere {
            machines: self.maybe(Self::host_keys),
            taken: self.list(|dice| (dice.word(), dice.body())),
            host_changed: self.list(Self::host),
            forced: self.list(Self::key),
            shown: self.maybe(Self::shown_states),
        })
    }

    fn shown_states(&mut self) -> ShownStates {
        if self.flag() {
            return ShownStates::Blob(BlobId(self.hash()));
        }
        ShownStates::Here(self.list(|dice| (dice.key(), ShownState { state: dice.state(), fields: dice.fields() })))
    }

    fn host_keys(&mut self) -> HostKeys {
        if self.flag() {
            return HostKeys::Blob(BlobId(self.hash()));
        }
        HostKeys::Here(self.list(|dice| (dice.host(), dice.word())))
    }

    fn intent(&mut self) -> Intent {
        Intent {
            step: self.step_path(),
            attempt: self.small(),
            action: Action::arbitrary(self),
            target: self.target(),
            boot: self.maybe(Self::word),
            footprint: self.list(|dice| Footprint::new(dice.key(), dice.fields())),
            before: self.image(),
            inverse: self.list(Self::undo),
            class: self.class(),
            recovery: self.recovery(),
            losses: self.list(Self::residue),
            undoes: self.maybe(Self::undoes),
        }
    }

    fn outcome(&mut self) -> Outcome {
        use Why::*;
        let why = [ExitCode, Precondition, Timeout, Unmet, Conflict, LinkLost, Revoked, Partial, NotStarted];
        Outcome {
            step: self.step_path(),
            attempt: self.small(),
            ending: self.pick(&[Ending::Succeeded, Ending::Failed, Ending::Unknown]),
            why: self.maybe(|dice| dice.pick(&why)),
            code: self.maybe(|dice| dice.pick(&[0, 1, -1, i32::MIN, i32::MAX])),
            message: self.maybe(Self::body),
            output: self.maybe(Self::body),
            after: self.image(),
            captures: self.named(),
            losses: self.list(Self::residue),
        }
    }

    fn probed(&mut self) -> Probed {
        use Decision::*;
        let verdicts =
            [Verdict::Applied, Verdict::NotApplied, Verdict::StillRunning, Verdict::Partial, Verdict::CannotTell];
        let words = [
            JobWord::FinishedWell,
            JobWord::FinishedBadly,
            JobWord::Running,
            JobWord::Interrupted,
            JobWord::NotStarted,
            JobWord::Revoked,
            JobWord::Unknown,
        ];
        Probed {
            step: self.step_path(),
            attempt: self.small(),
            verdict: self.pick(&verdicts),
            rule: self.pick(&[Rule::Job, Rule::Probe, Rule::Repeat, Rule::Ask]),
            decision: self.pick(&[Succeeded, Failed, Wait, Again, FailedPartial, Ask]),
            job: self.pick(&words),
            observed: self.image(),
            evidence: self.maybe(Self::body),
            output: self.maybe(Self::body),
            captures: self.named(),
            code: self.maybe(|dice| dice.pick(&[1, 137, i32::MIN, i32::MAX])),
        }
    }

    fn closed(&mut self) -> RunClosed {
        RunClosed {
            end: self.pick(&[RunEnd::Done, RunEnd::Failed, RunEnd::RolledBack, RunEnd::PartlyRolledBack]),
            steps: self.list(|dice| (dice.word(), dice.number())),
            residues: self.list(Self::residue),
            differences: self.list(|dice| Difference { key: dice.key(), was: dice.state(), is: dice.state() }),
            passed: self.list(Self::key),
            lists: self.maybe(|dice| BlobId(dice.hash())),
            by: self.maybe(Self::actor),
            reason: self.maybe(Self::body),
        }
    }

    fn told(&mut self) -> ProgressKind {
        match self.below(7) {
            0 => ProgressKind::Began,
            1 => ProgressKind::Play,
            2 => ProgressKind::Task,
            3 => ProgressKind::Host { host: self.word(), ended: self.pick(&HostEnd::ALL) },
            4 => ProgressKind::Stats { hosts: self.number(), failed: self.number(), unreachable: self.number() },
            5 => ProgressKind::Request {
                verb: self.word(),
                key: self.key(),
                code: self.maybe(|dice| dice.pick(&[200, 201, 404, 429, 504])),
                audit: self.maybe(Self::word),
            },
            _ => ProgressKind::Note,
        }
    }

    pub(crate) fn event(&mut self) -> Event {
        let (step, reason) = (self.step_path(), self.maybe(Self::body));
        match self.below(14) {
            12 => Event::Progress(Box::new(Progress {
                step,
                attempt: self.small(),
                number: self.number(),
                what: self.told(),
                evidence: reason,
            })),
            0 => Event::RunOpened(Box::new(self.opened())),
            1 => Event::OwnerChanged {
                owner: self.owner(),
                gap: self.maybe(Self::micros),
                actor: self.actor(),
                force: self.flag(),
                host_keys: self.maybe(|dice| Box::new(dice.host_keys())),
                found: self.maybe(Self::found_there),
            },
            2 => Event::Intent(Arc::new(self.intent())),
            3 => Event::Outcome(Box::new(self.outcome())),
            4 => Event::Probed(Box::new(self.probed())),
            5 => Event::Resolved {
                step,
                answer: self.pick(&[Answer::Applied, Answer::NotApplied, Answer::Partial, Answer::Retry]),
                by: self.actor(),
                reason,
                overruled: self.flag(),
            },
            6 => Event::Skipped {
                step,
                why: self.pick(&[SkipWhy::When, SkipWhy::Operator, SkipWhy::AlreadyThere]),
                by: self.maybe(Self::actor),
                reason,
                undoes: self.maybe(Self::undoes),
            },
            7 => Event::GateSampled {
                step,
                pass: self.flag(),
                hopeless: self.flag(),
                facts: self.pairs(),
                evidence: reason,
                waited: self.maybe(Self::micros),
            },
            8 => Event::GateDecided { step, passed: self.flag() },
            9 => Event::TimerFired { step },
            10 => {
                let why = match self.below(5) {
                    0 => PauseWhy::Failed,
                    1 => PauseWhy::InDoubt,
                    2 => PauseWhy::Asked,
                    3 => PauseWhy::Drift(self.key()),
                    _ => PauseWhy::Blocked(step),
                };
                Event::Paused { why, by: self.maybe(Self::actor), reason }
            }
            11 => Event::DriftFound {
                step,
                key: self.key(),
                expected: self.state(),
                found: self.state(),
                forced: self.flag(),
                what: self.maybe(Self::body),
            },
            _ => Event::RunClosed(Box::new(self.closed())),
        }
    }

    fn sealed(&mut self) -> Sealed {
        let length = self.pick(&LENGTHS);
        let place = if self.flag() { Place::Blob(BlobId(self.hash())) } else { Place::Inline(vec![b'x'; length]) };
        Sealed { class: self.pick(&[Class::Output, Class::Content, Class::Words]), len: self.number(), place }
    }

    pub(crate) fn entry(&mut self) -> Entry {
        Entry {
            seq: Seq(self.number()),
            run: RunId(self.hash()),
            epoch: Epoch(self.number()),
            time: self.micros(),
            wall: self.maybe(Self::micros),
            prev: EntryId(self.hash()),
            event: self.event(),
            bodies: self.list(|dice| (dice.body(), dice.sealed())),
        }
    }

    fn step(&mut self) -> Step {
        let gate = match self.below(3) {
            0 => Gate::GlusterHealed {
                vantage_points: self.small(),
                hosts: self.list(Self::host),
                volumes: self.words(),
                except: self.words(),
                emptied_percent: self.small(),
                emptied_gib: self.small(),
                without: self.list(Self::host),
            },
            1 => Gate::PackageRestorable { names: self.words() },
            _ => Gate::NodeReady {},
        };
        let work = if self.flag() {
            Work::Gate { gate, samples: self.small(), every: self.span(), timeout: self.maybe(Self::span) }
        } else {
            Work::Act(Action::arbitrary(self))
        };
        Step {
            path: self.step_path(),
            label: self.label(),
            target: self.target(),
            work,
            when: self.maybe(|dice| When { left: dice.word(), equal: dice.flag(), right: dice.word() }),
            capture: self.maybe(Self::label),
            class: self.class(),
            recovery: self.recovery(),
            undo_after: self.list(Self::step_path),
            touches: self.list(Self::step_path),
            undoes: self.maybe(Self::undoes),
            accepts: self.list(Self::accept),
            undo_reason: self.maybe(Self::word),
        }
    }

    /// Of the right type; its lanes may be anything.
    pub(crate) fn plan(&mut self) -> Plan {
        Plan {
            runbook: self.word(),
            about: self.word(),
            rules: self.small(),
            parameters: self.named(),
            inventory: self.maybe(Self::word),
            serial: self.small(),
            max_fail: self.small(),
            lanes: self.list(|dice| Lane {
                kind: match dice.below(3) {
                    0 => LaneKind::First,
                    1 => LaneKind::Host(dice.host()),
                    _ => LaneKind::Last,
                },
                start: dice.small(),
                end: dice.small(),
            }),
            steps: self.list(Self::step),
            compensates: self.maybe(Self::compensates),
        }
    }
}
