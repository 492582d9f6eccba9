//! What libyaml makes of a text: its events, with the bytes that each stands on.
//!
//! Ansible reads YAML by libyaml (0.2.6 today), which is no YAML 1.2: `{h1:}` and `[-]` are not what the page of a standard says.
//! So its rules are kept here one by one, those of tabs, of keys longer than 1024 characters and of colons in brackets
//! among them. There are ports of it, and none of them fits: `libyaml-safer` 0.3 panics on `[!,` and on a `%` escape, the
//! others (`unsafe-libyaml`, `libyaml-rs`) are called by pointers, and this package has no unsafe code.
//!
//! A text is in memory as a whole, so no token needs a buffer, and places are bytes. How deep brackets and lines may be in
//! each other is bounded; so is everything that is built of the events.

mod cursor;
mod no_yaml;
mod parser;
mod properties;
mod scalars;
mod scanner;
mod token;

pub(crate) use no_yaml::{DEEPEST, NoYaml};
pub(crate) use parser::{Event, Events, Kind};
pub(crate) use token::Style;
