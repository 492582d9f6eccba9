//! What is logged of hosts that are asked: whom, how long it took, how much went out and came in, and how it ended.
//!
//! A question holds values of steps, and an answer what a host says: neither is logged, nor a word of an error that may
//! quote one.

use super::channel::Reply;
use super::link_error::LinkError;
use std::time::{Duration, Instant};
use tracing::{Level, Span, debug, debug_span, enabled, warn};

/// What this machine is called where it is asked like a host.
const HERE: &str = "(this machine)";

/// A question on its way. Nothing of it is measured if nobody listens.
pub(super) struct Question {
    began: Option<Instant>,
    bytes_out: usize,
    /// The span of the question.
    pub(super) span: Span,
}

impl Question {
    /// A question to a host, or to this machine if there is none.
    pub(super) fn new(host: Option<&str>, script: &str) -> Self {
        let host = host.unwrap_or(HERE);
        let span = debug_span!("request", host, asks = asks(script));
        Self { began: enabled!(Level::DEBUG).then(Instant::now), bytes_out: script.len(), span }
    }

    /// It was answered, or not.
    pub(super) fn answered(self, reply: &Result<Reply, LinkError>) {
        let Some(began) = self.began else { return };
        let (bytes_out, duration_us) = (self.bytes_out, micros(began.elapsed()));
        self.span.in_scope(|| match reply {
            Ok(reply) => debug!(bytes_out, bytes_in = reply.out.len(), duration_us, code = reply.code, "host answered"),
            Err(error) => warn!(bytes_out, duration_us, cause = cause(error), "host gave no answer"),
        });
    }
}

/// A connection came about, or not.
pub(super) fn connected<T>(host: &str, began: Instant, done: &Result<T, LinkError>) {
    let duration_us = micros(began.elapsed());
    match done {
        Ok(_) => debug!(host, duration_us, "host connected"),
        Err(error) => warn!(host, duration_us, cause = cause(error), "no connection to host"),
    }
}

/// What a script of ours asks first: the name of a function of the prelude. No value stands there.
fn asks(script: &str) -> &str {
    let first = script.split_whitespace().next().unwrap_or_default();
    let ours = |word: &str| {
        word.len() <= 20
            && word.strip_prefix("p_").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    };
    if ours(first) { first } else { "script" }
}

/// Why there is no answer, without a word of the host's.
fn cause(error: &LinkError) -> &'static str {
    match error {
        LinkError::Connect(_) => "connect",
        LinkError::Slow => "slow",
        LinkError::Refused(_) => "refused",
        LinkError::Changed { .. } => "other-machine",
        LinkError::Lost(_) => "lost",
        LinkError::TooLong(_) => "too-long",
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_question_only_a_function_of_ours_is_named() {
        assert_eq!(asks("p_status 0123 10 -\n"), "p_status");
        assert_eq!(asks("p_claimant 'a'"), "p_claimant");
        for other in ["", ":", "mysql -phunter2", "p_hunter2 x", "p_Secret", "p_this_is_longer_than_it_may_be"] {
            assert_eq!(asks(other), "script", "{other}");
        }
    }
}
