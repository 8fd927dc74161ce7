//! The contract of motcua: the protobuf packages that its services speak, as Rust types, clients and servers.
//!
//! The files under `proto/motcua` are the source; `build.rs` makes the code. Deliberately not here: any
//! decision, any conversion into domain types. Those belong to the service that owns the resource.

macro_rules! generated {
    ($package:literal) => {
        tonic::include_proto!($package);
    };
}

/// The packages, nested as the generated code expects; use them through the re-exports below.
mod motcua {
    /// Words that every service shares, and the catalog.
    pub mod r#type {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.r#type.v1");
        }
    }
    /// Events, the feed and its followers.
    pub mod events {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.events.v1");
        }
    }
    /// Reception: dossiers, visits, the catalog.
    pub mod intake {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.intake.v1");
        }
    }
    /// Behind the counter: cases, tasks, definitions.
    pub mod workflow {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.workflow.v1");
        }
    }
    /// Messages and templates.
    pub mod notification {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.notification.v1");
        }
    }
    /// Who may call what.
    pub mod policy {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.policy.v1");
        }
    }
    /// Who read whose personal data.
    pub mod access {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.access.v1");
        }
    }
    /// Reports.
    pub mod statistics {
        /// Version 1.
        pub mod v1 {
            #![allow(
                missing_docs,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            generated!("motcua.statistics.v1");
        }
    }
}

pub use motcua::{access, events, intake, notification, policy, statistics, r#type, workflow};

/// Types of Google's API conventions.
pub mod google {
    /// Annotations of the contract.
    pub mod api {
        #![allow(
            missing_docs,
            unreachable_pub,
            clippy::all,
            reason = "generated from the contract"
        )]
        generated!("google.api");
    }
    /// Common values.
    pub mod r#type {
        #![allow(
            missing_docs,
            unreachable_pub,
            clippy::all,
            reason = "generated from the contract"
        )]
        generated!("google.r#type");
    }
}

/// The encoded descriptors of the whole contract, with their options and comments: what reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/motcua.binpb"));
