//! What is claimed about channels and jobs: the login's environment changes no answer, nothing is begun anew without end,
//! and secrets do not stay beside the journal.

use palinode_core::action::{Action, Service, ServiceState, Target};
use palinode_core::gate::Gate;
use palinode_core::id::{HostName, Label, Micros, ResourceKey, RunId, StepPath};
use palinode_core::port::{Bodies, Ended, Executor, Halted, Job, JobStatus, LookError, Sample, Stored, Survey};
use palinode_core::record::{PauseWhy, World};
use palinode_core::resource::{Active, Image, State};
use palinode_core::run::history::History;
use palinode_core::run::plan::{Lane, LaneKind, Plan, Step, Work};
use palinode_core::run::rules::version::Rules;
use palinode_journal::MemJournal;
use palinode_replay::driver::{Driver, Opening, Stop, Stopped, Surroundings};
use palinode_tests::ansible::Release;
use palinode_tests::binary::Desk;
use palinode_tests::hosts::Kind;
use palinode_tests::inventory_dir::InventoryDir;
use palinode_tests::owner::{actor, owner};
use palinode_tests::playbooks::Playbooks;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

const FIRST: &str = "gluster1.demo";

/// Each stands in the login's profile while a unit is stopped and started again.
const PROFILES: [&str; 12] = [
    "export POSIXLY_CORRECT=1",
    "set -u; export SHELLOPTS",
    "set -C; export SHELLOPTS",
    "set -e; set -f; export SHELLOPTS",
    "readonly TMOUT=1; export TMOUT",
    "export CDPATH=/etc:/usr",
    "export BASH_ENV=/root/bad ENV=/root/bad; echo 'exit 9' >/root/bad",
    "shopt -s expand_aliases; alias sh=false env=false id=false systemctl=false",
    "export PATH=/nowhere IFS=o LC_ALL=de_DE.UTF-8",
    "systemctl() { echo LoadState=not-found; }; export -f systemctl",
    "seq 10000; echo '# 0'; echo absent; echo 'uid 0' >&2",
    "export GREP_OPTIONS=-v TAR_OPTIONS=--version SYSTEMD_COLORS=1 SYSTEMD_PAGER=false",
];

#[test]
fn the_logins_profile_changes_no_answer() {
    let Some(site) = InventoryDir::new("real hosts: hostile profiles", Kind::default(), &[FIRST]) else { return };
    site.hosts.inside(FIRST, "systemctl enable --now docker").exits(0);
    for profile in PROFILES {
        site.hosts.inside(FIRST, &format!("cat >/root/.bashrc <<'end'\n{profile}\nend")).exits(0);
        site.run(&["exec", FIRST, "-i", "hosts", "service", "docker", "stopped", "--yes"]).exits(0);
        site.hosts.inside(FIRST, "! systemctl -q is-active docker").exits(0);
        let out = site.run(&["undo", "@", "--yes"]).exits(0);
        site.hosts.inside(FIRST, "systemctl -q is-active docker && systemctl -q is-enabled docker").exits(0);
        assert!(!site.events().iter().any(|event| event["Probed"].is_object()), "{profile}: {out}");
    }
    site.is_sound();
}

#[test]
fn the_profile_of_a_login_that_uses_sudo_changes_no_answer() {
    let Some(site) = InventoryDir::new("real hosts: hostile profile behind sudo", Kind::default(), &[FIRST]) else {
        return;
    };
    site.desk.write("hosts", format!("[glusterfs]\n{FIRST} ansible_user=ops\n"));
    site.hosts.inside(FIRST, "systemctl enable --now docker").exits(0);
    let lines = "export POSIXLY_CORRECT=1\nset -u; export SHELLOPTS\necho noise";
    // What sudo keeps, and what it adds by itself.
    let keeps = "Defaults env_keep += \"POSIXLY_CORRECT SHELLOPTS\"\nDefaults env_file=/etc/sudo-env\n";
    let lay = format!(
        "cat >~ops/.bashrc <<'end'\n{lines}\nend\necho POSIXLY_CORRECT=1 >/etc/sudo-env\n\
         cat >/etc/sudoers.d/zz-keeps <<'end'\n{keeps}end\nchmod 440 /etc/sudoers.d/zz-keeps"
    );
    site.hosts.inside(FIRST, &lay).exits(0);
    site.run(&["exec", FIRST, "-i", "hosts", "service", "docker", "stopped", "--yes"]).exits(0);
    site.hosts.inside(FIRST, "! systemctl -q is-active docker").exits(0);
    site.run(&["undo", "@", "--yes"]).exits(0);
    site.hosts.inside(FIRST, "systemctl -q is-active docker").exits(0);
    site.is_sound();
}

/// A host that takes every job and begins none. Time passes only in pauses.
struct Never {
    status: JobStatus,
    begun: Cell<u32>,
    pauses: RefCell<Vec<i64>>,
    clock: Cell<i64>,
}

impl Executor for Never {
    async fn survey(&self, _: &Target, _: &Action, _: &dyn Bodies) -> Result<Survey, LookError> {
        Ok(Survey::default())
    }

    async fn node_of(&self, target: &Target) -> Result<Option<String>, LookError> {
        Ok(target.node.clone())
    }

    async fn observe(&self, keys: &[ResourceKey], _: &dyn Bodies) -> Result<Image, LookError> {
        let state = || State::Unit { active: Active::Active, enabled: "enabled".to_owned() };
        Ok(keys.iter().map(|key| (key.clone(), state())).collect())
    }

    async fn execute(&self, _: &Job, _: &dyn Bodies) -> Ended {
        self.begun.set(self.begun.get() + 1);
        Ended::Unknown("it was never heard of again".to_owned())
    }

    async fn status(&self, _: &Job, _: &dyn Bodies) -> Result<JobStatus, LookError> {
        // One that runs for ever would be waited for just as long.
        match self.pauses.borrow().len() {
            0..20 => Ok(self.status.clone()),
            _ => Ok(JobStatus::Unknown),
        }
    }

    async fn attach(&self, _: &Job, _: &dyn Bodies) -> Ended {
        Ended::Unknown("the link was lost".to_owned())
    }

    async fn revoke(&self, _: &Job) -> Result<bool, LookError> {
        Ok(true)
    }

    async fn sample(&self, _: &Target, _: &Gate, _: &dyn Bodies) -> Result<Sample, LookError> {
        Ok(Sample::default())
    }

    fn now(&self) -> Micros {
        Micros(1_700_000_000_000_000 + self.clock.get())
    }

    fn is_virtual(&self) -> bool {
        false
    }

    async fn sleep(&self, until: Micros) {
        let pause = until.since(self.now()).0;
        self.clock.set(self.clock.get() + pause);
        self.pauses.borrow_mut().push(pause / 1_000_000);
    }

    async fn idle(&self) -> Result<(), Halted> {
        std::future::pending().await
    }
}

fn one_step(rules: u32) -> Plan {
    let host = HostName::new("a").expect("a host name");
    let stop =
        Service { unit: "crio".to_owned(), units: Vec::new(), state: Some(ServiceState::Stopped), enabled: None };
    let action = Action::Service(stop);
    let step = Step {
        path: StepPath::new("a/stop").expect("a path"),
        label: Label::new("stop").expect("a label"),
        target: Target { host: Some(host.clone()), node: None },
        when: None,
        capture: None,
        touches: Vec::new(),
        undo_after: Vec::new(),
        undoes: None,
        accepts: Vec::new(),
        class: action.class(),
        recovery: action.recovery(),
        undo_reason: None,
        work: Work::Act(action),
    };
    let lane = |kind, start, end| Lane { kind, start, end };
    Plan {
        runbook: "never".to_owned(),
        about: String::new(),
        rules,
        parameters: BTreeMap::new(),
        inventory: None,
        serial: 1,
        max_fail: 0,
        lanes: vec![lane(LaneKind::First, 0, 0), lane(LaneKind::Host(host), 0, 1), lane(LaneKind::Last, 1, 1)],
        steps: vec![step],
        compensates: None,
    }
}

fn never(status: JobStatus) -> (Never, Stopped, usize) {
    let never = Never { status, begun: Cell::new(0), pauses: RefCell::default(), clock: Cell::new(0) };
    let mut journal = MemJournal::new(owner(1));
    let mut watch = |_: &History, _: &Stored| {};
    let stop = Rc::new(Cell::new(Stop::No));
    let around = Surroundings { wall: &|| Micros(0), watch: &mut watch, stop, tick: None };
    let opening = Opening {
        world: World::Real,
        actor: actor(),
        reason: None,
        change: None,
        force: false,
        targets: palinode_replay::driver::Targets::default(),
    };
    let plan = one_step(Rules::NOW.version());
    let stopped = {
        let mut driver = Driver::begin(&mut journal, &never, around, History::default(), RunId([9; 8]), &plan, opening)
            .expect("the run opens");
        let mut work = pin!(driver.drive());
        // It lets signals be heard before each intent; nothing else is waited for.
        let polls = (0..1000).map(|_| work.as_mut().poll(&mut Context::from_waker(Waker::noop())));
        let ended = polls.into_iter().find_map(|poll| match poll {
            Poll::Ready(stopped) => Some(stopped),
            Poll::Pending => None,
        });
        ended.expect("nothing is waited for").expect("it drives")
    };
    let entries = journal.len();
    (never, stopped, entries)
}

#[test]
fn what_never_begins_is_tried_a_few_times_and_then_failed() {
    let (never, stopped, entries) = never(JobStatus::NotStarted);
    assert!(matches!(stopped, Stopped::Paused(PauseWhy::Failed)), "{stopped:?}");
    assert_eq!(never.begun.get(), 6);
    assert_eq!(*never.pauses.borrow(), [1, 2, 4, 8]);
    assert!(entries < 30, "{entries} entries");
}

#[test]
fn what_runs_and_cannot_be_waited_for_is_asked_with_pauses() {
    let (never, stopped, entries) = never(JobStatus::Running);
    assert!(matches!(stopped, Stopped::Paused(_)), "{stopped:?}");
    assert_eq!(never.pauses.borrow()[..8], [1, 2, 4, 8, 16, 32, 32, 32]);
    assert!(entries < 80, "{entries} entries");
}

#[test]
fn a_secret_is_in_no_plan_and_no_entry_and_arrives() {
    let Some(site) = InventoryDir::new("real hosts: secrets", Kind::default(), &[FIRST]) else { return };
    let file = site.desk.path().join("pw");
    let allow = |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    let named = file.display().to_string();
    site.desk.write(
        "secret.yml",
        format!(
            "runbook: secret\nhosts: {{ group: glusterfs }}\neach_host:\n  - file:\n      command:\n        \
             run: [/bin/sh, -c, 'cat \"$1\" >/root/a; stat -c %a \"$1\" >/root/mode; until [ -e /root/go ]; do sleep 0.2; done', \
             sh, {{ secret: 'file:{named}' }}]\n        \
             changes: [/root/x]\n  - rest:\n      command:\n        \
             run: [/bin/sh, -c, 'cat >/root/b; printf %s \"$1$TOKEN\" >/root/c', sh, {{ secret: 'env:PW', as: argument }}]\n        \
             stdin: {{ secret: 'file:{named}' }}\n        environment: {{ TOKEN: {{ secret: 'env:PW', as: environment }} }}\n        \
             changes: [/root/x]\n        undo: [/bin/sh, -c, 'cat >/root/undone', sh]\n"
        ),
    );
    let mut told = String::new();
    // Not there: the step does not begin, and no intent is recorded.
    let out = site.run(&["run", "./secret.yml", "-i", "hosts", "--yes"]).exits(3);
    told.push_str(&out.tells(&["env:PW as argument", "env:PW as environment", &named, "mode 0600"]).to_string());
    assert!(!site.events().iter().any(|event| event["Intent"].is_object()));
    // Others may read it.
    site.desk.write("pw", format!("{SECRET}\n"));
    allow(0o644);
    let resume = site.args(&["resume"]);
    told.push_str(&site.desk.run(&resume).exits(3).tells(&[&named, "0644", "chmod 600"]).to_string());
    allow(0o600);
    let live = site.spawn(&["resume"]);
    site.hosts.until(FIRST, "[ -s /root/mode ]");
    // The machines' processes are among those of this one.
    let seen: Vec<u8> = std::fs::read_dir("/proc")
        .expect("it is there")
        .filter_map(|process| Some(process.ok()?.path()))
        .flat_map(|process| ["cmdline", "environ"].map(|name| std::fs::read(process.join(name)).unwrap_or_default()))
        .flatten()
        .collect();
    let seen = String::from_utf8_lossy(&seen).into_owned();
    assert!(seen.contains("until [ -e /root/go ]"), "the command is among them");
    assert!(SEARCH.split('|').all(|piece| !seen.contains(piece)), "it is among the processes");
    site.hosts.inside(FIRST, "touch /root/go").exits(0);
    // Not set: the next step does not begin.
    let out = live.end().exits(3);
    told.push_str(&out.tells(&["env:PW", "set PW in the environment"]).to_string());
    site.hosts.inside(FIRST, "test ! -e /root/c").exits(0);
    let settings = [("PW", std::path::PathBuf::from("geheimwort"))];
    told.push_str(&site.desk.run_with(&settings, &resume).exits(0).to_string());
    let seen = site.hosts.inside(FIRST, "cat /root/mode /root/a /root/b /root/c").text();
    assert_eq!(seen, format!("600\n{SECRET}\n{SECRET}\ngeheimwortgeheimwort"));
    let gone = || {
        site.hosts.inside(FIRST, &format!("! grep -rqE '{SEARCH}' /var/lib/palinode /run/palinode")).exits(0);
        let journal = site.desk.path().join(".palinode");
        let search = std::process::Command::new("grep").args(["-rlE", SEARCH]).arg(journal).output();
        assert_eq!(String::from_utf8_lossy(&search.expect("grep is there").stdout), "");
    };
    told.push_str(
        &site.desk.run(&["show", &format!("{FIRST}/rest")]).exits(0).tells(&["env:PW as argument"]).to_string(),
    );
    gone();
    told.push_str(&site.desk.run_with(&settings, &site.args(&["rollback", "--yes"])).to_string());
    assert_eq!(site.hosts.inside(FIRST, "cat /root/undone").text(), SECRET);
    gone();
    told.push_str(&site.desk.run(&["log", "-o", "json"]).exits(0).to_string());
    assert!(SEARCH.split('|').all(|piece| !told.contains(piece)), "{told}");
    site.is_sound();
}

#[test]
fn a_playbook_gets_a_secret_as_a_variable_and_nobody_sees_it() {
    let Some(plays) = Playbooks::new("playbooks: secret variables", Release::Current, &[FIRST]) else { return };
    let desk = &plays.site.desk;
    desk.write(
        "play.yml",
        "- hosts: all\n  gather_facts: false\n  tasks:\n    \
         - { name: hidden, raw: 'echo {{ pw | quote }} >/root/pw', no_log: true }\n",
    );
    plays.runbook(&format!("        vars: {{ pw: {{ secret: 'file:{}' }} }}\n", plays.path("pw")), "");
    let run = ["run", "./play-book.yml", "-i", "hosts", "--yes"];
    plays.run(&run).exits(3).tells(&["pw: the file cannot be read", "mode 0600"]);
    desk.write("pw", format!("{SECRET}\n"));
    std::fs::set_permissions(desk.path().join("pw"), std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    plays.run(&["resume"]).exits(0);
    assert_eq!(plays.site.hosts.inside(FIRST, "cat /root/pw").text(), SECRET);
    for args in [&["log", "-o", "json"][..], &["show", "after/play"], &["show", "after/play", "--body"]] {
        assert!(!String::from_utf8_lossy(&desk.raw(args)).contains(SECRET), "{args:?}");
    }
    let search = std::process::Command::new("grep").args(["-rlE", SEARCH]).arg(desk.path()).output();
    let found = String::from_utf8_lossy(&search.expect("grep is there").stdout).into_owned();
    assert_eq!(found.trim(), desk.path().join("pw").display().to_string(), "only the file itself holds it");
    plays.site.is_sound();
}

#[test]
fn a_secret_of_a_session_in_the_lab_is_in_the_plan_by_name_and_nowhere_else() {
    let desk = Desk::new();
    desk.write(
        "lab.yml",
        "runbook: lab\nhosts: { group: glusterfs }\neach_host:\n  - exclude:\n      command:\n        \
         run: [/sbin/atomic-openshift-excluder, exclude]\n        undo: [/sbin/atomic-openshift-excluder, unexclude]\n        \
         stdin: { secret: 'env:PW' }\n        environment: { TOKEN: { secret: 'env:PW', as: environment } }\n        \
         changes: [/etc/yum.conf]\n",
    );
    let settings = [("PW", std::path::PathBuf::from(SECRET))];
    let run = ["run", "./lab.yml", "--lab"];
    let mut told = desk.run_with(&settings, &run).exits(0).to_string();
    let show = ["show", "gluster1.demo/exclude"];
    told.push_str(&desk.run(&show).exits(0).tells(&["env:PW as environment"]).to_string());
    // The lab's command writes its file anew.
    told.push_str(&desk.run_with(&settings, &["rollback"]).exits(6).to_string());
    assert!(!told.contains(SECRET), "{told}");
    desk.run(&["verify"]).exits(0);
    desk.run(&["replay", "--strict"]).exits(0);
    let search = std::process::Command::new("grep").args(["-rlE", SEARCH]).arg(desk.path()).output();
    assert_eq!(String::from_utf8_lossy(&search.expect("grep is there").stdout), "");
    // A secret that the runbook does not let stand in the environment is refused with its place.
    let text = std::fs::read_to_string(desk.path().join("lab.yml")).expect("it was written");
    desk.write("lab.yml", text.replace(", as: environment", ""));
    desk.run(&run).exits(2).complains(&["env:PW", "as: environment"]);
}

/// So that a search finds it as it is, and as base64 wherever it begins.
const SECRET: &str = "geheimgeheimgeheimgeheim";
const SEARCH: &str = "geheim|Z2VoZWlt|dlaGVpb|nZWhlaW|VoZWltZ";

#[test]
fn what_a_host_was_told_and_said_goes_once_it_is_recorded() {
    let Some(site) = InventoryDir::new("real hosts: recorded jobs are emptied", Kind::default(), &[FIRST]) else {
        return;
    };
    site.hosts.inside(FIRST, &format!("mkdir /etc/keys; echo {SECRET} >/etc/keys/key")).exits(0);
    site.desk.write(
        "secrets.yml",
        format!(
            "runbook: secrets\nhosts: {{ group: glusterfs }}\neach_host:\n  - read: {{ fetch: {{ path: /etc/keys/key }} }}\n  \
             - write: {{ file: {{ path: /root/key, content: {SECRET} }} }}\n  \
             - print: {{ command: {{ run: [/bin/sh, -c, 'cat /etc/keys/key'], changes: [/root/x] }} }}\n  \
             - gone: {{ file: {{ paths: [/etc/keys], state: absent }} }}\n  \
             - fails: {{ command: {{ run: [/bin/sh, -c, 'cat /root/key; exit 3'], changes: [/root/x] }} }}\n"
        ),
    );
    let left = |what: &str| {
        let out = site.hosts.inside(FIRST, &format!("grep -rlE '{SEARCH}' /var/lib/palinode /run/palinode"));
        assert_eq!(out.stdout, "", "{what}");
        site.hosts.inside(FIRST, "ls /var/lib/palinode/jobs/*/ended.* | wc -l").text()
    };
    // Paused at a failed step.
    site.run(&["run", "./secrets.yml", "-i", "hosts", "--yes"]).exits(3);
    assert_eq!(left("paused"), "5");
    site.run(&["rollback", "--yes"]);
    site.hosts.inside(FIRST, &format!("grep -q {SECRET} /etc/keys/key && ! [ -e /root/key ]")).exits(0);
    left("taken back");
    // What was recorded is still there.
    site.desk.run(&["show", &format!("{FIRST}/print"), "--body"]);
    site.is_sound();
}

#[test]
fn a_job_of_this_boot_is_never_begun_again_whatever_its_clock_says() {
    let Some(site) = InventoryDir::new("real hosts: clock", Kind::default(), &[FIRST]) else { return };
    site.desk.write(
        "count.yml",
        "runbook: count\nhosts: { group: glusterfs }\neach_host:\n  \
         - count: { command: { run: [/bin/sh, -c, 'echo one >>/root/count; sleep 6; echo told'], changes: [/root/other] } }\n",
    );
    let mut live = site.spawn(&["run", "./count.yml", "-i", "hosts", "--yes"]);
    live.until("run ");
    site.hosts.until(FIRST, "[ -s /root/count ]");
    live.kill();
    site.hosts.until(FIRST, "ls /var/lib/palinode/jobs/*/ended.* >/dev/null 2>&1");
    // As after a clock that stepped by years while the job ran.
    site.hosts.inside(FIRST, "touch -h -d '900 days ago' /var/lib/palinode/jobs/*/* /var/lib/palinode/jobs/*").exits(0);
    site.hosts.run(FIRST, "true").exits(0);
    // Another connection sweeps.
    let _ = site.run(&["exec", FIRST, "-i", "hosts", "--journal", "other", "--", "true"]);
    site.run(&["resume"]).exits(0);
    assert_eq!(site.hosts.inside(FIRST, "cat /root/count").text(), "one");
    let shown = site.desk.run(&["show", &format!("{FIRST}/count")]).exits(0);
    assert!(shown.stdout.contains("told"), "{shown}");
    site.is_sound();
}

#[test]
fn an_inventory_says_how_a_host_is_reached_or_is_refused_with_its_place() {
    let Some(site) = InventoryDir::new("real hosts: ways", Kind::default(), &[FIRST, "gluster2.demo"]) else { return };
    let reads = ["exec", FIRST, "-i", "hosts", "service", "docker", "stopped", "--yes"];
    for (said, words) in [
        ("ansible_connection=local", "no connection by ssh"),
        ("ansible_become_method=su", "not `sudo`"),
        ("ansible_become_pass=hunter2", "without one"),
        ("ansible_ssh_common_args='-o StrictHostKeyChecking=no'", "host keys"),
    ] {
        site.desk.write("hosts", format!("[glusterfs]\n{FIRST} {said}\n"));
        let out = site.run(&reads).exits(2).complains(&[words, "line 2", FIRST]);
        assert!(!out.stderr.contains("hunter2"), "{out}");
    }
    // A way that leads nowhere is the way that is taken.
    site.desk.write("hosts", format!("[glusterfs]\n{FIRST} ansible_ssh_common_args='-o ProxyCommand=/bin/false'\n"));
    let out = site.run(&reads);
    assert_ne!(out.code, Some(0), "{out}");
    assert!(site.hosts.inside(FIRST, "! [ -e /var/lib/palinode/jobs ]").code == Some(0), "{out}");
    let good = "ansible_connection=ssh ansible_become=yes ansible_ssh_common_args='-o ServerAliveInterval=7 -C'";
    site.desk.write("hosts", format!("[glusterfs]\n{FIRST} {good}\n"));
    site.run(&reads).exits(0);
}

#[test]
fn what_a_task_prints_under_no_log_is_dropped() {
    for release in [Release::Current, Release::Old] {
        let Some(plays) = Playbooks::new("playbooks: no_log", release, &[FIRST]) else { return };
        plays.site.desk.write("secret.yml", format!("secret: {SECRET}\n"));
        plays.site.desk.write(
            "play.yml",
            "- hosts: all\n  gather_facts: false\n  vars: { hide: true }\n  tasks:\n    \
             - { name: hidden failure, fail: { msg: 'said {{ secret }}' }, no_log: true, ignore_errors: true }\n    \
             - { name: hidden by a variable, fail: { msg: '{{ secret }}' }, no_log: '{{ hide }}', ignore_errors: true }\n    \
             - { name: hidden loop, fail: { msg: '{{ item }}' }, loop: ['{{ secret }}'], no_log: true, ignore_errors: true }\n    \
             - { name: open failure, fail: { msg: 'said openly' }, ignore_errors: true }\n    \
             - { name: last, fail: { msg: '{{ secret }}' }, no_log: true }\n",
        );
        let from = plays.path("secret.yml");
        plays.runbook(&format!("        vars_from: [{from}]\n"), "");
        let out = plays.run(&["run", "./play-book.yml", "-i", "hosts", "--yes"]).exits(3);
        let shown = plays.site.desk.run(&["show", "after/play"]).exits(0);
        let body = plays.site.desk.raw(&["show", "after/play", "--body"]);
        let body = String::from_utf8_lossy(&body).into_owned();
        for text in [&out.stdout, &out.stderr, &shown.stdout, &body] {
            assert!(!text.contains("geheim"), "{text}");
        }
        let search = std::process::Command::new("grep")
            .args(["-rlE", SEARCH])
            .arg(plays.site.desk.path().join(".palinode"))
            .output()
            .expect("grep is there");
        assert_eq!(String::from_utf8_lossy(&search.stdout), "");
        assert!(body.contains("said openly"), "what is open stays: {body}");
    }
}
