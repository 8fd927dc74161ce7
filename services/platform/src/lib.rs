//! What every service of motcua stands on: the ledger that writes, the feed that tells, followers that react,
//! the clock, errors, telemetry, gRPC, and the private PostgreSQL.
//!
//! Deliberately not here: any rule of law and any word of one service alone. Only this crate numbers events;
//! only [`clock`] reads the system's time; what the domain refuses becomes a `google.rpc.Status` in [`error`] alone.

pub mod actor;
pub mod archive;
pub mod call;
pub mod catalog;
pub mod clock;
pub mod database;
pub mod error;
pub mod feed;
pub mod follower;
pub mod hex;
pub mod identity;
pub mod ledger;
pub mod limit;
pub mod missing;
pub mod page;
pub mod parse;
pub mod policy;
pub mod position;
pub mod postgres;
pub mod progress;
pub mod redacted;
pub mod rpc;
pub mod scope;
pub mod service;
pub mod statement;
pub mod telemetry;
pub mod time;
pub mod timers;
pub mod timetables;
pub mod tls;
pub mod vault;
pub mod work;
