//! How the API server is reached: through proxies or past them, with what the configuration says.

use crate::kube::api_1_11::{LAG, RUN, one};
use crate::kube::nodes::desk;
use palinode_tests::binary::{Desk, Out};
use palinode_tests::cluster::Cluster;
use palinode_tests::fake_api_1_11::FakeApi111;
use palinode_tests::proxy::{Kind, Proxy, Tunnel};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

const CORDON: &str = "  - cordon: { kube.cordon: {} }\n";

/// What a kubeconfig says, as JSON.
fn said(path: &std::path::Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// Where a server of a kubeconfig is.
fn address(config: &Value) -> SocketAddr {
    let server = config["clusters"][0]["cluster"]["server"].as_str().expect("a server");
    server.rsplit('/').next().and_then(|at| at.parse().ok()).expect("an address")
}

/// Runs with proxies in the environment, and no other ones.
fn go(desk: &Desk, settings: &[(&str, &str)], args: &[&str]) -> Out {
    let names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];
    let mut all: Vec<(&str, PathBuf)> = names.iter().map(|name| (*name, PathBuf::new())).collect();
    all.extend(settings.iter().map(|(name, value)| (*name, PathBuf::from(value))));
    let mut whole = vec!["--kubeconfig", "kubeconfig"];
    whole.extend(args);
    desk.run_with(&all, &whole)
}

/// A cluster of one node that is known under another name, and a folder with its kubeconfig.
fn named(server: &str, more: &Value) -> (FakeApi111, Desk, SocketAddr) {
    let (api, desk) = one(LAG, CORDON);
    let mut config = said(&api.kubeconfig());
    let at = address(&config);
    config["clusters"][0]["cluster"] = palinode_core::cluster::merged(&json!({ "server": server }), more);
    desk.write("kubeconfig", config.to_string());
    (api, desk, at)
}

#[test]
fn a_proxy_leads_to_a_server_that_only_it_knows() {
    let server = "http://api.demo:8080";
    for (kind, scheme) in [(Kind::Http, "http"), (Kind::Locked, "http"), (Kind::Socks, "socks5")] {
        let login = if kind == Kind::Locked { "user:p%40ss%3Aword@" } else { "" };
        let tunnel = Tunnel {
            to: "api.demo:8080".to_owned(),
            // `user:p@ss:word`.
            password: (kind == Kind::Locked).then(|| "Basic dXNlcjpwQHNzOndvcmQ=".to_owned()),
        };
        let check = |proxy: &Proxy, out: Out| {
            out.exits(0);
            let asked = proxy.asked();
            assert!(!asked.is_empty() && asked.iter().all(|asked| *asked == tunnel), "{asked:?}");
        };
        // By the configuration, whatever the environment says.
        let (_api, desk, at) = named(server, &json!({}));
        let proxy = Proxy::new(kind, at);
        let url = format!("{scheme}://{login}{}", proxy.address());
        let mut config = said(&desk.path().join("kubeconfig"));
        config["clusters"][0]["cluster"]["proxy-url"] = url.as_str().into();
        desk.write("kubeconfig", config.to_string());
        check(&proxy, go(&desk, &[("NO_PROXY", "*"), ("HTTP_PROXY", "http://127.0.0.1:1")], &RUN));
        // By the environment.
        for name in ["HTTP_PROXY", "http_proxy"] {
            let (_api, desk, at) = named(server, &json!({}));
            let proxy = Proxy::new(kind, at);
            let url = format!("{scheme}://{login}{}", proxy.address());
            check(&proxy, go(&desk, &[(name, &url), ("NO_PROXY", "other.demo,.api.demo,10.0.0.0/8")], &RUN));
        }
    }
}

#[test]
fn what_is_exempt_is_reached_without_the_proxy() {
    // This machine itself is, whatever is said.
    let (api, desk) = one(LAG, CORDON);
    desk.write("kubeconfig", said(&api.kubeconfig()).to_string());
    let closed = Proxy::new(Kind::Closed, "127.0.0.1:1".parse().expect("an address"));
    let url = format!("http://{}", closed.address());
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"] {
        go(&desk, &[(name, &url)], &["run", "./book.yml", "-i", "hosts", "--dry-run"]);
    }
    go(&desk, &[("HTTP_PROXY", &url), ("HTTPS_PROXY", &url)], &RUN).exits(0);
    assert_eq!(closed.asked(), []);
    // A server that is exempt is looked for by its name.
    for no_proxy in ["api.invalid", ".invalid", "invalid", "*", "x,api.invalid:8080"] {
        let (_api, desk, _) = named("http://api.invalid:8080", &json!({}));
        let out = go(&desk, &[("HTTP_PROXY", &url), ("NO_PROXY", no_proxy)], &RUN).exits(1);
        assert!(
            out.stderr.contains("does not answer") && !out.stderr.contains("through the proxy"),
            "{no_proxy}: {out}"
        );
    }
    assert_eq!(closed.asked(), []);
}

#[test]
fn a_proxy_that_does_not_lead_there_is_named_without_its_password() {
    for (kind, words) in [(Kind::Closed, "tunnel"), (Kind::Locked, "proxy authorization required")] {
        let (_api, desk, at) = named("http://api.demo:8080", &json!({}));
        let proxy = Proxy::new(kind, at);
        let shown = format!("http://{}", proxy.address());
        let out = go(&desk, &[("HTTP_PROXY", &shown)], &RUN).exits(1);
        out.complains(&[&format!("through the proxy {shown} (from HTTP_PROXY)"), words, "nothing was touched"]);
    }
    let (_api, desk, _) = named("http://api.demo:8080", &json!({ "proxy-url": "http://user:secret@127.0.0.1:1" }));
    let out = go(&desk, &[], &RUN).exits(1).complains(&["http://127.0.0.1:1 (from proxy-url of the configuration)"]);
    assert!(!out.to_string().contains("secret"), "{out}");
    let (_api, desk, _) = named("http://api.demo:8080", &json!({ "proxy-url": "ftp://127.0.0.1:1" }));
    go(&desk, &[], &RUN).exits(2).complains(&["`ftp`", "http, https and socks5"]);
}

#[test]
fn a_real_server_is_reached_through_a_tunnel() {
    let Some(cluster) = Cluster::find("kube: through a tunnel") else { return };
    cluster.node("tunnel", &[]);
    let mut config = said(&cluster.kubeconfig());
    let at = address(&config);
    config["clusters"][0]["cluster"]["server"] = "https://api.demo:6443".into();
    let desk = desk(&["tunnel"], CORDON);
    desk.write("kubeconfig", config.to_string());
    let proxy = Proxy::new(Kind::Http, at);
    let url = format!("http://{}", proxy.address());
    go(&desk, &[("HTTPS_PROXY", &url), ("HTTP_PROXY", "http://127.0.0.1:1")], &RUN).exits(0);
    assert_eq!(cluster.node_now("tunnel")["spec"]["unschedulable"], true);
    assert!(proxy.asked().iter().all(|asked| asked.to == "api.demo:6443"), "{:?}", proxy.asked());
    go(&desk, &[("https_proxy", &url)], &["undo", "@", "--yes"]).exits(0);
    go(&desk, &[("HTTPS_PROXY", &url), ("NO_PROXY", "demo")], &RUN).exits(1).complains(&["does not answer"]);
    // The address of this machine needs no proxy.
    desk.write("kubeconfig", said(&cluster.kubeconfig()).to_string());
    let asked = proxy.asked().len();
    go(&desk, &[("HTTPS_PROXY", &url)], &RUN).exits(0);
    assert_eq!(proxy.asked().len(), asked);
}

#[test]
fn a_configuration_in_several_files_is_read_as_kubectl_does() {
    let (api, desk) = one(LAG, CORDON);
    let config = said(&api.kubeconfig());
    // The first file has an empty current context and a user, the last one all the rest; one is not there.
    let first = json!({ "current-context": "", "users": [{ "name": "test", "user": { "tokenFile": "token" } }] });
    desk.write("first", first.to_string());
    desk.write("token", "abc\n");
    desk.write("last", config.to_string());
    let files = format!("{0}/first:{0}/missing::{0}/last", desk.path().display());
    let run = |files: &str, args: &[&str]| desk.run_with(&[("KUBECONFIG", PathBuf::from(files))], args);
    run(&files, &RUN).exits(0);
    let mut other = vec!["--context", "tset"];
    other.extend(RUN);
    run(&files, &other).exits(2).complains(&["there is no context `tset`", "the contexts are: test"]);
    let none = format!("{0}/missing:{0}/gone", desk.path().display());
    run(&none, &RUN).exits(2).complains(&["KUBECONFIG", "/missing", "/gone"]);
    // A command that gets credentials, and is not there.
    let exec = json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "interactiveMode": "Never", "installHint": "get it at plugins.demo" });
    desk.write("first", json!({ "users": [{ "name": "test", "user": { "exec": exec } }] }).to_string());
    run(&files, &RUN).exits(2).complains(&["`no-such-plugin`", "(get it at plugins.demo)"]);
    // One that fails, and printed what is nobody's concern.
    desk.write("get", "#!/bin/sh\necho '{ \"token\": \"hunter2\" }'\necho no ticket >&2\nexit 3\n");
    let script = desk.path().join("get");
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let exec =
        json!({ "apiVersion": "client.authentication.k8s.io/v1", "command": "./get", "interactiveMode": "Never" });
    desk.write("first", json!({ "users": [{ "name": "test", "user": { "exec": exec } }] }).to_string());
    let out = run(&files, &RUN).exits(2).complains(&["the command that gets the credentials failed", "exit status: 3"]);
    assert!(!out.to_string().contains("hunter2"), "{out}");
}
