//! The way back of units that were changed together, and what no way back brings.

use super::{Accept, Accepted, Action, Package, Service, ServiceState, Undo};
use crate::id::ResourceKey;
use crate::resource::{Active, Image, Kind, Loss, Residue, State};

/// The inverses of a `service` action in the order that brings all of its units back: what ran is started first, for a
/// start pulls in what the unit needs and stops what conflicts with it; the others are stopped behind that. Those that
/// were named go first, for some units start only beside one that runs already.
///
/// `boots_first`: whether what starts at boot comes before all that. Of a unit that was changed along, the action changed nothing but whether it runs, or whether it starts at boot. A unit
/// that nothing starts again is left stopped: [`losses`] names it.
pub(crate) fn together(service: &Service, inverse: Vec<Undo>, before: &Image, boots_first: bool) -> Vec<Undo> {
    let (mut starts, mut stops, mut boots) = (Vec::new(), Vec::new(), Vec::new());
    let alone = service.enabled.is_none() || before.keys().all(|key| is_named(service, key));
    let is_of_named = |undo: &Undo| match &undo.action {
        Action::Service(back) => service.names().any(|name| name == back.unit),
        _ => false,
    };
    let (named, along): (Vec<Undo>, Vec<Undo>) = inverse.into_iter().partition(is_of_named);
    for mut undo in named.into_iter().chain(along) {
        let Action::Service(back) = &mut undo.action else {
            stops.push(undo);
            continue;
        };
        let named = service.names().any(|name| name == back.unit);
        let was = before.iter().find_map(|(key, state)| match (key.kind(), state) {
            (Some(Kind::Unit(_, unit)), State::Unit { active, enabled }) if unit == back.unit => {
                Some((*active, enabled.as_str()))
            }
            _ => None,
        });
        if !named {
            back.state = back.state.filter(|_| service.state.is_some());
            back.enabled = back.enabled.filter(|_| service.enabled.is_some());
        }
        match was {
            Some((Active::Active, enabled)) if stays_stopped(enabled) => back.state = Some(ServiceState::Stopped),
            // Its state was none of the action's business, and a stop would end what is left of it.
            Some((Active::Leftovers, _)) if service.state.is_none() => back.state = None,
            _ => {}
        }
        // To enable one may enable others, so that is not done for one after the other.
        if alone {
            match (back.state, back.enabled) {
                (None, None) => {}
                (Some(ServiceState::Started), _) => starts.push(undo),
                (Some(ServiceState::Stopped) | None, _) => stops.push(undo),
            }
            continue;
        }
        let (state, enabled) = (back.state.take(), back.enabled.take());
        let only = |state, enabled| {
            let mut undo = undo.clone();
            if let Action::Service(back) = &mut undo.action {
                (back.state, back.enabled) = (state, enabled);
            }
            undo
        };
        match state {
            None => {}
            Some(ServiceState::Started) => starts.push(only(state, None)),
            Some(ServiceState::Stopped) => stops.push(only(state, None)),
        }
        if enabled.is_some() {
            boots.push(only(None, enabled));
        }
    }
    // With another name that comes with it, systemd may forget that a unit runs.
    match boots_first {
        true => [boots, starts, stops].concat(),
        false => [starts, stops, boots].concat(),
    }
}

/// The inverses of a `package` action with the way back of units at their end: those of packages that went, and those that
/// stopped along with them. What starts at boot comes first: with another name that comes with it, systemd may forget that a
/// unit runs. What ran is started by one action, for each of them may pull in the others; then what did not run is stopped,
/// each for itself, for who stops what is stopped already stops what needs it. Packages lay down their units anew, so any
/// state is taken.
pub(crate) fn behind_packages(package: &Package, inverse: Vec<Undo>, before: &Image) -> Vec<Undo> {
    let mut undos: Vec<Undo> = inverse.into_iter().filter(|undo| !matches!(undo.action, Action::Service(_))).collect();
    if package.units.is_empty() {
        return undos;
    }
    let (mut starts, mut stops, mut enables, mut disables) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let all = before.iter().filter_map(|(key, state)| match (key.kind(), state) {
        (Some(Kind::Unit(_, unit)), State::Unit { active, enabled }) => Some((key, unit, *active, enabled.as_str())),
        _ => None,
    });
    // Those of the packages go first, for some units start only beside one that runs already.
    let (own, along): (Vec<_>, Vec<_>) = all.partition(|(_, unit, ..)| package.units.contains(*unit));
    for (key, unit, active, enabled) in own.iter().chain(&along) {
        match active {
            Active::Active if !stays_stopped(enabled) => starts.push((*key, *unit)),
            Active::Inactive | Active::Failed => stops.push((*key, *unit)),
            // What is left of a stopped unit was not the packages' business, and a stop would end it.
            Active::Active | Active::Leftovers => {}
        }
    }
    for (key, unit, _, enabled) in &own {
        match *enabled {
            "enabled" => enables.push((*key, *unit)),
            "disabled" => disables.push((*key, *unit)),
            _ => {}
        }
    }
    let keys =
        |all: &[(&ResourceKey, &str)]| -> Vec<ResourceKey> { all.iter().map(|(key, _)| (*key).clone()).collect() };
    let every: Vec<ResourceKey> = own.iter().chain(&along).map(|(key, ..)| (*key).clone()).collect();
    let mut add = |units: &[(&ResourceKey, &str)], state, enabled, keys: &[ResourceKey]| {
        let mut names: Vec<String> = units.iter().map(|(_, unit)| (*unit).to_owned()).collect();
        let (unit, units) = match names.len() {
            0 => return,
            1 => (names.remove(0), Vec::new()),
            _ => (String::new(), names),
        };
        let accepts = keys.iter().map(|key| Accept { key: key.clone(), state: Accepted::Any }).collect();
        undos.push(Undo { action: Action::Service(Service { unit, units, state, enabled }), accepts });
    };
    let whole = starts == enables;
    let at_once: Vec<_> =
        if whole { stops.iter().filter(|one| disables.contains(one)).copied().collect() } else { Vec::new() };
    disables.retain(|one| !at_once.contains(one));
    add(&disables, None, Some(false), &keys(&disables));
    if !whole {
        add(&enables, None, Some(true), &keys(&enables));
    }
    add(&starts, Some(ServiceState::Started), whole.then_some(true), &every);
    for one in &stops {
        add(&[*one], Some(ServiceState::Stopped), at_once.contains(one).then_some(false), &keys(&[*one]));
    }
    undos
}

/// The units of a `package` action that ran, and that nothing starts again once they are stopped.
pub(crate) fn stay_down(before: &Image) -> Vec<Residue> {
    let all = before.iter().filter(|(key, state)| match (key.kind(), state) {
        (Some(Kind::Unit(..)), State::Unit { active, enabled }) => active.runs() && stays_stopped(enabled),
        _ => false,
    });
    all.map(|(key, _)| Residue { key: key.clone(), loss: Loss::StaysStopped }).collect()
}

/// Of what [`stay_down`] names, what does not run now.
pub(crate) fn are_down(announced: &[Residue], after: &Image) -> Vec<Residue> {
    let runs = |key: &ResourceKey| matches!(after.get(key), Some(State::Unit { active, .. }) if active.runs());
    announced.iter().filter(|lost| !runs(&lost.key)).cloned().collect()
}

/// What is lost for good when these units are changed.
pub(crate) fn losses(service: &Service, before: &Image) -> Vec<Residue> {
    let mut all = Vec::new();
    for (key, state) in before {
        let (Some(Kind::Unit(_, unit)), State::Unit { active, enabled }) = (key.kind(), state) else { continue };
        let named = service.names().any(|name| name == unit);
        let mut lost = |loss| all.push(Residue { key: key.clone(), loss });
        // One that runs and is changed along is stopped along.
        let stops = if named { service.state == Some(ServiceState::Stopped) } else { service.state.is_some() };
        match active {
            Active::Active if stops && stays_stopped(enabled) => lost(Loss::StaysStopped),
            Active::Leftovers if named && service.state.is_some() => lost(Loss::LeftProcesses),
            Active::Active | Active::Inactive | Active::Failed | Active::Leftovers => {}
        }
        if named && service.enabled == Some(true) && is_replaced(enabled) {
            lost(Loss::EnabledOtherwise);
        }
    }
    all
}

/// Whether nothing starts such a unit again: a masked one, and one that was made for as long as it runs.
fn stays_stopped(enabled: &str) -> bool {
    matches!(enabled, "masked" | "masked-runtime" | "transient")
}

/// Whether `systemctl enable` takes the place of what there is, and `disable` does not bring it back.
fn is_replaced(enabled: &str) -> bool {
    matches!(enabled, "linked" | "linked-runtime" | "enabled-runtime")
}

/// Whether a unit that is there now is back as far as systemd can bring it: one that had failed, or had left processes
/// behind, is stopped.
pub(crate) fn is_back_as_stopped(was: &State, is: &State) -> bool {
    match (was, is) {
        (State::Unit { active, enabled }, State::Unit { active: now, enabled: at_boot }) => {
            matches!(active, Active::Failed | Active::Leftovers) && *now == Active::Inactive && enabled == at_boot
        }
        _ => false,
    }
}

/// The units that a `service` action touches without naming them: those that systemd changes along, by their keys.
pub(crate) fn is_named(service: &Service, key: &ResourceKey) -> bool {
    matches!(key.kind(), Some(Kind::Unit(_, unit)) if service.names().any(|name| name == unit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::{PackageState, Target};
    use crate::id::HostName;
    use crate::resource::{Fields, Footprint};
    use crate::run::rules::prepare::way_back;
    use crate::run::rules::version::Rules;
    use std::collections::BTreeSet;

    const STOPPED: Option<ServiceState> = Some(ServiceState::Stopped);
    const STARTED: Option<ServiceState> = Some(ServiceState::Started);

    fn service(units: &[&str], state: Option<ServiceState>, enabled: Option<bool>) -> Service {
        let units = units.iter().map(|unit| (*unit).to_owned()).collect();
        Service { unit: String::new(), units, state, enabled }
    }

    fn key(unit: &str) -> ResourceKey {
        ResourceKey::unit(&HostName::new("a").expect("a host name"), unit)
    }

    fn image(units: &[(&str, Active, &str)]) -> Image {
        let state = |active: &Active, enabled: &&str| State::Unit { active: *active, enabled: (*enabled).to_owned() };
        units.iter().map(|(unit, active, enabled)| (key(unit), state(active, enabled))).collect()
    }

    /// The way back in words, and the losses.
    fn back(rules: Rules, service: &Service, before: &Image) -> (Vec<String>, Vec<Residue>) {
        let target = Target { host: HostName::new("a").ok(), node: None };
        let (inverse, losses) = way_back(rules, &Action::Service(service.clone()), &target, &[], before);
        (inverse.iter().map(|undo| undo.action.words()).collect(), losses)
    }

    #[test]
    fn what_ran_is_started_before_what_it_pulls_in_is_stopped() {
        let stop = service(&["docker", "node"], STOPPED, None);
        let before = image(&[
            ("docker", Active::Inactive, "disabled"),
            ("node", Active::Active, "enabled"),
            ("proxy", Active::Active, "static"),
            ("side", Active::Failed, "enabled"),
        ]);
        let together = ["start and enable node", "start proxy", "stop and disable docker", "stop side"];
        let apart = ["start and enable node", "stop and disable docker", "start proxy", "stop and enable side"];
        for rules in Rules::all() {
            let wanted = if rules.version() >= 5 { together } else { apart };
            assert_eq!(back(rules, &stop, &before), (wanted.map(str::to_owned).into(), vec![]), "{rules:?}");
        }
    }

    #[test]
    fn what_nothing_starts_again_is_a_loss_and_is_not_tried() {
        let lost = |unit: &str, loss| Residue { key: key(unit), loss };
        for enabled in ["masked", "masked-runtime", "transient"] {
            let before = image(&[("a", Active::Active, enabled), ("user", Active::Active, enabled)]);
            let gone = vec![lost("a", Loss::StaysStopped), lost("user", Loss::StaysStopped)];
            let words = || vec!["stop a".to_owned(), "stop user".to_owned()];
            assert_eq!(back(Rules::NOW, &service(&["a"], STOPPED, None), &before), (words(), gone), "{enabled}");
            let kept = vec![lost("user", Loss::StaysStopped)];
            assert_eq!(back(Rules::NOW, &service(&["a"], STARTED, None), &before), (words(), kept), "{enabled}");
            let still = image(&[("a", Active::Inactive, enabled)]);
            let stop = vec!["stop a".to_owned()];
            assert_eq!(back(Rules::NOW, &service(&["a"], STOPPED, None), &still), (stop, vec![]), "{enabled}");
        }
    }

    #[test]
    fn what_starts_at_boot_along_comes_back_before_all_that_runs() {
        let before = image(&[("a", Active::Inactive, "disabled"), ("a.socket", Active::Active, "enabled")]);
        let all = ["disable a", "enable a.socket", "start a.socket", "stop a"];
        let both = service(&["a"], STARTED, Some(true));
        assert_eq!(back(Rules::NOW, &both, &before).0, all);
        let last = ["start a.socket", "stop a", "disable a", "enable a.socket"];
        assert_eq!(back(Rules::of(5).expect("known"), &both, &before).0, last);
        assert_eq!(
            back(Rules::NOW, &service(&["a"], None, Some(true)), &before).0,
            ["disable a", "enable a.socket", "stop a"]
        );
        assert_eq!(
            back(Rules::NOW, &service(&["a"], STARTED, None), &before).0,
            ["start a.socket", "stop and disable a"]
        );
        let named = service(&["a", "a.socket"], STARTED, Some(true));
        assert_eq!(back(Rules::NOW, &named, &before).0, ["start and enable a.socket", "stop and disable a"]);
    }

    #[test]
    fn what_was_named_comes_back_before_what_changed_along() {
        let before = image(&[("a", Active::Active, "static"), ("b", Active::Active, "static")]);
        let stop = Service { unit: "b".to_owned(), units: Vec::new(), state: STOPPED, enabled: None };
        assert_eq!(back(Rules::NOW, &stop, &before).0, ["start b", "start a"]);
    }

    #[test]
    fn what_is_only_looked_at_is_nothing_to_take_back() {
        let before = image(&[("a", Active::Active, "enabled"), ("a.socket", Active::Active, "enabled")]);
        let target = Target { host: HostName::new("a").ok(), node: None };
        let stop = Action::Service(service(&["a"], STOPPED, None));
        for (fields, count) in [(Fields::Evidence, 1), (Fields::All, 2)] {
            let places = [Footprint::new(key("a"), Fields::All), Footprint::new(key("a.socket"), fields)];
            assert_eq!(way_back(Rules::NOW, &stop, &target, &places, &before).0.len(), count, "{fields:?}");
        }
    }

    #[test]
    fn a_unit_with_leftovers_is_never_started() {
        let before = image(&[("a", Active::Leftovers, "disabled")]);
        let lost = vec![Residue { key: key("a"), loss: Loss::LeftProcesses }];
        for state in [STOPPED, STARTED] {
            let (words, losses) = back(Rules::NOW, &service(&["a"], state, None), &before);
            assert_eq!((words, losses), (vec!["stop and disable a".to_owned()], lost.clone()));
        }
        // Whether it runs was none of its business.
        let enable = service(&["a"], None, Some(true));
        assert_eq!(back(Rules::NOW, &enable, &before), (vec!["disable a".to_owned()], vec![]));
        let met = |state| Action::Service(service(&["a"], state, None)).met(&key("a"), None, &before[&key("a")]);
        assert_eq!((met(STOPPED), met(STARTED)), (Some(false), Some(false)));
    }

    #[test]
    fn how_a_linked_unit_was_enabled_is_a_loss() {
        for (enabled, lost) in [("linked", true), ("enabled-runtime", true), ("disabled", false), ("static", false)] {
            let before = image(&[("a", Active::Active, enabled)]);
            let (_, losses) = back(Rules::NOW, &service(&["a"], None, Some(true)), &before);
            assert_eq!(!losses.is_empty(), lost, "{enabled}");
            assert_eq!(back(Rules::NOW, &service(&["a"], None, Some(false)), &before).1, vec![], "{enabled}");
        }
    }

    #[test]
    fn units_of_packages_come_back_with_those_that_stopped_along() {
        let target = Target { host: HostName::new("a").ok(), node: None };
        let gone = |units: &[&str]| {
            let mut package = Package::of(vec!["dns".to_owned()], PackageState::Absent);
            package.units = units.iter().map(|unit| (*unit).to_owned()).collect();
            Action::Package(package)
        };
        let words = |rules, units: &[&str], before: &Image| -> Vec<String> {
            let (undos, _) = way_back(rules, &gone(units), &target, &[], before);
            let starts = |undo: &&Undo| undo.action.words().starts_with("start");
            if let Some(undo) = undos.iter().find(starts).filter(|_| rules == Rules::NOW) {
                let any = |key: &ResourceKey| undo.accepts(key, &State::Absent, |_| false);
                assert!(before.keys().all(any), "what a start pulls in is no drift");
            }
            undos.iter().map(|undo| undo.action.words()).collect()
        };
        // The node requires the resolver, and wants a helper that does not run.
        let before = image(&[
            ("a-node", Active::Active, "enabled"),
            ("dns", Active::Active, "enabled"),
            ("dns-setup", Active::Inactive, "disabled"),
            ("dns.timer", Active::Active, "static"),
            ("helper", Active::Failed, "enabled"),
            ("left", Active::Leftovers, "disabled"),
        ]);
        let own = ["dns", "dns-setup", "dns.timer"];
        let together =
            ["disable dns-setup", "enable dns", "start dns, dns.timer and a-node", "stop dns-setup", "stop helper"];
        assert_eq!(words(Rules::NOW, &own, &before), together);
        let apart = ["start and enable dns", "start dns.timer"];
        assert_eq!(words(Rules::of(5).expect("known"), &own, &before), apart);
        // One is put back at once, whichever name it has.
        let one = image(&[("dns", Active::Active, "enabled"), ("dns-setup", Active::Inactive, "disabled")]);
        assert_eq!(words(Rules::NOW, &own, &one), ["start and enable dns", "stop and disable dns-setup"]);
        assert_eq!(words(Rules::NOW, &[], &one), [""; 0], "whoever asked about no unit changes none");
    }

    #[test]
    fn what_a_package_stops_for_good_is_a_loss_if_it_stopped() {
        let target = Target { host: HostName::new("a").ok(), node: None };
        let mut package = Package::of(vec!["dns".to_owned()], PackageState::Absent);
        package.units = BTreeSet::from(["dns".to_owned()]);
        let action = Action::Package(package);
        let before = image(&[("dns", Active::Active, "masked"), ("made", Active::Active, "transient")]);
        let (undos, losses) = way_back(Rules::NOW, &action, &target, &[], &before);
        let lost = |unit: &str| Residue { key: key(unit), loss: Loss::StaysStopped };
        assert_eq!((undos.len(), &losses[..]), (0, &[lost("dns"), lost("made")][..]));
        let after = image(&[("dns", Active::Inactive, "masked"), ("made", Active::Active, "transient")]);
        assert_eq!(action.lost(&losses, &before, &after), [lost("dns")]);
        assert_eq!(way_back(Rules::of(5).expect("known"), &action, &target, &[], &before).1, []);
    }

    #[test]
    fn stopped_is_as_far_as_a_failed_unit_comes_back() {
        let unit = |active, enabled: &str| State::Unit { active, enabled: enabled.to_owned() };
        let is = unit(Active::Inactive, "enabled");
        for (was, back) in [(Active::Failed, true), (Active::Leftovers, true), (Active::Active, false)] {
            assert_eq!(is_back_as_stopped(&unit(was, "enabled"), &is), back, "{was:?}");
        }
        assert!(!is_back_as_stopped(&unit(Active::Failed, "disabled"), &is));
        assert!(!is_back_as_stopped(&unit(Active::Failed, "enabled"), &unit(Active::Active, "enabled")));
        assert!(!is_back_as_stopped(&State::Absent, &is));
    }
}
