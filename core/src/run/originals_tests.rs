//! What a rollback is held against, where one step changed what another one found.

use super::originals;
use crate::action::{Action, Command, FileAbsent, FileState, Package, PackageState, Service, ServiceState};
use crate::id::{BodyId, ResourceKey};
use crate::record::{Ending, Event, ImageRef, Intent, Outcome, Scope};
use crate::resource::{Active, Fields, Footprint, Image, Nevra, State};
use crate::run::plan::{Step, Work};
use crate::run::rules::version::Rules;
use crate::test_util::fixture::{Bench, RUN, host, path, plan, stop};
use std::collections::BTreeMap;
use std::sync::Arc;

fn open(image: &ImageRef) -> Option<Image> {
    if let ImageRef::Here(image) = image { Some((**image).clone()) } else { None }
}

fn file(path: &str) -> ResourceKey {
    ResourceKey::file(&host("a"), path)
}

fn unit(name: &str) -> ResourceKey {
    ResourceKey::unit(&host("a"), name)
}

fn package(name: &str) -> ResourceKey {
    ResourceKey::package(&host("a"), name)
}

fn content(number: u8) -> State {
    State::file(0o644, "root:root", 1, BodyId([number; 32]))
}

fn tree(number: u8) -> State {
    State::tree(1, BodyId([number; 32]))
}

fn is(active: Active, enabled: &str) -> State {
    State::Unit { active, enabled: enabled.to_owned() }
}

fn there(name: &str) -> State {
    let [version, release, arch] = ["1", "1", "noarch"].map(str::to_owned);
    State::Package { installed: vec![Nevra { name: name.to_owned(), epoch: 0, version, release, arch }] }
}

/// A step: what it is, and what it found and left of each resource, with the fields that count.
type Did = (Action, Vec<(ResourceKey, Fields, State, State)>);

fn removes(key: &ResourceKey, was: State) -> Did {
    let paths = vec![key.as_str().trim_start_matches("a/file:").to_owned()];
    let action = Action::FileAbsent(FileAbsent { paths, state: FileState::Absent });
    (action, vec![(key.clone(), Fields::All, was, State::Absent)])
}

fn runs(all: Vec<(ResourceKey, State, State)>) -> Did {
    let action = Action::Command(Command::of(vec!["x".to_owned()], vec!["/x".to_owned()]));
    (action, all.into_iter().map(|(key, was, is)| (key, Fields::All, was, is)).collect())
}

fn stops(name: &str, was: State, now: State) -> Did {
    let state = Some(ServiceState::Stopped);
    let action = Action::Service(Service { unit: name.to_owned(), units: Vec::new(), state, enabled: None });
    (action, vec![(unit(name), Fields::All, was, now)])
}

fn packages(state: PackageState, all: Vec<(ResourceKey, Fields, State, State)>) -> Did {
    (Action::Package(Package::of(vec!["p".to_owned()], state)), all)
}

/// What a rollback of all of it is held against.
fn held(rules: Rules, steps: Vec<Did>) -> BTreeMap<ResourceKey, State> {
    let named = |number: usize| format!("s{number}");
    let all = steps.iter().enumerate().map(|(number, (action, _))| {
        let step = stop("a", &named(number));
        Step { class: action.class(), recovery: action.recovery(), work: Work::Act(action.clone()), ..step }
    });
    let mut bench = Bench::open(&plan(1, 0, vec![("before", vec![]), ("a", all.collect()), ("after", vec![])]));
    for (number, (action, places)) in steps.into_iter().enumerate() {
        let name = format!("a/{}", named(number));
        let step = bench.step(RUN, &name).0.clone();
        let footprint = places.iter().map(|(key, fields, ..)| Footprint::new(key.clone(), *fields)).collect();
        let (before, after): (Image, Image) =
            places.into_iter().map(|(key, _, was, is)| ((key.clone(), was), (key, is))).unzip();
        let intent = Intent {
            attempt: 1,
            inverse: action.inverse(&step.target, &before),
            action,
            target: step.target,
            boot: None,
            footprint,
            before: ImageRef::here(before),
            class: step.class,
            recovery: step.recovery,
            losses: Vec::new(),
            undoes: None,
            step: path(&name),
        };
        bench.feed(RUN, Event::Intent(Arc::new(intent)));
        let outcome = Outcome {
            attempt: 1,
            step: path(&name),
            ending: Ending::Succeeded,
            why: None,
            code: None,
            message: None,
            output: None,
            after: ImageRef::here(after),
            captures: BTreeMap::new(),
            losses: Vec::new(),
        };
        bench.feed(RUN, Event::Outcome(Box::new(outcome)));
    }
    let all = originals(&bench.history, (RUN, rules), &Scope::Run, &open);
    all.into_iter().map(|(key, (state, _))| (key, state)).collect()
}

/// Held under today's rules against `want`; under the last ones against whatever each step found.
#[track_caller]
fn counts(steps: Vec<Did>, want: &[(ResourceKey, State)]) {
    let mut first: BTreeMap<ResourceKey, State> = BTreeMap::new();
    for (key, fields, was, _) in steps.iter().flat_map(|(_, places)| places) {
        if *fields != Fields::Evidence {
            first.entry(key.clone()).or_insert_with(|| was.clone());
        }
    }
    assert_eq!(held(Rules::of(5).expect("known"), steps.clone()), first);
    assert_eq!(held(Rules::NOW, steps), want.iter().cloned().collect());
}

#[test]
fn a_tree_is_not_held_against_what_an_earlier_step_had_left_of_it() {
    let (inside, around, beside) = (file("/srv/odd/tree/one"), file("/srv/odd/tree"), file("/srv/odd/tree-of-another"));
    let steps = || vec![removes(&inside, content(1)), removes(&around, tree(2)), removes(&beside, tree(3))];
    counts(steps(), &[(inside.clone(), content(1)), (beside.clone(), tree(3))]);
    // In a tree, in a tree.
    let (deep, top) = (file("/srv/odd/tree/a/b"), file("/srv"));
    counts(
        vec![removes(&deep, tree(1)), removes(&around, tree(2)), removes(&top, tree(3))],
        &[(deep.clone(), tree(1))],
    );
    // The other way round the tree has it all.
    let emptied = runs(vec![(around.clone(), tree(2), tree(4))]);
    counts(vec![emptied, removes(&inside, content(5))], &[(around.clone(), tree(2))]);
}

#[test]
fn what_was_not_changed_before_counts_as_it_was_found() {
    let (inside, around) = (file("/srv/odd/tree/one"), file("/srv/odd/tree"));
    let looked = runs(vec![(inside.clone(), content(1), content(1))]);
    counts(vec![looked, removes(&around, tree(2))], &[(inside.clone(), content(1)), (around.clone(), tree(2))]);
    // What was once unknown stays it.
    let steps = vec![
        removes(&inside, content(1)),
        runs(vec![(around.clone(), tree(2), tree(3))]),
        runs(vec![(around, tree(3), tree(3))]),
    ];
    counts(steps, &[(inside, content(1))]);
}

#[test]
fn what_a_link_leads_to_counts_with_the_link() {
    // A command wrote through a link into a tree, which is removed later.
    let (link, end, around) = (file("/srv/link"), file("/srv/odd/tree/one"), file("/srv/odd"));
    let through = runs(vec![
        (link.clone(), State::link("odd/tree/one"), State::link("odd/tree/one")),
        (end.clone(), content(1), content(2)),
    ]);
    counts(vec![through, removes(&around, tree(2))], &[(link, State::link("odd/tree/one")), (end, content(1))]);
}

#[test]
fn files_of_packages_that_came_or_went_are_not_known_by_name() {
    let (config, folder, other) = (file("/etc/p/p.conf"), file("/etc/p"), file("/etc/other"));
    let gone = || packages(PackageState::Absent, vec![(package("p"), Fields::All, there("p"), State::Absent)]);
    let came = || packages(PackageState::Present, vec![(package("p"), Fields::All, State::Absent, there("p"))]);
    let written = |key: &ResourceKey, was: State| runs(vec![(key.clone(), was, content(9))]);
    // What went may have taken a file, or a part of a tree; a file that is there it did not touch.
    let all = |first: Did| {
        vec![first, written(&config, State::Absent), removes(&folder, tree(2)), written(&other, content(3))]
    };
    counts(all(gone()), &[(package("p"), there("p")), (other.clone(), content(3))]);
    counts(all(came()), &[(package("p"), State::Absent)]);
    let none = packages(PackageState::Present, vec![(package("p"), Fields::All, there("p"), there("p"))]);
    let want = [(package("p"), there("p")), (config.clone(), State::Absent), (other.clone(), content(3))];
    counts(all(none), &want);
}

#[test]
fn units_are_as_they_were_before_their_packages_or_files_changed() {
    let (up, down) = (is(Active::Active, "enabled"), is(Active::Inactive, "disabled"));
    // It was looked at with its package.
    let gone = packages(
        PackageState::Absent,
        vec![
            (package("p"), Fields::All, there("p"), State::Absent),
            (unit("p"), Fields::Evidence, up.clone(), State::Absent),
            (unit("user"), Fields::Evidence, up.clone(), up.clone()),
        ],
    );
    counts(
        vec![gone, stops("p", State::Absent, State::Absent), stops("user", up.clone(), down.clone())],
        &[(package("p"), there("p")), (unit("p"), up.clone()), (unit("user"), up.clone())],
    );
    // It came with it.
    let came = packages(PackageState::Present, vec![(package("p"), Fields::All, State::Absent, there("p"))]);
    counts(vec![came, stops("p", down.clone(), down.clone())], &[(package("p"), State::Absent)]);
    // Its file was changed, or that of another one.
    for (path, about) in [
        ("/etc/systemd/system/p.service", true),
        ("/etc/systemd/system/p.service.d/more.conf", true),
        ("/etc/systemd/system/multi-user.target.wants", true),
        ("/etc/systemd", true),
        ("/usr/lib/systemd/system/q.service", false),
        ("/etc/p", false),
    ] {
        let mut want = vec![(file(path), content(1))];
        want.extend((!about).then(|| (unit("p"), up.clone())));
        counts(vec![removes(&file(path), content(1)), stops("p", up.clone(), down.clone())], &want);
    }
    let template = file("/usr/lib/systemd/system/many@.service");
    counts(vec![removes(&template, content(1)), stops("many@2", up.clone(), down)], &[(template, content(1))]);
    // What starts at boot is a link.
    let (wants, motd) = (file("/etc/systemd/system/multi-user.target.wants"), file("/etc/motd"));
    let (enabled, off) = (up.clone(), is(Active::Active, "disabled"));
    let steps = |now: &State| {
        vec![stops("p", enabled.clone(), now.clone()), removes(&wants, tree(1)), removes(&motd, content(2))]
    };
    counts(steps(&off), &[(unit("p"), up.clone()), (motd.clone(), content(2))]);
    let stopped = is(Active::Inactive, "enabled");
    counts(steps(&stopped), &[(unit("p"), up), (wants.clone(), tree(1)), (motd.clone(), content(2))]);
}

#[test]
fn repositories_and_their_files_count_once() {
    let (id, repo, conf) =
        (ResourceKey::repository(&host("a"), "x"), file("/etc/yum.repos.d/x.repo"), file("/etc/motd"));
    let on = |enabled| State::Repository { enabled };
    let switched = runs(vec![(id.clone(), on(true), on(false))]);
    counts(
        vec![switched, removes(&repo, content(1)), removes(&conf, content(2))],
        &[(id.clone(), on(true)), (conf.clone(), content(2))],
    );
    let again = runs(vec![(id, State::Absent, State::Absent)]);
    counts(vec![removes(&repo, content(1)), again], &[(repo, content(1))]);
}
