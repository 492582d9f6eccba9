//! One file for each verb.

mod carry;
mod close;
mod decide;
mod doctor;
mod exec;
mod from_run;
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
mod verify;

use crate::args::{Args, Command};
use crate::exit::{Exit, Failure};
pub(crate) use exec::EXEC;

/// Carries out a command.
pub(crate) fn dispatch(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Run(run) => run::run(args, run),
        Command::Exec(exec) => exec::exec(args, exec),
        Command::Undo(undo) => rollback::rollback(args, &undo.as_rollback()),
        Command::Resume(resume) => resume::resume(args, resume),
        Command::Status(status) => status::status(args, status),
        Command::Runs(runs) => runs::runs(args, runs),
        Command::Log(log) => log::log(args, log),
        Command::Show(show) => show::show(args, show),
        Command::Verify => verify::verify(args),
        Command::Replay(replay) => replay::replay(args, replay),
        Command::Reindex => reindex::reindex(args),
        Command::Resolve(resolve) => decide::resolve(args, resolve),
        Command::Retry(retry) => decide::retry(args, retry),
        Command::Skip(skip) => decide::skip(args, skip),
        Command::Pause(pause) => decide::pause(args, pause),
        Command::Close(close) => close::close(args, close),
        Command::Rollback(rollback) => rollback::rollback(args, rollback),
        Command::Runbook(runbook) => runbook::runbook(args, runbook),
        Command::Inventory(command) => inventory::inventory(args, command),
        Command::Doctor(doctor) => doctor::doctor(args, doctor),
        Command::Help(wanted) => help::help(wanted),
    }
}
