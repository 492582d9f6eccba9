//! For property tests: values of every stored type, made from a tape of numbers.
//!
//! Each kind of action makes itself, in its own file (`core/src/action/kind`): [`Arbitrary`]. What kinds are made of is in
//! `values`, what the journal stores in `records`.

mod records;
mod tests;
mod values;

use super::Dice;

/// Made by chance. Numbers lie on both sides of each width that MessagePack has, lists and texts of each length.
pub(crate) trait Arbitrary: Sized {
    /// Reads its choices off the tape of `dice`; each value that the stored form can have is one that comes.
    fn arbitrary(dice: &mut Dice<'_>) -> Self;
}

impl<T: Arbitrary> Arbitrary for Box<T> {
    fn arbitrary(dice: &mut Dice<'_>) -> Self {
        Self::new(T::arbitrary(dice))
    }
}
