//! Whole sessions with the real binary: what is typed, what is printed, and how it ends.

mod consent;
mod decide;
mod doctor;
mod exec;
mod explain;
mod faults;
mod from_run;
mod full;
mod hints;
mod identity;
mod index;
mod killed;
mod large;
mod live;
mod logging;
mod pages;
mod refused;
mod rollback;
mod runbook_check;
mod shown;
mod whole;
mod worlds;
