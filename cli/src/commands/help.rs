//! `palinode help`: the verbs' help as clap writes it, and the pages of `cli/docs`.

use crate::error::{Exit, Failure};
use crate::render::{markdown, suggest, to_stdout, width};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// A page that `palinode help NAME` shows.
struct Topic {
    name: &'static str,
    about: &'static str,
    page: &'static str,
}

macro_rules! topics {
    ($($name:literal, $file:literal, $about:literal;)*) => {
        /// All pages, in the order in which a newcomer reads them.
        const TOPICS: &[Topic] = &[
            $(Topic { name: $name, about: $about, page: include_str!(concat!("../../docs/", $file)) }),*
        ];
    };
}

topics! {
    "concepts", "concepts.md", "the words: run, step, intent, outcome, in doubt, inverse, residue";
    "first-real-host", "first-real-host.md", "from the lab to a host of yours, and back";
    "failing-step", "failing-step.md", "a step failed: look, mend, try again, pass over";
    "in-doubt", "in-doubt.md", "it is unknown whether a step happened: find out, and say so";
    "rolling-back", "rolling-back.md", "take a step, a host or a run back, and what cannot be restored";
    "handing-over", "handing-over.md", "end of shift, another person, another journal";
    "journal-care", "journal-care.md", "where it lies, check it, copy it, move it, its disk";
    "writing-a-runbook", "writing-a-runbook.md", "from what you type today to a runbook, gates included";
    "runbook-language", "runbook-language.md", "every key of a runbook";
    "actions", "actions.md", "every action and gate, with its fields";
    "secrets", "secrets.md", "passwords and tokens that steps need";
    "inventories", "inventories.md", "read as Ansible reads them, checked, edited as text";
    "playbooks", "playbooks.md", "Ansible's playbooks as steps";
    "api", "api.md", "nodes, pods and objects through the cluster's API, 1.11 and later";
    "security", "security.md", "who may read and write what, and how to report a fault";
    "logging", "logging.md", "what Palinode says of its own work, and a report for a fault";
    "promises", "promises.md", "what is promised, and the test of each promise";
    "limits", "limits.md", "what is not promised, not known, or not there";
    "compared", "compared.md", "beside ansible-playbook, AWX, Temporal, Terraform and a shell";
}

/// Show the help of a verb, or a page such as `in-doubt`; without one, list both.
#[derive(Debug, clap::Args)]
pub(crate) struct Help {
    /// A verb, such as `run` or `inventory check`, or the name of a page.
    topic: Vec<String>,
}

/// Shows the help of a verb, a page, or the list of both.
pub(crate) fn help(wanted: &Help, mut root: clap::Command) -> Result<Exit, Failure> {
    root.build();
    let Some((first, rest)) = wanted.topic.split_first() else {
        // The pages follow: nothing need say where they are.
        show(&root.after_help("").render_help());
        to_stdout(&list());
        return Ok(Exit::Done);
    };
    if let (Some(topic), []) = (TOPICS.iter().find(|topic| topic.name == first), rest) {
        to_stdout(&markdown::render(topic.page, width(), is_styled()));
        return Ok(Exit::Done);
    }
    let mut command = &mut root;
    for (at, name) in wanted.topic.iter().enumerate() {
        let known: BTreeSet<String> = names(command, at == 0);
        command = match command.find_subcommand_mut(name) {
            Some(found) => found,
            None => return Err(unknown(&wanted.topic[..=at], &known)),
        };
    }
    show(&command.render_long_help());
    Ok(Exit::Done)
}

/// What may stand behind `help` and the words before it.
fn names(command: &clap::Command, with_topics: bool) -> BTreeSet<String> {
    let verbs = command.get_subcommands().map(|verb| verb.get_name().to_owned());
    let topics = TOPICS.iter().filter(|_| with_topics).map(|topic| topic.name.to_owned());
    verbs.chain(topics).collect()
}

fn unknown(words: &[String], known: &BTreeSet<String>) -> Failure {
    let what = format!("there is no verb and no page `{}`", words.join(" "));
    let known: BTreeSet<&str> = known.iter().map(String::as_str).collect();
    let meant = words.last().map(|word| suggest::meant(word, &known));
    // The verbs and pages together are too many for one line.
    let hint = meant.filter(|hint| words.len() > 1 || hint.starts_with("did you mean"));
    Failure::usage(what, hint.unwrap_or_else(|| "type `palinode help` for the list".to_owned()))
}

/// Pages with a line each.
fn list() -> String {
    let width = TOPICS.iter().map(|topic| topic.name.len()).max().unwrap_or(0);
    let mut out = "\nPages, shown by `palinode help PAGE`:\n".to_owned();
    for topic in TOPICS {
        let _ = writeln!(out, "  {:<width$}  {}", topic.name, topic.about);
    }
    out
}

fn show(text: &clap::builder::StyledStr) {
    to_stdout(&if is_styled() { text.ansi().to_string() } else { text.to_string() });
}

/// Bold is for people who look at a terminal and did not turn it off (<https://no-color.org>).
fn is_styled() -> bool {
    let off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    std::io::stdout().is_terminal() && !off && !dumb
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::CommandLine;
    use clap::CommandFactory as _;

    #[test]
    fn every_page_fits_80_columns_but_for_its_code() {
        for topic in TOPICS {
            let page = markdown::render(topic.page, 80, false);
            // A word that is longer, such as an address, has a line of its own.
            let folded = page.lines().filter(|line| !line.starts_with("    ") && line.trim().contains(' '));
            for line in folded {
                assert!(line.chars().count() <= 80, "{}: {line}", topic.name);
            }
        }
    }

    #[test]
    fn no_page_has_the_name_of_a_verb() {
        let verbs = names(&CommandLine::command(), false);
        let both: Vec<&str> = TOPICS.iter().map(|topic| topic.name).filter(|name| verbs.contains(*name)).collect();
        assert_eq!(both, Vec::<&str>::new(), "`palinode help NAME` would show only one of them");
    }

    /// A link to a page is shown as the command that shows it: a page's file has the name of its topic.
    #[test]
    fn every_link_to_a_page_is_a_topic() {
        let mut seen = 0;
        for topic in TOPICS {
            for link in topic.page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                let file = link.split('#').next().unwrap_or_default();
                let Some(name) = file.strip_suffix(".md").filter(|name| !name.contains('/')) else { continue };
                assert!(TOPICS.iter().any(|topic| topic.name == name), "{}: {link}", topic.name);
                seen += 1;
            }
        }
        assert!(seen > 10, "{seen}");
    }

    #[test]
    fn every_file_of_the_folder_is_a_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");
        let files = std::fs::read_dir(folder).expect("cli/docs is there").count();
        assert_eq!(files, TOPICS.len());
    }
}
