//! The operator's configuration of Ansible, as far as it has to be known before Ansible is started.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// No configuration of Ansible is longer.
const MOST_CONFIG: u64 = 4 << 20;

/// An `ansible.cfg`, and the folder that it lies in.
#[derive(Debug, Clone, Default)]
pub(super) struct Config {
    text: String,
    folder: PathBuf,
}

impl Config {
    /// The one that Ansible takes when it is started in this folder; an empty one if there is none.
    pub(super) fn find(folder: &Path) -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let named = std::env::var_os("ANSIBLE_CONFIG").filter(|path: &OsString| !path.is_empty()).map(PathBuf::from);
        let named = named.map(|path| if path.is_dir() { path.join("ansible.cfg") } else { path });
        // As Ansible has it, a folder that everyone may write is passed over.
        let ours = std::fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o002 == 0);
        let own = ours.then(|| folder.join("ansible.cfg"));
        let places = [named, own, home.map(|home| home.join(".ansible.cfg")), Some("/etc/ansible/ansible.cfg".into())];
        let read = |file: PathBuf| {
            let text = String::from_utf8(crate::read_plain(&file, MOST_CONFIG).ok()?).ok()?;
            Some(Self { text, folder: file.parent().unwrap_or(Path::new("/")).to_owned() })
        };
        places.into_iter().flatten().find(|file| file.is_file()).and_then(read).unwrap_or_default()
    }

    /// A value of the section `[defaults]`.
    fn default(&self, wanted: &str) -> Option<&str> {
        let mut section = "";
        for line in self.text.lines() {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                section = name;
            }
            let Some((name, value)) = line.split_once(['=', ':']) else { continue };
            if section == "defaults" && name.trim() == wanted {
                return Some(value.split(" ;").next().unwrap_or(value).trim());
            }
        }
        None
    }

    /// Where it has callback plugins, if it says so: whatever names a place for ours replaces it. What is no absolute path
    /// stands beside the file.
    pub(super) fn callback_plugins(&self) -> Option<String> {
        let one = |path: &str| match path.starts_with(['/', '~', '$', '{']) {
            true => path.to_owned(),
            false => self.folder.join(path).display().to_string(),
        };
        let all = self.default("callback_plugins")?.split([':', ',']).map(str::trim).filter(|path| !path.is_empty());
        Some(all.map(one).collect::<Vec<_>>().join(":"))
    }

    /// The vault's passwords that Ansible asks a person for before it reads anything.
    pub(super) fn vault_prompts(&self) -> VaultPrompts {
        let said = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let asks = said("ANSIBLE_ASK_VAULT_PASS").or_else(|| self.default("ask_vault_pass").map(str::to_owned));
        let list =
            said("ANSIBLE_VAULT_IDENTITY_LIST").or_else(|| self.default("vault_identity_list").map(str::to_owned));
        VaultPrompts::of(asks.as_deref(), list.as_deref())
    }
}

/// Passwords of the vault that Ansible asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct VaultPrompts {
    /// Its configuration says `ask_vault_pass`.
    pub(super) plain: bool,
    /// Its list of identities, each with its name and where its password is; none if none of them is a prompt.
    pub(super) identities: Option<Vec<(Option<String>, String)>>,
}

/// What an identity names in place of a file where a person is asked.
const PROMPTS: [&str; 2] = ["prompt", "prompt_ask_vault_pass"];

impl VaultPrompts {
    fn of(asks: Option<&str>, list: Option<&str>) -> Self {
        let yes = ["yes", "y", "true", "t", "on", "1"];
        let plain = asks.is_some_and(|value| yes.contains(&value.trim().to_lowercase().as_str()));
        let split = |one: &str| match one.split_once('@') {
            Some((name, place)) => (Some(name.to_owned()), place.to_owned()),
            None => (None, one.to_owned()),
        };
        let all = list.unwrap_or_default().split(',').map(str::trim).filter(|one| !one.is_empty());
        let identities: Vec<(Option<String>, String)> = all.map(split).collect();
        let prompts = identities.iter().any(|(_, place)| PROMPTS.contains(&place.as_str()));
        Self { plain, identities: prompts.then_some(identities) }
    }

    /// Whether it asks for any.
    pub(super) fn any(&self) -> bool {
        self.plain || self.identities.is_some()
    }

    /// Shell that has a script ask in the place of Ansible: `$p_d/ask` is that script, and its copies are named by what they
    /// ask for.
    pub(super) fn act(&self) -> String {
        let mut text = String::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let mut copy = |name: &str| {
            let name = if !name.is_empty() && name.chars().all(plain) { name } else { "default" };
            text.push_str(&format!("cp \"$p_d/ask\" \"$p_d/vault-{name}\" || exit 74\n"));
            format!("$p_d/vault-{name}")
        };
        let mut list = Vec::new();
        for (name, place) in self.identities.iter().flatten() {
            let place = match PROMPTS.contains(&place.as_str()) {
                true => copy(name.as_deref().unwrap_or_default()),
                false => escaped(place),
            };
            list.push(match name {
                Some(name) => format!("{}@{place}", escaped(name)),
                None => place,
            });
        }
        let own = self.plain.then(|| copy("default"));
        if !list.is_empty() {
            text.push_str(&format!("export ANSIBLE_VAULT_IDENTITY_LIST=\"{}\"\n", list.join(",")));
        }
        if let Some(own) = own {
            text.push_str(&format!("export ANSIBLE_ASK_VAULT_PASS=0\nset -- \"$@\" --vault-id \"default@{own}\"\n"));
        }
        text
    }
}

/// For the inside of double quotes.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut all, c| {
        if matches!(c, '"' | '\\' | '$' | '`') {
            all.push('\\');
        }
        all.push(c);
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config { text: text.to_owned(), folder: PathBuf::from("/etc/ansible") }
    }

    #[test]
    fn the_operators_own_plugins_stay() {
        for (text, wanted) in [
            ("[defaults]\ncallback_plugins = /a:~/b, c\n", Some("/a:~/b:/etc/ansible/c")),
            ("[other]\ncallback_plugins=/a\n[defaults]\nforks=3\n", None),
            ("# callback_plugins=/a\n[defaults]\n;callback_plugins=/a\ncallback_plugins: /z ; mine\n", Some("/z")),
        ] {
            assert_eq!(config(text).callback_plugins().as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn prompts_of_the_vault_are_found_and_replaced() {
        for (asks, list, plain, identities) in [
            (None, None, false, 0),
            (Some("no"), Some("dev@/f, /g"), false, 0),
            (Some("True"), None, true, 0),
            (None, Some("dev@prompt, prod@~/p,/g"), false, 3),
            (Some("off"), Some("prompt"), false, 1),
        ] {
            let found = VaultPrompts::of(asks, list);
            assert_eq!(
                (found.plain, found.identities.as_ref().map_or(0, Vec::len)),
                (plain, identities),
                "{asks:?} {list:?}"
            );
            assert_eq!(found.any(), plain || identities > 0);
        }
        let both = VaultPrompts::of(Some("1"), Some("dev@prompt,prod@~/p$x,a b@prompt")).act();
        assert!(both.contains("IDENTITY_LIST=\"dev@$p_d/vault-dev,prod@~/p\\$x,a b@$p_d/vault-default\""), "{both}");
        assert!(both.contains("--vault-id \"default@$p_d/vault-default\""), "{both}");
    }
}
