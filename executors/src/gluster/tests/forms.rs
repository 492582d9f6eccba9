//! Answers in both forms, whole and not.

use super::super::answer::No;
use super::super::heal::heal;
use super::super::info::{Volume, info, list};
use super::super::peers::peers;
use super::super::status::{Figure, Figures, Process, What, status};
use super::*;

#[test]
fn heal_info_is_read_in_both_forms() {
    let text = "Brick 10.1.0.3:/var/lib/heketi/mounts/vg_e68/brick_856/brick\n\
                <gfid:1e2f0000-0000-4000-8000-000000000000> - Is in split-brain\n\n\
                /dir/f - Possibly undergoing heal\n\n/plain/file \nStatus: Connected\nNumber of entries: 3\n\n\
                Brick host2:/path\nStatus: Transport endpoint is not connected\nNumber of entries: -\n\n\
                Brick host3:/path\n/a \nStatus: Failed to process entries completely. (Input/output error)\nNumber of entries: 1\n\n";
    let told = heal(&raw(text)).expect("it can be read");
    let figures: Vec<_> = told.iter().map(|brick| (brick.connected, brick.count, brick.listed)).collect();
    assert_eq!(figures, [(true, Some(3), 3), (false, None, 0), (false, Some(1), 1)]);
    assert_eq!(told[0].entries(), Some(3));
    assert_eq!(told[2].entries(), None, "it did not get to the end");
    let split = "Brick a:/b\n/f\nStatus: Connected\nNumber of entries in split-brain: 1\n\n";
    assert_eq!(heal(&raw(split)).expect("it can be read")[0].entries(), Some(1));
    let summary = "Brick a:/b\nStatus: Connected\nTotal Number of entries: 5\nNumber of entries in heal pending: 3\n\
                   Number of entries in split-brain: 2\nNumber of entries possibly healing: 0\n\n";
    let told = heal(&raw(summary)).expect("it can be read");
    assert_eq!(told[0].entries(), Some(5));
    // Without a word about the connection nothing is known of it.
    let old = heal(&raw("Brick a:/b\n\nNumber of entries: 0\n\n")).expect("it can be read");
    assert_eq!(old[0].entries(), None);
    // What a summary prints of a brick that is away has no counts.
    let bug =
        xml("<healInfo><bricks><brick hostUuid=\"-\"><name>a:/b</name><status>Failed to process entries completely. \
         (Transport endpoint is not connected)totalNumberOfEntries0</status></brick></bricks></healInfo>");
    assert_eq!(heal(&bug).expect("it can be read")[0].entries(), None);
    let unknown = "Brick - Not able to get brick information\nStatus: Connected\nNumber of entries: 0\n\n";
    assert_eq!(heal(&raw(unknown)).expect("it can be read")[0].name, "- Not able to get brick information");
    let many = heal(&entries("v", [Some(20_000), Some(0), Some(0)])).expect("it can be read");
    assert_eq!((many[0].listed, many[0].entries()), (20_000, Some(20_000)));
}

#[test]
fn what_files_are_called_is_never_taken_for_an_answer() {
    let brick = |host: &str, entries: &str, count: &str| {
        format!("Brick {host}:/b/v\n{entries}Status: Connected\nNumber of entries: {count}\n\n")
    };
    let rest = format!("{}{}", brick("g2", "", "0"), brick("g3", "", "0"));
    let hostile = [
        // Lines in the name of a file.
        "/a\nStatus: Connected\nNumber of entries: 0 \n",
        "/a\nStatus: Connected\nNumber of entries: 0\n\nBrick g9:/b/v \n",
        "/a\nNumber of entries: 0\n\nBrick g1:/b/v\n",
        "/a\nBrick g1:/b/v \n",
        "/a\nb \n",
        "/a\n\nStatus: Connected \n",
    ];
    for name in hostile {
        let judged = both(|c| c.say("heal v", raw(&format!("{}{rest}", brick("g1", name, "1")))));
        assert!(!judged.pass && !judged.hopeless, "{name:?}: {judged:#?}");
    }
    // Names that only look odd are entries like others.
    let odd = "/a: b \n/Brick g1:/b \n/Status: Connected \n/x - Is in split-brain-or-not \n";
    let judged = both(|c| c.say("heal v", raw(&format!("{}{rest}", brick("g1", odd, "4")))));
    assert_eq!((&*judged.facts["pending"], judged.pass), ("4", false), "{judged:#?}");
    let inside = "<file gfid=\"x\">/&lt;/file&gt;&#10;&lt;status&gt;Connected</file>";
    let text = String::from_utf8_lossy(&entries("v", [Some(1), Some(0), Some(0)]).out).into_owned();
    let at = (text.find("<file").expect("a file"), text.find("</file>").expect("its end") + 7);
    let judged = both(|c| c.say("heal v", raw(&format!("{}{inside}{}", &text[..at.0], &text[at.1..]))));
    assert_eq!((&*judged.facts["pending"], judged.pass), ("1", false), "{judged:#?}");
    // A name that is no XML makes the answer one that cannot be read.
    let judged = both(|c| c.say("heal v", raw(&text.replace("/dir/0", "/dir/\u{1}"))));
    closed(&judged, "it is no whole XML");
}

#[test]
fn volumes_are_read_in_both_forms() {
    let read = |raw: &Raw| -> Vec<Volume> {
        info(raw).expect("it can be read").into_iter().map(|found| found.expect("its shape is known")).collect()
    };
    let text = "Volume Name: v\nType: Distributed-Replicate\nVolume ID: 1\nStatus: Started\nSnapshot Count: 0\n\
                Number of Bricks: 2 x (2 + 1) = 6\nTransport-type: tcp\nBricks:\nBrick1: a:/b1\nBrick2: b:/b2\n\
                Brick3: c:/b3 (arbiter)\nBrick4: a:/b4\nBrick5: b:/b5\nBrick6: [fe80::1]:/b6 (arbiter)\nOptions Reconfigured:\n\
                cluster.favorite-child-policy: none\nnfs.disable: on\n \nVolume Name: d\nType: Distribute\nVolume ID: 2\n\
                Status: Created\nSnapshot Count: 0\nNumber of Bricks: 1\nTransport-type: tcp\nBricks:\nBrick1: a:/d\n";
    let told = read(&raw(text));
    let [v, d] = told.as_slice() else { unreachable!("{told:#?}") };
    assert_eq!((v.heals(), v.started(), v.bricks.len(), v.decides()), (true, true, 6, false));
    let sets: Vec<Option<usize>> = v.bricks.iter().map(|brick| brick.set).collect();
    assert_eq!(sets, [0, 0, 0, 1, 1, 1].map(Some));
    assert_eq!((v.bricks[2].arbiter, v.bricks[5].host()), (true, "[fe80::1]"));
    assert_eq!((d.heals(), d.started(), d.bricks.len()), (false, false, 1));
    let odd = info(&raw(&text.replace("Brick6", "Bricks"))).expect("the rest can be read");
    let why = No::Strange("a volume counts other bricks");
    assert_eq!(
        (odd[0].as_ref().err(), odd[1].is_ok()),
        (Some(&("v".to_owned(), why)), true),
        "it is that volume's alone"
    );
    assert_eq!(info(&complains("No volumes present")), Ok(Vec::new()));
    assert_eq!(info(&raw("No volumes present\n")).map_err(|no| no.words()), Err("No volumes present".to_owned()));
    let told = read(&volumes(&[volume("v", 3, "Started", 3)]));
    assert_eq!(
        (told[0].bricks[2].set, told[0].bricks[2].arbiter, told[0].bricks[0].name.as_str()),
        (Some(0), true, "g1:/b/v")
    );
    let other = volume("v", 3, "Started", 3).replace("<brickCount>3", "<brickCount>4");
    assert!(info(&volumes(&[other])).expect("it is XML")[0].is_err());

    assert_eq!(list(&raw("a\nb_1\n")), Ok(vec!["a".to_owned(), "b_1".to_owned()]));
    assert_eq!(list(&complains("No volumes present in cluster")), Ok(Vec::new()));
    assert_eq!(list(&xml("<volList><count>1</count><volume>v</volume></volList>")), Ok(vec!["v".to_owned()]));
    for bad in [
        raw(""),
        raw("a b\n"),
        raw("-x\n"),
        complains("Connection failed."),
        xml("<volList><count>2</count></volList>"),
    ] {
        assert!(list(&bad).is_err(), "{bad:?}");
    }
}

#[test]
fn members_are_read_in_both_forms() {
    let names = |raw: &Raw| {
        let told = peers(raw).map_err(|no| no.words())?;
        Ok(told.iter().map(|peer| format!("{} {} {}", peer.name(), peer.connected, peer.is_here())).collect::<Vec<_>>())
    };
    let pool = "UUID\t\t\t\t\tHostname \tState\n1-a\tg2       \tConnected \n2-b\tg3\tDisconnected \n3-c\tlocalhost\tConnected \n";
    let told: Result<Vec<String>, String> = names(&raw(pool));
    assert_eq!(told, Ok(["g2 true false", "g3 false false", "localhost true true"].map(str::to_owned).to_vec()));
    let status = "Number of Peers: 2\n\nHostname: g2\nUuid: 1-a\nState: Peer in Cluster (Connected)\nOther names:\n10.0.0.2\n\n\
                  Hostname: g3\nUuid: 2-b\nState: Peer Rejected (Connected)\n";
    assert_eq!(names(&raw(status)), Ok(["g2 true false", "g3 false false"].map(str::to_owned).to_vec()));
    assert!(names(&raw(&status.replace("Peers: 2", "Peers: 3"))).is_err());
    assert_eq!(names(&raw("Number of Peers: 0\n")), Ok(Vec::new()));
    let joining =
        String::from_utf8_lossy(&self::pool(1, &[]).out).replace("Peer in Cluster", "Sent and Received peer request");
    assert_eq!(names(&raw(&joining)).expect("it can be read")[1], "g2 false false");
    for bad in [
        "UUID Hostname State\nx\n",
        "Connection failed. Please check if gluster daemon is operational.\n",
        "Hostname: a\n",
    ] {
        assert!(names(&raw(bad)).is_err(), "{bad}");
    }
}

#[test]
fn processes_are_read_in_both_forms() {
    let table = "Status of volume: v\nGluster process                             TCP Port  RDMA Port  Online  Pid\n\
                 ------------------------------------------------------------------------------\n\
                 Brick 10.1.0.3:/var/lib/heketi/mounts/vg_e6\n8f5b/brick_856a0000000000000000000000000000\n\
                 /brick                                      49152     0          Y       245  \n\
                 Brick g2:/b                                 N/A       N/A        N       N/A  \n\
                 Self-heal Daemon on localhost               N/A       N/A        Y       300  \n\
                 Self-heal Daemon on g2                      N/A       N/A        N       N/A  \n\
                 Quota Daemon on localhost                   N/A       N/A        Y       301  \n \n\
                 Task Status of Volume v\n------------------------------------------------------------------------------\n\
                 There are no active volume tasks\n \n";
    let told = status(&raw(table), "v").expect("it can be read");
    let brick = |name: &str| What::Brick(name.to_owned());
    let wanted = [
        (brick("10.1.0.3:/var/lib/heketi/mounts/vg_e68f5b/brick_856a0000000000000000000000000000/brick"), true),
        (brick("g2:/b"), false),
        (What::Heals("localhost".to_owned()), true),
        (What::Heals("g2".to_owned()), false),
        (What::Other, true),
    ];
    let found: Vec<(What, bool)> = told.into_iter().map(|Process { what, online, .. }| (what, online)).collect();
    assert_eq!(found, wanted);
    let detail = "Status of volume: v\n------------------------------------------------------------------------------\n\
                  Brick                : Brick g1:/b         \nTCP Port             : 49152               \n\
                  RDMA Port            : 0                   \nOnline               : Y                   \n\
                  Pid                  : 245                 \nFile System          : xfs                 \n\
                  Device               : /dev/vdb            \nMount Options        : rw,noatime          \n\
                  Inode Size           : 512                 \nDisk Space Free      : 1.5GB               \n\
                  Total Disk Space     : 2.0GB               \nInode Count          : 1000                \n\
                  Free Inodes          : 900                 \n\
                  ------------------------------------------------------------------------------\n\
                  Brick                : Brick g2:/b         \nOnline               : N                   \n\
                  Device               : N/A                 \nDisk Space Free      : N/A                 \n\
                  Total Disk Space     : N/A                 \nInode Count          : N/A                 \n\
                  Free Inodes          : N/A                 \n";
    let told = status(&raw(detail), "v").expect("it can be read");
    let [one, two] = told.as_slice() else { unreachable!("{told:#?}") };
    let gib = 1_u64 << 30;
    let figures = |all, free| Figures { all: Figure::Is(all), free: Figure::Is(free) };
    let wanted = (true, figures(2 * gib, gib + gib / 2), figures(1000, 900));
    assert_eq!((one.online, one.disk.bytes, one.disk.inodes), wanted);
    assert_eq!((one.disk.device.as_deref(), two.online, &two.disk), (Some("/dev/vdb"), false, &Default::default()));
    let stopped = status(&fails("Volume v is not started"), "v");
    assert_eq!(stopped, Err(No::NotStarted));
    for bad in
        ["Status of volume: v\nGluster process\nBrick g1:/b\n", "Status of volume: v\nGluster process\nx y\n", "Status"]
    {
        assert!(status(&raw(bad), "v").is_err(), "{bad}");
    }
}

#[test]
fn an_answer_is_whole_and_no_bomb() {
    let good = String::from_utf8_lossy(&entries("v", [Some(3), Some(3), Some(0)]).out).into_owned();
    for end in (0..good.len() - 1).filter(|end| good.is_char_boundary(*end)) {
        let cut = heal(&raw(&good[..end]));
        assert!(cut.is_err() || good[end..].trim().is_empty(), "cut off at {end}");
    }
    let text = "Brick a:/b\n/f \nStatus: Connected\nNumber of entries: 1\n\nBrick c:/d\nStatus: Connected\nNumber of entries: 0\n\n";
    for end in 0..text.len() {
        let Ok(told) = heal(&raw(&text[..end])) else { continue };
        assert!(told.len() < 2 || told[1].count.is_none() || text[end..].trim().is_empty(), "cut off at {end}");
    }
    let deep = format!("<cliOutput>{}", "<a>".repeat(300_000));
    assert_eq!(heal(&raw(&deep)), Err(No::Strange("it is no whole XML")));
    let wide =
        format!("<cliOutput><a {}/></cliOutput>", (0..50_000).map(|at| format!("a{at}='' ")).collect::<String>());
    assert_eq!(heal(&raw(&wide)), Err(No::Strange("a tag is too long")));
    let laughs = "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><cliOutput>&c;</cliOutput>";
    assert_eq!(heal(&raw(laughs)), Err(No::Strange("it is no whole XML")));
    assert_eq!(heal(&raw("<html></html>")), Err(No::Strange("its root is not `cliOutput`")));
    assert_eq!(heal(&raw("<cliOutput></cliOutput>")), Err(No::Strange("it does not say whether it worked")));
    assert!(heal(&Raw { out: vec![0xff, 0xfe, b'\n'], ..raw("") }).is_err());
}
