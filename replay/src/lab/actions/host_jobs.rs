//! The parts of jobs on a host: units, packages, files, names, the excluder command.

use super::draft::{Draft, Outside, refuse};
use crate::lab::world::effect::{Effect, UnitVerb};
use crate::lab::world::files::{Archive, Entry};
use crate::lab::world::job::Finish;
use crate::lab::world::model::{Host, World};
use crate::lab::world::spec;
use palinode_core::action::{
    Awaited, Command, DnsCheck, Fetch, FileAbsent, FileCopy, FileRead, FileRestore, FileWrite, Package, PackageState,
    Service, ServiceState, Wait, Word,
};
use palinode_core::event::Why;
use palinode_core::id::BodyId;
use palinode_core::port::Bodies;
use palinode_core::resource::{Active, Nevra, State};
use palinode_core::span::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(in crate::lab) type At<'a> = (&'a str, &'a Host);

/// A job that did nothing but fail.
pub(in crate::lab) fn fails(code: i32, message: impl Into<String>) -> Finish {
    Finish { why: Some(Why::ExitCode), code: Some(code), message: Some(message.into()), ..Finish::default() }
}

pub(in crate::lab) fn text_of(bodies: &dyn Bodies, id: BodyId) -> Result<String, Finish> {
    let bytes = bodies.get(id).map_err(|error| refuse(format!("the recorded content cannot be opened: {error}")))?;
    String::from_utf8(bytes).map_err(|_| refuse("the recorded content is not text; the lab keeps text files only"))
}

pub(in crate::lab) fn service_draft((name, host): At<'_>, service: &Service) -> Result<Draft, Finish> {
    let mut draft = Draft::default();
    let wanted = service.state == Some(ServiceState::Started) || service.enabled == Some(true);
    let missing = service.names().find(|unit| host.unit(unit).is_none());
    if let Some(unit) = missing.filter(|_| wanted && !service.units.is_empty()) {
        return Err(fails(5, format!("Unit {unit}.service not found.")));
    }
    for of in service.names() {
        let unit = |verb| Effect::Unit { host: name.to_owned(), unit: of.to_owned(), verb };
        let now = host.unit(of);
        let runs = now.is_some_and(|unit| unit.active == Active::Active);
        let enabled = now.is_some_and(|unit| unit.enabled != "disabled");
        match service.state {
            Some(ServiceState::Stopped) if runs => draft.then(4, unit(UnitVerb::Stop)),
            Some(ServiceState::Started) if !runs => draft.then(4, unit(UnitVerb::Start)),
            _ => {}
        }
        match service.enabled {
            Some(true) if !enabled => draft.then(1, unit(UnitVerb::Enable)),
            Some(false) if enabled => draft.then(1, unit(UnitVerb::Disable)),
            _ => {}
        }
    }
    Ok(draft.ends(1))
}

/// The installed packages that go when these go: themselves, and whatever needs one of them.
pub(in crate::lab) fn erased(host: &Host, names: &BTreeSet<String>) -> BTreeSet<String> {
    let mut gone: BTreeSet<String> = names.iter().filter(|name| host.packages.contains_key(*name)).cloned().collect();
    loop {
        let more: Vec<String> = host
            .packages
            .keys()
            .filter(|name| !gone.contains(*name) && spec::requires(name).iter().any(|need| gone.contains(*need)))
            .cloned()
            .collect();
        if more.is_empty() {
            return gone;
        }
        gone.extend(more);
    }
}

/// The names of a package action, versions cut off.
pub(in crate::lab) fn names_of(package: &Package) -> BTreeSet<String> {
    let named = package.names.iter().map(|item| Package::base_name(item).to_owned());
    named.chain(package.exact.iter().map(|nevra| nevra.name.clone())).collect()
}

impl World {
    pub(in crate::lab) fn package(&self, (name, host): At<'_>, package: &Package) -> Result<Draft, Finish> {
        let mut draft = Draft::default();
        if package.state == PackageState::Absent {
            // Users of a package go before it.
            let mut rest = erased(host, &names_of(package));
            while let Some(next) = rest.iter().find(|name| !rest.iter().any(|user| needs(user, name))).cloned() {
                rest.remove(&next);
                for nevra in host.packages.get(&next).into_iter().flatten() {
                    draft.then(4, Effect::Erase { host: name.to_owned(), package: nevra.clone() });
                }
            }
            return Ok(draft.ends(3));
        }
        let mut wanted = Vec::new();
        for item in &package.names {
            let base = Package::base_name(item);
            let installed = host.packages.get(base);
            let version = Package::version(item);
            let there = installed.is_some_and(|list| {
                version.is_none_or(|version| list.iter().any(|nevra| same_version(nevra, version)))
            });
            if !there {
                wanted.push(self.available(host, base, version)?);
            }
        }
        for nevra in &package.exact {
            if !host.packages.get(&nevra.name).is_some_and(|list| list.contains(nevra)) {
                if !self.repository.contains(nevra) {
                    return Err(refuse(format!("No package {nevra} available.")));
                }
                wanted.push(nevra.clone());
            }
        }
        if !wanted.is_empty() && !host.resolves() {
            return Err(refuse(format!("{name}: Could not resolve host: repo.demo")));
        }
        for nevra in self.with_needs(host, wanted) {
            draft.then(5, Effect::Install { host: name.to_owned(), package: nevra });
        }
        Ok(draft.ends(4))
    }

    /// The names of the packages that an install brings, those that are only needed included; none if it is refused.
    pub(in crate::lab) fn installed_by(&self, at: At<'_>, package: &Package) -> BTreeSet<String> {
        let parts = self.package(at, package).map(|draft| draft.parts).unwrap_or_default();
        let brought = parts.into_iter().filter_map(|part| match part.effect {
            Effect::Install { package, .. } => Some(package.name),
            _ => None,
        });
        brought.collect()
    }

    /// The newest version of a package that a plain install would find.
    pub(in crate::lab) fn available(&self, host: &Host, name: &str, version: Option<&str>) -> Result<Nevra, Finish> {
        if host.files.text("/etc/yum.conf").is_some_and(|text| spec::hidden(text, name)) {
            return Err(refuse(format!("No package {name} available: exclude= in /etc/yum.conf hides it.")));
        }
        self.newest(name, version)
    }

    /// The newest version of a package in the repositories, excludes aside.
    pub(in crate::lab) fn newest(&self, name: &str, version: Option<&str>) -> Result<Nevra, Finish> {
        let matching = |nevra: &&Nevra| nevra.name == name && version.is_none_or(|want| same_version(nevra, want));
        self.repository.iter().filter(matching).max().cloned().ok_or_else(|| {
            let version = version.map(|version| format!("-{version}")).unwrap_or_default();
            refuse(format!("No package {name}{version} available."))
        })
    }

    /// Packages with those that they need and the host lacks, needed ones first.
    pub(in crate::lab) fn with_needs(&self, host: &Host, wanted: Vec<Nevra>) -> Vec<Nevra> {
        let mut all: BTreeMap<String, Nevra> = wanted.into_iter().map(|nevra| (nevra.name.clone(), nevra)).collect();
        loop {
            let needed = all
                .keys()
                .flat_map(|name| spec::requires(name))
                .find(|need| !all.contains_key(**need) && !host.packages.contains_key(**need));
            let found = needed.and_then(|need| self.repository.iter().filter(|nevra| nevra.name == **need).max());
            let Some(found) = found else {
                break;
            };
            all.insert(found.name.clone(), found.clone());
        }
        let mut order = Vec::new();
        while let Some(next) = all.keys().find(|name| !all.keys().any(|other| needs(name, other))).cloned() {
            order.extend(all.remove(&next));
        }
        order
    }
}

fn needs(user: &str, name: &str) -> bool {
    spec::requires(user).contains(&name)
}

fn same_version(nevra: &Nevra, version: &str) -> bool {
    nevra.version == version || format!("{}-{}", nevra.version, nevra.release) == version
}

pub(in crate::lab) fn absent_draft((name, host): At<'_>, absent: &FileAbsent) -> Draft {
    let mut draft = Draft::default();
    for item in &absent.paths {
        let (path, inside) = match item.strip_suffix("/*") {
            Some(dir) => (dir, true),
            None => (item.as_str(), false),
        };
        if inside && host.files.is_dir(path) && host.files.get(path).is_none() {
            draft.then(0, Effect::Put { host: name.to_owned(), path: path.to_owned(), entry: Entry::Dir });
        }
        let below: Vec<&str> = host.files.below(path).map(|(path, _)| path).collect();
        for path in below.into_iter().rev() {
            draft.then(0, Effect::Remove { host: name.to_owned(), path: path.to_owned() });
        }
        if !inside && host.files.exists(path) {
            draft.then(0, Effect::Remove { host: name.to_owned(), path: path.to_owned() });
        }
    }
    if let Some(first) = draft.parts.first_mut() {
        first.after = palinode_core::id::Micros::seconds(1);
    }
    draft.ends(1)
}

pub(in crate::lab) fn copy_draft((name, host): At<'_>, copy: &FileCopy) -> Result<Draft, Finish> {
    let Some(text) = host.files.text(&copy.from) else {
        return Err(refuse(format!("{}: No such file", copy.from)));
    };
    if copy.resolver && !spec::nameservers(text).any(|server| server != host.ip && !server.starts_with("127.")) {
        return Err(refuse(format!("{} names no name server but the host itself", copy.from)));
    }
    let mut draft = Draft::default();
    if host.files.text(&copy.to) != Some(text) {
        // cp keeps mode and owner of a file that is there.
        let entry = match host.files.get(&copy.to) {
            Some(Entry::File { mode, owner, .. }) => {
                Entry::File { mode: *mode, owner: owner.clone(), content: text.into() }
            }
            _ => Entry::text(text),
        };
        draft.then(1, Effect::Put { host: name.to_owned(), path: copy.to.clone(), entry });
    }
    Ok(draft.ends(1))
}

pub(in crate::lab) fn write_draft((name, host): At<'_>, write: &FileWrite) -> Result<Draft, Finish> {
    let (dir, _) = write.path.rsplit_once('/').unwrap_or_default();
    if !dir.is_empty() && !host.files.is_dir(dir) {
        return Err(fails(1, format!("{dir}: No such file or directory")));
    }
    if host.files.is_dir(&write.path) {
        return Err(fails(1, format!("{} is a directory", write.path)));
    }
    let (mode, owner) = match host.files.get(&write.path) {
        Some(Entry::File { mode, owner, .. }) => (*mode, owner.clone()),
        _ => (0o644, "root:root".to_owned()),
    };
    // As chown does it: a user alone leaves the group.
    let owner = match &write.owner {
        Some(wanted) if wanted.contains(':') => wanted.clone(),
        Some(user) => format!("{user}:{}", owner.split_once(':').map_or("root", |(_, group)| group)),
        None => owner,
    };
    let entry = Entry::File { mode: write.bits().unwrap_or(mode), owner, content: write.content.as_str().into() };
    let mut draft = Draft::default();
    if host.files.get(&write.path) != Some(&entry) {
        draft.then(1, Effect::Put { host: name.to_owned(), path: write.path.clone(), entry });
    }
    Ok(draft.ends(1))
}

pub(in crate::lab) fn read_draft((_, host): At<'_>, read: &FileRead) -> Result<Draft, Finish> {
    if host.files.text(&read.path).is_none() {
        return Err(fails(2, format!("{}: No such file or directory", read.path)));
    }
    let Some(value) = host.files.value(&read.path, &read.key) else {
        return Err(fails(1, format!("{} has no line {}=", read.path, read.key)));
    };
    let finish = Finish { value: Some(value), ..Finish::default() };
    Ok(Draft { finish, ..Draft::default() }.ends(1))
}

pub(in crate::lab) fn wait_draft((name, _): At<'_>, wait: &Wait) -> Result<Draft, Finish> {
    let host = name.to_owned();
    let mut draft = Draft::default();
    let seconds = |span: Span| span.micros().0 / 1_000_000;
    let patience = seconds(wait.timeout);
    match wait.what() {
        Some(Awaited::Path(path)) => draft.wait(0, patience, Effect::AwaitPath { host, path: path.to_owned() }),
        Some(Awaited::Unit(unit)) => draft.wait(0, patience, Effect::AwaitUnit { host, unit: unit.to_owned() }),
        Some(Awaited::Port(port)) => draft.wait(0, patience, Effect::AwaitPort { host, port }),
        Some(Awaited::Time(span)) => draft.then(seconds(span), Effect::Pass {}),
        None => return Err(refuse("nobody knows what to wait for")),
    }
    Ok(draft.ends(0))
}

/// A directory is brought as the archive that the lab itself keeps of one.
pub(in crate::lab) fn fetch_draft((_, host): At<'_>, fetch: &Fetch) -> Result<Draft, Finish> {
    let path = fetch.path.trim_end_matches('/');
    let output = match host.files.get(path) {
        Some(Entry::File { content, .. }) => content.to_string(),
        _ if host.files.is_dir(path) => serde_json::to_string(&host.files.archive(path).0).unwrap_or_default(),
        Some(_) => return Err(fails(1, format!("{path} is neither a file nor a directory"))),
        None => return Err(fails(1, format!("{path}: No such file or directory"))),
    };
    if output.len() as u64 > Fetch::LIMIT {
        return Err(fails(
            1,
            format!("{path} holds {} bytes, and no more than {} are fetched", output.len(), Fetch::LIMIT),
        ));
    }
    let finish = Finish { output: Some(output), ..Finish::default() };
    Ok(Draft { finish, ..Draft::default() }.ends(1))
}

pub(in crate::lab) fn restore_draft(
    (name, host): At<'_>,
    restore: &FileRestore,
    outside: &Outside<'_>,
) -> Result<Draft, Finish> {
    let mut draft = Draft::default();
    let path = restore.path.trim_end_matches('/');
    let put = |path: String, entry: Entry| Effect::Put { host: name.to_owned(), path, entry };
    let remove = |path: &str| Effect::Remove { host: name.to_owned(), path: path.to_owned() };
    let one = match &restore.state {
        State::Absent => {
            if host.files.exists(path) {
                draft.then(1, remove(path));
            }
            return Ok(draft.ends(1));
        }
        State::File { mode, owner, body, .. } => {
            let content = text_of(outside.bodies, *body)?.into();
            Entry::File { mode: *mode, owner: owner.clone(), content }
        }
        State::Link { target } => Entry::Link { target: target.clone() },
        State::Tree { body, .. } => {
            let text = text_of(outside.bodies, *body)?;
            let Ok(Archive(wanted)) = serde_json::from_str(&text) else {
                return Err(refuse(format!("the recorded archive of {path} is not one that the lab made")));
            };
            if host.files.get(path) != Some(&Entry::Dir) {
                draft.then(1, put(path.to_owned(), Entry::Dir));
            }
            for (found, _) in host.files.below(path) {
                let relative = &found[path.len() + 1..];
                let parent = format!("{relative}/");
                let kept = wanted.keys().any(|want| want == relative || want.starts_with(&parent));
                if !kept {
                    draft.then(0, remove(found));
                }
            }
            for (relative, entry) in &wanted {
                let full = format!("{path}/{relative}");
                if host.files.get(&full) != Some(entry) {
                    draft.then(0, put(full, entry.clone()));
                }
            }
            return Ok(draft.ends(1));
        }
        _ => return Err(refuse(format!("what was recorded of {path} is no file"))),
    };
    if host.files.get(path) != Some(&one) {
        draft.then(1, put(path.to_owned(), one));
    }
    Ok(draft.ends(1))
}

pub(in crate::lab) fn names_draft((name, host): At<'_>, check: &DnsCheck) -> Draft {
    let unknown = check.names.iter().find(|wanted| !host.resolves() || wanted.ends_with(".invalid"));
    let mut draft = Draft::default();
    if let Some(wanted) = unknown {
        draft.finish = fails(2, format!("{name}: {wanted}: Name or service not known"));
    }
    draft.ends(2)
}

fn excluder(run: &[Word]) -> Option<(&str, bool)> {
    let words: Vec<&str> = run.iter().map(Word::text).collect::<Option<_>>()?;
    let (program, on) = match words.as_slice() {
        [program, "exclude"] => (*program, true),
        [program, "unexclude"] => (*program, false),
        _ => return None,
    };
    let name = program.strip_prefix("/sbin/").or_else(|| program.strip_prefix("/usr/sbin/"))?;
    spec::is_excluder(name).then_some((name, on))
}

/// Whether the lab answers a command.
pub fn knows_command(run: &[Word]) -> bool {
    excluder(run).is_some()
}

/// The lab has no shell: it answers the excluders' own commands and nothing else.
pub(in crate::lab) fn command_draft((name, host): At<'_>, command: &Command) -> Result<Draft, Finish> {
    let Some((program, on)) = excluder(&command.run) else {
        return Err(refuse(format!("the lab cannot run `{}`", Word::join(&command.run))));
    };
    if !host.packages.contains_key(program) {
        return Err(fails(127, format!("{}: No such file or directory", command.run[0])));
    }
    let mut draft = Draft::default();
    if let Some(text) = host.files.text("/etc/yum.conf") {
        let changed = spec::excluded(text, program, on);
        if changed != text {
            let entry = Entry::text(changed);
            draft.then(1, Effect::Put { host: name.to_owned(), path: "/etc/yum.conf".to_owned(), entry });
        }
    }
    Ok(draft.ends(1))
}
