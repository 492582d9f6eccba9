//! What contradicts itself: only what stands across a crawl stays so.

use super::super::crawls::{crawls, is_between};
use super::super::healed::Watch;
use super::verdict::ONE_AWAY;
use super::*;
use std::time::{Duration, Instant};

/// What two members say that say the same, after a look long ago at which it was the same.
fn stood(change: impl Fn(&mut Cluster)) -> Judged {
    let views = [1, 2].map(|own| {
        let mut cluster = Cluster::new(own);
        change(&mut cluster);
        cluster.view()
    });
    stood_views(&views)
}

fn stood_views(views: &[View]) -> Judged {
    let (watch, now) = (Watch::default(), Instant::now());
    watch.look(views, now);
    healed(views, &asked(), &watch.look(views, now + Duration::from_secs(3600)))
}

#[test]
fn split_brain_is_hopeless_unless_a_brick_that_is_away_may_decide() {
    let split = |c: &mut Cluster| {
        c.say("heal v", entries("v", [Some(1), Some(1), Some(0)]));
        c.say("split v", entries("v", [Some(1), Some(1), Some(0)]));
    };
    let judged = stood(split);
    closed(&judged, "1 entries of v are in split-brain and do not heal by themselves");
    assert!(judged.hopeless && judged.facts["split-brain"] == "1", "{judged:#?}");
    // One that only one of them sees counts too.
    let mut one = Cluster::new(1);
    split(&mut one);
    assert!(stood_views(&[one.view(), Cluster::new(2).view()]).hopeless);
    let away = stood(|c| {
        split(c);
        c.say("split v", entries("v", [Some(1), Some(1), None]));
    });
    closed(&away, "split-brain");
    assert!(!away.hopeless, "{away:#?}");
    let away = stood(|c| {
        split(c);
        c.say("status v", running("v", c.own, ONE_AWAY, ""));
    });
    assert!(!away.hopeless && !away.pass, "{away:#?}");
    // So told, a volume chooses by itself.
    let decides = stood(|c| {
        split(c);
        let chosen = volume("v", 3, "Started", 0).replace(
            "</options>",
            "<option><name>cluster.favorite-child-policy</name><value>mtime</value></option></options>",
        );
        c.say("info", volumes(&[chosen]));
    });
    closed(&decides, "split-brain");
    assert!(!decides.hopeless, "{decides:#?}");
}

/// Crawls of three bricks: those that are over, and the one that goes on.
fn statistics(over: &[&str], begun: &[&str]) -> Raw {
    let crawl = |time: &&str, end: &str| {
        format!(
            "\nStarting time of crawl: Mon Nov 30 10:{time}:00 2026\n\n{end}\nType of crawl: INDEX\n\
                 No. of entries healed: 0\nNo. of entries in split-brain: 1\nNo. of heal failed entries: 0\n"
        )
    };
    let over: String =
        over.iter().map(|time| crawl(time, &format!("Ending time of crawl: Mon Nov 30 10:{time}:09 2026\n"))).collect();
    let begun: String = begun.iter().map(|time| crawl(time, "Crawl is in progress")).collect();
    let brick = |number: usize| {
        format!(
            "------------------------------------------------\n\nCrawl statistics for brick no {number}\n\
                 Hostname of brick g{}\n{over}{begun}",
            number + 1
        )
    };
    let all: String = (0..3).map(brick).collect();
    raw(&format!("Gathering crawl statistics on volume v has been successful \n{all}"))
}

/// What two members say with this entry in split-brain, and these crawls.
fn contradicts(entry: usize, crawls: Option<&Raw>) -> [View; 2] {
    [1, 2].map(|own| {
        let mut cluster = Cluster::new(own);
        let text = String::from_utf8_lossy(&entries("v", [Some(1), Some(1), Some(0)]).out).into_owned();
        let answer = raw(&text.replace(&format!("gfid=\"{}\"", uuid(0)), &format!("gfid=\"{}\"", uuid(entry))));
        cluster.say("heal v", answer.clone());
        cluster.say("split v", answer);
        if let Some(crawls) = crawls {
            cluster.say("crawls v", crawls.clone());
        }
        cluster.view()
    })
}

#[test]
fn split_brain_is_final_only_when_the_same_entry_stands_across_a_crawl() {
    let now = Instant::now();
    let judge = |watch: &Watch, views: &[View], after: u64| {
        healed(views, &asked(), &watch.look(views, now + Duration::from_secs(after)))
    };
    let before = statistics(&["01", "11"], &["21"]);
    let watch = Watch::default();
    let first = judge(&watch, &contradicts(1, Some(&before)), 0);
    closed(&first, "1 entries of v are in split-brain: it is waited for a crawl of the self-heal daemon, every 600 s");
    assert!(!first.hopeless, "{first:#?}");
    // The crawl that went on when it was first seen may have passed it already.
    let ended = judge(&watch, &contradicts(1, Some(&statistics(&["01", "11", "21"], &["31"]))), 5000);
    assert!(!ended.hopeless, "{ended:#?}");
    let other = judge(&watch, &contradicts(2, Some(&statistics(&["01", "11", "21"], &["31"]))), 5001);
    assert!(!other.hopeless, "another entry is seen for the first time: {other:#?}");
    let over = judge(&watch, &contradicts(2, Some(&statistics(&["21", "31", "41"], &[]))), 5002);
    closed(&over, "do not heal by themselves");
    assert!(over.hopeless, "{over:#?}");
    // One that healed in between begins anew.
    let watch = Watch::default();
    judge(&watch, &contradicts(1, Some(&before)), 0);
    judge(&watch, &[1, 2].map(|own| Cluster::new(own).view()), 1);
    let again = judge(&watch, &contradicts(1, Some(&statistics(&["31", "41"], &[]))), 2);
    assert!(!again.hopeless, "{again:#?}");
    // Where gluster tells of no crawl, the time of two has to pass.
    let watch = Watch::default();
    for (after, hopeless) in [(0, false), (1200, false), (1201, true)] {
        assert_eq!(judge(&watch, &contradicts(1, None), after).hopeless, hopeless, "after {after} seconds");
    }
}

#[test]
fn crawls_are_compared_and_no_clock_is_read() {
    let read = |over: &[&str], begun: &[&str]| crawls(&statistics(over, begun)).expect("it can be read");
    let before = read(&["01"], &["11"]);
    assert_eq!((before.len(), before[&0].begun.len(), before[&0].over.len()), (3, 2, 1));
    assert!(!is_between(&before, &before));
    assert!(!is_between(&before, &read(&["01", "11"], &["21"])), "none began and ended since");
    assert!(is_between(&before, &read(&["11", "21"], &[])));
    let mut fewer = read(&["21"], &[]);
    fewer.remove(&2);
    assert!(!is_between(&before, &fewer), "a brick's daemon does not tell");
    for bad in ["", "Gathering crawl statistics on volume v has been unsuccessful:\n"] {
        assert!(crawls(&raw(bad)).is_err(), "{bad}");
    }
    let twice = String::from_utf8_lossy(&statistics(&["01"], &[]).out).replace("brick no 1", "brick no 0");
    assert!(crawls(&raw(&twice)).is_err());
}
