//! A command in a pod, over a WebSocket. That the connection ended says nothing: only the status that the server sends
//! on a channel of its own does (T28).

use super::Cluster;
use super::api::NoCluster;
use super::log;
use super::look::unseen;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use palinode_core::action::PodRef;
use palinode_core::chain::chain;
use palinode_core::cluster;
use palinode_core::port::LookError;
use serde_json::Value;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tracing::Instrument as _;

/// So much of what a command prints is kept, of each of its two streams.
const KEPT: usize = 8 << 20;

/// What a command in a pod came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// Its exit code; none if the server did not tell.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) out: Vec<u8>,
    /// What it complained.
    pub(crate) err: Vec<u8>,
    /// Why there is no exit code, or more of the server's words.
    pub(crate) words: Option<String>,
}

/// Why a command was not begun, or nobody knows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSpoken {
    /// It was certainly not begun.
    #[error("it was not begun: {0}")]
    NotBegun(String),
    /// It was certainly not begun, for a reason that passes by itself.
    #[error("it was not begun: {0}")]
    NotYet(String),
    /// Nobody knows.
    #[error("nobody knows what became of it: {0}")]
    Unknown(String),
}

impl Cluster {
    /// The one pod that is meant, among those that run.
    pub(crate) async fn pod_of(&self, pod: &PodRef, node: Option<&str>) -> Result<String, LookError> {
        if let Some(name) = &pod.name {
            return Ok(name.clone());
        }
        let space = super::api::part(&pod.namespace).map_err(unseen)?;
        let all = self.objects(&format!("/api/v1/namespaces/{space}/pods"), "").await?;
        let fits = |found: &Value| {
            pod.labels.iter().all(|(label, value)| found["metadata"]["labels"][label] == value.as_str())
                && node.is_none_or(|node| found["spec"]["nodeName"] == node)
                && cluster::holds(found, "Ready")
                && cluster::deleted_at(found).is_none()
        };
        let found: Vec<&str> = all.iter().filter(|found| fits(found)).map(cluster::name).collect();
        let why = match found.as_slice() {
            [one] => return Ok((*one).to_owned()),
            [] => "no pod that is Ready".to_owned(),
            many => format!("{} pods", many.len()),
        };
        let place = node.map(|node| format!(" on {node}")).unwrap_or_default();
        let why = format!("{why} in {} with these labels{place}", pod.namespace);
        Err(LookError::Refused { target: "the cluster's API".to_owned(), why })
    }

    /// Runs a command in a pod.
    pub(crate) async fn speak(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        run: &[String],
        limit: Duration,
    ) -> Result<Spoken, NotSpoken> {
        let asked = log::Asked::stream(namespace, pod);
        let spoken = self.spoken(namespace, pod, container, run, limit).instrument(asked.span.clone()).await;
        asked.spoken(&spoken);
        spoken
    }

    async fn spoken(
        &self,
        namespace: &str,
        pod: &str,
        container: Option<&str>,
        run: &[String],
        limit: Duration,
    ) -> Result<Spoken, NotSpoken> {
        let client = self.api.streams().map_err(|error: NoCluster| NotSpoken::NotBegun(chain(&error)))?;
        let pods: Api<Pod> = Api::namespaced(client, namespace);
        let params = AttachParams {
            container: container.map(str::to_owned),
            stdin: false,
            stdout: true,
            stderr: true,
            tty: false,
            ..AttachParams::default()
        };
        let begun = pods.exec(pod, run.iter().map(String::as_str), &params);
        let mut process = match tokio::time::timeout(limit, begun).await {
            Ok(Ok(process)) => process,
            // The server answered, and not by switching to a stream: no command was begun.
            Ok(Err(kube::Error::Api(status))) => {
                let words = format!("the API server answered {}: {}", status.code, status.message);
                return Err(match status.code {
                    429 | 503 => NotSpoken::NotYet(words),
                    _ => NotSpoken::NotBegun(words),
                });
            }
            Ok(Err(error)) => return Err(lost(&error)),
            Err(_) => return Err(NotSpoken::Unknown("the API server did not answer in time".to_owned())),
        };
        let status = process.take_status();
        let (out, err) = (process.stdout(), process.stderr());
        let whole = async {
            let (out, err) = tokio::join!(kept(out), kept(err));
            let status = match status {
                Some(status) => status.await,
                None => None,
            };
            (out, err, status)
        };
        let Ok((out, err, status)) = tokio::time::timeout(limit, whole).await else {
            process.abort();
            return Err(NotSpoken::Unknown(format!("it goes on after {} seconds", limit.as_secs())));
        };
        let Some(status) = status else {
            return Ok(Spoken {
                code: None,
                out,
                err,
                words: Some("the connection ended without its status".to_owned()),
            });
        };
        if status.status.as_deref() == Some("Success") {
            return Ok(Spoken { code: Some(0), out, err, words: None });
        }
        let causes = status.details.as_ref().and_then(|details| details.causes.as_ref()).into_iter().flatten();
        let code = causes
            .filter(|cause| cause.reason.as_deref() == Some("ExitCode"))
            .find_map(|cause| cause.message.as_deref()?.trim().parse().ok());
        Ok(Spoken { code, out, err, words: status.message })
    }
}

/// Whether the request came to the server.
fn lost(error: &kube::Error) -> NotSpoken {
    let words = chain(error);
    match super::api::was_sent(error) {
        false => NotSpoken::NotBegun(words),
        true => match error {
            // It answered, and did not switch: nothing was begun.
            kube::Error::UpgradeConnection(_) => NotSpoken::NotBegun(words),
            _ => NotSpoken::Unknown(words),
        },
    }
}

/// Reads to the end, and keeps the beginning.
async fn kept(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut stream) = stream else { return Vec::new() };
    let (mut all, mut piece) = (Vec::new(), vec![0; 16 << 10]);
    while let Ok(count @ 1..) = stream.read(&mut piece).await {
        let room = KEPT.saturating_sub(all.len()).min(count);
        all.extend_from_slice(piece.get(..room).unwrap_or_default());
    }
    all
}
