//! Questions that nobody is there to answer: found before anything is run where they are certain, else where they are asked.

use super::{End, Shape, USUAL, each};
use palinode_tests::ansible::Release;

const SECOND_PLAY: &str = "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo first >>DIR/marks' } ]
- hosts: h1
  gather_facts: false
  vars_prompt: [ { name: release, prompt: 'Which release?', private: no } ]
  tasks: [ { raw: 'echo {{ release }} >>DIR/marks' } ]
";

const PAUSE: &str = "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - { name: sure, pause: { prompt: 'Go on?' }, tags: [ask] }
    - raw: 'echo later >>DIR/marks'
";

const PASSES: &str = "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
";

fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            name: "a variable",
            play: "
- hosts: h1
  gather_facts: false
  vars_prompt: [ { name: release, prompt: 'Which release?', private: no, default: 'r3.11' } ]
  tasks: [ { raw: 'echo {{ release }} >>DIR/marks' } ]
",
            sample: true,
            end: End::Nothing,
            says: &[
                "nothing was run: it asks for the variable `release` (Which release?)",
                "give `release` in `vars:` of the step; its default is `r3.11`",
                "--ask",
            ],
            ..USUAL
        },
        Shape {
            name: "a private variable, whose default is not told, and a hash",
            play: "
- hosts: h1
  gather_facts: false
  vars_prompt:
    - { name: word, default: hunter2 }
    - { name: hash, encrypt: sha512_crypt }
  tasks: [ { raw: 'echo x >>DIR/marks' } ]
",
            end: End::Nothing,
            says: &["`word`", "`hash`", "`vars:` of the step"],
            lacks: &["hunter2"],
            ..USUAL
        },
        Shape {
            name: "a variable of a later play",
            play: SECOND_PLAY,
            sample: true,
            end: End::Nothing,
            says: &["nothing was run: it asks for the variable `release`"],
            ..USUAL
        },
        Shape {
            name: "a variable of a later play that is given",
            play: SECOND_PLAY,
            more: "        vars: { release: v1 }\n",
            end: End::Done,
            marks: "firstv1",
            ..USUAL
        },
        Shape {
            name: "a variable of a later play that a file gives",
            play: SECOND_PLAY,
            files: &[("given.yml", "release: v2\n")],
            more: "        vars_from: [DIR/given.yml]\n",
            end: End::Done,
            marks: "firstv2",
            ..USUAL
        },
        Shape {
            name: "a variable of an imported playbook",
            play: "- import_playbook: other.yml\n",
            files: &[("other.yml", SECOND_PLAY)],
            end: End::Nothing,
            says: &["nothing was run: it asks for the variable `release`"],
            ..USUAL
        },
        Shape {
            name: "a variable whose name is a template",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo first >>DIR/marks' } ]
- hosts: h1
  gather_facts: false
  vars: { which: release }
  vars_prompt: [ { name: '{{ which }}', prompt: 'Which?' } ]
  tasks: [ { raw: 'echo later >>DIR/marks' } ]
",
            end: End::Failed,
            says: &["it asks for the variable `release`", "`vars:`", "what it did before is done"],
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a pause",
            play: PAUSE,
            sample: true,
            end: End::Nothing,
            says: &["nothing was run: it asks in the task `sure`", "Go on?", "`vars:`", "--ask"],
            ..USUAL
        },
        Shape {
            name: "a pause that is left out",
            play: PAUSE,
            more: "        skip_tags: [ask]\n",
            end: End::Done,
            marks: "firstlater",
            ..USUAL
        },
        Shape {
            name: "a pause without anything",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - pause:
",
            end: End::Nothing,
            says: &["nothing was run: it asks in the task `pause`"],
            ..USUAL
        },
        Shape {
            name: "a pause with a time",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - pause: { seconds: 1, prompt: 'a moment' }
    - raw: 'echo later >>DIR/marks'
",
            end: End::Done,
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "a pause of a role, imported tasks, and always",
            play: "
- hosts: h1
  gather_facts: false
  roles: [ r ]
",
            files: &[
                ("roles/r/tasks/main.yml", "- raw: 'echo first >>DIR/marks'\n- import_tasks: more.yml\n"),
                (
                    "roles/r/tasks/more.yml",
                    "- block: [ { raw: 'true' } ]\n  always: [ { name: sure, pause: { prompt: x } } ]\n",
                ),
            ],
            end: End::Nothing,
            says: &["sure`, which pauses"],
            ..USUAL
        },
        Shape {
            name: "a pause whose condition does not hold",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { pause: { prompt: x }, when: asks | default(false) }
    - raw: 'echo later >>DIR/marks'
",
            end: End::Done,
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "a pause whose condition holds, which would be ignored",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { raw: 'echo first >>DIR/marks', register: x }
    - { name: sure, pause: { prompt: 'Go on?' }, when: x.rc == 0, ignore_errors: true }
    - raw: 'echo later >>DIR/marks'
",
            sample: true,
            end: End::Failed,
            says: &["it asks in the task `sure`", "(Go on?)", "what it did before is done"],
            lacks: &["nothing was run"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a pause whose condition holds, which would be rescued, with handlers",
            play: "
- hosts: h1
  gather_facts: false
  force_handlers: true
  handlers: [ { name: h, raw: 'echo handler >>DIR/marks' } ]
  tasks:
    - { raw: 'echo first >>DIR/marks', register: x, notify: h, changed_when: true }
    - block: [ { name: sure, pause: { prompt: x }, when: x.rc == 0 } ]
      rescue: [ { raw: 'echo rescued >>DIR/marks' } ]
      always: [ { raw: 'echo always >>DIR/marks' } ]
",
            end: End::Failed,
            says: &["it asks in the task `sure`"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a pause in tasks that are included",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - include_tasks: more.yml
    - raw: 'echo later >>DIR/marks'
",
            files: &[("more.yml", "- { name: sure, ansible.builtin.pause: { prompt: x } }\n")],
            end: End::Failed,
            says: &["it asks in the task `sure`"],
            marks: "first",
            only: Some(Release::Current),
            ..USUAL
        },
        Shape {
            name: "a pause in a role that is included",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - include_role: { name: r }
",
            files: &[("roles/r/tasks/main.yml", "- { name: sure, pause: { prompt: x } }\n")],
            end: End::Failed,
            says: &["sure`, which pauses"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a handler that pauses",
            play: "
- hosts: h1
  gather_facts: false
  handlers: [ { name: sure, pause: { prompt: x } } ]
  tasks: [ { raw: 'echo first >>DIR/marks', notify: sure, changed_when: true } ]
",
            end: End::Failed,
            says: &["it asks in the task `sure`"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a pause of a play that matches no host",
            play: "
- hosts: nowhere
  gather_facts: false
  tasks: [ { pause: { prompt: x } } ]
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo later >>DIR/marks' } ]
",
            end: End::Done,
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "a pause on an item of a loop",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { name: sure, pause: { prompt: '{{ item }}?' }, loop: [a, b] }
    - raw: 'echo later >>DIR/marks'
",
            end: End::Failed,
            says: &["it asks in the task `sure`", "a?"],
            ..USUAL
        },
        Shape {
            name: "the password of become",
            play: PASSES,
            files: &[("ansible.cfg", "[privilege_escalation]\nbecome_ask_pass = True\n")],
            sample: true,
            end: End::Nothing,
            says: &["nothing was run: it asks for the password of `become`", "`ansible_become_password` in `vars:`"],
            ..USUAL
        },
        Shape {
            name: "the password of become that is given",
            play: PASSES,
            files: &[("ansible.cfg", "[privilege_escalation]\nbecome_ask_pass = True\n")],
            more: "        vars: { ansible_become_password: { secret: file:DIR/hosts } }\n",
            end: End::Done,
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "the password of the connection",
            play: PASSES,
            files: &[("ansible.cfg", "[defaults]\nask_pass = True\n")],
            end: End::Nothing,
            says: &["nothing was run: it asks for the password of the connection", "`ansible_password` in `vars:`"],
            ..USUAL
        },
        Shape {
            name: "the password of the vault",
            play: PASSES,
            files: &[("ansible.cfg", "[defaults]\nask_vault_pass = yes\n")],
            sample: true,
            end: End::Refused,
            says: &["it asks for the password of the vault", "vault_password_file", "`vars:`", "--ask"],
            ..USUAL
        },
        Shape {
            name: "the password of an identity of the vault",
            play: PASSES,
            files: &[("ansible.cfg", "[defaults]\nvault_identity_list = dev@DIR/hosts, prod@prompt\n")],
            end: End::Refused,
            says: &["it asks for the password of the vault"],
            ..USUAL
        },
        Shape {
            name: "the debugger, of a failure that is ignored",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - raw: 'echo first >>DIR/marks'
    - { name: bad, raw: 'false', debugger: on_failed, ignore_errors: true }
    - raw: 'echo later >>DIR/marks'
",
            end: End::Failed,
            says: &["it asks in its debugger what to do", "`vars:`"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "the debugger, always",
            play: "
- hosts: h1
  gather_facts: false
  debugger: always
  tasks: [ { raw: 'echo first >>DIR/marks' }, { raw: 'echo later >>DIR/marks' } ]
",
            end: End::Failed,
            says: &["it asks in its debugger what to do"],
            marks: "first",
            ..USUAL
        },
        Shape {
            name: "a password of sudo where the task needs it",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: root, command: id, become: true, become_user: nobody, become_method: sudo } ]
",
            files: &[("ansible.cfg", "[sudo_become_plugin]\nexecutable = DIR/sudo\n"), ("sudo", "")],
            end: End::Failed,
            says: &["it failed on h1: task `root` on h1"],
            ..USUAL
        },
        Shape {
            name: "the key of a host",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'true' } ]
",
            files: &[("hosts", "h1 ansible_connection=ssh ansible_ssh_executable=DIR/ssh\n"), ("ssh", "")],
            end: End::Failed,
            says: &["h1"],
            ..USUAL
        },
    ]
}

#[test]
fn what_nobody_answers_is_never_passed_over() {
    each("shapes: questions", Release::Current, &shapes());
}

#[test]
fn so_it_is_with_ansible_2_9() {
    each("shapes: questions, Ansible 2.9", Release::Old, &shapes());
}
