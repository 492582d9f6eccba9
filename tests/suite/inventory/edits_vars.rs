//! The edits of files in `group_vars` and `host_vars`, on every such file of the fixtures, and definitions of node groups that
//! are dropped: Ansible reads what was meant, for the hosts that it is for, and nothing else.

use crate::inventory::edits::{Shelf, copy, differing, list, run};
use palinode_core::action::{Action, InventoryEdit, InventoryRestore};
use palinode_core::inventory::{DefinitionChange, Edit};
use palinode_core::port::Control as _;
use palinode_core::record::Why;
use palinode_executors::{DiskFiles, InventoryFiles};
use palinode_tests::ansible::{Ansible, Release};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A file of variables in the fixtures.
struct Vars {
    fixture: PathBuf,
    /// The inventory and the file, from the folder of the fixture.
    inventory: PathBuf,
    file: PathBuf,
    /// The hosts whose variables it may set; none if these are all.
    hosts: Option<BTreeSet<String>>,
    /// What is read before anything is edited.
    before: Value,
}

fn text(word: &str) -> String {
    word.to_owned()
}

fn plain(path: &Path) -> &str {
    path.to_str().expect("plain names")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths
}

fn files(below: &Path) -> Vec<PathBuf> {
    let inside = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries(below).into_iter().flat_map(inside).collect()
}

/// The hosts of a group and of all groups below it.
fn members(list: &Value, group: &str) -> BTreeSet<String> {
    let texts = |what: &str| list[group][what].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut hosts: BTreeSet<String> = texts("hosts").map(str::to_owned).collect();
    hosts.extend(texts("children").flat_map(|child| members(list, child)));
    hosts
}

fn fixtures() -> Vec<Vars> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/inventories");
    let mut found = Vec::new();
    for fixture in entries(&root).into_iter().filter(|path| path.is_dir()) {
        let name = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
        let inside = entries(&fixture);
        let inventory = inside.iter().find(|path| name(path) == "inventory");
        let inventory = inventory.or_else(|| inside.iter().find(|path| name(path).starts_with("hosts")));
        let inventory = inventory.expect("a folder of the fixtures has an inventory");
        let Ok(before) = list(plain(inventory)) else { continue };
        for file in files(&fixture) {
            let words: Vec<&str> = plain(&file).split('/').collect();
            let Some(at) = words.iter().position(|word| ["group_vars", "host_vars"].contains(word)) else { continue };
            let owner = words[at + 1];
            let endings = [".yml", ".yaml", ".json"];
            let owner = endings.iter().find_map(|ending| owner.strip_suffix(ending)).unwrap_or(owner);
            let hosts = match (words[at], owner) {
                ("group_vars", "all") => None,
                ("group_vars", group) => Some(members(&before, group)),
                (_, host) => Some(BTreeSet::from([text(host)])),
            };
            let below = |path: &Path| path.strip_prefix(&fixture).expect("it is in the fixture").to_owned();
            let (inventory, file, before) = (below(inventory), below(&file), before.clone());
            found.push(Vars { fixture: fixture.clone(), inventory, file, hosts, before });
        }
    }
    found
}

fn edits(vars: &Vars) -> Vec<Edit> {
    let empty = Map::new();
    let known = vars.before["_meta"]["hostvars"].as_object().unwrap_or(&empty);
    let is_for = |host: &str| vars.hosts.as_ref().is_none_or(|hosts| hosts.contains(host));
    // Those that the file may have itself, and two that it has not.
    let held = std::fs::read_to_string(vars.fixture.join(&vars.file)).unwrap_or_default();
    let names: BTreeSet<&String> = known
        .iter()
        .filter(|(host, _)| is_for(host))
        .filter_map(|(_, vars)| vars.as_object())
        .flat_map(Map::keys)
        .collect();
    let set = |name: &str, value: &str| Edit::SetVar { name: text(name), value: text(value) };
    let mut all: Vec<Edit> = ["3.10", "False", "a 'b' #c", "@y: z"].map(|value| set("pn_new", value)).into();
    let (there, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| held.contains(name.as_str()));
    for name in there.into_iter().chain(others.into_iter().take(2)) {
        all.push(set(name, "pn other"));
        all.push(Edit::UnsetVar { name: name.clone() });
    }
    let (openshift, storage) = (Some(text("3.11.161")), Some(text("v3.11.4")));
    all.push(Edit::PinVersions { group: None, openshift: openshift.clone(), storage: None });
    all.push(Edit::PinVersions { group: None, openshift, storage });
    for change in [
        DefinitionChange::Rename { to: text("pn-other") },
        DefinitionChange::AddLabels { labels: vec![text("c=d")] },
        DefinitionChange::RemoveLabels { labels: vec![text("a=b")] },
        DefinitionChange::Replace { with: text("{'name': 'node-config-master', 'labels': []}") },
        DefinitionChange::Drop,
    ] {
        all.push(Edit::NodeGroup { group: None, definition: text("node-config-master"), change });
    }
    all
}

/// The variables that an edit is for.
fn names(edit: &Edit) -> Vec<&str> {
    match edit {
        Edit::SetVar { name, .. } | Edit::UnsetVar { name } => vec![name],
        Edit::PinVersions { .. } => vec!["openshift_pkg_version", "openshift_image_tag"],
        Edit::NodeGroup { .. } => vec!["openshift_node_groups"],
        other => unreachable!("{other:?} is for no file of variables"),
    }
}

/// What differs and is not what the edit is for.
fn unmeant(vars: &Vars, edit: &Edit, before: &Value, after: &Value) -> Vec<String> {
    let mut paths = BTreeSet::new();
    differing(before, after, "", &mut paths);
    let meant = |path: &String| {
        path.strip_prefix("_meta/hostvars/").and_then(|rest| rest.rsplit_once('/')).is_some_and(|(host, name)| {
            names(edit).contains(&name) && vars.hosts.as_ref().is_none_or(|hosts| hosts.contains(host))
        })
    };
    paths.into_iter().filter(|path| !meant(path)).collect()
}

/// Whether a new variable is there, with the value that was meant: not if the file is none that is read. None if the edit
/// sets no new one.
fn arrived(edit: &Edit, after: &Value) -> Option<Result<bool, String>> {
    let Edit::SetVar { name, value } = edit else { return None };
    if name != "pn_new" {
        return None;
    }
    let all = after["_meta"]["hostvars"].as_object()?;
    let having: Vec<(&String, &Value)> =
        all.iter().filter_map(|(host, vars)| Some((host, vars.get("pn_new")?))).collect();
    let shown = |found: &Value| match found {
        Value::String(text) => text.clone(),
        Value::Bool(true) => text("True"),
        Value::Bool(false) => text("False"),
        other => other.to_string(),
    };
    if let Some((host, found)) = having.iter().find(|(_, found)| shown(found) != *value) {
        return Some(Err(format!("{host} has {found}, and not {value}")));
    }
    Some(Ok(!having.is_empty()))
}

/// An edit that was made, and the inventory with it.
struct Made<'a> {
    vars: &'a Vars,
    edit: Edit,
    folder: TempDir,
}

impl Made<'_> {
    fn told(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join(&self.vars.file)).unwrap_or_default();
        format!("{}/{}: {:?}\n{text}", self.vars.fixture.display(), self.vars.file.display(), self.edit)
    }

    fn inventory(&self) -> PathBuf {
        self.folder.path().join(&self.vars.inventory)
    }
}

/// Makes an edit in a copy of the fixture, twice, and sees that it can be taken back; none if it is refused, or changes
/// nothing.
fn made<'a>(vars: &'a Vars, edit: Edit) -> Option<Made<'a>> {
    // Where it can be, in memory: every edit is synced.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a folder can be made");
    copy(&vars.fixture, folder.path());
    let file = folder.path().join(&vars.file);
    let bytes = std::fs::read(&file).expect("it can be read");
    let (name, shelf, control) = (plain(&file).to_owned(), Shelf::default(), InventoryFiles::new(DiskFiles));
    let was = control.observe(&name, &shelf).expect("it can be looked at");
    let action = Action::InventoryEdit(InventoryEdit { file: name.clone(), edits: vec![edit.clone()], home_of: None });
    let (why, _) = run(&action, &shelf);
    let now = std::fs::read(&file).expect("it can be read");
    if why.is_some() || now == bytes {
        assert_eq!(now, bytes, "{}: {edit:?}: what is refused is not written", file.display());
        return None;
    }
    let made = Made { vars, edit, folder };
    let (again, _) = run(&action, &shelf);
    assert_eq!((again, std::fs::read(&file).expect("read")), (None, now.clone()), "twice: {}", made.told());
    let base = Some(Box::new(control.observe(&name, &shelf).expect("it can be looked at")));
    let back = Action::InventoryRestore(InventoryRestore { file: name, to: was, base });
    let (why, message) = run(&back, &shelf);
    assert_eq!((why, std::fs::read(&file).expect("read")), (None, bytes), "taken back: {message}");
    std::fs::write(&file, now).expect("it can be written");
    Some(made)
}

#[test]
fn files_of_variables_say_what_was_meant_to_the_hosts_that_it_is_for() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 15, "{}", fixtures.len());
    let all: Vec<Made<'_>> =
        fixtures.iter().flat_map(|vars| edits(vars).into_iter().filter_map(|edit| made(vars, edit))).collect();
    let kind = |made: &Made<'_>| match &made.edit {
        Edit::NodeGroup { change, .. } => format!("{change:?}").split(' ').next().unwrap_or_default().to_owned(),
        edit => format!("{edit:?}").split(' ').next().unwrap_or_default().to_owned(),
    };
    let kinds: BTreeSet<String> = all.iter().map(kind).collect();
    let wanted = ["AddLabels", "Drop", "PinVersions", "RemoveLabels", "Rename", "Replace", "SetVar", "UnsetVar"];
    assert_eq!(kinds, wanted.map(str::to_owned).into(), "all of them were made");
    let judged = |made: &Made<'_>, before: &Value, after: &Value| {
        let beyond = unmeant(made.vars, &made.edit, before, after);
        let arrived = arrived(&made.edit, after);
        let wrong = !beyond.is_empty() || matches!(arrived, Some(Err(_)));
        assert!(!wrong, "{}\n{beyond:?}\n{arrived:?}", made.told());
        arrived == Some(Ok(true))
    };
    let ours = all.iter().filter(|made| {
        let after = list(plain(&made.inventory())).unwrap_or_else(|why| unreachable!("{}\n{why}", made.told()));
        judged(made, &made.vars.before, &after)
    });
    assert!(ours.count() >= 30, "new variables are seen");
    for release in [Release::Current, Release::Old] {
        let test = "inventory::edits_vars::files_of_variables_say_what_was_meant_to_the_hosts_that_it_is_for";
        let Some(ansible) = Ansible::find(test, release) else { continue };
        let ask = |path: &Path| vec![text("-i"), plain(path).to_owned(), text("--list")];
        let before = fixtures.iter().map(|vars| vars.fixture.join(&vars.inventory));
        let questions: Vec<Vec<String>> =
            before.chain(all.iter().map(Made::inventory)).map(|path| ask(&path)).collect();
        let answers = ansible.inventories(&questions);
        let (before, after) = answers.split_at(fixtures.len());
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        let mut seen = 0;
        for (made, after) in all.iter().zip(after) {
            let at = fixtures.iter().position(|vars| std::ptr::eq(vars, made.vars)).expect("it is one of these");
            // A fixture that this release refuses says nothing.
            let Ok(before) = &before[at] else { continue };
            let after = after.as_ref().unwrap_or_else(|why| unreachable!("{release:?}: {}\n{why}", made.told()));
            seen += usize::from(judged(made, &read(before), &read(after)));
        }
        assert!(seen >= 30, "{release:?}: {seen}");
    }
}

const USED: &str = "node-config-compute";
const UNUSED: &str = "node-config-compute-crio";
const MASTER: &str = "node-config-master";

/// A form in which definitions stand: its name, the files, the one that is edited, and the group if that is an inventory.
type Form = (&'static str, Vec<(&'static str, String)>, &'static str, Option<&'static str>);

/// All of them.
fn forms() -> Vec<Form> {
    let hosts = format!(
        "[OSEv3:children]\nnodes\n[nodes]\nm1 openshift_node_group_name={MASTER}\ng[1:2] openshift_node_group_name={USED}\n"
    );
    let python = format!(
        "[{{'name': '{MASTER}', 'labels': ['a=b']}}, {{'name': '{UNUSED}', 'labels': ['runtime=cri-o']}}, {{'name': '{USED}'}}]"
    );
    let block = format!(
        "# kept\nopenshift_node_groups:\n- name: {MASTER}\n  labels: [a=b]\n# of the next\n- name: {UNUSED}\n  labels:\n  - runtime=cri-o\n\
         - name: {USED} # last\nother: 1\n"
    );
    let yaml = format!(
        "all:\n  children:\n    OSEv3:\n      vars:\n        other: 1\n        openshift_node_groups:\n          - name: {UNUSED}\n            \
         labels: [runtime=cri-o]\n          - {{name: {USED}}}\n          - {{name: {MASTER}, labels: [a=b]}}\n      children:\n        nodes:\n          \
         hosts:\n            m1: {{openshift_node_group_name: {MASTER}}}\n            g[1:2]: {{openshift_node_group_name: {USED}}}\n"
    );
    let section = format!("{hosts}[OSEv3:vars]\nopenshift_node_groups={python}\nother=1\n");
    let json = python.replace('\'', "\"");
    let json = format!("{{\"other\": 1, \"openshift_node_groups\": {json}}}\n");
    vec![
        ("a section", vec![("hosts", section)], "hosts", Some("OSEv3")),
        ("an inventory in YAML", vec![("hosts.yml", yaml)], "hosts.yml", Some("OSEv3")),
        (
            "a file in blocks",
            vec![("hosts", hosts.clone()), ("group_vars/OSEv3.yml", block)],
            "group_vars/OSEv3.yml",
            None,
        ),
        ("a file in flow", vec![("hosts", hosts), ("group_vars/OSEv3.json", json)], "group_vars/OSEv3.json", None),
    ]
}

#[test]
fn a_definition_that_nobody_uses_can_be_dropped() {
    let ansible =
        Ansible::find("inventory::edits_vars::a_definition_that_nobody_uses_can_be_dropped", Release::Current);
    for (form, files, edited, group) in forms() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in &files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
            std::fs::write(path, text).expect("it can be written");
        }
        let (inventory, file) = (folder.path().join(files[0].0), folder.path().join(edited));
        let read = || match &ansible {
            Some(ansible) => {
                let answer = ansible.inventory(&["-i", plain(&inventory), "--list"]).expect("it is good");
                let theirs: Value = serde_json::from_str(&answer).expect("JSON");
                assert_eq!(Ok(&theirs), list(plain(&inventory)).as_ref(), "{form}");
                theirs
            }
            None => list(plain(&inventory)).expect("it is good"),
        };
        let drop = |definition: &str| {
            let change = DefinitionChange::Drop;
            let edit = Edit::NodeGroup { group: group.map(text), definition: text(definition), change };
            Action::InventoryEdit(InventoryEdit { file: plain(&file).to_owned(), edits: vec![edit], home_of: None })
        };
        let (shelf, control) = (Shelf::default(), InventoryFiles::new(DiskFiles));
        let (before, bytes) = (read(), std::fs::read(&file).expect("it can be read"));
        let was = control.observe(plain(&file), &shelf).expect("it can be looked at");
        // The inventory knows who uses them; a file of variables does not.
        if group.is_some() {
            let (why, message) = run(&drop(USED), &shelf);
            assert_eq!(why, Some(Why::Precondition), "{form}: {message}");
            assert!(message.contains("g") && message.contains("uses the definition"), "{form}: {message}");
            assert_eq!(std::fs::read(&file).expect("read"), bytes, "{form}: what is refused is not written");
        }
        let (why, message) = run(&drop(UNUSED), &shelf);
        assert_eq!(why, None, "{form}: {message}");
        let now = std::fs::read_to_string(&file).expect("it can be read");
        let mut wanted = before.clone();
        for host in ["m1", "g1", "g2"] {
            let list = wanted["_meta"]["hostvars"][host]["openshift_node_groups"].as_array_mut();
            list.unwrap_or_else(|| unreachable!("{form}: {host} has none: {before}"))
                .retain(|item| item["name"] != UNUSED);
        }
        let after = read();
        assert_eq!(after, wanted, "{form}: {now}");
        let left = after["_meta"]["hostvars"]["m1"]["openshift_node_groups"].as_array().map(Vec::len);
        assert_eq!(left, Some(2), "{form}: {after}");
        let base = Some(Box::new(control.observe(plain(&file), &shelf).expect("it can be looked at")));
        let back = InventoryRestore { file: plain(&file).to_owned(), to: was, base };
        let (why, message) = run(&Action::InventoryRestore(back), &shelf);
        assert_eq!((why, std::fs::read(&file).expect("read")), (None, bytes), "{form}: {message}");
    }
}

/// Versions in a file of variables: those of OpenShift come, those of storage change where they stand.
#[test]
fn versions_are_pinned_in_a_file_of_variables() {
    let ansible = Ansible::find("inventory::edits_vars::versions_are_pinned_in_a_file_of_variables", Release::Current);
    let folder = tempfile::tempdir().expect("a folder can be made");
    let (inventory, file) = (folder.path().join("hosts"), folder.path().join("group_vars/OSEv3.yml"));
    std::fs::create_dir(folder.path().join("group_vars")).expect("a folder can be made");
    std::fs::write(&inventory, "[OSEv3]\ng[1:2]\n[other]\no1\n").expect("it can be written");
    let images = "---\n# storage\nopenshift_storage_glusterfs_image: r.demo:5000/rhgs3/rhgs-server-rhel7:v3.11 # old\n\
        openshift_storage_glusterfs_heketi_image: 'r.demo:5000/rhgs3/rhgs-volmanager-rhel7'\nopenshift_image_tag: v3.11\n";
    std::fs::write(&file, images).expect("it can be written");
    let edit = Edit::PinVersions { group: None, openshift: Some(text("3.11.161")), storage: Some(text("v3.11.4")) };
    let action = InventoryEdit { file: plain(&file).to_owned(), edits: vec![edit], home_of: None };
    let (why, message) = run(&Action::InventoryEdit(action), &Shelf::default());
    assert_eq!(why, None, "{message}");
    let now = std::fs::read_to_string(&file).expect("it can be read");
    assert!(now.contains("# storage\n") && now.contains(" # old\n"), "{now}");
    let wanted = json!({
        "openshift_pkg_version": "-3.11.161",
        "openshift_image_tag": "v3.11.161",
        "openshift_storage_glusterfs_image": "r.demo:5000/rhgs3/rhgs-server-rhel7:v3.11.4",
        "openshift_storage_glusterfs_heketi_image": "r.demo:5000/rhgs3/rhgs-volmanager-rhel7:v3.11.4",
    });
    let mut readings = vec![list(plain(&inventory)).expect("it is good")];
    if let Some(ansible) = &ansible {
        let answer = ansible.inventory(&["-i", plain(&inventory), "--list"]).expect("it is good");
        readings.push(serde_json::from_str(&answer).expect("JSON"));
    }
    for reading in readings {
        assert_eq!(reading["_meta"]["hostvars"], json!({ "g1": wanted, "g2": wanted }), "{now}");
    }
}
