//! The suite as those meet it who use it: the real binary on a real PostgreSQL. One program, because building is what takes long.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of what they share"
)]
mod support;

/// What somebody types, and what the command answers: its words, and whether it failed.
mod cli {
    mod ahead;
    mod asking;
    mod catalog;
    mod certificates;
    mod due;
    mod starting;
    mod tokens;
}

/// What goes wrong: processes that are killed, a database that goes away, events that cannot be processed.
mod faults {
    mod drain;
    mod killed;
    mod load;
    mod parked;
    mod postgres;
    mod replicas;
}

/// The lives of dossiers, through the four services, by the law's clock.
mod life {
    mod forms;
    mod holds;
    mod home;
    mod time;
    mod whole;
}

/// After a whole summer of dossiers, nobody's name, number, address, phone or e-mail lies anywhere in the clear.
mod personal {
    mod databases;
    mod searcher;
    mod whole;
}

/// What a client may send, and send again: nonsense on every method, repeated requests, stale etags, pages.
mod requests {
    mod contract;
    mod empty;
    mod lists;
    mod matrix;
    mod nonsense;
    mod raw;
    mod repeated;
    mod sight;
    mod walls;
}

/// One trace over four services, as a real OTLP collector gets it, and nobody's name in it or in any row.
mod traces {
    mod personal;
    mod whole;
}
