//! Hosts are judged by their last word, and the cause is the failure that counted.

use super::{End, Shape, USUAL, each};
use palinode_tests::ansible::Release;

const GONE: &str = "h1\nh2 ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=9\n";

fn shapes() -> Vec<Shape> {
    vec![
        Shape {
            name: "rescued",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { name: bad, fail: { msg: no luck } } ]
      rescue: [ { raw: 'echo rescued >>DIR/marks' } ]
",
            end: End::Done,
            marks: "rescued",
            ..USUAL
        },
        Shape {
            name: "rescued, and a later failure",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { name: bad, fail: { msg: no luck } } ]
      rescue: [ { raw: 'true' } ]
    - { name: ignored, fail: { msg: no matter }, ignore_errors: true }
    - { name: worse, fail: { msg: the cause } }
",
            sample: true,
            says: &["it failed on h1: task `worse` on h1: the cause"],
            lacks: &["no luck", "no matter"],
            ..USUAL
        },
        Shape {
            name: "the rescue fails",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { name: bad, fail: { msg: no luck } } ]
      rescue: [ { name: worse, fail: { msg: no rescue } } ]
      always: [ { raw: 'echo always >>DIR/marks' } ]
",
            says: &["task `worse` on h1: no rescue"],
            lacks: &["no luck"],
            marks: "always",
            ..USUAL
        },
        Shape {
            name: "always fails after a rescue, and Ansible ends with 0",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { name: bad, fail: { msg: no luck } } ]
      rescue: [ { raw: 'true' } ]
      always: [ { name: worse, fail: { msg: in the end } } ]
",
            sample: true,
            says: &["task `worse` on h1: in the end"],
            lacks: &["no luck"],
            ..USUAL
        },
        Shape {
            name: "a failure with an always that goes well",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { name: bad, fail: { msg: the cause } } ]
      always: [ { raw: 'echo always >>DIR/marks' } ]
",
            says: &["task `bad` on h1: the cause"],
            marks: "always",
            ..USUAL
        },
        Shape {
            name: "blocks in blocks",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block:
        - block: [ { name: inner, fail: { msg: inside } } ]
          rescue: [ { name: again, fail: { msg: inside again } } ]
      rescue: [ { raw: 'echo rescued >>DIR/marks' } ]
    - raw: 'echo later >>DIR/marks'
",
            end: End::Done,
            marks: "rescuedlater",
            ..USUAL
        },
        Shape {
            name: "a rescue of included tasks",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - block: [ { include_tasks: more.yml } ]
      rescue: [ { raw: 'echo rescued >>DIR/marks' } ]
",
            files: &[("more.yml", "- { name: bad, fail: { msg: no } }\n")],
            end: End::Done,
            marks: "rescued",
            ..USUAL
        },
        Shape {
            name: "errors are cleared, and the next play goes well",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h1' }
    - meta: clear_host_errors
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo later >>DIR/marks' } ]
",
            more: "        ran_on: [h1]\n",
            sample: true,
            end: End::Done,
            says: &["errors were cleared on h1"],
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "errors are cleared, and it fails again",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h1' }
    - meta: clear_host_errors
- hosts: h1
  gather_facts: false
  tasks: [ { name: worse, fail: { msg: the cause } } ]
",
            says: &["it failed on h1: task `worse` on h1: the cause"],
            lacks: &["no luck"],
            ..USUAL
        },
        Shape {
            name: "errors are not cleared, since the condition does not hold",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h1' }
    - { meta: clear_host_errors, when: false }
    - raw: 'true'
",
            says: &["it failed on h1: task `bad` on h1: no luck"],
            ..USUAL
        },
        Shape {
            name: "not reached, cleared, and reached",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: look, raw: 'true' }
    - meta: clear_host_errors
- hosts: h2
  gather_facts: false
  connection: local
  vars: { ansible_connection: local }
  tasks: [ { raw: 'echo later >>DIR/marks' } ]
",
            files: &[("hosts", GONE)],
            more: "        ran_on: [h2]\n        vars: { ansible_ssh_retries: '0' }\n",
            end: End::Done,
            says: &["errors were cleared on h2"],
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "not reached",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks: [ { name: look, raw: 'echo y >>DIR/marks' } ]
",
            files: &[("hosts", GONE)],
            sample: true,
            says: &["it could not reach h2: task `look` on h2: "],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "not reached, which is ignored, and reached later",
            play: "
- hosts: h2
  gather_facts: false
  tasks:
    - { raw: 'true', ignore_unreachable: true }
    - { raw: 'echo later >>DIR/marks', vars: { ansible_connection: local } }
",
            files: &[("hosts", GONE)],
            more: "        ran_on: [h2]\n",
            sample: true,
            end: End::Done,
            marks: "later",
            ..USUAL
        },
        Shape {
            name: "never reached, which is ignored",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', ignore_unreachable: true } ]
",
            files: &[("hosts", GONE)],
            more: "        ran_on: [h2]\n",
            end: End::Unmet,
            says: &["h2 was never reached, which the playbook ignores"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "another host is never reached, which is ignored",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', ignore_unreachable: true } ]
",
            files: &[("hosts", GONE)],
            more: "        ran_on: [h1]\n",
            end: End::Done,
            says: &["never reached, which the playbook ignores: h2"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "a task that is handed to a host that is not reached",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: far, raw: 'true', delegate_to: h2 } ]
",
            files: &[("hosts", GONE)],
            says: &["it could not reach h2 for h1: task `far` on h1, done on h2"],
            ..USUAL
        },
        Shape {
            name: "a task that is handed to another host, and fails there",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: far, raw: 'echo broken >&2; false', delegate_to: h2 } ]
",
            says: &["it failed on h1: task `far` on h1, done on h2: ", "broken"],
            ..USUAL
        },
        Shape {
            name: "an error of one host ends all",
            play: "
- hosts: h1:h2
  gather_facts: false
  any_errors_fatal: true
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h2' }
    - raw: 'echo y >>DIR/marks'
",
            sample: true,
            says: &["it failed on h2: task `bad` on h2: no luck", "it went no further on h1"],
            ..USUAL
        },
        Shape {
            name: "more hosts fail than may",
            play: "
- hosts: h1:h2
  gather_facts: false
  max_fail_percentage: 40
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h2' }
    - raw: 'echo y >>DIR/marks'
",
            says: &["it failed on h2: task `bad` on h2: no luck"],
            ..USUAL
        },
        Shape {
            name: "fewer hosts fail than may",
            play: "
- hosts: h1:h2
  gather_facts: false
  max_fail_percentage: 60
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h2' }
    - raw: 'echo y >>DIR/marks'
",
            says: &["it failed on h2: task `bad` on h2: no luck"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "one host after the other, and the first fails",
            play: "
- hosts: h1:h2
  gather_facts: false
  serial: 1
  tasks: [ { name: bad, fail: { msg: no luck } } ]
",
            says: &["it failed on h1: task `bad` on h1: no luck"],
            lacks: &["h2"],
            ..USUAL
        },
        Shape {
            name: "a task that is run once fails",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: once, fail: { msg: no luck }, run_once: true }
    - raw: 'echo y >>DIR/marks'
",
            says: &["it failed on h1: task `once` on h1: no luck", "it went no further on h2"],
            ..USUAL
        },
        Shape {
            name: "two hosts fail, and the cause is that of the first",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks:
    - { name: bad, fail: { msg: second }, when: inventory_hostname == 'h2' }
    - { name: worse, fail: { msg: first } }
",
            says: &["it failed on h1, h2: task `worse` on h1: first"],
            ..USUAL
        },
        Shape {
            name: "one item fails",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { name: each, raw: 'echo {{ item }}; test {{ item }} != b', loop: [a, b, c] }
",
            sample: true,
            says: &["it failed on h1: task `each` on h1: item b: "],
            ..USUAL
        },
        Shape {
            name: "some items fail",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { name: each, command: 'test {{ item }} = b', with_items: [a, b, c] }
",
            says: &["task `each` on h1: item c (2 of 3 items failed): "],
            ..USUAL
        },
        Shape {
            name: "all tries fail",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { name: try, raw: 'echo broken >&2; false', register: x, until: x.rc == 0, retries: 1, delay: 0 }
",
            says: &["task `try` on h1: ", "broken"],
            ..USUAL
        },
        Shape {
            name: "failed by its own condition",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: judged, raw: 'echo odd', register: x, failed_when: \"'odd' in x.stdout\" } ]
",
            says: &["task `judged` on h1"],
            ..USUAL
        },
        Shape {
            name: "a job in the background fails",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: slow, command: 'false', async: 10, poll: 1 } ]
",
            says: &["task `slow` on h1: "],
            ..USUAL
        },
        Shape {
            name: "a job in the background takes too long",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: slow, command: 'sleep 20', async: 1, poll: 1 } ]
",
            says: &["task `slow` on h1: "],
            ..USUAL
        },
        Shape {
            name: "a job in the background goes well",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { command: 'true', async: 10, poll: 1 } ]
",
            end: End::Done,
            lacks: &["left running"],
            ..USUAL
        },
        Shape {
            name: "a job is left in the background",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { command: 'sleep 1', async: 10, poll: 0 } ]
",
            sample: true,
            end: End::Done,
            says: &["a job (`async`) was left running, and its end is not known, on h1"],
            ..USUAL
        },
        Shape {
            name: "a job in the background is waited for",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { command: 'true', async: 10, poll: 0, register: job }
    - { async_status: { jid: '{{ job.ansible_job_id }}' }, register: x, until: x.finished, retries: 20, delay: 1 }
",
            end: End::Done,
            lacks: &["left running"],
            ..USUAL
        },
        Shape {
            name: "a job in the background fails when it is waited for",
            play: "
- hosts: h1
  gather_facts: false
  tasks:
    - { command: 'false', async: 10, poll: 0, register: job }
    - { name: wait, async_status: { jid: '{{ job.ansible_job_id }}' }, register: x, until: x.finished, retries: 20, delay: 1 }
",
            says: &["task `wait` on h1: "],
            ..USUAL
        },
        Shape {
            name: "all is skipped",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', when: false } ]
",
            more: "        ran_on: [h1]\n",
            sample: true,
            end: End::Unmet,
            says: &["all tasks were skipped on h1"],
            lacks: &["ran nothing"],
            ..USUAL
        },
        Shape {
            name: "all is skipped, and any host will do",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', when: false } ]
",
            end: End::Unmet,
            says: &["all tasks were skipped on h1, h2"],
            ..USUAL
        },
        Shape {
            name: "all is skipped on the host that is wanted",
            play: "
- hosts: h1:h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', when: inventory_hostname == 'h2' } ]
",
            more: "        ran_on: [h1]\n",
            end: End::Unmet,
            says: &["all tasks were skipped on h1"],
            lacks: &["ran nothing"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "on another host than wanted",
            play: "
- hosts: h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks' } ]
",
            more: "        ran_on: [h1]\n",
            end: End::Unmet,
            says: &["it ran nothing on h1 (it ran on h2)"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "skipped on another host than wanted",
            play: "
- hosts: h2
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks', when: false } ]
",
            more: "        ran_on: [h1]\n",
            end: End::Unmet,
            says: &["it ran nothing on h1 (it ran on no host)"],
            ..USUAL
        },
        Shape {
            name: "the play ends at once",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { meta: end_play }, { raw: 'echo y >>DIR/marks' } ]
",
            more: "        ran_on: [h1]\n",
            end: End::Unmet,
            says: &["it ran nothing on h1"],
            ..USUAL
        },
        Shape {
            name: "a strategy that does not wait",
            play: "
- hosts: h1:h2
  strategy: free
  gather_facts: false
  tasks:
    - { name: bad, fail: { msg: no luck }, when: inventory_hostname == 'h2' }
    - raw: 'echo {{ inventory_hostname }} >>DIR/marks'
",
            says: &["it failed on h2: task `bad` on h2: no luck"],
            lacks: &["h1"],
            marks: "h1",
            ..USUAL
        },
        Shape {
            name: "an undefined variable",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: which, raw: 'echo {{ gone }}' } ]
",
            says: &["task `which` on h1: ", "gone"],
            ..USUAL
        },
        Shape {
            name: "included tasks that are missing",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { raw: 'echo y >>DIR/marks' }, { name: more, include_tasks: gone.yml } ]
",
            says: &["it failed on h1: task `more` on h1: ", "gone.yml"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "a handler fails",
            play: "
- hosts: h1
  gather_facts: false
  handlers: [ { name: again, fail: { msg: no luck } } ]
  tasks: [ { raw: 'echo y >>DIR/marks', notify: again, changed_when: true } ]
",
            says: &["it failed on h1: task `again` on h1: no luck"],
            marks: "y",
            ..USUAL
        },
        Shape {
            name: "what failed is hidden",
            play: "
- hosts: h1
  gather_facts: false
  tasks: [ { name: hidden, raw: 'echo hunter2 >&2; false', no_log: true } ]
",
            says: &["it failed on h1: task `hidden` on h1"],
            lacks: &["hunter2"],
            ..USUAL
        },
    ]
}

#[test]
fn the_last_word_of_a_host_counts() {
    each("shapes: causes", Release::Current, &shapes());
}

#[test]
fn so_it_is_with_ansible_2_9() {
    each("shapes: causes, Ansible 2.9", Release::Old, &shapes());
}
