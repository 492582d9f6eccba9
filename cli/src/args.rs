//! Arguments. The doc comments here are the help text.

use crate::when::When;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use palinode_core::span::Span;
use palinode_replay::lab;
use std::path::PathBuf;

/// The variable that names a journal.
pub(crate) const JOURNAL_VARIABLE: &str = "PALINODE_JOURNAL";

/// Change clusters so that every step can be accounted for, resumed and taken back.
///
/// Exit codes: 0 done, 1 failed, 2 usage, 3 paused, 4 in doubt, 6 partly rolled back, 7 journal damaged or not what the rules lead to, 8 cannot
/// record, 9 owned by another process.
#[derive(Debug, Parser)]
#[command(name = "palinode", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(after_help = "`palinode help` lists the pages too; `palinode help in-doubt` shows one.")]
pub(crate) struct Args {
    /// The journal; by default `.palinode` here or in a folder above.
    #[arg(long, global = true, env = JOURNAL_VARIABLE, value_name = "DIR")]
    pub(crate) journal: Option<PathBuf>,
    /// How to print data.
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// A configuration of ssh in place of `~/.ssh/config` and the system's.
    #[arg(long, global = true, env = "PALINODE_SSH_CONFIG", value_name = "FILE")]
    pub(crate) ssh_config: Option<PathBuf>,
    /// How the cluster's API is reached; by default what `KUBECONFIG` names, or `~/.kube/config`.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context in it; by default its current one. It is recorded, and a run is not continued on another cluster.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    #[command(flatten)]
    pub(crate) logging: crate::logging::Options,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How to print data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// One JSON value.
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a runbook.
    Run(Run),
    /// Carry out one action on a host, recorded as a run is.
    ///
    /// `exec HOST -- COMMAND` runs a command; nothing but the words after `--` reaches it, and no shell reads them.
    /// Typed actions are known and can be taken back with `undo`:
    /// `exec HOST service UNIT... started|stopped|enabled|disabled...`, `exec HOST package NAME... present|absent`,
    /// `exec HOST file PATH... absent`, `exec HOST file PATH content TEXT [mode OCTAL] [owner USER:GROUP]` (the text as
    /// it is, and public in the journal), `exec HOST repository ID... enabled|disabled`, `exec HOST release VERSION|unset`,
    /// `exec HOST wait port|path|unit|for VALUE`, `exec HOST fetch PATH > FILE`, `exec HOST read PATH KEY`, `exec HOST reboot`.
    Exec(Exec),
    /// Take back what a run did: `undo @` the latest one.
    Undo(Undo),
    /// Go on with a run that was interrupted or paused.
    Resume(Resume),
    /// Show where a run stands, what is in doubt, and what to type.
    Status(Status),
    /// List the runs: the open ones first, then the latest.
    Runs(Runs),
    /// Show what happened, entry by entry.
    ///
    /// Every selection that is given must fit. Large journals are searched with an index, which needs no care;
    /// whatever it is short of is read from the journal.
    ///
    /// TIME is `2026-11-24T10:00:00Z`, `2026-11-24`, a time of day such as `10:00`, or a span such as `2h`. It is
    /// compared with the times that the log shows, in UTC. A time of day is the last one that was, and a span is
    /// counted back: from now, or in a lab, whose time is virtual, from the last entry of the run (without a run, of
    /// the journal).
    Log(Log),
    /// Show one entry, step or run in full.
    Show(Show),
    /// Check every byte of the journal.
    Verify,
    /// Check that every recorded decision follows from the rules; nothing is done.
    Replay(Replay),
    /// Build the index that `log` and `show` search large journals with.
    ///
    /// They build it by themselves where it helps; it may be deleted at any time.
    Reindex,
    /// Say what became of a step that is in doubt.
    ///
    /// One of three answers: `--applied`, it happened, and the run goes on behind it; `--not-applied`, it did not happen,
    /// and it is tried again; `--partial`, a part of it happened, and it counts as failed. With `--applied` and a reason
    /// the recorded failure of a step can be overruled too.
    Resolve(Resolve),
    /// Have a failed step tried again.
    Retry(Retry),
    /// Have a step passed over.
    Skip(Skip),
    /// Finish what runs, then pause.
    Pause(Pause),
    /// Close an open run that nobody goes on with: it ends as failed, and its hosts are given back.
    ///
    /// Nothing is done on any host. What the run did stays, and can be taken back by `rollback`.
    Close(Close),
    /// Take a run, a host or a step back.
    Rollback(Rollback),
    /// List and show the runbooks that come with Palinode, begin a new one, or make one of what was done.
    #[command(subcommand)]
    Runbook(Runbook),
    /// Look at an inventory as Ansible reads it.
    #[command(subcommand)]
    Inventory(Inventory),
    /// Look at hosts before a run, or measure what the disk under the journal really promises.
    ///
    /// `doctor HOST...` looks whether hosts can be reached, with which key and as whom, and at systemd, the package
    /// manager and its lock, space, clock, claims and jobs. Nothing is changed there.
    Doctor(Doctor),
    /// Show the help of a verb, or a page such as `in-doubt`; without one, list both.
    Help(Help),
}

/// How a simulated world is watched and disturbed.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Lab {
    /// Virtual seconds in a real one; by default time passes as fast as it can.
    #[arg(long, value_name = "N", value_parser = pace)]
    pub(crate) pace: Option<u32>,
    /// Cut the link while this step runs.
    #[arg(long, value_name = "STEP")]
    pub(crate) drop: Vec<String>,
    /// Let this step fail once: `STEP`, or `STEP=TIMES`.
    #[arg(long, value_name = "STEP")]
    pub(crate) fail: Vec<String>,
    /// Die at a moment of a step's first attempt: `STEP:not-begun`, `STEP:half` or `STEP:done`.
    #[arg(long, value_name = "STEP:MOMENT", hide = true)]
    pub(crate) die: Vec<String>,
    /// Die right after the entry with this sequence number is recorded.
    #[arg(long, value_name = "SEQ", hide = true)]
    pub(crate) die_after: Option<u64>,
}

impl Lab {
    /// Whether any of them is given.
    pub(crate) fn disturbs(&self) -> bool {
        self.pace.is_some() || !self.drop.is_empty() || !self.fail.is_empty() || !self.die.is_empty()
    }
}

/// How many times faster than a real one a lab's clock goes.
fn pace(text: &str) -> Result<u32, String> {
    let found = text.parse().ok().filter(|pace| (1..=1_000_000).contains(pace));
    found.ok_or_else(|| "write a whole number from 1 to 1000000".to_owned())
}

fn number(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "write a whole number".to_owned())
}

/// A number of storage nodes that a lab can have.
fn lab_nodes(text: &str) -> Result<usize, String> {
    let (least, most) = (lab::NODES.start(), lab::NODES.end());
    match text.parse() {
        Ok(number) if lab::NODES.contains(&number) => Ok(number),
        Ok(number) if number < *least => Err(format!(
            "a volume has three replicas, so that a lab needs at least {least} storage nodes; write {least} to {most}"
        )),
        _ => Err(format!("a lab has {least} to {most} storage nodes")),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Run {
    /// A runbook's name, or a file.
    pub(crate) runbook: String,
    /// Act in a simulated cluster, made for this run.
    #[arg(long)]
    pub(crate) lab: bool,
    /// Act in the simulated cluster of this folder; made if it is not there.
    #[arg(long, value_name = "DIR", conflicts_with = "lab")]
    pub(crate) lab_state: Option<PathBuf>,
    /// How many storage nodes a new simulated cluster has; other nodes, pods and volumes grow with them [default: 3].
    #[arg(long, value_name = "N", value_parser = lab_nodes, allow_negative_numbers = true)]
    pub(crate) lab_nodes: Option<usize>,
    /// The inventory, with the hosts to act on; the lab has one of its own.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// Act on real hosts without asking.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Take hosts over that another journal claims. Only if you know that nobody works on them any more.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Set a parameter of the runbook.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,
    /// Only this host of the group; may be given several times.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) errand: Errand,
    #[command(flatten)]
    pub(crate) lab_options: Lab,
}

/// Why a run is begun, and what becomes of it without its terminal.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Errand {
    /// Why it is done, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Number of the change request.
    #[arg(long, value_name = "ID")]
    pub(crate) change: Option<String>,
    /// What to do when the terminal goes away.
    #[arg(long, value_enum, default_value_t = OnHangup::GoOn)]
    pub(crate) on_hangup: OnHangup,
}

/// How something is taken back.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WayBack {
    /// Show the plan and what cannot be restored; change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Change back what someone has changed since; what was found is recorded.
    #[arg(long)]
    pub(crate) force: bool,
    /// Change real hosts without asking.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Take hosts over that another journal claims. Only if you know that nobody works on them any more.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Act on this host although it is another machine than the one recorded; recorded with the rollback.
    #[arg(long, value_name = "HOST")]
    pub(crate) host_changed: Vec<String>,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) errand: Errand,
}

/// What to do when the terminal goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnHangup {
    /// Go on without it.
    GoOn,
    /// Finish what runs, then pause.
    Pause,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Exec {
    /// The host, as ssh knows it.
    pub(crate) host: String,
    /// A typed action.
    #[arg(value_name = "ACTION", required_unless_present = "command")]
    pub(crate) typed: Vec<String>,
    /// A command and its arguments.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "typed")]
    pub(crate) command: Vec<String>,
    /// A file that the command changes: it is recorded before and after, and put back by `undo`.
    #[arg(long, value_name = "PATH", requires = "command")]
    pub(crate) changes: Vec<String>,
    /// The command may be repeated when nobody knows whether it ran.
    #[arg(long, requires = "command")]
    pub(crate) repeatable: bool,
    /// The inventory that says how the host is reached.
    #[arg(short, long, value_name = "FILE", conflicts_with = "lab_state")]
    pub(crate) inventory: Option<PathBuf>,
    /// Act in the simulated cluster of this folder; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub(crate) lab_state: Option<PathBuf>,
    /// Do it without asking, where it may lock you out.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Take the host over although another journal claims it.
    #[arg(long, conflicts_with = "lab_state")]
    pub(crate) take_over: bool,
    #[command(flatten)]
    pub(crate) errand: Errand,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Undo {
    /// The run, by the beginning of its id, or @ for the latest.
    pub(crate) run: String,
    #[command(flatten)]
    pub(crate) way: WayBack,
}

impl Undo {
    /// The same in the words of `rollback`.
    pub(crate) fn as_rollback(&self) -> Rollback {
        Rollback {
            run: Some(self.run.clone()),
            of: None,
            host: None,
            step: None,
            way: self.way.clone(),
            gap: Span::seconds(300),
            lab_options: Lab::default(),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// The run, by the beginning of its id; by default the latest open one.
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// Take hosts over that another journal claims, as after a journal was moved. Only if you know that nobody works on
    /// them any more.
    #[arg(long)]
    pub(crate) take_over: bool,
    /// Go on with this host although it is another machine than the one recorded: installed anew, or replaced. Recorded.
    #[arg(long, value_name = "HOST")]
    pub(crate) host_changed: Vec<String>,
    /// Go on although someone changed what a rollback is about to change back.
    #[arg(long)]
    pub(crate) force: bool,
    /// In the lab: how much time passed since the run stopped.
    #[arg(long, value_name = "SPAN", default_value = "5m")]
    pub(crate) gap: Span,
    /// What to do when the terminal goes away.
    #[arg(long, value_enum, default_value_t = OnHangup::GoOn)]
    pub(crate) on_hangup: OnHangup,
    /// Show what steps print on real hosts, while they run.
    #[arg(long)]
    pub(crate) live: bool,
    #[command(flatten)]
    pub(crate) lab_options: Lab,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    /// The run, by the beginning of its id; by default the latest.
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// End with an exit code that tells how the run stands: 0 done or rolled back, 1 failed, 3 open (running, paused or
    /// interrupted), 4 in doubt, 6 partly rolled back.
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Runs {
    /// Only those that are open.
    #[arg(long)]
    pub(crate) open: bool,
    /// Only those that act on this host.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Close {
    /// The run, by the beginning of its id.
    #[arg(required_unless_present = "of")]
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// Why nobody goes on with it, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Close it although steps are in doubt: each is recorded as done in part, and a rollback looks at what is there.
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Log {
    /// The run, by the beginning of its id, or @ for the latest; by default all.
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// Only the last N entries.
    #[arg(short = 'n', long, value_name = "N", value_parser = number)]
    pub(crate) last: Option<usize>,
    /// Only entries about steps whose path begins like this.
    #[arg(long, value_name = "PATH")]
    pub(crate) step: Option<String>,
    /// Only entries about this host.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Only entries about steps that carry out this action, such as `kube.drain`.
    #[arg(long, value_name = "NAME")]
    pub(crate) action: Option<String>,
    /// Only entries that name a resource whose key begins like this, such as `gluster1.demo/unit/crio`.
    #[arg(long, value_name = "KEY")]
    pub(crate) resource: Option<String>,
    /// Only entries of this kind.
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(palinode_core::record::KINDS))]
    pub(crate) kind: Option<String>,
    /// Only entries from this time on.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<When>,
    /// Only entries up to this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<When>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// A sequence number, the beginning of an entry's or run's id, `@`, or the path of a step.
    pub(crate) what: String,
    /// The run whose step is meant; by default the latest.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Of a step, write what its last attempt printed and nothing else: a fetched file as it is. A terminal gets it
    /// escaped.
    #[arg(long)]
    pub(crate) body: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Hold each entry against what rules, plan and the entries before it determine.
    #[arg(long, required = true)]
    pub(crate) strict: bool,
    /// The run, by the beginning of its id; by default the whole journal.
    pub(crate) run: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Resolve {
    /// The path of the step.
    pub(crate) step: String,
    /// It happened: the run goes on behind it.
    #[arg(long, group = "answer")]
    pub(crate) applied: bool,
    /// It did not happen: it is tried again.
    #[arg(long, group = "answer")]
    pub(crate) not_applied: bool,
    /// A part of it happened: it counts as failed.
    #[arg(long, group = "answer")]
    pub(crate) partial: bool,
    /// How you know, for the record; needed to overrule a failure.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Overrule a recorded failure without being asked.
    #[arg(long)]
    pub(crate) yes: bool,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retry {
    /// The path of the step.
    pub(crate) step: String,
    /// What was mended, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Skip {
    /// The path of the step.
    pub(crate) step: String,
    /// Why it may be passed over, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// The run; by default the latest open one.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pause {
    /// The run; by default the latest open one.
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    /// The run, by the beginning of its id; by default the latest that is not a rollback.
    pub(crate) run: Option<String>,
    /// The same.
    #[arg(long = "run", value_name = "RUN", conflicts_with = "run")]
    pub(crate) of: Option<String>,
    /// Only what was done for this host.
    #[arg(long, value_name = "HOST", conflicts_with = "step")]
    pub(crate) host: Option<String>,
    /// Only this step.
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<String>,
    #[command(flatten)]
    pub(crate) way: WayBack,
    /// In the lab: how much time passed since the run stopped.
    #[arg(long, value_name = "SPAN", default_value = "5m")]
    pub(crate) gap: Span,
    #[command(flatten)]
    pub(crate) lab_options: Lab,
}

#[derive(Debug, clap::Args)]
#[command(
    override_usage = "palinode doctor [OPTIONS] HOST...\n       palinode doctor [OPTIONS] --inventory FILE [HOST|GROUP]...\n       palinode doctor [OPTIONS] --disk [DIR] [--power-cut]\n       palinode doctor [OPTIONS] --report [FILE]",
    after_help = "Exit codes: 0 all well, 1 something would keep a run from working, or the disk breaks a promise, 2 a host \
                        could not be looked at, or the disk not be measured.\n\
                        --disk works in a folder of its own beside the journal, whose files are not touched."
)]
pub(crate) struct Doctor {
    /// The hosts, as ssh knows them; with -i, hosts or groups of the inventory.
    #[arg(value_name = "HOST", required_unless_present_any = ["disk", "inventory", "report"])]
    pub(crate) hosts: Vec<String>,
    /// All hosts of this inventory, or those that are named.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) inventory: Option<PathBuf>,
    /// The disk under the journal, or under DIR.
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["hosts", "inventory"])]
    pub(crate) disk: Option<Option<PathBuf>>,
    /// As root: make a throw-away file system on that disk, cut its power under a writer, and see what is lost.
    #[arg(long, requires = "disk", conflicts_with_all = ["hosts", "inventory"])]
    pub(crate) power_cut: bool,
    /// Write one file for a bug report, to be read before it is sent: versions, the disk, the journal, the runs, and the
    /// last events of runs that ended badly. Names and addresses are replaced; no output, content or secret is in it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, conflicts_with_all = ["hosts", "inventory", "disk", "power_cut"])]
    pub(crate) report: Option<Option<PathBuf>>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Help {
    /// A verb, such as `run` or `inventory check`, or the name of a page.
    pub(crate) topic: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Runbook {
    /// List the runbooks that come with Palinode.
    List,
    /// Print a runbook.
    Show {
        /// Its name.
        name: String,
    },
    /// Print a small runbook to begin from.
    New {
        /// Its name.
        name: String,
    },
    /// Print a runbook of what runs did, to be looked over.
    ///
    /// Several runs, as those of `exec`, become one. Steps that failed, were passed over or were taken back since
    /// are left out and named.
    FromRun(FromRun),
}

#[derive(Debug, clap::Args)]
pub(crate) struct FromRun {
    /// The runs, by the beginnings of their ids, or @ for the latest.
    #[arg(value_name = "RUN", required_unless_present = "since")]
    pub(crate) runs: Vec<String>,
    /// All runs that were begun since, but rollbacks; a TIME as `log` takes it.
    #[arg(long, value_name = "TIME", conflicts_with = "runs")]
    pub(crate) since: Option<When>,
    /// The name of the runbook; by default that of the one run.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Print the reasons that people gave for the runs.
    #[arg(long)]
    pub(crate) reasons: bool,
}

/// An inventory to look at.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Source {
    /// The inventory: a file, a folder of files, an executable, or names of hosts with a comma behind each. May be given
    /// several times; of what several say the last counts.
    #[arg(short, long, value_name = "FILE", required = true)]
    pub(crate) inventory: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inventory {
    /// Show groups, hosts and variables, and where each is said.
    ///
    /// With `-o json` it is what `ansible-inventory --list` prints.
    Show {
        #[command(flatten)]
        source: Source,
    },
    /// Draw the groups with their hosts, as `ansible-inventory --graph` does.
    Graph {
        #[command(flatten)]
        source: Source,
        /// Only this group and what is below it.
        #[arg(default_value = "all")]
        group: String,
    },
    /// Show each variable of a host: its value, the file and line that say so, and what it overrides.
    Host {
        #[command(flatten)]
        source: Source,
        /// The host.
        host: String,
    },
    /// Tell what two inventories, or two files of variables, mean differently. Comments, order of sections and quotes do
    /// not count.
    Diff {
        /// The one, as it was.
        before: String,
        /// The other, as it is.
        after: String,
    },
    /// Look for what does not do what it seems to: hosts left in new_nodes, hosts without a runtime, numbers that were
    /// meant as versions. Files in group_vars and host_vars beside the inventory count.
    ///
    /// Exit 1 if anything is found.
    Check {
        /// The inventory, a file. May be given several times.
        #[arg(short, long, value_name = "FILE", required = true)]
        inventory: Vec<String>,
    },
}

/// The run that a command line names, before or behind `--run`.
macro_rules! named {
    ($($verb:ident),*) => {
        $(impl $verb {
            /// The run that is named.
            pub(crate) fn named(&self) -> Option<&str> {
                self.run.as_deref().or(self.of.as_deref())
            }
        })*
    };
}

named!(Resume, Status, Log, Pause, Close, Rollback);
