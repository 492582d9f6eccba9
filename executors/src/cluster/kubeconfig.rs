//! How a cluster is reached, by kubectl's rules: which files are read, how they are put together, and what a context of
//! theirs says.
//!
//! The first file that has a name for a cluster, a user or a context has it for all; of the others, an empty
//! `current-context` says nothing, and a file that is not there is passed over. Only what the context leads to has to make
//! sense.

use super::api::NoCluster;
use super::bad_config::BadConfig;
use super::proxy::{Environment, Proxy};
use super::token::TokenFile;
use crate::check_plain;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, ExecAuthCluster};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// No configuration of a cluster is longer.
const MOST_CONFIG: u64 = 16 << 20;

/// So many names are told where one is not there.
const NAMED: usize = 20;

/// The environment's list of files.
const KUBECONFIG: &str = "KUBECONFIG";

/// How a cluster is reached.
pub(super) struct Way {
    /// What the client is made of.
    pub(super) config: kube::Config,
    /// The context that says so.
    pub(super) context: String,
    /// The proxy that leads there.
    pub(super) proxy: Option<Proxy>,
    /// The token, where a file has it.
    pub(super) token: Option<TokenFile>,
}

/// Clusters, users or contexts by name.
type Named = BTreeMap<String, Value>;

/// Configurations that were put together.
#[derive(Debug, Default, PartialEq)]
struct Merged {
    current: String,
    clusters: Named,
    users: Named,
    contexts: Named,
}

/// Finds the way that a file, or the environment, and a context describe.
pub(super) fn way(file: Option<&Path>, context: Option<&str>) -> Result<Way, NoCluster> {
    let named = std::env::var_os(KUBECONFIG).filter(|paths| !paths.is_empty());
    merged(&files(file, named.as_deref(), std::env::home_dir().as_deref())?)?.way(context, &Environment::here())
}

/// What these files say together.
fn merged(files: &[PathBuf]) -> Result<Merged, NoCluster> {
    let mut merged = Merged::default();
    for path in files {
        check_plain(path, MOST_CONFIG).map_err(|cause| NoCluster::NotPlain { path: path.clone(), cause })?;
        merged.add(read(path)?);
    }
    Ok(merged)
}

/// The files that are read. Those that the environment names and that are not there are passed over, unless none is.
fn files(file: Option<&Path>, named: Option<&OsStr>, home: Option<&Path>) -> Result<Vec<PathBuf>, BadConfig> {
    if let Some(file) = file {
        return match file.exists() {
            true => Ok(vec![file.to_owned()]),
            false => Err(BadConfig::NoFile(format!("{} is not there", file.display()))),
        };
    }
    let (all, who): (Vec<PathBuf>, _) = match named {
        Some(paths) => (std::env::split_paths(paths).collect(), "of the files that KUBECONFIG names"),
        None => {
            let usual = home.map(|home| home.join(".kube/config"));
            (usual.into_iter().collect(), "KUBECONFIG is not set, and of the usual files")
        }
    };
    let mut found: Vec<PathBuf> = Vec::new();
    let mut missing = Vec::new();
    for path in all.into_iter().filter(|path| !path.as_os_str().is_empty()) {
        match path.exists() {
            true if found.contains(&path) => {}
            true => found.push(path),
            false => missing.push(path.display().to_string()),
        }
    }
    match found.is_empty() {
        false => Ok(found),
        true => Err(BadConfig::NoFile(format!("{who} none is there ({})", missing.join(", ")))),
    }
}

/// A text in any of the ways that editors write one.
fn text_of(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], pair: fn([u8; 2]) -> u16| {
        let pairs: Vec<u16> = rest.chunks_exact(2).filter_map(|two| Some(pair(two.try_into().ok()?))).collect();
        String::from_utf16(&pairs).ok()
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => String::from_utf8(rest.to_vec()).ok(),
        bytes => String::from_utf8(bytes.to_vec()).ok(),
    }
}

/// The first of the documents in a file: no other is read.
fn first_document(text: &str) -> &str {
    let is_rule = |line: &str| line == "---" || line.starts_with("--- ") || line == "...";
    let says = |line: &str| !line.trim().is_empty() && !line.starts_with(['#', '%']);
    let (mut at, mut began) = (0, false);
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if is_rule(bare) && began {
            return text.get(..at).unwrap_or(text);
        }
        began |= says(bare) && bare != "---";
        at += line.len();
    }
    text
}

/// Reads a file. Paths in it are relative to its folder.
fn read(path: &Path) -> Result<Merged, BadConfig> {
    let bytes = std::fs::read(path).map_err(|cause| BadConfig::Read { path: path.to_owned(), cause })?;
    let unread = |place: String| BadConfig::Unread { place, path: path.to_owned() };
    let text = text_of(&bytes).ok_or_else(|| unread(" (it is no text)".to_owned()))?;
    let mut options = serde_saphyr::Options::default();
    options.duplicate_keys = serde_saphyr::DuplicateKeyPolicy::LastWins;
    let document = first_document(&text);
    let value: Value = match document.lines().all(|line| line.trim().is_empty() || line.starts_with('#')) {
        true => Value::Null,
        false => serde_saphyr::from_str_with_options(document, options).map_err(|error| {
            let place = error.without_snippet().location();
            unread(place.map_or(String::new(), |at| format!(" (line {}, column {})", at.line(), at.column())))
        })?,
    };
    if !value.is_object() && !value.is_null() {
        return Err(unread(String::new()));
    }
    for (field, wanted) in [("kind", "Config"), ("apiVersion", "v1")] {
        if !matches!(&value[field], Value::Null) && value[field] != wanted && value[field] != "" {
            return Err(unread(format!(" (its {field} is not {wanted})")));
        }
    }
    let list = |list: &str, inside: &str, kind: &'static str| -> Result<Named, BadConfig> {
        let mut all = Named::new();
        match &value[list] {
            Value::Null => {}
            Value::Array(items) => {
                for item in items {
                    let name = item["name"].as_str().map_or_else(
                        || if item["name"].is_null() { String::new() } else { item["name"].to_string() },
                        str::to_owned,
                    );
                    if all.insert(name.clone(), item[inside].clone()).is_some() {
                        return Err(BadConfig::Twice { path: path.to_owned(), kind, name });
                    }
                }
            }
            _ => return Err(unread(format!(" (`{list}` is no list)"))),
        }
        Ok(all)
    };
    let mut found = Merged {
        current: value["current-context"].as_str().unwrap_or_default().to_owned(),
        clusters: list("clusters", "cluster", "clusters")?,
        users: list("users", "user", "users")?,
        contexts: list("contexts", "context", "contexts")?,
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    for cluster in found.clusters.values_mut() {
        from_folder(cluster, &["certificate-authority"], folder);
    }
    for user in found.users.values_mut() {
        from_folder(user, &["client-certificate", "client-key", "tokenFile"], folder);
        // A command without a slash is looked for on the PATH.
        if user["exec"]["command"].as_str().is_some_and(|command| command.contains('/')) {
            from_folder(&mut user["exec"], &["command"], folder);
        }
    }
    Ok(found)
}

/// Makes paths absolute that are relative to a folder.
fn from_folder(object: &mut Value, fields: &[&str], folder: &Path) {
    for field in fields {
        if let Some(path) = object[*field].as_str().filter(|path| !path.is_empty())
            && let Some(whole) = folder.join(path).to_str()
        {
            object[*field] = whole.into();
        }
    }
}

fn known<'a>(kind: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    let more = if names.len() > NAMED { format!(" and {} more", names.len() - NAMED) } else { String::new() };
    match names.is_empty() {
        true => format!("there are no {kind}"),
        false => format!("the {kind} are: {}{more}", names.into_iter().take(NAMED).collect::<Vec<_>>().join(", ")),
    }
}

/// A value that is there and says something.
fn said<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object[field].as_str().filter(|text| !text.is_empty())
}

impl Merged {
    /// Adds what a later file says and those before it did not.
    fn add(&mut self, next: Self) {
        if self.current.is_empty() {
            self.current = next.current;
        }
        for (mine, theirs) in
            [(&mut self.clusters, next.clusters), (&mut self.users, next.users), (&mut self.contexts, next.contexts)]
        {
            for (name, value) in theirs {
                mine.entry(name).or_insert(value);
            }
        }
    }

    /// What a context says, and the proxy that leads to its cluster.
    fn way(&self, context: Option<&str>, environment: &Environment) -> Result<Way, NoCluster> {
        let context = context.filter(|name| !name.is_empty()).unwrap_or(&self.current).to_owned();
        let contexts = || known("contexts", self.contexts.keys());
        if context.is_empty() {
            return Err(BadConfig::NoCurrent(contexts()).into());
        }
        let Some(found) = self.contexts.get(&context) else {
            return Err(BadConfig::NoContext(context, contexts()).into());
        };
        let cluster_name = cluster_of(found);
        let Some(cluster) = self.clusters.get(&cluster_name) else {
            let known = known("clusters", self.clusters.keys());
            return Err(BadConfig::NoCluster { context, cluster: cluster_name, known }.into());
        };
        // A user that is not there is nobody in particular, as it is to kubectl.
        let (user_name, nobody) = (said(found, "user").unwrap_or_default(), Value::Null);
        let user = self.users.get(user_name).unwrap_or(&nobody);
        consistent(&cluster_name, cluster, user_name, user)?;
        let server = server(&cluster_name, cluster, user)?;
        let proxy = environment.to(&server, said(cluster, "proxy-url")).map_err(config)?;
        let mut way = kube::Config::new(server);
        way.proxy_url = proxy.as_ref().map(|proxy| proxy.url.clone());
        way.accept_invalid_certs = cluster["insecure-skip-tls-verify"] == true;
        way.tls_server_name = said(cluster, "tls-server-name").map(str::to_owned);
        way.root_cert = authority(&cluster_name, cluster)?;
        if let Some(space) = said(found, "namespace") {
            way.default_namespace = space.to_owned();
        }
        let mut user = user.clone();
        let token = match (said(&user, "tokenFile"), said(&user, "token")) {
            (None, _) => None,
            (Some(path), fallback) => Some(TokenFile::open(Path::new(path), fallback)?),
        };
        if token.is_some() {
            user["tokenFile"] = Value::Null;
            user["token"] = Value::Null;
        }
        drop_empty(&mut user);
        let broken = |what: &str, name: &str| {
            BadConfig::Contradicts(format!("what is said of the {what} `{name}` is not what is said of one"))
        };
        let user = if user.is_null() { Value::Object(serde_json::Map::new()) } else { user };
        way.auth_info = serde_json::from_value::<AuthInfo>(user).map_err(|_| broken("user", user_name))?;
        if let Some(exec) = way.auth_info.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
            let typed: Cluster =
                serde_json::from_value(cluster.clone()).map_err(|_| broken("cluster", &cluster_name))?;
            exec.cluster = Some(ExecAuthCluster::try_from(&typed).map_err(config)?);
        }
        Ok(Way { config: way, context, proxy, token })
    }
}

fn config(error: impl std::error::Error + Send + Sync + 'static) -> NoCluster {
    NoCluster::Config(Box::new(error))
}

/// The cluster of a context.
fn cluster_of(context: &Value) -> String {
    said(context, "cluster").unwrap_or_default().to_owned()
}

/// Empty texts are as if they were not there.
fn drop_empty(object: &mut Value) {
    if let Some(all) = object.as_object_mut() {
        all.retain(|_, value| !matches!(value, Value::Null) && *value != "");
    }
}

/// Refuses what kubectl refuses, in words of the same meaning.
fn consistent(cluster_name: &str, cluster: &Value, user_name: &str, user: &Value) -> Result<(), BadConfig> {
    let both = |object: &Value, one: &str, two: &str| said(object, one).is_some() && said(object, two).is_some();
    let refuse = |why: String| Err(BadConfig::Contradicts(why));
    let (file, data) = ("certificate-authority", "certificate-authority-data");
    if both(cluster, file, data) {
        return refuse(format!("the cluster `{cluster_name}` has both {file} and {data}: one must go"));
    }
    let has_authority = said(cluster, file).or(said(cluster, data)).is_some();
    if has_authority && cluster["insecure-skip-tls-verify"] == true {
        return refuse(format!(
            "the cluster `{cluster_name}` has a certificate authority and insecure-skip-tls-verify: one must go"
        ));
    }
    for part in ["client-certificate", "client-key"] {
        if both(user, part, &format!("{part}-data")) {
            return refuse(format!("the user `{user_name}` has both {part} and {part}-data: one must go"));
        }
    }
    let has = |part: &str| said(user, part).or(said(user, &format!("{part}-data"))).is_some();
    if has("client-certificate") != has("client-key") {
        let missing = if has("client-key") { "client-certificate" } else { "client-key" };
        return refuse(format!("the user `{user_name}` has no {missing}, and the other half of it"));
    }
    let ways: Vec<&str> = [
        ("token", said(user, "token").or(said(user, "tokenFile")).is_some()),
        ("username", said(user, "username").is_some()),
        ("exec", user["exec"].is_object()),
    ]
    .into_iter()
    .filter_map(|(name, is_there)| is_there.then_some(name))
    .collect();
    // A command beside a token is not asked by kubectl, and nothing is wrong with it.
    if ways.contains(&"token") && ways.contains(&"username") {
        return refuse(format!(
            "the user `{user_name}` has more than one way to log in ({}): one must go",
            ways.join(", ")
        ));
    }
    let impersonates = ["as-uid", "as-groups", "as-user-extra"].into_iter().find(|field| !user[*field].is_null());
    if let Some(field) = impersonates.filter(|_| said(user, "as").is_none()) {
        return refuse(format!("the user `{user_name}` has {field}, but no `as`"));
    }
    if user["exec"].is_object() {
        for field in ["command", "apiVersion"] {
            if said(&user["exec"], field).is_none() {
                return refuse(format!("the user `{user_name}` has a command that gets credentials without {field}"));
            }
        }
    }
    Ok(())
}

/// The address of a server. Without a scheme it is https where something is said of certificates.
fn server(name: &str, cluster: &Value, user: &Value) -> Result<http::Uri, BadConfig> {
    let text = said(cluster, "server").ok_or_else(|| BadConfig::NoServer(name.to_owned()))?;
    let of_cluster = ["certificate-authority", "certificate-authority-data"];
    let of_user = ["client-certificate", "client-certificate-data"];
    let is_secure = of_cluster.iter().any(|field| said(cluster, field).is_some())
        || of_user.iter().any(|field| said(user, field).is_some())
        || cluster["insecure-skip-tls-verify"] == true;
    let text = match text.contains("://") {
        true => text.to_owned(),
        false => format!("{}://{text}", if is_secure { "https" } else { "http" }),
    };
    let bad = || BadConfig::BadServer(name.to_owned());
    let url: http::Uri = text.parse().map_err(|_| bad())?;
    let is_one = matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty());
    if is_one { Ok(url) } else { Err(bad()) }
}

/// The certificates of an authority, as they are compared.
fn authority(name: &str, cluster: &Value) -> Result<Option<Vec<Vec<u8>>>, BadConfig> {
    let bytes = match (said(cluster, "certificate-authority-data"), said(cluster, "certificate-authority")) {
        (Some(data), _) => STANDARD.decode(data.trim()).map_err(|_| BadConfig::NoAuthority(name.to_owned()))?,
        (None, Some(path)) => {
            std::fs::read(path).map_err(|cause| BadConfig::Read { path: PathBuf::from(path), cause })?
        }
        (None, None) => return Ok(None),
    };
    let all = certificates(&String::from_utf8_lossy(&bytes));
    if all.is_empty() { Err(BadConfig::NoAuthority(name.to_owned())) } else { Ok(Some(all)) }
}

/// The certificates in a text of PEM blocks.
fn certificates(text: &str) -> Vec<Vec<u8>> {
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let blocks = text.split(begin).skip(1).filter_map(|rest| rest.split_once(end));
    blocks
        .filter_map(|(inside, _)| {
            let inside: String = inside.chars().filter(|c| !c.is_whitespace()).collect();
            STANDARD.decode(inside).ok()
        })
        .collect()
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "kubeconfig_kubectl_tests.rs"]
mod kubectl_tests;
