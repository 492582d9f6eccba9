//! Tests of edits and of taking them back, in memory and on disk.

use super::InventoryFiles;
use crate::files::{DiskFiles, FileContent, Files, MemFiles};
use palinode_core::action::{Action, InventoryEdit, InventoryRestore};
use palinode_core::id::{BodyId, Label};
use palinode_core::inventory::Edit;
use palinode_core::port::{Bodies, BodyError, Control};
use palinode_core::record::{Class, Why};
use palinode_core::resource::State;
use std::cell::RefCell;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

const FILE: &str = "/inv/hosts";
const BEFORE: &str = "# demo\n[gluster]\nnode1 group=crio\nnode2 group=crio # two\n\n[all:vars]\nver=1\n";
const AFTER: &str = "# demo\n[gluster]\nnode1 group=docker\nnode2 group=crio # two\n\n[all:vars]\nver=1\n";

/// Bodies in a list; equal ones have equal ids, as the port promises.
#[derive(Default)]
struct MemBodies(RefCell<Vec<Vec<u8>>>);

impl Bodies for MemBodies {
    fn put(&self, class: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        assert_eq!(class, Class::Content);
        let mut bodies = self.0.borrow_mut();
        let at = bodies.iter().position(|body| body == bytes).unwrap_or_else(|| {
            bodies.push(bytes.to_vec());
            bodies.len() - 1
        });
        Ok(BodyId([u8::try_from(at).expect("few bodies"); 32]))
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.0.borrow().get(usize::from(id.0[0])).cloned().ok_or(BodyError::Missing(id))
    }
}

impl MemBodies {
    fn state(&self, bytes: &[u8], mode: u32) -> State {
        let body = self.put(Class::Content, bytes).expect("kept");
        State::file(mode, "0:0", bytes.len() as u64, body)
    }
}

fn set(host: &str, value: &str) -> Edit {
    Edit::SetHostVar { host: host.to_owned(), name: "group".to_owned(), value: value.to_owned() }
}

fn edit(file: &str, edits: Vec<Edit>) -> Action {
    Action::InventoryEdit(InventoryEdit { file: file.to_owned(), edits, home_of: None })
}

fn restore(file: &str, to: State, base: Option<State>) -> Action {
    Action::InventoryRestore(InventoryRestore { file: file.to_owned(), to, base: base.map(Box::new) })
}

fn holding(bytes: &[u8]) -> MemFiles {
    let files = MemFiles::default();
    files.insert(FILE, FileContent { mode: 0o644, owner: "7:8".to_owned(), bytes: bytes.to_vec() });
    files
}

fn run<F: Files + Clone>(files: &F, action: &Action, bodies: &MemBodies) -> (Option<Why>, String) {
    let done = InventoryFiles::new(files.clone()).run(action, bodies).expect("bodies are there");
    assert_eq!((done.code, done.output, done.value), (None, None, None));
    (done.why, done.message.expect("a message"))
}

/// Files that can be read and not changed.
#[derive(Clone)]
struct Stuck(MemFiles);

impl Files for Stuck {
    fn read(&self, path: &str) -> io::Result<Option<FileContent>> {
        self.0.read(path)
    }

    fn replace(&self, _: &str, _: &[u8], _: u32) -> io::Result<()> {
        Err(io::Error::other("disk full"))
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        Err(io::Error::other("read-only"))
    }
}

#[test]
fn an_edit_says_what_it_changed() {
    let (files, bodies) = (holding(BEFORE.as_bytes()), MemBodies::default());
    let action = edit(FILE, vec![set("node1", "docker")]);
    let (why, message) = run(&files, &action, &bodies);
    assert_eq!(why, None);
    assert_eq!(message, "/inv/hosts: edited\nnode1: group changed from \"crio\" to \"docker\"");
    let found = files.read(FILE).expect("read").expect("there");
    let expected = FileContent { mode: 0o644, owner: "7:8".to_owned(), bytes: AFTER.as_bytes().to_vec() };
    assert_eq!(found, expected);
    let again = run(&Stuck(files), &action, &bodies);
    assert_eq!(again, (None, "/inv/hosts: already as wanted, not written".to_owned()));
}

#[test]
fn an_edit_that_cannot_be_is_refused_in_words() {
    let bodies = MemBodies::default();
    let homeless = Action::InventoryEdit(InventoryEdit {
        file: FILE.to_owned(),
        edits: Vec::new(),
        home_of: Some(Label::new("leave").expect("a label")),
    });
    let one = |host: &str| edit(FILE, vec![set("node1", "docker"), set(host, "x")]);
    let table: [(&[u8], Action, &str); 5] = [
        (BEFORE.as_bytes(), edit("/inv/none", Vec::new()), "/inv/none: there is no such file; name the inventory"),
        (b"[a]\nh\n# \xff\n", one("node2"), "line 3 is not UTF-8 text; save"),
        (BEFORE.as_bytes(), one("node9"), "no line of the inventory names host node9; add it to a group first"),
        (BEFORE.as_bytes(), homeless, "before step leave were not looked up"),
        (BEFORE.as_bytes(), Action::Reboot {}, "reboot does not act on inventory files"),
    ];
    for (bytes, action, words) in table {
        let files = holding(bytes);
        let before = files.snapshot();
        let (why, message) = run(&files, &action, &bodies);
        assert_eq!(why, Some(Why::Precondition), "{message}");
        assert!(message.contains(words), "{message}");
        assert_eq!(files.snapshot(), before);
    }
}

#[test]
fn errors_of_writing_name_file_and_reason() {
    let (files, bodies) = (Stuck(holding(BEFORE.as_bytes())), MemBodies::default());
    let now = bodies.state(BEFORE.as_bytes(), 0o644);
    let table = [
        (edit(FILE, vec![set("node1", "docker")]), "/inv/hosts: cannot be written: disk full"),
        (restore(FILE, bodies.state(AFTER.as_bytes(), 0o644), None), "/inv/hosts: cannot be written: disk full"),
        (restore(FILE, State::Absent, Some(now)), "/inv/hosts: cannot be removed: read-only"),
    ];
    for (action, words) in table {
        assert_eq!(run(&files, &action, &bodies), (Some(Why::ExitCode), words.to_owned()));
    }
}

/// What a restore is given, and what shall come of it.
struct Case<'a> {
    name: &'a str,
    to: Option<&'a [u8]>,
    base: Option<Option<&'a [u8]>>,
    now: Option<&'a [u8]>,
    why: Option<Why>,
    words: &'a str,
    after: Option<&'a [u8]>,
}

#[test]
fn a_restore_takes_back_its_edit_and_no_other() {
    let (before, after) = (BEFORE.as_bytes(), AFTER.as_bytes());
    let others = AFTER.replace("ver=1", "ver=2");
    let merged = BEFORE.replace("ver=1", "ver=2");
    let clash = AFTER.replace("group=docker", "group=podman");
    let (others, merged, clash) = (others.as_bytes(), merged.as_bytes(), clash.as_bytes());
    let conflict = Some(Why::Conflict);
    let case = |name, to, base, now, why, words, after| Case { name, to, base, now, why, words, after };
    let table = [
        case(
            "as left",
            Some(before),
            Some(Some(after)),
            Some(after),
            None,
            "put back as it was recorded",
            Some(before),
        ),
        case("no base", Some(before), None, Some(others), None, "changed from \"2\" to \"1\"", Some(before)),
        case("done", Some(before), Some(Some(after)), Some(before), None, "not written", Some(before)),
        case(
            "merge",
            Some(before),
            Some(Some(after)),
            Some(others),
            None,
            "others made since were kept\nnode1: group changed from \"docker\" to \"crio\"",
            Some(merged),
        ),
        case("merged", Some(before), Some(Some(after)), Some(merged), None, "already", Some(merged)),
        case(
            "clash",
            Some(before),
            Some(Some(after)),
            Some(clash),
            conflict,
            "line 3: the file has \"node1 group=podman\", but taking the edit back needs \"node1 group=crio\" there",
            Some(clash),
        ),
        case("binary", Some(b"\xff1"), Some(Some(after)), Some(after), None, "put back", Some(b"\xff1")),
        case("binary merge", Some(b"\xff1"), Some(Some(after)), Some(others), conflict, "UTF-8", Some(others)),
        case("deleted since", Some(before), Some(Some(after)), None, conflict, "removed it since", None),
        case("deleted by us", Some(before), Some(None), None, None, "created as it was recorded", Some(before)),
        case("deleted, no base", Some(before), None, None, None, "created", Some(before)),
        case("created since", Some(before), Some(None), Some(after), conflict, "created it since", Some(after)),
        case("remove", None, Some(Some(after)), Some(after), None, "removed, as it was not there before", None),
        case("remove edited", None, Some(Some(after)), Some(others), conflict, "not there before", Some(others)),
        case("remove, no base", None, None, Some(after), conflict, "not there before", Some(after)),
        case("removed", None, Some(Some(after)), None, None, "already absent", None),
    ];
    for Case { name, to, base, now, why, words, after } in table {
        let bodies = MemBodies::default();
        let files = now.map_or_else(MemFiles::default, holding);
        let state = |bytes: Option<&[u8]>| bytes.map_or(State::Absent, |bytes| bodies.state(bytes, 0o644));
        let action = restore(FILE, state(to), base.map(state));
        let (found, message) = run(&files, &action, &bodies);
        assert_eq!(found, why, "{name}: {message}");
        assert!(message.starts_with("/inv/hosts: ") && message.contains(words), "{name}: {message}");
        let left = files.read(FILE).expect("read").map(|content| content.bytes);
        assert_eq!(left.as_deref(), after, "{name}");
        if why.is_none() {
            let left = files.snapshot();
            run(&files, &action, &bodies);
            assert_eq!(files.snapshot(), left, "{name}: twice is once");
        }
    }
}

#[test]
fn a_mode_that_others_set_is_kept() {
    let table = [
        // to, base, now, then; none is a conflict
        (0o644, Some(0o644), 0o600, Some(0o600)),
        (0o644, Some(0o600), 0o600, Some(0o644)),
        (0o644, None, 0o600, Some(0o644)),
        (0o644, Some(0o640), 0o600, None),
    ];
    for (to, base, now, then) in table {
        let (files, bodies) = (MemFiles::default(), MemBodies::default());
        let bytes = AFTER.as_bytes().to_vec();
        files.insert(FILE, FileContent { mode: now, owner: "0:0".to_owned(), bytes });
        let base = base.map(|mode| bodies.state(AFTER.as_bytes(), mode));
        let action = restore(FILE, bodies.state(BEFORE.as_bytes(), to), base);
        let (why, message) = run(&files, &action, &bodies);
        assert_eq!(why, then.map_or(Some(Why::Conflict), |_| None), "{message}");
        let found = files.read(FILE).expect("read").expect("there");
        assert_eq!(found.mode, then.unwrap_or(now));
        assert_eq!(found.bytes == BEFORE.as_bytes(), then.is_some());
    }
}

#[test]
fn states_that_are_no_file_and_bodies_that_are_gone() {
    let (files, bodies) = (holding(AFTER.as_bytes()), MemBodies::default());
    let link = State::link("x");
    let (why, message) = run(&files, &restore(FILE, link, None), &bodies);
    assert_eq!(why, Some(Why::Precondition), "{message}");
    let lost = State::file(0o644, "0:0", 1, BodyId([9; 32]));
    let done = InventoryFiles::new(files.clone()).run(&restore(FILE, lost, None), &bodies);
    assert!(matches!(done, Err(BodyError::Missing(_))), "{done:?}");
    assert_eq!(files.read(FILE).expect("read").expect("there").bytes, AFTER.as_bytes());
}

#[test]
fn on_disk_an_edit_goes_and_comes_back() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (real, link) = (home.path().join("real"), home.path().join("hosts"));
    std::fs::write(&real, BEFORE).expect("written");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).expect("mode set");
    symlink("real", &link).expect("linked");
    let file = link.to_str().expect("a UTF-8 path");
    let (control, bodies) = (InventoryFiles::new(DiskFiles), MemBodies::default());
    let look = || control.observe(file, &bodies).expect("looked at");
    let inode = || std::fs::metadata(&real).expect("there").ino();
    let text = || std::fs::read_to_string(&real).expect("read");

    let before = look();
    let meta = std::fs::metadata(&real).expect("there");
    let owner = format!("{}:{}", meta.uid(), meta.gid());
    let body = bodies.put(Class::Content, BEFORE.as_bytes()).expect("kept");
    assert_eq!(before, State::file(0o640, owner, BEFORE.len() as u64, body));

    let first = inode();
    let action = edit(file, vec![set("node1", "docker")]);
    assert_eq!(run(&DiskFiles, &action, &bodies).0, None);
    assert_eq!(text(), AFTER);
    let (base, second) = (look(), inode());
    assert_ne!(first, second);
    assert_eq!(run(&DiskFiles, &action, &bodies).0, None);
    assert_eq!(inode(), second, "an unchanged file is not written");

    let back = restore(file, before.clone(), Some(base));
    let clash = AFTER.replace("group=docker", "group=podman");
    std::fs::write(&real, &clash).expect("written");
    assert_eq!(run(&DiskFiles, &back, &bodies).0, Some(Why::Conflict));
    assert_eq!((text(), inode()), (clash, second), "a conflict leaves the file alone");

    std::fs::write(&real, AFTER.replace("node2 group=crio # two", "node2 group=crio # two, by Ann")).expect("written");
    assert_eq!(run(&DiskFiles, &back, &bodies).0, None);
    assert_eq!(text(), BEFORE.replace("# two", "# two, by Ann"));

    std::fs::write(&real, AFTER).expect("written");
    assert_eq!(run(&DiskFiles, &back, &bodies).0, None);
    assert_eq!(look(), before);
    assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
    assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 2);
}

#[test]
fn what_cannot_be_looked_at_is_refused_in_words() {
    let home = tempfile::tempdir().expect("a temporary directory");
    let (control, bodies) = (InventoryFiles::new(DiskFiles), MemBodies::default());
    let missing = home.path().join("none");
    let missing = missing.to_str().expect("a UTF-8 path");
    assert_eq!(control.observe(missing, &bodies).expect("looked at"), State::Absent);
    let folder = home.path().to_str().expect("a UTF-8 path");
    let error = control.observe(folder, &bodies).expect_err("a directory");
    assert_eq!(error.to_string(), format!("cannot look at {folder}: it is a directory, not a regular file"));
    let (why, message) = run(&DiskFiles, &edit(folder, Vec::new()), &bodies);
    assert_eq!(why, Some(Why::Precondition));
    assert_eq!(message, format!("{folder}: cannot be read: it is a directory, not a regular file"));
}

/// Files that someone else writes between the look and the writing.
#[derive(Clone)]
struct Busy(MemFiles);

impl Files for Busy {
    fn read(&self, path: &str) -> io::Result<Option<FileContent>> {
        self.0.read(path)
    }

    fn replace(&self, path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.0.replace(path, bytes, mode)
    }

    fn swap(&self, path: &str, was: &[u8], bytes: &[u8], mode: u32) -> io::Result<bool> {
        self.0.replace(path, b"[theirs]\n", mode)?;
        self.0.swap(path, was, bytes, mode)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.remove(path)
    }
}

#[test]
fn what_came_between_look_and_writing_is_kept() {
    let bodies = MemBodies::default();
    let back = restore(FILE, bodies.state(BEFORE.as_bytes(), 0o644), Some(bodies.state(AFTER.as_bytes(), 0o644)));
    for (content, action) in [(BEFORE, edit(FILE, vec![set("node1", "docker")])), (AFTER, back)] {
        let files = Busy(holding(content.as_bytes()));
        let (why, message) = run(&files, &action, &bodies);
        assert_eq!(why, Some(Why::Conflict), "{message}");
        assert!(message.contains("someone wrote it just now"), "{message}");
        assert_eq!(files.read(FILE).expect("read").expect("there").bytes, b"[theirs]\n");
    }
}

#[test]
fn a_value_that_a_file_outvotes_is_not_written() {
    let bodies = MemBodies::default();
    let (group, name) = ("all".to_owned(), "ver".to_owned());
    let action = edit(FILE, vec![Edit::SetGroupVar { group, name, value: "2".to_owned() }]);
    for (path, text, refused) in [
        ("/inv/group_vars/all.yml", "# c\nver: 1\n", true),
        ("/inv/group_vars/gluster", "ver: 1\n", true),
        ("/inv/group_vars/all.yml", "ver: 2\n", false),
        ("/inv/group_vars/other.yml", "ver: 1\n", false),
    ] {
        let files = holding(BEFORE.as_bytes());
        files.insert(path, FileContent { mode: 0o644, owner: "0:0".to_owned(), bytes: text.as_bytes().to_vec() });
        let (why, message) = run(&files, &action, &bodies);
        assert_eq!(why.is_some(), refused, "{path}: {message}");
        assert!(!refused || message.contains(&format!("{path}:")), "{message}");
        assert_eq!(files.read(FILE).expect("read").expect("there").bytes == BEFORE.as_bytes(), refused);
    }
}

const YAML: &str = "\
# demo
all:
  children:
    nodes:
      hosts:
        g[1:3]: {crio: True}   # storage
      vars:
        a: 1
        b: 2
";

#[test]
fn edits_of_ranges_and_yaml_are_taken_back_beside_others() {
    let bodies = MemBodies::default();
    let set = |host: &str, value: &str| {
        let (host, name) = (host.to_owned(), "crio".to_owned());
        Edit::SetHostVar { host, name, value: value.to_owned() }
    };
    let ini = "[nodes]\ng[1:3] crio=True # storage\n[nodes:vars]\na=1\nb=2\n";
    for (before, theirs_old, theirs_new) in [(YAML, "b: 2", "b: 3"), (ini, "b=2", "b=3")] {
        let files = holding(before.as_bytes());
        let (why, message) = run(&files, &edit(FILE, vec![set("g2", "False")]), &bodies);
        assert_eq!(why, None, "{message}");
        assert_eq!(message, "/inv/hosts: edited\ng2: crio changed from \"True\" to \"False\"");
        let after = files.read(FILE).expect("read").expect("there").bytes;
        let text = String::from_utf8(after.clone()).expect("text");
        let back = restore(FILE, bodies.state(before.as_bytes(), 0o644), Some(bodies.state(&after, 0o644)));
        for (now, expected) in [
            (text.clone(), Some(before.to_owned())),
            (text.replace(theirs_old, theirs_new), Some(before.replace(theirs_old, theirs_new))),
            (format!("# new\n{text}"), Some(format!("# new\n{before}"))),
            (text.replacen("g1", "h1", 1), None),
            (text.replacen("False", "no", 1), None),
        ] {
            let files = holding(now.as_bytes());
            let (why, message) = run(&files, &back, &bodies);
            assert_eq!(why, expected.is_none().then_some(Why::Conflict), "{now}: {message}");
            let found = files.read(FILE).expect("read").expect("there").bytes;
            assert_eq!(String::from_utf8(found).expect("text"), expected.unwrap_or(now));
        }
    }
}
