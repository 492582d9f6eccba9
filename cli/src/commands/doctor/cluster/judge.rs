//! What a cluster's facts mean for a run.

use super::super::judge::Level;
use super::super::row::{Look, Row};
use crate::render::{count, hints, some, span};
use palinode_core::chain::chain;
use palinode_core::id::Micros;
use palinode_core::port::LookError;
use palinode_executors::{Clock, ClusterCheckup, Nodes};

/// Tokens and certificates of service accounts tolerate little more.
const OFF: i64 = 5_000_000;

/// The oldest minor version whose answers are known: OpenShift 3.11.
const OLDEST: u32 = 11;

/// The lines about it. `own`: the name of the journal here.
pub(crate) fn judge(look: &Look<ClusterCheckup>, own: Option<&str>) -> Vec<Row> {
    let row = |about, level, what: String, next: Option<String>| Row { about, level, what, next };
    let found = match look {
        Look::Unreached(why) => {
            let next = "see that `kubectl version` works from here; name the file with --kubeconfig, the context with --context";
            return vec![row("reached", Level::Broken, why.clone(), Some(next.to_owned()))];
        }
        Look::Refused(why) => {
            let next = "see that `kubectl get nodes` works from here with the same --kubeconfig and --context";
            return vec![row("reached", Level::Broken, why.clone(), Some(next.to_owned()))];
        }
        Look::Seen(found) => found,
    };
    let mut rows = vec![reached(found), version(found)];
    rows.extend(rights(found));
    rows.push(clock(found.clock));
    rows.extend(nodes(&found.nodes, own));
    rows.extend(cannot(found));
    rows
}

fn reached(found: &ClusterCheckup) -> Row {
    let id = &found.id;
    let what = format!("{}, context {}", id.server, if id.context.is_empty() { "none" } else { &id.context });
    let (level, what, next) = match &id.ca {
        Some(_) => (Level::Good, what, None),
        None if id.server.starts_with("http://") => {
            (Level::Note, format!("{what}; nothing of what is said there is encrypted"), None)
        }
        None => {
            let next = "put `certificate-authority` into the kubeconfig, and `insecure-skip-tls-verify` out of it";
            (Level::Note, format!("{what}; the kubeconfig names no authority for it"), Some(next.to_owned()))
        }
    };
    Row { about: "reached", level, what, next }
}

fn version(found: &ClusterCheckup) -> Row {
    let version = found.id.version.clone();
    let (level, what) = match found.minor() {
        Some(minor) if minor >= OLDEST => (Level::Good, version),
        Some(_) => (Level::Note, format!("{version}, older than the 1.{OLDEST} of OpenShift 3.11: it was never tried")),
        None => (Level::Note, format!("{version}, which does not say how old it is")),
    };
    Row { about: "version", level, what, next: None }
}

/// The words of the actions without which no run of nodes works.
const NEEDED: [&str; 2] = ["cordon, label, taint", "drain"];

fn rights(found: &ClusterCheckup) -> Vec<Row> {
    let about = "rights";
    let told: Vec<(&str, &Vec<String>)> =
        found.rights.iter().filter_map(|rights| Some((rights.of, rights.lacking.as_ref()?))).collect();
    if told.is_empty() {
        let what = "the server does not say what these credentials may do; a run learns it at its first refusal";
        return vec![Row { about, level: Level::Note, what: what.to_owned(), next: None }];
    }
    let allowed: Vec<&str> = told.iter().filter(|(_, lacking)| lacking.is_empty()).map(|(of, _)| *of).collect();
    let mut rows = Vec::new();
    if !allowed.is_empty() {
        rows.push(Row { about, level: Level::Good, what: format!("enough for {}", allowed.join("; ")), next: None });
    }
    for (of, lacking) in told.iter().filter(|(_, lacking)| !lacking.is_empty()) {
        let level = if NEEDED.contains(of) { Level::Broken } else { Level::Note };
        let next =
            "ask for them (`kubectl auth can-i VERB KIND` shows them), or name other credentials with --kubeconfig";
        let what = format!("not enough for {of}: these credentials may not {}", lacking.join(", "));
        rows.push(Row { about, level, what, next: Some(next.to_owned()) });
    }
    rows
}

fn clock(clock: Option<Clock>) -> Row {
    let about = "clock";
    let Some(clock) = clock else {
        let what = "the server's answers do not tell the time".to_owned();
        return Row { about, level: Level::Note, what, next: None };
    };
    let off = Micros(clock.ahead.saturating_abs());
    let side = if clock.ahead < 0 { "behind" } else { "ahead" };
    let figure = format!("{} {side} of this machine (\u{b1} {})", span(off), span(Micros(clock.error)));
    if off.0.saturating_sub(clock.error) <= OFF {
        return Row { about, level: Level::Good, what: figure, next: None };
    }
    let what = format!(
        "{figure}: requests for certificates may count as too old for `newer_than`, tokens as expired, and the server's \
         audit log does not fit the journal's times"
    );
    let next = "`chronyc tracking` here and on the masters: one of them is wrong".to_owned();
    Row { about, level: Level::Note, what, next: Some(next) }
}

fn nodes(nodes: &Result<Nodes, LookError>, own: Option<&str>) -> Vec<Row> {
    let about = "nodes";
    let nodes = match nodes {
        Ok(nodes) => nodes,
        Err(why) => return vec![Row { about, level: Level::Note, what: chain(why), next: None }],
    };
    let names = |all: &[String]| some(&all.iter().map(String::as_str).collect::<Vec<_>>(), 6);
    let mut rows = Vec::new();
    let mut what = count(nodes.all, "node");
    let mut level = Level::Good;
    for (all, is) in [(&nodes.not_ready, "not Ready"), (&nodes.cordoned, "cordoned")] {
        if !all.is_empty() {
            level = Level::Note;
            what.push_str(&format!("; {is}: {}", names(all)));
        }
    }
    rows.push(Row { about, level, what, next: None });
    for ((journal, who), claimed) in &nodes.claimed {
        let (by, next) = match own == Some(journal) {
            true => ("the journal here", format!("type `{}`", hints::command("runs --open"))),
            false => (
                "another journal",
                "wait until that run is closed, or if nobody works on it any more, run with --take-over".to_owned(),
            ),
        };
        let what = format!("{} claimed by {by}: {who}", names(claimed));
        rows.push(Row { about: "claims", level: Level::Note, what, next: Some(next) });
    }
    if nodes.claimed.is_empty() {
        rows.push(Row { about: "claims", level: Level::Good, what: "nobody claims a node".to_owned(), next: None });
    }
    rows
}

/// What this server cannot do, each with what follows for a run.
fn cannot(found: &ClusterCheckup) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut say = |level, what: String, next: Option<&str>| {
        rows.push(Row { about: "cannot", level, what, next: next.map(str::to_owned) });
    };
    let (minor, has) = (found.minor(), |api: &str| found.has(api));
    let older = |than: u32| minor.is_some_and(|minor| minor < than);
    match found.evictions.as_deref() {
        None => say(
            Level::Broken,
            "it has no evictions, so no node can be drained: budgets would not be respected".to_owned(),
            Some("see that the API server is not told to switch `policy` off"),
        ),
        Some(version) if version != "policy/v1" && has("policy/v1") != Some(true) => say(
            Level::Note,
            format!("no policy/v1 (1.21 has it): pods are evicted in {version}, which is what is asked for here"),
            None,
        ),
        Some(_) => {}
    }
    if older(13) {
        say(
            Level::Note,
            "no dry run by the server (1.13 has it): what an admission plugin would refuse shows when it is asked for"
                .to_owned(),
            None,
        );
    }
    if older(16) {
        say(
            Level::Note,
            "no server-side apply (1.16 has it): `kube.apply` and `kube.patch` merge fields, whoever else owns them"
                .to_owned(),
            None,
        );
    }
    match (has("certificates.k8s.io/v1"), has("certificates.k8s.io/v1beta1")) {
        (Some(false), Some(true)) => say(
            Level::Note,
            "no certificates.k8s.io/v1 (1.19 has it): requests are approved in v1beta1".to_owned(),
            None,
        ),
        (Some(false), Some(false)) => {
            say(Level::Note, "it has no requests for certificates: `approve-csr` is refused".to_owned(), None);
        }
        _ => {}
    }
    if has("apps/v1") == Some(false) {
        say(
            Level::Note,
            "no apps/v1 (1.9 has it): a drain cannot tell pods of DaemonSets that are gone from those that come back"
                .to_owned(),
            None,
        );
    }
    if has("authorization.k8s.io/v1") == Some(false) {
        say(
            Level::Note,
            "it does not tell rights (authorization.k8s.io/v1): they are not asked for before a run".to_owned(),
            None,
        );
    }
    if older(12) {
        say(
            Level::Note,
            "it patches what it remembers of a Node, which may lag: such a change is answered 500 `Testing value`, and made \
             again here for up to 20 seconds"
                .to_owned(),
            None,
        );
    }
    if rows.is_empty() {
        rows.push(Row {
            about: "cannot",
            level: Level::Good,
            what: "nothing is missing that a run asks for".to_owned(),
            next: None,
        });
    }
    rows
}
