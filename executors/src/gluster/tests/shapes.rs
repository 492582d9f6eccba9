//! Volumes of every shape, and what is odd about one of them.

use super::super::info::info;
use super::super::status::statuses;
use super::*;

/// A volume of two tiers, the hot one of two copies, the cold one of two sets of two.
fn tiers() -> String {
    let brick = |number: usize, path: &str| {
        format!(
            "<brick uuid=\"{0}\">g{number}:{path}<name>g{number}:{path}</name><hostUuid>{0}</hostUuid></brick>",
            uuid(number)
        )
    };
    let set = |path: &str| [brick(1, path), brick(2, path)].concat();
    format!(
        "<volume><name>t</name><id>x</id><status>1</status><statusStr>Started</statusStr><snapshotCount>0</snapshotCount>\
         <brickCount>6</brickCount><distCount>1</distCount><stripeCount>1</stripeCount><replicaCount>2</replicaCount>\
         <arbiterCount>0</arbiterCount><disperseCount>0</disperseCount><redundancyCount>0</redundancyCount><type>5</type>\
         <typeStr>Tier</typeStr><transport>0</transport><bricks><hotBricks><hotBrickType>Replicate</hotBrickType>\
         <hotreplicaCount>2</hotreplicaCount><hotbrickCount>2</hotbrickCount><numberOfBricks>1 x 2 = 2</numberOfBricks>{}\
         </hotBricks><coldBricks><coldBrickType>Distributed-Replicate</coldBrickType><coldreplicaCount>2</coldreplicaCount>\
         <coldarbiterCount>0</coldarbiterCount><coldbrickCount>4</coldbrickCount><colddisperseCount>0</colddisperseCount>\
         <numberOfBricks>2 x 2 = 4</numberOfBricks>{}{}</coldBricks></bricks><optCount>0</optCount><options/></volume>",
        set("/hot"),
        set("/cold1"),
        set("/cold2")
    )
}

/// Its processes, which stand in a part for each tier. The daemons stand in the second one where a brick is not told.
fn tier_nodes(extra: &str, daemons: bool) -> String {
    let node = |host: &str, path: &str, number: usize| {
        format!(
            "<node><hostname>{host}</hostname><path>{path}</path><peerid>{}</peerid><status>1</status><port>1</port><ports>\
             <tcp>1</tcp><rdma>N/A</rdma></ports><pid>1</pid>{extra}</node>",
            uuid(number)
        )
    };
    let pair = |path: &str| [node("g1", path, 1), node("g2", path, 2)].concat();
    let heals: String = [("localhost", 1), ("g2", 2)].map(|(host, at)| node("Self-heal Daemon", host, at)).concat();
    let heals = if daemons { heals } else { String::new() };
    format!(
        "<hotBricks>{}</hotBricks><coldBricks>{}{}{heals}</coldBricks>",
        pair("/hot"),
        pair("/cold1"),
        pair("/cold2")
    )
}

fn status_of(name: &str, nodes: &str) -> String {
    format!("<volume><volName>{name}</volName><nodeCount>6</nodeCount>{nodes}<tasks/></volume>")
}

fn all(volumes: &str) -> Raw {
    xml(&format!("<volStatus><volumes>{volumes}</volumes></volStatus>"))
}

fn tier_heal(pending: u64) -> Raw {
    let brick = |number: usize, path: &str| {
        let files: String =
            (0..pending).map(|file| format!("<file gfid=\"{}\">/f{file}</file>", uuid(file as usize))).collect();
        format!(
            "<brick hostUuid=\"{}\"><name>g{number}:{path}</name>{files}<status>Connected</status><numberOfEntries>{pending}</numberOfEntries></brick>",
            uuid(number)
        )
    };
    let paths = ["/hot", "/cold1", "/cold2"];
    let bricks: String = paths.iter().flat_map(|path| [1, 2].map(|number| brick(number, path))).collect();
    xml(&format!("<healInfo><bricks>{bricks}</bricks></healInfo>"))
}

fn with_tiers(c: &mut Cluster) {
    c.say("info", volumes(&[volume("v", 3, "Started", 0), tiers()]));
    c.say("list", raw("v\nt\n"));
    c.say("status t", all(&status_of("t", &tier_nodes("", true))));
    c.say("detail t", all(&status_of("t", &tier_nodes(&disk(500, 500), false))));
    c.say("heal t", tier_heal(0));
}

#[test]
fn tiers_are_read() {
    let judged = both(with_tiers);
    assert!(judged.pass, "{judged:#?}");
    assert_eq!((&*judged.facts["bricks"], &*judged.facts["volumes"]), ("9/9", "2"));
    // Of each of the three sets the same file counts once.
    let judged = both(|c| {
        with_tiers(c);
        c.say("heal t", tier_heal(2));
        c.say("split t", tier_heal(0));
    });
    closed(&judged, "6 entries of t wait to be healed");
    let text = "Volume Name: t\nType: Tier\nVolume ID: 1\nStatus: Started\nSnapshot Count: 0\nNumber of Bricks: 5\n\
                Transport-type: tcp\nHot Tier :\nHot Tier Type : Distribute\nNumber of Bricks: 2\nBrick1: a:/h1\nBrick2: b:/h2\n\
                Cold Tier:\nCold Tier Type : Disperse\nNumber of Bricks: 1 x (2 + 1) = 3\nBrick3: a:/c\nBrick4: b:/c\nBrick5: c:/c\n\
                Options Reconfigured:\nfeatures.ctr-enabled: on\n";
    let told = info(&raw(text)).expect("it can be read").remove(0).expect("its shape is known");
    let sets: Vec<_> = told.bricks.iter().map(|brick| brick.set).collect();
    assert_eq!(sets, [None, None, Some(0), Some(0), Some(0)]);
    let table = "Status of volume: t\nGluster process                             TCP Port  RDMA Port  Online  Pid\n\
                 ------------------------------------------------------------------------------\nHot Bricks:\n\
                 Brick g1:/hot                               49152     0          Y       1    \nCold Bricks:\n\
                 Brick g1:/cold                              49153     0          Y       2    \n\
                 Self-heal Daemon on localhost               N/A       N/A        Y       3    \n \n";
    let both = format!("{table}{}", table.replace("volume: t", "volume: u"));
    let told = statuses(&raw(&both)).expect("it can be read");
    assert_eq!(told.keys().collect::<Vec<_>>(), ["t", "u"]);
    assert!(told.values().all(|told| told.as_ref().is_ok_and(|told| told.len() == 3)), "{told:#?}");
}

#[test]
fn what_is_odd_about_a_volume_is_its_own_fault() {
    let odd = "<volume><name>odd</name><statusStr>Started</statusStr><brickCount>1</brickCount><bricks><brick/></bricks></volume>";
    let with = |c: &mut Cluster| {
        c.say("info", volumes(&[volume("v", 3, "Started", 0), odd.to_owned()]));
        c.say("list", raw("v\nodd\n"));
    };
    let judged = both(with);
    closed(&judged, "volume info of odd: the answer cannot be read: a part is missing; `except: [odd]` leaves it out");
    assert_eq!((&*judged.facts["bricks"], &*judged.facts["pending"]), ("3/3", "0"), "the other one is known");
    let views = || {
        [1, 2].map(|own| {
            let mut cluster = Cluster::new(own);
            with(&mut cluster);
            cluster.view()
        })
    };
    assert!(judged_of(views(), &named(&["v"]), &[]).pass);
    let but = judged_of(views(), &[], &named(&["odd", "gone"]));
    assert!(but.pass, "{but:#?}");
    assert_eq!((&*but.facts["left-out"], &*but.facts["left-out-unknown"]), ("odd", "gone"));
    closed(&judged_of(views(), &[], &named(&["odd", "v"])), "every volume is left out");
    // Bricks that are no whole sets.
    let torn = volume("v", 3, "Started", 0).replace("<replicaCount>3", "<replicaCount>2");
    closed(&both(|c| c.say("info", volumes(std::slice::from_ref(&torn)))), "are no whole sets of copies");
    // Where gluster stops in the middle of a volume, the next ones stand within it.
    let nodes = |own| String::from_utf8_lossy(&running("v", own, [Some(true); 3], "").out).into_owned();
    let inner = |own| {
        let text = nodes(own);
        let (from, to) = (text.find("<volume>").expect("a volume"), text.find("</volumes>").expect("its end"));
        text[from..to].to_owned()
    };
    let told = statuses(&all(&format!(
        "<volume><volName>x</volName><node><hostname>h</hostname>{}</node></volume>",
        inner(1)
    )));
    let told = told.expect("it can be read");
    assert!(told["x"].is_err() && told["v"].as_ref().is_ok_and(|told| told.len() == 6), "{told:#?}");
}

#[test]
fn all_volumes_come_in_one_answer() {
    let judged = both(|c| {
        for what in ["status", "detail"] {
            let one = c.answers.remove(&format!("{what} v")).expect("it was said");
            c.say(&format!("{what} all"), one);
        }
        c.answers.remove("split v");
    });
    assert!(judged.pass, "{judged:#?}");
    // What is left out of it is asked by itself; without that nothing is known.
    let judged = both(|c| {
        c.answers.remove("status v");
        c.say("status all", all(""));
    });
    closed(&judged, "status of v: there was no time to ask");
}

#[test]
fn daemons_are_wanted_where_bricks_are() {
    // A fourth member has no brick, and its daemon does not run.
    let fourth = |online: u8| {
        format!(
            "<node><hostname>Self-heal Daemon</hostname><path>g4</path><peerid>{}</peerid><status>{online}</status><port>N/A</port>\
             <ports><tcp>N/A</tcp><rdma>N/A</rdma></ports><pid>-1</pid></node><tasks/>",
            uuid(4)
        )
    };
    let joins = |c: &mut Cluster| {
        let peer = format!(
            "<peer><uuid>{}</uuid><hostname>g4</hostname><connected>1</connected><stateStr>Peer in Cluster</stateStr></peer></peerStatus>",
            uuid(4)
        );
        let text = String::from_utf8_lossy(&pool(c.own, &[]).out).replace("</peerStatus>", &peer);
        c.say("pool", raw(&text));
        let text =
            String::from_utf8_lossy(&running("v", c.own, [Some(true); 3], "").out).replace("<tasks/>", &fourth(0));
        c.say("status v", raw(&text));
    };
    let judged = both(joins);
    assert_eq!((judged.pass, &*judged.facts["peers"]), (true, "4/4"), "{judged:#?}");
    let judged = both(|c| {
        joins(c);
        let text = String::from_utf8_lossy(&c.answers["status v"].out).into_owned();
        let daemon = format!("<path>g3</path><peerid>{}</peerid><status>", uuid(3));
        c.say("status v", raw(&text.replace(&format!("{daemon}1"), &format!("{daemon}0"))));
    });
    closed(&judged, "no self-heal daemon of v runs on g3");
    // Switched off it does not run anywhere, and gluster does not name it.
    for option in ["cluster.self-heal-daemon", "cluster.disperse-self-heal-daemon"] {
        let judged = both(|c| {
            let off = volume("v", 3, "Started", 0)
                .replace("</options>", &format!("<option><name>{option}</name><value>off</value></option></options>"));
            c.say("info", volumes(&[off]));
        });
        closed(
            &judged,
            &format!(
                "the self-heal daemon of v is switched off: set {option} to on, or leave the volume out: `except: [v]`"
            ),
        );
    }
}

#[test]
fn members_are_told_in_glusters_words() {
    for state in ["Peer Rejected", "Sent and Received peer request", "Probe Sent to Peer"] {
        let judged = both(|c| {
            let text = String::from_utf8_lossy(&pool(c.own, &[]).out).replacen("Peer in Cluster", state, 1);
            c.say("pool", raw(&text));
        });
        closed(&judged, &format!("is not in the cluster for good: {state} (Connected)"));
    }
    let rows = "UUID\tHostname\tState\n";
    let row = |number: usize, name: &str, state: &str| format!("{}\t{name}\t{state} \n", uuid(number));
    let text = |c: &Cluster| {
        let name = |number: usize| if number == c.own { "localhost".to_owned() } else { format!("g{number}") };
        let states = ["Connected", "Connected", "Disconnected"];
        format!("{rows}{}", (1..=3).map(|number| row(number, &name(number), states[number - 1])).collect::<String>())
    };
    closed(&both(|c| c.say("pool", raw(&text(c)))), "the peer g3 is not connected: Disconnected");
}

#[test]
fn how_much_waits_is_counted_where_it_cannot_be_listed() {
    let summary = |total: &str, split: u64| {
        let brick = |number: usize| {
            format!(
                "<brick hostUuid=\"{}\"><name>g{number}:/b/v</name><status>Connected</status><totalNumberOfEntries>{total}</totalNumberOfEntries>\
                 <numberOfEntriesInHealPending>{total}</numberOfEntriesInHealPending><numberOfEntriesInSplitBrain>{split}</numberOfEntriesInSplitBrain>\
                 <numberOfEntriesPossiblyHealing>0</numberOfEntriesPossiblyHealing></brick>",
                uuid(number)
            )
        };
        xml(&format!("<healInfo><bricks>{}</bricks></healInfo>", (1..=3).map(brick).collect::<String>()))
    };
    let text = String::from_utf8_lossy(&entries("v", [Some(1), Some(0), Some(0)]).out).replace("/dir/0", "/dir/\u{1}");
    let unreadable =
        [raw(&text), Raw { whole: false, ..raw("<cliOutput>") }, Raw { code: Some(124), ..raw("<cliOutput>") }];
    for heal in unreadable {
        let judged = both(|c| {
            c.answers.remove("split v");
            c.say("heal v", heal.clone());
            c.say("summary v", summary("70000", 0));
        });
        closed(&judged, "70000 entries of v wait to be healed; heal info of v:");
        assert_eq!((&*judged.facts["pending"], &*judged.facts["split-brain"]), ("70000", "0"), "{judged:#?}");
        // That nothing is counted now does not make a list readable that was not.
        let judged = both(|c| {
            c.say("heal v", heal.clone());
            c.say("summary v", summary("0", 0));
        });
        closed(&judged, "heal info of v:");
        let judged = both(|c| {
            c.answers.remove("split v");
            c.say("heal v", heal.clone());
            c.say("summary v", summary("7", 3));
        });
        assert_eq!((judged.hopeless, &*judged.facts["split-brain"]), (false, "3"), "{judged:#?}");
        closed(&judged, "3 entries of v are in split-brain");
        // What a summary prints of a brick that is away is no number.
        let judged = both(|c| {
            c.answers.remove("split v");
            c.say("heal v", heal.clone());
            c.say("summary v", summary("-", 0));
        });
        assert_eq!(judged.facts["pending"], "unknown", "{judged:#?}");
    }
}
