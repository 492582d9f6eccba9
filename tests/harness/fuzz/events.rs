//! What the plugin wrote that tells of a playbook's events.

use palinode_core::record::ProgressKind;
use palinode_executors::reading;

/// The same is read in whatever pieces it comes; numbers only grow; a line is told once or counted as strange.
pub(super) fn events(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else { return };
    let whole = reading::events(std::iter::once(bytes));
    let pieces = reading::events(bytes.chunks(usize::from(*size).max(1)));
    assert_eq!(whole, pieces, "the pieces do not matter");
    let mut last = 0;
    for (number, what) in &whole.told {
        assert!(*number > last, "{number} after {last}");
        last = *number;
        if let ProgressKind::Host { host, .. } = what {
            assert!(host.chars().count() <= 255, "{host:?}");
        }
    }
    let lines = bytes.split(|byte| *byte == b'\n').count() as u64;
    assert!(whole.told.len() as u64 + whole.strange <= lines, "{} and {} of {lines}", whole.told.len(), whole.strange);
    // A second reading of what was read adds nothing: the numbers were there before.
    let both = [bytes, b"\n", bytes, b"\n"].concat();
    let once = reading::events(std::iter::once(&both[..=bytes.len()]));
    assert_eq!(reading::events(std::iter::once(&both[..])).told, once.told);
}
