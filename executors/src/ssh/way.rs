//! How the inventory says that a host is reached, in the words of Ansible.

use palinode_core::id::HostName;
use palinode_core::inventory::Inventory;

/// What an inventory says of reaching a host. What it leaves open, ssh's own configuration says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// The name or address that ssh is given in place of the host's name.
    pub(super) address: Option<String>,
    pub(super) user: Option<String>,
    pub(super) port: Option<u16>,
    /// A file with a private key.
    pub(super) key: Option<String>,
}

/// A value of an inventory that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} of {host} is `{}`, which {why}", value.escape_debug())]
pub struct BadWay {
    /// The host.
    pub host: String,
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Way {
    /// What the file of an inventory says of a host; none if it says nothing. Ansible knows each variable by two names,
    /// and takes the older one if both are there.
    pub fn of(inventory: &Inventory, host: &HostName) -> Result<Option<Self>, BadWay> {
        let get = |names: [&'static str; 2], fits: fn(&str) -> Option<&'static str>| {
            let found = names.into_iter().find_map(|name| Some((name, inventory.effective_var(host.as_str(), name)?)));
            let Some((name, value)) = found.filter(|(_, value)| !value.is_empty()) else { return Ok(None) };
            let why =
                if value.contains("{{") { Some("is a template, and those are not filled in") } else { fits(value) };
            match why {
                Some(why) => Err(BadWay { host: host.to_string(), name, value: value.to_owned(), why }),
                None => Ok(Some(value.to_owned())),
            }
        };
        let way = Self {
            address: get(["ansible_ssh_host", "ansible_host"], address)?,
            user: get(["ansible_ssh_user", "ansible_user"], user)?,
            port: get(["ansible_ssh_port", "ansible_port"], port)?.and_then(|port| port.parse().ok()),
            key: get(["ansible_ssh_private_key_file", "ansible_private_key_file"], key)?,
        };
        Ok((way != Self::default()).then_some(way))
    }

    /// What ssh is given as the host.
    pub(super) fn destination<'a>(&'a self, host: &'a str) -> &'a str {
        self.address.as_deref().unwrap_or(host)
    }

    /// The options, as a configuration of ssh has them. Every value was checked for what would end it there.
    pub(super) fn options(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                text.push_str(&format!("{name} \"{value}\"\n"));
            }
        };
        add("User", self.user.as_deref());
        add("Port", self.port.map(|port| port.to_string()).as_deref());
        add("IdentityFile", self.key.as_deref());
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

/// ssh fills in `%` and `${}` in the name of a file.
fn key(text: &str) -> Option<&'static str> {
    let bad = |c: char| c.is_control() || palinode_core::id::is_bidi(c) || "\"\\%$".contains(c);
    let good = text.len() <= 1000 && !text.starts_with('-') && !text.chars().any(bad);
    (!good).then_some("is no plain name of a file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(vars: &str) -> Result<Option<Way>, BadWay> {
        let host = HostName::new("node1").expect("a host name");
        Way::of(&Inventory::parse(&format!("[nodes]\nnode1 {vars}\n")), &host)
    }

    #[test]
    fn an_inventory_says_how_its_hosts_are_reached() {
        assert_eq!(way("group=x"), Ok(None));
        let text = "[all:vars]\nansible_ssh_user=root\n[nodes]\nnode1 ansible_host=10.0.0.1 ansible_port=2222 \
                    ansible_ssh_private_key_file='~/.ssh/a key'\nnode2 ansible_user=ops\n";
        let inventory = Inventory::parse(text);
        let of = |host: &str| Way::of(&inventory, &HostName::new(host).expect("a host name")).expect("it is plain");
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
            "ansible_port='+22'",
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
