//! Questions of playbooks, asked at the terminal.

use crate::error::Failure;
use crate::render::{escape, to_stderr};
use palinode_core::id::StepPath;
use palinode_executors::{Asker, Prompt, Reply};
use rustix::termios::{LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};
use std::cell::RefCell;
use std::io::{BufRead as _, IsTerminal as _};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};

/// The terminal, and what is asked there now.
#[derive(Default)]
pub(crate) struct Terminal {
    now: RefCell<Option<Now>>,
    reader: RefCell<Option<Reader>>,
}

/// A question that is shown and not answered.
struct Now {
    id: String,
    /// How the terminal was before what is typed was hidden.
    shown: Option<Termios>,
}

/// Reads lines, one whenever it is told to. A thread, since nobody else may wait for a person.
struct Reader {
    wanted: Sender<()>,
    lines: Receiver<Option<String>>,
    /// A line is wanted and has not come.
    waits: bool,
}

impl Terminal {
    /// The one that the command was typed at, if questions are to be asked there.
    pub(crate) fn if_asked(ask: bool) -> Result<Option<Rc<Self>>, Failure> {
        if ask && !std::io::stdin().is_terminal() {
            return Err(Failure::usage(
                "--ask hands questions to a terminal, and there is none here; nothing was changed",
                "type it at a terminal, or leave --ask away and give the answers in `vars:` of the step",
            ));
        }
        Ok(ask.then(|| Rc::new(Self::default())))
    }

    fn show(&self, step: &StepPath, id: &str, asked: &Prompt) {
        let stdin = std::io::stdin();
        if asked.afresh {
            let _ = tcflush(&stdin, QueueSelector::IFlush);
        }
        let mut shown = None;
        if asked.private
            && let Ok(was) = tcgetattr(&stdin)
        {
            let mut hidden = was.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            hidden.local_modes.insert(LocalModes::ECHONL);
            if tcsetattr(&stdin, OptionalActions::Now, &hidden).is_ok() {
                shown = Some(was);
            }
        }
        let hidden = if shown.is_some() { " (what you type is not shown)" } else { "" };
        let mut lines: Vec<String> = asked.prompt.lines().map(escape).collect();
        let last = lines.pop().unwrap_or_default();
        let before: String = lines.iter().map(|line| format!("{line}\n")).collect();
        to_stderr(&format!("{} asks{hidden}:\n{before}{last} ", escape(step.as_str())));
        *self.now.borrow_mut() = Some(Now { id: id.to_owned(), shown });
        let mut reader = self.reader.borrow_mut();
        let reader = reader.get_or_insert_with(Reader::start);
        if !reader.waits {
            reader.waits = reader.wanted.send(()).is_ok();
        }
    }

    /// What was typed, if it is there.
    fn line(&self) -> Option<Reply> {
        let mut reader = self.reader.borrow_mut();
        let reader = reader.as_mut()?;
        let line = match reader.lines.try_recv() {
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => None,
            Ok(line) => line,
        };
        reader.waits = false;
        Some(line.map_or(Reply::Refused, Reply::Given))
    }

    fn restore(&self) {
        if let Some(Now { shown: Some(was), .. }) = self.now.borrow_mut().take() {
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &was);
        }
    }
}

impl Reader {
    fn start() -> Self {
        let (wanted, asked) = channel::<()>();
        let (told, lines) = channel();
        std::thread::spawn(move || {
            while asked.recv().is_ok() {
                let mut line = String::new();
                let read = std::io::stdin().lock().read_line(&mut line);
                let line = read.is_ok_and(|count| count > 0).then(|| line.trim_end_matches(['\n', '\r']).to_owned());
                if told.send(line).is_err() {
                    break;
                }
            }
        });
        Self { wanted, lines, waits: false }
    }
}

impl Asker for Terminal {
    fn ask(&self, step: &StepPath, id: &str, asked: &Prompt) -> Option<Reply> {
        let now = self.now.borrow().as_ref().map(|now| now.id == id);
        match now {
            // Another one is asked first.
            Some(false) => None,
            Some(true) => self.line(),
            None => {
                self.show(step, id, asked);
                self.line()
            }
        }
    }

    fn gone(&self, id: &str) {
        if self.now.borrow().as_ref().is_some_and(|now| now.id == id) {
            self.restore();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.restore();
    }
}
