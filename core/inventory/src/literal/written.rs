//! Texts as Python writes them.

/// The value in quotes: the preferred ones if they need no escape, else those that the value does not hold.
pub(crate) fn python_string(value: &str, preferred: Option<char>) -> String {
    let other = if value.contains('\'') && !value.contains('"') { '"' } else { '\'' };
    let quote = preferred.filter(|quote| !value.contains(*quote)).unwrap_or(other);
    let mut text = String::with_capacity(value.len() + 2);
    text.push(quote);
    for c in value.chars() {
        if c == quote || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text.push(quote);
    text
}
