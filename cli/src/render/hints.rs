//! What to type next: command lines that act on the run that was shown, also where the folder would lead elsewhere.

use crate::args::JOURNAL_VARIABLE;
use palinode_journal::{ROOT_NAME, find_root};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// What this process shows or drives. Errors are told in places that know neither journal nor run.
static ABOUT: Mutex<About> = Mutex::new(About { journal: None, run: None });

struct About {
    /// What stands behind all else; empty where the folder leads there.
    journal: Option<String>,
    /// The shortest name of the run.
    run: Option<String>,
}

/// From here on hints are about this journal.
pub(crate) fn about_journal(root: &Path) {
    let here = std::env::current_dir().ok();
    let variable = std::env::var_os(JOURNAL_VARIABLE).map(PathBuf::from);
    let option = option(root, here.as_deref(), variable.as_deref());
    ABOUT.lock().unwrap_or_else(PoisonError::into_inner).journal = Some(option);
}

/// From here on hints are about this run, by the beginning of its id.
pub(crate) fn about_run(id: impl Into<String>) {
    ABOUT.lock().unwrap_or_else(PoisonError::into_inner).run = Some(id.into());
}

/// `palinode` and these words, which shells take as they stand, with the journal behind them where it must be named.
pub(crate) fn command(words: &str) -> String {
    let about = ABOUT.lock().unwrap_or_else(PoisonError::into_inner);
    format!("palinode {words}{}", about.journal.as_deref().unwrap_or_default())
}

/// The same with the run behind it, as far as it is known which run this is about.
pub(crate) fn of_run(words: &str) -> String {
    let run = ABOUT.lock().unwrap_or_else(PoisonError::into_inner).run.clone();
    run.map_or_else(|| command(words), |run| command(&format!("{words} {run}")))
}

/// A decision about a step of a run.
pub(crate) fn of_step(verb: &str, step: &str, more: &str, run: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(" {more}") };
    command(&format!("{verb} {}{more} --run {run}", quoted(step)))
}

/// The option that names the journal, with a blank before it; nothing where the folder and the environment lead there.
fn option(root: &Path, here: Option<&Path>, variable: Option<&Path>) -> String {
    let place = |dir: &Path| {
        let dir = here.map_or_else(|| dir.to_owned(), |here| here.join(dir));
        dir.canonicalize().unwrap_or(dir)
    };
    let root = place(root);
    let found = here.map(|here| find_root(here).unwrap_or_else(|| here.join(ROOT_NAME)));
    if found.is_some_and(|found| place(&found) == root) && variable.is_none_or(|dir| place(dir) == root) {
        return String::new();
    }
    format!(" --journal {}", quoted(&root.to_string_lossy()))
}

/// One word of a shell.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./@%+=:,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_named_where_the_folder_or_the_environment_leads_elsewhere() {
        let top = std::env::temp_dir().join(format!("palinode-hints-{}", std::process::id()));
        let (a, b) = (top.join("it's a"), top.join("b"));
        for dir in [&a, &b] {
            std::fs::create_dir_all(dir.join("below")).expect("a folder can be made");
            palinode_journal::create(&dir.join(ROOT_NAME)).expect("a journal can be made");
        }
        let root = a.join(ROOT_NAME);
        let named = format!(" --journal '{}'", root.to_string_lossy().replace('\'', r"'\''"));
        let hint = |here: &Path, variable: Option<&Path>| option(&root, Some(here), variable);
        assert_eq!(hint(&a, None), "");
        assert_eq!(hint(&a.join("below"), None), "");
        assert_eq!(hint(&a.join("below"), Some(&root)), "");
        assert_eq!(hint(&b, None), named);
        assert_eq!(hint(&top, None), named);
        assert_eq!(hint(&b, Some(&root)), named, "a variable does not outlive its shell");
        assert_eq!(hint(&a, Some(&b.join(ROOT_NAME))), named, "a variable beats the folder");
        assert_eq!(option(Path::new(ROOT_NAME), Some(&a), None), "", "a place below the folder");
        assert_eq!(option(&root, None, None), named);
        std::fs::remove_dir_all(&top).expect("the folder can be removed");
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("/srv/a-b_c.d/@1"), "/srv/a-b_c.d/@1");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("$(reboot)`x`"), "'$(reboot)`x`'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
