//! Requests to the cluster's API: one for each call, with a time limit, nothing repeated behind the caller's back.
//!
//! Objects stay JSON. Types of any one version of Kubernetes would drop the fields of another; and an old server must
//! never be sent what it does not know.

use super::bad_config::BadConfig;
use super::kubeconfig::{self, Way};
use super::log;
use super::proxy::Proxy;
use super::token::TokenFile;
use crate::NotPlain;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Limited};
use kube::Client;
use kube::client::{AuthError, Body};
use palinode_core::cluster::ClusterId;
use serde_json::Value;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::Instrument as _;

/// So long may a connection take.
const CONNECT: Duration = Duration::from_secs(10);

/// So long may an answer take.
const ANSWER: Duration = Duration::from_secs(60);

/// So often something is read from a server that is not ready to say it.
const READS: u32 = 3;

/// A connection that ended later than this without an answer is not tried again by who reads.
const SOON: Duration = Duration::from_secs(5);

/// So long may the body of an answer be.
const BODY: usize = 64 << 20;

/// So long may a list be, over all its pages.
const LIST: usize = 256 << 20;

/// So many objects are asked for at once.
const PAGE: u32 = 500;

/// So many pages of a list are read.
const PAGES: usize = 400;

/// So often a list is begun anew whose later pages the server has forgotten.
const EXPIRED: u32 = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// Nothing was sent.
    #[error("the API server cannot be reached")]
    NotSent(#[source] Box<dyn Error + Send + Sync>),
    /// It was sent, or perhaps it was: nobody knows what came of it.
    #[error("the API server did not answer")]
    Lost(#[source] Box<dyn Error + Send + Sync>),
    /// It would make no sense to send it, or the answer makes none.
    #[error("{0}")]
    Nonsense(String),
}

/// What old servers say of a JSON patch that does not fit: the words of the library that applies it.
const MISFITS: [&str; 7] = [
    "testing value",
    "test operation",
    "operation does not apply",
    "nonexistent key",
    "missing path",
    "missing key",
    "the object has been modified",
];

/// What is asked of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Read.
    Get,
    /// Make anew.
    Post,
    /// Change by a list of operations, each of which must fit.
    JsonPatch,
    /// Change by fields that are merged into it.
    MergePatch,
    /// Put in place of what is there.
    Put,
    /// Remove.
    Delete,
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    /// The status code: that of the answer, or of a failure that came inside a good one.
    pub(crate) code: u16,
    /// The body; null if it was none or no JSON.
    pub(crate) body: Value,
    /// What the server's audit log calls the request.
    pub(crate) audit: Option<String>,
    /// In how many seconds it wants to be asked again.
    pub(crate) again: Option<u32>,
    /// How long its body was.
    pub(crate) size: usize,
}

impl Answer {
    /// Whether it did what was asked.
    pub(crate) fn is_good(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Its words, if it is a status.
    pub(crate) fn message(&self) -> String {
        let text = self.body["message"].as_str().map(str::trim).filter(|text| !text.is_empty());
        let text: String = text.unwrap_or("no further word").chars().take(1000).collect();
        text
    }

    /// Why it was refused, in one line with the code.
    pub(crate) fn words(&self) -> String {
        let name = http::StatusCode::from_u16(self.code).ok().and_then(|code| code.canonical_reason());
        match (self.code, name) {
            (401, _) => format!("the API server does not accept these credentials any more (401): {}", self.message()),
            (403, _) => format!("the API server forbids it (403): {}", self.message()),
            (503, _) => format!("the API server is not available (503): {}", self.message()),
            (504, _) => {
                format!("the API server gave up waiting (504), so it may be done all the same: {}", self.message())
            }
            (code, Some(name)) => format!("the API server answered {code} {name}: {}", self.message()),
            (code, None) => format!("the API server answered {code}: {}", self.message()),
        }
    }

    /// Whether a condition of a change did not hold on the object that the server took for the current one. Old servers say
    /// so of a patch with the code of an error of their own, and only in words. Fields that are not valid are no such
    /// thing: they are named.
    pub(crate) fn is_misfit(&self) -> bool {
        match self.code {
            409 => true,
            422 => self.body["details"]["causes"].as_array().is_none_or(Vec::is_empty),
            500 => self.tells_of_a_test(),
            _ => false,
        }
    }

    /// Whether somebody else wrote the same object, with whatever code the server says so.
    pub(crate) fn is_conflict(&self) -> bool {
        self.code != 422 && self.is_misfit()
    }

    fn tells_of_a_test(&self) -> bool {
        let words = self.message().to_lowercase();
        MISFITS.iter().any(|known| words.contains(known))
    }

    /// Whether it is an API server that says so, and not something on the way that borrows its code.
    pub(crate) fn has_reason(&self) -> bool {
        self.body["reason"].is_string() || self.tells_of_a_test()
    }

    /// Whether what was asked was certainly not done.
    pub(crate) fn is_refusal(&self) -> bool {
        // A server that waited too long may have done it.
        let is_budget = self.code == 500 && self.message().contains("PodDisruptionBudget");
        (matches!(self.code, 400..500) && self.code != 408) || self.is_misfit() || is_budget
    }

    /// Whether the server may have done what was asked, and may not.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_good() && !self.is_refusal()
    }

    /// How long the server asks to be let alone, within reason.
    pub(crate) fn wait(&self) -> Duration {
        Duration::from_secs(u64::from(self.again.unwrap_or(1).clamp(1, 10)))
    }

    /// Whether a disruption budget is the reason.
    pub(crate) fn is_budget(&self) -> bool {
        self.has_cause("DisruptionBudget")
    }

    /// Whether this is among the reasons.
    pub(crate) fn has_cause(&self, reason: &str) -> bool {
        let causes = self.body["details"]["causes"].as_array();
        causes.into_iter().flatten().any(|cause| cause["reason"] == reason)
    }
}

/// A way to the cluster.
pub(crate) struct Api {
    client: Client,
    config: kube::Config,
    proxy: Option<Proxy>,
    token: Option<TokenFile>,
    id: ClusterId,
}

/// Why there is no way to a cluster.
#[derive(Debug, thiserror::Error)]
pub enum NoCluster {
    /// The file that says how it is reached.
    #[error("the configuration of the cluster cannot be used")]
    Config(#[source] Box<dyn Error + Send + Sync>),
    /// It is no file, or too long for one.
    #[error("the configuration of the cluster {} cannot be used", .path.display())]
    NotPlain {
        /// Where it is.
        path: PathBuf,
        /// Why.
        #[source]
        cause: NotPlain,
    },
    /// It does not answer.
    #[error("the cluster does not answer")]
    Silent(#[source] Box<dyn Error + Send + Sync>),
    /// It answers, but not as a cluster.
    #[error("{server} is no API server that lets us in: {why}")]
    Refused {
        /// Where it was asked.
        server: String,
        /// Its words.
        why: String,
    },
}

impl Api {
    /// Opens a way: by a file or what `KUBECONFIG` names, and a context or the current one. The server is asked for its
    /// version.
    pub(crate) async fn open(file: Option<&Path>, context: Option<&str>) -> Result<Self, NoCluster> {
        let Way { mut config, context, proxy, token } = kubeconfig::way(file, context)?;
        // Whoever asks again does so in the open: each request is recorded.
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT);
        config.read_timeout = Some(ANSWER);
        config.reset_reader_on_write = true;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let ca = config.root_cert.as_ref().map(|all| {
            let mut hash = blake3::Hasher::new();
            for cert in all {
                hash.update(&u64::try_from(cert.len()).unwrap_or(u64::MAX).to_le_bytes());
                hash.update(cert);
            }
            hash.finalize().to_hex()[..32].to_owned()
        });
        let client = client_of(&config)?;
        let id = ClusterId { server, ca, context, version: String::new() };
        let mut api = Self { client, config, proxy, token, id };
        let answer = api.get("/version").await.map_err(|error| NoCluster::Silent(Box::new(error)))?;
        match answer.body["gitVersion"].as_str().filter(|_| answer.is_good()) {
            Some(version) => api.id.version = version.chars().filter(|c| !c.is_control()).take(100).collect(),
            None => return Err(NoCluster::Refused { server: api.id.server, why: answer.words() }),
        }
        Ok(api)
    }

    /// Which cluster it is.
    pub(crate) fn id(&self) -> &ClusterId {
        &self.id
    }

    /// A client for connections that stay open and may be silent for long.
    pub(crate) fn streams(&self) -> Result<Client, NoCluster> {
        let mut config = self.config.clone();
        config.read_timeout = None;
        config.auth_info.token = self.token.as_ref().map(|token| token.token().into()).or(config.auth_info.token);
        client_of(&config)
    }

    /// Reads one thing. A server that starts, or has too much to do, is asked again: that changes nothing, so nobody has to be
    /// told.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Fault> {
        for _ in 1..READS {
            let began = tokio::time::Instant::now();
            match self.ask(Verb::Get, path, None).await {
                Ok(answer) if matches!(answer.code, 408 | 429 | 500..) => tokio::time::sleep(answer.wait()).await,
                Err(Fault::Lost(_)) if began.elapsed() < SOON => {}
                came => return came,
            }
        }
        self.ask(Verb::Get, path, None).await
    }

    /// When the server says that it answers, as it writes it; none where it does not say.
    pub(crate) async fn date(&self) -> Option<String> {
        let request = Request::builder().method(Method::GET).uri("/version").body(Body::empty()).ok()?;
        let answer = tokio::time::timeout(CONNECT, self.client.send(request)).await.ok()?.ok()?;
        let date = answer.headers().get(header::DATE)?.to_str().ok()?.to_owned();
        // Read to its end, so that the connection is used again.
        let _ = tokio::time::timeout(CONNECT, Limited::new(answer.into_body(), BODY).collect()).await;
        Some(date)
    }

    /// Reads a list, page by page. Where the server no longer has what its later pages would show (410), it is read from the
    /// beginning; the last time in one piece.
    pub(crate) async fn list(&self, path: &str, query: &str) -> Result<Result<Vec<Value>, Answer>, Fault> {
        let (mut items, mut size) = (Vec::new(), 0_usize);
        let (mut next, mut expired) = (String::new(), 0);
        for _ in 0..PAGES {
            let limit = if expired < EXPIRED { format!("limit={PAGE}") } else { String::new() };
            let next_page = if next.is_empty() { String::new() } else { format!("continue={next}") };
            let query: Vec<&str> =
                [limit.as_str(), query, next_page.as_str()].into_iter().filter(|part| !part.is_empty()).collect();
            let path = match query.is_empty() {
                true => path.to_owned(),
                false => format!("{path}?{}", query.join("&")),
            };
            let mut answer = self.get(&path).await?;
            if answer.code == 410 && expired < EXPIRED {
                (expired, size) = (expired + 1, 0);
                items.clear();
                next.clear();
                continue;
            }
            if !answer.is_good() {
                return Ok(Err(answer));
            }
            if let Some(Value::Array(more)) = answer.body.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            size = size.saturating_add(answer.size);
            if size > LIST {
                return Err(Fault::Nonsense(format!("the list {path} is longer than {} MiB", LIST >> 20)));
            }
            next = answer.body["metadata"]["continue"].as_str().map(escaped).unwrap_or_default();
            if next.is_empty() {
                return Ok(Ok(items));
            }
        }
        Err(Fault::Nonsense(format!("the list {path} does not end after {} objects", items.len())))
    }

    /// Sends one request and waits for the whole answer.
    pub(crate) async fn ask(&self, verb: Verb, path: &str, body: Option<&Value>) -> Result<Answer, Fault> {
        let (method, kind) = match verb {
            Verb::Get => (Method::GET, None),
            Verb::Post => (Method::POST, Some("application/json")),
            Verb::Put => (Method::PUT, Some("application/json")),
            Verb::JsonPatch => (Method::PATCH, Some("application/json-patch+json")),
            Verb::MergePatch => (Method::PATCH, Some("application/merge-patch+json")),
            Verb::Delete => (Method::DELETE, Some("application/json")),
        };
        let mut request = Request::builder().method(method).uri(path).header(header::ACCEPT, "application/json");
        if let Some(kind) = kind.filter(|_| body.is_some()) {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, token.header());
        }
        let text = body.map(Value::to_string).unwrap_or_default();
        // Old servers compare what a patch tests as it is written, and write these so.
        let text = match verb {
            Verb::JsonPatch => text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
            _ => text,
        };
        let bytes = text.into_bytes();
        let asked = log::Asked::new(verb, path, bytes.len());
        let request = request.body(Body::from(bytes)).map_err(|error| Fault::Nonsense(format!("{path}: {error}")))?;
        // The connection has time limits of its own; this one is for a server that answers without an end.
        let whole = tokio::time::timeout(CONNECT + ANSWER, self.whole(request)).instrument(asked.span.clone());
        let answer = match whole.await {
            Ok(answer) => answer,
            Err(late) => Err(Fault::Lost(Box::new(late))),
        };
        asked.answered(&answer);
        answer
    }

    async fn whole(&self, request: Request<Body>) -> Result<Answer, Fault> {
        let response = self.client.send(request).await.map_err(|error| match (was_sent(&error), &self.proxy) {
            (true, _) => Fault::Lost(plain(error)),
            (false, None) => Fault::NotSent(plain(error)),
            (false, Some(proxy)) => Fault::NotSent(Box::new(Through { proxy: proxy.to_string(), cause: plain(error) })),
        })?;
        let (head, body) = response.into_parts();
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let audit = text("audit-id").filter(|id| id.len() <= 100).map(str::to_owned);
        let again = text("retry-after").and_then(|seconds| seconds.parse().ok());
        let bytes = Limited::new(body, BODY).collect().await.map_err(Fault::Lost)?.to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let mut code = head.status.as_u16();
        // A failure may come inside an answer that says that all is well.
        if (200..300).contains(&code) && body["kind"] == "Status" && body["status"] == "Failure" {
            code = body["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|c| *c >= 400).unwrap_or(500);
        }
        let body = match body {
            // What is no JSON may still say something, such as a proxy on the way.
            Value::Null if code >= 400 => {
                serde_json::json!({ "message": String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).trim() })
            }
            body => body,
        };
        Ok(Answer { code, body, audit, again, size: bytes.len() })
    }
}

/// A request that a proxy was to pass on.
#[derive(Debug, thiserror::Error)]
#[error("the way leads through the proxy {proxy}")]
struct Through {
    proxy: String,
    #[source]
    cause: Box<dyn Error + Send + Sync>,
}

fn client_of(config: &kube::Config) -> Result<Client, NoCluster> {
    let exec = config.auth_info.exec.as_ref();
    Client::try_from(config.clone()).map_err(|error| match (error, exec) {
        (kube::Error::Auth(AuthError::AuthExecStart(cause)), Some(exec)) => {
            let hint = exec.install_hint.as_deref().map(str::trim).filter(|hint| !hint.is_empty());
            let hint =
                hint.map_or_else(String::new, |hint| format!(" ({})", hint.lines().collect::<Vec<_>>().join(" ")));
            let command = exec.command.clone().unwrap_or_default();
            BadConfig::NoPlugin { command, hint, cause: Some(cause) }.into()
        }
        (error, _) => NoCluster::Config(plain(error)),
    })
}

/// An error without what a command printed that gets credentials: there may be a token in it.
fn plain(error: kube::Error) -> Box<dyn Error + Send + Sync> {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(found) = cause {
        if let Some(AuthError::AuthExecRun { out, .. }) = found.downcast_ref::<AuthError>() {
            let said = String::from_utf8_lossy(&out.stderr);
            let said: Vec<&str> = said.trim().lines().rev().take(3).collect();
            let said: String = said.into_iter().rev().collect::<Vec<_>>().join(" ").chars().take(500).collect();
            let said = if said.is_empty() { said } else { format!(": {said}") };
            return Box::new(BadConfig::PluginFailed(format!("{}{said}", out.status)));
        }
        cause = found.source();
    }
    Box::new(error)
}

/// Whether a request that failed may have come to the server.
pub(crate) fn was_sent(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return !error.is_connect();
        }
        cause = error.source();
    }
    // Credentials are got before anything is sent.
    !matches!(error, kube::Error::Auth(_) | kube::Error::HttpError(_))
}

/// A text as a value in an address.
pub(crate) fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    text.bytes().fold(String::new(), |mut all, byte| {
        match plain(byte) {
            true => all.push(char::from(byte)),
            false => all.push_str(&format!("%{byte:02X}")),
        }
        all
    })
}

/// A name as one part of an address. What could lead elsewhere is refused.
pub(crate) fn part(name: &str) -> Result<String, Fault> {
    match name {
        "" | "." | ".." => Err(Fault::Nonsense(format!("`{name}` is no name of an object"))),
        name if name.len() > 253 => Err(Fault::Nonsense("a name of more than 253 characters is none".to_owned())),
        name => Ok(escaped(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        assert_eq!(part("gluster1.demo").expect("a name"), "gluster1.demo");
        assert_eq!(part("a/../b?x=1").expect("escaped"), "a%2F..%2Fb%3Fx%3D1");
        assert_eq!(part("system:node").expect("escaped"), "system%3Anode");
        for bad in ["", ".", ".."] {
            assert!(part(bad).is_err(), "{bad}");
        }
        assert!(part(&"x".repeat(300)).is_err());
    }

    #[test]
    fn a_refusal_is_told_by_what_it_means() {
        let answer =
            |code| Answer { code, body: serde_json::json!({ "message": "words" }), audit: None, again: None, size: 0 };
        for (code, word) in
            [(401, "credentials"), (403, "forbids"), (503, "not available"), (504, "may be done"), (418, "418")]
        {
            let words = answer(code).words();
            assert!(words.contains(word) && words.ends_with("words"), "{words}");
        }
    }

    #[test]
    fn a_budget_is_told_from_too_many_requests() {
        let answer = |body| Answer { code: 429, body, audit: None, again: Some(10), size: 0 };
        let budget = serde_json::json!({ "details": { "causes": [{ "reason": "DisruptionBudget" }] } });
        assert!(answer(budget).is_budget());
        assert!(!answer(serde_json::json!({ "details": {} })).is_budget());
        assert!(!answer(Value::Null).is_budget());
    }

    #[test]
    fn a_condition_that_does_not_hold_is_known_by_the_answer() {
        let answer = |code, message: &str, more: Value| {
            let mut body = serde_json::json!({ "message": message });
            if !more.is_null() {
                body["details"] = serde_json::json!({ "causes": more });
            }
            Answer { code, body, audit: None, again: None, size: 0 }
        };
        let table = [
            (500, "Testing value /metadata/uid failed", Value::Null, true),
            (500, "testing value /spec/taints failed: test failed", Value::Null, true),
            (500, "jsonpatch test operation does not apply: is missing path: /a", Value::Null, true),
            (500, "jsonpatch add operation does not apply: doc is missing path: /a", Value::Null, true),
            (500, "Unable to remove nonexistent key: unschedulable", Value::Null, true),
            (500, "etcdserver: request timed out", Value::Null, false),
            (409, "whatever", Value::Null, true),
            (422, "the server rejected our request due to an error in our request", Value::Null, true),
            (422, "Node is invalid", serde_json::json!([{ "field": "metadata.labels" }]), false),
            (503, "Testing value /a failed", Value::Null, false),
        ];
        for (code, message, causes, misfit) in table {
            let answer = answer(code, message, causes);
            assert_eq!(answer.is_misfit(), misfit, "{code} {message}");
            // What does not fit was not done; a server error may have been.
            assert_eq!(answer.is_open(), !misfit && code >= 500, "{code} {message}");
        }
        for (code, open) in [(200, false), (403, false), (408, true), (429, false), (504, true)] {
            assert_eq!(answer(code, "words", Value::Null).is_open(), open, "{code}");
        }
    }
}
