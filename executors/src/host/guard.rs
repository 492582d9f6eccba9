//! What a host may not be changed at: a way that leads through links, that others may change, or into a mount. Asked
//! before the intent, and once more by the job itself.

use super::act::OnHost;
use crate::kind::done_by;
use crate::ssh::{decoded, quoted};
use palinode_core::action::Action;
use palinode_core::id::{HostName, ResourceKey};
use palinode_core::resource::{Kind, Loss};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The function that looks at a path.
const GUARD: &str = include_str!("guard.sh");

/// The exit code of a job that found its paths refused, and did nothing.
pub(crate) const REFUSED: i32 = 77;

/// What such a job prints, before the reason.
const WORDS: &str = "nothing was changed: ";

/// Where packages and commands write.
pub(crate) const USUAL: &str = "/ /boot /boot/efi /etc /home /opt /root /srv /usr /usr/local /var /var/lib /var/log";

/// Words for a path whose content or name changes.
pub(crate) fn name(path: &str) -> String {
    format!("name {}", quoted(path))
}

/// Words for a path whose owner may change too.
pub(crate) fn owned(path: &str) -> String {
    format!("name {} owned", quoted(path))
}

/// The same of a path that is removed or replaced as a whole, with what is below it: no flag may keep it.
pub(crate) fn replaced(path: &str) -> String {
    format!("{} '' replaced", name(path))
}

/// Both.
pub(crate) fn replaced_owned(path: &str) -> String {
    format!("{} replaced", owned(path))
}

/// Words for all that is in a folder, which is removed.
pub(crate) fn emptied(folder: &str) -> String {
    format!("all {} '' replaced", quoted(folder))
}

fn paths(action: &Action) -> Vec<String> {
    done_by(action).on_host().map_or_else(Vec::new, OnHost::guarded)
}

/// The functions that an action's paths are looked at with.
fn functions(action: &Action) -> String {
    format!("{}{GUARD}", done_by(action).on_host().map_or("", OnHost::functions))
}

/// The question whether an action may change its paths; nothing if it has none. It ends the script if it may not.
pub(crate) fn asks(action: &Action) -> String {
    questions(&functions(action), &paths(action))
}

/// The same of files that are put back if the action is taken back.
pub(crate) fn asks_of<'a>(keys: impl IntoIterator<Item = &'a ResourceKey>, host: &HostName) -> String {
    let path = |key: &'a ResourceKey| match key.kind() {
        Some(Kind::File(of, path)) if of == host.as_str() => Some(path),
        _ => None,
    };
    let paths: BTreeSet<&str> = keys.into_iter().filter_map(path).collect();
    let paths: Vec<String> = paths.into_iter().map(|path| format!("name {} owned", quoted(path))).collect();
    questions(GUARD, &paths)
}

fn questions(functions: &str, paths: &[String]) -> String {
    let mut script = String::new();
    if !paths.is_empty() {
        script.push_str(functions);
    }
    for words in paths {
        let _ = writeln!(
            script,
            "p_why=$(p_guard {words} 2>&1) || {{ printf 'refused %s\\n' \"$(printf '%s\\n' \"$p_why\" | base64 -w0)\"; exit 0; }}"
        );
    }
    script
}

/// Why it may not.
pub(crate) fn refused(answer: &str) -> Option<String> {
    let words = answer.lines().find_map(|line| line.strip_prefix("refused "))?;
    Some(String::from_utf8_lossy(&decoded(words).unwrap_or_default()).trim().to_owned())
}

/// What a job looks at before it changes anything.
pub(crate) fn checks(action: &Action) -> String {
    let paths = paths(action);
    let mut act = if paths.is_empty() { String::new() } else { functions(action) };
    for words in paths {
        let _ =
            writeln!(act, "p_why=$(p_guard {words} 2>&1) || {{ printf '{WORDS}%s\\n' \"$p_why\"; exit {REFUSED}; }}");
    }
    act
}

/// Why a job changed nothing, if that is how it ended.
pub(crate) fn stopped(code: i32, out: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(out).ok().filter(|_| code == REFUSED)?;
    text.strip_prefix(WORDS).map(|why| why.trim().to_owned())
}

/// The folder that a path is in, as a word.
pub(crate) fn folder(path: &str) -> String {
    let path = path.trim_end_matches('/');
    quoted(path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder }))
}

/// Brings folders to the disk, which are words, with what changed in them.
pub(crate) fn folders(folders: impl IntoIterator<Item = String>) -> String {
    format!("p_bring_folders {}\n", folders.into_iter().collect::<Vec<_>>().join(" "))
}

/// What a line at the end of an output tells of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// What is lost, or may be.
    pub(crate) loss: Loss,
    /// The path.
    pub(crate) path: String,
    /// Why, where that is told.
    pub(crate) why: Option<String>,
}

/// The lines at the end of an output that name what is not known to be on the disk, and what was not put back; and what was
/// printed before.
pub(crate) fn left_out(out: &[u8]) -> (&[u8], Vec<LeftOut>) {
    let mut rest = out;
    let mut lines = Vec::new();
    loop {
        let text = rest.strip_suffix(b"\n").unwrap_or(rest);
        let at = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = text.get(at..).unwrap_or_default();
        let kinds = [
            (&b"not synced: "[..], Loss::NotSynced),
            (b"not put back, a socket: ", Loss::Socket),
            (b"not put back, its other names: ", Loss::OtherNames),
        ];
        let Some((loss, told)) = kinds.iter().find_map(|(start, loss)| Some((*loss, line.strip_prefix(*start)?)))
        else {
            break;
        };
        let told = String::from_utf8_lossy(told);
        let (path, why) = match told.split_once(": ").filter(|_| loss == Loss::NotSynced) {
            Some((path, why)) => (path.to_owned(), Some(why.to_owned())),
            None => (told.into_owned(), None),
        };
        lines.insert(0, LeftOut { loss, path, why });
        rest = &rest[..at];
    }
    (rest, lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the function with each shell that hosts have; its words if it refuses.
    #[track_caller]
    fn asked(words: &str) -> Option<String> {
        let mut said = Vec::new();
        for shell in [&["/bin/sh"][..], &["bash", "--posix"], &["dash"]] {
            let mut command = std::process::Command::new(shell[0]);
            let out = command.args(&shell[1..]).arg("-c").arg(format!("{GUARD}\np_guard {words}")).output();
            let Ok(out) = out else { continue };
            assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{words}");
            said.push((!out.status.success()).then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned()));
        }
        assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
        said.pop().expect("there is a shell")
    }

    #[test]
    fn links_and_foreign_folders_on_the_way_are_refused() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let place = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| place.path().join(name);
        let mode = |name: &str, mode| {
            std::fs::create_dir(at(name)).expect("it can be made");
            std::fs::set_permissions(at(name), std::fs::Permissions::from_mode(mode)).expect("it can be set");
        };
        for (name, bits) in [("it's real", 0o755), ("group", 0o775), ("others", 0o757), ("sticky", 0o1777)] {
            mode(name, bits);
        }
        symlink("it's real", at("link")).expect("it can be made");
        symlink("nothing", at("dangling")).expect("it can be made");
        let asked = |kind: &str, name: &str| {
            asked(&format!("{kind} {}", quoted(place.path().join(name).to_str().expect("a path in UTF-8"))))
        };
        let real = at("it's real").display().to_string();
        for (kind, name, instead) in [
            ("all", "link", "/*"),
            ("all", "link/", "/*"),
            ("all", "link//a", "/a/*"),
            ("name", "link/a", "/a"),
            ("name", "link/", ""),
            ("name", "link/a/b c", "/a/b c"),
            ("links", "link/a", "/a"),
        ] {
            let why = asked(kind, name).expect(name);
            assert!(why.ends_with(&format!("write {real}{instead} instead")), "{kind} {name}: {why}");
        }
        for (kind, name, words) in [
            ("name", "dangling/a", "leads to nothing"),
            ("name", "group/a", "others than root may write in"),
            ("name", "others/a", "others than root may write in"),
            ("name", "group/a/b/", "others than root may write in"),
        ] {
            let why = asked(kind, name).expect(name);
            assert!(why.contains(words), "{kind} {name}: {why}");
        }
        for (kind, name) in [
            ("name", "link"),
            ("name", "dangling"),
            ("name", "it's real/a"),
            ("name", "it's real/"),
            ("all", "it's real"),
            ("all", "group"),
            ("links", "group/a"),
            ("name", "not there/a/b"),
        ] {
            assert_eq!(asked(kind, name), None, "{kind} {name}");
        }
        // Only one of root's keeps others off what is in it.
        let roots = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(at("sticky")).expect("it is there")) == 0;
        assert_eq!(asked("name", "sticky/a").is_none(), roots);
    }

    /// Only root can give a file away.
    #[test]
    fn a_file_of_another_in_a_sticky_folder_is_replaced_with_an_owner_and_never_changed_in_place() {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
        let place = tempfile::tempdir().expect("a folder can be made");
        let theirs = place.path().join("theirs");
        std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o1777)).expect("it is ours");
        std::fs::write(&theirs, "x").expect("written");
        if std::fs::metadata(&theirs).expect("it is there").uid() != 0 {
            return;
        }
        let path = quoted(theirs.to_str().expect("a path in UTF-8"));
        assert_eq!(asked(&format!("name {path} in-place")), None, "it is root's");
        chown(&theirs, Some(4321), None).expect("root may");
        assert_eq!(asked(&format!("name {path} owned")), None);
        for (more, instead) in [("", "name its owner in the step"), ("in-place", "chown -h root")] {
            let why = asked(&format!("name {path} {more}")).expect("it is refused");
            assert!(why.contains("where everybody writes") && why.contains(instead), "{more}: {why}");
        }
    }

    #[test]
    fn what_a_flag_keeps_is_refused_before_it_is_removed_or_replaced() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| place.path().join(name).to_str().expect("text").to_owned();
        std::fs::create_dir_all(place.path().join("dir/below")).expect("it can be made");
        for name in ["dir/below/kept", "file", "dir/free"] {
            std::fs::write(place.path().join(name), "x").expect("it can be written");
        }
        // Not every file system has flags: an `lsattr` of our own finds them in names.
        let bin = tempfile::tempdir().expect("a folder can be made");
        let asked = |fixed: &str, words: &str| {
            use std::os::unix::fs::PermissionsExt as _;
            let script = format!(
                "#!/bin/sh\nshift 2\nfor f; do case $f in {fixed}) echo \"----i---------e----- $f\" ;; *) echo \"--------------e----- $f\" ;; esac; done\n"
            );
            let tool = bin.path().join("lsattr");
            std::fs::write(&tool, script).expect("it can be written");
            std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
            let script = format!("PATH={}:$PATH\n{GUARD}\np_guard {words}", bin.path().display());
            let out = std::process::Command::new("sh").arg("-c").arg(script).output().expect("a shell can be started");
            (!out.status.success()).then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        };
        let kept = at("dir/below/kept");
        for (fixed, words) in
            [("*/kept", replaced_owned(&at("dir"))), ("*/kept", emptied(&at("dir"))), ("*/kept", replaced(&kept))]
        {
            let why = asked(fixed, &words).expect(&words);
            assert!(why.contains(&format!("{kept} is immutable")) && why.contains("chattr -i"), "{words}: {why}");
        }
        assert!(asked("*/dir", &replaced(&at("dir/free"))).is_some_and(|why| why.contains("/dir is immutable")));
        assert!(asked("*/dir", &emptied(&at("dir"))).is_some());
        for (fixed, words) in [
            ("*/kept", replaced(&at("dir/free"))),
            ("*/kept", owned(&kept)),
            ("*/kept", replaced(&at("not there"))),
            ("none", replaced_owned(&at("dir"))),
        ] {
            assert_eq!(asked(fixed, &words), None, "{fixed} {words}");
        }
    }

    #[test]
    fn what_is_mounted_at_or_below_a_path_is_refused() {
        assert!(asked("name /proc/").is_some_and(|why| why.contains("something is mounted on /proc")));
        assert_eq!(asked("name /procession"), None);
        assert_eq!(asked("name /proc/nothing"), None, "a mount above is none of ours");
    }

    #[test]
    fn what_is_not_on_the_disk_or_not_put_back_is_told_behind_what_was_printed() {
        let told = |out: &str| {
            let (rest, lines) = left_out(out.as_bytes());
            let lines: Vec<_> = lines.into_iter().map(|LeftOut { loss, path, why }| (loss, path, why)).collect();
            (String::from_utf8_lossy(rest).into_owned(), lines)
        };
        let line = |loss, path: &str, why: Option<&str>| (loss, path.to_owned(), why.map(str::to_owned));
        let synced = |path, why| line(Loss::NotSynced, path, Some(why));
        assert_eq!(told("a\nnot synced: /mnt: why\n"), ("a\n".to_owned(), vec![synced("/mnt", "why")]));
        assert_eq!(told("not synced: /a: x\nnot synced: /b: y\n").1, [synced("/a", "x"), synced("/b", "y")]);
        assert_eq!(
            told("a\nnot put back, a socket: /a: b\nnot put back, its other names: /c\nnot synced: /a: x\n").1,
            [line(Loss::Socket, "/a: b", None), line(Loss::OtherNames, "/c", None), synced("/a", "x")]
        );
        assert_eq!(told("not synced: /a: x\nb\n").1, []);
        assert_eq!(told(""), (String::new(), Vec::new()));
    }

    #[test]
    fn only_a_job_that_found_its_paths_refused_did_nothing() {
        assert_eq!(stopped(REFUSED, b"nothing was changed: /a is a link\n").as_deref(), Some("/a is a link"));
        assert_eq!(stopped(0, b"nothing was changed: /a is a link\n"), None);
        assert_eq!(stopped(REFUSED, b"more\nnothing was changed: /a is a link\n"), None);
    }
}
