//! What the shell's functions make of the answers of rpm and yum, with tools that say what these said.

use super::shell_tests::{base64, each};

/// A question about packages that gets no answer is refused in the words of the tool: it is never taken for "nothing".
#[test]
fn a_question_about_packages_without_an_answer_is_refused() {
    each(|shell, place, _| {
        let tools = place.join("tools");
        std::fs::create_dir(&tools).expect("a folder can be made");
        let path = tools.to_str().expect("a path in UTF-8");
        let tool = |name: &str, text: &str| {
            let file = tools.join(name);
            std::fs::write(&file, format!("#!/bin/sh\n{text}\n")).expect("a file can be written");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(&file, mode).expect("its mode can be set");
        };
        let mut ask = |question: &str| shell.ask(&format!("PATH={path}:$PATH; {question} 2>&1"));
        tool("rpm", "echo \"package $3 is not installed\"; exit 1");
        let would = "echo 'Installing:'; echo ' docker  x86_64  2:1.13-1 rhel 1 M'; echo 'Installing for dependencies:'; \
                     echo ' docker-common  x86_64  2:1.13-1 rhel 1 M'; echo 'Transaction Summary'; ";
        for word in ["Exiting on user command", "Operation aborted."] {
            tool("yum", &format!("{would} echo '{word}'; exit 1"));
            let (code, lines) = ask("p_arrival docker");
            let wanted = ["brings docker", "comes docker 2 1.13 1 x86_64", "brings docker-common"];
            assert_eq!((code, &lines[..3]), (0, &wanted.map(str::to_owned)[..]), "{lines:?}");
        }
        // What is replaced, and what of all that was changed.
        let replaces = "echo 'Installing:'; echo ' docker-ce  x86_64  3:18-1 rhel 1 M'; \
                        echo '     replacing  docker.x86_64 2:1.13-1'; echo 'Transaction Summary'";
        tool("yum", &format!("{replaces}; echo 'Exiting on user command'; exit 1"));
        tool(
            "rpm",
            "case $1 in -q) [ $3 = docker ] || { echo \"package $3 is not installed\"; exit 1; } ;; \
                     -V) [ \"$4\" = docker ] && echo 'S.5....T.  c /etc/docker.conf'; exit 1 ;; esac",
        );
        let lines = ["brings docker-ce", "comes docker-ce 3 18 1 x86_64", "replaces docker"].map(str::to_owned);
        let changed = format!("changed {}", base64("/etc/docker.conf"));
        assert_eq!(ask("p_arrival docker-ce"), (0, [&lines[..], &[changed, "end".to_owned()]].concat()));
        tool("rpm", "echo \"package $3 is not installed\"; exit 1");
        tool("yum", "echo 'Package docker already installed'; echo 'Nothing to do'");
        assert_eq!(ask("p_arrival docker"), (0, vec!["end".to_owned()]));
        // Nothing can be done, and the job will say so.
        for words in
            ["Error: Unable to find a match: docker", "No package docker available.", " Problem: conflicting requests"]
        {
            tool("yum", &format!("echo '{words}' >&2; exit 1"));
            assert_eq!(ask("p_arrival docker"), (0, vec!["end".to_owned()]), "{words}");
        }
        let failures = [
            "failure: repodata/repomd.xml from rhel: [Errno 256] No more mirrors to try.",
            "Another app is currently holding the yum lock; exiting as configured by exit_on_lock",
            "Error: Failed to download metadata for repo 'rhel'",
            "Error: Unable to find a match: docker; Ignoring repositories: rhel",
        ];
        for words in failures {
            tool("yum", &format!("echo 'Loaded plugins'; echo \"{words}\" >&2; echo; exit 1"));
            let (code, lines) = ask("p_arrival docker");
            assert_eq!((code, lines), (1, vec![words.to_owned()]));
        }

        // Which packages words may mean.
        tool("rpm", "printf '%s 0 7 1 x86_64\\n' docker devtoolset devtoolset-7 llvm-toolset dev");
        let (code, lines) = ask("p_words devtoolset-7 0:llvm-toolset-7");
        let named = ["dev", "devtoolset", "devtoolset-7", "llvm-toolset"].map(|name| format!("is {name} 0 7 1 x86_64"));
        let mut found = lines.clone();
        found.sort();
        assert_eq!((code, found), (0, named.to_vec()), "{lines:?}");
        tool("rpm", "echo 'error: rpmdb open failed' >&2; exit 0");
        assert_eq!(ask("p_words devtoolset-7").0, 1);

        // What goes along.
        let rpm = |query: &str, erase: &str, verify: &str| {
            tool("rpm", &format!("case $1 in -q) {query} ;; -e) {erase} ;; -V) {verify} ;; esac"));
        };
        let users = "case $* in *cockpit*) exit 0 ;; esac; echo 'error: Failed dependencies:' >&2; \
                     echo '\tdocker is needed by (installed) cockpit-docker-1-1.x86_64' >&2; exit 1";
        rpm("echo cockpit-docker", users, "echo 'S.5....T.  c /etc/docker.conf'; exit 1");
        let (code, lines) = ask("p_removal docker");
        let changed = format!("changed {}", base64("/etc/docker.conf"));
        assert_eq!((code, lines), (0, vec!["needs cockpit-docker".into(), changed, "end".into()]));
        rpm("echo \"package $3 is not installed\"; exit 1", "exit 9", "exit 9");
        assert_eq!(ask("p_removal docker"), (0, vec!["end".to_owned()]));
        let broken = "echo 'error: rpmdb open failed' >&2; exit 1";
        for (query, erase, verify) in
            [(broken, "exit 0", "exit 0"), ("exit 0", broken, "exit 0"), ("exit 0", "exit 0", broken)]
        {
            rpm(query, erase, verify);
            assert_eq!(
                ask("p_removal docker"),
                (1, vec!["error: rpmdb open failed".to_owned()]),
                "{query}; {erase}; {verify}"
            );
        }
        rpm(broken, "exit 0", "exit 0");
        assert_eq!(ask("p_restorable docker").0, 1);
        let told = |bad: &str| format!("bad docker-2:1-1.x86_64 {}", base64(bad).trim_end());
        rpm("echo 'docker-2:1-1.x86_64'", "exit 0", "exit 0");
        tool("yum", "echo 'Error: Cannot retrieve repository metadata' >&2; exit 1");
        let (code, lines) = ask("p_restorable docker");
        assert!(code == 1 && lines.last().is_some_and(|line| line.contains("Cannot retrieve")), "{lines:?}");
        // The repository names it, and its file is not there.
        let offers = "case $* in *list*) echo 'Available Packages'; echo 'docker.x86_64 2:1-1 rhel'; exit 0 ;; esac";
        tool(
            "yum",
            &format!(
                "{offers}; echo 'Error downloading packages:'; echo '  docker: [Errno 256] 404 Not Found'; exit 1"
            ),
        );
        let lines = ask("p_restorable docker").1;
        let gone = told("Error downloading packages:; docker: [Errno 256] 404 Not Found");
        assert!(lines.contains(&gone) && lines.last().is_some_and(|line| line == "end"), "{lines:?}");
        // It can be fetched, and is what the repository wants it to be.
        let fetch = "for word; do case $word in --downloaddir=*) : >\"${word#*=}/docker.rpm\" ;; esac; done";
        tool("yum", &format!("{offers}; {fetch}"));
        let signature = |says: &str| {
            tool(
                "rpm",
                &format!(
                    "case $* in *-K*) case $* in *--dbpath*) echo '/x/docker.rpm: digests SIGNATURES NOT OK' ;; *) echo '/x/docker.rpm: {says}' ;; esac ;; \
                 *--import*|*--initdb*) ;; *) echo 'docker-2:1-1.x86_64' ;; esac"
                ),
            );
        };
        let key = "rpm does not know the key of its signature, and rhel names none that fits";
        let unsigned = "it is not signed, and rhel has signatures checked";
        for (says, bad) in [
            ("rsa sha1 (md5) pgp md5 OK", None),
            ("digests signatures OK", None),
            ("RSA sha1 ((MD5) PGP) md5 NOT OK (MISSING KEYS: (MD5) PGP#fd431d51)", Some(key)),
            ("digests SIGNATURES NOT OK", Some(key)),
            ("sha1 md5 OK", Some(unsigned)),
            ("digests OK", Some(unsigned)),
        ] {
            signature(says);
            let lines = ask("p_keys() { echo 1 file:///etc/key; }; p_restorable docker").1;
            let found: Vec<&String> = lines.iter().filter(|line| line.starts_with("bad ")).collect();
            let wanted: Vec<String> = bad.map(told).into_iter().collect();
            assert_eq!(found, wanted.iter().collect::<Vec<_>>(), "{says}: {lines:?}");
            let lines = ask("p_keys() { echo 0; }; p_restorable docker").1;
            assert_eq!(lines, ["want docker-2:1-1.x86_64", "have docker-2:1-1.x86_64 rhel", "end"], "{says}");
        }
        let left = std::fs::read_dir(place.join("lib")).expect("it is there").flatten();
        assert!(!left.into_iter().any(|item| item.file_name().to_string_lossy().starts_with("put-back")));
    });
}

/// As yum 3.4 and dnf 4 print what they would do.
#[test]
fn all_that_a_transaction_touches_is_read_out_of_its_table() {
    let table = "\
Dependencies resolved.
================================================================================
 Package     Arch   Version                      Repository                Size
================================================================================
Installing:
 docker-ce   x86_64 3:18.09.0-3.el7              docker                    19 M
     replacing  docker.x86_64 2:1.13.1-109.gitcccb291.el7_7
     replacing  docker-common.x86_64 2:1.13.1-109.gitcccb291.el7_7
Upgrading:
 a-package-whose-name-is-longer-than-its-column
             noarch 1.0-2                        rhel-7-server-ose-3.11-rpms
                                                                           1 k
Installing dependencies:
 containerd.io
             x86_64 1.2.0-3.el7                  docker                    22 M
Removing dependent packages:
 cockpit-docker
             x86_64 195.1-1.el7                  @rhel                      0
Downgrading:
 libseccomp  x86_64 2.3.1-3.el7                  rhel                     56 k
Skipping packages with conflicts:
(add '--best --allowerasing' to command line to force their upgrade):
 conflicting x86_64 1-1                          rhel                      1 k

Transaction Summary
================================================================================
Install  2 Packages
";
    each(|shell, place, _| {
        let file = place.join("table");
        std::fs::write(&file, table).expect("it can be written");
        let wanted = [
            "brings docker-ce x86_64 3:18.09.0-3.el7",
            "replaces docker",
            "replaces docker-common",
            "brings a-package-whose-name-is-longer-than-its-column noarch 1.0-2",
            "brings containerd.io x86_64 1.2.0-3.el7",
            "removes cockpit-docker x86_64 195.1-1.el7",
            "brings libseccomp x86_64 2.3.1-3.el7",
        ];
        assert_eq!(shell.ask(&format!("p_table <{}", file.display())).1, wanted);
    });
}
