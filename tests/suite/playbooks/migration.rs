//! The two playbooks of the migration as typed steps, with what must hold before and after, on real machines and with the real
//! Ansible. What they run are stand-ins (`fixtures/playbooks`): openshift-ansible itself needs a cluster.

use palinode_tests::ansible::Release;
use palinode_tests::playbooks::Playbooks;
use std::path::Path;

const NODE: &str = "gluster1.demo";
const OTHER: &str = "gluster2.demo";
const MASTER: &str = "master1.demo";

const RUN: [&str; 5] = ["run", "./migrate.yml", "-i", "hosts", "--yes"];

const PACKAGES: &str = "[criu, docker, atomic-openshift-excluder, atomic-openshift-docker-excluder, cri-tools, \
    atomic-openshift-hyperkube, atomic-openshift-node, docker-client, cri-o, atomic-openshift-clients, dnsmasq]";

fn inventory() -> String {
    format!(
        "# The cluster\n[OSEv3:children]\nmasters\nnodes\nnew_nodes\n\n[OSEv3:vars]\nansible_python_interpreter=/usr/bin/python3\n\
         openshift_use_crio=True\nopenshift_pkg_version=-3.11.161\n\n[masters]\n{MASTER}\n\n[nodes]\n{MASTER} \
         openshift_node_group_name=node-config-master-crio\n{NODE} openshift_node_group_name=node-config-compute-crio # storage\n\
         {OTHER} openshift_node_group_name=node-config-compute-crio\n\n[new_nodes]\n\n[glusterfs]\n{NODE}\n"
    )
}

fn migrate() -> String {
    let playbooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/playbooks").display().to_string();
    format!(
        "runbook: migrate
hosts: {{ group: glusterfs }}
each_host:
  - stop-runtime: {{ service: {{ units: [atomic-openshift-node, crio, docker], state: stopped, enabled: false }} }}
  - resolv-conf: {{ file.copy: {{ from: /etc/origin/node/resolv.conf, to: /etc/resolv.conf, resolver: true }} }}
  - stop-dnsmasq: {{ service: {{ unit: dnsmasq, state: stopped, enabled: false }} }}
  - packages: {{ package: {{ names: {PACKAGES}, state: absent }} }}
  - purge:
      file: {{ paths: [/etc/origin, '/etc/dnsmasq.d/*', /etc/sysconfig/atomic-openshift-node.rpmsave], state: absent }}
      undo_after: packages
  - inventory:
      inventory.edit:
        edits:
          - set_host_var: {{ host: '{{{{ host }}}}', name: openshift_use_crio, value: 'False' }}
          - strip_host_var_suffix: {{ host: '{{{{ host }}}}', name: openshift_node_group_name, suffix: '-crio' }}
          - move_host: {{ host: '{{{{ host }}}}', from: nodes, to: new_nodes }}
  - node-group:
      ansible.playbook:
        path: {playbooks}/openshift-master/openshift_node_group.yml
        requires: [ {{ group: new_nodes, hosts: ['{{{{ host }}}}'] }} ]
        ran_on: [{MASTER}]
      recovery: repeat
  - scaleup:
      ansible.playbook:
        path: {playbooks}/openshift-node/scaleup.yml
        requires: [ {{ group: new_nodes, hosts: ['{{{{ host }}}}'] }}, {{ group: new_masters, hosts: [] }} ]
      touches: [packages, purge, resolv-conf, stop-runtime, stop-dnsmasq]
      recovery: repeat
  - serves: {{ wait: {{ unit: docker }}, timeout: 1m }}
  - inventory-home:
      inventory.edit:
        home_of: inventory
        edits: [ {{ move_host: {{ host: '{{{{ host }}}}', from: new_nodes, to: nodes }} }} ]
  - excluder: {{ package: {{ names: [atomic-openshift-excluder-3.11.161], state: present }} }}
  - exclude:
      command:
        run: [/sbin/atomic-openshift-excluder, exclude]
        undo: [/sbin/atomic-openshift-excluder, unexclude]
        changes: [/etc/yum.conf]
"
    )
}

fn plays(test: &str) -> Option<Playbooks> {
    let plays = Playbooks::new(test, Release::Current, &[NODE, MASTER])?;
    plays.site.desk.write("hosts", inventory());
    plays.site.desk.write("migrate.yml", migrate());
    Some(plays)
}

/// What a machine has, as far as the migration touches it. The excluders' own scripts write `yum.conf` when they come and
/// go, in an order of their own.
fn state(plays: &Playbooks) -> String {
    let look = "rpm -qa | sort; systemctl is-enabled atomic-openshift-node crio docker dnsmasq 2>&1; \
                systemctl is-active atomic-openshift-node crio docker dnsmasq 2>&1; \
                find /etc/origin /etc/dnsmasq.d /etc/sysconfig/atomic-openshift-node* /etc/resolv.conf -type f | \
                sort | xargs sha256sum";
    plays.site.hosts.inside(NODE, look).text()
}

#[test]
fn a_node_is_migrated_by_the_playbooks_and_taken_back() {
    let Some(plays) = plays("playbooks of the migration") else { return };
    let before = state(&plays);
    let out = plays.run(&RUN);
    assert_eq!(out.code, Some(0), "{out}\n{}", plays.site.desk.run(&["show", "gluster1.demo/scaleup"]));
    let look = |command: &str| plays.site.hosts.inside(NODE, command).text();
    assert_eq!(
        look("rpm -q docker cri-o atomic-openshift-node atomic-openshift-excluder | sed 's/-[0-9].*//'"),
        "docker\npackage cri-o is not installed\natomic-openshift-node\natomic-openshift-excluder"
    );
    assert_eq!(look("systemctl is-active docker atomic-openshift-node"), "active\nactive");
    assert_eq!(
        look("grep BOOTSTRAP /etc/sysconfig/atomic-openshift-node"),
        "BOOTSTRAP_CONFIG_NAME=node-config-compute"
    );
    assert!(look("grep ^exclude= /etc/yum.conf").contains("atomic-openshift-node"), "the excluder is at work");
    let group = plays.site.hosts.inside(MASTER, "cat /etc/stand-in/node-groups/node-config-compute").text();
    assert_eq!(group, "container-runtime: [docker]");
    let now = std::fs::read_to_string(plays.path("hosts")).expect("it is there");
    let wanted = inventory().replace(
        &format!("{NODE} openshift_node_group_name=node-config-compute-crio #"),
        &format!("{NODE} openshift_node_group_name=node-config-compute openshift_use_crio=False #"),
    );
    assert_eq!(now, wanted);
    plays.site.is_sound();
    // Nothing of what the playbook for the node groups changes is looked at, and the runbook gives no reason for that.
    plays.run(&["rollback", "--yes"]).exits(6).says(&["not known what it changed", "step:gluster1.demo/node-group"]);
    assert_eq!(std::fs::read_to_string(plays.path("hosts")).expect("it is there"), inventory(), "byte for byte");
    assert_eq!(state(&plays), before);
    plays.site.is_sound();
}

#[test]
fn what_the_playbooks_would_do_wrong_is_refused_or_told() {
    let Some(plays) = plays("playbooks of the migration, refused") else { return };
    let book = |steps: &str| {
        let _ = std::fs::remove_dir_all(plays.site.desk.path().join(".palinode"));
        let all = migrate();
        let at = all.find(&format!("  - {steps}:")).expect("it has the step");
        let rest = &all[at..all.find("  - serves:").expect("it has the step")];
        let rest = rest.lines().filter(|line| !line.contains("touches:")).collect::<Vec<_>>().join("\n");
        plays
            .site
            .desk
            .write("migrate.yml", format!("runbook: part\nhosts: {{ group: glusterfs }}\neach_host:\n{rest}\n"));
        // The journal before is gone, and its claim on the inventory is not.
        plays.run(&[&RUN[..], &["--take-over"]].concat())
    };
    let home = format!("[new_nodes]\n{NODE} openshift_node_group_name=node-config-compute\n");
    // One that was forgotten in new_nodes would be joined too (T5).
    plays.site.desk.write("hosts", inventory().replace("[new_nodes]\n", &format!("{home}{OTHER}\n")));
    plays.site.desk.write("migrate.yml", migrate());
    book("scaleup")
        .exits(3)
        .says(&["the group new_nodes must have gluster1.demo, and has gluster1.demo, gluster2.demo"]);
    assert!(plays.site.events().iter().all(|event| event["Intent"].is_null()), "nothing was run");
    plays.site.desk.write("hosts", format!("{}[new_masters]\nm9.demo\n", inventory().replace("[new_nodes]\n", &home)));
    book("scaleup").exits(3).says(&["the group new_masters must have no host, and has m9.demo"]);
    // What only the playbook sees, it says: the message reaches the person.
    plays.site.desk.write(
        "hosts",
        inventory().replace("[new_nodes]\n", &home.replace("compute\n", "compute openshift_kubelet_name_override=x\n")),
    );
    book("scaleup").exits(3).says(&["openshift_kubelet_name_override is set", "task `Fail with a name override`"]);
    // A node group that nobody names.
    plays.site.desk.write(
        "hosts",
        inventory()
            .replace("[new_nodes]\n", &format!("[new_nodes]\n{NODE}\n"))
            .replace(&format!("{NODE} openshift_node_group_name=node-config-compute-crio # storage\n"), ""),
    );
    book("node-group").exits(3).says(&["it failed on master1.demo"]);
    // Mended, the step is tried again and goes on.
    plays.site.desk.write("hosts", inventory().replace("[new_nodes]\n", &home));
    plays.run(&["retry", "gluster1.demo/node-group", "--reason", "named it"]).exits(0);
    plays.run(&["resume"]).exits(0);
    plays.site.is_sound();
}
