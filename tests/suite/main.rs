//! The suites.

mod conformance;
mod corpus;
mod crash;
mod doctor;
mod drift;
mod failing;
mod frozen;
mod fuzz;
mod hosts;
mod large;
mod power;
mod procedure;
mod real;
mod review;
mod session_decide;
mod session_faults;
mod session_full;
mod session_index;
mod session_killed;
mod session_large;
mod session_live;
mod session_refused;
mod session_whole;
mod session_worlds;
mod side;
mod strict;
