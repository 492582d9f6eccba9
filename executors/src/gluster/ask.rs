//! Asking a vantage point everything at once.

use super::answer::Raw;
use super::heal::heal;
use super::inquiry::Batch;
use crate::cluster::{Cluster, Spoken, StoragePod};
use crate::ssh::{Fleet, decoded, quoted};
use palinode_core::chain::chain;
use palinode_core::id::HostName;
use palinode_core::shown::Shown as _;
use std::collections::BTreeMap;
use std::time::Duration;

/// So much of an answer stands in the evidence.
const KEPT: usize = 64 << 10;

/// So much of all answers of a vantage point does.
const ALL: usize = 4 << 20;

/// Why a vantage point has no say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Silent {
    /// It cannot be asked: the error of the link or of the API with its causes.
    #[error("{0}")]
    Unreached(String),
    /// The API ran the command and gives no exit code, but these words.
    #[error("{0}")]
    Stopped(String),
    /// The API ran the command and says nothing of its end.
    #[error("it did not tell how it ended")]
    NoEnd,
    /// The script was cut short, or something else spoke in its place.
    #[error("{}", format!("what it printed is no answer (exit code {code}) {complaint}").trim())]
    NoAnswer {
        /// Whether so much was printed that the rest may have been cut off on the way.
        long: bool,
        /// The exit code of the script.
        code: i32,
        /// The last line of what it complained about.
        complaint: String,
    },
    /// Two answers to one question, of which none counts.
    #[error("it answers `{0}` twice")]
    Twice(String),
    /// One of the questions on which all others stand has no answer.
    #[error("{what}: {words}")]
    NoList {
        /// The question.
        what: &'static str,
        /// Why.
        words: String,
    },
    /// Two of its answers contradict each other.
    #[error("volume list and volume info do not name the same volumes")]
    Differs,
}

/// What came of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its exit code.
    pub(crate) code: i32,
    /// What it printed.
    pub(crate) out: Vec<u8>,
    /// What it complained about.
    pub(crate) err: String,
}

/// A member of the storage cluster that can be asked.
pub(crate) enum Vantage<'a> {
    /// A host on which the `gluster` command is, over SSH.
    Host(&'a Fleet, &'a HostName),
    /// A pod in which it is, through the cluster's API.
    Pod(&'a Cluster, &'a StoragePod),
}

impl Vantage<'_> {
    /// The name that people know it by.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Host(_, host) => host.as_str(),
            Self::Pod(_, pod) => &pod.name,
        }
    }

    /// Runs a command there as root, without input; else why it cannot be asked. No shell reads the words.
    async fn ask(&self, words: &[&str], time: Duration) -> Result<Said, Silent> {
        match self {
            Self::Host(fleet, host) => {
                let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                match fleet.ask_for(host, &words.join(" "), time).await {
                    Ok(reply) => Ok(Said { code: reply.code, out: reply.out, err: reply.complaint }),
                    Err(error) => Err(Silent::Unreached(chain(&error))),
                }
            }
            Self::Pod(cluster, pod) => {
                let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
                match cluster.speak(&pod.namespace, &pod.name, None, &words, time).await {
                    Ok(Spoken { code: Some(code), out, err, .. }) => {
                        Ok(Said { code, out, err: String::from_utf8_lossy(&err).into_owned() })
                    }
                    Ok(Spoken { words, .. }) => Err(words.map_or(Silent::NoEnd, Silent::Stopped)),
                    Err(error) => Err(Silent::Unreached(chain(&error))),
                }
            }
        }
    }
}

/// Answers by question, such as `pool` or `heal VOLUME`.
pub(super) type Answers = BTreeMap<String, Raw>;

/// Asks some questions. Each answer is three lines: the question, what was printed up to a limit, what was complained about
/// with the exit code behind it. Gluster may hang where a member is gone without a word: each question has its time, and
/// none is begun when that of all of them is up. What it starts gets none of our pipes.
const SCRIPT: &str = r#"LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
set -f
exec 3>&1
end=$(($(date +%s) + $1)) most=$2 long=$3 short=$4
shift 4
say() {
  limit=$1
  shift
  if [ "$(date +%s)" -ge "$end" ]; then printf '\nend\n'; return; fi
  said=$({ { timeout -k 5 "$most" "$@" 2>&4 3>&- 4>&-; printf '\n%s\n' "$?" >&4; } | head -c "$limit" | base64 -w0 >&3; } 4>&1 | tail -c 4096 | base64 -w0)
  printf '\nend %s\n' "$said"
}
ask() { limit=$1; shift; say "$limit" gluster --mode=script "$@"; }
for what; do
  name=${what#* }
  case $name in -* | *[!A-Za-z0-9_-]*) continue ;; esac
  printf 'asked %s\nout ' "$what"
  case $what in
  roots) say "$short" df -P / /var/lib/glusterd ;;
  pool) ask "$long" --xml pool list ;;
  info) ask "$long" --xml volume info ;;
  list) ask "$long" volume list ;;
  'info '*) ask "$short" --xml volume info "$name" ;;
  'status '*) ask "$long" --xml volume status "$name" ;;
  'detail '*) ask "$long" --xml volume status "$name" detail ;;
  'heal '*) ask "$short" --xml volume heal "$name" info ;;
  'split '*) ask "$short" --xml volume heal "$name" info split-brain ;;
  'summary '*) ask "$short" --xml volume heal "$name" info summary ;;
  'crawls '*) ask "$short" volume heal "$name" statistics ;;
  *) printf '\nend\n' ;;
  esac
done
echo whole
"#;

/// So much is printed at most of an answer that is about one volume: a list of tens of thousands of entries.
pub(super) const LIMIT: usize = 4 << 20;

/// So much is printed at most of one about all volumes: thousands of them.
const LONG: usize = 32 << 20;

/// Whether an answer is about all volumes.
fn is_long(asked: &str) -> bool {
    !asked.contains(' ') || asked.ends_with(" all")
}

/// Asks a vantage point a batch of questions, once each.
pub(super) async fn ask(vantage: &Vantage<'_>, batch: &Batch) -> Result<Answers, Silent> {
    let seconds = |time: Duration| time.as_secs().to_string();
    let numbers = [seconds(batch.budget), seconds(batch.most), LONG.to_string(), LIMIT.to_string()];
    let mut words = vec!["/bin/sh", "-c", SCRIPT, "gluster"];
    words.extend(numbers.iter().chain(&batch.questions).map(String::as_str));
    // It stops by itself a little earlier.
    let patience = batch.budget + batch.most + Duration::from_secs(30);
    answers(&vantage.ask(&words, patience).await?)
}

/// The answers in what the script printed.
pub(super) fn answers(said: &Said) -> Result<Answers, Silent> {
    let text = std::str::from_utf8(&said.out).unwrap_or_default();
    let mut lines = text.lines();
    let mut all = Answers::new();
    loop {
        let line = lines.next();
        if line == Some("whole") && lines.next().is_none() {
            return Ok(all);
        }
        let asked = line.and_then(|line| line.strip_prefix("asked "));
        let out = lines.next().and_then(|line| line.strip_prefix("out ")).and_then(decoded);
        let end = lines.next().and_then(|line| line.strip_prefix("end"));
        let (Some(asked), Some(out), Some(end)) = (asked, out, end) else {
            let last = said.err.trim().lines().last().unwrap_or_default();
            let long = said.out.len() >= LIMIT;
            return Err(Silent::NoAnswer { long, code: said.code, complaint: last.chars().take(200).collect() });
        };
        let end = decoded(end).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let (err, code) = end.trim_end().rsplit_once('\n').unwrap_or(("", end.trim_end()));
        let whole = out.len() < if is_long(asked) { LONG } else { LIMIT };
        let raw = Raw { code: code.trim().parse().ok(), out, err: err.trim().to_owned(), whole };
        // The same question twice has no answer that counts.
        if all.insert(asked.to_owned(), raw).is_some() {
            return Err(Silent::Twice(asked.shown()));
        }
    }
}

/// All of it as it came, for people, with the middle of what is long left out. What says that nothing waits comes last, and
/// is left out where there is much of it.
pub(super) fn evidence(name: &str, answers: Result<&Answers, &Silent>) -> String {
    let mut text = format!("==== {name}\n");
    let answers = match answers {
        Err(why) => {
            text.push_str(&format!("cannot be asked: {why}\n"));
            return text;
        }
        Ok(answers) => answers,
    };
    let (quiet, telling): (Vec<_>, Vec<_>) = answers.iter().partition(|(asked, raw)| is_quiet(asked, raw));
    let mut left_out = 0;
    for (asked, raw) in telling.into_iter().chain(quiet) {
        if text.len() > ALL {
            left_out += 1;
            continue;
        }
        let code = raw.code.map_or_else(|| "not asked".to_owned(), |code| format!("exit code {code}"));
        text.push_str(&format!("---- {asked}: {code}\n"));
        let out = String::from_utf8_lossy(&raw.out);
        match out.char_indices().find(|(at, _)| *at >= KEPT) {
            None => text.push_str(&out),
            Some((at, _)) => {
                text.push_str(&out[..at]);
                text.push_str(&format!("\n---- and {} bytes more\n", out.len() - at));
            }
        }
        if !out.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !raw.err.is_empty() {
            text.push_str(&raw.err);
            text.push('\n');
        }
    }
    if left_out > 0 {
        text.push_str(&format!("---- and {left_out} answers more\n"));
    }
    text
}

/// Whether an answer says that nothing of a volume waits to be healed.
fn is_quiet(asked: &str, raw: &Raw) -> bool {
    asked.starts_with("heal ") && heal(raw).is_ok_and(|told| told.iter().all(|brick| brick.entries() == Some(0)))
}
