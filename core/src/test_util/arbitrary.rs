//! For property tests: values of every stored type, made from a tape of numbers.

use crate::action::*;
use crate::cluster::ClusterId;
use crate::gate::Gate;
use crate::id::*;
use crate::inventory::{DefinitionChange, Edit, Place as Spot};
use crate::record::Place;
use crate::record::*;
use crate::resource::{Active, Fields, Footprint, Image, Loss, Nevra, Node, ObjectRef, Pod, Residue, State};
use crate::run::plan::{Lane, LaneKind, Plan, Step, When, Work};
use crate::span::Span;
use crate::test_util::random_history::Dice;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Numbers on both sides of every width that MessagePack has.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x100,
    0xffff,
    0x1_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX,
    31,
];

/// Lengths on both sides of the shorter forms of a text.
const LENGTHS: [usize; 7] = [0, 1, 5, 31, 32, 255, 256];

impl Dice<'_> {
    fn number(&mut self) -> u64 {
        self.pick(&EDGES)
    }

    fn small(&mut self) -> u32 {
        u32::try_from(self.number() & 0xffff_ffff).expect("it is cut to its width")
    }

    fn signed(&mut self) -> i64 {
        let number = self.number().cast_signed();
        if self.flag() { number.wrapping_neg() } else { number.wrapping_sub(32) }
    }

    fn flag(&mut self) -> bool {
        self.once_in(2)
    }

    fn word(&mut self) -> String {
        let letter = self.pick(&['a', 'é', '\u{1}', '\u{1f980}']);
        let length = self.pick(&LENGTHS);
        std::iter::repeat_n(letter, length / letter.len_utf8()).collect()
    }

    fn name(&mut self) -> &'static str {
        self.pick(&["a", "gluster1.demo", "b-2", "c_3"])
    }

    fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(some(self)) } else { None }
    }

    fn list<T, L: FromIterator<T>>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> L {
        // Now and then as long as the next form of an array or a map.
        let length = if self.once_in(20) { 17 } else { self.below(3) };
        (0..length).map(|_| one(self)).collect()
    }

    fn hash<const N: usize>(&mut self) -> [u8; N] {
        // Also what could be read as a text.
        let start = self.pick(&[0_u8, 1, b'a', 0xc3, 0xff]);
        std::array::from_fn(|at| if at + 1 < N { start } else { start.wrapping_add(u8::from(self.flag())) })
    }

    fn host(&mut self) -> HostName {
        HostName::new(self.name()).expect("a host name")
    }

    fn step_path(&mut self) -> StepPath {
        StepPath::new(format!("{}/{}", self.name(), self.pick(&["x", "undo/@7", &"y".repeat(300)]))).expect("a path")
    }

    fn label(&mut self) -> Label {
        Label::new(self.pick(&["a", "stop-runtime", "l_1"])).expect("a label")
    }

    fn key(&mut self) -> ResourceKey {
        let (host, name) = (self.host(), self.pick(&["crio", "docker", "zz"]));
        match self.below(9) {
            5 => ResourceKey::object(&ObjectRef {
                api: self.pick(&["v1", "apps/v1"]).to_owned(),
                kind: "X".to_owned(),
                namespace: self.maybe(|_| "n".to_owned()),
                name: name.to_owned(),
            }),
            6 => ResourceKey::repository(&host, name),
            7 => ResourceKey::release(&host),
            0 => ResourceKey::unit(&host, name),
            1 => ResourceKey::package(&host, name),
            2 => ResourceKey::file(&host, &format!("/etc/{}", self.word())),
            3 => ResourceKey::node(name),
            4 => ResourceKey::pods(name),
            _ => ResourceKey::config_map(name, name),
        }
    }

    fn words<L: FromIterator<String>>(&mut self) -> L {
        self.list(Self::word)
    }

    fn pairs(&mut self) -> BTreeMap<String, String> {
        self.list(|dice| (dice.word(), dice.word()))
    }

    fn text_or_secret(&mut self, shown: Option<Shown>) -> Word {
        match self.flag() {
            true => Word::Text(self.word()),
            false => Word::Secret(Secret { secret: self.word(), shown: shown.filter(|_| self.flag()) }),
        }
    }

    fn named(&mut self) -> BTreeMap<Label, String> {
        self.list(|dice| (dice.label(), dice.word()))
    }

    fn body(&mut self) -> BodyId {
        BodyId(self.hash())
    }

    fn span(&mut self) -> Span {
        Span::seconds(self.pick(&[0, 1, 59, 60, 3600, 86_401]))
    }

    fn micros(&mut self) -> Micros {
        Micros(self.signed())
    }

    fn nevra(&mut self) -> Nevra {
        let (name, epoch, version) = (self.word(), self.small(), self.word());
        Nevra { name, epoch, version, release: self.word(), arch: self.word() }
    }

    fn pod(&mut self) -> Pod {
        let owner = self.maybe(|dice| (dice.word(), dice.word()));
        Pod { namespace: self.word(), name: self.word(), uid: self.word(), owner, emptydir: self.flag() }
    }

    fn node(&mut self) -> Node {
        Node {
            uid: self.word(),
            unschedulable: self.flag(),
            labels: self.pairs(),
            annotations: self.pairs(),
            taints: self.words(),
            ready: self.flag(),
            runtime: self.word(),
            kubelet: self.word(),
        }
    }

    pub(crate) fn state(&mut self) -> State {
        match self.below(12) {
            0 => State::Absent,
            1 => State::Unit {
                active: self.pick(&[Active::Active, Active::Inactive, Active::Failed]),
                enabled: self.word(),
            },
            2 => State::Package { installed: self.list(Self::nevra) },
            3 => State::File {
                mode: self.small(),
                owner: self.word(),
                size: self.number(),
                body: self.body(),
                mtime: self.maybe(Self::signed),
                attributes: self.maybe(Self::body),
            },
            4 => State::Link { target: self.word() },
            5 => State::Tree { entries: self.number(), body: self.body() },
            6 => State::Boot { id: self.word() },
            7 => State::Node(Box::new(self.node())),
            9 => State::Repository { enabled: self.flag() },
            10 => State::Release { version: self.word() },
            8 => State::Pods { pods: self.list(Self::pod) },
            _ => State::Object { uid: self.word(), body: self.body(), marks: self.pairs() },
        }
    }

    fn image(&mut self) -> ImageRef {
        let image: Image = self.list(|dice| (dice.key(), dice.state()));
        if self.once_in(4) { ImageRef::sealed(image, self.body()) } else { ImageRef::Here(Arc::new(image)) }
    }

    fn fields(&mut self) -> Fields {
        use Fields::*;
        self.pick(&[All, Presence, Schedulable, Membership, Content, Evidence])
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
        ]);
        Residue { key: self.key(), loss }
    }

    fn accept(&mut self) -> Accept {
        let state = self.pick(&[Accepted::Absent, Accepted::Stopped, Accepted::NewNode, Accepted::Any]);
        Accept { key: self.key(), state }
    }

    fn undo(&mut self) -> Undo {
        Undo { action: self.action(), accepts: self.list(Self::accept) }
    }

    fn edit(&mut self) -> Edit {
        let place = match self.below(4) {
            0 => Spot::End,
            1 => Spot::First,
            2 => Spot::After(self.word()),
            _ => Spot::Before(self.word()),
        };
        let (host, name, value) = (self.word(), self.word(), self.word());
        match self.below(12) {
            6 => Edit::UnsetGroupVar { group: host, name },
            7 => Edit::LiftHostVar { group: host, name },
            8 => Edit::PinVersions {
                group: self.maybe(Self::word),
                openshift: self.maybe(Self::word),
                storage: self.maybe(Self::word),
            },
            9 => Edit::NodeGroup { group: self.maybe(Self::word), definition: host, change: self.definition_change() },
            10 => Edit::SetVar { name, value },
            11 => Edit::UnsetVar { name },
            0 => Edit::SetHostVar { host, name, value },
            1 => Edit::UnsetHostVar { host, name },
            2 => Edit::StripHostVarSuffix { host, name, suffix: value },
            3 => Edit::SetGroupVar { group: host, name, value },
            4 => Edit::EnsureChild { parent: host, child: name },
            _ => Edit::MoveHost { host, from: name, to: value, place },
        }
    }

    fn definition_change(&mut self) -> DefinitionChange {
        match self.below(6) {
            0 => DefinitionChange::Rename { to: self.word() },
            1 => DefinitionChange::AddLabels { labels: self.words() },
            2 => DefinitionChange::RemoveLabels { labels: self.words() },
            3 => DefinitionChange::RemoveEdits { keys: self.words() },
            4 => DefinitionChange::Replace { with: self.word() },
            _ => DefinitionChange::Drop,
        }
    }

    fn object(&mut self) -> ObjectRef {
        ObjectRef { api: self.word(), kind: self.word(), namespace: self.maybe(Self::word), name: self.word() }
    }

    fn package(&mut self) -> Package {
        let state = self.pick(&[PackageState::Present, PackageState::Absent]);
        Package { names: self.words(), state, exact: self.list(Self::nevra), named: self.pairs(), units: self.words() }
    }

    pub(crate) fn action(&mut self) -> Action {
        match self.below(33) {
            0 => Action::Record(Record {
                units: self.words(),
                packages: self.words(),
                files: self.words(),
                node: self.flag(),
            }),
            1 => Action::Cordon {},
            2 => Action::Uncordon {},
            3 => Action::Drain(Drain {
                emptydir: self.pick(&[Emptydir::Delete, Emptydir::Refuse]),
                bare: self.pick(&[Bare::Delete, Bare::Refuse]),
                timeout: self.span(),
                terminating: self.maybe(|dice| match dice.flag() {
                    true => Terminating::Ask { after: dice.span() },
                    false => Terminating::Force { after: dice.span() },
                }),
                grace: self.maybe(Self::span),
            }),
            4 => Action::DeleteNode {},
            5 => Action::RestoreNode(RestoreNode {
                unschedulable: self.flag(),
                labels: self.pairs(),
                annotations: self.pairs(),
                taints: self.words(),
                timeout: self.span(),
            }),
            6 => Action::PatchNode(PatchNode {
                unschedulable: self.maybe(Self::flag),
                labels: self.list(|dice| (dice.word(), dice.maybe(Self::word))),
                taints: self.list(|dice| (dice.word(), dice.flag())),
            }),
            7 => Action::Restore(Restore {
                step: self.label(),
                fields: self.list(|dice| dice.pick(&[RestoreField::Unschedulable, RestoreField::Labels])),
                except: self.words(),
            }),
            8 => Action::DeleteObject(DeleteObject {
                namespace: self.word(),
                name: self.word(),
                unless_used: self.flag(),
            }),
            9 => Action::ApplyObject(ApplyObject {
                namespace: self.word(),
                name: self.word(),
                body: self.body(),
                marks: self.pairs(),
            }),
            10 => Action::Service(Service {
                unit: self.word(),
                units: self.words(),
                state: self.maybe(|dice| dice.pick(&[ServiceState::Started, ServiceState::Stopped])),
                enabled: self.maybe(Self::flag),
            }),
            11 => Action::Package(self.package()),
            12 => Action::FileAbsent(FileAbsent { paths: self.words(), state: FileState::Absent }),
            13 => Action::FileCopy(FileCopy { from: self.word(), to: self.word(), resolver: self.flag() }),
            14 => Action::FileRead(FileRead { path: self.word(), key: self.word() }),
            15 => Action::FileRestore(FileRestore { path: self.word(), state: self.state() }),
            16 => Action::Reboot {},
            17 => Action::DnsCheck(DnsCheck { names: self.words() }),
            18 => Action::InventoryEdit(InventoryEdit {
                file: self.word(),
                edits: self.list(Self::edit),
                home_of: self.maybe(Self::label),
            }),
            19 => Action::InventoryRestore(InventoryRestore {
                file: self.word(),
                to: self.state(),
                base: self.maybe(|dice| Box::new(dice.state())),
            }),
            20 => Action::Playbook(Box::new(Playbook {
                path: self.word(),
                inventory: self.word(),
                expect: self.maybe(|dice| match dice.flag() {
                    true => Expect::NodeReady { runtime: dice.word() },
                    false => {
                        Expect::ConfigMapWithout { namespace: dice.word(), name: dice.word(), runtime: dice.word() }
                    }
                }),
                ran_on: self.maybe(Self::words),
                vars: self.list(|dice| (dice.word(), dice.text_or_secret(None))),
                vars_from: self.words(),
                limit: self.maybe(Self::word),
                tags: self.words(),
                skip_tags: self.words(),
                requires: self.list(|dice| Require { group: dice.word(), hosts: dice.words() }),
            })),
            23 => Action::Wait(Wait {
                port: self.maybe(|dice| dice.pick(&[0, 22, u16::MAX])),
                path: self.maybe(Self::word),
                unit: self.maybe(Self::word),
                span: self.maybe(Self::span),
                timeout: self.span(),
            }),
            24 => Action::Fetch(Fetch { path: self.word() }),
            25 => Action::GlusterHeal(GlusterHeal { volumes: self.words() }),
            26 => Action::KubeWait(KubeWait {
                object: self.object(),
                until: match self.below(5) {
                    0 => Until::Exists,
                    1 => Until::Gone,
                    2 => Until::RolledOut,
                    3 => Until::Condition(self.word()),
                    _ => Until::Field { at: self.word(), is: self.word() },
                },
                timeout: self.span(),
            }),
            27 => Action::KubeExec(KubeExec {
                pod: PodRef { namespace: self.word(), name: self.maybe(Self::word), labels: self.pairs() },
                container: self.maybe(Self::word),
                run: self.words(),
                reads: self.flag(),
                timeout: self.span(),
            }),
            28 => Action::ApproveCsr(ApproveCsr {
                uses: self.list(|dice| dice.pick(&[CertUse::Client, CertUse::Server])),
                newer_than: self.span(),
                timeout: self.span(),
            }),
            29 => Action::PatchObject(PatchObject { object: self.object(), merge: self.word(), create: self.flag() }),
            30 => Action::RemoveObject(RemoveObject { object: self.object() }),
            31 => Action::PutObject(PutObject { object: self.object(), body: self.body() }),
            22 => Action::Repository(Repository {
                enable: self.words(),
                disable: self.words(),
                release: self.maybe(Self::word),
            }),
            21 => Action::FileWrite(FileWrite {
                path: self.word(),
                content: self.word(),
                mode: self.maybe(Self::word),
                owner: self.maybe(Self::word),
            }),
            _ => Action::Command(Command {
                run: self.list(|dice| dice.text_or_secret(Some(Shown::Argument))),
                changes: self.words(),
                undo: self.maybe(|dice| dice.list(|dice| dice.text_or_secret(Some(Shown::Argument)))),
                stdin: self.maybe(|dice| Secret { secret: dice.word(), shown: None }),
                environment: self
                    .list(|dice| (dice.word(), Secret { secret: dice.word(), shown: Some(Shown::Environment) })),
            }),
        }
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
        })
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
            action: self.action(),
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
                without: self.list(Self::host),
            },
            1 => Gate::PackageRestorable { names: self.words() },
            _ => Gate::NodeReady {},
        };
        let work = if self.flag() {
            Work::Gate { gate, samples: self.small(), every: self.span(), timeout: self.maybe(Self::span) }
        } else {
            Work::Act(self.action())
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

#[path = "arbitrary_tests.rs"]
mod tests;
