//! Copies that are plainly unequal, and the room that bricks have.

use super::*;

const GIB: u64 = 1 << 30;

/// One brick in a status with disks.
fn node(name: &str, number: usize, device: &str, figures: &str) -> String {
    let device = if device.is_empty() { String::new() } else { format!("<device>{device}</device>") };
    format!(
        "<node><hostname>g{number}</hostname><path>/b/{name}</path><peerid>{}</peerid><status>1</status><port>1</port>\
         <ports><tcp>1</tcp><rdma>N/A</rdma></ports><pid>12</pid>{figures}{device}</node>",
        uuid(number)
    )
}

fn detail(name: &str, nodes: &str) -> Raw {
    xml(&format!(
        "<volStatus><volumes><volume><volName>{name}</volName><nodeCount>3</nodeCount>{nodes}</volume></volumes></volStatus>"
    ))
}

/// Disks of 1 TiB, of which so much is used.
fn used(name: &str, used: [u64; 3]) -> Raw {
    let room = |used: u64| format!("<sizeTotal>{}</sizeTotal><sizeFree>{}</sizeFree>", 1024 * GIB, 1024 * GIB - used);
    let nodes: String = (1..=3).map(|number| node(name, number, "/dev/vdb", &room(used[number - 1]))).collect();
    detail(name, &nodes)
}

fn of(rule: Emptied, change: impl Fn(&mut Cluster)) -> Judged {
    let views = [1, 2].map(|own| {
        let mut cluster = Cluster::new(own);
        change(&mut cluster);
        cluster.view()
    });
    healed(&views, &Asked { emptied: rule, ..asked() }, &Standing::default())
}

#[test]
fn an_emptied_brick_keeps_the_gate_closed_though_nothing_waits() {
    let judged = both(|c| c.say("detail v", used("v", [640 * GIB, 640 * GIB, GIB / 10])));
    closed(
        &judged,
        "the brick g3:/b/v of v uses 0.0 GiB, and the median of its copies is 640.0 GiB: it may have been emptied",
    );
    assert!(!judged.hopeless, "{judged:#?}");
    assert_eq!(judged.facts["emptied"], "g3:/b/v (0.0 GiB of 640.0 GiB)");
    assert_eq!(judged.facts["pending"], "0");
    // Each side of both limits.
    let table: &[([u64; 3], bool)] = &[
        ([100 * GIB, 100 * GIB, 50 * GIB], true),
        ([100 * GIB, 100 * GIB, 50 * GIB - 1], false),
        ([GIB, GIB, 0], false),
        ([GIB, GIB - 1, 0], true),
        ([GIB + 1, GIB + 1, 2], true),
        ([640 * GIB, 0, 0], true),
        ([0, 0, 0], true),
    ];
    for (figures, opens) in table {
        let judged = both(|c| c.say("detail v", used("v", *figures)));
        assert_eq!(judged.pass, *opens, "{figures:?}: {judged:#?}");
    }
    // What counts as emptied is the gate's own, and recorded.
    let bricks = |c: &mut Cluster| c.say("detail v", used("v", [100 * GIB, 100 * GIB, 60 * GIB]));
    let strict = of(Emptied { percent: 70, gib: 40 }, bricks);
    closed(&strict, "may have been emptied");
    assert_eq!(strict.facts["emptied-below"], "70 % of the median of its copies, and 40 GiB less");
    assert!(of(Emptied { percent: 70, gib: 41 }, bricks).pass);
    let off = of(Emptied { percent: 0, gib: 0 }, |c| c.say("detail v", used("v", [100 * GIB, 100 * GIB, 0])));
    assert_eq!((off.pass, &*off.facts["emptied-below"]), (true, "not compared"), "{off:#?}");
}

#[test]
fn an_arbiter_keeps_names_alone_and_is_not_compared() {
    let arbiter = |c: &mut Cluster| c.say("info", volumes(&[volume("v", 3, "Started", 3)]));
    let judged = both(|c| {
        arbiter(c);
        c.say("detail v", used("v", [640 * GIB, 640 * GIB, GIB / 10]));
    });
    assert!(judged.pass, "{judged:#?}");
    // Of two copies the median is between them.
    let judged = both(|c| {
        arbiter(c);
        c.say("detail v", used("v", [640 * GIB, 0, GIB / 10]));
    });
    closed(&judged, "the brick g2:/b/v of v uses 0.0 GiB, and the median of its copies is 320.0 GiB");
}

#[test]
fn only_disks_that_hold_a_single_brick_are_compared() {
    let unequal = [640 * GIB, 640 * GIB, GIB / 10];
    let not = |judged: &Judged| judged.facts.get("not-compared").cloned().unwrap_or_default();
    // Another volume has a brick on one of the disks, also if that volume does not count.
    for except in [named(&[]), named(&["w"])] {
        let views = [1, 2].map(|own| {
            let mut c = Cluster::new(own);
            c.say("info", volumes(&[volume("v", 3, "Started", 0), volume("w", 3, "Started", 0)]));
            c.say("list", raw("v\nw\n"));
            c.about("w");
            c.say("detail v", used("v", unequal));
            c.say("detail w", used("w", unequal));
            c.view()
        });
        let judged = judged_of(views, &[], &except);
        assert!(judged.pass, "{judged:#?}");
        let names = if except.is_empty() { "v w" } else { "v" };
        assert_eq!(not(&judged), format!("{names} (bricks share a file system)"));
    }
    let root = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vdb 1 1 1 1% /\n";
    let judged = both(|c| {
        c.say("roots", raw(root));
        c.say("detail v", used("v", unequal));
    });
    assert_eq!((judged.pass, &*not(&judged)), (true, "v (a brick is on the disk of the system)"), "{judged:#?}");
    let judged = both(|c| {
        let text = String::from_utf8_lossy(&used("v", unequal).out).replace("<device>/dev/vdb</device>", "");
        c.say("detail v", raw(&text));
    });
    assert_eq!((judged.pass, &*not(&judged)), (true, "v (the disk of a brick is not told)"), "{judged:#?}");
}

#[test]
fn a_figure_that_is_left_out_is_none() {
    let with = |bytes: &str, inodes: &str| {
        both(|c| {
            let nodes: String =
                (1..=3).map(|number| node("v", number, "/dev/vdb", &format!("{bytes}{inodes}"))).collect();
            c.say("detail v", detail("v", &nodes));
        })
    };
    let room = "<sizeTotal>1000</sizeTotal><sizeFree>500</sizeFree>";
    let open = [
        (room, ""),
        (room, "<inodesTotal>0</inodesTotal><inodesFree>0</inodesFree>"),
        (room, "<inodesTotal>1000</inodesTotal><inodesFree>40</inodesFree>"),
        ("<sizeTotal>1000</sizeTotal><sizeFree>40</sizeFree>", ""),
    ];
    for (bytes, inodes) in open {
        let judged = with(bytes, inodes);
        assert!(judged.pass, "{bytes} {inodes}: {judged:#?}");
    }
    let closed_ = [
        (room, "<inodesTotal>1000</inodesTotal>", "1000 inodes of the brick g1:/b/v of v: none free"),
        (room, "<inodesTotal>1000</inodesTotal><inodesFree>0</inodesFree>", "none free"),
        (room, "<inodesTotal>1000</inodesTotal><inodesFree>39</inodesFree>", "97 % used, and at most 96 % may be"),
        (room, "<inodesTotal>1000</inodesTotal><inodesFree>x</inodesFree>", "are not told"),
        ("<sizeTotal>1000</sizeTotal>", "", "1000 bytes on the disk of the brick g1:/b/v of v: none free"),
        ("<sizeTotal>1000</sizeTotal><sizeFree>0</sizeFree>", "", "none free"),
        ("<sizeTotal>1000</sizeTotal><sizeFree>30</sizeFree>", "", "97 % used"),
        ("<sizeTotal>1000</sizeTotal><sizeFree>1001</sizeFree>", "", "1001 free of 1000 cannot be"),
        ("<sizeTotal>0</sizeTotal><sizeFree>0</sizeFree>", "", "is not told"),
        ("<sizeFree>1000</sizeFree>", "", "is not told"),
        ("", "", "is not told"),
    ];
    for (bytes, inodes, why) in closed_ {
        let judged = with(bytes, inodes);
        assert!(!judged.facts["why"].contains("full"), "{judged:#?}");
        closed(&judged, why);
    }
}
