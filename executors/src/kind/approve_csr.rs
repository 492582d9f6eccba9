//! The certificates that a node's kubelet asks for when it joins: those of that node are approved, and no other's.

use crate::cluster::Cluster;
use crate::cluster::api::{Verb, part};
use crate::cluster::job::{ApiJob, Stop, failed, meaning, well};
use crate::cluster::on_cluster::{Memory, Needs, OnCluster, Round};
use crate::cluster::rights::Right;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use palinode_core::action::{ApproveCsr, CertUse};
use palinode_core::chain::chain;
use palinode_core::cluster;
use palinode_core::id::ResourceKey;
use palinode_core::port::LookError;
use palinode_core::record::Why;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{PrintableStringRef, Utf8StringRef};
use x509_cert::request::CertReq;

/// So often requests are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The attribute of a subject that is its common name.
const COMMON_NAME: &str = "2.5.4.3";

impl OnCluster for ApproveCsr {
    fn round<'a>(&'a self, job: &'a mut ApiJob<'_>, memory: &'a mut Memory) -> Round<'a> {
        Box::pin(job.approve(self, memory))
    }

    fn needs(&self) -> Needs<'_> {
        let csr = |verb, what| Right::of(verb, what).group("certificates.k8s.io");
        Needs::Rights(vec![
            csr("list", "certificatesigningrequests"),
            csr("update", "certificatesigningrequests/approval"),
        ])
    }
}

/// The common name in a request, as it is in the API: PEM in base64.
fn common_name(request: &str) -> Option<String> {
    let pem = STANDARD.decode(request).ok()?;
    let pem = std::str::from_utf8(&pem).ok()?;
    let inside = pem.lines().skip_while(|line| !line.starts_with("-----BEGIN CERTIFICATE REQUEST-----")).skip(1);
    let inside: String = inside.take_while(|line| !line.starts_with("-----")).map(str::trim).collect();
    let der = STANDARD.decode(inside).ok()?;
    let request = CertReq::from_der(&der).ok()?;
    let mut names = request.info.subject.0.iter().flat_map(|set| set.0.iter()).filter_map(|part| {
        if part.oid.to_string() != COMMON_NAME {
            return None;
        }
        let utf8 = part.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
        utf8.or_else(|_| part.value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned())).ok()
    });
    // Two names are none.
    let name = names.next()?;
    names.next().is_none().then_some(name)
}

fn has(request: &Value, condition: &str) -> bool {
    let all = request["status"]["conditions"].as_array().into_iter().flatten();
    all.into_iter().any(|found| found["type"] == condition)
}

/// For what a request of this node asks; none if it is not the node's, or asks for more than kubelets do.
fn usage(request: &Value, node: &str) -> Option<CertUse> {
    let all = request["spec"]["usages"].as_array()?;
    let wants = |usage: CertUse| all.iter().any(|found| found == usage.usage());
    let known = ["digital signature", "key encipherment", "client auth", "server auth"];
    if !all.iter().all(|found| found.as_str().is_some_and(|found| known.contains(&found))) {
        return None;
    }
    let usage = match (wants(CertUse::Client), wants(CertUse::Server)) {
        (true, false) => CertUse::Client,
        (false, true) => CertUse::Server,
        _ => return None,
    };
    let own = format!("system:node:{node}");
    let name = common_name(request["spec"]["request"].as_str()?)?;
    // A server's certificate is asked for by the node itself.
    let asks = usage == CertUse::Client || request["spec"]["username"] == own.as_str();
    (name == own && asks).then_some(usage)
}

impl Cluster {
    /// Where requests for certificates are: in the newest version that the server has.
    async fn requests(&self) -> Result<String, LookError> {
        let group = self.object("/apis/certificates.k8s.io").await?.unwrap_or_default();
        let versions = group["versions"].as_array().into_iter().flatten();
        let served: BTreeSet<&str> = versions.into_iter().filter_map(|found| found["version"].as_str()).collect();
        match ["v1", "v1beta1"].into_iter().find(|version| served.contains(version)) {
            Some(version) => Ok(format!("/apis/certificates.k8s.io/{version}/certificatesigningrequests")),
            None => Err(LookError::Refused {
                target: "the cluster's API".to_owned(),
                why: "the server has no requests for certificates".to_owned(),
            }),
        }
    }
}

impl ApiJob<'_> {
    /// Approves them as they come, until all that are needed are approved.
    async fn approve(&mut self, approve: &ApproveCsr, memory: &mut Memory) -> Result<Option<Stop>, Stop> {
        let Some(node) = self.job.target.node.clone() else {
            return Err(failed(Why::Precondition, "the action needs a node, and the target has none"));
        };
        let path = self.cluster.requests().await?;
        let all = self.cluster.objects(&path, "").await?;
        let oldest = crate::cluster::time::ago(approve.newer_than);
        let mut done = BTreeSet::new();
        let mut pending = Vec::new();
        for request in &all {
            let young =
                crate::cluster::time::of(&request["metadata"]["creationTimestamp"]).is_some_and(|made| made >= oldest);
            let Some(usage) = usage(request, &node).filter(|usage| young && approve.uses.contains(usage)) else {
                continue;
            };
            if has(request, "Approved") {
                done.insert(usage);
            } else if !has(request, "Denied") && !has(request, "Failed") {
                pending.push(request);
            }
        }
        if approve.uses.iter().all(|usage| done.contains(usage)) && pending.is_empty() {
            return Ok(Some(well(format!("the certificates of {node} are approved"))));
        }
        let limit = Duration::from_micros(u64::try_from(approve.timeout.micros().0).unwrap_or(0));
        if memory.began.elapsed() >= limit {
            let missing: Vec<&str> =
                approve.uses.iter().filter(|usage| !done.contains(usage)).map(|usage| usage.usage()).collect();
            let why = match pending.is_empty() {
                true => format!("{node} did not ask for {} within {}", missing.join(" and "), approve.timeout),
                false => {
                    let last = memory.why.as_ref().map_or_else(String::new, |why| format!(": {why}"));
                    format!("what {node} asks for could not be approved within {}{last}", approve.timeout)
                }
            };
            return Err(failed(Why::Timeout, why));
        }
        let mut any = false;
        for request in &pending {
            any |= self.approve_one(&path, request, &mut memory.why).await?;
        }
        if !any {
            tokio::time::sleep(EVERY).await;
        }
        Ok(None)
    }

    /// Whether it is approved now; where it is to be asked for again, why it is not.
    async fn approve_one(&mut self, path: &str, request: &Value, why: &mut Option<String>) -> Result<bool, Stop> {
        let mut approved = request.clone();
        let condition = json!({
            "type": "Approved", "status": "True", "reason": "PalinodeApprove",
            "message": format!("approved by Palinode: run {}, step {}", self.job.run, self.job.step),
        });
        let Some(whole) = approved.as_object_mut() else { return Ok(false) };
        let status = whole.entry("status").or_insert_with(|| json!({}));
        match status.get_mut("conditions").and_then(Value::as_array_mut) {
            Some(all) => all.push(condition),
            None => *status = json!({ "conditions": [condition] }),
        }
        // What a list holds does not say what it is.
        let version = if path.contains("/v1/") { "v1" } else { "v1beta1" };
        whole.insert("apiVersion".to_owned(), format!("certificates.k8s.io/{version}").into());
        whole.insert("kind".to_owned(), "CertificateSigningRequest".into());
        let name = cluster::name(request);
        let bad = |fault| failed(Why::Precondition, chain(&fault));
        let place = format!("{path}/{}/approval", part(name).map_err(bad)?);
        let key = ResourceKey::csr(name);
        let answer = self.ask(("approve", &key), Verb::Put, &place, Some(&approved)).await?;
        match answer.code {
            _ if answer.is_good() => Ok(true),
            // Someone else dealt with it, it is gone, or nobody can tell yet: it is looked at again.
            404 | 409 | 429 => {
                *why = Some(answer.words());
                Ok(false)
            }
            _ if answer.is_open() => {
                *why = Some(answer.words());
                Ok(false)
            }
            _ => Err(failed(meaning(&answer), answer.words())),
        }
    }
}
