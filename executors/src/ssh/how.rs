//! How hosts are reached: the operator's own ssh, under a configuration that is made for this process.

use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A connection that nobody uses ends after so many seconds, also when this process is gone.
const IDLE: NonZeroUsize = NonZeroUsize::new(60).expect("sixty is not zero");

/// How the folders begin that sockets are in.
const PREFIX: &str = "palinode-";

/// How hosts are reached: the operator's own configuration of ssh, under a few lines that a journal needs.
#[derive(Debug)]
pub(super) struct How {
    /// Where control sockets are; its path is short.
    sockets: tempfile::TempDir,
    config: PathBuf,
}

impl How {
    /// Lays the configuration out. `own` replaces `~/.ssh/config` and the system's.
    pub(super) fn new(own: Option<&Path>) -> std::io::Result<Self> {
        let place = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let place = place.filter(|dir| is_plain(dir)).unwrap_or_else(|| PathBuf::from("/tmp"));
        sweep(&place);
        let sockets = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        std::fs::write(sockets.path().join("owner"), std::process::id().to_string())?;
        let mut text = String::from(
            "# The first value that ssh reads of an option is the one that counts.\n\
             BatchMode yes\nStrictHostKeyChecking yes\nServerAliveInterval 5\nServerAliveCountMax 3\n\
             ConnectTimeout 10\nControlMaster no\nForwardAgent no\nForwardX11 no\nRequestTTY no\nLogLevel INFO\n",
        );
        match own {
            Some(own) => text.push_str(&include(&std::path::absolute(own)?)?),
            None => text.push_str("Include ~/.ssh/config\nInclude /etc/ssh/ssh_config\n"),
        }
        if tells_keys() {
            // At the end, so that a command of the operator's own stands.
            let teller = sockets.path().join("key");
            std::fs::write(&teller, TELLER)?;
            text.push_str(&format!("Match all\nKnownHostsCommand /bin/sh {} %I %n %t %f\n", teller.display()));
        }
        let config = sockets.path().join("config");
        std::fs::write(&config, text)?;
        Ok(Self { sockets, config })
    }

    /// Connects to a host.
    pub(super) async fn connect(&self, host: &str) -> Result<Session, openssh::Error> {
        self.builder().connect_mux(host).await
    }

    /// The key that the host was connected to with, which the strict check accepted: its type and its fingerprint. None
    /// if this ssh does not tell, or the operator has a command of their own in its place.
    pub(super) fn key(&self, host: &str) -> Option<String> {
        let told = std::fs::read_to_string(self.sockets.path().join(format!("key-{host}"))).ok()?;
        let (kind, print) = told.trim_end().split_once(' ')?;
        let plain = |text: &str| {
            let mut all = text.chars();
            (1..=100).contains(&text.len()) && all.all(|c| c.is_ascii_alphanumeric() || "-.@:+/=".contains(c))
        };
        (plain(kind) && plain(print) && print.contains(':')).then(|| format!("{kind} {print}"))
    }

    fn builder(&self) -> SessionBuilder {
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .control_directory(self.sockets.path())
            .control_persist(ControlPersist::IdleFor(IDLE))
            .config_file(&self.config);
        builder
    }
}

/// Keeps what ssh tells of the key that it is about to check. It is told of other things too, and wants no keys from us.
const TELLER: &str = "if [ \"$1\" = HOSTNAME ]; then printf '%s %s\\n' \"$3\" \"$4\" >\"$0-$2\"; fi\n";

/// Whether this ssh tells of keys, as it does since 8.5. An option that it does not know would be an error.
fn tells_keys() -> bool {
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/null", "-o", "KnownHostsCommand=none", "-G", "localhost"]);
    let asked = ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    asked.is_ok_and(|status| status.success())
}

/// Whether a folder is short enough for a socket, and needs no quotes in a configuration of ssh.
fn is_plain(dir: &Path) -> bool {
    let text = dir.to_str().unwrap_or(" ");
    text.len() < 40 && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c))
}

/// Removes what killed processes left. Their connections end by themselves.
fn sweep(place: &Path) {
    let items = std::fs::read_dir(place).into_iter().flatten().flatten();
    for item in items.filter(|item| item.file_name().to_string_lossy().starts_with(PREFIX)) {
        // Only what can be told to be of a dead process; others' folders cannot be read.
        let owner = std::fs::read_to_string(item.path().join("owner")).ok();
        let Some(pid) = owner.and_then(|text| text.parse::<u32>().ok()) else { continue };
        if !Path::new("/proc").join(pid.to_string()).exists() && item.path().join("config").is_file() {
            let _ = std::fs::remove_dir_all(item.path());
        }
    }
}

/// The line that reads a file; its name in quotes, as ssh takes them.
fn include(path: &Path) -> std::io::Result<String> {
    let text = path.to_str().filter(|text| !text.contains(['"', '\n', '*', '?', '[']));
    let text = text.ok_or_else(|| {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, "its path cannot be written into a configuration of ssh")
    })?;
    std::fs::File::open(path)?;
    Ok(format!("Include \"{text}\"\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_processes_left_is_removed() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let make = |name: &str, owner: Option<u32>| {
            let folder = place.path().join(name);
            std::fs::create_dir(&folder).expect("a folder can be made");
            std::fs::write(folder.join("config"), "").expect("it can be written");
            if let Some(pid) = owner {
                std::fs::write(folder.join("owner"), pid.to_string()).expect("it can be written");
            }
            folder
        };
        // No process has the highest number.
        let dead = make("palinode-dead", Some(u32::MAX));
        let others =
            [make("palinode-live", Some(std::process::id())), make("palinode-x", None), make("other", Some(u32::MAX))];
        sweep(place.path());
        assert!(!dead.exists());
        assert!(others.iter().all(|folder| folder.exists()));
    }

    #[test]
    fn what_is_no_fingerprint_is_not_taken_for_one() {
        let how = How::new(None).expect("a folder can be made");
        let tell = |text: &str| {
            std::fs::write(how.sockets.path().join("key-h"), text).expect("it can be written");
            how.key("h")
        };
        assert_eq!(tell("ssh-ed25519 SHA256:a+/b\n").as_deref(), Some("ssh-ed25519 SHA256:a+/b"));
        let long = format!("ssh-rsa SHA256:{}\n", "a".repeat(200));
        for bad in ["", "NONE NONE\n", "ssh-ed25519\n", "ssh-rsa SHA256:\u{1b}[2J\n", "a b SHA256:c\n", &long] {
            assert_eq!(tell(bad), None, "{bad:?}");
        }
        assert_eq!(how.key("other"), None);
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
