//! `PALINODE_LOG`: which parts of the program tell how much. Its words are those of `EnvFilter`, checked one by one.

use super::layers::OURS;
use crate::exit::Failure;
use crate::render::escape;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Directive, EnvFilter, FilterExt as _, FilterFn, combinator::And, filter_fn};
use tracing_subscriber::registry::Registry;

/// The variable.
const VARIABLE: &str = "PALINODE_LOG";

/// What to write.
const EXAMPLE: &str =
    "write for example PALINODE_LOG=palinode_executors::ssh=debug, or PALINODE_LOG=info,palinode_journal=trace";

/// Our crates, as events name them.
const PARTS: [&str; 5] = ["palinode", "palinode_core", "palinode_executors", "palinode_journal", "palinode_replay"];

/// The most that other crates tell: below, some print what they send and get.
const FOREIGN: LevelFilter = LevelFilter::INFO;

/// What the variable asks for.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// The level of all parts that have none of their own.
    pub(super) level: Option<LevelFilter>,
    directives: Vec<Directive>,
    /// Other crates that are named.
    foreign: Vec<String>,
    most: Option<LevelFilter>,
    /// What a person should know of it.
    pub(super) notice: Option<String>,
}

/// What passes, and the most talkative level of it.
pub(super) struct Rules {
    pub(super) rules: And<EnvFilter, FilterFn<Named>, Registry>,
    pub(super) most: LevelFilter,
}

type Named = Box<dyn Fn(&Metadata<'_>) -> bool + Send + Sync>;

/// Why the variable cannot be understood, and where.
#[derive(Debug, PartialEq, Eq)]
struct Bad {
    /// The character, from 1.
    at: usize,
    what: String,
}

impl Wanted {
    /// What the variable in the environment asks for; none if it is not set.
    pub(super) fn of_environment() -> Result<Option<Self>, Failure> {
        let Some(text) = std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) else { return Ok(None) };
        let Some(text) = text.to_str() else {
            return Err(Failure::usage(format!("{VARIABLE} is not UTF-8; nothing was done"), EXAMPLE));
        };
        Self::of(text).map(Some).map_err(|Bad { at, what }| {
            Failure::usage(
                format!("{VARIABLE} cannot be understood at character {at}: {what}; nothing was done"),
                EXAMPLE,
            )
        })
    }

    fn of(text: &str) -> Result<Self, Bad> {
        let mut wanted = Self::default();
        for (at, part) in parts(text) {
            wanted.take(part).map_err(|(offset, what)| Bad { at: text[..at + offset].chars().count() + 1, what })?;
        }
        Ok(wanted)
    }

    /// Takes one directive in. An error has its offset in it.
    fn take(&mut self, part: &str) -> Result<(), (usize, String)> {
        if let Some(level) = level(part) {
            self.level = Some(level);
            return Ok(());
        }
        let target = &part[..part.find(['=', '[']).unwrap_or(part.len())];
        let is_ours = target.is_empty() || is_ours(target)?;
        // Behind the last bracket: a field's value may have the sign in it too.
        let behind = part.rfind(']').map_or(0, |end| end + 1);
        let sign = part[behind..].find('=').map(|sign| behind + sign);
        let told = match sign {
            Some(sign) => {
                let word = &part[sign + 1..];
                let offset = sign + 1;
                level(word).ok_or_else(|| {
                    (
                        offset,
                        format!("`{}` is no level; there are off, error, warn, info, debug and trace", escape(word)),
                    )
                })?
            }
            None if is_ours => LevelFilter::TRACE,
            None => {
                let what = format!(
                    "`{0}` is neither a level nor a part of palinode; of another crate write `{0}=info`",
                    escape(part)
                );
                return Err((0, what));
            }
        };
        let text = match is_ours {
            true => part.to_owned(),
            false => {
                self.foreign.push(target.to_owned());
                if told > FOREIGN {
                    self.notice = Some(format!(
                        "notice: of {} nothing below info is logged: it may print what is sent and received\n",
                        escape(target)
                    ));
                }
                format!("{}={}", part[..sign.unwrap_or(part.len())].to_owned(), told.min(FOREIGN))
            }
        };
        let directive = text.parse::<Directive>().map_err(|error| (0, format!("`{}`: {error}", escape(part))))?;
        self.most = self.most.max(Some(if is_ours { told } else { told.min(FOREIGN) }));
        self.directives.push(directive);
        Ok(())
    }
}

/// The directives with their offsets. A comma in brackets or braces is a part of one.
fn parts(text: &str) -> Vec<(usize, &str)> {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in text.char_indices().chain([(text.len(), ',')]) {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 || at == text.len() => {
                let part = &text[from..at];
                let blank = part.len() - part.trim_start().len();
                found.push((from + blank, part.trim()));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.retain(|(_, part)| !part.is_empty());
    found
}

fn level(word: &str) -> Option<LevelFilter> {
    match word.trim().to_ascii_lowercase().as_str() {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

/// Whether a target is a part of palinode. One that only looks so is an error, with its offset.
fn is_ours(target: &str) -> Result<bool, (usize, String)> {
    if let Some((at, odd)) = target.char_indices().find(|(_, c)| !c.is_alphanumeric() && !"_-:".contains(*c)) {
        return Err((at, format!("`{}` is no part of a name", escape(&odd.to_string()))));
    }
    let first = target.split("::").next().unwrap_or_default();
    if PARTS.contains(&first) {
        return Ok(true);
    }
    if first.starts_with(OURS) {
        let near = first.replace('-', "_");
        let what = match PARTS.contains(&near.as_str()) {
            true => format!("there is no part `{first}`; write `{near}`"),
            false => format!("there is no part `{first}`; there are {}", PARTS.join(", ")),
        };
        return Err((0, what));
    }
    Ok(false)
}

/// What passes: our own crates up to a level, and what is wanted beside.
pub(super) fn filter(ours: LevelFilter, wanted: Option<&Wanted>) -> Rules {
    let mut rules = EnvFilter::builder().with_default_directive(LevelFilter::OFF.into()).parse_lossy("");
    if let Ok(all) = format!("{OURS}={ours}").parse() {
        rules = rules.add_directive(all);
    }
    let (mut foreign, mut most) = (Vec::new(), ours);
    if let Some(wanted) = wanted {
        foreign.clone_from(&wanted.foreign);
        most = most.max(wanted.most.unwrap_or(LevelFilter::OFF));
        for directive in &wanted.directives {
            rules = rules.add_directive(directive.clone());
        }
    }
    // A directive of spans alone would let everything within pass, whoever tells it.
    let named: Named = Box::new(move |meta| {
        let target = meta.target();
        target.starts_with(OURS) || (*meta.level() <= FOREIGN && foreign.iter().any(|name| target.starts_with(name)))
    });
    Rules { rules: rules.and(filter_fn(named)), most }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(text: &str) -> Bad {
        Wanted::of(text).expect_err(text)
    }

    #[test]
    fn the_place_of_what_cannot_be_understood_is_told() {
        for (text, at, word) in [
            ("debgu", 1, "`debgu` is neither a level nor a part of palinode"),
            ("info,palinode_executors::ssh=debgu", 30, "`debgu` is no level"),
            ("palinode_executor=debug", 1, "there are palinode, palinode_core,"),
            ("info, palinode-executors=debug", 7, "write `palinode_executors`"),
            ("hyper", 1, "`hyper=info`"),
            ("palinode_executors=", 20, "`` is no level"),
            ("palinode_executors::ssh debug", 24, "` ` is no part of a name"),
            ("füße!=debug", 5, "`!` is no part"),
            ("=debug=", 2, "is no level"),
            ("palinode[run{=debug", 19, ""),
        ] {
            let found = bad(text);
            assert!(found.what.contains(word), "{text}: {found:?}");
            if !word.is_empty() {
                assert_eq!(found.at, at, "{text}: {found:?}");
            }
        }
    }

    #[test]
    fn directives_are_taken_apart_outside_of_brackets() {
        assert_eq!(parts(" a , b[c{d=1,e=2}]=info,,f"), [(1, "a"), (5, "b[c{d=1,e=2}]=info"), (25, "f")]);
        let wanted =
            Wanted::of("WARN,palinode_executors::ssh=debug,palinode_replay[step{step=a}]=trace").expect("it is good");
        assert_eq!((wanted.level, wanted.directives.len()), (Some(LevelFilter::WARN), 2));
        assert_eq!(wanted.most, Some(LevelFilter::TRACE));
        assert!(wanted.foreign.is_empty() && wanted.notice.is_none());
    }

    #[test]
    fn other_crates_tell_nothing_below_info() {
        let wanted = Wanted::of("trace,hyper=trace,kube_client=warn").expect("it is good");
        assert_eq!(wanted.foreign, ["hyper", "kube_client"]);
        assert_eq!(wanted.directives[0].to_string(), "hyper=info");
        assert!(wanted.notice.is_some_and(|notice| notice.contains("hyper")));
        assert_eq!(wanted.most, Some(LevelFilter::INFO));
    }
}
