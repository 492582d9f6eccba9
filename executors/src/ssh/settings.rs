//! How the inventory says that a host is reached, in the words of Ansible.

use super::ssh_args::{self, Line};
use crate::ssh::options::{REFUSED, key};
use palinode_core::id::HostName;
use palinode_core::inventory::model::{Reading, Value};
use palinode_core::shown::Shown as _;

/// What an inventory says of reaching a host. What it leaves open, ssh's own configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SshSettings {
    /// The name or address that ssh is given in place of the host's name.
    pub(super) address: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    /// A file with a private key.
    pub(super) key: Option<String>,
    /// Options that count before these.
    pub(super) first: Vec<Line>,
    /// Options that count after these.
    pub(super) more: Vec<Line>,
}

/// What is said of a variable.
enum Told {
    Plain(String),
    /// In place of a value, and why that is none.
    Not(&'static str, &'static str),
}

/// A value of an inventory that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} of {host} is `{}`{}, which {why}", value.shown(), at(place))]
pub struct BadSetting {
    /// The host.
    pub host: String,
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
    /// The file and line that say so, if they are known.
    pub place: Option<(String, usize)>,
}

fn at(place: &Option<(String, usize)>) -> String {
    match place {
        Some((file, 0)) => format!(" ({})", file.escape_debug()),
        Some((file, line)) => format!(" ({} line {line})", file.escape_debug()),
        None => String::new(),
    }
}

impl SshSettings {
    /// What an inventory says of a host, with all that lies beside it.
    pub fn read(reading: &Reading, host: &HostName) -> Result<Option<Self>, BadSetting> {
        let settings = reading.settings(host.as_str());
        let way = Self::told(host, &|name| {
            let value = settings.iter().find(|setting| setting.name == name)?.said.value;
            Some(match (value, value.printed()) {
                // Nothing is said by it.
                (Value::Null, _) => Told::Plain(String::new()),
                (_, Some(text)) => Told::Plain(text),
                (Value::Vault(_), None) => Told::Not("(encrypted)", "cannot be read without the password"),
                (_, None) => Told::Not("(a list or a map)", "is no plain value"),
            })
        });
        way.map_err(|bad| {
            let said = settings.iter().find(|setting| setting.name == bad.name).map(|setting| setting.said);
            BadSetting { place: said.map(|said| (said.file.to_owned(), said.line)), ..bad }
        })
    }

    /// Ansible knows each variable by two names, and takes the older one if both are there.
    fn told(host: &HostName, say: &dyn Fn(&str) -> Option<Told>) -> Result<Option<Self>, BadSetting> {
        let get = |names: &[&'static str], fits: fn(&str) -> Option<&'static str>| {
            let found = names.iter().copied().find_map(|name| Some((name, say(name)?)));
            let (name, value, why) = match found {
                None => return Ok(None),
                Some((_, Told::Plain(value))) if value.is_empty() => return Ok(None),
                Some((name, Told::Plain(value))) if value.contains("{{") => {
                    (name, value, Some("is a template, and those are not filled in"))
                }
                Some((name, Told::Plain(value))) => {
                    let why = fits(&value);
                    (name, value, why)
                }
                Some((name, Told::Not(value, why))) => (name, value.to_owned(), Some(why)),
            };
            match why {
                Some(why) => {
                    // It may be the right one for something else.
                    let value = if name.contains("pass") { "(not shown)".to_owned() } else { value };
                    Err(BadSetting { host: host.to_string(), name, value, why, place: None })
                }
                None => Ok(Some(value)),
            }
        };
        for (names, fits) in REFUSED {
            get(names, fits)?;
        }
        let args = |name: &'static str| {
            let text = get(&[name], |text| ssh_args::lines(text).err())?;
            Ok(text.and_then(|text| ssh_args::lines(&text).ok()).unwrap_or_default())
        };
        let mut more = args("ansible_ssh_common_args")?;
        more.extend(args("ansible_ssh_extra_args")?);
        let way = Self {
            address: get(&["ansible_ssh_host", "ansible_host"], address)?,
            user: get(&["ansible_ssh_user", "ansible_user"], user)?,
            port: get(&["ansible_ssh_port", "ansible_port"], port)?.and_then(|port| port.parse().ok()),
            key: get(&["ansible_ssh_private_key_file", "ansible_private_key_file"], key)?,
            first: args("ansible_ssh_args")?,
            more,
        };
        Ok((way != Self::default()).then_some(way))
    }

    /// What ssh is given as the host.
    pub(super) fn destination<'a>(&'a self, host: &'a str) -> &'a str {
        self.address.as_deref().unwrap_or(host)
    }

    /// The options, as a configuration of ssh has them. Every value was checked for what would end it there.
    pub(super) fn options(&self) -> String {
        let lines = |lines: &[Line]| lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect::<String>();
        let mut text = lines(&self.first);
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                text.push_str(&format!("{name} \"{value}\"\n"));
            }
        };
        add("User", self.user.as_deref());
        add("Port", self.port.map(|port| port.to_string()).as_deref());
        add("IdentityFile", self.key.as_deref());
        text.push_str(&lines(&self.more));
        text
    }
}

/// A name or an address: nothing that ssh takes for an option, a login, a pattern or a list.
fn address(text: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    let good = text.len() <= 253 && !text.starts_with(['-', '.']) && text.chars().all(plain);
    (!good).then_some("is no name or address of a host")
}

fn user(text: &str) -> Option<&'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_@".contains(c);
    let good = text.len() <= 100 && !text.starts_with('-') && text.chars().all(plain);
    (!good).then_some("is no name of a user")
}

fn port(text: &str) -> Option<&'static str> {
    let good = text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0);
    (!good).then_some("is no port")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(vars: &str) -> Result<Option<SshSettings>, BadSetting> {
        let host = HostName::new("node1").expect("a host name");
        let text = format!("[nodes]\nnode1 {vars}\n");
        SshSettings::read(&Reading::of_text("hosts", text.as_bytes()).expect("it is good"), &host)
    }

    #[test]
    fn an_inventory_says_how_its_hosts_are_reached() {
        assert_eq!(way("group=x"), Ok(None));
        let text = "[all:vars]\nansible_ssh_user=root\n[nodes]\nnode1 ansible_host=10.0.0.1 ansible_port=2222 \
                    ansible_ssh_private_key_file='~/.ssh/a key'\nnode2 ansible_user=ops\n";
        let inventory = Reading::of_text("hosts", text.as_bytes()).expect("it is good");
        let of = |host: &str| {
            SshSettings::read(&inventory, &HostName::new(host).expect("a host name")).expect("it is plain")
        };
        let first = of("node1").expect("it says something");
        assert_eq!(first.destination("node1"), "10.0.0.1");
        assert_eq!(first.options(), "User \"root\"\nPort \"2222\"\nIdentityFile \"~/.ssh/a key\"\n");
        // The older name counts, wherever it stands.
        assert_eq!(of("node2").expect("it says something").options(), "User \"root\"\n");
        assert_eq!(of("node2").expect("it says something").destination("node2"), "node2");
        assert_eq!(
            way("ansible_host=2001:db8::1").expect("it is plain").expect("a way").destination("x"),
            "2001:db8::1"
        );
    }

    #[test]
    fn files_beside_the_inventory_say_how_hosts_are_reached_too() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
            std::fs::write(path, text).expect("it can be written");
        };
        write("hosts", "[nodes]\nnode[1:4] ansible_port=22\n[nodes:vars]\nansible_user=inv\n");
        write("group_vars/nodes.yml", "ansible_user: ops\n");
        write("group_vars/all/vault.yml", "$ANSIBLE_VAULT;1.1;AES256\n61\n");
        write("host_vars/node1", "ansible_host: 10.0.0.1\nansible_port: 2222\n");
        write("host_vars/node2", "ansible_host: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  61\n");
        write("host_vars/node3", "ansible_host: [a]\n");
        write("host_vars/node4", "ansible_host:\nansible_user: \"a\\nProxyCommand x\"\n");
        let hosts = folder.path().join("hosts");
        let path = hosts.to_str().expect("a plain name");
        let reading = Reading::without_encrypted(&crate::DiskSources::without_scripts(), &[path]).expect("it is good");
        let of = |host: &str| SshSettings::read(&reading, &HostName::new(host).expect("a host name"));
        let way = of("node1").expect("it is plain").expect("it says something");
        assert_eq!(way.destination("node1"), "10.0.0.1");
        assert_eq!(way.options(), "User \"ops\"\nPort \"2222\"\n");
        for (host, why) in [("node2", "password"), ("node3", "no plain value"), ("node4", "no name of a user")] {
            assert!(of(host).is_err_and(|bad| bad.to_string().contains(why)), "{host}");
        }
    }

    #[test]
    fn what_an_inventory_says_of_jump_hosts_and_options_counts_as_ansible_has_it() {
        let said = "ansible_ssh_args='-o User=first' ansible_user=second ansible_ssh_common_args='-J ops@jump -o Port=22' \
                    ansible_ssh_extra_args='-o Compression=yes' ansible_connection=smart ansible_become=yes \
                    ansible_become_method=sudo ansible_become_user=root";
        let way = way(said).expect("it is plain").expect("it says something");
        let lines = "User \"first\"\nUser \"second\"\nProxyJump ops@jump\nPort \"22\"\nCompression \"yes\"\n";
        assert_eq!(way.options(), lines);
        assert_eq!(super::tests::way("ansible_connection=ansible.builtin.ssh ansible_become=False"), Ok(None));
    }

    #[test]
    fn what_cannot_be_done_as_an_inventory_says_is_refused_with_its_place() {
        for (said, why) in [
            ("ansible_connection=local", "no connection by ssh"),
            ("ansible_connection=community.docker.docker", "no connection by ssh"),
            ("ansible_connection=winrm", "no connection by ssh"),
            ("ansible_become_method=su", "not `sudo`"),
            ("ansible_become_user=postgres", "not `root`"),
            ("ansible_become_pass=x", "without one"),
            ("ansible_become_password=x", "without one"),
            ("ansible_become=maybe", "neither"),
            ("ansible_become_exe=/opt/sudo", "not `sudo`"),
            ("ansible_become_flags='-i'", "flags"),
            ("ansible_ssh_pass=x", "never with a password"),
            ("ansible_ssh_executable=/opt/ssh", "another program"),
            ("ansible_ssh_common_args='-o StrictHostKeyChecking=no'", "host keys"),
            ("ansible_ssh_common_args='{{ args }}'", "template"),
            ("ansible_ssh_extra_args='-F /etc/x'", "does not take"),
        ] {
            assert!(way(said).is_err_and(|bad| bad.to_string().contains(why)), "{said}: {:?}", way(said));
        }
        assert!(!way("ansible_become_pass=geheim").expect_err("refused").to_string().contains("geheim"));
        let folder = tempfile::tempdir().expect("a folder can be made");
        let hosts = folder.path().join("hosts");
        std::fs::write(&hosts, "[nodes]\nnode1\n[nodes:vars]\nansible_connection=local\n").expect("written");
        let path = hosts.to_str().expect("a plain name");
        let reading = Reading::without_encrypted(&crate::DiskSources::without_scripts(), &[path]).expect("it is good");
        let bad =
            SshSettings::read(&reading, &HostName::new("node1").expect("a host name")).expect_err("it is refused");
        assert!(bad.to_string().contains(&format!("({path} line 4)")), "{bad}");
        assert!(bad.to_string().starts_with("ansible_connection of node1 is `local`"), "{bad}");
    }

    #[test]
    fn no_value_becomes_an_option_or_a_command() {
        for hostile in [
            "ansible_host=-oProxyCommand=x",
            "ansible_host='a b'",
            "ansible_host=root@other",
            "ansible_host='*'",
            "ansible_host=a,b",
            "ansible_host=a/b",
            "ansible_host='{{ address }}'",
            "ansible_user=-x",
            "ansible_user='a\"b'",
            "ansible_user='%h'",
            "ansible_user='root\\nProxyCommand'",
            "ansible_port=22x",
            "ansible_port=0",
            "ansible_port=-1",
            "ansible_port=70000",
            "ansible_ssh_private_key_file='/a\"b'",
            "ansible_ssh_private_key_file=/%d/x",
            "ansible_ssh_private_key_file='${HOME}/x'",
            "ansible_private_key_file=-x",
        ] {
            let found = way(hostile);
            assert!(found.is_err(), "{hostile}: {found:?}");
        }
        let long = format!("ansible_host={}", "a".repeat(300));
        assert!(way(&long).is_err());
    }
}
