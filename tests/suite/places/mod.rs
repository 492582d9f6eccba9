//! The places that `.github/SECURITY.md` names, with someone in them who means harm.

mod control;
mod host;
mod log;
mod table;
