//! Why a host was lost: the task, where it was done, and the words that say most.

use serde_json::Value;

/// The words of a cause are at most this long.
const WORDS: usize = 500;

/// How a host was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    Failed,
    Unreachable,
}

/// The failure of a host that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) lost: Lost,
    pub(super) task: String,
    /// The host that the task was handed to, if that was another.
    pub(super) delegate: Option<String>,
    pub(super) words: String,
}

impl Cause {
    pub(super) fn read(lost: Lost, value: &Value) -> Self {
        let text = |name: &str| value[name].as_str().unwrap_or_default();
        let delegate = Some(text("delegate")).filter(|other| !other.is_empty() && *other != text("host"));
        Self {
            lost,
            task: text("name").to_owned(),
            delegate: delegate.map(str::to_owned),
            words: words(&value["result"]),
        }
    }

    /// The host that a task did not reach, or failed on.
    pub(super) fn place<'a>(&'a self, host: &'a str) -> &'a str {
        self.delegate.as_deref().unwrap_or(host)
    }

    /// In a sentence, and what helps.
    pub(super) fn told(&self, host: &str) -> String {
        let place = match &self.delegate {
            Some(other) => format!("{host}, done on {other}"),
            None => host.to_owned(),
        };
        let words = if self.words.is_empty() { String::new() } else { format!(": {}", self.words) };
        let advice = advice(&self.words).map(|advice| format!("; {advice}")).unwrap_or_default();
        format!("task `{}` on {place}{words}{advice}", self.task)
    }
}

/// The words of a result that say most: those of the item that failed, and what the program printed.
fn words(result: &Value) -> String {
    if let Some(items) = result["results"].as_array() {
        let bad = |item: &&Value| item["failed"] == true || item["unreachable"] == true;
        let failed: Vec<&Value> = items.iter().filter(bad).collect();
        if let Some(last) = failed.last() {
            let label = match (&last["_ansible_item_label"], &last["item"]) {
                (Value::Null, Value::Null) => String::new(),
                (Value::Null, Value::String(item)) | (Value::String(item), _) => item.clone(),
                (Value::Null, item) | (item, _) => item.to_string(),
            };
            let more = match failed.len() {
                1 => String::new(),
                count => format!(" ({count} of {} items failed)", items.len()),
            };
            return cut(&format!("item {}{more}: {}", first_line(&label), one(last)));
        }
    }
    cut(&one(result))
}

fn one(result: &Value) -> String {
    let text = |name: &str| result[name].as_str().unwrap_or_default().trim();
    let message = first_line(match text("msg") {
        "" => text("reason"),
        message => message,
    });
    // Such words only point at what was printed.
    let points = message.contains("non-zero return code") || message.contains("MODULE FAILURE");
    let printed = ["stderr", "module_stderr", "stdout", "module_stdout"].into_iter().map(text);
    let last = printed.filter(|text| !text.is_empty()).find_map(|text| text.lines().last());
    match last.filter(|_| points || message.is_empty()) {
        Some(last) if message.is_empty() => last.trim().to_owned(),
        Some(last) => format!("{message}: {}", last.trim()),
        None => message.to_owned(),
    }
}

fn first_line(text: &str) -> &str {
    text.trim().lines().next().unwrap_or_default().trim()
}

fn cut(text: &str) -> String {
    text.chars().take(WORDS).collect()
}

/// What helps where a question of ssh, of sudo or of the vault had no answer.
pub(super) fn advice(words: &str) -> Option<&'static str> {
    let has = |part: &str| words.contains(part);
    if has("Host key verification failed") || has("host key is not known") || has("authenticity of host") {
        return Some(
            "connect once by hand and look at the key, or add it to known_hosts; at a terminal, `--ask` hands the \
             question through",
        );
    }
    if has("Permission denied (") {
        return Some(
            "give it a key that needs no passphrase, or `ansible_password` in `vars:` of the step \
             (`{ secret: file:PATH }`)",
        );
    }
    let sudo = ["Missing sudo password", "Missing become password", "password is required", "Incorrect sudo password"];
    if sudo.into_iter().any(has) || has("Timeout") && has("privilege escalation prompt") {
        return Some("give `ansible_become_password` in `vars:` of the step (`{ secret: file:PATH }`)");
    }
    let vault = ["no vault secrets", "Decryption failed", "vault password", "Vault password", "vault secret"];
    if vault.into_iter().any(has) {
        return Some(
            "name a file with the password in `vault_password_file` of ansible.cfg or in ANSIBLE_VAULT_PASSWORD_FILE, or \
             give the values in `vars:` of the step; at a terminal, `--ask` hands the question through",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_say_most_are_told() {
        let cause = |event: &str| {
            let value: Value = serde_json::from_str(event).expect("JSON");
            Cause::read(Lost::Failed, &value).told("h1")
        };
        for (event, wanted) in [
            (r#"{"name":"T","result":{"msg":"no\nmore"}}"#, "task `T` on h1: no"),
            (r#"{"name":"T","result":{}}"#, "task `T` on h1"),
            (r#"{"name":"T","result":{"censored":"hidden"}}"#, "task `T` on h1"),
            (r#"{"name":"T","host":"h1","delegate":"h1","result":{"msg":"no"}}"#, "task `T` on h1: no"),
            (r#"{"name":"T","host":"h1","delegate":"h2","result":{"msg":"no"}}"#, "task `T` on h1, done on h2: no"),
            (
                r#"{"name":"T","result":{"msg":"non-zero return code","stderr":"a\nno such file\n","stdout":"x"}}"#,
                "task `T` on h1: non-zero return code: no such file",
            ),
            (
                r#"{"name":"T","result":{"msg":"One or more items failed","results":[{"item":"a"},{"item":"b","failed":true,
                "msg":"bad"},{"item":{"c":1},"failed":true,"msg":"worse"},{"item":"d"}]}}"#,
                "task `T` on h1: item {\"c\":1} (2 of 4 items failed): worse",
            ),
            (r#"{"name":"T","result":{"reason":"Could not find x"}}"#, "task `T` on h1: Could not find x"),
            (
                r#"{"name":"T","result":{"msg":"Missing sudo password"}}"#,
                "task `T` on h1: Missing sudo password; give `ansible_become_password` in `vars:` of the step \
                 (`{ secret: file:PATH }`)",
            ),
        ] {
            assert_eq!(cause(event), wanted, "{event}");
        }
    }
}
