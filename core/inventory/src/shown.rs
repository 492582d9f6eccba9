//! Text from outside, as messages show it.

/// Characters that reorder what a terminal shows, so that a name could pose as another.
pub fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from outside, as messages show it.
pub trait Shown {
    /// The text with what a terminal acts on escaped. Quotes and backslashes stay as they were written.
    fn shown(&self) -> String;
}

impl Shown for str {
    fn shown(&self) -> String {
        let mut out = String::with_capacity(self.len());
        for c in self.chars() {
            if c.is_control() || is_bidi(c) {
                out.extend(c.escape_default());
            } else {
                out.push(c);
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_terminal_acts_on_is_escaped() {
        assert_eq!(r#"the lab's "x" \ y"#.shown(), r#"the lab's "x" \ y"#);
        assert_eq!("a\u{1b}[2J\nb\u{202e}".shown(), "a\\u{1b}[2J\\nb\\u{202e}");
    }
}
