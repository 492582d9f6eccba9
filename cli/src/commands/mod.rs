//! One file for each verb: its arguments with their help, and what it does. No verb imports another; what several need
//! stands in the modules below.

mod close;
mod decide;
mod doctor;
mod exec;
mod explain;
mod help;
mod inventory;
mod log;
mod reindex;
mod replay;
mod resume;
mod rollback;
mod run;
mod runbook;
mod runs;
mod show;
mod status;
mod util;
mod verify;

use crate::args::Args;
use crate::error::{Exit, Failure};
use clap::{CommandFactory, Parser, Subcommand};

/// Change clusters so that every step can be accounted for, resumed and taken back.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 paused, 4 in doubt, 6 partly rolled back, 7 journal damaged or not what the rules lead to, 8 cannot
/// record, 9 owned by another process.
#[derive(Debug, Parser)]
#[command(name = "palinode", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "`palinode help` lists the pages too; `palinode help in-doubt` shows one.")]
pub(crate) struct CommandLine {
    #[command(flatten)]
    pub(crate) args: Args,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Run),
    Exec(exec::Exec),
    Undo(rollback::Undo),
    Resume(resume::Resume),
    Status(status::Status),
    Runs(runs::Runs),
    Log(log::Log),
    Show(show::Show),
    Verify(verify::Verify),
    Replay(replay::Replay),
    Reindex(reindex::Reindex),
    Resolve(decide::Resolve),
    Retry(decide::Retry),
    Skip(decide::Skip),
    Pause(decide::Pause),
    Close(close::Close),
    Rollback(rollback::Rollback),
    #[command(subcommand)]
    Runbook(runbook::Runbook),
    Explain(explain::Explain),
    #[command(subcommand)]
    Inventory(inventory::Inventory),
    Doctor(doctor::Doctor),
    #[command(subcommand)]
    Util(util::Util),
    Help(help::Help),
}

impl CommandLine {
    /// Whether it drives a run, whose last events are worth keeping.
    pub(crate) fn drives(&self) -> bool {
        match &self.command {
            Command::Run(_) | Command::Exec(_) | Command::Undo(_) | Command::Resume(_) | Command::Rollback(_) => true,
            Command::Status(_)
            | Command::Runs(_)
            | Command::Log(_)
            | Command::Show(_)
            | Command::Verify(_)
            | Command::Replay(_)
            | Command::Reindex(_)
            | Command::Resolve(_)
            | Command::Retry(_)
            | Command::Skip(_)
            | Command::Pause(_)
            | Command::Close(_)
            | Command::Runbook(_)
            | Command::Inventory(_)
            | Command::Doctor(_)
            | Command::Explain(_)
            | Command::Util(_)
            | Command::Help(_) => false,
        }
    }
}

/// Carries out a command.
pub(crate) fn dispatch(line: &CommandLine) -> Result<Exit, Failure> {
    let args = &line.args;
    match &line.command {
        Command::Run(run) => run::run(args, run),
        Command::Exec(exec) => exec::exec(args, exec),
        Command::Undo(undo) => rollback::undo(args, undo),
        Command::Resume(resume) => resume::resume(args, resume),
        Command::Status(status) => status::status(args, status),
        Command::Runs(runs) => runs::runs(args, runs),
        Command::Log(log) => log::log(args, log),
        Command::Show(show) => show::show(args, show),
        Command::Verify(_) => verify::verify(args),
        Command::Replay(replay) => replay::replay(args, replay),
        Command::Reindex(_) => reindex::reindex(args),
        Command::Resolve(resolve) => decide::resolve(args, resolve),
        Command::Retry(retry) => decide::retry(args, retry),
        Command::Skip(skip) => decide::skip(args, skip),
        Command::Pause(pause) => decide::pause(args, pause),
        Command::Close(close) => close::close(args, close),
        Command::Rollback(rollback) => rollback::rollback(args, rollback),
        Command::Runbook(runbook) => runbook::runbook(args, runbook),
        Command::Inventory(command) => inventory::inventory(args, command),
        Command::Doctor(doctor) => doctor::doctor(args, doctor),
        Command::Explain(wanted) => explain::explain(args, wanted),
        Command::Util(command) => util::util(command),
        Command::Help(wanted) => help::help(wanted, CommandLine::command()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::{Path, PathBuf};

    fn files(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("the folder can be read").flatten().map(|entry| entry.path());
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn no_verb_imports_another_and_nothing_below_imports_a_verb() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let all = files(&source);
        assert!(all.len() > 40, "the sources are there: {}", all.len());
        let without_tests = |text: &str| text.split("#[cfg(test)]").next().unwrap_or_default().to_owned();
        for path in all.into_iter().filter(|path| *path != source.join("main.rs")) {
            let text = without_tests(&std::fs::read_to_string(&path).expect("a source can be read"));
            assert!(!text.contains("crate::commands"), "{}", path.display());
            // A verb of its own folder may say `super`; one that is a file would reach its neighbours with it.
            if path.parent() == Some(&source.join("commands")) && !path.ends_with("mod.rs") {
                assert!(!text.contains("use super::"), "{}", path.display());
            }
        }
    }

    /// The command and all below it, each with the words that lead to it.
    fn all(command: &clap::Command, words: &str) -> Vec<(String, clap::Command)> {
        let words = format!("{words} {}", command.get_name()).trim().to_owned();
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        let below: Vec<_> = below.flat_map(|below| all(below, &words)).collect();
        [(words, command.clone())].into_iter().chain(below).collect()
    }

    #[test]
    fn the_help_of_every_verb_says_what_it_does_and_fits_a_terminal_of_80_columns() {
        let mut line = CommandLine::command().term_width(80);
        line.build();
        let all = all(&line, "");
        assert!(all.len() > 25, "all verbs are there: {}", all.len());
        for (words, command) in all {
            assert!(command.get_about().is_some(), "`{words}` says what it does");
            let silent = |argument: &&clap::Arg| argument.get_help().is_none() && !argument.is_hide_set();
            let silent: Vec<_> = command.get_arguments().filter(silent).map(clap::Arg::get_id).collect();
            assert!(silent.is_empty(), "`{words}` explains {silent:?}");
            for help in [command.clone().render_help(), command.clone().render_long_help()] {
                let long = help.to_string().lines().map(str::to_owned).find(|line| line.chars().count() > 80);
                assert_eq!(long, None, "{words}");
            }
        }
    }
}
