//! Questions that are handed to the terminal (`--ask`): answered, recorded that they were, and never with what.

use palinode_tests::ansible::Release;
use palinode_tests::local_plays::LocalPlays;

const RUN: [&str; 6] = ["run", "./play-book.yml", "-i", "all-hosts", "--yes", "--ask"];

const SECRET: &str = "hunter2-is-the-answer";

/// Nothing that is kept has the answer.
#[track_caller]
fn is_kept_nowhere(plays: &LocalPlays, answer: &str) {
    for args in [&["log"][..], &["log", "--kind", "progress"], &["log", "-o", "json"], &["show", "after/play"]] {
        let out = plays.desk.run(args);
        assert!(!out.stdout.contains(answer), "{args:?}: {out}");
    }
    let body = plays.desk.raw(&["show", "after/play", "--body"]);
    assert!(!String::from_utf8_lossy(&body).contains(answer), "{}", String::from_utf8_lossy(&body));
    for (file, _) in plays.desk.files(".palinode").into_iter().filter(|(file, _)| file.is_file()) {
        let bytes = std::fs::read(&file).expect("it can be read");
        assert!(!bytes.windows(answer.len()).any(|part| part == answer.as_bytes()), "{}", file.display());
    }
}

fn set_up(test: &str, release: Release, play: &str, config: &str) -> Option<LocalPlays> {
    let plays = LocalPlays::new(test, release)?;
    let dir = plays.desk.path().display().to_string();
    plays.desk.write("all-hosts", "[glusterfs]\nh1\nh2\n");
    plays.desk.write("hosts", "h1\n");
    plays.desk.write("ansible.cfg", config.replace("DIR", &dir));
    plays.desk.write("play.yml", play.replace("DIR", &dir));
    plays.runbook(&format!("        inventory: {dir}/hosts\n"));
    Some(plays)
}

const PLAY: &str = "
- hosts: h1
  gather_facts: false
  vars_prompt:
    - { name: release, prompt: 'Which release?', private: no }
    - { name: word, prompt: 'The word', confirm: yes }
  tasks:
    - { raw: 'test {{ word | length }} = 21' }
    - { name: sure, pause: { prompt: 'Really?' }, register: said }
    - { raw: 'echo {{ release }} {{ said.user_input | length }} >>DIR/marks', no_log: true }
";

fn through(release: Release, test: &str) {
    // Even where Ansible prints all results.
    let Some(plays) = set_up(test, release, PLAY, "[defaults]\nverbosity = 1\n") else { return };
    let typed = format!("{SECRET}\n");
    let turns = [
        ("Which release?", "r3\n"),
        ("The word", typed.as_str()),
        ("confirm The word", typed.as_str()),
        ("Really?", typed.as_str()),
    ];
    let (screen, code) = plays.typed(&RUN, &turns);
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("after/play asks:") && screen.contains("what you type is not shown"), "{screen}");
    assert_eq!(screen.matches(SECRET).count(), 1, "a pause shows what is typed, a password does not: {screen}");
    let marks = std::fs::read_to_string(plays.path("marks")).expect("it was run");
    assert_eq!(marks, "r3 21\n");
    let log = plays.desk.run(&["log", "--kind", "progress"]).exits(0);
    log.says(&[
        "answered at the terminal: vars_prompt release (Which release?",
        "answered at the terminal: pause sure",
    ]);
    plays.desk.run(&["show", "after/play"]).exits(0).says(&["answered at the terminal: vars_prompt word"]);
    is_kept_nowhere(&plays, SECRET);
    plays.is_sound();
}

#[test]
fn questions_are_answered_at_the_terminal() {
    through(Release::Current, "asked: at the terminal");
}

#[test]
fn so_they_are_with_ansible_2_9() {
    through(Release::Old, "asked: at the terminal, Ansible 2.9");
}

#[test]
fn passwords_are_asked_for_at_the_terminal() {
    let play = "
- hosts: h1
  gather_facts: false
  vars_files: [ secret.yml ]
  tasks: [ { raw: 'echo {{ inside }} >>DIR/marks' } ]
";
    let config = "[defaults]\nask_vault_pass = True\nask_pass = True\n[privilege_escalation]\nbecome_ask_pass = True\n";
    let Some(plays) = set_up("asked: passwords", Release::Current, play, config) else { return };
    plays.encrypt("secret.yml", "inside: y\n", SECRET);
    let typed = format!("{SECRET}\n");
    let turns = [
        ("Vault password (default):", typed.as_str()),
        ("SSH password", "connects\n"),
        ("BECOME password", "becomes\n"),
    ];
    let (screen, code) = plays.typed(&RUN, &turns);
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(std::fs::read_to_string(plays.path("marks")).expect("it was run"), "y\n");
    let log = plays.desk.run(&["log", "--kind", "progress"]).exits(0);
    log.says(&["answered at the terminal: vault", "answered at the terminal: become_ask_pass", "terminal: ask_pass"]);
    for answer in [SECRET, "becomes", "connects"] {
        assert!(!screen.contains(answer), "{screen}");
        is_kept_nowhere(&plays, answer);
    }
}

#[test]
fn a_question_that_is_not_answered_ends_the_playbook() {
    let Some(plays) = set_up("asked: not answered", Release::Current, PLAY, "") else { return };
    // The end of what is typed.
    let (screen, code) = plays.typed(&RUN, &[("Which release?", "\u{4}")]);
    assert_eq!(code, Some(3), "{screen}");
    let log = plays.desk.run(&["log", "--kind", "outcome"]).exits(0);
    log.says(&["nothing was run: it asks for the variable `release`", "and got no answer", "`vars:`"]);
    // Where there is no terminal it is not begun.
    let _ = std::fs::remove_dir_all(plays.desk.path().join(".palinode"));
    plays.run(&RUN).exits(2).complains(&["--ask hands questions to a terminal, and there is none here"]);
    assert!(!plays.desk.path().join(".palinode").exists());
}

/// Palinode is killed while a question waits: who goes on with `--ask` answers it, who does not ends it.
#[test]
fn a_question_waits_for_who_goes_on() {
    let play = "
- hosts: h1
  gather_facts: false
  vars_prompt: [ { name: release, prompt: 'Which release?', private: no } ]
  tasks: [ { raw: 'echo {{ release }} >>DIR/marks' } ]
";
    let Some(plays) = set_up("asked: killed", Release::Current, play, "") else { return };
    for answered in [true, false] {
        let _ = std::fs::remove_dir_all(plays.desk.path().join(".palinode"));
        let _ = std::fs::remove_file(plays.path("marks"));
        let (screen, code) = plays.typed(&RUN, &[("Which release?", "KILL")]);
        assert_eq!(code, Some(128), "{screen}");
        if answered {
            let (screen, code) = plays.typed(&["resume", "--ask"], &[("Which release?", "r4\n")]);
            assert_eq!(code, Some(0), "{screen}");
            assert_eq!(std::fs::read_to_string(plays.path("marks")).expect("it was run"), "r4\n");
        } else {
            plays.run(&["resume"]).exits(3);
            plays.desk.run(&["log"]).exits(0).says(&["it asks for the variable `release`", "and got no answer"]);
            assert!(!plays.desk.path().join("marks").exists());
        }
        plays.is_sound();
    }
}
