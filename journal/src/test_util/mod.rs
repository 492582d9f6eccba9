//! For tests of this crate and of others: what every journal keeps, and what fuzz targets feed.

pub mod conformance;
#[doc(hidden)]
pub mod fuzz;
