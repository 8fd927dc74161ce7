//! What is counted, and what it means: pure, without I/O and without a clock.

pub(crate) mod contribution;
pub(crate) mod fact;
pub(crate) mod report;
