//! Actions on a node of the cluster, as they are typed.

use super::incomplete::incomplete;
use crate::error::Failure;
use crate::render::escape;
use palinode_core::action::{Action, ApproveCsr, Bare, CertUse, Drain, Emptydir, PatchNode, Terminating};
use palinode_core::cluster::is_own_taint;
use palinode_core::span::Span;
use palinode_core::suggest::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// The words that actions on a node begin with.
pub(super) const VERBS: [&str; 7] = ["cordon", "uncordon", "drain", "delete-node", "taint", "label", "approve-csr"];

/// The effects that a taint may have.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// What is done with a node.
#[derive(Debug)]
pub(super) enum NodeWork {
    /// These, one after the other.
    Actions(Vec<Action>),
    /// Its taints are changed; what is removed may be any of a key.
    Taints(Vec<Taint>),
}

/// One word behind `taint`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taint {
    /// `KEY=VALUE:EFFECT`, or `KEY:EFFECT`: as `key=value:Effect`.
    Set(String),
    /// `KEY-`, `KEY:EFFECT-` or `KEY=VALUE:EFFECT-`.
    Remove { key: String, value: Option<String>, effect: Option<String> },
}

/// Reads the words.
pub(super) fn work(words: &[&str]) -> Result<NodeWork, Failure> {
    let actions = match words {
        ["cordon"] => vec![Action::Cordon {}],
        ["uncordon"] => vec![Action::Uncordon {}],
        // As `oc adm drain` does: nothing comes back to what is being emptied.
        ["drain", options @ ..] => vec![Action::Cordon {}, Action::Drain(drain(options)?)],
        ["delete-node"] => vec![Action::DeleteNode {}],
        ["taint", first, rest @ ..] => {
            let all = std::iter::once(first).chain(rest).map(|word| taint(word));
            return Ok(NodeWork::Taints(all.collect::<Result<_, _>>()?));
        }
        ["label", first, rest @ ..] => {
            let labels = labels(std::iter::once(first).chain(rest).copied())?;
            vec![Action::PatchNode(PatchNode { unschedulable: None, labels, taints: BTreeMap::new() })]
        }
        ["approve-csr"] => {
            let (hour, limit) = (Span::seconds(3600), Span::seconds(600));
            let uses = vec![CertUse::Client, CertUse::Server];
            vec![Action::ApproveCsr(ApproveCsr { uses, newer_than: hour, timeout: limit })]
        }
        ["taint"] => {
            let next = "write `taint KEY=VALUE:EFFECT`, or `taint KEY-` to remove one";
            return Err(Failure::usage("`taint` does not say which taint", next));
        }
        ["label"] => {
            let next = "write `label KEY=VALUE`, or `label KEY-` to remove one";
            return Err(Failure::usage("`label` does not say which label", next));
        }
        [verb, more, ..] if VERBS.contains(verb) => {
            return Err(Failure::usage(
                format!("`{verb}` takes no more words, and `{more}` is one"),
                format!("type `palinode exec NODE {verb}`"),
            ));
        }
        _ => return Err(incomplete(words)),
    };
    Ok(NodeWork::Actions(actions))
}

impl NodeWork {
    /// Whether the node has to be there: one that joins asks for certificates before it is.
    pub(super) fn needs_node(&self) -> bool {
        match self {
            Self::Actions(actions) => !actions.iter().any(|action| matches!(action, Action::ApproveCsr(_))),
            Self::Taints(_) => true,
        }
    }

    /// The actions, on a node that has these taints.
    pub(super) fn actions(self, node: &str, now: &BTreeSet<String>) -> Result<Vec<Action>, Failure> {
        let words = match self {
            Self::Actions(actions) => return Ok(actions),
            Self::Taints(words) => words,
        };
        let mut taints = BTreeMap::new();
        for word in words {
            match &word {
                Taint::Set(taint) => {
                    taints.insert(taint.clone(), true);
                }
                Taint::Remove { key, .. } => {
                    let found: Vec<&String> = now.iter().filter(|taint| word.removes(taint)).collect();
                    if found.is_empty() {
                        let all: Vec<&str> = now.iter().map(String::as_str).collect();
                        return Err(Failure::usage(
                            format!(
                                "the node {} has no such taint `{}`; nothing was touched",
                                escape(node),
                                escape(key)
                            ),
                            match all.as_slice() {
                                [] => "it has no taints but the cluster's own".to_owned(),
                                all => format!("it has {}", escape(&all.join(", "))),
                            },
                        ));
                    }
                    taints.extend(found.into_iter().map(|taint| (taint.clone(), false)));
                }
            }
        }
        Ok(vec![Action::PatchNode(PatchNode { unschedulable: None, labels: BTreeMap::new(), taints })])
    }
}

impl Taint {
    /// Whether it removes a taint as images have them, `key=value:Effect`.
    fn removes(&self, taint: &str) -> bool {
        let Self::Remove { key, value, effect } = self else { return false };
        let Some((rest, has_effect)) = taint.rsplit_once(':') else { return false };
        let (has_key, has_value) = rest.split_once('=').unwrap_or((rest, ""));
        has_key == key
            && value.as_ref().is_none_or(|value| value == has_value)
            && effect.as_ref().is_none_or(|effect| effect == has_effect)
    }
}

fn taint(word: &str) -> Result<Taint, Failure> {
    let wrong = |what: String| {
        let next = "write KEY=VALUE:EFFECT or KEY:EFFECT, and KEY- or KEY:EFFECT- to remove; EFFECT is NoSchedule, \
                    PreferNoSchedule or NoExecute";
        Failure::usage(what, next)
    };
    let (text, removes) = word.strip_suffix('-').map_or((word, false), |text| (text, true));
    let (rest, effect) = text.rsplit_once(':').map_or((text, None), |(rest, effect)| (rest, Some(effect)));
    let (key, value) = rest.split_once('=').map_or((rest, None), |(key, value)| (key, Some(value)));
    if !is_key(key) || value.is_some_and(|value| !is_value(value)) {
        return Err(wrong(format!("`{word}` is no taint")));
    }
    if let Some(effect) = effect.filter(|effect| !EFFECTS.contains(effect)) {
        let meant = nearest(effect, EFFECTS).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(wrong(format!("`{effect}` is no effect of a taint{meant}")));
    }
    if is_own_taint(key) {
        return Err(Failure::usage(
            format!("the taint `{key}` comes and goes by the cluster's own hand"),
            "leave it to the cluster; `cordon` and `uncordon` are actions of their own",
        ));
    }
    match (removes, effect) {
        (false, Some(effect)) => Ok(Taint::Set(format!("{key}={}:{effect}", value.unwrap_or_default()))),
        (false, None) => Err(wrong(format!("the taint `{word}` has no effect"))),
        (true, effect) => Ok(Taint::Remove {
            key: key.to_owned(),
            value: value.map(str::to_owned),
            effect: effect.map(str::to_owned),
        }),
    }
}

fn labels<'a>(words: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, Option<String>>, Failure> {
    let mut labels = BTreeMap::new();
    for word in words {
        let found = match (word.split_once('='), word.strip_suffix('-')) {
            (Some((key, value)), _) => Some((key, Some(value))),
            (None, Some(key)) => Some((key, None)),
            (None, None) => None,
        };
        let found = found.filter(|(key, value)| is_key(key) && value.is_none_or(is_value));
        let Some((key, value)) = found else {
            let next = "write KEY=VALUE, or KEY- to remove it";
            return Err(Failure::usage(format!("`{word}` is no label"), next));
        };
        if labels.insert(key.to_owned(), value.map(str::to_owned)).is_some() {
            return Err(Failure::usage(format!("the label `{key}` is named twice"), "name it once"));
        }
    }
    Ok(labels)
}

/// Whether the API takes a text as the key of a label or a taint: a name, with a domain before a slash or without.
fn is_key(text: &str) -> bool {
    let (domain, name) = text.split_once('/').map_or((None, text), |(domain, name)| (Some(domain), name));
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let part =
        |part: &str| !part.is_empty() && part.chars().all(plain) && !part.starts_with('-') && !part.ends_with('-');
    !name.is_empty() && is_value(name) && domain.is_none_or(|domain| domain.len() <= 253 && domain.split('.').all(part))
}

/// Whether the API takes a text as the value of a label or a taint.
fn is_value(text: &str) -> bool {
    let end = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && end(text.chars().next())
        && end(text.chars().next_back())
}

/// The options of a drain.
const DRAIN: [&str; 6] = ["emptydir", "bare", "timeout", "grace", "terminating", "retry-denied"];

fn drain(options: &[&str]) -> Result<Drain, Failure> {
    const WANTED: &str = "write `drain`, and behind it as needed emptydir=delete, bare=delete, timeout=15m, grace=30s, \
                          terminating=ask:5m or terminating=force:5m, retry-denied=5m";
    let mut drain = Drain {
        emptydir: Emptydir::Refuse,
        bare: Bare::Refuse,
        timeout: Span::seconds(900),
        terminating: None,
        grace: None,
        retry_denied: None,
    };
    let mut seen = BTreeSet::new();
    for option in options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let wrong = |why: &str| Failure::usage(format!("`{option}` of a drain: {why}"), WANTED);
        let span = |text: &str| text.parse::<Span>().map_err(wrong);
        if !seen.insert(name) {
            return Err(wrong("it is given twice"));
        }
        match (name, value) {
            ("emptydir", "delete") => drain.emptydir = Emptydir::Delete,
            ("emptydir", "refuse") => drain.emptydir = Emptydir::Refuse,
            ("bare", "delete") => drain.bare = Bare::Delete,
            ("bare", "refuse") => drain.bare = Bare::Refuse,
            ("emptydir" | "bare", _) => return Err(wrong("it takes delete or refuse")),
            ("timeout", text) => drain.timeout = span(text)?,
            ("grace", text) => drain.grace = Some(span(text)?),
            ("retry-denied", text) => drain.retry_denied = Some(span(text)?),
            ("terminating", text) => {
                let after = |text: &str| span(text);
                drain.terminating = Some(match text.split_once(':') {
                    Some(("ask", text)) => Terminating::Ask { after: after(text)? },
                    Some(("force", text)) => Terminating::Force { after: after(text)? },
                    _ => return Err(wrong("it takes ask:SPAN or force:SPAN")),
                });
            }
            _ => {
                let meant = nearest(name, DRAIN).map(|near| format!("did you mean `{near}`?"));
                return Err(wrong(&meant.unwrap_or_else(|| "there is no such option".to_owned())));
            }
        }
    }
    Ok(drain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taints(words: &[&str], now: &[&str]) -> Result<BTreeMap<String, bool>, String> {
        let now = now.iter().map(|taint| (*taint).to_owned()).collect();
        let words: Vec<&str> = [&["taint"], words].concat();
        let work = work(&words).map_err(|failure| failure.what())?;
        match work.actions("n", &now).map_err(|failure| failure.what())?.as_slice() {
            [Action::PatchNode(patch)] => Ok(patch.taints.clone()),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn taints_are_set_and_removed_as_oc_does() {
        let now = ["a=1:NoSchedule", "a=2:NoExecute", "b=:NoSchedule", "x.y/z=v:NoExecute"];
        for (words, wanted) in [
            (vec!["c=d:NoSchedule"], vec![("c=d:NoSchedule", true)]),
            (vec!["c:NoExecute"], vec![("c=:NoExecute", true)]),
            (vec!["c=:NoExecute"], vec![("c=:NoExecute", true)]),
            (vec!["a-"], vec![("a=1:NoSchedule", false), ("a=2:NoExecute", false)]),
            (vec!["a:NoExecute-"], vec![("a=2:NoExecute", false)]),
            (vec!["a=1:NoSchedule-"], vec![("a=1:NoSchedule", false)]),
            (vec!["b-", "c=d:NoSchedule"], vec![("b=:NoSchedule", false), ("c=d:NoSchedule", true)]),
            (vec!["x.y/z-"], vec![("x.y/z=v:NoExecute", false)]),
        ] {
            let wanted = wanted.into_iter().map(|(taint, want)| (taint.to_owned(), want)).collect();
            assert_eq!(taints(&words, &now), Ok(wanted), "{words:?}");
        }
        for (words, why) in [
            (vec!["c"], "has no effect"),
            (vec!["c=d"], "has no effect"),
            (vec!["c=d:noschedule"], "did you mean `NoSchedule`?"),
            (vec!["=d:NoSchedule"], "is no taint"),
            (vec!["c=d e:NoSchedule"], "is no taint"),
            (vec!["C/d:NoSchedule"], "is no taint"),
            (vec!["-"], "is no taint"),
            (vec!["c-"], "has no such taint `c`"),
            (vec!["a=3:NoSchedule-"], "has no such taint `a`"),
            (vec!["node.kubernetes.io/not-ready-"], "own hand"),
        ] {
            let found = taints(&words, &now);
            assert!(found.as_ref().is_err_and(|what| what.contains(why)), "{words:?}: {found:?}");
        }
    }

    #[test]
    fn labels_are_set_and_removed_as_oc_does() {
        let read = |words: &[&str]| labels(words.iter().copied()).map_err(|failure| failure.what());
        let wanted = [("a", Some("b")), ("c.d/e", Some("")), ("f", None)];
        let wanted = wanted.map(|(key, value)| (key.to_owned(), value.map(str::to_owned))).into();
        assert_eq!(read(&["a=b", "c.d/e=", "f-"]), Ok(wanted));
        for word in ["a", "=b", "a b=c", "a=b c", "-", "a=-", "a/b/c=d", "A.b/c=d", "a={{ x }}", "/a=b"] {
            assert!(read(&[word]).is_err(), "{word}");
        }
        assert!(read(&["a=b", "a-"]).is_err_and(|what| what.contains("twice")));
    }

    #[test]
    fn a_drain_takes_what_runbooks_say_and_names_what_it_does_not_take() {
        let read = |words: &[&str]| drain(words).map_err(|failure| failure.what());
        let all = read(&[
            "emptydir=delete",
            "bare=delete",
            "timeout=2m",
            "grace=0s",
            "terminating=force:5m",
            "retry-denied=90s",
        ]);
        assert_eq!(
            all,
            Ok(Drain {
                emptydir: Emptydir::Delete,
                bare: Bare::Delete,
                timeout: Span::seconds(120),
                terminating: Some(Terminating::Force { after: Span::seconds(300) }),
                grace: Some(Span::seconds(0)),
                retry_denied: Some(Span::seconds(90)),
            })
        );
        for (word, why) in [
            ("emptydri=delete", "did you mean `emptydir`?"),
            ("emptydir", "delete or refuse"),
            ("bare=yes", "delete or refuse"),
            ("timeout=soon", "90s, 15m or 2h"),
            ("terminating=force", "ask:SPAN or force:SPAN"),
            ("force", "no such option"),
        ] {
            assert!(read(&[word]).as_ref().is_err_and(|what| what.contains(why)), "{word}: {:?}", read(&[word]));
        }
        assert!(read(&["grace=1s", "grace=2s"]).is_err_and(|what| what.contains("twice")));
    }
}
