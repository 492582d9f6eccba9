//! Whole inventories from memory.

use super::*;

/// Files in memory. A name that ends in a slash cannot be.
#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Memory {
    fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
    }
}

impl Sources for Memory {
    fn kind(&self, path: &str) -> Kind {
        let below = format!("{path}/");
        if self.0.contains_key(path) {
            if path.ends_with(".sh") { Kind::Executable } else { Kind::File }
        } else if self.0.keys().any(|known| known.starts_with(&below)) {
            Kind::Folder
        } else {
            Kind::Missing
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "it is gone".to_owned())
    }

    fn list(&self, path: &str) -> Result<Vec<String>, String> {
        let below = format!("{path}/");
        let names = self.0.keys().filter_map(|known| known.strip_prefix(&below)?.split('/').next());
        Ok(names.map(str::to_owned).collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    fn run(&self, path: &str, args: &[&str]) -> Result<Vec<u8>, String> {
        self.0.get(&format!("{path} {}", args.join(" "))).cloned().ok_or_else(|| "exit 1".to_owned())
    }
}

fn read(files: &[(&str, &str)], path: &str) -> Result<Reading, ReadError> {
    Reading::of(&Memory::of(files), &[path])
}

fn value(reading: &Reading, host: &str, name: &str) -> String {
    let Some(said) = reading.setting(host, name) else { return "-".to_owned() };
    let mut out = String::new();
    said.value.print(None, &mut out);
    format!("{out} {}:{}", said.file, said.line)
}

#[test]
fn the_strongest_says_what_counts() {
    let hosts = "[all:vars]\na=1\nb=1\nc=1\nd=1\ne=1\nf=1\n[top:children]\nlow\nhigh\n[top:vars]\nb=2\n[low]\nh f=6\n\
                 [high]\nh\n[low:vars]\nc=3\nd=3\nansible_group_priority=5\n[high:vars]\nc=4\n";
    let files = [
        ("i/hosts", hosts),
        ("i/group_vars/all.yml", "# c\nd: 7\ne: 7\nf: 7\ng: 7\n"),
        ("i/group_vars/low/2.yml", "e: 9\n"),
        ("i/group_vars/low/1.yml", "e: 8\ng: 8\n"),
        ("i/group_vars/low/.hidden.yml", "e: x\n"),
        ("i/group_vars/low/old.yml~", "e: x\n"),
        ("i/host_vars/h", "{\"g\": 10}"),
    ];
    let reading = read(&files, "i/hosts").expect("it can be read");
    for (name, expected) in [
        ("a", "1 i/hosts:2"),
        ("b", "2 i/hosts:12"),
        ("c", "3 i/hosts:18"),
        ("d", "7 i/group_vars/all.yml:2"),
        ("e", "9 i/group_vars/low/2.yml:1"),
        ("f", "6 i/hosts:14"),
        ("g", "10 i/host_vars/h:1"),
        ("h", "-"),
    ] {
        assert_eq!(value(&reading, "h", name), expected, "{name}");
    }
    let settings = reading.settings("h");
    let e = settings.iter().find(|setting| setting.name == "e").expect("e is set");
    let places: Vec<String> = e.overrides.iter().map(|said| format!("{}:{}", said.file, said.line)).collect();
    assert_eq!(places, ["i/hosts:6", "i/group_vars/all.yml:3", "i/group_vars/low/1.yml:1"]);
    assert_eq!(reading.groups_of("h"), ["high", "low", "top"]);
    assert_eq!(reading.hosts("top"), ["h"]);
}

#[test]
fn yaml_scripts_folders_and_names() {
    let yaml = "all:\n  children:\n    web:\n      hosts:\n        w[1:2]:22:\n          x: yes\n  hosts:\n    lone:\n";
    let script = r#"{"db": {"hosts": ["d1"], "vars": {"y": 010}}}"#.replace("010", "8");
    let files = [
        ("i/1.yml", yaml),
        ("i/2.sh", "#!/bin/sh"),
        ("i/2.sh --list", &script),
        ("i/2.sh --host d1", "{\"z\": [1]}"),
        ("i/readme.md", "a b"),
        ("i/group_vars/web.yml", "p: 1\n"),
        ("i/3", "[web]\nw3\n"),
    ];
    // The outputs of the script are no files of the folder.
    let mut memory = Memory::of(&files);
    let folder = memory.0.clone();
    memory.0.retain(|path, _| !path.contains(' '));
    struct Both(Memory, Memory);
    impl Sources for Both {
        fn kind(&self, path: &str) -> Kind {
            self.0.kind(path)
        }
        fn read(&self, path: &str) -> Result<Vec<u8>, String> {
            self.0.read(path)
        }
        fn list(&self, path: &str) -> Result<Vec<String>, String> {
            self.0.list(path)
        }
        fn run(&self, path: &str, args: &[&str]) -> Result<Vec<u8>, String> {
            self.1.run(path, args)
        }
    }
    let reading = Reading::of(&Both(memory, Memory(folder)), &["i", "n1, n2:2222,"]).expect("it can be read");
    assert_eq!(reading.hosts("all"), ["lone", "n1", "n2", "w1", "w2", "w3", "d1"]);
    assert_eq!(value(&reading, "w2", "x"), "true i/1.yml:6");
    assert_eq!(value(&reading, "w2", "ansible_port"), "22 i/1.yml:5");
    assert_eq!(value(&reading, "w3", "p"), "1 i/group_vars/web.yml:1");
    assert_eq!(value(&reading, "d1", "y"), "8 i/2.sh:0");
    assert_eq!(value(&reading, "d1", "z"), "[1] i/2.sh:0");
    assert_eq!(value(&reading, "n2", "ansible_port"), "2222 n1, n2:2222,:1");
    let graph = reading.graph("web").expect("there is such a group");
    assert_eq!(graph, "@web:\n  |--w1\n  |--w2\n  |--w3\n");
    assert_eq!(reading.graph("none"), None);
}

#[test]
fn what_cannot_be_read_says_where_and_why() {
    for (files, path, line, why) in [
        (&[("h", "a b\n")][..], "h", Some(1), "no variable"),
        (&[("h.yml", "all:\n  hosts:\n    5:\n")], "h.yml", Some(3), "a number"),
        (&[("h.yml", "all:\n  hosts: [a]\n")], "h.yml", Some(2), "a list"),
        (&[("h.yml", "all:\n  hosts:\n    a: x\n")], "h.yml", Some(3), "not a map of variables"),
        (&[("h.yml", "all:\n  children:\n    a: x\n")], "h.yml", Some(3), "no group"),
        (&[("h", "all:\n  hosts:\n    5:\n")], "h", Some(3), "a number"),
        (&[("h.yml", "plugin: aws\n")], "h.yml", Some(1), "plugin"),
        (&[("h.yml", "a:\n  b: [\n")], "h.yml", None, "YAML"),
        (&[("h.toml", "[a]\n")], "h.toml", None, "TOML"),
        (&[("h", "$ANSIBLE_VAULT;1.1;AES256\n61\n")], "h", Some(1), "encrypted"),
        (&[], "h", None, "no such"),
        (&[("i/a.md", "")], "i", None, "no inventory"),
        (&[("i/h", "a\n"), ("i/host_vars/a", "- 1\n")], "i/h", Some(1), "a list"),
        (&[("h", "[x:children]\nall\n")], "h", None, "below it"),
        (&[("h.sh", "#!/bin/sh\necho a\n")], "h.sh", None, "exit 1"),
    ] {
        let error = read(files, path).expect_err(why);
        assert!(error.why.contains(why), "{error}");
        assert!(line.is_none() || error.line == line, "{error}");
        assert!(!error.mend.is_empty() && error.to_string().contains(&error.file), "{error}");
    }
}

#[test]
fn only_what_a_host_needs_is_looked_at() {
    let files =
        [("h", "[a]\nx\n[b]\n"), ("group_vars/b.yml", "- broken\n"), ("host_vars/../h", ""), ("host_vars/x", "")];
    assert!(read(&files, "h").is_ok());
    let outside = [("i/h", "..\n"), ("i/host_vars/x", "a: 1\n"), ("i/z", "a: 1\n")];
    assert_eq!(read(&outside, "i/h").expect("it can be read").settings("..").len(), 0);
}

#[test]
fn encrypted_files_are_refused_or_left_out_and_named() {
    let files =
        [("i/h", "[g]\nx\n"), ("i/group_vars/g/a.yml", "$ANSIBLE_VAULT;1.1\n61\n"), ("i/group_vars/g/b.yml", "y: 1\n")];
    assert!(read(&files, "i/h").is_err_and(|error| error.why.contains("encrypted")));
    let reading = Reading::without_encrypted(&Memory::of(&files), &["i/h"]).expect("it can be read");
    assert_eq!(reading.encrypted().collect::<Vec<_>>(), ["i/group_vars/g/a.yml"]);
    assert_eq!(value(&reading, "x", "y"), "1 i/group_vars/g/b.yml:1");
}
