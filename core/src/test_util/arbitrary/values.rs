//! What actions and entries are made of, by chance: numbers, texts, names, resources and their states, edits.

use crate::action::{Secret, Shown, Word};
use crate::id::*;
use crate::inventory::{DefinitionChange, Edit, Place};
use crate::resource::{Active, Apart, Nevra, Node, ObjectRef, Pod, State};
use crate::span::Span;
use crate::test_util::Dice;
use std::collections::BTreeMap;

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
pub(super) const LENGTHS: [usize; 7] = [0, 1, 5, 31, 32, 255, 256];

impl Dice<'_> {
    pub(crate) fn number(&mut self) -> u64 {
        self.pick(&EDGES)
    }

    pub(crate) fn small(&mut self) -> u32 {
        u32::try_from(self.number() & 0xffff_ffff).expect("it is cut to its width")
    }

    pub(crate) fn signed(&mut self) -> i64 {
        let number = self.number().cast_signed();
        if self.flag() { number.wrapping_neg() } else { number.wrapping_sub(32) }
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.once_in(2)
    }

    pub(crate) fn word(&mut self) -> String {
        let letter = self.pick(&['a', 'é', '\u{1}', '\u{1f980}']);
        let length = self.pick(&LENGTHS);
        std::iter::repeat_n(letter, length / letter.len_utf8()).collect()
    }

    pub(crate) fn name(&mut self) -> &'static str {
        self.pick(&["a", "gluster1.demo", "b-2", "c_3"])
    }

    pub(crate) fn maybe<T>(&mut self, some: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.flag() { Some(some(self)) } else { None }
    }

    pub(crate) fn list<T, L: FromIterator<T>>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> L {
        // Now and then as long as the next form of an array or a map.
        let length = if self.once_in(20) { 17 } else { self.below(3) };
        (0..length).map(|_| one(self)).collect()
    }

    pub(crate) fn hash<const N: usize>(&mut self) -> [u8; N] {
        // Also what could be read as a text.
        let start = self.pick(&[0_u8, 1, b'a', 0xc3, 0xff]);
        std::array::from_fn(|at| if at + 1 < N { start } else { start.wrapping_add(u8::from(self.flag())) })
    }

    pub(crate) fn host(&mut self) -> HostName {
        HostName::new(self.name()).expect("a host name")
    }

    pub(crate) fn step_path(&mut self) -> StepPath {
        StepPath::new(format!("{}/{}", self.name(), self.pick(&["x", "undo/@7", &"y".repeat(300)]))).expect("a path")
    }

    pub(crate) fn label(&mut self) -> Label {
        Label::new(self.pick(&["a", "stop-runtime", "l_1"])).expect("a label")
    }

    pub(crate) fn key(&mut self) -> ResourceKey {
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

    pub(crate) fn words<L: FromIterator<String>>(&mut self) -> L {
        self.list(Self::word)
    }

    pub(crate) fn pairs(&mut self) -> BTreeMap<String, String> {
        self.list(|dice| (dice.word(), dice.word()))
    }

    pub(crate) fn text_or_secret(&mut self, shown: Option<Shown>) -> Word {
        match self.flag() {
            true => Word::Text(self.word()),
            false => Word::Secret(Secret { secret: self.word(), shown: shown.filter(|_| self.flag()) }),
        }
    }

    pub(crate) fn named(&mut self) -> BTreeMap<Label, String> {
        self.list(|dice| (dice.label(), dice.word()))
    }

    pub(crate) fn body(&mut self) -> BodyId {
        BodyId(self.hash())
    }

    pub(crate) fn span(&mut self) -> Span {
        Span::seconds(self.pick(&[0, 1, 59, 60, 3600, 86_401]))
    }

    pub(crate) fn nevra(&mut self) -> Nevra {
        let (name, epoch, version) = (self.word(), self.small(), self.word());
        Nevra { name, epoch, version, release: self.word(), arch: self.word() }
    }

    pub(crate) fn pod(&mut self) -> Pod {
        let owner = self.maybe(|dice| (dice.word(), dice.word()));
        Pod { namespace: self.word(), name: self.word(), uid: self.word(), owner, emptydir: self.flag() }
    }

    pub(crate) fn node(&mut self) -> Node {
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
                active: self.pick(&[Active::Active, Active::Inactive, Active::Failed, Active::Leftovers]),
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
                inode: self.maybe(Self::number),
                holes: self.flag(),
                above: self.maybe(|dice| Box::new(dice.pairs())),
            },
            4 => State::Link {
                target: self.word(),
                owner: self.maybe(Self::word),
                above: self.maybe(|dice| Box::new(dice.pairs())),
            },
            5 => State::Tree {
                entries: self.number(),
                body: self.body(),
                list: self.maybe(Self::body),
                apart: Apart { sockets: self.words(), names: self.words(), holes: self.words() }.some(),
                above: self.maybe(|dice| Box::new(dice.pairs())),
            },
            6 => State::Boot { id: self.word() },
            7 => State::Node(Box::new(self.node())),
            9 => State::Repository { enabled: self.flag() },
            10 => State::Release { version: self.word() },
            8 => State::Pods { pods: self.list(Self::pod) },
            _ => State::Object { uid: self.word(), body: self.body(), marks: self.pairs() },
        }
    }

    pub(crate) fn edit(&mut self) -> Edit {
        let place = match self.below(4) {
            0 => Place::End,
            1 => Place::First,
            2 => Place::After(self.word()),
            _ => Place::Before(self.word()),
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

    pub(crate) fn definition_change(&mut self) -> DefinitionChange {
        match self.below(6) {
            0 => DefinitionChange::Rename { to: self.word() },
            1 => DefinitionChange::AddLabels { labels: self.words() },
            2 => DefinitionChange::RemoveLabels { labels: self.words() },
            3 => DefinitionChange::RemoveEdits { keys: self.words() },
            4 => DefinitionChange::Replace { with: self.word() },
            _ => DefinitionChange::Drop,
        }
    }

    pub(crate) fn object(&mut self) -> ObjectRef {
        ObjectRef { api: self.word(), kind: self.word(), namespace: self.maybe(Self::word), name: self.word() }
    }
}
