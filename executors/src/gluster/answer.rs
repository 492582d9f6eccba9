//! One answer of gluster's: whole or not, XML or text, and what it says where it has nothing else to say.

use roxmltree::{Document, Node, ParsingOptions};

/// So many elements and texts has an answer that is read: those of the status of thousands of volumes in one answer.
const NODES: u32 = 2_000_000;

/// So long may one tag be. What reads XML compares each attribute of a tag with every other.
const TAG: usize = 16 << 10;

/// So much of what gluster says of itself is told to a person.
const WORDS: usize = 200;

/// What glusterd says where another request has the locks that this one needs: on this member, or on another one.
const LOCKED: [&str; 4] = ["Another transaction", "Locking failed", "Unlocking failed", "Failed to acquire lock"];

/// What is said where gluster says nothing.
pub(super) const NOTHING: &str = "nothing was printed";

/// What came of one question.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Raw {
    /// The exit code; none if it was not asked, because time was up. It is told and not relied on.
    pub(super) code: Option<i32>,
    /// What was printed.
    pub(super) out: Vec<u8>,
    /// What was complained about.
    pub(super) err: String,
    /// Whether what was printed is all of it.
    pub(super) whole: bool,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum No {
    /// The volume keeps one copy of everything: nothing could heal.
    OneCopy,
    /// The volume is not started, or none of its bricks runs.
    NotStarted,
    /// There is no such volume.
    Missing,
    /// Gluster works on another request that keeps this one out.
    Busy,
    /// Gluster's own words.
    Says(String),
    /// There was no time left to ask it.
    Unasked,
    /// It did not come within its time.
    Late,
    /// It is longer than what is read.
    TooLong,
    /// It is not what such an answer looks like.
    Strange(&'static str),
}

impl No {
    /// From gluster's own words.
    pub(super) fn told(words: &str) -> Self {
        let has = |what: &str| words.contains(what);
        if has("is not of type replicate") {
            Self::OneCopy
        } else if has("is not started") || has("All the bricks are not running") {
            Self::NotStarted
        } else if has("does not exist") {
            Self::Missing
        } else if LOCKED.iter().any(|what| has(what)) {
            Self::Busy
        } else if has("timed out") {
            Self::Late
        } else {
            let line = words.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or(NOTHING);
            Self::Says(line.chars().take(WORDS).collect())
        }
    }

    /// Whether the same question may have an answer a little later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Busy | Self::Late | Self::Unasked => true,
            Self::OneCopy | Self::NotStarted | Self::Missing | Self::Says(_) | Self::TooLong | Self::Strange(_) => {
                false
            }
        }
    }

    /// The same for a person.
    pub(super) fn words(&self) -> String {
        match self {
            Self::OneCopy => "it is not replicated".to_owned(),
            Self::NotStarted => "it is not started, or none of its bricks runs".to_owned(),
            Self::Missing => "there is no such volume".to_owned(),
            Self::Busy => "gluster works on another request".to_owned(),
            Self::Says(words) => words.clone(),
            Self::Unasked => "there was no time to ask".to_owned(),
            Self::Late => "gluster did not answer in time".to_owned(),
            Self::TooLong => "the answer is longer than what is read of it".to_owned(),
            Self::Strange(what) => format!("the answer cannot be read: {what}"),
        }
    }
}

/// What `timeout` ends with if time was up.
pub(super) const TIME_UP: [i32; 2] = [124, 137];

/// Reads an answer, in whichever of both forms it came.
pub(super) fn read<T>(
    raw: &Raw,
    xml: impl FnOnce(Node<'_, '_>) -> Result<T, No>,
    text: impl FnOnce(&str) -> Result<T, No>,
) -> Result<T, No> {
    match raw.code {
        None => return Err(No::Unasked),
        Some(code) if TIME_UP.contains(&code) => return Err(No::Late),
        Some(_) if !raw.whole => return Err(No::TooLong),
        Some(_) => {}
    }
    let out = String::from_utf8_lossy(&raw.out);
    let out = out.trim_start();
    if out.is_empty() {
        return Err(No::told(&raw.err));
    }
    // Without a part of XML it is text: entries whose path is not known, and words of gluster's, begin otherwise.
    if !out.starts_with('<') || out.starts_with("<gfid:") {
        return text(out);
    }
    if out.split('<').any(|tag| tag.find('>').unwrap_or(tag.len()) > TAG) {
        return Err(No::Strange("a tag is too long"));
    }
    let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(out, options).map_err(|_| No::Strange("it is no whole XML"))?;
    let root = document.root_element();
    if root.tag_name().name() != "cliOutput" {
        return Err(No::Strange("its root is not `cliOutput`"));
    }
    match field(root, "opRet") {
        None => Err(No::Strange("it does not say whether it worked")),
        Some("0") => xml(root),
        Some(_) => Err(No::told(field(root, "opErrstr").unwrap_or_default())),
    }
}

/// The elements of a name directly below another.
pub(super) fn below<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

/// The element at a path.
pub(super) fn at<'a, 'i: 'a>(node: Node<'a, 'i>, path: &[&'static str]) -> Result<Node<'a, 'i>, No> {
    path.iter().try_fold(node, |node, name| below(node, name).next()).ok_or(No::Strange("a part is missing"))
}

/// The elements of a name anywhere below another.
pub(super) fn anywhere<'a, 'i: 'a>(
    node: Node<'a, 'i>,
    name: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> + use<'a, 'i> {
    node.descendants().skip(1).filter(move |found| found.is_element() && found.tag_name().name() == name)
}

/// The text of an element.
pub(super) fn field<'a>(node: Node<'a, '_>, name: &'static str) -> Option<&'a str> {
    below(node, name).next().map(|child| child.text().unwrap_or_default().trim())
}

/// The same where there must be one.
pub(super) fn must<'a>(node: Node<'a, '_>, name: &'static str) -> Result<&'a str, No> {
    field(node, name).filter(|text| !text.is_empty()).ok_or(No::Strange("a part is missing"))
}

/// The number in an element.
pub(super) fn number(node: Node<'_, '_>, name: &'static str) -> Option<u64> {
    count(field(node, name)?)
}

/// A number is digits and nothing else; a dash is none.
pub(super) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
