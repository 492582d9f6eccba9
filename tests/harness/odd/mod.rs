//! What a year of hands and programs leaves on a machine: one set, for every suite on test hosts.
//!
//! A suite asks for it with [`make`]. `PALINODE_TESTS_ODD=NAME,...`, or `all`, makes every machine of every suite so.

use crate::hosts::Hosts;

/// Something odd about a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Odd {
    /// Units that hang together, `odd-*`: needed, bound, wanted, rival, masked, of a template, woken by a socket, a timer
    /// or a path, failed, and with processes left.
    Units,
    /// Trees below `/srv/odd` with every kind of file, name, owner, link and attribute.
    Files,
    /// Repositories that are broken, unsigned or odd; packages that replace others, and whose scriptlets fail.
    Repositories,
    /// A login whose tools are those of POSIX.
    Posix,
    /// A login whose shell stops at variables that are not set, and at errors.
    Nounset,
    /// A login that ends when it is silent for a second.
    Timeout,
    /// A login that changes to other folders than those that are named, and has other tools first.
    Paths,
    /// A login that talks, and whose words are in another language.
    Talk,
    /// A login whose shell is not bash.
    Shell,
}

impl Odd {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Units,
        Self::Files,
        Self::Repositories,
        Self::Posix,
        Self::Nounset,
        Self::Timeout,
        Self::Paths,
        Self::Talk,
        Self::Shell,
    ];

    /// Those of the login. The last one that is made counts.
    pub const LOGINS: [Self; 6] = [Self::Posix, Self::Nounset, Self::Timeout, Self::Paths, Self::Talk, Self::Shell];

    /// Its name in `PALINODE_TESTS_ODD`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Units => "units",
            Self::Files => "files",
            Self::Repositories => "repositories",
            Self::Posix => "posix",
            Self::Nounset => "nounset",
            Self::Timeout => "timeout",
            Self::Paths => "paths",
            Self::Talk => "talk",
            Self::Shell => "shell",
        }
    }

    fn script(self) -> String {
        let profile = |lines: &str| format!("{PLAIN}cat >/root/.bashrc <<'end'\n{lines}\nend\n");
        match self {
            Self::Units => include_str!("units.sh").to_owned(),
            Self::Files => include_str!("files.sh").to_owned(),
            Self::Repositories => include_str!("repositories.sh").to_owned(),
            Self::Posix => profile("export POSIXLY_CORRECT=1"),
            Self::Nounset => profile("set -u; set -e; set -f; set -C; export SHELLOPTS"),
            Self::Timeout => profile("readonly TMOUT=1; export TMOUT"),
            Self::Paths => {
                profile("export CDPATH=/etc:/usr:/srv/odd PATH=/nowhere:$PATH TAR_OPTIONS=--version GREP_OPTIONS=-v")
            }
            Self::Talk => profile("export LC_ALL=de_DE.UTF-8 IFS=o; echo chatter; echo chatter >&2; printf chatter"),
            Self::Shell => format!("{PLAIN}usermod -s /bin/dash root\n"),
        }
    }
}

/// A login that is as others are.
const PLAIN: &str = "rm -f /root/.bashrc; usermod -s /bin/bash root\n";

/// Makes a machine odd in these ways, without the network. Each but a login can be made once.
#[track_caller]
pub fn make(hosts: &Hosts, name: &str, all: &[Odd]) {
    for odd in all {
        hosts.inside(name, &format!("{}\nsync -f /root", odd.script())).exits(0);
    }
}

/// Takes back what is odd about a login.
#[track_caller]
pub fn plain_login(hosts: &Hosts, name: &str) {
    hosts.inside(name, &format!("{PLAIN}sync -f /root")).exits(0);
}

/// What `PALINODE_TESTS_ODD` asks for.
pub(crate) fn asked() -> Vec<Odd> {
    let text = std::env::var("PALINODE_TESTS_ODD").unwrap_or_default();
    let named = |word: &str| {
        let known = Odd::ALL.into_iter().find(|odd| odd.name() == word);
        known.unwrap_or_else(|| unreachable!("PALINODE_TESTS_ODD: there is no `{word}`"))
    };
    match text.as_str() {
        "all" => Odd::ALL.to_vec(),
        text => text.split(',').filter(|word| !word.is_empty()).map(named).collect(),
    }
}
