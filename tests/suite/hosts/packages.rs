//! Packages on real hosts: which one a word means, what a transaction takes along, and whether it can be taken back. The
//! packages are made on the machines.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const RHEL7: Kind = Kind { rhel7: true, disk: false, gluster: false };
const FIRST: &str = "gluster1.demo";

/// `build NAME VERSION RELEASE [TAG...]` makes a package into /srv/odd, a repository of its own; `%...` begins a section.
const BUILD: &str = r#"
set -e
mkdir -p /srv/odd /root/odd
printf '[odd]\nname=odd\nbaseurl=file:///srv/odd\nenabled=1\ngpgcheck=0\n' >/etc/yum.repos.d/odd.repo
build() {
  name=$1 version=$2 release=$3; shift 3
  {
    printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: odd\nLicense: none\nAutoReqProv: no\nBuildArch: noarch\n' "$name" "$version" "$release"
    for tag; do case $tag in %*) ;; *) echo "$tag" ;; esac; done
    printf '%%description\nodd\n%%install\nmkdir -p %%{buildroot}/etc\necho %s >%%{buildroot}/etc/%s.conf\n' "$name" "$name"
    for tag; do case $tag in %*) echo "$tag" ;; esac; done
    printf '%%files\n%%config(noreplace) /etc/%s.conf\n' "$name"
  } >/root/odd/$name.spec
  rpmbuild -bb --quiet --define '_topdir /root/odd/top' --define '_rpmdir /srv/odd' --define '__os_install_post %{nil}' \
    --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' --define '_build_id_links none' /root/odd/$name.spec
}
repo() { createrepo_c --quiet /srv/odd; yum -q clean all; }
"#;

fn made(site: &InventoryDir, script: &str) {
    site.hosts.inside(FIRST, &format!("{BUILD}{script}")).exits(0);
}

fn installed(site: &InventoryDir, name: &str) -> String {
    site.hosts.inside(FIRST, &format!("rpm -qa {name} | sort | xargs")).text()
}

fn words(kind: Kind, test: &str) {
    let Some(site) = InventoryDir::new(test, kind, &[FIRST]) else { return };
    made(
        &site,
        "build llvm-toolset 5.0 1.el7; build llvm-toolset-7 7.0 2.el7; build devtoolset 7 1.el7; build devtoolset-7 7.1 4.el7
         build kernel-odd 3.10.0 957.el7 'Provides: installonlypkg(kernel)'; build java-1.8.0-odd 1.8.0.232 0.el7 'Epoch: 1'; repo
         rpm -i /srv/odd/llvm-toolset-5* /srv/odd/devtoolset-7-7.1* /srv/odd/java* /srv/odd/kernel-odd*",
    );
    let exec = |words: &[&str]| site.run(&[&["exec", FIRST, "package"], words, &["--yes"]].concat());
    // Another package, whose version is not the one that was named, stays.
    exec(&["llvm-toolset-7", "absent"]).exits(0).says(&["nothing to do"]);
    assert_eq!(installed(&site, "llvm-toolset*"), "llvm-toolset-5.0-1.el7.noarch");
    exec(&["devtoolset-7", "java-1.8.0-odd.noarch", "absent"]).exits(0);
    assert_eq!(installed(&site, "devtoolset* java-1.8.0-odd"), "");
    site.is_sound();
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(
        installed(&site, "devtoolset* java-1.8.0-odd"),
        "devtoolset-7-7.1-4.el7.noarch java-1.8.0-odd-1.8.0.232-0.el7.noarch"
    );
    site.is_sound();
    // A name and a version.
    exec(&["1:java-1.8.0-odd-1.8.0.232-0.el7.noarch", "llvm-toolset-5.0", "absent"]).exits(0);
    assert_eq!(installed(&site, "llvm-toolset* java-1.8.0-odd"), "");
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(installed(&site, "llvm-toolset*"), "llvm-toolset-5.0-1.el7.noarch");
    exec(&["kernel-odd-3.10.0-862.el7", "absent"]).exits(0);
    exec(&["llvm-toolset-7", "present"]).exits(0);
    assert_eq!(
        installed(&site, "llvm-toolset* kernel-odd"),
        "kernel-odd-3.10.0-957.el7.noarch llvm-toolset-5.0-1.el7.noarch llvm-toolset-7-7.0-2.el7.noarch"
    );
    site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(installed(&site, "llvm-toolset*"), "llvm-toolset-5.0-1.el7.noarch");
    let out = exec(&["llvm-*", "absent"]).exits(2);
    assert!(out.stderr.contains("contains `*`"), "{out}");
    site.is_sound();
    if kind.rhel7 {
        site.hosts.run(FIRST, "cat /var/log/too-new 2>/dev/null; test ! -s /var/log/too-new").exits(0);
    }
}

#[test]
fn a_word_is_first_the_name_of_a_package_and_then_a_version() {
    words(Kind::default(), "real hosts: names that end like versions");
}

#[test]
fn the_same_by_the_tools_of_rhel_7() {
    words(RHEL7, "real hosts: names that end like versions, RHEL 7");
}

/// What a host is as far as packages go.
const DIGEST: &str =
    "rpm -qa | sort; rpm -Va | grep -v ^missing | sort; ls /etc/*.conf* /etc/docker*; cat /etc/old.conf /etc/side.conf";

#[test]
fn what_a_package_replaces_upgrades_and_pushes_out_comes_back_with_its_files() {
    let Some(site) = InventoryDir::new("real hosts: packages that are replaced", RHEL7, &[FIRST]) else { return };
    made(
        &site,
        "build old 1 1; build old-client 1 1; build side 1 1; repo
         yum -y -q install old old-client side
         build side 2 1; build new 5 1 'Obsoletes: old < 5' 'Obsoletes: old-client < 5' 'Requires: side >= 2'
         build docker-ce 18 1 'Obsoletes: docker' 'Obsoletes: docker-client' 'Obsoletes: docker-common'; repo
         systemctl enable docker; systemctl start docker
         echo changed >>/etc/old.conf; echo changed >>/etc/side.conf",
    );
    let digest = || site.hosts.inside(FIRST, DIGEST).exits(0).stdout;
    let before = digest();
    site.run(&["exec", FIRST, "package", "new", "present", "--yes"]).exits(0);
    assert_eq!(installed(&site, "old* new side"), "new-5-1.noarch side-2-1.noarch");
    let out = site.run(&["undo", "@", "--yes"]).exits(0);
    assert_eq!(digest(), before, "{out}");
    site.is_sound();
    // With what ran.
    for words in [&["docker-ce", "present"][..], &["docker", "absent"]] {
        let running = || site.hosts.inside(FIRST, "systemctl is-active docker; systemctl is-enabled docker").stdout;
        let (before, was) = (digest(), running());
        assert_eq!(was.split_whitespace().collect::<Vec<_>>(), ["active", "enabled"]);
        site.run(&[&["exec", FIRST, "package"], words, &["--yes"]].concat()).exits(0);
        site.hosts.inside(FIRST, "! rpm -q docker && ! systemctl is-active docker").exits(0);
        let out = site.run(&["undo", "@", "--yes"]).exits(0);
        assert_eq!((digest(), running()), (before, was), "{words:?}: {out}");
        site.is_sound();
    }
}

/// Signs what is in the repository, with a key of its own.
const SIGN: &str = r#"
export HOME=/root PATH=/usr/sbin:/usr/bin
cd /root
gpg --batch --quiet --passphrase '' --quick-generate-key odd rsa2048 sign never
gpg --export -a odd >/root/odd.key
rpmsign --define '__gpg /usr/bin/gpg' --define '_gpg_name odd' --addsign /srv/odd/*.rpm && createrepo_c -q /srv/odd && yum -q clean all
"#;

const PREFLIGHT: &str = "\
runbook: remove-odd
hosts: { group: glusterfs }
preflight:
  - put-back: { package.restorable: { names: [odd-1, odd] }, timeout: 3s }
each_host:
  - gone: { package: { names: [odd-1, odd], state: absent } }
";

#[test]
fn what_could_not_be_put_back_is_told_before_it_is_removed() {
    let Some(site) = InventoryDir::new("real hosts: packages that could not be put back", RHEL7, &[FIRST]) else {
        return;
    };
    made(&site, "build odd-1 2 3; build odd 1 1; repo; yum -y -q install odd odd-1");
    site.desk.write("odd.yml", PREFLIGHT);
    let refused = |words: &str| {
        let out = site.run(&["exec", FIRST, "package", "odd-1", "odd", "absent"]).exits(2);
        let said = out.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("could not be put back") && said.contains(words), "{words}: {said}");
        let out = site.run(&["run", "./odd.yml", "-i", "hosts", "--yes"]);
        assert_ne!(out.code, Some(0), "{out}");
        assert_eq!(installed(&site, "odd odd-1"), "odd-1-1.noarch odd-1-2-3.noarch", "{words}: {out}");
        site.run(&["close", "@", "--reason", "test", "--yes"]);
    };
    // The repository names it, and its file is not there.
    site.hosts.inside(FIRST, "mv /srv/odd/odd-1-2* /root").exits(0);
    refused("odd-1-0:2-3.noarch");
    site.hosts.inside(FIRST, "mv /root/odd-1-2* /srv/odd").exits(0);
    // Its signature would not be taken.
    site.hosts.inside(FIRST, "sed -i s/gpgcheck=0/gpgcheck=1/ /etc/yum.repos.d/odd.repo").exits(0);
    refused("it is not signed, and odd has signatures checked");
    // It is signed, and nobody on the host knows by whom; then the repository names the key, as yum would take it over.
    site.hosts.inside(FIRST, SIGN).exits(0);
    refused("rpm does not know the key of its signature, and odd names none that fits");
    site.hosts.inside(FIRST, "echo gpgkey=file:///root/odd.key >>/etc/yum.repos.d/odd.repo").exits(0);
    site.run(&["run", "./odd.yml", "-i", "hosts", "--yes"]).exits(0);
    assert_eq!(installed(&site, "odd odd-1"), "");
    site.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(installed(&site, "odd odd-1"), "odd-1-1.noarch odd-1-2-3.noarch");
    site.hosts.inside(FIRST, "sed -i 's/gpgcheck=1/gpgcheck=0/; /gpgkey/d' /etc/yum.repos.d/odd.repo").exits(0);
    // It is in no repository.
    site.hosts
        .inside(FIRST, "mkdir /root/all; mv /srv/odd/*.rpm /root/all; createrepo_c -q /srv/odd; yum clean all")
        .exits(0);
    refused("not in the repositories");
    let out = site.run(&["exec", FIRST, "package", "odd", "absent", "--yes"]).exits(0);
    assert!(out.stderr.contains("could not be put back"), "{out}");
    site.hosts
        .inside(
            FIRST,
            "rpm -i /root/all/odd-1-1*; mv /root/all/*.rpm /srv/odd; createrepo_c -q /srv/odd; yum clean all",
        )
        .exits(0);
    // Nothing stands against it any more, and nothing was left of what was fetched.
    site.hosts.inside(FIRST, "! ls -d /var/lib/palinode/put-back.*").exits(0);
    site.run(&["run", "./odd.yml", "-i", "hosts", "--yes"]).exits(0);
    assert_eq!(installed(&site, "odd odd-1"), "");
    site.run(&["rollback", "--yes"]).exits(0);
    assert_eq!(installed(&site, "odd odd-1"), "odd-1-1.noarch odd-1-2-3.noarch");
    site.is_sound();
    site.hosts.run(FIRST, "cat /var/log/too-new 2>/dev/null; test ! -s /var/log/too-new").exits(0);
}

#[test]
fn what_keeps_a_package_from_coming_is_told_in_the_words_that_say_why() {
    let Some(site) = InventoryDir::new("real hosts: reasons of packages", RHEL7, &[FIRST]) else { return };
    made(&site, "build bad 1 1 '%pre\necho no user is left\nexit 3'; build good 1 1; repo");
    let fails = |words: &[&str], told: &[&str]| {
        let out = site.run(&[&["exec", FIRST, "package"], words, &["--yes"]].concat());
        assert!(out.code != Some(0), "{out}");
        let said = format!("{} {}", out.stdout, out.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        told.iter().for_each(|told| assert!(said.contains(told), "{told}: {said}"));
    };
    fails(&["bad", "present"], &["scriptlet failed, exit status 3"]);
    // rpm itself is at work.
    let hold = "exec 9>>/var/lib/rpm/.rpm.lock; python3 -c 'import fcntl, time; fcntl.lockf(9, fcntl.LOCK_EX); time.sleep(60)'";
    let mut holder = site.hosts.ssh(FIRST, hold).spawn().expect("ssh can be started");
    site.hosts.until(FIRST, "awk -v i=:$(stat -c %i /var/lib/rpm/.rpm.lock) '$4 == \"WRITE\" && substr($6, 6) == i' /proc/locks | grep -q .");
    fails(&["good", "present"], &["holds rpm's lock /var/lib/rpm/.rpm.lock", "python3", "retry when it has ended"]);
    let _ = holder.kill();
    let _ = holder.wait();
    site.hosts.inside(FIRST, "kill $(pgrep -f '[l]ockf')");
    // A repository that is not there.
    site.hosts.inside(FIRST, "sed -i s,/srv/odd,/srv/none, /etc/yum.repos.d/odd.repo; yum clean all").exits(0);
    fails(&["good", "present"], &["repomd.xml"]);
}

/// What was installed since may need what a rollback would remove: that is found before anything goes, and told.
#[test]
fn an_installation_that_others_need_by_now_is_not_taken_back_from_under_them() {
    let Some(site) = InventoryDir::new("real hosts: packages that others need by now", Kind::default(), &[FIRST])
    else {
        return;
    };
    made(&site, "build below 1.0 1; build above 1.0 1 'Requires: below'; build beside 1.0 1; repo");
    site.run(&["exec", FIRST, "package", "below", "present", "--yes"]).exits(0);
    site.hosts.inside(FIRST, "rpm -i /srv/odd/above-1*").exits(0);
    let told = ["above would go too", "package above absent"];
    site.run(&["undo", "@", "--dry-run"]).exits(0).says(&told);
    let out = site.run(&["undo", "@", "--yes"]).exits(3);
    assert!(told.iter().all(|words| format!("{}{}", out.stdout, out.stderr).contains(words)), "{out}");
    assert_eq!(installed(&site, "above below"), "above-1.0-1.noarch below-1.0-1.noarch");
    site.hosts.inside(FIRST, "rpm -e above").exits(0);
    site.run(&["resume"]).exits(0).tells(&["rolled-back"]);
    assert_eq!(installed(&site, "above below"), "");
    site.is_sound();
}
