//! What a vantage point is asked, in which order, and what is asked again.
//!
//! 1. Who is there, which volumes there are.
//! 2. The status of all volumes at once, and the same with their disks. A volume that gluster left out is asked about by
//!    itself.
//! 3. What waits to be healed, volume by volume; and only where something does, or cannot be told, what contradicts itself,
//!    how much a summary counts, and when the volume was crawled.
//!
//! A question that another request kept out, or that had no answer in time, is asked again when all others were asked: at
//! most [`TRIES`] times more, with a pause before. The time that all of it may take grows with the volumes.

use super::answer::{No, Raw};
use super::ask::{self, Answers, Silent, Vantage};
use super::heal::{Told, heal};
use super::info::{self, Volume};
use super::status::statuses;
use super::{Asked, crawls, peers};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// So many times is asked again what has no answer yet.
const TRIES: u32 = 3;

/// So long is waited before the first time; before each further one twice as long.
const PAUSE: Duration = Duration::from_secs(3);

/// So many questions are sent at once: what they print has to fit into what a link carries.
const BATCH: usize = 16;

/// No question of a batch is begun after this time.
const BUDGET: Duration = Duration::from_secs(120);

/// So long may one question about one volume take, the first time; each further time it is twice as long.
const MOST: Duration = Duration::from_secs(60);

/// So long may a vantage point take for all of it, beside what each volume adds.
const PATIENCE: Duration = Duration::from_secs(300);

/// What each volume adds to that.
const EACH: Duration = Duration::from_secs(4);

/// So many batches in a row without any answer end a look.
const MUTE: u32 = 2;

/// Questions that are sent together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Batch {
    /// What is waited before.
    pub(super) pause: Duration,
    /// How long questions are begun.
    pub(super) budget: Duration,
    /// How long one of them may take.
    pub(super) most: Duration,
    /// The questions, such as `pool` or `heal VOLUME`.
    pub(super) questions: Vec<String>,
}

/// What was asked of a vantage point, and what is still to be asked.
pub(super) struct Inquiry<'a> {
    asked: &'a Asked<'a>,
    /// Which part of the volumes is asked about first: two that look at one heal keep each other from its locks.
    turn: (usize, usize),
    /// What came so far.
    pub(super) answers: Answers,
    fresh: VecDeque<String>,
    again: VecDeque<String>,
    /// How many times what has no answer was asked.
    tries: BTreeMap<String, u32>,
    /// The volumes that count and are started, once they are known.
    volumes: Option<Vec<Volume>>,
}

/// The questions on which all others stand.
const FIRST: [&str; 4] = ["roots", "pool", "info", "list"];

/// The questions about all volumes.
const ALL: [&str; 2] = ["status all", "detail all"];

impl<'a> Inquiry<'a> {
    /// `turn`: which one of how many vantage points that are asked at once this is.
    pub(super) fn new(asked: &'a Asked<'a>, turn: (usize, usize)) -> Self {
        let fresh = FIRST.map(str::to_owned).into();
        let (answers, again, tries) = (Answers::new(), VecDeque::new(), BTreeMap::new());
        Self { asked, turn, answers, fresh, again, tries, volumes: None }
    }

    fn volumes(&self) -> &[Volume] {
        self.volumes.as_deref().unwrap_or_default()
    }

    /// How long all of it may take.
    fn patience(&self) -> Duration {
        PATIENCE + EACH * u32::try_from(self.volumes().len()).unwrap_or(u32::MAX / 8)
    }

    /// What is asked next; nothing if all was.
    pub(super) fn next(&mut self) -> Option<Batch> {
        let fresh = !self.fresh.is_empty();
        let from = if fresh { &mut self.fresh } else { &mut self.again };
        let first = from.front()?.clone();
        let tries = |name: &String| self.tries.get(name).copied().unwrap_or(0);
        let alike = |name: &String| {
            let whole = |name: &str| ALL.contains(&name);
            whole(name) == whole(&first) && tries(name) == tries(&first)
        };
        let count = from.iter().take_while(|name| alike(name)).count().min(BATCH);
        let doubled: u32 = 1 << tries(&first).min(TRIES);
        let questions: Vec<String> = from.drain(..count).collect();
        let pause = if fresh { Duration::ZERO } else { PAUSE * (doubled / 2).max(1) };
        let more = match ALL.contains(&first.as_str()) {
            true => Duration::from_secs(self.volumes().len() as u64),
            false => Duration::ZERO,
        };
        let most = MOST * doubled + more;
        Some(Batch { pause, budget: BUDGET.max(most), most, questions })
    }

    /// Takes what came of a batch.
    pub(super) fn take(&mut self, batch: &Batch, mut answers: Answers) {
        for name in &batch.questions {
            let raw = answers.remove(name).unwrap_or_default();
            let no = reads(name, &raw).err();
            let tries = self.tries.entry(name.clone()).or_default();
            match no {
                // There was no time for it: it goes on there.
                Some(No::Unasked) if self.answers.get(name).is_none_or(|raw| raw.code.is_none()) => {
                    self.answers.insert(name.clone(), raw);
                    self.fresh.push_back(name.clone());
                }
                Some(no) if is_passing(name, &no) && *tries < TRIES => {
                    *tries += 1;
                    self.answers.insert(name.clone(), raw);
                    self.again.push_back(name.clone());
                }
                _ => {
                    self.answers.insert(name.clone(), raw);
                    self.follow(name);
                }
            }
        }
        let known = |name: &str| self.answers.contains_key(name) && !self.waits(name);
        if self.volumes.is_none() && FIRST.iter().all(|name| known(name)) {
            self.begin();
        }
    }

    fn waits(&self, name: &str) -> bool {
        self.fresh.iter().chain(&self.again).any(|other| other == name)
    }

    /// What was asked by itself is too long for the link.
    pub(super) fn too_long(&mut self, name: &str) {
        self.answers.insert(name.to_owned(), Raw { code: Some(0), ..Raw::default() });
        self.follow(name);
    }

    /// Puts questions back that were too much at once: each is asked by itself.
    fn alone(&mut self, batch: Batch) -> impl Iterator<Item = Batch> + use<> {
        let Batch { budget, most, questions, .. } = batch;
        questions.into_iter().map(move |name| Batch { pause: Duration::ZERO, budget, most, questions: vec![name] })
    }

    /// The volumes are known: what is asked about them.
    fn begin(&mut self) {
        let read = |name: &str| self.answers.get(name).map(info::info);
        let Some(Ok(found)) = read("info") else {
            self.volumes = Some(Vec::new());
            return;
        };
        let named: Vec<&str> = found
            .iter()
            .map(|found| found.as_ref().map_or_else(|(name, _)| name, |volume| &volume.name).as_str())
            .collect();
        let listed = self.answers.get("list").and_then(|raw| info::list(raw).ok()).unwrap_or_default();
        let missing = listed.iter().filter(|name| !named.contains(&name.as_str()) && self.asked.counts(name));
        let missing: Vec<String> =
            missing.filter(|name| info::is_name(name)).map(|name| format!("info {name}")).collect();
        let counted =
            |volume: &Volume| volume.started() && info::is_name(&volume.name) && self.asked.counts(&volume.name);
        let mut volumes: Vec<Volume> = found.into_iter().flatten().filter(counted).collect();
        let (turn, of) = self.turn;
        let turn = volumes.len() * (turn % of.max(1)) / of.max(1);
        volumes.rotate_left(turn);
        self.fresh.extend(missing);
        // Where bricks share a disk is known from those of all volumes.
        self.fresh.extend(ALL.map(str::to_owned).into_iter().filter(|_| !volumes.is_empty()));
        let heals = volumes.iter().filter(|volume| volume.heals()).map(|volume| format!("heal {}", volume.name));
        self.fresh.extend(heals);
        self.volumes = Some(volumes);
    }

    /// What is asked because of an answer.
    fn follow(&mut self, name: &str) {
        let Some(raw) = self.answers.get(name) else { return };
        let mut more = Vec::new();
        match name.split_once(' ') {
            Some((what @ ("status" | "detail"), "all")) => {
                let told = statuses(raw).unwrap_or_default();
                let lacking = self.volumes().iter().filter(|volume| !told.get(&volume.name).is_some_and(Result::is_ok));
                more.extend(lacking.map(|volume| format!("{what} {}", volume.name)));
            }
            Some(("info", volume)) => {
                let told = info::info(raw).unwrap_or_default().into_iter().flatten();
                if let Some(found) = told.into_iter().find(|found| found.name == volume && found.started()) {
                    more.extend(["status", "detail"].map(|what| format!("{what} {volume}")));
                    more.extend(found.heals().then(|| format!("heal {volume}")));
                    self.volumes.get_or_insert_default().push(found);
                }
            }
            Some(("heal", volume)) => match heal(raw) {
                Ok(told) if is_zero(&told) => {}
                Ok(_) => more.push(format!("split {volume}")),
                Err(no) => more.extend(is_unreadable(&no).then(|| format!("summary {volume}"))),
            },
            Some(("summary", volume)) => {
                let split = heal(raw).map(|told| told.iter().map(Told::of_split).collect::<Vec<_>>());
                let known = split.is_ok_and(|told| is_zero(&told));
                more.extend((!known).then(|| format!("split {volume}")));
            }
            Some(("split", volume)) => match heal(raw) {
                Ok(told) if told.iter().any(|brick| brick.count.is_some_and(|count| count > 0)) => {
                    more.push(format!("crawls {volume}"));
                }
                Ok(_) => {}
                Err(no) => more.extend(is_unreadable(&no).then(|| format!("summary {volume}"))),
            },
            _ => {}
        }
        more.retain(|name| !self.answers.contains_key(name) && !self.waits(name));
        self.fresh.extend(more);
    }
}

/// Whether there is nothing, and all say so.
fn is_zero(told: &[Told]) -> bool {
    !told.is_empty() && told.iter().all(|brick| brick.entries() == Some(0))
}

/// Whether it is the entries that make an answer one that cannot be read: there are too many of them, it takes too long to
/// list them, or their names are no XML.
fn is_unreadable(no: &No) -> bool {
    matches!(no, No::TooLong | No::Strange(_) | No::Late)
}

/// Whether a question may have an answer later. Of all volumes gluster says nothing at all if it cannot begin.
fn is_passing(name: &str, no: &No) -> bool {
    no.passes() || ALL.contains(&name) && matches!(no, No::Says(words) if words == super::answer::NOTHING)
}

/// Whether an answer can be read.
fn reads(name: &str, raw: &Raw) -> Result<(), No> {
    match name.split_once(' ').map_or(name, |(what, _)| what) {
        "pool" => peers::peers(raw).map(drop),
        "list" => info::list(raw).map(drop),
        "info" => info::info(raw).map(drop),
        "status" | "detail" => statuses(raw).map(drop),
        "heal" | "split" | "summary" => heal(raw).map(drop),
        "crawls" => crawls::crawls(raw).map(drop),
        _ => raw.code.map(drop).ok_or(No::Unasked),
    }
}

/// Asks a vantage point everything.
pub(super) async fn consult(vantage: &Vantage<'_>, asked: &Asked<'_>, turn: (usize, usize)) -> Result<Answers, Silent> {
    let mut inquiry = Inquiry::new(asked, turn);
    let (began, mut mute) = (Instant::now(), 0);
    let mut waiting: VecDeque<Batch> = VecDeque::new();
    while let Some(batch) = waiting.pop_front().or_else(|| inquiry.next()) {
        if began.elapsed() > inquiry.patience() || mute >= MUTE {
            // What was not asked has no answer.
            break;
        }
        tokio::time::sleep(batch.pause).await;
        match ask::ask(vantage, &batch).await {
            Ok(answers) => {
                let answered = |raw: &Raw| raw.code.is_some_and(|code| !super::answer::TIME_UP.contains(&code));
                mute = match answers.values().any(answered) || !batch.pause.is_zero() {
                    true => 0,
                    false => mute + 1,
                };
                inquiry.take(&batch, answers);
            }
            Err(Silent::NoAnswer { long: true, .. }) => match batch.questions.as_slice() {
                [name] => inquiry.too_long(&name.clone()),
                _ => waiting.extend(inquiry.alone(batch)),
            },
            Err(why) => return Err(why),
        }
    }
    Ok(inquiry.answers)
}
