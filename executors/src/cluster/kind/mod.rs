//! What an action does through the API.

mod approve_csr;
pub(super) mod drain;
mod kube_wait;
