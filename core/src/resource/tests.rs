//! States are compared on the fields that count, and keys are read as they were made.

use super::{Apart, Fields, Kind, ObjectRef, State};
use crate::id::{BodyId, HostName, ResourceKey};
use serde::Serialize;
#[test]
fn of_a_file_the_time_does_not_count_and_attributes_do_where_both_were_looked_at() {
    let of = |mtime, attributes: Option<u8>| State::File {
        mode: 0o644,
        owner: "root:root".to_owned(),
        size: 1,
        body: BodyId([1; 32]),
        mtime,
        attributes: attributes.map(|byte| BodyId([byte; 32])),
        inode: mtime.map(i64::unsigned_abs),
        holes: mtime == Some(2),
        above: None,
    };
    let unknown = State::file(0o644, "root:root", 1, BodyId([1; 32]));
    let same = |one: &State, other: &State| one.same(other, Fields::All) && other.same(one, Fields::All);
    assert!(same(&of(Some(1), None), &of(Some(2), None)));
    assert!(!same(&of(Some(1), None), &of(Some(1), Some(2))) && !same(&of(Some(1), Some(3)), &of(Some(1), Some(2))));
    assert!(same(&of(Some(1), Some(2)), &unknown), "what an older look did not ask for is not known");
    assert!(!same(&of(Some(1), None), &State::file(0o600, "root:root", 1, BodyId([1; 32]))));
    assert!(!same(&of(Some(1), None), &State::Absent));
}

/// Archives have times: a `touch` makes another one of the same tree.
#[test]
fn trees_with_equal_lists_are_the_same_whatever_their_times() {
    let of = |body, list: Option<u8>, socket: Option<&str>| State::Tree {
        entries: 2,
        body: BodyId([body; 32]),
        list: list.map(|byte| BodyId([byte; 32])),
        apart: socket.map(|path| Box::new(Apart { sockets: [path.to_owned()].into(), ..Apart::default() })),
        above: None,
    };
    let same = |one: &State, other: &State| one.same(other, Fields::All) && other.same(one, Fields::All);
    assert!(same(&of(1, Some(5), None), &of(2, Some(5), None)), "touched");
    assert!(same(&of(1, Some(5), Some("a")), &of(1, Some(5), None)), "a socket comes and goes with its program");
    assert!(!same(&of(1, Some(5), None), &of(1, Some(6), None)), "flags stand in no archive");
    // What an older look recorded has no list: its archive is all that is known.
    assert!(same(&State::tree(2, BodyId([1; 32])), &of(1, Some(5), None)));
    assert!(!same(&State::tree(2, BodyId([1; 32])), &of(2, Some(5), None)));
    assert!(!same(&State::tree(3, BodyId([1; 32])), &of(1, Some(5), None)));
}

#[test]
fn the_owner_of_a_link_counts_where_both_looks_asked_for_it() {
    let of = |target: &str, owner: Option<&str>| State::Link {
        target: target.to_owned(),
        owner: owner.map(str::to_owned),
        above: None,
    };
    let same = |one: &State, other: &State| one.same(other, Fields::All) && other.same(one, Fields::All);
    assert!(same(&of("x", Some("a:a")), &State::link("x")) && same(&of("x", Some("a:a")), &of("x", Some("a:a"))));
    assert!(!same(&of("x", Some("a:a")), &of("x", Some("b:b"))) && !same(&of("x", None), &of("y", None)));
}

/// What stands in journals of format 1.0 is still the one form of its value.
#[test]
fn a_file_of_which_no_more_is_known_is_stored_as_it_ever_was() {
    #[derive(Serialize)]
    #[serde(rename_all = "kebab-case")]
    enum Old {
        File { mode: u32, owner: String, size: u64, body: BodyId },
    }
    let old = Old::File { mode: 0o644, owner: "root:root".to_owned(), size: 1, body: BodyId([1; 32]) };
    let old = crate::canon::encode(&old).expect("it encodes");
    let state = State::file(0o644, "root:root", 1, BodyId([1; 32]));
    assert_eq!(crate::canon::decode::<State>(&old).expect("it decodes"), state);
    assert_eq!(crate::canon::encode(&state).expect("it encodes"), old);
}

#[test]
fn keys_come_apart_as_they_were_built() {
    let host = HostName::new("gluster1.demo").expect("a host name");
    let table = [
        (ResourceKey::unit(&host, "crio"), Kind::Unit("gluster1.demo", "crio")),
        (ResourceKey::package(&host, "docker"), Kind::Package("gluster1.demo", "docker")),
        (ResourceKey::file(&host, "/etc/a:b/c"), Kind::File("gluster1.demo", "/etc/a:b/c")),
        (ResourceKey::control_file("/home/x/hosts"), Kind::File("control", "/home/x/hosts")),
        (ResourceKey::boot(&host), Kind::Boot("gluster1.demo")),
        (ResourceKey::node("gluster1.demo"), Kind::Node("gluster1.demo")),
        (ResourceKey::pods("gluster1.demo"), Kind::Pods("gluster1.demo")),
        (ResourceKey::config_map("openshift-node", "cm"), Kind::ConfigMap("openshift-node", "cm")),
        (ResourceKey::repository(&host, "a/b"), Kind::Repository("gluster1.demo", "a/b")),
        (ResourceKey::release(&host), Kind::Release("gluster1.demo")),
        (ResourceKey::unit(&host, "galera@cluster"), Kind::Unit("gluster1.demo", "galera@cluster")),
        (ResourceKey::file(&host, "/etc/x@cluster"), Kind::File("gluster1.demo", "/etc/x@cluster")),
    ];
    for (key, kind) in table {
        assert_eq!(key.kind(), Some(kind), "{key}");
    }
    let object = |api: &str, kind: &str, namespace: Option<&str>, name: &str| ObjectRef {
        api: api.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    };
    for (api, kind, namespace, name, text) in [
        ("apps/v1", "DaemonSet", Some("a"), "b", "object/apps/v1/DaemonSet/a/b@cluster"),
        ("v1", "Service", Some("a"), "b", "object/v1/Service/a/b@cluster"),
        ("v1", "Namespace", None, "b", "object/v1/Namespace/-/b@cluster"),
        (
            "rbac.authorization.k8s.io/v1",
            "ClusterRole",
            None,
            "system:b",
            "object/rbac.authorization.k8s.io/v1/ClusterRole/-/system:b@cluster",
        ),
        ("x/v1", "ConfigMap", Some("a"), "b", "object/x/v1/ConfigMap/a/b@cluster"),
    ] {
        let key = ResourceKey::object(&object(api, kind, namespace, name));
        assert_eq!(key.as_str(), text);
        assert_eq!(key.kind(), Some(Kind::Object { api, kind, namespace, name }), "{key}");
        assert_eq!(key.host(), None);
        assert_eq!(key.kind().and_then(|kind| kind.object()), Some(object(api, kind, namespace, name)));
    }
    // One thing has one key.
    let map = ResourceKey::object(&object("v1", "ConfigMap", Some("a"), "b"));
    assert_eq!(map, ResourceKey::config_map("a", "b"));
    for (text, none) in
        [("object/v1/a/b@cluster", true), ("object/a/b/v1/K/n/m@cluster", true), ("object/v1/K/a/b", true)]
    {
        let key = ResourceKey::new(text).expect("a key");
        assert_eq!(key.kind().is_none(), none, "{text}");
    }
    let key = ResourceKey::file(&HostName::new("object").expect("a host name"), "/etc/x/y/z@cluster");
    assert_eq!(key.kind(), Some(Kind::File("object", "/etc/x/y/z@cluster")));
    assert!(!ResourceKey::file(&host, "/tmp/\u{1b}[2J").as_str().contains('\u{1b}'));
}
