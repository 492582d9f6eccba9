//! The oracle: what the fast way of asking Ansible says is what the program says that people start.

use palinode_tests::ansible::{Ansible, Release};

const PLAIN: &str = "lone\n[nodes]\ng[1:3].demo:2222 a=3.10 b='x y' # c\n[nodes:vars]\nc={'d': [1, None]}\n";
const BAD: &str = "[nodes]\ng1 word\n";

#[test]
fn both_ways_of_asking_say_the_same() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("it can be written");
        path.to_str().expect("a temporary folder has a plain name").to_owned()
    };
    let (plain, bad) = (file("plain", PLAIN), file("bad", BAD));
    for release in [Release::Current, Release::Old] {
        let Some(ansible) = Ansible::find("inventory::oracle::both_ways_of_asking_say_the_same", release) else {
            continue;
        };
        let ask = |path: &str, verb: &str| vec!["-i".to_owned(), path.to_owned(), verb.to_owned()];
        let questions = [ask(&plain, "--list"), ask(&bad, "--list"), ask(&plain, "--graph"), ask(&plain, "--list")];
        let fast = ansible.inventories(&questions);
        for (question, fast) in questions.iter().zip(&fast) {
            let real = ansible.inventory(question);
            assert_eq!(real.is_ok(), fast.is_ok(), "{release:?} {question:?}: {real:?} {fast:?}");
            if real.is_ok() {
                assert_eq!(&real, fast, "{release:?} {question:?}");
            }
        }
        assert!(fast[0].as_ref().is_ok_and(|text| text.contains("g3.demo") && text.contains("3.1")), "{fast:?}");
        assert!(fast[1].as_ref().is_err_and(|why| why.contains("key=value")), "{fast:?}");
        assert_eq!(fast[0], fast[3], "one question does not change the next");
    }
}
