//! One job under way: what it asks of the API, each request told as it is made.

use super::Cluster;
use super::api::{Answer, Fault, Verb};
use palinode_core::chain::chain;
use palinode_core::id::ResourceKey;
use palinode_core::port::{Bodies, BodyError, Ended, Finished, Job, LookError, Report};
use palinode_core::record::ProgressKind;
use palinode_core::record::{Class, Why};
use serde_json::{Value, json};

/// See the module.
pub(crate) struct ApiJob<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) job: &'a Job,
    pub(crate) bodies: &'a dyn Bodies,
    number: &'a mut u64,
    /// What is to be told before anything else.
    pub(crate) reports: Vec<Report>,
    /// Whether any request may have changed something.
    pub(crate) changed: bool,
}

/// Why a job ends here.
pub(crate) enum Stop {
    /// That is how it ended.
    Ended(Ended),
    /// What happened cannot be kept.
    Body(BodyError),
}

impl From<BodyError> for Stop {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}

/// A look on the way failed: nobody knows more than before.
impl From<LookError> for Stop {
    fn from(error: LookError) -> Self {
        match error {
            LookError::Body(error) => Self::Body(error),
            LookError::Refused { why, .. } => failed(Why::Precondition, why),
            LookError::Unreachable { .. } => Self::Ended(Ended::Unknown(chain(&error))),
        }
    }
}

/// It ended, and not well.
pub(crate) fn failed(why: Why, message: impl Into<String>) -> Stop {
    let message = Some(message.into());
    Stop::Ended(Ended::Finished(Finished { why: Some(why), message, ..Finished::default() }))
}

/// It ended well.
pub(crate) fn well(message: impl Into<String>) -> Stop {
    let message = Some(message.into());
    Stop::Ended(Ended::Finished(Finished { message, ..Finished::default() }))
}

/// What an answer that is no success means for the step.
pub(crate) fn meaning(answer: &Answer) -> Why {
    match answer.code {
        401 | 403 | 404 => Why::Precondition,
        409 | 422 => Why::Conflict,
        408 | 504 => Why::Timeout,
        _ => Why::ExitCode,
    }
}

impl<'a> ApiJob<'a> {
    pub(crate) fn new(cluster: &'a Cluster, job: &'a Job, bodies: &'a dyn Bodies, number: &'a mut u64) -> Self {
        Self { cluster, job, bodies, number, reports: Vec::new(), changed: false }
    }

    /// Tells of a request that was made. What came back is evidence.
    pub(crate) fn tell(
        &mut self,
        verb: &str,
        key: &ResourceKey,
        came: &Result<Answer, Fault>,
    ) -> Result<(), BodyError> {
        let (code, audit, evidence) = match came {
            Ok(answer) if answer.is_good() => (Some(answer.code), answer.audit.clone(), None),
            Ok(answer) => {
                let mut kept = json!({ "message": answer.message() });
                for name in ["reason", "details"] {
                    if !answer.body[name].is_null() {
                        kept[name] = answer.body[name].clone();
                    }
                }
                (Some(answer.code), answer.audit.clone(), Some(kept))
            }
            Err(fault) => (None, None, Some(json!({ "message": chain(fault) }))),
        };
        let evidence = evidence.map(|kept| self.bodies.put(Class::Output, kept.to_string().as_bytes())).transpose()?;
        // A claim is none of the step's changes.
        self.changed |= verb != "claim"
            && match came {
                Ok(answer) => !answer.is_refusal(),
                Err(fault) => matches!(fault, Fault::Lost(_)),
            };
        *self.number += 1;
        let what = ProgressKind::Request { verb: verb.to_owned(), key: key.clone(), code, audit };
        self.reports.push(Report { number: *self.number, what, evidence });
        Ok(())
    }

    /// Names the next request among all that are made in the name of this cluster's journals.
    pub(crate) fn mark(&self) -> String {
        format!("{}.{}", self.job.name.short(), *self.number + 1)
    }

    /// Makes one request that changes something.
    pub(crate) async fn ask(
        &mut self,
        (verb, key): (&str, &ResourceKey),
        how: Verb,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Stop> {
        let came = self.cluster.api.ask(how, path, body).await;
        self.tell(verb, key, &came)?;
        came.map_err(|fault| self.lost(&fault))
    }

    /// No answer. Who asks again does not do so for ever: after some attempts a person is asked.
    fn lost(&self, fault: &Fault) -> Stop {
        let words = chain(fault);
        match fault {
            Fault::Nonsense(_) => failed(Why::Precondition, words),
            _ => self.unheard(words),
        }
    }

    /// Nobody knows what became of it.
    pub(crate) fn unheard(&self, words: String) -> Stop {
        match self.job.attempt >= ATTEMPTS {
            true => failed(Why::LinkLost, format!("{words}; it was asked {} times, and may be done", self.job.attempt)),
            false => Stop::Ended(Ended::Unknown(words)),
        }
    }
}

/// So many attempts are made that nobody answers.
const ATTEMPTS: u32 = 4;
