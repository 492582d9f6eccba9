//! The states of a host's resources, all in one question.

use super::LIMIT;
use super::file_state::file;
use super::looked::Looked;
use crate::kind::REPOS;
use crate::ssh::quoted;
use palinode_core::id::ResourceKey;
use palinode_core::port::Bodies;
use palinode_core::resource::{Active, Image, Kind, Nevra, State};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The question for these resources of one host: one part for each, numbered, and one for all packages. Each part has a
/// line at its end with its exit code, without which it is no answer.
pub(crate) fn script_of(keys: &[ResourceKey]) -> String {
    let mut script = String::new();
    let mut packages = String::new();
    let of_repositories = |key: &ResourceKey| matches!(key.kind(), Some(Kind::Repository(..) | Kind::Release(_)));
    if keys.iter().any(of_repositories) {
        script.push_str(REPOS);
        script.push_str("echo '# repositories'; p_repos 2>&1; echo \"# /repositories $?\"\n");
    }
    for (number, key) in keys.iter().enumerate() {
        let part = match key.kind() {
            Some(Kind::Unit(_, unit)) => format!("p_unit {} 2>&1", quoted(unit)),
            Some(Kind::File(_, path)) => format!("p_file {} {LIMIT} 2>&1", quoted(path)),
            Some(Kind::Boot(_)) => "echo \"boot $(p_boot)\"".to_owned(),
            Some(Kind::Release(_)) => {
                "p_r=$(p_release 2>&1) && printf 'release %s\\n' \"$p_r\" || printf '%s\\n' \"$p_r\"".to_owned()
            }
            Some(Kind::Package(_, name)) => {
                let _ = write!(packages, " {}", quoted(name));
                continue;
            }
            _ => continue,
        };
        let _ = writeln!(script, "echo '# {number}'; {part}; echo \"# /{number} $?\"");
    }
    if !packages.is_empty() {
        let _ = writeln!(script, "echo '# packages'; p_packages{packages} 2>&1; echo \"# /packages $?\"");
    }
    script
}

/// What the answer says of each of them.
pub(crate) fn observe(keys: &[ResourceKey], answer: &str, bodies: &dyn Bodies) -> Result<Image, Looked> {
    let (mut parts, mut open): (BTreeMap<&str, Part<'_>>, Option<&str>) = (BTreeMap::new(), None);
    for line in answer.lines() {
        let name = line.strip_prefix("# ");
        match (name, open) {
            (Some(end), Some(name)) if end.strip_prefix('/').is_some_and(|end| end.split(' ').next() == Some(name)) => {
                if let Some(part) = parts.get_mut(name) {
                    part.whole = line.ends_with(" 0");
                }
                open = None;
            }
            // What comes in the middle of another is not ours.
            (Some(name), None) if !parts.contains_key(name) => {
                open = Some(name);
                parts.insert(name, Part::default());
            }
            (_, Some(name)) => parts.entry(name).or_default().lines.push(line),
            (_, None) => {}
        }
    }
    let empty = Part::default();
    let part = |name: &str| parts.get(name).unwrap_or(&empty);
    let (packages, repositories) = (part("packages"), part("repositories"));
    let mut image = Image::new();
    for (number, key) in keys.iter().enumerate() {
        let kind = key.kind();
        let asked = match kind {
            Some(Kind::Package(..)) => packages,
            Some(Kind::Repository(..)) => repositories,
            _ => part(number.to_string().as_str()),
        };
        let lines = &asked.lines;
        let found = match kind {
            _ if !asked.whole => None,
            Some(Kind::Unit(_, name)) => unit(name, lines),
            Some(Kind::File(_, path)) => file(path, lines, bodies)?,
            Some(Kind::Boot(_)) => boot(lines),
            Some(Kind::Package(_, name)) => package(name, lines),
            Some(Kind::Repository(_, id)) => Some(repository(id, lines)),
            Some(Kind::Release(_)) => release(lines),
            _ => None,
        };
        let cannot = || {
            let words = lines.last().map_or("it gave no answer", |line| *line);
            Looked::Cannot(format!("{key}: {}", words.chars().take(300).collect::<String>()))
        };
        image.insert(key.clone(), found.ok_or_else(cannot)?);
    }
    Ok(image)
}

/// What a host said of one part of a question.
#[derive(Default)]
struct Part<'a> {
    lines: Vec<&'a str>,
    /// Whether it came to its end, and ended well.
    whole: bool,
}

/// A unit's name as systemd has it.
fn full(unit: &str) -> String {
    const KINDS: [&str; 11] = [
        ".service",
        ".socket",
        ".device",
        ".mount",
        ".automount",
        ".swap",
        ".target",
        ".path",
        ".timer",
        ".slice",
        ".scope",
    ];
    if KINDS.iter().any(|kind| unit.ends_with(kind)) { unit.to_owned() } else { format!("{unit}.service") }
}

/// None if the lines are no answer about that unit: each field is there once, and the unit has the name that was looked
/// for.
fn unit(asked: &str, lines: &[&str]) -> Option<State> {
    let one = |name: &str, sign: char| {
        let mut found = lines.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(sign));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    };
    let field = |name: &str| one(name, '=');
    // Under which name it is known where the one that was asked for is only in its file.
    let looked = one("looked", ' ').filter(|_| one("asked", ' ') == Some(asked))?;
    let (id, names) = (field("Id")?, field("Names")?);
    if full(looked) != looked || id != looked && !names.split(' ').any(|name| name == looked) {
        return None;
    }
    let (load, active, enabled) = (field("LoadState")?, field("ActiveState")?, field("UnitFileState")?);
    if load == "not-found" {
        return (full(asked) == looked).then_some(State::Absent);
    }
    let left = lines.contains(&"left");
    let active = match active {
        "inactive" | "failed" if left => Active::Leftovers,
        "inactive" => Active::Inactive,
        "failed" => Active::Failed,
        "active" | "reloading" | "activating" | "deactivating" | "maintenance" | "refreshing" => Active::Active,
        _ => return None,
    };
    // What is there only as long as it runs has no file of its own. A systemd of RHEL 7 has no word for that.
    let bare = || field("FragmentPath") == Some("") && [".mount", ".swap", ".scope"].iter().any(|of| id.ends_with(of));
    let enabled = if field("Transient") == Some("yes") || bare() { "transient" } else { enabled };
    Some(State::Unit { active, enabled: enabled.to_owned() })
}

fn boot(lines: &[&str]) -> Option<State> {
    let id = lines.first()?.strip_prefix("boot ")?;
    is_boot(id).then(|| State::Boot { id: id.to_owned() })
}

/// Whether it looks like the kernel's boot id, and not like an error of whoever read it.
pub(crate) fn is_boot(id: &str) -> bool {
    id.len() == 36 && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

fn package(name: &str, lines: &[&str]) -> Option<State> {
    let nevra = |line: &&str| -> Option<Nevra> {
        let mut words = line.strip_prefix("rpm ")?.split(' ');
        let mut next = || words.next().map(str::to_owned);
        let nevra =
            Nevra { name: next()?, epoch: next()?.parse().ok()?, version: next()?, release: next()?, arch: next()? };
        (nevra.name == name).then_some(nevra)
    };
    let mut installed: Vec<Nevra> = lines.iter().filter_map(nevra).collect();
    installed.sort();
    installed.dedup();
    let gone = format!("package {name} is not installed");
    // rpm takes a name that it does not have for the name and version of another package.
    let another = |line: &&str| {
        let words: Vec<&str> = line.strip_prefix("rpm ").unwrap_or_default().split(' ').collect();
        let [other, _, version, release, arch] = words.as_slice() else { return false };
        let rest = name.strip_prefix(other).and_then(|rest| rest.strip_prefix('-'));
        let forms = [version.to_string(), format!("{version}-{release}"), format!("{version}-{release}.{arch}")];
        rest.is_some_and(|rest| forms.iter().any(|form| form == rest))
    };
    let gone = lines.contains(&gone.as_str()) || lines.iter().any(another);
    match (installed.is_empty(), gone) {
        (false, _) => Some(State::Package { installed }),
        (true, true) => Some(State::Absent),
        (true, false) => None,
    }
}

/// One that several files name counts as the first of them says.
fn repository(id: &str, lines: &[&str]) -> State {
    let found = lines.iter().find_map(|line| match line.strip_prefix(id)? {
        " 0" => Some(false),
        " 1" => Some(true),
        _ => None,
    });
    found.map_or(State::Absent, |enabled| State::Repository { enabled })
}

fn release(lines: &[&str]) -> Option<State> {
    let version = lines.first()?.strip_prefix("release")?.trim();
    Some(match version {
        "" => State::Absent,
        version => State::Release { version: version.to_owned() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ssh::encoded;
    use palinode_core::id::{BodyId, HostName};
    use palinode_core::port::BodyError;
    use palinode_core::record::Class;
    use palinode_core::resource::{Above, Apart};

    /// Keeps nothing; a body is known by its length.
    struct Lengths;

    impl Bodies for Lengths {
        fn put(&self, _: Class, bytes: &[u8]) -> Result<BodyId, BodyError> {
            Ok(BodyId([u8::try_from(bytes.len()).unwrap_or(u8::MAX); 32]))
        }

        fn get(&self, id: BodyId) -> Result<Vec<u8>, BodyError> {
            Err(BodyError::Missing(id))
        }
    }

    fn look(key: &ResourceKey, out: &str) -> Result<State, Looked> {
        let name = out.strip_prefix("# ").and_then(|rest| rest.lines().next());
        let out = &name.map_or_else(|| out.to_owned(), |name| format!("{out}# /{name} 0\n"));
        observe(std::slice::from_ref(key), out, &Lengths).map(|mut image| image.remove(key).expect("it was asked for"))
    }

    #[test]
    fn what_a_host_answers_is_a_state_or_an_error() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let unit = ResourceKey::unit(&host, "crio");
        let package = ResourceKey::package(&host, "docker");
        let versioned = ResourceKey::package(&host, "devtoolset-7");
        let file = ResourceKey::file(&host, "/etc/yum.conf");
        let boot = ResourceKey::boot(&host);
        let shown = |active: &str, more: &str| {
            format!(
                "# 0\nasked crio\nlooked crio.service\nId=crio.service\nNames=crio.service\nLoadState=loaded\nActiveState={active}\nUnitFileState=disabled\nControlGroup=\n{more}"
            )
        };
        let missing = shown("inactive", "").replace("loaded", "not-found").replace("disabled", "");
        let is = |active| State::Unit { active, enabled: "disabled".to_owned() };
        let content = encoded(b"abcOK");
        let plain = |mtime, attributes| State::File {
            mode: 0o640,
            owner: "0:7".to_owned(),
            size: 3,
            body: BodyId([3; 32]),
            mtime: Some(mtime),
            attributes,
            inode: None,
            holes: false,
            above: None,
        };
        let found = plain(-1_500_000_000, None);
        let acl = encoded(b"system.posix_acl_access=0x0200\nuser.a b=0x\n");
        let carries = plain(981_173_106_000_000_001, Some(BodyId([43; 32])));
        let nevra = Nevra {
            name: "docker".to_owned(),
            epoch: 2,
            version: "1.13.1".to_owned(),
            release: "109.el7".to_owned(),
            arch: "x86_64".to_owned(),
        };
        let good: Vec<(&ResourceKey, String, State)> = vec![
            (&unit, shown("active", ""), is(Active::Active)),
            (&unit, shown("deactivating", ""), is(Active::Active)),
            (&unit, shown("inactive", ""), is(Active::Inactive)),
            (&unit, shown("inactive", "left\n"), is(Active::Leftovers)),
            (&unit, shown("failed", "left\n"), is(Active::Leftovers)),
            (
                &unit,
                shown("active", "Transient=yes\n"),
                State::Unit { active: Active::Active, enabled: "transient".to_owned() },
            ),
            (&unit, shown("failed", ""), is(Active::Failed)),
            (
                &unit,
                shown("active", "").replace("Id=crio", "Id=cri-o").replace("Names=", "Names=cri-o.service "),
                is(Active::Active),
            ),
            // Disabled, it is known only by the name of its file.
            (&unit, shown("inactive", "").replace("crio.service", "cri-o.service"), is(Active::Inactive)),
            (&unit, missing.clone(), State::Absent),
            (
                &package,
                "# packages\nrpm docker 2 1.13.1 109.el7 x86_64\n".to_owned(),
                State::Package { installed: vec![nevra] },
            ),
            (&package, "# packages\npackage docker is not installed\n".to_owned(), State::Absent),
            (&versioned, "# packages\nrpm devtoolset 0 7 1.el7 x86_64\n".to_owned(), State::Absent),
            (&file, "# 0\nabsent\n".to_owned(), State::Absent),
            (&file, format!("# 0\nfile 640 UNKNOWN:bin 0:7 1 9 8 -2.500000000 - {content}\n"), found),
            (&file, format!("# 0\nfile 640 UNKNOWN:bin 0:7 1 9 8 981173106.000000001 {acl} {content}\n"), carries),
            (
                &file,
                format!("# 0\nfile 640 UNKNOWN:bin 0:7 2 9 8 -2.500000000 - {content}\nabove 750 root:adm\n"),
                match plain(-1_500_000_000, None) {
                    State::File { mode, owner, size, body, mtime, attributes, .. } => {
                        let above = Some(Box::new(Above::from([("/etc".to_owned(), "750 root:adm".to_owned())])));
                        State::File { mode, owner, size, body, mtime, attributes, inode: Some(9), holes: false, above }
                    }
                    other => other,
                },
            ),
            (
                &file,
                format!("# 0\nlink a:b {}\n", encoded(b"a b")),
                State::Link { target: "a b".to_owned(), owner: Some("a:b".to_owned()), above: None },
            ),
            (
                &file,
                format!("# 0\ntree 4 {} {}\n", encoded(b"s a\0OK"), encoded(&[&[0; 1024][..], b"OK"].concat())),
                State::Tree {
                    entries: 4,
                    body: BodyId([255; 32]),
                    list: Some(BodyId([0; 32])),
                    apart: Some(Box::new(Apart { sockets: ["a".to_owned()].into(), ..Apart::default() })),
                    above: None,
                },
            ),
        ];
        for (key, out, state) in good {
            assert_eq!(look(key, &out).expect(&out), state, "{out}");
        }
        let (torn, odd) = (encoded(b"abc"), encoded(b"user.a=0x1\n"));
        let bad = [
            (&unit, String::new()),
            // What systemctl prints where it takes no option behind its verb, of a unit named `-p`.
            (&unit, missing.replace("looked crio", "looked -p").replace("=crio", "=-p")),
            (&unit, missing.replace("=crio", "=-p")),
            (&unit, missing.replace("asked crio", "asked docker")),
            (&unit, missing.replace("ActiveState=inactive\n", "")),
            (&unit, shown("inactive", "ActiveState=active\n")),
            (&unit, shown("gone", "")),
            (&unit, shown("active", "").replace("UnitFileState=disabled\n", "")),
            (&file, "# 0\nlink a:b \n".to_owned()),
            (&file, format!("# 0\ntree 4 {} {content}\n", encoded(b"OK"))),
            (&file, format!("# 0\ntree 4 {} {}\n", encoded(b"s a\0"), encoded(&[&[0; 1024][..], b"OK"].concat()))),
            (&unit, "# 0\nFailed to connect to bus\n".to_owned()),
            (&package, "# packages\nerror: rpmdb open failed\n".to_owned()),
            (&package, "# packages\nrpm docker-client 2 1 1 x86_64\n".to_owned()),
            (&package, "# packages\nrpm docker two 1 1 x86_64\n".to_owned()),
            (&file, format!("# 0\nfile 640 a:b 0:7 1 9 8 1.000000000 - {torn}\n")),
            (&file, format!("# 0\nfile 640 a:b 0:7 1 9 8 1.000000000 {odd} T0s=\n")),
            (&file, "# 0\nfile 640 a:b 0:7 1 9 8 1.5 - T0s=\n".to_owned()),
            (&file, "# 0\nfile 640 a:b 0:7 1 9 8 99999999999999.000000000 - T0s=\n".to_owned()),
            (&file, "# 0\nfile 640 a:b 0:7 T0s=\n".to_owned()),
            (&file, "# 0\nfile 999 a:b 0:7 1 9 8 1.000000000 - T0s=\n".to_owned()),
            (&file, "# 0\nlarge 99999999999\n".to_owned()),
            (&file, "# 0\nspecial\n".to_owned()),
            (&file, "# 0\nls: cannot access '/x': Permission denied\n".to_owned()),
            (&file, "# 0\nlink ????\n".to_owned()),
            (&boot, "# 0\nboot cat: /proc/sys/kernel/random/boot_id: No such file\n".to_owned()),
            (&boot, "# 1\nboot 3ce4091c-a4bd-4b17-bffa-643a2c888580\n".to_owned()),
        ];
        for (key, out) in bad {
            assert!(matches!(look(key, &out), Err(Looked::Cannot(_))), "{out}");
        }
    }

    #[test]
    fn half_an_answer_is_none() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let (file, repository) = (ResourceKey::file(&host, "/etc/x"), ResourceKey::repository(&host, "extras"));
        let asked = |key: &ResourceKey, out: &str| observe(std::slice::from_ref(key), out, &Lengths);
        for (key, part, whole) in [(&file, "0", "absent"), (&repository, "repositories", "base 1")] {
            let answer = |end: &str| asked(key, &format!("# {part}\n{whole}\n{end}"));
            assert_eq!(answer(&format!("# /{part} 0\n")).expect("it is whole")[key], State::Absent);
            for end in ["", "# /1 0\n", &format!("# /{part} 1\n"), &format!("# /{part}\n"), "noise\n"] {
                assert!(answer(end).is_err(), "{part} {end:?}");
            }
        }
        // Another part in the middle is not taken for one.
        assert!(asked(&file, "# repositories\n# 0\nabsent\n# /0 0\n").is_err());
    }

    #[test]
    fn names_reach_the_shell_as_words() {
        let host = HostName::new("gluster1.demo").expect("a host name");
        let script =
            script_of(&[ResourceKey::file(&host, "/tmp/a b'; rm -rf \"$HOME\""), ResourceKey::package(&host, "a+b")]);
        assert!(script.contains(&quoted("/tmp/a b'; rm -rf \"$HOME\"")), "{script}");
        assert!(!script.contains("p_file /tmp/a b'"), "{script}");
        assert!(script.contains("p_packages a+b 2>&1; echo"), "{script}");
    }
}
