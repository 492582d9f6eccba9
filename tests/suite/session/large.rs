//! `--lab-nodes`: a lab of another size is remembered by its folder, and many hosts still fit on one screen.

use palinode_replay::lab::inventory_of;
use palinode_tests::binary::Desk;

#[test]
fn a_larger_lab_is_cut_resumed_and_taken_back_and_fits_on_a_screen() {
    let desk = Desk::in_memory();
    let run = ["run", "crio-to-docker", "--lab", "--lab-nodes", "14", "--die", "gluster5.demo/packages:half"];
    let dead = desk.run(&run);
    assert_eq!(dead.signal, Some(9), "{dead}");
    let out = desk.run(&["status"]).exits(0);
    let rows: Vec<String> =
        out.stdout.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for row in [
        "4 hosts done gluster1.demo, gluster2.demo and 2 more",
        "9 hosts not begun gluster6.demo, gluster7.demo and 7 more",
    ] {
        assert!(rows.iter().any(|is| is == row), "no `{row}`: {out}");
    }
    assert!(rows.iter().any(|row| row.starts_with("gluster5.demo ")), "{out}");
    let lanes = rows.iter().filter(|row| row.starts_with("gluster") && row.contains('/') || row.contains(" hosts "));
    // Two folded lines, the host at work, and the step that it stands at.
    assert_eq!(lanes.count(), 4, "{out}");
    desk.run(&["resume"]).exits(0).says(&["14 of 14 done: gluster1.demo", "and 8 more"]);
    desk.run(&["rollback"]).exits(6);
    assert_eq!(desk.inventory(), inventory_of(14));
    desk.run(&["verify"]).exits(0);
}

#[test]
fn numbers_of_nodes_that_cannot_be_are_refused() {
    let desk = Desk::new();
    for (number, words) in [
        ("0", "at least 3 storage nodes"),
        ("2", "three replicas"),
        ("-3", "3 to 2000"),
        ("1000000", "3 to 2000"),
        ("99999999999999999999999", "3 to 2000"),
        ("many", "3 to 2000"),
        ("", "3 to 2000"),
    ] {
        let out = desk.run(&["run", "crio-to-docker", "--lab", "--lab-nodes", number]).exits(2).complains(&[words]);
        assert_eq!(out.stdout, "", "{number}");
    }
    assert!(desk.files("").is_empty(), "nothing was made");
    let run = ["run", "crio-to-docker", "--lab-state", "a", "--lab-nodes", "4", "--host", "gluster4.demo"];
    desk.run(&run).exits(0);
    desk.run(&run).exits(2).complains(&["is there already", "leave --lab-nodes away"]);
    desk.run(&["run", "crio-to-docker", "--lab-state", "a", "--host", "gluster1.demo"]).exits(0);
}
