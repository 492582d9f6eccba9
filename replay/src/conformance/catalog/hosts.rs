//! Actions on a host: baseline, units, packages, name resolution, reboots, the excluder's command, files.

use super::{NODE, UPSTREAM, absent, does, install, remove, resolver, services, start, stop, write};
use crate::conformance::{Case, Change, Prep, Rule};
use palinode_core::action::ServiceState::{Started, Stopped};
use palinode_core::action::{
    Action, Command, DnsCheck, Fetch, FileRead, FileWrite, GlusterHeal, PackageState, Record, Repository, UNSET, Wait,
};
use palinode_core::id::BadId;
use palinode_core::record::Why;
use palinode_core::span::Span;

const EXCLUDER: &str = "/sbin/atomic-openshift-excluder";
const GONE: &str = "the unit of a package that went stops; a service step brings it back";
const WITH: &str = "systemd stops what needs the unit with it; a service step for that one brings it back";
const ASIDE: &str = "the kubelet's runtime stopped with its package; a service step brings it back";

fn excluder(verb: &str, undo: Option<&str>) -> Action {
    let words = |verb: &str| vec![EXCLUDER.to_owned(), verb.to_owned()];
    let command = Command::of(words(verb), vec!["/etc/yum.conf".to_owned()]);
    let undo = undo.map(|verb| Command::of(words(verb), Vec::new()).run);
    Action::Command(Command { undo, ..command })
}

fn names() -> Action {
    Action::DnsCheck(DnsCheck { names: vec!["registry.demo".to_owned(), "master1.demo".to_owned()] })
}

fn record() -> Action {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Action::Record(Record {
        units: list(&["crio", "docker", "dnsmasq", "nothing"]),
        packages: list(&["docker", "cri-o", "nothing"]),
        files: list(&["/etc/origin", "/etc/resolv.conf", "/etc/localtime", "/etc/nothing"]),
        node: true,
    })
}

fn wait(what: fn(&mut Wait)) -> Action {
    let mut wait = Wait { port: None, path: None, unit: None, span: None, timeout: Span::seconds(2) };
    what(&mut wait);
    Action::Wait(wait)
}

fn fetch(path: &str) -> Action {
    Action::Fetch(Fetch { path: path.to_owned() })
}

fn heal(volumes: &[&str]) -> Action {
    Action::GlusterHeal(GlusterHeal { volumes: volumes.iter().map(|name| (*name).to_owned()).collect() })
}

fn is_exact(action: &Action) -> bool {
    matches!(action, Action::Package(package) if package.state == PackageState::Present && !package.exact.is_empty())
}

pub(super) fn cases() -> Result<Vec<Case>, BadId> {
    let runtime = ["cri-tools", "cri-o", "criu"];
    let quiet = || does([stop("atomic-openshift-node"), stop("crio")]);
    let unit = |name: &str| format!("{NODE}/unit/{name}");
    let mut cases = vec![
        Case::new("record", NODE, record())?.nothing(),
        Case::new("service, stop and disable", NODE, stop("dnsmasq"))?.leaves(unit("atomic-openshift-node"), WITH),
        Case::new("service, stop the kubelet", NODE, stop("atomic-openshift-node"))?,
        Case::new("service, stop a runtime", NODE, stop("crio"))?.after(does([stop("atomic-openshift-node")])),
        Case::new("service, start and enable", NODE, start("dnsmasq"))?.after(does([stop("dnsmasq")])),
        Case::new("service, unit under its alias", NODE, stop("cri-o"))?.after(does([stop("atomic-openshift-node")])),
        Case::new("service, absent unit stopped", NODE, stop("nothing"))?.nothing(),
        Case::new("service, absent unit started", NODE, start("nothing"))?.ends(Why::ExitCode, "not found"),
        Case::new("service, several", NODE, services(&["atomic-openshift-node", "crio", "nothing"], Stopped))?,
        Case::new("service, several started", NODE, services(&["crio", "atomic-openshift-node"], Started))?
            .after(does([services(&["atomic-openshift-node", "crio"], Stopped)])),
        Case::new("service, several started, one absent", NODE, services(&["dnsmasq", "nothing"], Started))?
            .after(does([stop("dnsmasq")]))
            .ends(Why::ExitCode, "not found"),
        Case::new("service, already stopped", NODE, stop("dnsmasq"))?.after(does([stop("dnsmasq")])).nothing(),
        Case::new("reboot", NODE, Action::Reboot {})?
            .except(Rule::Afresh, "a new intent names the present boot, so it asks for another one"),
        Case::new("dns.check", NODE, names())?.nothing(),
        Case::new("dns.check, cut off", NODE, names())?.after(does([stop("dnsmasq")])).ends(Why::ExitCode, "not known"),
        Case::new("gluster.heal", NODE, heal(&[]))?.nothing(),
        Case::new("gluster.heal, one volume", NODE, heal(&["registry"]))?.nothing(),
        Case::new("gluster.heal, no such volume", NODE, heal(&["nothing"]))?.ends(Why::ExitCode, "does not exist"),
        Case::new("gluster.heal, no gluster", "ingress1.demo", heal(&[]))?.ends(Why::ExitCode, "does not answer"),
        Case::new("wait, unit", NODE, wait(|wait| wait.unit = Some("dnsmasq".to_owned())))?.nothing(),
        Case::new("wait, path", NODE, wait(|wait| wait.path = Some("/etc/origin".to_owned())))?.nothing(),
        Case::new("wait, port", NODE, wait(|wait| wait.port = Some(22)))?.nothing(),
        Case::new("wait, time", NODE, wait(|wait| wait.span = Some(Span::seconds(1))))?.nothing(),
        Case::new("wait, unit that does not run", NODE, wait(|wait| wait.unit = Some("dnsmasq".to_owned())))?
            .after(does([stop("dnsmasq")]))
            .ends(Why::Timeout, "dnsmasq is inactive"),
        Case::new("wait, no path", NODE, wait(|wait| wait.path = Some("/etc/nothing".to_owned())))?
            .ends(Why::Timeout, "No such file"),
        Case::new("wait, no port", NODE, wait(|wait| wait.port = Some(9)))?
            .ends(Why::Timeout, "nothing listens on port 9"),
        Case::new("fetch", NODE, fetch("/etc/resolv.conf"))?.nothing(),
        Case::new("fetch, tree", NODE, fetch("/etc/origin"))?.nothing(),
        Case::new("fetch, nothing there", NODE, fetch("/etc/nothing"))?.ends(Why::ExitCode, "No such file"),
        Case::new("command, unexclude", NODE, excluder("unexclude", Some("exclude")))?.repeat(),
        Case::new("command, exclude", NODE, excluder("exclude", Some("unexclude")))?
            .after(does([excluder("unexclude", None)]))
            .repeat(),
        Case::new("command, without an undo", NODE, excluder("unexclude", None))?.repeat(),
        Case::new("command, nothing to do", NODE, excluder("exclude", None))?.repeat().nothing(),
    ];
    cases.extend([
        Case::new("package absent, changed configuration", NODE, remove(&runtime))?
            .after(quiet())
            .leaves(unit("crio"), GONE)
            .leaves(format!("node/{NODE}@"), ASIDE),
        Case::new("package absent, resolver and dependents", NODE, remove(&["docker-client", "dnsmasq"]))?
            .after([
                Prep::Change(Change::Installed { host: NODE.to_owned(), package: "cockpit-docker".to_owned() }),
                Prep::Do(resolver(UPSTREAM)),
            ])
            .leaves(unit("docker"), GONE)
            .leaves(unit("dnsmasq"), GONE),
        Case::new("package absent, excluder", NODE, remove(&["atomic-openshift-excluder", "criu"]))?,
        Case::new("package absent, none there", NODE, remove(&["nothing"]))?.nothing(),
        Case::new("package present, version", NODE, install(&["atomic-openshift-excluder-3.11.161"]))?
            .after(does([remove(&["atomic-openshift-excluder"])])),
        Case::new("package present, with what it needs", NODE, install(&["docker"]))?
            .after(does([remove(&["docker-client"])])),
        Case::new("package present, already there", NODE, install(&["docker-1.13.1"]))?.nothing(),
        Case::new("package present, no such version", NODE, install(&["docker-9.9"]))?.refused("available").except(
            Rule::RefusedNoImage,
            "a transaction that began may have removed it: its undo installs what is gone",
        ),
        Case::new("package present, hidden", NODE, install(&["atomic-openshift-clients"]))?
            .after(does([remove(&["atomic-openshift-clients"])]))
            .refused("exclude="),
        Case::new("package present, no names", NODE, install(&["criu"]))?
            .after(does([remove(&["criu"]), stop("dnsmasq")]))
            .refused("resolve"),
        Case::new("package present, exact", NODE, remove(&runtime))?
            .after(quiet())
            .after([Prep::Keep(remove(&runtime))])
            .inverse(is_exact),
        Case::new("package present, exact, files gone", NODE, remove(&["dnsmasq"]))?
            .after([Prep::Do(resolver(UPSTREAM)), Prep::Keep(remove(&["dnsmasq"]))])
            .after(does([absent(&["/etc/dnsmasq.d/*"])]))
            .inverse(is_exact),
    ]);
    cases.extend(on_files()?);
    cases.extend(on_repositories()?);
    Ok(cases)
}

const SYSCONFIG: &str = "/etc/sysconfig/atomic-openshift-node";

fn read(path: &str, key: &str) -> Action {
    Action::FileRead(FileRead { path: path.to_owned(), key: key.to_owned() })
}

const REPO: &str = "/etc/yum.repos.d/extra.repo";

/// One is disabled, one says nothing and so is enabled, one says so.
const REPOS: &str = "[extra]\nname=Extra\nbaseurl=file:///srv/extra\nenabled=0\n\n# kept\n[silent]\nname=Silent\nbaseurl=file:///srv/silent\n\n\
                     [loud]\nname=Loud\nbaseurl=file:///srv/loud\nenabled = true\n";

fn repository(enable: &[&str], disable: &[&str], release: Option<&str>) -> Action {
    let list = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    Action::Repository(Repository { enable: list(enable), disable: list(disable), release: release.map(str::to_owned) })
}

fn on_repositories() -> Result<Vec<Case>, BadId> {
    let three = || [write(REPO, REPOS)];
    let bytes = "the line that says `enabled=` stays where it was put; what it says is what was";
    Ok(vec![
        Case::new("repository, enable and disable", NODE, repository(&["extra"], &["silent", "loud"], None))?
            .after(three())
            .leaves(format!("{NODE}/file:{REPO}"), bytes),
        Case::new("repository, one of them so already", NODE, repository(&["extra", "loud"], &[], None))?
            .after(three()),
        Case::new("repository, all so already", NODE, repository(&["silent", "loud"], &["extra"], None))?
            .after(three())
            .nothing(),
        Case::new("repository, release", NODE, repository(&[], &[], Some("7.6")))?.after(does([repository(
            &[],
            &[],
            Some("7.5"),
        )])),
        Case::new("repository, no release", NODE, repository(&[], &[], Some(UNSET)))?.after(does([repository(
            &[],
            &[],
            Some("7.5"),
        )])),
        Case::new("repository, unknown", NODE, repository(&["extra", "nothing"], &["loud"], Some("7.6")))?
            .after(three())
            .after(does([repository(&[], &[], Some("7.5"))]))
            .ends(Why::ExitCode, "no repository nothing"),
    ])
}

fn written(path: &str, mode: Option<&str>, owner: Option<&str>) -> Action {
    let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
    Action::FileWrite(FileWrite { path: path.to_owned(), content: "it's\n$a b\n".to_owned(), mode, owner })
}

fn restores(action: &Action) -> bool {
    matches!(action, Action::FileRestore(_))
}

fn on_files() -> Result<Vec<Case>, BadId> {
    // While its kubelet runs, a node writes its configuration anew.
    let quiet = || Prep::Do(stop("atomic-openshift-node"));
    let origin = || absent(&["/etc/origin"]);
    Ok(vec![
        Case::new("file absent, tree", NODE, origin())?.after([quiet()]),
        Case::new("file absent, content of a directory", NODE, absent(&["/etc/dnsmasq.d/*"]))?,
        Case::new("file absent, link", NODE, absent(&["/etc/localtime"]))?,
        Case::new(
            "file absent, as the purge does",
            NODE,
            absent(&["/etc/origin", "/etc/dnsmasq.d/*", "/etc/nothing.rpmsave"]),
        )?
        .after([quiet()]),
        Case::new("file absent, none there", NODE, absent(&["/etc/nothing", "/etc/none/*"]))?.nothing(),
        Case::new("file.copy", NODE, resolver(UPSTREAM))?,
        Case::new("file.copy, the same already", NODE, resolver(UPSTREAM))?.after(does([resolver(UPSTREAM)])).nothing(),
        Case::new("file.copy, source names only the host", NODE, resolver("/etc/resolv.conf"))?.refused("name server"),
        Case::new("file.copy, no source", NODE, resolver("/etc/nothing"))?.refused("No such file"),
        Case::new("file.copy, no destination yet", NODE, resolver(UPSTREAM))?
            .after(does([absent(&["/etc/resolv.conf"])])),
        Case::new("file.write", NODE, written("/etc/new", None, None))?,
        Case::new("file.write, over a file", NODE, written("/etc/resolv.conf", None, None))?,
        Case::new(
            "file.write, with mode and owner",
            NODE,
            written("/etc/resolv.conf", Some("0600"), Some("root:bin")),
        )?,
        Case::new("file.write, over a link", NODE, written("/etc/localtime", None, None))?,
        Case::new("file.write, already so", NODE, written("/etc/new", Some("0640"), None))?
            .after(does([written("/etc/new", Some("0640"), Some("root:root"))]))
            .nothing(),
        Case::new("file.write, no directory", NODE, written("/etc/none/new", None, None))?
            .ends(Why::ExitCode, "No such file"),
        Case::new("file.write, over a directory", NODE, written("/etc/origin", None, None))?
            .ends(Why::ExitCode, "is a directory"),
        Case::new("file.read", NODE, read(SYSCONFIG, "BOOTSTRAP_CONFIG_NAME"))?.nothing(),
        Case::new("file.read, no such key", NODE, read(SYSCONFIG, "NOTHING"))?.ends(Why::ExitCode, "NOTHING"),
        Case::new("file.read, no such file", NODE, read("/etc/nothing", "KEY"))?.ends(Why::ExitCode, "No such file"),
        Case::new("file.restore, file", NODE, origin())?.after([Prep::Keep(resolver(UPSTREAM))]).inverse(restores),
        Case::new("file.restore, tree", NODE, origin())?.after([quiet(), Prep::Keep(origin())]).inverse(restores),
        Case::new("file.restore, tree over another", NODE, origin())?
            .after([
                quiet(),
                Prep::Keep(origin()),
                write("/etc/origin/node/resolv.conf", "other\n"),
                write("/etc/origin/extra/file", "x\n"),
            ])
            .inverse(restores),
        Case::new("file.restore, link", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/localtime"]))])
            .inverse(restores),
        Case::new("file.restore, absent", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/nothing"])), write("/etc/nothing", "something\n")])
            .inverse(restores),
        Case::new("file.restore, already so", NODE, origin())?
            .after([Prep::Keep(absent(&["/etc/nothing"]))])
            .inverse(restores)
            .nothing(),
    ])
}
