//! What steps print, while they run: line by line, escaped.

use super::{escape, progress::split};
use palinode_core::id::{Attempt, StepPath};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A line without end is shown in pieces of so many bytes.
const PIECE: usize = 4 << 10;

/// Shows what steps print. Lines that have not ended yet wait for their end.
pub(crate) struct Live {
    to: fn(&str),
    named: bool,
    heard: RefCell<BTreeMap<(StepPath, Attempt), Heard>>,
}

#[derive(Default)]
struct Heard {
    bytes: usize,
    line: Vec<u8>,
}

impl Live {
    /// Shows it through `to`; `named` says at each line whose it is.
    pub(crate) fn new(to: fn(&str), named: bool) -> Self {
        Self { to, named, heard: RefCell::default() }
    }

    /// Beside the progress on standard error, if it is asked for.
    pub(crate) fn beside(asked: bool) -> Option<Rc<Self>> {
        asked.then(|| Rc::new(Self::new(super::to_stderr, true)))
    }

    /// Shows what a step printed next.
    pub(crate) fn hear(&self, step: &StepPath, attempt: Attempt, bytes: &[u8]) {
        let mut all = self.heard.borrow_mut();
        let heard = all.entry((step.clone(), attempt)).or_default();
        heard.bytes += bytes.len();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            heard.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") || heard.line.len() >= PIECE {
                self.show(step, &std::mem::take(&mut heard.line));
            }
        }
    }

    /// How many bytes of it were heard.
    pub(crate) fn heard(&self, step: &StepPath, attempt: Attempt) -> usize {
        self.heard.borrow().get(&(step.clone(), attempt)).map_or(0, |heard| heard.bytes)
    }

    /// Shows what has no end.
    pub(crate) fn flush(&self) {
        for ((step, _), heard) in self.heard.borrow_mut().iter_mut() {
            let line = std::mem::take(&mut heard.line);
            if !line.is_empty() {
                self.show(step, &line);
            }
        }
    }

    fn show(&self, step: &StepPath, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = escape(text.strip_suffix('\n').unwrap_or(&text).trim_end_matches('\r'));
        if self.named {
            let (place, step) = split(step);
            (self.to)(&format!("          {place:<14}  {step:<34}  | {text}\n"));
        } else {
            (self.to)(&format!("{text}\n"));
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        static SHOWN: RefCell<String> = const { RefCell::new(String::new()) };
        static CALLS: Cell<usize> = const { Cell::new(0) };
    }

    fn keep(text: &str) {
        CALLS.set(CALLS.get() + 1);
        SHOWN.with_borrow_mut(|shown| shown.push_str(text));
    }

    #[test]
    fn lines_are_shown_whole_and_escaped_and_what_has_no_end_in_the_end() {
        let step = StepPath::new("gluster1.demo/command").expect("a path");
        let live = Live::new(keep, false);
        live.hear(&step, 1, b"one\ntw");
        assert_eq!(SHOWN.take(), "one\n");
        live.hear(&step, 1, b"o\x1b[2J\xff\r\nthree");
        assert_eq!(SHOWN.take(), "two\\u{1b}[2J\u{fffd}\n");
        assert_eq!(live.heard(&step, 1), 19);
        assert_eq!(live.heard(&step, 2), 0);
        live.hear(&step, 2, b"again");
        live.flush();
        assert_eq!(SHOWN.take(), "three\nagain\n");
        live.hear(&step, 1, &[b'x'; 3 * PIECE]);
        let shown = SHOWN.take();
        assert!(shown.len() > 3 * PIECE, "nothing waits for ever");
        let named = Live::new(keep, true);
        named.hear(&step, 1, b"told\n");
        assert_eq!(SHOWN.take().split_whitespace().collect::<Vec<_>>(), ["gluster1.demo", "command", "|", "told"]);
    }
}
