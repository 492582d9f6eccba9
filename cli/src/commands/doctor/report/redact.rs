//! Stand-ins for names: stable within a report, so that it can be followed, and meaningless outside of it.

use crate::actor;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

/// So long is a word that may be a token.
const TOKEN: usize = 20;

/// Names that are everybody's, and tell nothing.
const COMMON: [&str; 6] = ["root", "localhost", "unknown", "default", "nobody", "control"];

/// What a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sort {
    Host,
    User,
    Domain,
    Address,
    Name,
}

impl Sort {
    fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::User => "user",
            Self::Domain => "domain",
            Self::Address => "address",
            Self::Name => "name",
        }
    }
}

/// Knows names and what stands for them.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    known: BTreeMap<String, String>,
    counts: BTreeMap<Sort, usize>,
    /// The known names, the longest first: a short one may be a part of a long one.
    longest: Vec<String>,
}

impl Redactor {
    /// Knows this machine and who asks.
    pub(super) fn of_this_machine() -> Self {
        let mut names = Self::default();
        let me = actor::actor();
        names.learn(Sort::Host, &me.host);
        let variables = ["USER", "LOGNAME", "SUDO_USER", "HOSTNAME"];
        let home = std::env::home_dir().and_then(|home| Some(home.file_name()?.to_string_lossy().into_owned()));
        let users = [Some(me.user), me.sudo_user, me.login_uid.map(actor::name_of), home];
        users.into_iter().flatten().for_each(|user| names.learn(Sort::User, &user));
        for variable in variables {
            let sort = if variable == "HOSTNAME" { Sort::Host } else { Sort::User };
            if let Ok(value) = std::env::var(variable) {
                names.learn(sort, &value);
            }
        }
        names
    }

    /// Remembers a name. A host is known by its first label too, and by its domain.
    pub(super) fn learn(&mut self, sort: Sort, name: &str) {
        let name = name.trim().to_lowercase();
        if name.is_empty() || COMMON.contains(&name.as_str()) || self.known.contains_key(&name) {
            return;
        }
        let number = self.counts.entry(sort).or_default();
        *number += 1;
        let stand_in = format!("{}-{number}", sort.word());
        self.remember(name.clone(), stand_in.clone());
        if sort == Sort::Host
            && name.parse::<IpAddr>().is_err()
            && let Some((label, domain)) = name.split_once('.')
        {
            // A shorter one would be found in words of ours.
            if label.len() > 2 && !self.known.contains_key(label) {
                self.remember(label.to_owned(), stand_in);
            }
            if domain.contains('.') {
                self.learn(Sort::Domain, domain);
            }
        }
    }

    fn remember(&mut self, name: String, stand_in: String) {
        let at = self.longest.partition_point(|other| other.len() > name.len());
        self.longest.insert(at, name.clone());
        self.known.insert(name, stand_in);
    }

    /// What stands for a name, whatever it is.
    pub(super) fn name(&mut self, sort: Sort, name: &str) -> String {
        self.learn(sort, name);
        let name = name.trim().to_lowercase();
        self.known.get(&name).cloned().unwrap_or(name)
    }

    /// A text in which names may stand: those that are known, addresses, what looks like a name of a host or a user, and
    /// what may be a token, are replaced.
    pub(super) fn text(&mut self, text: &str) -> String {
        // Whose home it is, whoever that is.
        for (_, behind) in text.match_indices("/home/").map(|(at, home)| text.split_at(at + home.len())) {
            self.learn(Sort::User, behind.split(|c| !in_word(c)).next().unwrap_or_default());
        }
        let text = self.replace_known(text);
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let end = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            // A point or a colon behind a word belongs to the sentence.
            let bare = word.trim_end_matches(['.', ':', '-']);
            out.push_str(&self.word(bare));
            out.push_str(&word[bare.len()..]);
            let skip = after.chars().next().map_or(0, char::len_utf8);
            out.push_str(&after[..skip]);
            rest = &after[skip..];
        }
        out
    }

    /// A word that holds no known name any more.
    fn word(&mut self, word: &str) -> String {
        if let Some((user, host)) = word.split_once('@')
            && !user.is_empty()
            && !host.is_empty()
        {
            let user = if is_stand_in(user) { user.to_owned() } else { self.name(Sort::User, user) };
            let host = if is_stand_in(host) { host.to_owned() } else { self.name(Sort::Host, host) };
            return format!("{user}@{host}");
        }
        let (address, port) = match word.rsplit_once(':') {
            Some((address, port)) if address.matches(':').count() == 0 => (address, Some(port)),
            _ => (word, None),
        };
        if address.parse::<IpAddr>().is_ok() || word.parse::<Ipv6Addr>().is_ok() {
            return match port.filter(|_| word.parse::<Ipv6Addr>().is_err()) {
                Some(port) => format!("{}:{port}", self.name(Sort::Address, address)),
                None => self.name(Sort::Address, word),
            };
        }
        if is_host(address) {
            let name = self.name(Sort::Host, address);
            return port.map_or_else(|| name.clone(), |port| format!("{name}:{port}"));
        }
        let mixed = word.bytes().any(|b| b.is_ascii_digit()) && word.bytes().any(|b| b.is_ascii_alphabetic());
        if word.len() >= TOKEN && mixed && !word.contains("::") && !word.contains(".seg") {
            return "(left out)".to_owned();
        }
        word.to_owned()
    }

    /// Replaces known names where they stand alone, between what is no letter and no digit.
    fn replace_known(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in &self.longest {
            let Some(stand_in) = self.known.get(name) else { continue };
            let mut from = 0;
            // Only ASCII is folded, so that both have the same offsets.
            while let Some(at) = text[from..].to_ascii_lowercase().find(name.as_str()).map(|at| from + at) {
                let end = at + name.len();
                let open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
                if open(text[..at].chars().next_back()) && open(text[end..].chars().next()) {
                    text.replace_range(at..end, stand_in);
                    from = at + stand_in.len();
                } else {
                    from = at + text[at..].chars().next().map_or(1, char::len_utf8);
                }
            }
        }
        text
    }
}

fn in_word(c: char) -> bool {
    c.is_alphanumeric() || "._-:@+=".contains(c)
}

/// Whether a word is one of ours that stands for a name.
fn is_stand_in(word: &str) -> bool {
    let sorts = [Sort::Host, Sort::User, Sort::Domain, Sort::Address, Sort::Name];
    sorts.iter().any(|sort| {
        let number = word.strip_prefix(sort.word()).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    })
}

/// Whether a word looks like the whole name of a host: labels, and the last one of letters. Names of actions, gates and
/// files look so too.
fn is_host(word: &str) -> bool {
    const ENDINGS: [&str; 14] =
        ["seg", "yml", "yaml", "log", "txt", "rs", "py", "sh", "md", "json", "ini", "service", "socket", "bin"];
    let labels: Vec<&str> = word.split('.').collect();
    let plain = |label: &&str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let last = labels.last().copied().unwrap_or_default();
    let ours = palinode_core::action::runbook_names().any(|name| name == word) || word.starts_with("gluster.healed");
    labels.len() > 1
        && !ours
        && labels.iter().all(plain)
        && last.len() > 1
        && last.bytes().all(|b| b.is_ascii_alphabetic())
        && !ENDINGS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_stable_stand_ins_wherever_they_stand() {
        let mut names = Redactor::default();
        names.learn(Sort::Host, "db1.intern.example.com");
        names.learn(Sort::User, "alice");
        names.learn(Sort::User, "root");
        for (text, shown) in [
            ("db1.intern.example.com/stop/crio", "host-1/stop/crio"),
            ("undo/DB1/x and db1", "undo/host-1/x and host-1"),
            ("db10 is another", "db10 is another"),
            ("file-home-alice-x of root", "file-home-user-1-x of root"),
            ("other.intern.example.com", "other.domain-1"),
            ("/home/alice/a", "/home/user-1/a"),
        ] {
            assert_eq!(names.text(text), shown, "{text}");
        }
    }

    #[test]
    fn what_was_not_known_is_found_by_its_shape() {
        let mut names = Redactor::default();
        assert_eq!(names.text("10.0.3.7, then 10.0.3.7:6443."), "address-1, then address-1:6443.");
        assert_eq!(names.text("fe80::1 and 2001:db8::2"), "address-2 and address-3");
        assert_eq!(names.text("bob@web.shop.example:/x"), "user-1@host-1:/x");
        assert_eq!(names.text("/home/carol/x"), "/home/user-2/x");
        assert_eq!(names.text("see web.shop.example."), "see host-1.");
        assert_eq!(names.text("token eyJhbGciOiJSUzI1NiIsImtpZCI6"), "token (left out)");
        for plain in [
            "kube.drain failed at 12:34:56",
            "segments/00000000000000000001.seg is damaged at byte 12: words",
            "palinode_executors::ssh tells",
            "crio.service",
        ] {
            assert_eq!(names.text(plain), plain);
        }
    }
}
