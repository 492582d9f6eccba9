//! What the measured facts mean for a journal.

use palinode_journal::disk_check::{Cuts, Device, Habits, Mount, Room, Speed, System};
use std::path::PathBuf;
use std::time::Duration;

/// Everything that was found out.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) mount: Mount,
    pub(crate) device: Option<Device>,
    pub(crate) room: Room,
    pub(crate) leftovers: Vec<PathBuf>,
    /// Why nothing can be written there.
    pub(crate) refused: Option<String>,
    pub(crate) habits: Option<Habits>,
    pub(crate) speed: Option<Speed>,
    pub(crate) cuts: Option<(System, Cuts)>,
}

/// How a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// A promise is broken: a journal there may lose what it acknowledged, or cannot work.
    Broken,
    /// Worth knowing, or not known.
    Note,
    /// As it should be.
    Good,
}

/// One thing that the facts say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) next: Option<&'static str>,
}

/// Bytes that an entry takes, about, bodies left aside.
pub(crate) const ENTRY: u64 = 1024;
/// Room for a few runs.
const LITTLE: u64 = 256 << 20;
/// Not even one segment.
const NONE: u64 = 16 << 20;
/// No device is reached in so short a time; persistent memory aside.
const NOTHING: Duration = Duration::from_micros(10);
/// People notice.
const SLOW: Duration = Duration::from_millis(50);

const ELSEWHERE: &str = "put the journal on a local disk, ext4 or XFS: --journal DIR";

/// The findings, gravest first.
pub(crate) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |level, what: String, next| found.push(Finding { level, what, next });
    if let Some(why) = &facts.refused {
        say(Level::Broken, format!("nothing can be written there: {why}"), Some("make room, or choose another place"));
    }
    system(&facts.mount, facts.device.as_ref(), &mut say);
    room(facts.room, &mut say);
    if let Some(habits) = &facts.habits {
        habit(habits, &mut say);
    }
    // In memory a sync has nothing to do, and that is said already.
    if let Some(speed) = facts.speed.as_ref().filter(|_| !in_memory(&facts.mount)) {
        sync(speed, facts.device.as_ref(), &mut say);
    }
    if let Some((system, cuts)) = &facts.cuts {
        cut(*system, cuts, &mut say);
    }
    for left in &facts.leftovers {
        let what = format!("{} is left from an earlier look that was killed", left.display());
        say(Level::Note, what, Some("unmount the folder `mount` in it if it is mounted, then remove it"));
    }
    found.sort_by_key(|finding| finding.level);
    found
}

fn in_memory(mount: &Mount) -> bool {
    ["tmpfs", "ramfs"].contains(&mount.kind.as_str())
}

type Say<'a> = dyn FnMut(Level, String, Option<&'static str>) + 'a;

fn system(mount: &Mount, device: Option<&Device>, say: &mut Say<'_>) {
    let kind = mount.kind.as_str();
    match kind {
        "ext4" | "xfs" => {
            say(Level::Good, format!("{kind} keeps what a sync acknowledged; Palinode is tested on it"), None);
        }
        _ if in_memory(mount) => {
            say(Level::Broken, format!("{kind} is memory: a reboot takes all of it"), Some(ELSEWHERE));
        }
        "overlay" if mount.has(&["volatile"]) => {
            let what = "this overlay is mounted `volatile`: no sync of it reaches a disk".to_owned();
            say(Level::Broken, what, Some(ELSEWHERE));
        }
        "overlay" => {
            let what = "this is a container's own layer: it is removed with the container".to_owned();
            say(Level::Note, what, Some("put the journal on a volume, with --journal DIR"));
        }
        "nfs" | "nfs4" => {
            let what =
                "unknown: whether the server has stored what it says it has; the export must be `sync`".to_owned();
            say(Level::Note, what, Some("look for `async` in the server's /etc/exports; it must not be there"));
            if mount.has(&["soft", "softerr"]) {
                let what = "mounted `soft`: a slow server becomes an I/O error, which stops a run (exit 8)".to_owned();
                say(Level::Note, what, Some("mount it `hard`, or expect to type `palinode resume`"));
            }
        }
        "btrfs" | "ext3" | "f2fs" | "zfs" | "bcachefs" => {
            say(Level::Note, format!("unknown: how {kind} behaves in a power cut; only ext4 and XFS were tried"), None);
        }
        _ => say(Level::Note, format!("unknown: what {kind} does with a sync"), Some(ELSEWHERE)),
    }
    if mount.has(&["nobarrier", "barrier=0", "fsync_mode=nobarrier"]) {
        let what = "mounted without barriers: a sync does not empty the device's write cache";
        match device.and_then(|device| device.volatile_cache) {
            Some(false) => say(Level::Note, format!("{what}; it says that it has none"), None),
            _ => say(Level::Broken, what.to_owned(), Some("remount it with `barrier`")),
        }
    }
    if mount.has(&["data=writeback"]) {
        let what = "mounted `data=writeback`: after a power cut, files may hold stale bytes where they were not synced";
        say(Level::Note, format!("{what}; the journal checks every byte that it reads"), None);
    }
}

fn room(room: Room, say: &mut Say<'_>) {
    let next = Some("make room, or choose another place with --journal DIR");
    if room.read_only {
        say(Level::Broken, "mounted read-only".to_owned(), Some("remount it for writing, or choose another place"));
    }
    match room.bytes {
        0..NONE => say(Level::Broken, "there is no room for a run".to_owned(), next),
        NONE..LITTLE => say(Level::Note, "there is little room; a run stops when it is used up".to_owned(), next),
        _ => {}
    }
    match room.files {
        Some(0..10) => say(Level::Broken, "no more files can be made there, whatever room there is".to_owned(), next),
        Some(10..1000) => say(Level::Note, "few more files can be made there; each large body is one".to_owned(), next),
        _ => {}
    }
}

fn habit(habits: &Habits, say: &mut Say<'_>) {
    let mut good = Vec::new();
    for (name, wrong) in habits.all() {
        match wrong {
            None => good.push(name),
            Some(why) if name == "private files" => {
                let what = format!("others may read what is written there, the journal's keys too: {why}");
                say(Level::Broken, what, Some(ELSEWHERE));
            }
            Some(why) => say(Level::Broken, format!("{name} does not work: {why}"), Some(ELSEWHERE)),
        }
    }
    if !good.is_empty() {
        say(Level::Good, format!("tried and working: {}", good.join(", ")), None);
    }
}

fn sync(speed: &Speed, device: Option<&Device>, say: &mut Say<'_>) {
    let count = speed.synced.count as u64;
    if count < 20 {
        say(Level::Note, format!("only {count} syncs were done in the time given: too few to judge"), None);
        return;
    }
    let cost = speed.synced.median.saturating_sub(speed.plain.median);
    if cost < NOTHING && device.is_none_or(|device| !device.name.starts_with("pmem")) {
        let what = format!(
            "a sync costs nothing: half of {count} took at most {:.1} microseconds longer than a write without one; \
             something answers before a device can have stored it",
            cost.as_secs_f64() * 1e6
        );
        say(Level::Broken, what, Some("look for eatmydata, a volatile mount, or a disk whose cache mode is `unsafe`"));
    }
    let Some(device) = device else { return };
    let name = &device.name;
    match (device.volatile_cache, speed.flushes) {
        (Some(true), Some(0)) => {
            let what = format!("{name} has a volatile write cache, and not one of {count} syncs told it to empty it");
            say(Level::Broken, what, Some("see that it is mounted with barriers, and that no eatmydata is at work"));
        }
        (Some(true), Some(flushes)) if flushes < count / 2 => {
            let what = format!("{name} was told to empty its write cache {flushes} times only, in {count} syncs");
            say(Level::Note, what, None);
        }
        (Some(true), Some(flushes)) => {
            let what = format!(
                "the syncs reach {name}: during {count} of them it was told {flushes} times to empty its write cache, \
                 by this and other programs"
            );
            say(Level::Good, what, None);
        }
        (Some(true), None) => {
            say(
                Level::Note,
                format!("unknown: whether the syncs reach {name}; the kernel does not count that here"),
                None,
            );
        }
        (Some(false), _) => say(Level::Good, format!("{name} says that it has no volatile write cache"), None),
        (None, _) => say(Level::Note, format!("unknown: whether {name} has a volatile write cache"), None),
    }
    if speed.synced.median > SLOW {
        let what = format!(
            "syncs are slow; a step waits for two of them, so a hundred steps wait {:.0} seconds",
            speed.synced.median.as_secs_f64() * 200.0
        );
        say(Level::Note, what, None);
    }
}

fn cut(system: System, cuts: &Cuts, say: &mut Say<'_>) {
    let Cuts { cuts: number, records, names, telling } = cuts;
    let name = system.name();
    for (what, tally) in [("synced records", records), ("files under a synced name", names)] {
        if tally.lost > 0 {
            let what = format!("{number} power cuts of {name} lost {} of {} {what}", tally.lost, tally.acknowledged);
            say(Level::Broken, what, Some("do not run on this disk and kernel before it is known why"));
        }
    }
    if *telling == 0 {
        let what = format!("the {number} power cuts show nothing: what nobody had synced was not lost either");
        say(Level::Note, what, None);
    } else if records.lost + names.lost == 0 {
        let what = format!(
            "{number} power cuts, of {name} in a file on this disk: {} synced records and {} files under a synced \
             name, none was lost; in {telling} cuts a write that nobody had synced was",
            records.acknowledged, names.acknowledged
        );
        say(Level::Good, what, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palinode_journal::disk_check::{Tally, Times};

    fn times(micros: u64) -> Times {
        let one = Duration::from_micros(micros);
        Times { count: 1000, median: one, p99: one, worst: one, total: one * 1000 }
    }

    /// A sound disk.
    fn facts(kind: &str, options: &[&str]) -> Facts {
        let options = options.iter().map(ToString::to_string).collect();
        let mount =
            Mount { kind: kind.to_owned(), source: "there".to_owned(), point: "/".into(), options, number: (0, 0) };
        Facts {
            mount,
            device: None,
            room: Room { bytes: 10 << 30, files: Some(1_000_000), read_only: false },
            leftovers: Vec::new(),
            refused: None,
            habits: Some(Habits::default()),
            speed: Some(Speed { bytes: 1024, plain: times(3), synced: times(130), flushes: None }),
            cuts: None,
        }
    }

    #[track_caller]
    fn says(facts: &Facts, level: Level, words: &str) {
        let found = judge(facts);
        assert!(found.iter().any(|found| found.level == level && found.what.contains(words)), "{words}: {found:#?}");
        let worst = found.first().map(|found| found.level);
        assert_eq!(worst, Some(level), "nothing is graver: {found:#?}");
    }

    #[test]
    fn file_systems_are_told_apart() {
        for (kind, options, level, words) in [
            ("xfs", &["rw"][..], Level::Good, "tested on it"),
            ("ext4", &["data=writeback"], Level::Note, "stale bytes"),
            ("ext4", &["nobarrier"], Level::Broken, "without barriers"),
            ("xfs", &["barrier=0"], Level::Broken, "without barriers"),
            ("tmpfs", &[], Level::Broken, "memory"),
            ("overlay", &[], Level::Note, "container"),
            ("overlay", &["volatile"], Level::Broken, "volatile"),
            ("nfs4", &["soft"], Level::Note, "soft"),
            ("nfs", &[], Level::Note, "the export must be `sync`"),
            ("btrfs", &[], Level::Note, "only ext4 and XFS were tried"),
            ("fuse.sshfs", &[], Level::Note, "what fuse.sshfs does with a sync"),
        ] {
            says(&facts(kind, options), level, words);
        }
    }

    #[test]
    fn room_habits_and_figures_are_weighed() {
        type Change = fn(&mut Facts);
        let table: [(Change, Level, &str); 9] = [
            (|facts| facts.room.bytes = 1 << 20, Level::Broken, "no room"),
            (|facts| facts.room.bytes = 99 << 20, Level::Note, "little room"),
            (|facts| facts.room.files = Some(0), Level::Broken, "no more files"),
            (|facts| facts.room.files = None, Level::Good, "tested on it"),
            (|facts| facts.refused = Some("full".to_owned()), Level::Broken, "nothing can be written there: full"),
            (|facts| facts.leftovers.push("x".into()), Level::Note, "left from an earlier look"),
            (
                |facts| facts.habits = Some(Habits { lock: Some("no locks".to_owned()), ..Habits::default() }),
                Level::Broken,
                "lock does not work: no locks",
            ),
            (
                |facts| facts.speed = facts.speed.take().map(|speed| Speed { synced: times(9), ..speed }),
                Level::Broken,
                "at most 6.0 microseconds longer",
            ),
            (
                |facts| {
                    facts.speed = facts.speed.take().map(|mut speed| {
                        speed.synced.count = 3;
                        speed
                    });
                },
                Level::Note,
                "only 3 syncs",
            ),
        ];
        for (change, level, words) in table {
            let mut facts = facts("ext4", &["rw"]);
            change(&mut facts);
            says(&facts, level, words);
        }
    }

    #[test]
    fn a_trial_that_lost_something_or_showed_nothing_is_no_good_news() {
        let fine = Tally { acknowledged: 900, lost: 0 };
        let whole = Cuts { cuts: 5, records: fine, names: fine, telling: 5 };
        let lost = Cuts { names: Tally { acknowledged: 9, lost: 3 }, ..whole };
        let blind = Cuts { telling: 0, ..whole };
        for (cuts, level, words) in [
            (whole, Level::Good, "900 synced records and 900 files under a synced name, none was lost"),
            (lost, Level::Broken, "lost 3 of 9 files under a synced name"),
            (blind, Level::Note, "show nothing"),
        ] {
            says(&Facts { cuts: Some((System::Ext4, cuts)), ..facts("ext4", &[]) }, level, words);
        }
    }
}
