//! Journals on disk: old ones, damaged ones, and those of machines that lost their power.

mod corpus;
mod frozen;
mod fuzz;
mod power;
mod strict;
