//! A root shell on the machine that Palinode runs on.

use super::channel::{Places, Reply};
use super::link::{Link, To};
use super::link_error::LinkError;
use std::time::Duration;
use tokio::sync::Mutex;

/// So much does an answer hold at most: a large file, as base64.
pub(super) const ANSWER: usize = 96 << 20;

/// How long a question may take that a host answers at once.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// A shell on this machine that has jobs started as a host's has.
pub(crate) struct LocalShell {
    places: Places,
    link: Mutex<Link>,
}

impl LocalShell {
    pub(crate) fn new(places: Places) -> Self {
        Self { places, link: Mutex::new(Link::new()) }
    }

    /// As [`Fleet::ask`], and with `jobs` as [`Fleet::ask_jobs`].
    pub(crate) async fn ask(&self, jobs: bool, script: &str, time: Duration) -> Result<Reply, LinkError> {
        self.link.lock().await.ask(To::Local(&self.places), jobs, script, ANSWER, time).await
    }
}
