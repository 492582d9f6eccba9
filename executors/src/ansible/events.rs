//! What the callback plugin wrote: lines of JSON, read from where they stopped, tolerant of anything else.

use super::tally::Tally;
use palinode_core::record::ProgressKind;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A line of the plugin is never so long; what is, is skipped.
const LINE: usize = 1 << 20;

/// So much is read at once.
const PIECE: u64 = 1 << 20;

/// One line that is an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: u64,
    pub(super) what: ProgressKind,
    pub(super) bytes: Vec<u8>,
}

/// A file of events, read from where it was read last.
#[derive(Debug, Default)]
pub(super) struct Tail {
    at: u64,
    rest: Vec<u8>,
    /// The rest of a line that is too long is skipped.
    skip: bool,
    pub(super) tally: Tally,
}

impl Tail {
    /// The next lines of a file, at most about a piece of them; none if there are no whole ones yet.
    pub(super) fn more(&mut self, path: &Path) -> io::Result<Vec<Line>> {
        let mut file = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        file.seek(SeekFrom::Start(self.at))?;
        let mut piece = Vec::new();
        let count = file.take(PIECE).read_to_end(&mut piece)?;
        self.at += count as u64;
        Ok(self.feed(&piece))
    }

    pub(super) fn feed(&mut self, piece: &[u8]) -> Vec<Line> {
        let mut lines = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let whole = part.ends_with(b"\n");
            if !self.skip {
                self.rest.extend_from_slice(part);
            }
            if self.rest.len() > LINE {
                self.rest.clear();
                self.skip = true;
                self.tally.strange += 1;
            }
            if whole {
                let bytes = std::mem::take(&mut self.rest);
                if !std::mem::take(&mut self.skip) {
                    lines.extend(self.line(bytes));
                }
            }
        }
        lines
    }

    fn line(&mut self, mut bytes: Vec<u8>) -> Option<Line> {
        bytes.truncate(bytes.trim_ascii_end().len());
        let Some((number, what)) = self.tally.take(&bytes) else {
            self.tally.strange += u64::from(!bytes.is_empty());
            return None;
        };
        Some(Line { number, what, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tally::Fared;
    use super::*;
    use palinode_core::record::HostEnd;

    fn fed(text: &[u8], size: usize) -> (Vec<Line>, Tail) {
        let mut tail = Tail::default();
        let lines = text.chunks(size).flat_map(|piece| tail.feed(piece)).collect();
        (lines, tail)
    }

    #[test]
    fn lines_are_read_in_any_pieces_and_what_is_none_is_counted() {
        let text = b"{\"n\":1,\"e\":\"began\"}\nnoise \xff\n{\"n\":1,\"e\":\"play\"}\n\n{\"n\":3,\"e\":\"ok\",\"host\":\"a\"}\n\
            {\"n\":4,\"e\":\"ok\",\"changed\":true,\"host\":\"b\"}\n{\"n\":5,\"e\":\"failed\",\"host\":\"b\",\"name\":\"T\",\
            \"result\":{\"msg\":\"no\"}}\n{\"n\":6,\"e\":\"failed\",\"ignored\":true,\"host\":\"b\"}\n\
            {\"n\":7,\"e\":\"unreachable\",\"host\":\"c\"}\n{\"n\":8,\"e\":\"new\"}\n{\"n\":9,\"e\":\"stats\",\"hosts\":\
            {\"a\":{\"ok\":2},\"b\":{\"failures\":1}}}\n{\"n\":10,\"e\":\"half";
        let host = |host: &str, ended| ProgressKind::Host { host: host.to_owned(), ended };
        let wanted = [
            ProgressKind::Began,
            host("a", HostEnd::Ok),
            host("b", HostEnd::Changed),
            host("b", HostEnd::Failed),
            host("b", HostEnd::Ignored),
            host("c", HostEnd::Unreachable),
            ProgressKind::Note,
            ProgressKind::Stats { hosts: 2, failed: 1, unreachable: 0 },
        ];
        for size in [1, 7, 4096] {
            let (lines, tail) = fed(text, size);
            let told: Vec<&ProgressKind> = lines.iter().map(|line| &line.what).collect();
            assert_eq!(told, wanted.iter().collect::<Vec<_>>());
            assert_eq!(tail.tally.strange, 2, "noise, and a number that was there before");
            let lost = tail.tally.hosts["b"].lost.as_ref().expect("it is lost");
            assert_eq!(lost.told("b"), "task `T` on b: no");
            assert_eq!(tail.tally.stats.expect("stats")["a"], Fared { ok: 2, ..Fared::default() });
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut text = vec![b'x'; 3 * LINE];
        text.extend_from_slice(b"\n{\"n\":1,\"e\":\"began\"}\n");
        let (lines, tail) = fed(&text, 1 << 16);
        assert_eq!((lines.len(), tail.tally.strange), (1, 1));
        assert!(tail.rest.capacity() <= 2 * LINE, "{}", tail.rest.capacity());
    }
}
