//! What a word in a list of packages means, as rpm and yum read it: the whole word is asked first.

use crate::resource::Nevra;

/// What may stand behind the last dot of a word as its architecture. Any other dot belongs to a name or a version.
const ARCHS: [&str; 16] = [
    "noarch", "x86_64", "i386", "i486", "i586", "i686", "athlon", "aarch64", "armv7hl", "ppc", "ppc64", "ppc64le",
    "s390", "s390x", "ia64", "src",
];

/// The name in `docker`, `docker-VERSION` or `docker-VERSION-RELEASE`, as far as the word alone tells. Only parts at the
/// end count: in `java-1.8.0-openjdk` the number belongs to the name.
pub(super) fn guessed(word: &str) -> &str {
    let mut name = word;
    for _ in 0..2 {
        match name.rsplit_once('-') {
            Some((before, last)) if !before.is_empty() && last.starts_with(|c: char| c.is_ascii_digit()) => {
                name = before;
            }
            _ => break,
        }
    }
    name
}

/// Whether only the host can tell which package it means: `devtoolset-7` may be a name, or version 7 of `devtoolset`.
pub(super) fn is_open(word: &str) -> bool {
    let has_arch = word.rsplit_once('.').is_some_and(|(_, last)| ARCHS.contains(&last));
    guessed(word) != word || has_arch || word.contains(':')
}

/// The form in which a word means a package, the first that is asked for as 0; none if it means another.
fn form(word: &str, package: &Nevra) -> Option<usize> {
    let Nevra { name, epoch, version, release, arch } = package;
    let rest = match word.strip_prefix(name.as_str()) {
        Some(rest) => rest.to_owned(),
        // The epoch may also stand before the name.
        None => {
            let (before, rest) = word.split_once(':')?;
            let rest = rest.strip_prefix(name.as_str())?.strip_prefix('-')?;
            format!("-{before}:{rest}")
        }
    };
    let forms = [
        String::new(),
        format!(".{arch}"),
        format!("-{version}"),
        format!("-{version}.{arch}"),
        format!("-{version}-{release}"),
        format!("-{version}-{release}.{arch}"),
        format!("-{epoch}:{version}"),
        format!("-{epoch}:{version}.{arch}"),
        format!("-{epoch}:{version}-{release}"),
        format!("-{epoch}:{version}-{release}.{arch}"),
    ];
    forms.iter().position(|form| *form == rest)
}

/// Whether a word means this package, in this version.
pub(super) fn means(word: &str, package: &Nevra) -> bool {
    form(word, package).is_some()
}

/// The package among those that there are that a word means, in the form that is asked for first.
pub(super) fn meant<'a>(word: &str, all: impl Iterator<Item = &'a Nevra>) -> Option<&'a Nevra> {
    all.filter_map(|package| Some((form(word, package)?, package)))
        .min_by_key(|(form, _)| *form)
        .map(|(_, found)| found)
}

/// Whether a name may be what a word means, whatever there is.
pub(super) fn may_mean(word: &str, name: &str) -> bool {
    let begins =
        |word: &str| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']));
    !name.is_empty() && (begins(word) || word.split_once(':').is_some_and(|(_, rest)| begins(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, epoch: u32, version: &str, release: &str) -> Nevra {
        let [name, version, release, arch] = [name, version, release, "x86_64"].map(str::to_owned);
        Nevra { name, epoch, version, release, arch }
    }

    #[test]
    fn the_whole_word_is_asked_first() {
        let all = [
            package("devtoolset", 0, "7", "1.el7"),
            package("devtoolset-7", 0, "7.1", "4.el7"),
            package("llvm-toolset", 0, "5.0", "1.el7"),
            package("java-1.8.0-openjdk", 1, "1.8.0.232.b09", "0.el7_7"),
            package("python3-dnf", 0, "4", "2"),
            package("kernel", 0, "3.10.0", "1062.9.1.el7"),
            package("kernel", 0, "3.10.0", "957.el7"),
            package("compat-libstdc++-33", 0, "3.2.3", "72.el7"),
            package("a-1", 0, "2", "3"),
            package("a", 0, "1", "2"),
        ];
        let table = [
            ("devtoolset-7", Some("devtoolset-7-0:7.1-4.el7.x86_64")),
            ("devtoolset-7.1", None),
            ("devtoolset-7-7.1", Some("devtoolset-7-0:7.1-4.el7.x86_64")),
            ("devtoolset-7-1.el7", Some("devtoolset-0:7-1.el7.x86_64")),
            ("llvm-toolset-7", None),
            ("llvm-toolset-5.0", Some("llvm-toolset-0:5.0-1.el7.x86_64")),
            ("java-1.8.0-openjdk", Some("java-1.8.0-openjdk-1:1.8.0.232.b09-0.el7_7.x86_64")),
            ("java-1.8.0", None),
            ("java-1.8.0-openjdk.x86_64", Some("java-1.8.0-openjdk-1:1.8.0.232.b09-0.el7_7.x86_64")),
            ("java-1.8.0-openjdk.i686", None),
            (
                "1:java-1.8.0-openjdk-1.8.0.232.b09-0.el7_7.x86_64",
                Some("java-1.8.0-openjdk-1:1.8.0.232.b09-0.el7_7.x86_64"),
            ),
            ("java-1.8.0-openjdk-1:1.8.0.232.b09", Some("java-1.8.0-openjdk-1:1.8.0.232.b09-0.el7_7.x86_64")),
            ("2:java-1.8.0-openjdk-1.8.0.232.b09", None),
            ("python3-dnf-4", Some("python3-dnf-0:4-2.x86_64")),
            ("kernel-3.10.0-957.el7", Some("kernel-0:3.10.0-957.el7.x86_64")),
            ("kernel-3.10.0-957.el7.x86_64", Some("kernel-0:3.10.0-957.el7.x86_64")),
            ("compat-libstdc++-33", Some("compat-libstdc++-33-0:3.2.3-72.el7.x86_64")),
            ("a-1-2", Some("a-1-0:2-3.x86_64")),
            ("a-1-2.x86_64", Some("a-1-0:2-3.x86_64")),
            ("", None),
            ("-7", None),
        ];
        for (word, found) in table {
            assert_eq!(meant(word, all.iter()).map(ToString::to_string).as_deref(), found, "{word}");
            if let Some(package) = meant(word, all.iter()) {
                assert!(means(word, package) && may_mean(word, &package.name), "{word}");
            }
        }
        assert!(!may_mean("devtoolset-7", "devtools") && !may_mean("devtoolset-7", ""));
    }

    #[test]
    fn a_word_that_tells_its_package_alone_is_not_asked_about() {
        for word in ["docker", "cri-o", "java-1.8.0-openjdk", "python3.6", "-1", ""] {
            assert!(!is_open(word), "{word}");
        }
        for word in ["devtoolset-7", "docker.x86_64", "2:docker", "kernel-3.10.0-957.el7", "docker-2:1.13.1"] {
            assert!(is_open(word), "{word}");
        }
    }
}
