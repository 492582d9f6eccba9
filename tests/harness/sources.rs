//! Which source files belong to a crate: those that a `mod` leads to. A file that none leads to is compiled by nobody, and
//! tests in it never run.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files below a package's folder that no `mod` of its crates leads to. `other` are folders of it that are passed over.
pub fn forgotten(package: &Path, other: &[&str]) -> Vec<PathBuf> {
    let mut reached = BTreeSet::new();
    for root in roots(package) {
        reach(&root, &mut reached);
    }
    let mut all = Vec::new();
    let other: Vec<PathBuf> = other.iter().map(|folder| package.join(folder)).collect();
    walk(package, &other, &mut all);
    all.retain(|file| !reached.contains(file));
    all.sort();
    all
}

/// The files that crates begin with: those that Cargo looks for, and those that the manifest names.
fn roots(package: &Path) -> Vec<PathBuf> {
    let mut roots: Vec<PathBuf> = ["src/lib.rs", "src/main.rs"].iter().map(|file| package.join(file)).collect();
    let manifest = fs::read_to_string(package.join("Cargo.toml")).expect("a package has a manifest");
    let paths = manifest.lines().filter_map(|line| line.strip_prefix("path = \"")?.strip_suffix("\""));
    roots.extend(paths.map(|path| package.join(path)));
    let finds_tests = !manifest.lines().any(|line| line == "autotests = false");
    for folder in ["tests", "examples", "benches"].iter().filter(|_| finds_tests) {
        for item in fs::read_dir(package.join(folder)).into_iter().flatten() {
            let path = item.expect("a folder can be read").path();
            roots.push(if path.is_dir() { path.join("main.rs") } else { path });
        }
    }
    roots.retain(|root| root.is_file() && root.extension().is_some_and(|end| end == "rs"));
    roots
}

/// Takes in a file that a crate begins with, and all that its modules lead to.
fn reach(root: &Path, reached: &mut BTreeSet<PathBuf>) {
    let folder = root.parent().expect("a file is in a folder").to_path_buf();
    let mut open = vec![(root.to_path_buf(), folder)];
    while let Some((file, folder)) = open.pop() {
        if !reached.insert(file.clone()) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source can be read");
        let beside = file.parent().expect("a file is in a folder");
        for (name, path) in modules(&text) {
            let found = match path {
                Some(path) => Some((beside.join(path), beside.to_path_buf())),
                None => {
                    let (flat, deep) = (folder.join(format!("{name}.rs")), folder.join(&name).join("mod.rs"));
                    [flat, deep].into_iter().find(|file| file.is_file()).map(|file| (file, folder.join(&name)))
                }
            };
            open.extend(found.filter(|(file, _)| file.is_file()));
        }
    }
}

/// The modules that a source declares in files of their own, each with the path that an attribute gives it. If a macro
/// declares modules by a name that it is given, every word of the source may be one.
fn modules(text: &str) -> Vec<(String, Option<String>)> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default().trim()).collect();
    let mut found = Vec::new();
    let mut path = None;
    for line in &code {
        if let Some(given) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            path = Some(given.to_owned());
        } else if let Some(name) = line.strip_suffix(';').and_then(declared) {
            found.push((name.to_owned(), path.take()));
        } else if !line.starts_with("#[") {
            path = None;
        }
    }
    if code.iter().any(|line| line.contains("mod $")) {
        let words = code.iter().flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        found.extend(words.filter(|word| !word.is_empty()).map(|word| (word.to_owned(), None)));
    }
    found
}

/// The name in `mod name`, `pub mod name` or `pub(crate) mod name`.
fn declared(line: &str) -> Option<&str> {
    let (before, name) = line.split_once("mod ")?;
    let is_visibility = before.is_empty() || (before.starts_with("pub") && before.ends_with(' '));
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_visibility && is_name).then_some(name)
}

fn walk(folder: &Path, other: &[PathBuf], found: &mut Vec<PathBuf>) {
    for item in fs::read_dir(folder).expect("a folder can be read") {
        let path = item.expect("a folder can be read").path();
        if path.is_dir() {
            if !other.contains(&path) {
                walk(&path, other, found);
            }
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay(files: &[(&str, &str)]) -> tempfile::TempDir {
        let package = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in files {
            let path = package.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder can be made");
            fs::write(path, text).expect("a file can be written");
        }
        package
    }

    #[test]
    fn each_file_that_no_mod_leads_to_is_named() {
        let package = lay(&[
            ("Cargo.toml", "[lib]\npath = \"harness/lib.rs\"\n"),
            ("harness/lib.rs", "pub mod one;\n// mod commented;\nmod deep;\n"),
            ("harness/one.rs", "#[cfg(test)]\n#[path = \"one_tests.rs\"]\nmod tests;\nfn f(a: mod_like) {}\n"),
            ("harness/one_tests.rs", ""),
            ("harness/commented.rs", ""),
            ("harness/tests.rs", ""),
            (
                "harness/deep/mod.rs",
                "pub(crate) mod two;\ntable! { three }\nmacro_rules! t { ($f:ident) => { mod $f; } }\n",
            ),
            ("harness/deep/two.rs", "mod inner;\n"),
            ("harness/deep/two/inner.rs", ""),
            ("harness/deep/three.rs", ""),
            ("harness/deep/four.rs", "mod five;\n"),
            ("harness/deep/five.rs", ""),
            ("tests/whole.rs", ""),
            ("tests/parts/main.rs", "mod part;\n"),
            ("tests/parts/part.rs", ""),
            ("tests/parts/lost.rs", ""),
            ("target/made.rs", ""),
            ("harness/target/lost.rs", ""),
        ]);
        let names: Vec<String> = forgotten(package.path(), &["target"])
            .iter()
            .map(|file| file.strip_prefix(package.path()).expect("it is below").display().to_string())
            .collect();
        let lost = ["commented.rs", "deep/five.rs", "deep/four.rs", "target/lost.rs", "tests.rs"]
            .map(|name| format!("harness/{name}"));
        assert_eq!(names, [&lost[..], &["tests/parts/lost.rs".to_owned()]].concat());
    }
}
