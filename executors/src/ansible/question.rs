//! What a person is told of a question that had no answer: what was asked, and how to do without.

use super::tally::Question;

/// All that was asked, in a sentence, and what helps.
pub(super) fn told(questions: &[Question]) -> String {
    let Some(first) = questions.first() else { return String::new() };
    let refused = questions.iter().any(|one| one.refused);
    let mut asked: Vec<String> = Vec::new();
    for question in questions {
        let words = asks(question);
        if !asked.contains(&words) {
            asked.push(words);
        }
    }
    let end = if refused { "and got no answer" } else { "and nobody is there to answer" };
    let mut help: Vec<String> = Vec::new();
    for question in questions {
        let words = answers(question);
        if !help.contains(&words) {
            help.push(words);
        }
    }
    // What several prompts want is given in one place.
    let names: Vec<&str> =
        questions.iter().filter(|one| one.kind == "vars_prompt").map(|one| one.name.as_str()).collect();
    let help = match names.len() == questions.len() && names.len() > 1 {
        true => format!("give {} in `vars:` of the step (`{{ secret: file:PATH }}` for a secret)", list(&names)),
        false => help.join("; "),
    };
    let terminal = if first.refused { "" } else { "; or run it at a terminal with `--ask`" };
    format!("it asks {}, {end}: {help}{terminal}", asked.join(", and "))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn asks(question: &Question) -> String {
    let prompt = question.prompt.lines().next().unwrap_or_default();
    let prompt = if prompt.is_empty() || prompt == question.name { String::new() } else { format!(" ({prompt})") };
    match question.kind.as_str() {
        "vars_prompt" => format!("for the variable `{}`{prompt}", question.name),
        "pause" => format!("in the task `{}`, which pauses until someone answers{prompt}", question.name),
        "ask_pass" => "for the password of the connection (`ask_pass`)".to_owned(),
        "become_ask_pass" => "for the password of `become` (`become_ask_pass`)".to_owned(),
        "vault" => "for the password of the vault".to_owned(),
        "debugger" => format!("in its debugger what to do{prompt}"),
        "ssh" => "a question of ssh".to_owned(),
        _ => format!("a question{prompt}"),
    }
}

fn answers(question: &Question) -> String {
    match question.kind.as_str() {
        "vars_prompt" => {
            let hashed = match &question.encrypt {
                Some(how) => format!(", hashed already (`{how}`)"),
                None => String::new(),
            };
            let usual = match &question.default {
                Some(default) => format!("; its default is `{default}`"),
                None => String::new(),
            };
            format!("give `{}` in `vars:` of the step{hashed}{usual}", question.name)
        }
        "pause" => {
            "give the pause `seconds`, or have it depend (`when`) on a variable that `vars:` of the step gives, or \
                    leave it out with `skip_tags`"
                .to_owned()
        }
        "ask_pass" => {
            "give `ansible_password` in `vars:` of the step (`{ secret: file:PATH }`), or set `ask_pass` to no \
                       where Ansible is configured"
                .to_owned()
        }
        "become_ask_pass" => "give `ansible_become_password` in `vars:` of the step (`{ secret: file:PATH }`), or set \
                              `become_ask_pass` to no where Ansible is configured"
            .to_owned(),
        "vault" => "name a file with the password in `vault_password_file` of ansible.cfg or in \
                    ANSIBLE_VAULT_PASSWORD_FILE, or give the values in `vars:` of the step"
            .to_owned(),
        "debugger" => {
            "take `debugger` out of the playbook and of Ansible's configuration, and give what was missing in \
                       `vars:` of the step"
                .to_owned()
        }
        _ => "give in `vars:` of the step what keeps it from asking".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_told_with_what_answers_it() {
        let question = |kind: &str, name: &str, prompt: &str| Question {
            kind: kind.to_owned(),
            name: name.to_owned(),
            prompt: prompt.to_owned(),
            ..Question::default()
        };
        let release = question("vars_prompt", "release", "Which release?");
        assert_eq!(
            told(std::slice::from_ref(&release)),
            "it asks for the variable `release` (Which release?), and nobody is there to answer: give `release` in `vars:` of \
             the step; or run it at a terminal with `--ask`"
        );
        let hashed =
            Question { encrypt: Some("sha512_crypt".to_owned()), default: Some("x".to_owned()), ..release.clone() };
        assert!(told(&[hashed]).contains("of the step, hashed already (`sha512_crypt`); its default is `x`"));
        let both = told(&[release.clone(), question("vars_prompt", "b", "b")]);
        assert!(both.contains("`release` (Which release?), and for the variable `b`, and nobody"), "{both}");
        assert!(both.contains("give `release`, `b` in `vars:` of the step"), "{both}");
        let refused = told(&[Question { refused: true, ..release }]);
        assert!(refused.contains("and got no answer") && !refused.contains("--ask"), "{refused}");
        for kind in ["pause", "ask_pass", "become_ask_pass", "vault", "debugger", "ssh", "other", "new"] {
            let words = told(&[question(kind, "T", "really?\nmore")]);
            assert!(words.contains("`vars:` of the step") && words.contains("--ask"), "{words}");
        }
    }
}
