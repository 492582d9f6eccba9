//! What the script prints, and that nothing in it is taken for something else.

use super::super::answer::No;
use super::super::ask::{LIMIT, Said, Silent, answers, evidence};
use super::super::heal::heal;
use super::*;
use crate::ssh::encoded;

#[test]
fn what_the_script_prints_is_taken_apart() {
    let part = |asked: &str, out: &str, end: &str| {
        format!("asked {asked}\nout {}\nend {}\n", encoded(out.as_bytes()), encoded(end.as_bytes()))
    };
    let said = |text: &str| Said { code: 0, out: text.as_bytes().to_vec(), err: "sh: oh".to_owned() };
    let text = format!(
        "{}{}asked heal v\nout \nend\nwhole\n",
        part("pool", "asked x\nend\n", "oh\nno\n0\n"),
        part("list", "v\n", "\n1\n")
    );
    let all = answers(&said(&text)).expect("it can be taken apart");
    let wanted = Raw { code: Some(0), out: b"asked x\nend\n".to_vec(), err: "oh\nno".to_owned(), whole: true };
    assert_eq!(all["pool"], wanted);
    assert_eq!((all["list"].code, all["list"].err.as_str(), all["heal v"].code), (Some(1), "", None));
    for end in 0..text.len() - 1 {
        assert!(answers(&said(&text[..end])).is_err(), "cut off at {end}");
    }
    let twice = format!("{0}{0}whole\n", part("pool", "", "\n0\n"));
    assert!(answers(&said(&twice)).expect_err("twice").to_string().contains("twice"));
    assert!(answers(&said("whole\nasked x\n")).expect_err("more").to_string().contains("sh: oh"));
    let long = format!("{}whole\n", part("heal v", &"x".repeat(LIMIT), "\n0\n"));
    let all = answers(&said(&long)).expect("it can be taken apart");
    assert!(!all["heal v"].whole);
    assert_eq!(heal(&all["heal v"]), Err(No::TooLong));
    let cut = answers(&said(&long[..LIMIT])).expect_err("it is cut off");
    assert!(matches!(cut, Silent::NoAnswer { long: true, .. }), "{cut:?}");
    let told = evidence("g1", Ok(&all));
    assert!(told.len() < 100_000 && told.contains("bytes more"), "{}", told.len());
    assert!(
        evidence("g1", Err(&Silent::Unreached("no connection".to_owned()))).contains("cannot be asked: no connection")
    );
}

#[test]
fn no_changed_byte_opens_the_gate() {
    let sick: [(&str, Raw); 4] = [
        ("heal v", entries("v", [Some(1), Some(1), Some(0)])),
        ("heal v", entries("v", [Some(0), Some(0), None])),
        (
            "heal v",
            raw(
                "Brick g1:/b/v\n/f \nStatus: Connected\nNumber of entries: 1\n\nBrick g2:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g3:/b/v\nStatus: Connected\nNumber of entries: 0\n\n",
            ),
        ),
        (
            "heal v",
            raw(
                "Brick g1:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g2:/b/v\nStatus: Connected\nNumber of entries: 0\n\nBrick g3:/b/v\nStatus: Transport endpoint is not connected\nNumber of entries: -\n\n",
            ),
        ),
    ];
    for (asked, answer) in sick {
        for at in 0..answer.out.len() {
            for byte in [b'0', b' ', b'\n', b'<', b'/', b'-', 0xff] {
                let mut changed = answer.clone();
                changed.out[at] = byte;
                let judged = both(|c| c.say(asked, changed.clone()));
                assert!(!judged.pass, "byte {at} of {answer:?} as {byte}");
            }
        }
    }
}
