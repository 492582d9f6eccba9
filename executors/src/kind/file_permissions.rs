//! `file.permissions`: mode and owner of a file are changed where it is, so that whoever has it open keeps it.

use crate::host::OnHost;
use crate::host::act_error::ActError;
use crate::ssh::quoted;
use palinode_core::action::{FilePermissions, Secret};
use palinode_core::port::{Bodies, Job};

/// What is done. A new owner never has rights that he has neither before nor after; and he takes setuid bits and
/// capabilities away, of which only the bits can be given again.
const ACT: &str = "\
if [ -L \"$to\" ]; then
  echo \"$to is a symbolic link, and file.permissions changes files only: name the file that it leads to\" >&2
  exit 1
fi
if [ -d \"$to\" ]; then echo \"$to is a directory, and file.permissions changes files only\" >&2; exit 1; fi
if [ ! -f \"$to\" ]; then echo \"$to: No such file\" >&2; exit 1; fi
p_has() { stat -c \"$1\" -- \"$to\"; }
user=${owner%%:*} group= give=
case $owner in *:*) group=${owner#*:} ;; esac
if [ -n \"$user\" ]; then case $user in \"$(p_has %U)\" | \"$(p_has %u)\") ;; *) give=1 ;; esac; fi
if [ -n \"$group\" ]; then case $group in \"$(p_has %G)\" | \"$(p_has %g)\") ;; *) give=1 ;; esac; fi
was=$(p_has %a) || exit
mode=${mode:-$was}
if [ -z \"$give\" ]; then
  if [ $((0$mode)) -eq $((0$was)) ]; then echo 'the same already, nothing to do'; exit 0; fi
  chmod -- \"$mode\" \"$to\"
  exit
fi
p_caps=
if command -v getfattr >/dev/null; then
  if getfattr -n security.capability --absolute-names -- \"$to\" >/dev/null 2>&1; then p_caps=1; fi
elif command -v getcap >/dev/null; then p_caps=$(getcap \"$to\" 2>/dev/null); fi
if [ -n \"$p_caps\" ]; then
  echo \"$to has capabilities, which it would lose with its owner: change its mode alone\" >&2
  exit 1
fi
chmod -- \"$(printf %o $((0$was & 0$mode & 0777)))\" \"$to\" || exit
if ! chown -h -- \"$owner\" \"$to\"; then chmod -- \"$was\" \"$to\"; exit 1; fi
chmod -- \"$mode\" \"$to\"
";

impl OnHost for FilePermissions {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        Ok(script(self))
    }

    fn secrets(&self) -> Vec<&Secret> {
        Vec::new()
    }

    fn guarded(&self) -> Vec<String> {
        vec![format!("name {} in-place", quoted(&self.path))]
    }

    fn brings(&self) -> String {
        format!("p_bring {}\n", quoted(&self.path))
    }
}

fn script(given: &FilePermissions) -> String {
    let text = |value: &Option<String>| value.as_deref().map(quoted).unwrap_or_default();
    format!("to={} owner={} mode={}\n{ACT}", quoted(&given.path), text(&given.owner), text(&given.mode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    /// Runs it with a shell: its code, and what it said.
    fn run(shell: &str, path: &Path, mode: Option<&str>, owner: Option<&str>) -> (Option<i32>, String) {
        let (mode, owner) = (mode.map(str::to_owned), owner.map(str::to_owned));
        let action = FilePermissions { path: path.display().to_string(), mode, owner };
        let out = Command::new(shell).arg("-c").arg(script(&action)).output().expect("there is such a shell");
        let said = [out.stdout, out.stderr].concat();
        (out.status.code(), String::from_utf8_lossy(&said).trim().to_owned())
    }

    #[test]
    fn mode_and_owner_change_and_the_file_stays() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = folder.path().join("it's");
        std::fs::write(&at, "content\n").expect("written");
        let is = || {
            let found = std::fs::metadata(&at).expect("it is there");
            (found.mode() & 0o7777, found.uid(), found.gid(), found.ino())
        };
        let (_, uid, gid, inode) = is();
        for shell in ["/bin/sh", "bash", "dash"]
            .into_iter()
            .filter(|shell| Command::new(shell).arg("-c").arg(":").status().is_ok())
        {
            std::fs::set_permissions(&at, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
            assert_eq!(run(shell, &at, Some("4710"), None), (Some(0), String::new()));
            assert_eq!(is(), (0o4710, uid, gid, inode));
            for same in
                [(Some("4710"), None), (None, Some(format!("{uid}:{gid}"))), (Some("04710"), Some(uid.to_string()))]
            {
                let (code, said) = run(shell, &at, same.0, same.1.as_deref());
                assert_eq!((code, said.as_str()), (Some(0), "the same already, nothing to do"));
            }
            // Nobody has that name, and everything is as before.
            let (code, said) = run(shell, &at, Some("0600"), Some("no.such-user"));
            assert!(code == Some(1) && said.contains("no.such-user"), "{code:?} {said}");
            assert_eq!(is(), (0o4710, uid, gid, inode));
            if uid == 0 {
                assert_eq!(run(shell, &at, None, Some("4321")), (Some(0), String::new()));
                assert_eq!(is(), (0o4710, 4321, gid, inode), "a bit that goes with the owner is given again");
                assert_eq!(run(shell, &at, Some("600"), Some(&format!("{uid}:8765"))), (Some(0), String::new()));
                assert_eq!(is(), (0o600, uid, 8765, inode));
                assert_eq!(run(shell, &at, None, Some(&format!("{uid}:{gid}"))), (Some(0), String::new()));
            }
        }
        assert_eq!(std::fs::read(&at).expect("it is there"), b"content\n");
    }

    #[test]
    fn what_is_no_file_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("file"), "x").expect("written");
        std::fs::create_dir(at("folder")).expect("made");
        symlink("file", at("link")).expect("made");
        let mode = || std::fs::metadata(at("file")).expect("it is there").mode();
        let was = mode();
        for (name, why) in [("link", "is a symbolic link"), ("folder", "is a directory"), ("none", "No such file")] {
            let (code, said) = run("/bin/sh", &at(name), Some("0777"), Some("0:0"));
            assert!(code == Some(1) && said.contains(why), "{name}: {code:?} {said}");
        }
        assert_eq!(mode(), was);
    }
}
