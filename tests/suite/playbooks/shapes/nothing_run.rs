//! Ansible ends by itself before it runs anything, or between two tasks: that is a failure, and no doubt.

use super::{End, Shape, USUAL, each};
use palinode_tests::ansible::Release;

const PASSES: &str = "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
";

const ENCRYPTED: &str = "$ANSIBLE_VAULT;1.1;AES256
33363965326261303234626463623732336130613366386539663334333037363430383761643234
6461646565396466333363613336353430313062623134330a393036326332633131623264333234
33316531303237336439336235613239613761336464343535303932306531323561613461373233
3464613963656439310a363436613132303666613363313835326132393838386632383531613236
3161
";

const fn nothing(name: &'static str, play: &'static str, files: &'static [(&'static str, &'static str)]) -> Shape {
    Shape { name, play, files, end: End::Nothing, says: &["nothing was run"], ..USUAL }
}

/// An inventory of the playbook's own.
const APART: &str = "        inventory: DIR/inv/hosts\n";
const HOSTS: &str = "[glusterfs]\nh1\nh2\n[other]\nh3\n";

fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            sample: true,
            says: &["nothing was run", "vault", "vault_password_file", "`vars:`"],
            ..nothing("encrypted group_vars", PASSES, &[("group_vars/glusterfs.yml", ENCRYPTED)])
        },
        Shape {
            says: &["nothing was run", "vault", "vault_password_file"],
            ..nothing("an encrypted playbook", ENCRYPTED, &[])
        },
        Shape {
            says: &["nothing was run", "vault"],
            ..nothing(
                "encrypted vars_files",
                "
- hosts: h1
  gather_facts: false
  vars_files: [ secret.yml ]
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
                &[("secret.yml", ENCRYPTED)],
            )
        },
        Shape {
            more: "        vars_from: [DIR/secret.yml]\n",
            ..nothing("encrypted vars_from", PASSES, &[("secret.yml", ENCRYPTED)])
        },
        Shape {
            sample: true,
            says: &["nothing was run", "no_such_strategy"],
            ..nothing(
                "an unknown strategy",
                "
- hosts: h1
  strategy: no_such_strategy
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
                &[],
            )
        },
        nothing(
            "an unknown strategy in the configuration",
            PASSES,
            &[("ansible.cfg", "[defaults]\nstrategy = nope\n")],
        ),
        Shape {
            sample: true,
            ..nothing(
                "a bad serial",
                "
- hosts: h1
  gather_facts: false
  serial: some
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
                &[],
            )
        },
        Shape {
            sample: true,
            says: &["nothing was run", "nosuchcallback"],
            ..nothing(
                "a missing stdout callback",
                PASSES,
                &[("ansible.cfg", "[defaults]\nstdout_callback = nosuchcallback\n")],
            )
        },
        // Beside the run's own inventory they would refuse the run.
        Shape {
            more: APART,
            sample: true,
            ..nothing("broken group_vars", PASSES, &[("inv/hosts", HOSTS), ("inv/group_vars/all.yml", "a: [b\nc: }\n")])
        },
        Shape {
            more: APART,
            ..nothing("broken host_vars", PASSES, &[("inv/hosts", HOSTS), ("inv/host_vars/h1.yml", "a: b: c\n")])
        },
        Shape {
            more: APART,
            ..nothing(
                "group_vars that are a list",
                PASSES,
                &[("inv/hosts", HOSTS), ("inv/group_vars/all.yml", "- a\n- b\n")],
            )
        },
        Shape {
            says: &["nothing was run, it cannot be read"],
            ..nothing("a syntax error", "- hosts: h1\n  tasks:\n    - name: x\n     raw: y\n", &[])
        },
        nothing("a playbook that is a map", "hosts: h1\ntasks: []\n", &[]),
        nothing("an empty playbook", "\n", &[]),
        nothing("a play without hosts", "- tasks: [ { raw: 'true' } ]\n", &[]),
        nothing("an unknown key of a play", "- hosts: h1\n  hsots: h2\n  tasks: []\n", &[]),
        nothing(
            "a task with two actions",
            "- hosts: h1\n  tasks: [ { raw: 'echo y >>DIR/marks', command: id } ]\n",
            &[],
        ),
        nothing("a missing role", "- hosts: h1\n  gather_facts: false\n  roles: [ no_such_role ]\n", &[]),
        nothing(
            "a role with a broken file",
            "- hosts: h1\n  gather_facts: false\n  roles: [ r ]\n",
            &[("roles/r/tasks/main.yml", "- raw: [\n")],
        ),
        nothing(
            "a role that needs a missing one",
            "- hosts: h1\n  gather_facts: false\n  roles: [ r ]\n",
            &[("roles/r/tasks/main.yml", "- raw: 'true'\n"), ("roles/r/meta/main.yml", "dependencies: [ gone ]\n")],
        ),
        nothing("a missing module", "- hosts: h1\n  gather_facts: false\n  tasks: [ { no_such_module: {} } ]\n", &[]),
        nothing("a missing collection", "- hosts: h1\n  gather_facts: false\n  tasks: [ { a.b.c: {} } ]\n", &[]),
        nothing(
            "missing imported tasks",
            "- hosts: h1\n  gather_facts: false\n  tasks: [ { import_tasks: gone.yml } ]\n",
            &[],
        ),
        nothing("a missing imported playbook", "- import_playbook: gone.yml\n", &[]),
        // A current Ansible warns, and goes on without it.
        Shape {
            only: Some(Release::Old),
            ..nothing(
                "a missing file with variables",
                "- hosts: h1\n  gather_facts: false\n  vars_files: [ gone.yml ]\n  tasks: [ { raw: 'echo y >>DIR/marks' } ]\n",
                &[],
            )
        },
        nothing(
            "hosts that are an undefined variable",
            "- hosts: '{{ gone }}'\n  gather_facts: false\n  tasks: [ { raw: 'echo y >>DIR/marks' } ]\n",
            &[],
        ),
        Shape { more: "        limit: nowhere\n", ..nothing("a limit that matches no host", PASSES, &[]) },
        Shape {
            more: "        vars_from: [DIR/broken.yml]\n",
            ..nothing("a broken file of vars_from", PASSES, &[("broken.yml", "a: [\n")])
        },
        nothing("a number of forks that is none", PASSES, &[("ansible.cfg", "[defaults]\nforks = many\n")]),
        nothing("a configuration that cannot be read", PASSES, &[("ansible.cfg", "no section here\n")]),
        nothing(
            "a missing file with the password of the vault",
            PASSES,
            &[("ansible.cfg", "[defaults]\nvault_password_file = DIR/gone\n")],
        ),
        Shape {
            name: "no host in the play",
            play: "- hosts: nowhere\n  gather_facts: false\n  tasks: [ { raw: 'echo y >>DIR/marks' } ]\n",
            end: End::Unmet,
            says: &["no play of it matched a host"],
            ..USUAL
        },
        Shape {
            name: "an inventory without hosts",
            play: "- hosts: all\n  gather_facts: false\n  tasks: [ { raw: 'echo y >>DIR/marks' } ]\n",
            files: &[("hosts", "[glusterfs]\n")],
            end: End::Unmet,
            says: &["no play of it matched a host"],
            ..USUAL
        },
        Shape {
            name: "a later play with an unknown strategy",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo first >>DIR/marks' } ]
- hosts: h1
  strategy: no_such_strategy
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
            sample: true,
            end: End::Failed,
            says: &["on the way", "no_such_strategy"],
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a later play whose file with variables is encrypted",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo first >>DIR/marks' } ]
- hosts: h1
  gather_facts: false
  vars_files: [ secret.yml ]
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
            files: &[("secret.yml", ENCRYPTED)],
            end: End::Failed,
            says: &["on the way", "vault"],
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "included tasks that are broken",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - include_tasks: broken.yml
    - raw: 'echo y >>DIR/marks'
",
            files: &[("broken.yml", "- raw: x\n  raaw: [\n")],
            end: End::Failed,
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a role that is included and missing",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - include_role: { name: gone }
    - raw: 'echo y >>DIR/marks'
",
            end: End::Failed,
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
    ]
}

#[test]
fn what_cannot_have_been_run_is_not_in_doubt() {
    each("shapes: nothing run", Release::Current, &shapes());
}

#[test]
fn so_it_is_with_ansible_2_9() {
    each("shapes: nothing run, Ansible 2.9", Release::Old, &shapes());
}
