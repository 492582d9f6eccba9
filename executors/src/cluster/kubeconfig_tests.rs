use super::*;

fn said_in(texts: &[&str]) -> Result<Merged, String> {
    let dir = tempfile::tempdir().expect("a folder");
    let mut all = Merged::default();
    for (number, text) in texts.iter().enumerate() {
        let path = dir.path().join(format!("{number}.yaml"));
        std::fs::write(&path, text).expect("a file");
        all.add(read(&path).map_err(|error| error.to_string())?);
    }
    Ok(all)
}

const ONE: &str = "current-context: ''\ncontexts: [{ name: x, context: { cluster: c, user: u } }]\nclusters: [{ name: c, cluster: { server: 'https://a:6443' } }]\nusers: [{ name: u, user: { token: one } }]\n";
const TWO: &str = "current-context: x\ncontexts: [{ name: z, context: { cluster: d, user: u } }]\nclusters: [{ name: c, cluster: { server: 'https://b:6443', insecure-skip-tls-verify: true } }, { name: d, cluster: { server: 'https://d:6443' } }]\nusers: [{ name: u, user: { token: two, username: bob } }]\n";

#[test]
fn the_first_file_has_a_name_for_all_and_an_empty_word_says_nothing() {
    let all = said_in(&[ONE, TWO]).expect("they can be read");
    assert_eq!(all.current, "x");
    assert_eq!(all.clusters["c"]["server"], "https://a:6443");
    assert!(all.clusters["c"]["insecure-skip-tls-verify"].is_null());
    assert_eq!((&all.users["u"]["token"], all.users["u"]["username"].is_null()), (&"one".into(), true));
    let way = |context| all.way(context, &Environment::default()).map(|way| way.config.cluster_url.to_string());
    assert_eq!(way(None).expect("current"), "https://a:6443/");
    assert_eq!(way(Some("z")).expect("named"), "https://d:6443/");
    assert_eq!(way(Some("")).expect("current"), "https://a:6443/");
    // One document of a file is read, and no other.
    let both = format!("# first\n---\n{ONE}---\n{TWO}");
    let all = said_in(&[&both]).expect("it can be read");
    assert_eq!((all.current.as_str(), all.contexts.len()), ("", 1));
}

fn told(error: NoCluster) -> String {
    palinode_core::chain::chain(&error)
}

#[test]
fn an_error_names_what_there_is() {
    let all = said_in(&[TWO]).expect("it can be read");
    let fails = |context| told(all.way(context, &Environment::default()).err().expect("it cannot be used"));
    assert!(fails(Some("nope")).contains("there is no context `nope`; the contexts are: z"));
    assert!(fails(None).contains("there is no context `x`; the contexts are: z"));
    let all = said_in(&[ONE]).expect("it can be read");
    let error = told(all.way(None, &Environment::default()).err().expect("none is current"));
    assert!(error.contains("no context is the current one; the contexts are: x; name one with --context"), "{error}");
    let lost = "current-context: x\ncontexts: [{ name: x, context: { cluster: gone } }]\nclusters: [{ name: c }, { name: d }]\n";
    let error = told(said_in(&[lost]).expect("read").way(None, &Environment::default()).err().expect("it is lost"));
    assert!(error.contains("cluster `gone`, which is not there; the clusters are: c, d"), "{error}");
    let empty = told(said_in(&[""]).expect("read").way(Some("x"), &Environment::default()).err().expect("empty"));
    assert!(empty.contains("there is no context `x`; there are no contexts"), "{empty}");
}

#[test]
fn no_word_of_a_file_that_cannot_be_read_is_quoted() {
    for (text, words) in [
        ("users:\n- name: u\n  user: { token: [secret\n", "line "),
        ("- secret\n", "it is not what a configuration"),
        ("kind: secret\n", "its kind is not Config"),
        ("apiVersion: v2\n", "its apiVersion is not v1"),
        ("users: secret\n", "`users` is no list"),
        ("users: [{ name: u, user: { token: secret } }, { name: u }]\n", "two users named `u`"),
    ] {
        let error = said_in(&[text]).expect_err(text);
        assert!(error.contains(words) && !error.contains("secret"), "{text}: {error}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_both_halves() {
    let with = |cluster: &str, user: &str| {
        let text = format!(
            "current-context: x\ncontexts: [{{ name: x, context: {{ cluster: c, user: u }} }}]\nclusters: [{{ name: c, cluster: {{ {cluster} }} }}]\nusers: [{{ name: u, user: {{ {user} }} }}]\n"
        );
        let all = said_in(&[&text]).expect("it can be read");
        all.way(None, &Environment::default()).map(|way| way.config.cluster_url.to_string()).map_err(told)
    };
    let server = "server: 'https://a'";
    for (cluster, user, words) in [
        ("server: ''", "", "has no server"),
        ("", "", "has no server"),
        ("server: 'ftp://a'", "", "is no address"),
        ("server: 'https://'", "", "is no address"),
        (
            "server: 'https://a', insecure-skip-tls-verify: true, certificate-authority-data: aGVsbG8K",
            "",
            "insecure-skip-tls-verify",
        ),
        ("server: 'https://a', certificate-authority: x, certificate-authority-data: aGVsbG8K", "", "one must go"),
        ("server: 'https://a', certificate-authority-data: aGVsbG8K", "", "has no certificate in it"),
        ("server: 'https://a', certificate-authority: nope.pem", "", "nope.pem"),
        ("server: 'https://a', proxy-url: 'p:1'", "", "proxy-url of the configuration"),
        (server, "token: a, username: b", "more than one way to log in (token, username)"),
        (server, "token: 12", "the user `u`"),
        (server, "client-certificate-data: aGVsbG8K", "has no client-key"),
        (server, "client-key: x", "has no client-certificate"),
        (server, "as-groups: [a]", "no `as`"),
        (server, "exec: { apiVersion: client.authentication.k8s.io/v1 }", "without command"),
        (server, "exec: { command: x }", "without apiVersion"),
        (server, "tokenFile: nope", "nope"),
    ] {
        let error = with(cluster, user).expect_err(cluster);
        assert!(error.contains(words), "{cluster} {user}: {error}");
    }
    // Without a scheme it is as kubectl takes it.
    assert_eq!(with("server: 'a:6443'", "").as_deref(), Ok("http://a:6443/"));
    assert_eq!(with("server: 'a:6443', insecure-skip-tls-verify: true", "").as_deref(), Ok("https://a:6443/"));
    // Who is not there is nobody in particular.
    let text = "current-context: x\ncontexts: [{ name: x, context: { cluster: c, user: gone } }]\nclusters: [{ name: c, cluster: { server: 'https://a' } }]\n";
    assert!(said_in(&[text]).expect("read").way(None, &Environment::default()).is_ok());
    // What another context says is none of this one's concern.
    let text = "current-context: x\ncontexts: [{ name: x, context: { cluster: c } }, { name: bare }, { name: odd, context: { cluster: 3 } }]\nclusters: [{ name: c, cluster: { server: 'https://a' } }, { name: odd, cluster: { server: 3 } }]\nusers: [{ name: odd, user: { token: [] } }]\n";
    assert!(said_in(&[text]).expect("read").way(None, &Environment::default()).is_ok());
}

#[test]
fn a_token_is_used_without_the_line_break_behind_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    for (text, fallback, wanted) in [
        ("abc\n", None, Some("abc")),
        ("  abc\r\n\n", Some("other"), Some("abc")),
        ("\n", None, None),
        ("\n", Some("other"), Some("other")),
        ("a\nb", None, None),
    ] {
        std::fs::write(&path, text).expect("a file");
        let found = TokenFile::open(&path, fallback).map(|token| token.token());
        assert_eq!(found.as_deref().ok(), wanted, "{text:?}");
    }
}

#[test]
fn paths_are_relative_to_the_folder_of_their_file() {
    let text = "clusters: [{ name: c, cluster: { certificate-authority: ca.pem } }]\nusers: [{ name: u, user: { tokenFile: /abs, client-key: a/key, exec: { command: bin/get } } }, { name: v, user: { exec: { command: get } } }]\n";
    let all = said_in(&[text]).expect("it can be read");
    assert!(
        all.clusters["c"]["certificate-authority"]
            .as_str()
            .is_some_and(|path| path.starts_with('/') && path.ends_with("/ca.pem"))
    );
    assert_eq!(all.users["u"]["tokenFile"], "/abs");
    assert!(all.users["u"]["client-key"].as_str().is_some_and(|path| path.starts_with('/')));
    assert!(
        all.users["u"]["exec"]["command"]
            .as_str()
            .is_some_and(|path| path.ends_with("/bin/get") && path.starts_with('/'))
    );
    assert_eq!(all.users["v"]["exec"]["command"], "get");
}
