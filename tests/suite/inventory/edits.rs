//! Every kind of edit on every inventory of the fixtures: read again, only what was meant is different, and taken back
//! the file is the same byte for byte.

use palinode_core::action::{Action, InventoryEdit, InventoryRestore};
use palinode_core::id::BodyId;
use palinode_core::inventory::model::Reading;
use palinode_core::inventory::{DefinitionChange, Edit, Place};
use palinode_core::port::{Bodies, BodyError, Control as _};
use palinode_core::record::{Class, Why};
use palinode_executors::{DiskFiles, DiskSources, InventoryFiles};
use palinode_tests::ansible::{Ansible, Release};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Bodies in a list.
#[derive(Default)]
pub(crate) struct Shelf(RefCell<Vec<Vec<u8>>>);

impl Bodies for Shelf {
    fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
        let mut bodies = self.0.borrow_mut();
        bodies.push(bytes.to_vec());
        Ok(BodyId([u8::try_from(bodies.len() - 1).expect("few bodies"); 32]))
    }

    fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
        self.0.borrow().get(usize::from(id.0[0])).cloned().ok_or(BodyError::Missing(id))
    }
}

/// An inventory of the fixtures, in a folder of its own.
struct Fixture {
    name: String,
    _folder: tempfile::TempDir,
    file: PathBuf,
}

impl Fixture {
    fn path(&self) -> &str {
        self.file.to_str().expect("plain names")
    }
}

/// A folder with all that is in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("it can be copied");
        }
    }
}

/// The inventories that are one file of text, and that can be read.
fn fixtures() -> Vec<Fixture> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventories");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&root).expect("fixtures").map(|entry| entry.expect("a fixture").path()).collect();
    folders.sort();
    let mut found = Vec::new();
    for from in folders.into_iter().filter(|path| path.is_dir()) {
        let name = from.file_name().expect("a name").to_string_lossy().into_owned();
        let folder = tempfile::tempdir().expect("a folder can be made");
        copy(&from, folder.path());
        let hosts = |name: &str| {
            name.starts_with("hosts") && [".yml", ".yaml"].iter().any(|ending| name.ends_with(ending))
                || name == "hosts"
        };
        let mut names: Vec<PathBuf> =
            std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        names.sort();
        let file = names
            .into_iter()
            .find(|path| path.is_file() && path.file_name().and_then(|name| name.to_str()).is_some_and(hosts));
        let Some(file) = file else { continue };
        if list(file.to_str().expect("plain names")).is_ok() && std::fs::read_to_string(&file).is_ok() {
            found.push(Fixture { name, _folder: folder, file });
        }
    }
    found
}

/// What we read.
pub(crate) fn list(path: &str) -> Result<Value, String> {
    let reading = Reading::of(&DiskSources::default(), &[path]).map_err(|error| error.to_string())?;
    serde_json::from_str(&reading.list()).map_err(|error| error.to_string())
}

fn text(word: &str) -> String {
    word.to_owned()
}

/// Edits of all kinds, of what the inventory has.
fn edits(list: &Value) -> Vec<Edit> {
    let empty = Map::new();
    let groups: Vec<&String> = list
        .as_object()
        .expect("a map")
        .keys()
        .filter(|name| !["_meta", "ungrouped"].contains(&name.as_str()))
        .collect();
    let vars = list["_meta"]["hostvars"].as_object().unwrap_or(&empty);
    let members = |group: &str| -> Vec<String> {
        let hosts = list[group]["hosts"].as_array().into_iter().flatten();
        hosts.filter_map(|host| host.as_str().map(str::to_owned)).collect()
    };
    let mut hosts: Vec<(String, String)> = Vec::new();
    for group in list.as_object().expect("a map").keys().filter(|name| *name != "_meta") {
        let members = members(group);
        let ends = [members.first(), members.get(members.len() / 2), members.last()];
        hosts.extend(ends.into_iter().flatten().map(|host| (group.clone(), host.clone())));
    }
    hosts.dedup();
    let mut all = Vec::new();
    for (group, host) in &hosts {
        let known = vars.get(host).and_then(Value::as_object).unwrap_or(&empty);
        let set =
            |name: &str, value: &str| Edit::SetHostVar { host: host.clone(), name: text(name), value: text(value) };
        all.extend([
            set("pn_new", "3.10"),
            set("pn_new", "False"),
            set("pn_new", "a 'b' #c"),
            set("pn_new", "['x', 1]"),
        ]);
        for name in known.keys().take(3) {
            all.push(set(name, "pn other"));
            all.push(Edit::UnsetHostVar { host: host.clone(), name: name.clone() });
        }
        for (name, value) in known.iter().filter_map(|(name, value)| Some((name, value.as_str()?))).take(2) {
            let suffix: String = value.chars().skip(value.chars().count() / 2).collect();
            all.push(Edit::StripHostVarSuffix { host: host.clone(), name: name.clone(), suffix });
        }
        for place in [Place::End, Place::First] {
            let (host, from, to) = (host.clone(), group.clone(), text("pn_new_group"));
            all.push(Edit::MoveHost { host, from, to, place });
        }
        if let Some(to) = groups.iter().find(|name| **name != group && **name != "all") {
            let (host, from, to) = (host.clone(), group.clone(), (*to).clone());
            all.push(Edit::MoveHost { host, from, to, place: Place::End });
        }
    }
    for group in groups {
        let name = || text("pn_new");
        all.push(Edit::SetGroupVar { group: group.clone(), name: name(), value: text("v3.11 # x") });
        all.push(Edit::EnsureChild { parent: group.clone(), child: text("pn_new_group") });
        let names: BTreeSet<&String> = members(group)
            .iter()
            .filter_map(|host| vars.get(host).and_then(Value::as_object))
            .flat_map(Map::keys)
            .take(4)
            .collect();
        for name in names {
            all.push(Edit::SetGroupVar { group: group.clone(), name: name.clone(), value: text("8080") });
            all.push(Edit::UnsetGroupVar { group: group.clone(), name: name.clone() });
            all.push(Edit::LiftHostVar { group: group.clone(), name: name.clone() });
        }
        let (openshift, storage) = (Some(text("3.11.161")), None);
        all.push(Edit::PinVersions { group: Some(group.clone()), openshift, storage });
        let crio = "node-config-compute-crio";
        for change in [
            DefinitionChange::Rename { to: text("pn-other") },
            DefinitionChange::AddLabels { labels: vec![text("a=b")] },
            DefinitionChange::RemoveLabels { labels: vec![text("runtime=cri-o")] },
            DefinitionChange::RemoveEdits { keys: vec![text("kubeletArguments.container-runtime")] },
            DefinitionChange::Replace { with: format!("{{'name': '{crio}', 'labels': []}}") },
        ] {
            all.push(Edit::NodeGroup { group: Some(group.clone()), definition: text(crio), change });
        }
    }
    all
}

/// Where two values differ: paths as far as the first differing part of a map, host variables to the name.
pub(crate) fn differing(before: &Value, after: &Value, path: &str, out: &mut BTreeSet<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) if path.matches('\0').count() < 4 => {
            for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                let (old, new) = (old.get(key).unwrap_or(&Value::Null), new.get(key).unwrap_or(&Value::Null));
                differing(old, new, &format!("{path}{key}\0"), out);
            }
        }
        (Value::Null, Value::Object(new)) if path.matches('\0').count() < 4 => {
            differing(&Value::Object(Map::new()), &Value::Object(new.clone()), path, out);
        }
        (Value::Object(old), Value::Null) if path.matches('\0').count() < 4 => {
            differing(&Value::Object(old.clone()), &Value::Object(Map::new()), path, out);
        }
        _ if before == after => {}
        _ => {
            out.insert(path.trim_end_matches('\0').replace('\0', "/"));
        }
    }
}

/// Whether a difference of the two lists is one that the edit is for.
fn meant(edit: &Edit, path: &str) -> bool {
    let var = path.strip_prefix("_meta/hostvars/").and_then(|rest| rest.rsplit_once('/'));
    let of_host = |host: &str, name: &str| var.is_some_and(|(of, var)| of == host && var == name);
    let of_any = |name: &str| var.is_some_and(|(_, var)| var == name);
    match edit {
        Edit::SetHostVar { host, name, .. }
        | Edit::UnsetHostVar { host, name }
        | Edit::StripHostVarSuffix { host, name, .. } => of_host(host, name),
        // In another group it has that group's variables.
        Edit::MoveHost { host, from, to, .. } => {
            var.is_some_and(|(of, _)| of == host)
                || [format!("{from}/hosts"), format!("{to}/hosts"), text("all/children")].contains(&path.to_owned())
                || path == "ungrouped/hosts"
        }
        Edit::SetGroupVar { name, .. } | Edit::UnsetGroupVar { name, .. } => of_any(name),
        Edit::LiftHostVar { .. } => false,
        Edit::PinVersions { .. } => of_any("openshift_pkg_version") || of_any("openshift_image_tag"),
        Edit::NodeGroup { .. } => of_any("openshift_node_groups"),
        Edit::EnsureChild { parent, .. } => path == format!("{parent}/children") || path == "all/children",
        Edit::SetVar { .. } | Edit::UnsetVar { .. } => false,
    }
}

fn unmeant(edit: &Edit, before: &Value, after: &Value) -> Vec<String> {
    let mut paths = BTreeSet::new();
    differing(before, after, "", &mut paths);
    paths.into_iter().filter(|path| !meant(edit, path)).collect()
}

/// An edit that was made, and what the file was after it.
struct Made<'a> {
    fixture: &'a str,
    edit: Edit,
    copy: PathBuf,
}

/// Carries an action out: why not, and in words.
pub(crate) fn run(action: &Action, shelf: &Shelf) -> (Option<Why>, String) {
    let done = InventoryFiles::new(DiskFiles).run(action, shelf).expect("bodies are there");
    (done.why, done.message.unwrap_or_default())
}

#[test]
fn only_what_was_meant_is_different_and_all_of_it_comes_back() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 20, "{}", fixtures.len());
    let mut made = Vec::new();
    let mut kinds = BTreeSet::new();
    let mut wrong = Vec::new();
    for fixture in &fixtures {
        let before = list(fixture.path()).expect("it can be read");
        let bytes = std::fs::read(&fixture.file).expect("it can be read");
        for edit in edits(&before) {
            let (file, shelf) = (fixture.path().to_owned(), Shelf::default());
            let control = InventoryFiles::new(DiskFiles);
            let was = control.observe(&file, &shelf).expect("it can be looked at");
            let action = InventoryEdit { file: file.clone(), edits: vec![edit.clone()], home_of: None };
            let (why, message) = run(&Action::InventoryEdit(action.clone()), &shelf);
            let now = std::fs::read(&fixture.file).expect("it can be read");
            if why.is_some() || now == bytes {
                assert_eq!(now, bytes, "{}: {edit:?}: what is refused is not written", fixture.name);
                continue;
            }
            let told = format!("{}: {edit:?}\n{}", fixture.name, String::from_utf8_lossy(&now));
            let after = list(&file).unwrap_or_else(|why| {
                wrong.push(format!("{told}\n{why}"));
                before.clone()
            });
            let beyond = unmeant(&edit, &before, &after);
            if !beyond.is_empty() {
                wrong.push(format!("{told}\n{message}\n{beyond:?}"));
            }
            let (again, _) = run(&Action::InventoryEdit(action), &shelf);
            assert_eq!((again, std::fs::read(&fixture.file).expect("read")), (None, now.clone()), "twice: {told}");
            let copy =
                fixture.file.with_file_name(format!("pn{}-{}", made.len(), file.rsplit('/').next().unwrap_or("")));
            std::fs::copy(&fixture.file, &copy).expect("it can be copied");
            kinds.insert((format!("{edit:?}").split(' ').next().unwrap_or_default().to_owned(), file.ends_with("yml")));
            made.push(Made { fixture: &fixture.name, edit, copy });
            let base = Some(Box::new(control.observe(&file, &shelf).expect("it can be looked at")));
            let (why, message) = run(&Action::InventoryRestore(InventoryRestore { file, to: was, base }), &shelf);
            assert_eq!(why, None, "{told}\n{message}");
            assert_eq!(std::fs::read(&fixture.file).expect("read"), bytes, "taken back: {told}");
        }
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n\n"));
    assert!(kinds.len() >= 15, "{kinds:?}");
    for (release, step) in [(Release::Current, 3), (Release::Old, 10)] {
        let test = "inventory::edits::only_what_was_meant_is_different_and_all_of_it_comes_back";
        if let Some(ansible) = Ansible::find(test, release) {
            asked(&ansible, &fixtures, &made, step);
        }
    }
}

/// The same, with what Ansible itself reads of every `step`th. A fixture that this release refuses says nothing.
fn asked(ansible: &Ansible, fixtures: &[Fixture], made: &[Made<'_>], step: usize) {
    let ask = |path: &Path| vec![text("-i"), path.to_str().expect("plain names").to_owned(), text("--list")];
    let made: Vec<&Made<'_>> = made.iter().step_by(step).collect();
    let files = fixtures.iter().map(|fixture| fixture.file.as_path());
    let questions: Vec<Vec<String>> = files.chain(made.iter().map(|made| made.copy.as_path())).map(ask).collect();
    let answers = ansible.inventories(&questions);
    let (before, after) = answers.split_at(fixtures.len());
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (made, after) in made.iter().zip(after) {
        let at = fixtures.iter().position(|fixture| fixture.name == made.fixture).expect("a fixture");
        let Ok(before) = &before[at] else { continue };
        compared += 1;
        let beyond = after.as_ref().map(|after| unmeant(&made.edit, &read(before), &read(after)));
        if beyond != Ok(Vec::new()) {
            let text = std::fs::read_to_string(&made.copy).unwrap_or_default();
            wrong.push(format!("{}: {:?}\n{text}\n{beyond:?}", made.fixture, made.edit));
        }
    }
    assert!(wrong.is_empty(), "{} differ, the first:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n\n"));
    assert!(compared >= 100, "{compared}");
}
