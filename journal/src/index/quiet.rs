//! The store panics where others return errors: caught here, and nothing of it reaches the terminal.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs work that may panic; none if it did. Panics elsewhere are reported as before.
pub(crate) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            // The store's own threads have names of their own.
            let theirs = std::thread::current().name().is_some_and(|name| name.starts_with("sled-"));
            if !theirs && !QUIET.get() {
                before(info);
            }
        }));
    });
    let before = QUIET.replace(true);
    // Whatever the work held is thrown away after a panic.
    let done = catch_unwind(AssertUnwindSafe(work)).ok();
    QUIET.set(before);
    done
}

#[cfg(test)]
mod tests {
    use super::quietly;

    #[test]
    fn a_panic_is_an_answer() {
        assert_eq!(quietly(|| 1), Some(1));
        assert_eq!(quietly(|| Vec::<u8>::new().remove(7)), None);
    }
}
