//! What the tests of this crate are made of.

pub(crate) mod arbitrary;
pub(crate) mod fixture;
pub(crate) mod random_history;

pub(crate) use arbitrary::Arbitrary;
pub(crate) use random_history::Dice;
