//! What a playbook's job does: the operator's own `ansible-playbook`, watched, as a piece of shell.

use super::config::{VaultPrompts, escaped};
use crate::ssh::quoted;
use palinode_core::action::Playbook;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// The name under which the plugin lies in its folder, and by which Ansible knows it.
pub(super) const PLUGIN: &str = "palinode_events.py";

/// The plugin.
pub(super) const SOURCE: &str = concat!(include_str!("palinode_events.py"), include_str!("palinode_questions.py"));

/// In the folder of a job: what the playbook told.
pub(super) const EVENTS: &str = "events";

/// What asks in the place of ssh and of the vault.
pub(super) const ASK: &str = include_str!("ask.sh");

/// In the folder of a job: its claim lapsed, and it was ended.
pub(super) const LAPSED: &str = "lapsed";

/// In the folder of a job: nothing was told, and what was started is Ansible's own program, with nothing in its place.
pub(super) const ITSELF: &str = "itself";

/// In the folder of a job: nothing was told, and the playbook cannot even be read.
pub(super) const UNREADABLE: &str = "unreadable";

/// In the folder of a job: plays were run, and nothing was told of them, so it was ended.
pub(super) const UNHEARD: &str = "unheard";

/// In the folder of a job: Ansible is started right after this is there.
pub(super) const BEGINS: &str = "begins";

/// In the folder of a job: what the kernel said of its process.
pub(super) const RAN: &str = "ran";

/// Around the command. A job is a subshell whose folder is `$p_d`; `$p_lib` is where claims are.
///
/// - It is a session of its own, so that whatever it leaves running is ended with it. Workers of Ansible since 2.19 are
///   sessions of their own again, and are known by the environment that it was started with: what they run themselves
///   does not have it.
/// - Whoever loses the claim loses the playbook: it is asked every second.
/// - If plays are run and nothing is told of them, the plugin is not there, and it is ended.
/// - If nothing was told at all, Ansible ended before it had its plugins: what stands in its place may have lost them, and
///   then a look at the playbook without running it says whether anything can have been run.
/// - Who still waits for an answer hears that there is none.
const RUN: &str = r#"
export PALINODE_EVENTS="$p_d/events"
: >"$p_d/events" || exit 74
: >"$p_d/begins" || exit 74
setsid "$@" &
p_ran=$!
cat "/proc/$p_ran/stat" >"$p_d/ran"
(
  while kill -0 $p_ran 2>/dev/null; do
    if [ -n "$p_journal" ] && ! [ "$p_lib/claim" -ef "$p_lib/claims/$p_journal" ]; then
      : >"$p_d/lapsed"
      kill -TERM -$p_ran
      sleep 5
      kill -KILL -$p_ran
    fi
    if ! [ -s "$p_d/events" ] && grep -q '^PLAY \[' "$p_d/out"; then
      : >"$p_d/unheard"
      kill -KILL -$p_ran
    fi
    sleep 1
  done
) >/dev/null 2>&1 &
p_watch=$!
wait $p_ran
p_code=$?
kill $p_watch 2>/dev/null
kill -KILL -$p_ran 2>/dev/null
for p_worker in $(grep -lszxF "PALINODE_EVENTS=$p_d/events" /proc/[0-9]*/environ); do
  p_worker=${p_worker#/proc/}
  kill -KILL -"${p_worker%/environ}"
done 2>/dev/null
dd if=/dev/null of="$p_d/events" oflag=append conv=notrunc,fsync 2>/dev/null
for p_waits in "$p_d"/asks/*.answer; do
  if [ -p "$p_waits" ]; then echo - 1<>"$p_waits"; fi
done
if [ $p_code != 0 ] && ! [ -s "$p_d/events" ] && ! [ -e "$p_d/lapsed" ]; then
  p_first='' p_second=''
  { read -r p_first; read -r p_second; } <"$(command -v ansible-playbook)"
  case $p_first:$p_second in
    '#!'*python*:* | '#!/bin/sh:'\'\'\'exec*python*) : >"$p_d/itself" ;;
  esac
fi 2>/dev/null
if [ $p_code != 0 ] && ! [ -s "$p_d/events" ] && ! [ -e "$p_d/lapsed" ] && ! [ -e "$p_d/itself" ]; then
  timeout 60 "$@" --syntax-check >/dev/null 2>&1
  # Whoever does not end says nothing.
  case $? in 0 | 124 | 137) ;; *) : >"$p_d/unreadable" ;; esac
fi
rm -f "$p_d/vars.json"
exit $p_code
"#;

/// What surrounds it.
pub(super) struct Around<'a> {
    /// Extra variables, with the secrets among them.
    pub(super) vars: &'a BTreeMap<String, String>,
    /// Where the plugin is.
    pub(super) plugins: &'a Path,
    /// Where Ansible looks for callback plugins by itself.
    pub(super) others: &'a str,
    /// The working folder.
    pub(super) folder: &'a Path,
    /// `PATH`, as it was when Palinode began.
    pub(super) path: &'a str,
    /// The file mode mask, in octal digits.
    pub(super) umask: &'a str,
    /// `LC_ALL`, if there was one.
    pub(super) locale: Option<&'a str>,
    /// The configuration of ssh that was asked for.
    pub(super) ssh: Option<&'a Path>,
    /// Somebody is there to answer questions; what the vault would ask for.
    pub(super) asks: Option<&'a VaultPrompts>,
}

/// The job's program; none if a path is no text.
pub(super) fn act(playbook: &Playbook, around: &Around<'_>) -> Option<String> {
    let mut text = String::new();
    let _ = writeln!(text, "cd {} || exit 74", quoted(around.folder.to_str()?));
    let _ = writeln!(text, "umask {}", quoted(around.umask));
    let _ = writeln!(text, "export PATH={}", quoted(around.path));
    match around.locale {
        Some(locale) => drop(writeln!(text, "export LC_ALL={}", quoted(locale))),
        None => text.push_str("unset LC_ALL\n"),
    }
    let mut plugins = around.plugins.to_str()?.to_owned();
    if !around.others.is_empty() {
        let _ = write!(plugins, ":{}", around.others);
    }
    let _ = writeln!(text, "export ANSIBLE_CALLBACK_PLUGINS={}", quoted(&plugins));
    text.push_str("export ANSIBLE_FORCE_COLOR=0 ANSIBLE_NOCOLOR=1 PYTHONUNBUFFERED=1\n");
    if let Some(ssh) = around.ssh {
        // Only where nobody says otherwise: what the environment says stands.
        let args = format!("-F {} -C -o ControlMaster=auto -o ControlPersist=60s", quoted(ssh.to_str()?));
        let _ = writeln!(text, "export ANSIBLE_SSH_ARGS=\"${{ANSIBLE_SSH_ARGS-\"{}\"}}\"", escaped(&args));
    }
    let mut words = vec!["ansible-playbook".to_owned(), "-i".to_owned(), playbook.inventory.clone()];
    for file in &playbook.vars_from {
        words.extend(["-e".to_owned(), format!("@{file}")]);
    }
    for (option, value) in [
        ("--limit", playbook.limit.clone()),
        ("--tags", Some(playbook.tags.join(",")).filter(|tags| !tags.is_empty())),
        ("--skip-tags", Some(playbook.skip_tags.join(",")).filter(|tags| !tags.is_empty())),
    ] {
        if let Some(value) = value {
            words.extend([option.to_owned(), value]);
        }
    }
    let _ = write!(text, "set --");
    for word in &words {
        let _ = write!(text, " {}", quoted(word));
    }
    text.push('\n');
    if !around.vars.is_empty() {
        // Not on the command line, where every user of this machine could read them; and not typed by the shell.
        let vars = serde_json::to_string(around.vars).ok()?;
        let _ = writeln!(text, "(umask 077; printf '%s\\n' {} >\"$p_d/vars.json\") || exit 74", quoted(&vars));
        text.push_str("set -- \"$@\" -e \"@$p_d/vars.json\"\n");
    }
    if let Some(vault) = around.asks {
        text.push_str("mkdir -m 700 \"$p_d/asks\" || exit 74\nexport PALINODE_ASKS=\"$p_d/asks\"\n");
        let _ = writeln!(text, "printf '%s' {} >\"$p_d/ask\" && chmod 700 \"$p_d/ask\" || exit 74", quoted(ASK));
        // Before OpenSSH 8.4 it asks that way only where there seems to be a display.
        text.push_str("export SSH_ASKPASS=\"$p_d/ask\" SSH_ASKPASS_REQUIRE=force DISPLAY=\"${DISPLAY-none}\"\n");
        text.push_str(&vault.act());
    }
    let _ = writeln!(text, "set -- \"$@\" {}", quoted(&playbook.path));
    text.push_str(RUN);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// What a program in the place of Ansible is called with, by both shells.
    #[test]
    fn words_reach_ansible_as_they_are() {
        let dir = tempfile::tempdir().expect("a folder");
        let job = dir.path().join("it's a job");
        let bin = dir.path().join("bin");
        std::fs::create_dir_all(&job).expect("made");
        std::fs::create_dir_all(&bin).expect("made");
        let program = bin.join("ansible-playbook");
        std::fs::write(
            &program,
            "#!/bin/sh\nfor w; do printf '<%s>' \"$w\"; done\necho\nprintf '%s\\n' \"$ANSIBLE_SSH_ARGS\" \
             \"$ANSIBLE_CALLBACK_PLUGINS\"\ncase $* in *vars.json*) cat \"$p_d/vars.json\" ;; esac\nexit 3\n",
        )
        .expect("written");
        let mut mode = std::fs::metadata(&program).expect("there").permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        std::fs::set_permissions(&program, mode).expect("set");
        let nasty = "$(touch x)'\"`\\;& \u{e9}";
        let playbook = Playbook {
            path: format!("/p/{nasty}.yml"),
            inventory: format!("/i {nasty}"),
            expect: None,
            ran_on: None,
            vars: [("a".to_owned(), nasty.to_owned().into())].into(),
            vars_from: vec!["/v$HOME.yml".to_owned()],
            limit: Some("a:&b,!c".to_owned()),
            tags: vec!["x".to_owned(), "y".to_owned()],
            skip_tags: vec!["z".to_owned()],
            requires: Vec::new(),
        };
        let path = format!("{}:/usr/bin:/bin", bin.display());
        let ssh = Path::new("/s $x/config");
        let vars = [("a".to_owned(), nasty.to_owned())].into();
        let around = Around {
            vars: &vars,
            plugins: Path::new("/plugins here"),
            others: "/own:/etc/p",
            folder: dir.path(),
            path: &path,
            umask: "0027",
            locale: None,
            ssh: Some(ssh),
            asks: None,
        };
        let text = act(&playbook, &around).expect("texts");
        std::fs::write(job.join("job"), &text).expect("written");
        for shell in ["/bin/sh", "/bin/bash"] {
            let ran = Command::new(shell)
                .args(["-c", "p_journal= p_lib=/nowhere p_d=$1; export p_d; . \"$p_d/job\"", "sh"])
                .arg(&job)
                .env_remove("ANSIBLE_SSH_ARGS")
                .output()
                .expect("run");
            assert_eq!(ran.status.code(), Some(3), "{}", String::from_utf8_lossy(&ran.stderr));
            let out = String::from_utf8(ran.stdout).expect("text");
            let vars = format!("@{}", job.join("vars.json").display());
            let words = format!(
                "<-i></i {nasty}><-e><@/v$HOME.yml><--limit><a:&b,!c><--tags><x,y><--skip-tags><z><-e><{vars}></p/{nasty}.yml>"
            );
            let lines: Vec<&str> = out.lines().collect();
            assert_eq!(lines[0], words);
            assert_eq!(lines[1], "-F '/s $x/config' -C -o ControlMaster=auto -o ControlPersist=60s");
            assert_eq!(lines[2], "/plugins here:/own:/etc/p");
            let given: std::collections::BTreeMap<String, String> = serde_json::from_str(lines[3]).expect("JSON");
            assert_eq!(given["a"], nasty);
            assert!(!job.join("vars.json").exists(), "variables do not stay");
            assert!(job.join(UNREADABLE).exists(), "nothing was told, and it cannot be checked either");
        }
    }
}
