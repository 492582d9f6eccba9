use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

/// What a systemctl tells of the units of a text: a line for each, `NAME STATE PROPERTY=a,b ...`.
const SYSTEMCTL: &str = r#"#!/bin/sh
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
shift
for name; do
  line=$(while IFS= read -r one; do case $one in "$name "*) printf '%s\n' "$one"; break ;; esac; done <"$UNITS")
  if [ -z "$line" ]; then
    printf 'Id=%s\nNames=%s\nLoadState=not-found\nActiveState=inactive\n\n' "$name" "$name"
    continue
  fi
  set -- $line
  printf 'Id=%s\nLoadState=loaded\nActiveState=%s\n' "$1" "$2"
  case $line in *Names=*) ;; *) printf 'Names=%s\n' "$1" ;; esac
  shift 2
  for property; do printf '%s\n' "$property" | tr ',' ' '; done
  echo
done
"#;

/// What is reached in a world of units, by each shell that hosts have; the calls of systemctl that it took.
#[track_caller]
fn reached(units: &str, words: &str) -> Vec<String> {
    let place = tempfile::tempdir().expect("a folder can be made");
    let at = |name: &str| place.path().join(name);
    std::fs::write(at("units"), units).expect("it can be written");
    std::fs::write(at("systemctl"), SYSTEMCTL).expect("it can be written");
    std::fs::set_permissions(at("systemctl"), std::fs::Permissions::from_mode(0o755)).expect("it can be set");
    let path = format!("{}:{}", place.path().display(), std::env::var("PATH").unwrap_or_default());
    let script = format!("{}\n{ALONG}\n{words}", crate::ssh::NAMED);
    let mut said: Vec<Vec<String>> = Vec::new();
    for shell in [&["/bin/sh"][..], &["bash", "--posix"], &["dash"]] {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg("-c").arg(&script).env("PATH", &path).env("UNITS", at("units"));
        let Ok(out) = command.output() else { continue };
        assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{words}");
        let mut lines: Vec<String> = String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect();
        lines.retain(|line| !line.is_empty());
        lines.sort();
        said.push(lines);
    }
    assert!(said.windows(2).all(|two| two[0] == two[1]), "{said:?}");
    said.pop().expect("there is a shell")
}

#[test]
fn what_is_stopped_along_is_found_through_whatever_needs_it() {
    let units = "\
dns.service active RequiredBy=node.service,off.service Requires=sysinit.target,system.slice Conflicts=shutdown.target
node.service active ConsistsOf=part.service Requires=dns.service Wants=docker.service
off.service inactive RequiredBy=beyond.service Requires=dns.service
beyond.service active Requires=off.service
part.service active BoundBy=bound.mount
bound.mount active
docker.service active
";
    let all = ["along bound.mount", "along node.service", "along part.service"];
    assert_eq!(reached(units, "p_along stop dns"), all);
    assert_eq!(reached(units, "p_along stop node dns.service"), [all[0], all[2]]);
    // What does not run is followed where it was named.
    assert_eq!(reached(units, "p_along stop off"), ["along beyond.service"]);
    assert_eq!(reached(units, "p_along stop nothing"), Vec::<String>::new());
}

#[test]
fn what_is_started_along_or_makes_room_is_found() {
    let units = "\
node.service inactive Requires=dns.service Wants=docker.service,gone.service,runs.service Conflicts=old.service
dns.service inactive BindsTo=net.target
net.target failed
docker.service inactive ConflictedBy=podman.service
podman.service active RequiredBy=pod.service
pod.service active
runs.service active Requires=idle.service
idle.service inactive
old.service active TriggeredBy=old.socket
old.socket active
";
    let wanted = [
        "again old.socket",
        "along dns.service",
        "along docker.service",
        "along net.target",
        "along old.service",
        "along pod.service",
        "along podman.service",
    ];
    assert_eq!(reached(units, "p_along start node"), wanted);
    // A unit that runs starts nothing through others that run.
    assert_eq!(reached(units, "p_along start pod"), Vec::<String>::new());
}

#[test]
fn what_the_way_back_would_start_is_found_before() {
    let units = "\
node.service active Wants=docker.service Requires=dns.service
docker.service inactive
dns.service active RequiredBy=node.service
";
    assert_eq!(reached(units, "p_along stop node"), ["along docker.service"]);
    assert_eq!(reached(units, "p_along stop dns"), ["along docker.service", "along node.service"]);
}

#[test]
fn what_would_start_a_stopped_unit_again_is_told_unless_it_stops_too() {
    let units = "\
a.service inactive TriggeredBy=a.socket,a.timer,a.path
a.socket active
a.timer active
a.path inactive
";
    assert_eq!(reached(units, "p_along stop a"), ["again a.socket", "again a.timer"]);
    assert_eq!(reached(units, "p_along stop a.socket a"), ["again a.timer"]);
    assert_eq!(reached(units, "p_along start a"), Vec::<String>::new());
}

#[test]
fn what_is_needed_no_more_stops_along() {
    let units = "\
a.service active Wants=helper.service,shared.service
helper.service active StopWhenUnneeded=yes WantedBy=a.service,idle.service
shared.service active StopWhenUnneeded=yes WantedBy=a.service,b.service
b.service active
idle.service inactive
";
    assert_eq!(reached(units, "p_along stop a"), ["along helper.service"]);
    assert_eq!(reached(units, "p_along stop b a"), ["along helper.service", "along shared.service"]);
}

/// systemctl escapes the backslash of a name in lists.
#[test]
fn names_come_through_as_they_are() {
    let units = "\
a.service active RequiredBy=d-b\\x5cx2dc@1:2.service Names=a.service,other.service
d-b\\x2dc@1:2.service active
";
    assert_eq!(reached(units, "p_along stop a"), ["along d-b\\x2dc@1:2.service"]);
    let host = HostName::new("gluster1.demo").expect("a host name");
    let answer = |end: &str| format!("boot x\n# along\nalong d\\x2dc.service\nagain a.socket\n{end}");
    let more = along(&host, &answer("# /along 0\n")).expect("it is whole");
    let unit = |name: &str, fields| Footprint::new(ResourceKey::unit(&host, name), fields);
    assert_eq!(more, [unit("d\\x2dc", Fields::All), unit("a.socket", Fields::Evidence)]);
    for end in ["", "# /along 1\n", "Failed to connect to bus\n# /along 1\n"] {
        assert!(along(&host, &answer(end)).is_err(), "{end}");
    }
}

#[test]
fn what_is_enabled_along_is_read_in_the_files_of_units() {
    let place = tempfile::tempdir().expect("a folder can be made");
    let file = |name: &str, lines: &str| {
        let at = place.path().join(name);
        std::fs::write(&at, lines).expect("it can be written");
        at.display().to_string()
    };
    let (a, more) =
        (file("a", "[Install]\nAlso=a.socket b.service\nAlso=x@%i.socket\n"), file("more", "[Install]\nAlso=c.path\n"));
    let socket = file("a.socket", "[Install]\nAlso=a.service b.service\n");
    let units = format!(
        "a.service active FragmentPath={a} DropInPaths={more},/nothing\na.socket active FragmentPath={socket}\n\
         b.service inactive FragmentPath=\nc.path inactive\n"
    );
    assert_eq!(reached(&units, "p_also a"), ["along a.socket", "along b.service", "along c.path"]);
    assert_eq!(reached(&units, "p_also b"), Vec::<String>::new());
}
