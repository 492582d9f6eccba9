//! How hosts are reached: the operator's own ssh, under a configuration that is made for this process.

use super::way::Way;
use openssh::{ControlPersist, KnownHosts, Session, SessionBuilder};
use palinode_core::id::HostName;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A connection that nobody uses ends after so many seconds, also when this process is gone.
const IDLE: NonZeroUsize = NonZeroUsize::new(60).expect("sixty is not zero");

/// How the folders begin that sockets are in.
const PREFIX: &str = "palinode-";

/// How hosts are reached: the operator's own configuration of ssh, under a few lines that a journal needs. What an
/// inventory says of a host stands above both, as Ansible has it.
#[derive(Debug)]
pub(super) struct How {
    /// Where control sockets are; its path is short.
    sockets: tempfile::TempDir,
    config: PathBuf,
    /// The ways of an inventory, each with a configuration of its own.
    ways: BTreeMap<String, (Way, PathBuf)>,
}

impl How {
    /// Lays the configuration out. `own` replaces `~/.ssh/config` and the system's.
    pub(super) fn new(own: Option<&Path>, ways: BTreeMap<HostName, Way>) -> std::io::Result<Self> {
        let place = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        let place = place.filter(|dir| is_plain(dir)).unwrap_or_else(|| PathBuf::from("/tmp"));
        sweep(&place);
        let sockets = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        std::fs::write(sockets.path().join("owner"), std::process::id().to_string())?;
        let teller = sockets.path().join("key");
        let tells = tells_keys();
        if tells {
            std::fs::write(&teller, TELLER)?;
        }
        let mut text = String::from(
            "# The first value that ssh reads of an option is the one that counts.\n\
             BatchMode yes\nStrictHostKeyChecking yes\nServerAliveInterval 5\nServerAliveCountMax 3\n\
             ConnectTimeout 10\nControlMaster no\nForwardAgent no\nForwardX11 no\nRequestTTY no\nLogLevel INFO\n",
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
        for (number, (host, way)) in ways.into_iter().enumerate() {
            let file = sockets.path().join(format!("config-{number}"));
            // Only for the host itself, not for those on the way to it.
            let scope = format!("Host {}", way.destination(host.as_str()));
            let tell = tell(&scope, &name_of(host.as_str(), true));
            std::fs::write(&file, format!("{scope}\n{}Match all\n{text}{tell}", way.options()))?;
            all.insert(host.to_string(), (way, file));
        }
        Ok(Self { sockets, config, ways: all })
    }

    /// Connects to a host.
    pub(super) async fn connect(&self, host: &str) -> Result<Session, openssh::Error> {
        match self.ways.get(host) {
            Some((way, config)) => self.builder(config).connect_mux(way.destination(host)).await,
            None => self.builder(&self.config).connect_mux(host).await,
        }
    }

    /// The key that the host was connected to with, which the strict check accepted: its type and its fingerprint. None
    /// if this ssh does not tell, or the operator has a command of their own in its place.
    pub(super) fn key(&self, host: &str) -> Option<String> {
        let told = self.sockets.path().join(format!("key-{}", name_of(host, self.ways.contains_key(host))));
        let told = std::fs::read_to_string(told).ok()?;
        let (kind, print) = told.trim_end().split_once(' ')?;
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
        let how = How::new(None, BTreeMap::new()).expect("a folder can be made");
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

    /// As ssh itself reads what is written for it.
    #[test]
    fn what_an_inventory_says_stands_above_the_operators_own_configuration() {
        let place = tempfile::tempdir().expect("a folder can be made");
        let own = place.path().join("own");
        std::fs::write(&own, "Host 10.0.0.1\nUser below\nCompression yes\nHost jump\nUser jumper\n").expect("written");
        let text = "[all]\nnode1 ansible_host=10.0.0.1 ansible_user=above ansible_port=2222 \
                    ansible_ssh_private_key_file='/tmp/a key'\nnode2 ansible_user=two\n";
        let inventory = palinode_core::inventory::Inventory::parse(text);
        let ways: BTreeMap<HostName, Way> = ["node1", "node2"]
            .map(|name| HostName::new(name).expect("a host name"))
            .into_iter()
            .map(|host| (host.clone(), Way::of(&inventory, &host).expect("it is plain").expect("it says something")))
            .collect();
        let how = How::new(Some(&own), ways).expect("a folder can be made");
        let asked = |config: &Path, host: &str| {
            let out = Command::new("ssh").arg("-F").arg(config).args(["-G", host]).output().expect("ssh is there");
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
            String::from_utf8(out.stdout).expect("text")
        };
        let (way, config) = &how.ways["node1"];
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
        let (way, config) = &how.ways["node2"];
        assert!(asked(config, way.destination("node2")).contains("user two\n"));
        assert!(!asked(&how.config, "10.0.0.1").contains("user above"));
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
