//! What keeps a gate closed, and what does not.

use super::super::ask::Silent;
use super::*;

#[test]
fn what_is_whole_everywhere_is_healed() {
    let judged = both(|_| {});
    let facts: Vec<(&str, &str)> = judged.facts.iter().map(|(name, value)| (&**name, &**value)).collect();
    let wanted = [
        ("bricks", "3/3"),
        ("emptied-below", "50 % of the median of its copies, and 1 GiB less"),
        ("peers", "3/3"),
        ("pending", "0"),
        ("split-brain", "0"),
        ("vantage-points", "2"),
        ("volumes", "1"),
    ];
    assert_eq!((judged.pass, judged.hopeless, facts), (true, false, wanted.to_vec()));
}

/// A change of what members say, and what is then in the way.
type Sick = (&'static str, fn(&mut Cluster));

pub(super) const ONE_AWAY: [Option<bool>; 3] = [Some(true), Some(true), None];

#[test]
fn whatever_is_not_told_or_not_well_keeps_the_gate_closed() {
    let table: &[Sick] = &[
        ("the peer g3 is not connected: Peer in Cluster (Disconnected)", |c| c.say("pool", pool(c.own, &[3]))),
        ("the brick g3:/b/v of v is offline", |c| {
            c.say("status v", running("v", c.own, [Some(true), Some(true), Some(false)], ""));
        }),
        // A peer that is away is not told of at all.
        ("the brick g3:/b/v of v is offline", |c| c.say("status v", running("v", c.own, ONE_AWAY, ""))),
        ("the brick g3:/b/v of v is offline", |c| c.say("detail v", running("v", c.own, ONE_AWAY, &disk(500, 500)))),
        ("status of v: gluster works on another request", |c| c.say("status v", fails(BUSY))),
        ("status of v: gluster works on another request", |c| c.say("status v", raw(BUSY))),
        ("room of v: gluster works", |c| c.say("detail v", complains(BUSY))),
        ("g3:/b/v of v does not tell its entries: Transport endpoint is not connected", |c| {
            c.say("heal v", entries("v", [Some(0), Some(0), None]))
        }),
        ("2 entries of v wait", |c| c.say("heal v", entries("v", [Some(2), Some(2), Some(0)]))),
        ("g3:/b/v of v does not tell of split-brain: Transport", |c| {
            c.say("split v", entries("v", [Some(0), Some(0), None]))
        }),
        ("heal info of v: it is not started", |c| {
            c.say("heal v", raw("Volume v is not started (Or) All the bricks are not running.\n"));
        }),
        ("heal info of v: it is not replicated", |c| {
            c.say("heal v", fails("Volume v is not of type replicate/disperse"));
        }),
        ("heal info of v: there is no such", |c| c.say("heal v", fails("Volume v does not exist"))),
        ("heal info of v: Volume heal failed.", |c| c.say("heal v", raw("Volume heal failed.\n"))),
        ("heal info of v: gluster did not answer in time", |c| c.say("heal v", Raw { code: Some(124), ..raw("") })),
        ("heal info of v: there was no time", |c| c.say("heal v", Raw::default())),
        ("heal info of v: the answer is longer", |c| {
            c.say("heal v", Raw { whole: false, ..entries("v", [Some(0); 3]) });
        }),
        ("heal info of v: it names other bricks", |c| c.say("heal v", entries("w", [Some(0); 3]))),
        ("heal info of v: it names other bricks", |c| {
            c.say("heal v", raw("Brick g1:/b/v\nStatus: Connected\nNumber of entries: 0\n\n"));
        }),
        ("heal info of v: it names other bricks", |c| c.say("heal v", xml("<healInfo><bricks></bricks></healInfo>"))),
        ("heal info of v: nothing was printed", |c| c.say("heal v", raw(""))),
        ("heal info split-brain of v: there is no such", |c| c.say("split v", fails("Volume v does not exist"))),
        ("the volume v is not started: gluster says Stopped; `except: [v]` leaves it out", |c| {
            c.say("info", volumes(&[volume("v", 3, "Stopped", 0)]))
        }),
        ("gluster names no volume", |c| {
            c.say("info", volumes(&[]));
            c.say("list", complains("No volumes present in cluster"));
        }),
        ("do not name the same volumes", |c| c.say("list", raw("v\nw\n"))),
        ("do not name the same volumes", |c| c.say("list", complains("No volumes present in cluster"))),
        ("the disk of the brick g1:/b/v of v: 97 % used", |c| {
            c.say("detail v", running("v", c.own, [Some(true); 3], &disk(39, 500)));
        }),
        ("the inodes of the brick g1:/b/v of v: 97 % used", |c| {
            c.say("detail v", running("v", c.own, [Some(true); 3], &disk(500, 39)));
        }),
        ("the room of the arbiter brick g3:/b/v of v is not told", |c| {
            c.say("info", volumes(&[volume("v", 3, "Started", 3)]));
            let odd = "<sizeTotal>N/A</sizeTotal><sizeFree>N/A</sizeFree>";
            let third = running("v", c.own, [None, None, Some(true)], odd);
            let others = running("v", c.own, [Some(true), Some(true), None], &disk(40, 40));
            let (third, others) = (String::from_utf8_lossy(&third.out), String::from_utf8_lossy(&others.out));
            let from = third.find("<node>").expect("a node");
            let node = &third[from..third.find("<tasks/>").expect("the end")];
            c.say("detail v", raw(&others.replace("<tasks/>", &format!("{node}<tasks/>"))));
        }),
        ("no self-heal daemon of v runs on g3", |c| {
            let all = running("v", c.own, [Some(true); 3], "");
            let text = String::from_utf8_lossy(&all.out).into_owned();
            let daemon = format!("<path>g3</path><peerid>{}</peerid><status>1", uuid(3));
            assert!(text.contains(&daemon));
            c.say("status v", raw(&text.replace(&daemon, &daemon.replace("<status>1", "<status>0"))));
        }),
        ("pool list: Connection failed.", |c| {
            c.say("pool", complains("Connection failed. Please check if gluster daemon is operational."));
        }),
    ];
    for (why, sick) in table {
        let judged = both(sick);
        assert!(!judged.hopeless, "{why}: {judged:#?}");
        closed(&judged, why);
    }
    // What one brick does not tell may be more.
    let judged = both(|c| c.say("heal v", entries("v", [Some(2), Some(2), None])));
    assert_eq!(judged.facts["pending"], "at least 2");
    let judged = both(|c| c.say("heal v", raw("")));
    assert_eq!(judged.facts["pending"], "unknown");
    // Just enough room is enough.
    let judged = both(|c| c.say("detail v", running("v", c.own, [Some(true); 3], &disk(40, 40))));
    assert!(judged.pass, "{judged:#?}");
}

#[test]
fn vantage_points_are_different_members_that_agree() {
    let one = || Cluster::new(1).view();
    closed(&judged([one()]), "1 different vantage points answer, and 2 have to");
    closed(&judged([one(), one()]), "1 different vantage points");
    closed(&judged(Vec::new()), "0 different vantage points");
    let silent = View::new("g3.demo", Err(Silent::Unreached("no connection".to_owned())));
    let judged_ = judged([one(), Cluster::new(2).view(), silent]);
    closed(&judged_, "g3.demo cannot be asked: no connection");
    assert_eq!(judged_.facts["vantage-points"], "2");
    let mut other = Cluster::new(2);
    other.say("info", volumes(&[volume("v", 3, "Started", 0), volume("w", 3, "Started", 0)]));
    other.say("list", raw("v\nw\n"));
    other.about("w");
    closed(&judged([one(), other.clone().view()]), "g1.demo and g2.demo do not name the same");
    // Of what is asked about they say the same.
    let about = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        judged_of([one(), other.clone().view()], &names, &[])
    };
    assert!(about(&["v"]).pass, "{:#?}", about(&["v"]));
    closed(&about(&["w"]), "there is no volume w (seen from g1.demo)");
    // One of another cluster.
    let mut foreign = Cluster::new(2);
    let text = String::from_utf8_lossy(&foreign.answers["pool"].out).replace(&uuid(3), &uuid(7));
    foreign.say("pool", raw(&text));
    closed(&judged([one(), foreign.view()]), "no self-heal daemon");
    // One that does not say who it is.
    let mut nobody = Cluster::new(2);
    let text = String::from_utf8_lossy(&nobody.answers["pool"].out).replace("localhost", "g2");
    nobody.say("pool", raw(&text));
    closed(&judged([one(), nobody.view()]), "does not tell which member it is");
}

#[test]
fn a_volume_of_single_copies_is_named_and_does_not_wait() {
    let judged = both(|c| {
        c.say("info", volumes(&[volume("d", 1, "Started", 0), volume("v", 3, "Started", 0)]));
        c.say("list", raw("d\nv\n"));
        c.about("d");
        c.say("heal d", fails("Volume d is not of type replicate/disperse"));
        c.say("split d", raw("Volume d is not of type replicate/disperse\n"));
    });
    assert!(judged.pass && judged.facts["distribute-only"] == "d", "{judged:#?}");
    assert_eq!((&*judged.facts["bricks"], &*judged.facts["volumes"]), ("6/6", "2"));
}

#[test]
fn a_brick_on_the_disk_of_the_system_is_told() {
    let judged = both(|c| {
        c.say("roots", raw("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vdb 1 1 1 1% /\n"));
    });
    assert!(judged.pass, "{judged:#?}");
    assert_eq!(judged.facts["on-root-disk"], "g1:/b/v g2:/b/v", "of its own bricks each can tell");
}
