//! What the end-to-end tests stand on: the real binary, a real PostgreSQL, a clock that they move, and helpers that
//! speak the domain.
//!
//! | file | answers |
//! | --- | --- |
//! | `database.rs` | where does a test have its own four databases from? |
//! | `suite.rs` | how are the services started, killed and asked to stop? |
//! | `process.rs` | what is one process, and what did it log? |
//! | `quiet.rs` | when has everything happened that was bound to happen? |
//! | `identities.rs` | by what are people and services known? |
//! | `people.rs` | who acts, and what can be read of it? |
//! | `counter.rs`, `office.rs` | what is done before the counter, and behind it? |
//! | `papers.rs` | what do invented families submit? |
//! | `collector.rs` | what does an OTLP collector get? |
//! | `search.rs`, `rows.rs` | does somebody's data lie there in the clear, and in what lies there? |
//! | `time.rs` | what time is it in Hải Phòng? |
//! | `refused.rs` | why was a call refused? |

mod collector;
mod counter;
mod database;
mod identities;
mod office;
mod papers;
mod people;
mod process;
mod quiet;
mod refused;
mod rows;
mod search;
mod suite;
mod time;

pub(crate) use self::{
    collector::Collector,
    database::Databases,
    identities::Identities,
    papers::{
        POLICE, WARD, birth, certification, death, family, guardianship, linked_death, marriage,
        online,
    },
    people::Person,
    process::{Output, motcua},
    quiet::{Patience, wait_until},
    refused::{Refused, refused},
    rows::rows,
    search::{Place, Search},
    suite::{Service, Setup, Suite},
    time::{at, date, local, proto},
};

/// The repository.
pub(crate) const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
