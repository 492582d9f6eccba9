//! What is logged of requests to the cluster's API: the verb, the path, how long it took, how much went out and came in,
//! and the status. Never a query, a header or a body, nor a word of an error that may quote one.

use super::api::{Answer, Fault, Verb};
use super::exec::{NotSpoken, Spoken};
use std::time::{Duration, Instant};
use tracing::{Level, Span, debug, debug_span, enabled, warn};

/// A request on its way. Nothing of it is measured if nobody listens.
pub(super) struct Asked {
    began: Option<Instant>,
    bytes_out: usize,
    /// The span of the request.
    pub(super) span: Span,
}

impl Asked {
    /// A request with a body of so many bytes.
    pub(super) fn new(verb: Verb, path: &str, bytes_out: usize) -> Self {
        let span = debug_span!("request", verb = of_verb(verb), path = plain(path));
        Self { began: enabled!(Level::DEBUG).then(Instant::now), bytes_out, span }
    }

    /// A command in a pod, over a stream.
    pub(super) fn stream(namespace: &str, pod: &str) -> Self {
        let span = debug_span!("request", verb = "exec", namespace, pod);
        Self { began: enabled!(Level::DEBUG).then(Instant::now), bytes_out: 0, span }
    }

    /// It was answered, or not.
    pub(super) fn answered(self, answer: &Result<Answer, Fault>) {
        let Some(began) = self.began else { return };
        let (bytes_out, duration_us) = (self.bytes_out, micros(began.elapsed()));
        self.span.in_scope(|| match answer {
            Ok(answer) => {
                let (status, bytes_in, again_s) = (answer.code, answer.size, answer.again);
                debug!(status, bytes_out, bytes_in, duration_us, again_s, "API server answered");
            }
            Err(fault) => {
                let cause = match fault {
                    Fault::NotSent(_) => "not-sent",
                    Fault::Lost(_) => "lost",
                    Fault::Nonsense(_) => "nonsense",
                };
                warn!(bytes_out, duration_us, cause, "API server gave no answer");
            }
        });
    }

    /// The command in a pod ended, or nobody knows.
    pub(super) fn spoken(self, spoken: &Result<Spoken, NotSpoken>) {
        let Some(began) = self.began else { return };
        let duration_us = micros(began.elapsed());
        self.span.in_scope(|| match spoken {
            Ok(spoken) => {
                let bytes_in = spoken.out.len() + spoken.err.len();
                debug!(code = spoken.code, bytes_in, duration_us, "command in a pod ended");
            }
            Err(NotSpoken::NotBegun(_) | NotSpoken::NotYet(_)) => {
                warn!(duration_us, cause = "not-begun", "command in a pod not begun");
            }
            Err(NotSpoken::Unknown(_)) => warn!(duration_us, cause = "lost", "command in a pod went on unheard"),
        });
    }
}

/// The path without its query: a selector or a continuation may hold values.
fn plain(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

fn of_verb(verb: Verb) -> &'static str {
    match verb {
        Verb::Get => "get",
        Verb::Post => "post",
        Verb::JsonPatch => "json-patch",
        Verb::MergePatch => "merge-patch",
        Verb::Put => "put",
        Verb::Delete => "delete",
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_told_without_its_query() {
        assert_eq!(plain("/api/v1/nodes?labelSelector=token%3Dhunter2&limit=500"), "/api/v1/nodes");
        assert_eq!(plain("/version"), "/version");
    }
}
