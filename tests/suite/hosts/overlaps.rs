//! Steps of one run that change what another one of them changed, by another name: a file and the tree around it, a package
//! and what is in it. What is as it was after a rollback is no residue.

use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;

const DISK: Kind = Kind { rhel7: false, disk: true, gluster: false };
const HOST: &str = "gluster1.demo";

const MAKE: &str = "set -e; mkdir -p /etc/odd/sub/deep; echo one >/etc/odd/sub/one; echo two >/etc/odd/sub/deep/two; ln -s odd/sub/one /etc/link
    systemctl stop docker; rpm -e --nodeps docker; systemctl daemon-reload; test ! -e /etc/sysconfig/docker";

const BOOK: &str = "\
runbook: overlaps
hosts: { group: glusterfs }
each_host:
  - inside: { file: { paths: [/etc/odd/sub/deep/two], state: absent } }
  - deep: { file: { paths: [/etc/odd/sub/deep], state: absent } }
  - through: { command: { run: [/bin/sh, -c, 'echo more >>/etc/link'], changes: [/etc/link] } }
  - around: { file: { paths: [/etc/odd], state: absent } }
  - install: { package: { names: [docker], state: present } }
  - configure: { file: { path: /etc/sysconfig/docker, content: 'OPTIONS=', mode: '0600' } }
  - start: { service: { unit: docker, state: started, enabled: true } }
  - remove: { package: { names: [cri-o], state: absent } }
  - stop: { service: { unit: crio, state: stopped } }
  - purge: { file: { paths: [/etc/crio], state: absent } }
";

#[test]
fn what_several_steps_changed_by_different_names_is_no_residue_once_it_is_back() {
    let Some(site) = InventoryDir::new("real hosts: steps that overlap", DISK, &[HOST]) else { return };
    site.hosts.run(HOST, MAKE).exits(0);
    let digest = || {
        let script = "cd /etc; find odd link crio -printf '%p|%y|%m|%U:%G|%l\\n' | sort; cat odd/sub/one odd/sub/deep/two crio/crio.conf
            ls sysconfig; rpm -qa | sort; systemctl show -p Id -p ActiveState -p UnitFileState crio docker";
        site.hosts.run(HOST, script).exits(0).stdout
    };
    let before = digest();
    site.desk.write("book.yml", BOOK);
    site.run(&["run", "./book.yml", "-i", "hosts", "--yes"]).exits(0);
    assert_ne!(digest(), before);
    let out = site.run(&["rollback", "--yes"]);
    assert_eq!(digest(), before, "{out}");
    out.exits(0).tells(&["rolled-back"]);
    site.is_sound();
}
