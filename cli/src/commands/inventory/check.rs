//! `palinode inventory check`: the traps that an inventory holds, before a playbook falls into them.

use super::source::text_of;
use crate::args::{Args, Output};
use crate::error::{Exit, Failure};
use crate::render::{count, escape, print_json, to_stdout};
use palinode_core::inventory::{Owner, Source as Text, check as traps};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

pub(crate) fn check(args: &Args, inventories: &[String]) -> Result<Exit, Failure> {
    let mut sources = Vec::new();
    for file in inventories {
        sources.push(Text { file: file.clone(), text: text_of(file)?, owner: Owner::Inventory });
        let folder = Path::new(file).parent().unwrap_or(Path::new(""));
        sources.extend(variables(&folder.join("group_vars"), Owner::Group)?);
        sources.extend(variables(&folder.join("host_vars"), Owner::Host)?);
    }
    let findings = traps(&sources);
    if args.output == Output::Json {
        let looked_at: Vec<&str> = sources.iter().map(|source| source.file.as_str()).collect();
        print_json(&serde_json::json!({ "looked_at": looked_at, "findings": findings }));
    } else {
        let mut out = String::new();
        for finding in &findings {
            let (file, what, next) = (escape(&finding.file), escape(&finding.what), escape(&finding.next));
            let _ = writeln!(out, "{file}:{}: {what}\n  mend: {next} ({})", finding.line, finding.kind);
        }
        let files = count(sources.len(), "file");
        let _ = match findings.len() {
            0 => writeln!(out, "nothing found in {files}"),
            many => writeln!(out, "{} in {files}", count(many, "finding")),
        };
        to_stdout(&out);
    }
    Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
}

/// The files of variables in a folder, each named after a group or a host, or in a folder that is.
fn variables(folder: &Path, owner: fn(String) -> Owner) -> Result<Vec<Text>, Failure> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        if path.is_dir() {
            for file in listed(&path)?.into_iter().filter(|file| file.is_file()) {
                found.push(source(&file, owner(name.to_owned()))?);
            }
        } else {
            found.push(source(&path, owner(stem(name).to_owned()))?);
        }
    }
    Ok(found)
}

fn source(path: &Path, owner: Owner) -> Result<Text, Failure> {
    let file = path.to_string_lossy().into_owned();
    Ok(Text { text: text_of(&file)?, file, owner })
}

/// What ansible would read in a folder, by name: no hidden files and no backups. No folder has nothing in it.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let cannot = |error: std::io::Error| {
        let what = format!("cannot look into {}: {error}", folder.display());
        Failure::usage(what, "make it readable, or look as another user")
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let ending = path.extension().is_none_or(|ending| ["yml", "yaml", "json"].iter().any(|known| ending == *known));
        if !name.starts_with('.') && !name.ends_with('~') && (ending || path.is_dir()) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn stem(name: &str) -> &str {
    [".yml", ".yaml", ".json"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(name)
}
