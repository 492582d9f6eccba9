//! Forms of configurations, held against what the real `kubectl` makes of them.

use super::*;
use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// A form: what it shows, the files and what is in them, which of them are named in which order, and the context.
type Form = (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>);

/// What becomes of a form: the server that is asked and the token that it is shown, or that it is refused.
type Became = Result<(String, Option<String>), ()>;

const A: &str = "current-context: one\ncontexts:\n- name: one\n  context: { cluster: c, user: u }\nclusters:\n- name: c\n  cluster: { server: 'https://127.0.0.1:1' }\nusers:\n- name: u\n  user: { token: from-a }\n";
const EMPTY_CURRENT: &str = "current-context: ''\ncontexts:\n- name: one\n  context: { cluster: c, user: u }\n";
const B: &str = "current-context: two\ncontexts:\n- name: two\n  context: { cluster: d, user: u }\n- name: one\n  context: { cluster: d, user: v }\nclusters:\n- name: c\n  cluster: { server: 'https://127.0.0.1:2' }\n- name: d\n  cluster: { server: 'https://127.0.0.1:3' }\nusers:\n- name: u\n  user: { token: from-b, as: somebody }\n- name: v\n  user: { token: from-v }\n";
const USER: &str = "users:\n- name: u\n  user: { token: alone }\n";
const CONTEXTS: &str = "contexts:\n- name: x\n- name: y1\n  context: {}\n- name: z\n  context: { cluster: gone }\n- name: ok\n  context: { cluster: c }\nclusters:\n- name: c\n  cluster: { server: 'https://127.0.0.1:4', tls-server-name: other }\n- name: none\n- name: bare\n  cluster: {}\n";
const JSON: &str = "{\"current-context\": \"j\", \"contexts\": [{\"name\": \"j\", \"context\": {\"cluster\": \"c\", \"user\": \"u\"}}], \"clusters\": [{\"name\": \"c\", \"cluster\": {\"server\": \"https://127.0.0.1:5/path/\"}}], \"users\": [{\"name\": \"u\", \"user\": {\"token\": \"json\"}}]}";

/// A file of one cluster and one user.
macro_rules! one {
    ($cluster:literal, $user:literal) => {
        concat!(
            "current-context: x\ncontexts:\n- name: x\n  context: { cluster: c, user: u }\nclusters:\n- name: c\n  cluster: { ",
            $cluster,
            " }\nusers:\n- name: u\n  user: { ",
            $user,
            " }\n"
        )
    };
}

const FORMS: &[Form] = &[
    ("one file", &[("a", A)], "a", None),
    ("the first file has a context for all", &[("a", A), ("b", B)], "a:b", None),
    ("and the other way round", &[("a", A), ("b", B)], "b:a", None),
    ("a context of the second file", &[("a", A), ("b", B)], "a:b", Some("two")),
    ("a context in both", &[("a", A), ("b", B)], "b:a", Some("one")),
    ("an empty current context in the first", &[("e", EMPTY_CURRENT), ("a", A)], "e:a", None),
    ("the same, alone", &[("e", EMPTY_CURRENT), ("u", USER)], "e:u", None),
    ("a user in a file before", &[("u", USER), ("a", A)], "u:a", None),
    ("a file that is not there", &[("a", A)], "gone:a", None),
    ("the same, behind", &[("a", A)], "a:gone", None),
    ("empty names", &[("a", A)], "::a:", None),
    ("a file twice", &[("a", A)], "a:a", None),
    ("no file at all", &[], "gone:nowhere", None),
    ("an empty file before", &[("n", ""), ("a", A)], "n:a", None),
    ("an empty file alone", &[("n", "")], "n", None),
    ("comments alone", &[("n", "# nothing\n"), ("a", A)], "n:a", None),
    ("a context that is not there", &[("a", A)], "a", Some("nope")),
    ("a context without anything", &[("c", CONTEXTS)], "c", Some("x")),
    ("an empty context", &[("c", CONTEXTS)], "c", Some("y1")),
    ("a context of a cluster that is not there", &[("c", CONTEXTS)], "c", Some("z")),
    ("a context without a user", &[("c", CONTEXTS)], "c", Some("ok")),
    ("JSON", &[("j", JSON)], "j", None),
    (
        "two documents",
        &[("m", concat!("current-context: ''\n", "---\n", "current-context: one\n")), ("a", A)],
        "m:a",
        None,
    ),
    ("a rule before it", &[("m", "---\ncurrent-context: two\n"), ("b", B), ("a", A)], "m:b:a", None),
    ("a mark at its beginning", &[("m", "\u{feff}current-context: two\n"), ("b", B), ("a", A)], "m:b:a", None),
    ("broken", &[("x", "clusters: [ {"), ("a", A)], "a:x", None),
    ("a list", &[("x", "- a\n"), ("a", A)], "a:x", None),
    ("another kind", &[("x", "kind: Pod\napiVersion: v1\n"), ("a", A)], "a:x", None),
    ("another version", &[("x", "kind: Config\napiVersion: v2\n"), ("a", A)], "a:x", None),
    ("its own kind", &[("x", "kind: Config\napiVersion: v1\n"), ("a", A)], "x:a", None),
    ("lists that are null", &[("x", "clusters: null\nusers:\ncontexts: null\n"), ("a", A)], "x:a", None),
    (
        "a name twice",
        &[("x", "users:\n- name: u\n  user: { token: a }\n- name: u\n  user: { token: b }\n"), ("a", A)],
        "a:x",
        None,
    ),
    (
        "fields that nobody knows",
        &[("x", one!("server: 'https://127.0.0.1:6', color: red", "token: t, mood: good"))],
        "x",
        None,
    ),
    ("no server", &[("x", one!("", "token: t"))], "x", None),
    ("an empty server", &[("x", one!("server: ''", "token: t"))], "x", None),
    ("a server without a scheme", &[("x", one!("server: '127.0.0.1:7'", "token: t"))], "x", None),
    (
        "the same, insecure",
        &[("x", one!("server: '127.0.0.1:7', insecure-skip-tls-verify: true", "token: t"))],
        "x",
        None,
    ),
    (
        "an authority and none",
        &[(
            "x",
            one!(
                "server: 'https://127.0.0.1:6', insecure-skip-tls-verify: true, certificate-authority-data: aGVsbG8K",
                "token: t"
            ),
        )],
        "x",
        None,
    ),
    (
        "an authority that is not there",
        &[("x", one!("server: 'https://127.0.0.1:6', certificate-authority: gone.pem", "token: t"))],
        "x",
        None,
    ),
    (
        "two authorities",
        &[(
            "x",
            one!(
                "server: 'https://127.0.0.1:6', certificate-authority: x, certificate-authority-data: aGVsbG8K",
                "token: t"
            ),
        )],
        "x",
        None,
    ),
    (
        "a token and a password",
        &[("x", one!("server: 'https://127.0.0.1:6'", "token: t, username: a, password: b"))],
        "x",
        None,
    ),
    ("a token's file", &[("x", one!("server: 'https://127.0.0.1:6'", "tokenFile: t")), ("t", "abc\n")], "x", None),
    ("a token's file that is not there", &[("x", one!("server: 'https://127.0.0.1:6'", "tokenFile: gone"))], "x", None),
    (
        "half a certificate",
        &[("x", one!("server: 'https://127.0.0.1:6'", "client-certificate-data: aGVsbG8K"))],
        "x",
        None,
    ),
    ("groups without a name", &[("x", one!("server: 'https://127.0.0.1:6'", "token: t, as-groups: [a]"))], "x", None),
    (
        "a command without a version",
        &[("x", one!("server: 'https://127.0.0.1:6'", "exec: { command: 'true', interactiveMode: Never }"))],
        "x",
        None,
    ),
    (
        "a command without a command",
        &[(
            "x",
            one!(
                "server: 'https://127.0.0.1:6'",
                "exec: { apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never }"
            ),
        )],
        "x",
        None,
    ),
    (
        "a proxy of another kind",
        &[("x", one!("server: 'https://127.0.0.1:6', proxy-url: 'ftp://127.0.0.1:1'", "token: t"))],
        "x",
        None,
    ),
    (
        "a proxy without a scheme",
        &[("x", one!("server: 'https://127.0.0.1:6', proxy-url: 'proxy:1'", "token: t"))],
        "x",
        None,
    ),
    ("a token that is a number", &[("x", one!("server: 'https://127.0.0.1:6'", "token: 12"))], "x", None),
];

/// What is made of a form here.
fn ours(dir: &Path, list: &str, context: Option<&str>) -> Result<(String, Option<String>), String> {
    let told = |error: NoCluster| palinode_core::chain::chain(&error);
    let list: Vec<PathBuf> =
        list.split(':').map(|name| if name.is_empty() { PathBuf::new() } else { dir.join(name) }).collect();
    let list = std::env::join_paths(list).map_err(|error| error.to_string())?;
    let files = files(None, Some(&list), Some(dir)).map_err(|error| told(error.into()))?;
    let way = merged(&files).and_then(|all| all.way(context, &Environment::default())).map_err(told)?;
    let server = way.config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
    let user = serde_json::to_value(&way.config.auth_info).map_err(|error| error.to_string())?;
    let token = way.token.map(|token| token.token()).or(user["token"].as_str().map(str::to_owned));
    Ok((server, token))
}

/// What kubectl makes of it. Where nothing is said of a server it takes one of its own.
fn theirs(dir: &Path, list: &str, context: Option<&str>) -> Became {
    let kubectl = |args: &[&str]| {
        let list: Vec<String> = list
            .split(':')
            .map(|name| if name.is_empty() { String::new() } else { dir.join(name).display().to_string() })
            .collect();
        let mut command = Command::new("kubectl");
        command.args(args).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("KUBECONFIG", list.join(":")).env("HOME", dir).stdin(Stdio::null()).current_dir(dir);
        if let Some(context) = context {
            command.args(["--context", context]);
        }
        let out = command.output().expect("kubectl can be started");
        (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (said, words) = kubectl(&["get", "--raw", "/version", "--request-timeout", "5s"]);
    // It asks for a name and a password where nothing is said of who asks; here that is nobody in particular.
    let (asked, _) = kubectl(&["config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}"]);
    let server = match said.contains("Please enter Username") {
        true => asked.split_once("://").map(|(_, server)| server),
        false => words.split("connection to the server ").nth(1).and_then(|rest| rest.split_whitespace().next()),
    };
    let server = server.ok_or(())?;
    if server == "localhost:8080" {
        return Err(());
    }
    let (user, _) = kubectl(&[
        "config",
        "view",
        "--minify",
        "--raw",
        "-o",
        "jsonpath={.users[0].user.token} {.users[0].user.tokenFile}",
    ]);
    let token = match user.split_once(' ') {
        Some((_, file)) if !file.is_empty() => {
            std::fs::read_to_string(dir.join(file)).ok().map(|text| text.trim().to_owned())
        }
        Some((token, _)) if !token.is_empty() => Some(token.to_owned()),
        _ => None,
    };
    Ok((server.to_owned(), token))
}

#[test]
fn forms_of_configurations_are_read_as_kubectl_reads_them() {
    if Command::new("kubectl").args(["version", "--client"]).stdin(Stdio::null()).output().is_err() {
        return;
    }
    let left: Mutex<Vec<&Form>> = Mutex::new(FORMS.iter().collect());
    let wrong: Mutex<BTreeSet<String>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("nobody died here").pop();
                    let Some((what, files, list, context)) = next else { return };
                    let dir = tempfile::tempdir().expect("a folder");
                    for (name, text) in *files {
                        std::fs::write(dir.path().join(name), text).expect("a file");
                    }
                    let (ours, theirs) = (ours(dir.path(), list, *context), theirs(dir.path(), list, *context));
                    if ours.clone().map_err(drop) != theirs {
                        let words = format!("{what}: {ours:?} here, {theirs:?} there");
                        wrong.lock().expect("nobody died here").insert(words);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody died here");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(FORMS.len() >= 40);
}
