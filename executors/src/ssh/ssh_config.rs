//! How hosts are reached: the operator's own ssh, under a configuration that is made for this process.

use super::link_error::CONNECT;
use super::settings::SshSettings;
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use palinode_core::id::HostName;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A connection that nobody uses ends after so many seconds, also when this process is gone.
const IDLE: NonZeroUsize = NonZeroUsize::new(60).expect("sixty is not zero");

/// So many of the last lines that a host says are told.
const SAID: usize = 4;

/// No configuration of ssh is longer.
const MOST_CONFIG: u64 = 16 << 20;

/// How the folders begin that sockets are in.
const PREFIX: &str = "palinode-";

/// How hosts are reached: the operator's own configuration of ssh, under a few lines that a journal needs. What an
/// inventory says of a host stands above both, as Ansible has it.
#[derive(Debug)]
pub(super) struct SshConfig {
    // In this order: the folder is gone before its lock is.
    /// Where control sockets are; its path is short.
    sockets: tempfile::TempDir,
    /// Held as long as this process lives, and seen so from every container that shares the folder.
    _lock: File,
    config: PathBuf,
    /// The ways of an inventory, each with a configuration of its own.
    settings: BTreeMap<String, (SshSettings, PathBuf)>,
}

impl SshConfig {
    /// Lays the configuration out. `own` replaces `~/.ssh/config` and the system's.
    pub(super) fn new(own: Option<&Path>, settings: BTreeMap<HostName, SshSettings>) -> std::io::Result<Self> {
        let run = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let place = place(run, Path::new("/run"), Path::new("/tmp"));
        if let Some(place) = &place {
            sweep(place);
        }
        // Without a folder of our own there is still one for this process alone, which nobody sweeps.
        let place = place.unwrap_or_else(|| PathBuf::from("/tmp"));
        let sockets = private_folder(&place)?;
        let lock = locked(sockets.path())?;
        let teller = sockets.path().join("key");
        let tells = tells_keys();
        if tells {
            std::fs::write(&teller, TELLER)?;
        }
        let mut text = String::from(
            "# The first value that ssh reads of an option is the one that counts.\n\
             BatchMode yes\nStrictHostKeyChecking yes\nServerAliveInterval 5\nServerAliveCountMax 3\n\
             ConnectTimeout 10\nControlMaster no\nForwardAgent no\nForwardX11 no\nRequestTTY no\nLogLevel INFO\n\
             ClearAllForwardings yes\nExitOnForwardFailure no\nTunnel no\nPermitLocalCommand no\n",
        );
        text.extend(
            YOUNGER.iter().filter(|option| knows(option)).map(|option| format!("{}\n", option.replace('=', " "))),
        );
        match own {
            Some(own) => text.push_str(&include(&std::path::absolute(own)?)?),
            None => text.push_str("Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n"),
        }
        // At the end, so that a command of the operator's own stands.
        let tell = |scope: &str, name: &str| match tells {
            true => format!("{scope}\nKnownHostsCommand /bin/sh {} %I {name} %t %f\n", teller.display()),
            false => String::new(),
        };
        let config = sockets.path().join("config");
        std::fs::write(&config, format!("{text}{}", tell("Match all", "%n")))?;
        let mut all = BTreeMap::new();
        for (number, (host, way)) in settings.into_iter().enumerate() {
            let file = sockets.path().join(format!("config-{number}"));
            // Only for the host itself, not for those on the way to it.
            let scope = format!("Host {}", way.destination(host.as_str()));
            let tell = tell(&scope, &name_of(host.as_str(), true));
            std::fs::write(&file, format!("{scope}\n{}Match all\n{text}{tell}", way.options()))?;
            all.insert(host.to_string(), (way, file));
        }
        Ok(Self { sockets, _lock: lock, config, settings: all })
    }

    /// Connects to a host.
    pub(super) async fn connect(&self, host: &str) -> Result<Session, openssh::Error> {
        match self.settings.get(host) {
            Some((way, config)) => self.builder(config).connect_mux(way.destination(host)).await,
            None => self.builder(&self.config).connect_mux(host).await,
        }
    }

    /// The same error with what the host said before it closed the connection, such as why only root may come in: that
    /// comes beside the errors of ssh, which are all that is kept of a connection that others share.
    pub(super) async fn with_words(&self, host: &str, error: openssh::Error) -> openssh::Error {
        let openssh::Error::Connect(cause) = &error else { return error };
        let text = cause.to_string();
        if text.contains("@@@") {
            return openssh::Error::Connect(std::io::Error::new(cause.kind(), of_a_warning(&text)));
        }
        if !text.contains("onnection closed") {
            return error;
        }
        let mut ssh = tokio::process::Command::new("ssh");
        ssh.arg("-F");
        match self.settings.get(host) {
            Some((way, config)) => ssh.arg(config).args(["-S", "none", "--"]).arg(way.destination(host)),
            None => ssh.arg(&self.config).args(["-S", "none", "--"]).arg(host),
        };
        ssh.arg(":").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let Ok(Ok(out)) = tokio::time::timeout(CONNECT, ssh.output()).await else { return error };
        let text = String::from_utf8_lossy(&out.stderr);
        let words: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match words.as_slice() {
            words @ [_, _, ..] if !out.status.success() => {
                let last = &words[words.len().saturating_sub(SAID)..];
                openssh::Error::Connect(std::io::Error::new(cause.kind(), last.join("; ")))
            }
            _ => error,
        }
    }

    /// The key that the host was connected to with, which the strict check accepted: its type and its fingerprint. None
    /// if this ssh does not tell, or the operator has a command of their own in its place.
    pub(super) fn key(&self, host: &str) -> Option<String> {
        let told = self.sockets.path().join(format!("key-{}", name_of(host, self.settings.contains_key(host))));
        let mut text = String::new();
        std::io::Read::take(File::open(told).ok()?, 1 << 10).read_to_string(&mut text).ok()?;
        let (kind, print) = text.trim_end().split_once(' ')?;
        let plain = |text: &str| {
            let mut all = text.chars();
            (1..=100).contains(&text.len()) && all.all(|c| c.is_ascii_alphanumeric() || "-.@:+/=".contains(c))
        };
        (plain(kind) && plain(print) && print.contains(':')).then(|| format!("{kind} {print}"))
    }

    fn builder(&self, config: &Path) -> SessionBuilder {
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .control_directory(self.sockets.path())
            .control_persist(ControlPersist::IdleFor(IDLE))
            .config_file(config);
        builder
    }
}

/// Under which name a host's key is kept. Two hosts may have one address; no host's name holds an `@`.
fn name_of(host: &str, has_way: bool) -> String {
    if has_way { format!("@{host}") } else { host.to_owned() }
}

/// Keeps what ssh tells of the key that it is about to check. It is told of other things too, and wants no keys from us.
const TELLER: &str = "if [ \"$1\" = HOSTNAME ]; then printf '%s %s\\n' \"$3\" \"$4\" >\"$0-$2\"; fi\n";

/// What an operator's configuration may say for a session of their own, and Palinode's must not have: since 7.6, and 8.7.
const YOUNGER: [&str; 4] = ["RemoteCommand=none", "SessionType=default", "ForkAfterAuthentication=no", "StdinNull=no"];

/// What ssh says in a frame about a key that changed, without the frame: the new key, the place of the old one, the end.
fn of_a_warning(text: &str) -> String {
    let told = ["The fingerprint for", "SHA256:", "MD5:", "Offending", "verification failed"];
    let lines = text.lines().map(str::trim).filter(|line| told.iter().any(|words| line.contains(words)));
    lines.collect::<Vec<_>>().join("; ")
}

/// Whether this ssh tells of keys, as it does since 8.5.
fn tells_keys() -> bool {
    knows("KnownHostsCommand=none")
}

/// Whether this ssh has an option. One that it does not know would be an error; to have it ignored would replace what the
/// operator's own configuration has ignored.
fn knows(option: &str) -> bool {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/null", "-o", option, "-G", "localhost"]);
    let asked = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Whether a folder is short enough for a socket, and needs no quotes in a configuration of ssh.
fn is_plain(dir: &Path) -> bool {
    let text = dir.to_str().unwrap_or(" ");
    text.len() < 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

/// In a folder of sockets: locked by the process that uses it.
const LOCK: &str = "lock";

/// So many folders of dead processes are looked at for one that begins.
const SWEPT: usize = 1000;

/// A folder that is nobody else's, and where sockets may be: the session's own, else one of a fixed name, made if it is
/// not there. None if somebody else has that name.
fn place(session: Option<PathBuf>, run: &Path, tmp: &Path) -> Option<PathBuf> {
    let session = session.filter(|dir| dir.is_absolute() && is_plain(dir) && is_ours(dir));
    let uid = rustix::process::geteuid();
    let made = || {
        let parent = if uid.is_root() && run.is_dir() { run } else { tmp };
        let dir = parent.join(format!("{PREFIX}{}", uid.as_raw()));
        match std::fs::DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(_) => return None,
        }
        (is_plain(&dir) && is_ours(&dir)).then_some(dir)
    };
    session.or_else(made)
}

/// Makes a folder of a random name that only this user may enter, whatever the umask.
fn private_folder(place: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(PREFIX).permissions(Permissions::from_mode(0o700)).tempdir_in(place)
}

/// Whether it is a folder of this user's own, no link to one, that nobody else may enter.
fn is_ours(dir: &Path) -> bool {
    let uid = rustix::process::geteuid().as_raw();
    std::fs::symlink_metadata(dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid && meta.mode() & 0o077 == 0)
}

/// A lock in a new folder. It has its name only once it is held, so that nobody takes the folder for one of the dead.
fn locked(dir: &Path) -> std::io::Result<File> {
    let new = dir.join("lock.new");
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    std::fs::rename(&new, dir.join(LOCK))?;
    Ok(file)
}

/// Removes the folders that killed processes left; their connections end by themselves. Removes only folders of this
/// user whose lock no process holds, and reads nothing. Their mode does not matter: nobody else may enter the place.
fn sweep(place: &Path) {
    let items = std::fs::read_dir(place).into_iter().flatten().flatten().take(SWEPT);
    for item in items.filter(|item| item.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())) {
        let (dir, flags) = (item.path(), OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY);
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        // A link, a pipe or a device of that name is none of ours, and opening it may wait or do something.
        let is_file = std::fs::symlink_metadata(dir.join(LOCK)).is_ok_and(|meta| meta.is_file());
        let uid = rustix::process::geteuid().as_raw();
        let owned = std::fs::symlink_metadata(&dir).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid);
        if !owned || !is_file {
            continue;
        }
        let Ok(lock) = OpenOptions::new().write(true).custom_flags(flags).open(dir.join(LOCK)) else { continue };
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = std::fs::remove_dir_all(&dir);
        }
    }
}

/// The line that reads a file; its name in quotes, as ssh takes them.
fn include(path: &Path) -> std::io::Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\n', '*', '?', '[']));
    let text = text.ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "its path cannot be written into a configuration of ssh")
    })?;
    // Opening a pipe would wait. `/dev/null` is how a configuration is left out.
    if path != Path::new("/dev/null") {
        crate::check_plain(path, MOST_CONFIG).map_err(std::io::Error::other)?;
        File::open(path)?;
    }
    Ok(format!("Include \"{text}\"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(dir: &Path, mode: u32) {
        std::fs::DirBuilder::new().mode(mode).create(dir).expect("a folder can be made");
    }

    #[test]
    fn only_what_dead_processes_left_is_removed() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let make = |name: &str, mode: u32| {
            let dir = place.path().join(name);
            folder(&dir, mode);
            std::fs::write(dir.join("config"), "").expect("it can be written");
            dir
        };
        let dead = make("palinode-dead", 0o700);
        drop(locked(&dead).expect("a lock"));
        let live = make("palinode-live", 0o700);
        let _held = locked(&live).expect("a lock");
        // Made by a release that did not set the mode.
        let wide = make("palinode-wide", 0o755);
        drop(locked(&wide).expect("a lock"));
        // Of another name, without a lock, and with what is no lock.
        let other = make("other", 0o700);
        drop(locked(&other).expect("a lock"));
        let (bare, pipe, zero) =
            (make("palinode-bare", 0o700), make("palinode-pipe", 0o700), make("palinode-zero", 0o700));
        let made = Command::new("mkfifo").arg(pipe.join("lock")).arg(pipe.join("owner")).status();
        assert!(made.is_ok_and(|made| made.success()));
        std::os::unix::fs::symlink("/dev/zero", zero.join("lock")).expect("a link can be made");
        std::os::unix::fs::symlink("/dev/zero", zero.join("owner")).expect("a link can be made");
        let elsewhere = tempfile::tempdir().expect("a folder can be made");
        drop(locked(elsewhere.path()).expect("a lock"));
        let link = place.path().join("palinode-link");
        std::os::unix::fs::symlink(elsewhere.path(), &link).expect("a link can be made");
        sweep(place.path());
        assert!(!dead.exists() && !wide.exists());
        for dir in [&live, &other, &bare, &pipe, &zero, &link] {
            assert!(dir.exists(), "{}", dir.display());
        }
        assert!(elsewhere.path().join("lock").exists());
    }

    #[test]
    fn a_folder_of_sockets_is_private_and_swept_after_its_process_is_dead() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let made = private_folder(place.path()).expect("a folder can be made");
        assert!(is_ours(made.path()), "only this user may enter it");
        let lock = locked(made.path()).expect("a lock");
        let left = made.keep();
        sweep(place.path());
        assert!(left.exists(), "its process lives");
        drop(lock);
        sweep(place.path());
        assert!(!left.exists());
    }

    #[test]
    fn sockets_are_only_where_nobody_else_can_be() {
        let all = tempfile::tempdir().expect("a folder can be made");
        let (run, tmp) = (all.path().join("r"), all.path().join("t"));
        folder(&run, 0o755);
        folder(&tmp, 0o777);
        let session = all.path().join("s");
        folder(&session, 0o700);
        let short = is_plain(&session);
        let found = place(Some(session.clone()), &run, &tmp);
        assert_eq!(found.is_some(), short || is_plain(&tmp.join("palinode-0")));
        for (name, mode) in [("w", 0o755), ("g", 0o770)] {
            folder(&all.path().join(name), mode);
            assert!(!is_ours(&all.path().join(name)), "{name}");
        }
        assert!(is_ours(&session) && !is_ours(&all.path().join("gone")));
        std::os::unix::fs::symlink(&session, all.path().join("l")).expect("a link can be made");
        assert!(!is_ours(&all.path().join("l")));
        // Somebody else has the name: nothing is done there.
        let name = format!("{PREFIX}{}", rustix::process::geteuid().as_raw());
        for parent in [&run, &tmp] {
            let _ = std::fs::remove_dir(parent.join(&name));
            std::os::unix::fs::symlink(&session, parent.join(&name)).expect("a link can be made");
        }
        assert_eq!(place(None, &run, &tmp), None);
    }

    #[test]
    fn what_is_no_fingerprint_is_not_taken_for_one() {
        let ssh = SshConfig::new(None, BTreeMap::new()).expect("a folder can be made");
        let tell = |text: &str| {
            std::fs::write(ssh.sockets.path().join("key-h"), text).expect("it can be written");
            ssh.key("h")
        };
        assert_eq!(tell("ssh-ed25519 SHA256:a+/b\n").as_deref(), Some("ssh-ed25519 SHA256:a+/b"));
        let long = format!("ssh-rsa SHA256:{}\n", "a".repeat(200));
        for bad in ["", "NONE NONE\n", "ssh-ed25519\n", "ssh-rsa SHA256:\u{1b}[2J\n", "a b SHA256:c\n", &long] {
            assert_eq!(tell(bad), None, "{bad:?}");
        }
        assert_eq!(ssh.key("other"), None);
    }

    /// As ssh itself reads what is written for it.
    #[test]
    fn what_an_inventory_says_stands_above_the_operators_own_configuration() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let own = place.path().join("own");
        std::fs::write(&own, "Host 10.0.0.1\nUser below\nCompression yes\nHost jump\nUser jumper\n").expect("written");
        let text = "[all]\nnode1 ansible_host=10.0.0.1 ansible_user=above ansible_port=2222 \
                    ansible_ssh_private_key_file='/tmp/a key'\nnode2 ansible_user=two\n";
        let inventory =
            palinode_core::inventory::model::Reading::of_text("hosts", text.as_bytes()).expect("it is good");
        let settings: BTreeMap<HostName, SshSettings> = ["node1", "node2"]
            .map(|name| HostName::new(name).expect("a host name"))
            .into_iter()
            .map(|host| {
                (host.clone(), SshSettings::read(&inventory, &host).expect("it is plain").expect("it says something"))
            })
            .collect();
        let ssh = SshConfig::new(Some(&own), settings).expect("a folder can be made");
        let asked = |config: &Path, host: &str| {
            let out = Command::new("ssh").arg("-F").arg(config).args(["-G", host]).output().expect("ssh is there");
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8(out.stdout).expect("text")
        };
        let (way, config) = &ssh.settings["node1"];
        let first = asked(config, way.destination("node1"));
        for line in [
            "user above",
            "port 2222",
            "hostname 10.0.0.1",
            "identityfile /tmp/a key",
            "compression yes",
            "batchmode yes",
        ] {
            assert!(first.lines().any(|found| found == line), "{line}: {first}");
        }
        // A host on the way is not reached in the name of the one behind it.
        let jump = asked(config, "jump");
        assert!(jump.contains("user jumper\n") && jump.contains("port 22\n"), "{jump}");
        let (way, config) = &ssh.settings["node2"];
        assert!(asked(config, way.destination("node2")).contains("user two\n"));
        assert!(!asked(&ssh.config, "10.0.0.1").contains("user above"));
    }

    #[test]
    fn what_an_operator_wants_of_their_own_sessions_is_not_kept() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let own = place.path().join("own");
        let mut text = String::from(
            "LocalForward 2222 localhost:22\nRemoteForward 2223 localhost:22\nDynamicForward 1080\n\
             ExitOnForwardFailure yes\nTunnel yes\nPermitLocalCommand yes\nLocalCommand touch /tmp/x\nRequestTTY force\n",
        );
        let younger = ["RemoteCommand=tmux", "SessionType=none", "ForkAfterAuthentication=yes", "StdinNull=yes"];
        let known: Vec<&str> = younger.into_iter().filter(|option| knows(option)).collect();
        text.extend(known.iter().map(|option| format!("{}\n", option.replace('=', " "))));
        std::fs::write(&own, text).expect("written");
        let ssh = SshConfig::new(Some(&own), BTreeMap::new()).expect("a folder can be made");
        let out = Command::new("ssh").arg("-F").arg(&ssh.config).args(["-G", "node1"]).output().expect("ssh is there");
        let said = String::from_utf8(out.stdout).expect("text");
        for line in [
            "clearallforwardings yes",
            "exitonforwardfailure no",
            "tunnel false",
            "permitlocalcommand no",
            "requesttty false",
        ] {
            assert!(said.lines().any(|found| found == line), "{line}: {said}");
        }
        for option in known {
            let line = option.to_lowercase().replace('=', " ");
            assert!(!said.lines().any(|found| found == line), "{line}: {said}");
        }
        assert!(!knows("NoSuchOption=yes"));
    }

    #[test]
    fn of_a_key_that_changed_is_told_what_matters() {
        let text = "@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n\
                    The fingerprint for the ED25519 key sent by the remote host is\nSHA256:ZK4pw75.\nPlease contact your system administrator.\n\
                    Add correct host key in /known_hosts to get rid of this message.\nOffending ED25519 key in /known_hosts:1\n\
                    Host key for a has changed and you have requested strict checking.\nHost key verification failed.";
        let told = "The fingerprint for the ED25519 key sent by the remote host is; SHA256:ZK4pw75.; Offending ED25519 key in /known_hosts:1; \
                    Host key verification failed.";
        assert_eq!(of_a_warning(text), told);
    }

    #[test]
    fn a_configuration_is_included_by_its_whole_name_or_refused() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let good = place.path().join("a b");
        std::fs::write(&good, "").expect("it can be written");
        assert_eq!(include(&good).expect("it can be read"), format!("Include \"{}\"\n", good.display()));
        for bad in ["a\"b", "a*b", "a\nb"] {
            assert!(include(&place.path().join(bad)).is_err(), "{bad:?}");
        }
        assert!(include(&place.path().join("missing")).is_err());
    }
}
