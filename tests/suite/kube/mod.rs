//! Through the API of a cluster: a real API server, or one that answers as a test says.

mod api_1_11;
mod conformance;
mod doctor;
mod drains;
mod faults;
mod foresee;
mod joins;
mod judge;
mod nodes;
mod objects;
mod passing;
mod reaching;
mod rights;
mod typed;
