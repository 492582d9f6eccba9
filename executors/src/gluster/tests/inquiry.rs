//! What is asked, in which order, and what is asked again.

use super::super::inquiry::{Batch, Inquiry};
use super::*;
use std::time::Duration;

/// Asks until nothing is left to ask; the batches.
fn asks(inquiry: &mut Inquiry<'_>, mut says: impl FnMut(&str) -> Raw) -> Vec<Batch> {
    let mut all = Vec::new();
    while let Some(batch) = inquiry.next() {
        assert!(all.len() < 10_000, "it asks for ever");
        let answers = batch.questions.iter().map(|asked| (asked.clone(), says(asked))).collect();
        inquiry.take(&batch, answers);
        all.push(batch);
    }
    all
}

fn questions(all: &[Batch]) -> Vec<&str> {
    all.iter().flat_map(|batch| &batch.questions).map(String::as_str).collect()
}

/// What a healthy cluster with these volumes says.
fn healthy(names: &[String]) -> impl Fn(&str) -> Raw + use<> {
    let mut cluster = Cluster::new(1);
    let made: Vec<String> = names.iter().map(|name| volume(name, 3, "Started", 0)).collect();
    cluster.say("info", volumes(&made));
    cluster.say("list", raw(&names.iter().map(|name| format!("{name}\n")).collect::<String>()));
    let of = |name: &String, disk: &str| {
        let text = String::from_utf8_lossy(&running(name, 1, [Some(true); 3], disk).out).into_owned();
        text[text.find("<volume>").expect("a volume")..text.find("</volumes>").expect("its end")].to_owned()
    };
    let all = |disk: &str| {
        let each: String = names.iter().map(|name| of(name, disk)).collect();
        xml(&format!("<volStatus><volumes>{each}</volumes></volStatus>"))
    };
    cluster.say("status all", all(""));
    cluster.say("detail all", all(&disk(500, 500)));
    for name in names {
        cluster.say(&format!("heal {name}"), entries(name, [Some(0); 3]));
    }
    move |asked| cluster.answers.get(asked).cloned().unwrap_or_else(|| complains("unrecognized word"))
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("vol_{at:04}")).collect()
}

#[test]
fn a_healthy_volume_is_one_question() {
    let (names, gate) = (many(100), asked());
    let mut inquiry = Inquiry::new(&gate, (0, 3));
    let all = asks(&mut inquiry, healthy(&names));
    let asked = questions(&all);
    assert_eq!(asked[..6], ["roots", "pool", "info", "list", "status all", "detail all"]);
    assert_eq!(asked.len(), 6 + 100, "{asked:?}");
    assert!(all.iter().all(|batch| batch.pause.is_zero() && batch.questions.len() <= 16));
    assert!(View::new("g1", Ok(inquiry.answers)).told.is_ok_and(|seen| seen.about.len() == 100));
    // Each member begins with other volumes.
    let mut second = Inquiry::new(&gate, (1, 3));
    assert_eq!(questions(&asks(&mut second, healthy(&names)))[6], "heal vol_0033");
    // What does not count is not asked about.
    let (volumes, except) = (named(&["vol_0007"]), named(&["vol_0001"]));
    let some = Asked { volumes: &volumes, ..gate };
    assert_eq!(questions(&asks(&mut Inquiry::new(&some, (0, 1)), healthy(&names))).len(), 7);
    let but = Asked { except: &except, ..gate };
    let all = asks(&mut Inquiry::new(&but, (0, 1)), healthy(&names));
    assert_eq!((questions(&all).len(), questions(&all).contains(&"heal vol_0001")), (105, false));
}

#[test]
fn the_time_grows_with_the_volumes() {
    let gate = asked();
    let most = |count: usize| {
        let all = asks(&mut Inquiry::new(&gate, (0, 1)), healthy(&many(count)));
        let batch = all.into_iter().find(|batch| batch.questions.contains(&"status all".to_owned()));
        let batch = batch.expect("all are asked about at once");
        assert!(batch.budget >= batch.most, "{batch:?}");
        batch.most
    };
    assert_eq!((most(1), most(1000)), (Duration::from_secs(61), Duration::from_secs(1060)));
}

#[test]
fn what_another_request_keeps_out_is_asked_three_times_more() {
    let gate = asked();
    let busy = [
        fails(BUSY),
        raw("Another transaction is in progress. Please try again after some time.\n"),
        complains("Another transaction could be in progress. Please try again after some time."),
        complains("Locking failed on g2. Please check log file for details."),
        raw("Error : Request timed out\n"),
        Raw { code: Some(124), ..raw("") },
    ];
    for busy in busy {
        for times in 0..=4 {
            let mut count = 0;
            let healthy = healthy(&named(&["v"]));
            let mut inquiry = Inquiry::new(&gate, (0, 1));
            let all = asks(&mut inquiry, |asked| {
                count += usize::from(asked == "heal v");
                if asked == "heal v" && count <= times { busy.clone() } else { healthy(asked) }
            });
            assert_eq!(count, (times + 1).min(4), "{busy:?}");
            let pauses: Vec<u64> = all.iter().map(|batch| batch.pause.as_secs()).filter(|pause| *pause > 0).collect();
            assert_eq!(pauses, [3, 6, 12][..times.min(3)], "{busy:?}");
            let whole = inquiry.answers["heal v"] == healthy("heal v");
            assert_eq!(whole, times < 4, "{busy:?}");
        }
    }
    // So is what all others stand on, and what is about all volumes.
    for first in ["pool", "info", "list", "status all", "detail all"] {
        let (mut count, healthy) = (0, healthy(&named(&["v"])));
        let mut inquiry = Inquiry::new(&gate, (0, 1));
        asks(&mut inquiry, |asked| {
            count += usize::from(asked == first);
            if asked == first && count <= 2 { complains(BUSY) } else { healthy(asked) }
        });
        assert_eq!(count, 3, "{first}");
        assert!(inquiry.answers.contains_key("heal v") && inquiry.answers[first] == healthy(first), "{first}");
    }
    // Words that say more than that are not.
    let (mut count, healthy) = (0, healthy(&named(&["v"])));
    asks(&mut Inquiry::new(&gate, (0, 1)), |asked| {
        count += usize::from(asked == "heal v");
        if asked == "heal v" { fails("Volume v does not exist") } else { healthy(asked) }
    });
    assert_eq!(count, 1);
}

#[test]
fn what_there_was_no_time_for_goes_on_where_it_stopped() {
    let (gate, healthy) = (asked(), healthy(&many(40)));
    let mut inquiry = Inquiry::new(&gate, (0, 1));
    let mut count = 0;
    // Of each batch the last ones are not begun.
    let all = asks(&mut inquiry, |asked| {
        count += 1;
        if asked.starts_with("heal") && count % 4 == 0 { Raw::default() } else { healthy(asked) }
    });
    assert!(inquiry.answers.values().all(|raw| raw.code.is_some()), "{:?}", questions(&all));
    assert!(all.iter().all(|batch| batch.pause.is_zero()));
}

#[test]
fn more_is_asked_only_where_something_waits() {
    let gate = asked();
    let with = |answers: &[(&str, Raw)]| {
        let healthy = healthy(&named(&["v", "w"]));
        let mut inquiry = Inquiry::new(&gate, (0, 1));
        let all = asks(&mut inquiry, |asked| {
            let other = answers.iter().find(|(name, _)| *name == asked);
            other.map_or_else(|| healthy(asked), |(_, raw)| raw.clone())
        });
        questions(&all).into_iter().skip(6).map(str::to_owned).collect::<Vec<_>>().join(", ")
    };
    let (pending, away) = (entries("v", [Some(2), Some(2), Some(0)]), entries("v", [Some(0), Some(0), None]));
    let none = entries("v", [Some(0); 3]);
    assert_eq!(with(&[]), "heal v, heal w");
    assert_eq!(with(&[("heal v", pending.clone()), ("split v", none)]), "heal v, heal w, split v");
    assert_eq!(with(&[("heal v", away.clone()), ("split v", away)]), "heal v, heal w, split v");
    let split = [("heal v", pending.clone()), ("split v", pending.clone())];
    assert_eq!(with(&split), "heal v, heal w, split v, crawls v");
    // Lists that cannot be read.
    let long = Raw { whole: false, ..pending };
    assert_eq!(with(&[("heal v", long.clone())]), "heal v, heal w, summary v, split v");
    let brick = "<brick><name>g1:/b/v</name><status>Connected</status><totalNumberOfEntries>9</totalNumberOfEntries>\
                 <numberOfEntriesInSplitBrain>0</numberOfEntriesInSplitBrain></brick>";
    let summary = xml(&format!("<healInfo><bricks>{brick}</bricks></healInfo>"));
    assert_eq!(with(&[("heal v", long), ("summary v", summary)]), "heal v, heal w, summary v");
    // What gluster left out of the status of all, and of volume info.
    let one = running("v", 1, [Some(true); 3], "");
    assert_eq!(with(&[("status all", one)]), "heal v, heal w, status w");
    let info = volumes(&[volume("v", 3, "Started", 0)]);
    let other = volumes(&[volume("w", 3, "Started", 0)]);
    let asked = with(&[("info", info), ("info w", other)]);
    assert_eq!(asked, "detail all, heal v, status w, detail w, heal w", "`info w` came first: {asked}");
    // Without an answer about all of them each is asked about.
    let no = complains("unrecognized word: all");
    let asked = with(&[("status all", no.clone()), ("detail all", no)]);
    assert_eq!(asked, "heal v, heal w, status v, status w, detail v, detail w");
    // One that is not started, or has single copies, has nothing to heal.
    let made = [volume("v", 1, "Started", 0), volume("w", 3, "Stopped", 0)];
    assert_eq!(with(&[("info", volumes(&made))]), "");
}
