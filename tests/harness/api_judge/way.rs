//! A way to a real API server on which something happens to requests: they are answered as a server answers that starts or has
//! too much to do, done without an answer that says so, or cut.

use crate::chance::Chance;
use crate::cluster::Hand;
use crate::fake_api::{Asked, FakeApi, Reply};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// It is answered with this code, and does not come to the server.
    Refused(u16),
    /// The server does it, and the answer has this code.
    Untold(u16),
    /// The connection ends before the server has it.
    CutBefore,
    /// The server does it, and the connection ends.
    CutAfter,
}

impl Mishap {
    /// One that may happen to this request: what passes by itself is said in many ways.
    fn by(chance: &mut Chance, asked: &Asked) -> Self {
        let continues = asked.path.contains("continue=");
        let evicts = asked.path.ends_with("/eviction");
        match chance.below(10) {
            0 if continues => Self::Refused(410),
            0 if evicts => Self::Refused(403),
            0..=1 => Self::Refused(429),
            2 => Self::Refused(500),
            3 => Self::Refused(503),
            4 => Self::Refused(504),
            5 => Self::Untold(500),
            6 => Self::Untold(503),
            7 => Self::Untold(504),
            8 => Self::CutBefore,
            _ => Self::CutAfter,
        }
    }
}

/// A failure in the words that a server has for it.
fn failure(code: u16) -> Reply {
    let (reason, message) = match code {
        403 => ("Forbidden", "unable to create new content in namespace gone because it is being terminated"),
        410 => ("Expired", "The provided continue parameter is too old"),
        429 => ("TooManyRequests", "too many requests, please try again later"),
        500 => ("InternalError", "Internal error occurred: etcdserver: leader changed"),
        503 => ("ServiceUnavailable", "apiserver is shutting down"),
        _ => ("Timeout", "request did not complete within the allotted timeout"),
    };
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code, "reason": reason, "message": message });
    Reply::With(code, ("Retry-After", "1".to_owned()), status)
}

/// The way.
#[derive(Debug)]
pub struct Way {
    api: FakeApi,
    met: Arc<Mutex<Vec<(Mishap, String)>>>,
}

impl Way {
    /// One that leads on by a kubeconfig. Of a thousand requests something happens to so many.
    pub fn new(kubeconfig: &Path, mut chance: Chance, often: u64) -> Self {
        let met = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&met);
        let hand = Hand::new(kubeconfig);
        let api = FakeApi::new(move |asked| {
            let mishap = (chance.below(1000) < often).then(|| Mishap::by(&mut chance, asked));
            if let Some(mishap) = mishap {
                let what = format!("{} {}", asked.method, asked.path);
                seen.lock().expect("nobody died here").push((mishap, what));
            }
            match mishap {
                None => onward(&hand, asked),
                Some(Mishap::Refused(code)) => failure(code),
                Some(Mishap::CutBefore) => Reply::Cut,
                Some(Mishap::Untold(code)) => {
                    let _ = onward(&hand, asked);
                    failure(code)
                }
                Some(Mishap::CutAfter) => {
                    let _ = onward(&hand, asked);
                    Reply::Cut
                }
            }
        });
        Self { api, met }
    }

    /// The file by which it is taken.
    pub fn kubeconfig(&self) -> PathBuf {
        self.api.kubeconfig()
    }

    /// What happened so far, and to which requests.
    pub fn met(&self) -> Vec<(Mishap, String)> {
        self.met.lock().expect("nobody died here").clone()
    }
}

/// What the server says.
fn onward(hand: &Hand, asked: &Asked) -> Reply {
    let kind = match (asked.method.as_str(), &asked.body) {
        ("PATCH", Value::Array(_)) => "application/json-patch+json",
        ("PATCH", _) => "application/merge-patch+json",
        _ => "application/json",
    };
    match hand.ask_told(&asked.method, &asked.path, kind, &asked.body) {
        Some((code, Some(audit), value)) => Reply::With(code, ("Audit-Id", audit), value),
        Some((code, None, value)) => Reply::Says(code, value),
        None => Reply::Cut,
    }
}
