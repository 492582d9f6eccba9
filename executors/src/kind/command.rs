//! `command`: a program is run with its words as they are.

use crate::host::OnHost;
use crate::host::act_error::ActError;
use crate::host::guard;
use crate::secrets::{self, NoSecret};
use crate::ssh::{encoded, quoted};
use palinode_core::action::{Command, Secret, Shown, Word};
use palinode_core::port::{Bodies, Job};
use std::fmt::Write as _;

impl OnHost for Command {
    fn act(&self, _: &Job, _: &dyn Bodies) -> Result<String, ActError> {
        program(self)
    }

    fn secrets(&self) -> Vec<&Secret> {
        let words = self.run.iter().filter_map(Word::secret);
        words.chain(&self.stdin).chain(self.environment.values()).collect()
    }

    fn guarded(&self) -> Vec<String> {
        let of = |path: &String| match self.undo {
            Some(_) => format!("links {}", quoted(path)),
            None => guard::owned(path),
        };
        self.changes.iter().map(of).collect()
    }

    fn written_through(&self) -> &[String] {
        &self.changes
    }

    fn brings(&self) -> String {
        let paths: Vec<String> = self.changes.iter().map(|path| quoted(path)).collect();
        let declared = if paths.is_empty() { String::new() } else { format!("p_bring {}\n", paths.join(" ")) };
        format!("p_bring_usual {}\n{declared}", guard::USUAL)
    }
}

/// No shell reads the words: they are handed on as they are. A secret is a file in the job's own folder, which only root
/// may enter, unless the runbook says where it may be seen.
fn program(command: &Command) -> Result<String, ActError> {
    let program = command.run.first().and_then(Word::text);
    if program.is_none_or(|program| program.is_empty() || program.starts_with('-')) {
        return Err(ActError::NoProgram);
    }
    let read = |secret: &Secret| secrets::read(secret).map_err(|why| NoSecret::of(secret, why));
    let text = |secret: &Secret| secrets::text(secret).map_err(|why| NoSecret::of(secret, why));
    let (mut laid, mut count) = (String::new(), 0);
    let mut lay = |bytes: &[u8]| {
        let file = format!("\"$p_d/secret.{count}\"");
        count += 1;
        let _ = writeln!(laid, "(umask 077; base64 -d >{file}) <<'palinode' || exit 74\n{}\npalinode", encoded(bytes));
        file
    };
    let mut words = Vec::new();
    for word in &command.run {
        words.push(match word {
            Word::Text(text) => quoted(text),
            Word::Secret(secret) if secret.shown == Some(Shown::Argument) => quoted(&text(secret)?),
            Word::Secret(secret) => lay(&read(secret)?),
        });
    }
    let stdin = command.stdin.as_ref().map(read).transpose()?.map(|bytes| lay(&bytes));
    let mut sets = String::new();
    for (name, secret) in &command.environment {
        let _ = writeln!(sets, "{name}={}\nexport {name}", quoted(&text(secret)?));
    }
    let words = words.join(" ");
    if count == 0 {
        return Ok(format!("{sets}exec {words}\n"));
    }
    let stdin = stdin.map_or_else(String::new, |file| format!(" <{file}"));
    // Whatever it is called, it is a program and no function of the shell. What is set in its environment may have the name
    // of a variable of the job.
    Ok(format!("{laid}set -- {words}\n({sets}exec \"$@\"){stdin}\nrc=$?\nrm -f \"$p_d\"/secret.*\nexit $rc\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_secret_is_seen_only_where_the_runbook_says_so() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let file = folder.path().join("pw");
        std::fs::write(&file, "it's geheim\n").expect("it can be written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        let secret = |shown| Secret { secret: format!("file:{}", file.display()), shown };
        let text = |text: &str| Word::Text(text.to_owned());
        let job = |run: Vec<Word>, stdin, environment| {
            let command = Command { run, stdin, environment, ..Command::of(Vec::new(), Vec::new()) };
            let act = program(&command).expect("it can be said");
            std::fs::write(folder.path().join("job"), &act).expect("it can be written");
            let out = std::process::Command::new("/bin/sh")
                .args(["-c", "p_d=$1; (. \"$p_d/job\") </dev/null", "sh"])
                .arg(folder.path())
                .output()
                .expect("a shell can be started");
            assert!(!folder.path().join("secret.0").exists(), "nothing stays");
            (out.status.code(), String::from_utf8(out.stdout).expect("text"))
        };
        let script = "stat -c %a \"$1\"; cat \"$1\"; exit 3";
        let named = vec![text("/bin/sh"), text("-c"), text(script), text("sh"), Word::Secret(secret(None))];
        assert_eq!(job(named, None, BTreeMap::new()), (Some(3), "600\nit's geheim\n".to_owned()));
        assert_eq!(job(vec![text("cat")], Some(secret(None)), BTreeMap::new()), (Some(0), "it's geheim\n".to_owned()));
        let shown = vec![text("printf"), text("<%s>"), Word::Secret(secret(Some(Shown::Argument)))];
        assert_eq!(job(shown, None, BTreeMap::new()), (Some(0), "<it's geheim>".to_owned()));
        let set = BTreeMap::from([("PW".to_owned(), secret(Some(Shown::Environment)))]);
        let printed = vec![text("printenv"), text("PW")];
        assert_eq!(job(printed, None, set), (Some(0), "it's geheim\n".to_owned()));
        let both = ["p_d", "rc"].map(|name| (name.to_owned(), secret(Some(Shown::Environment)))).into();
        let named =
            vec![text("/bin/sh"), text("-c"), text("cat \"$1\"; exit 4"), text("sh"), Word::Secret(secret(None))];
        assert_eq!(job(named, None, both), (Some(4), "it's geheim\n".to_owned()), "names of the job itself");
        assert!(program(&Command::of(vec!["-x".to_owned()], Vec::new())).is_err());
    }
}
