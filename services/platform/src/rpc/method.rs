//! What the contract says about each method: whether it streams, and who may call it.

use std::{collections::HashMap, sync::LazyLock};

use motcua_proto::policy::v1::Policy;
use prost::Message;

/// A method, as far as transport cares.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Method {
    /// `motcua.intake.v1.DossierService/SubmitDossier`, or `_OTHER` for what the contract does not know, so that
    /// nobody can fill the metrics with invented names.
    pub(super) name: &'static str,
    /// One side sends more than one message: no deadline, and a slot of another kind.
    pub(super) streams: bool,
    /// A method of the suite. Probes and reflection are neither traced nor measured, and open to everybody.
    pub(super) ours: bool,
    /// Who may call it. Where the contract does not say it: nobody.
    pub(super) policy: Option<&'static Policy>,
}

impl Method {
    /// Whether the contract does not know it.
    pub(super) fn is_unknown(&self) -> bool {
        self.name == OTHER.name
    }
}

const OTHER: Method = Method {
    name: "_OTHER",
    streams: false,
    ours: true,
    policy: None,
};

const AROUND: [Method; 3] = [
    Method {
        name: "grpc.health.v1.Health/Check",
        streams: false,
        ours: false,
        policy: None,
    },
    Method {
        name: "grpc.health.v1.Health/Watch",
        streams: true,
        ours: false,
        policy: None,
    },
    Method {
        name: "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        streams: true,
        ours: false,
        policy: None,
    },
];

/// The descriptors as far as they matter here, with the one option that is ours: the types of `prost_types` drop options
/// that they do not know. The numbers are those of `google/protobuf/descriptor.proto` and `motcua/policy/v1/policy.proto`.
mod descriptor {
    use motcua_proto::policy::v1::Policy;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Set {
        #[prost(message, repeated, tag = "1")]
        pub(super) file: Vec<File>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct File {
        #[prost(string, tag = "2")]
        pub(super) package: String,
        #[prost(message, repeated, tag = "6")]
        pub(super) service: Vec<Service>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Service {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, repeated, tag = "2")]
        pub(super) method: Vec<Method>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Method {
        #[prost(string, tag = "1")]
        pub(super) name: String,
        #[prost(message, optional, tag = "4")]
        pub(super) options: Option<Options>,
        #[prost(bool, tag = "5")]
        pub(super) client_streaming: bool,
        #[prost(bool, tag = "6")]
        pub(super) server_streaming: bool,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Options {
        #[prost(message, optional, tag = "78001")]
        pub(super) policy: Option<Policy>,
    }
}

struct Contract {
    methods: HashMap<&'static str, Method>,
    services: Vec<&'static str>,
    /// The suite's own methods, sorted.
    ours: Vec<&'static str>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    // Our own build made the descriptors; a test reads them.
    let set = descriptor::Set::decode(motcua_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut contract = Contract {
        methods: AROUND.map(|method| (method.name, method)).into(),
        services: Vec::new(),
        ours: Vec::new(),
    };
    for file in set.file {
        for service in file.service {
            let name = format!("{}.{}", file.package, service.name);
            for method in service.method {
                // Read once and kept for the life of the process: spans and metrics then borrow it.
                let path: &'static str = format!("{name}/{}", method.name).leak();
                let policy = method.options.and_then(|options| options.policy);
                contract.methods.insert(
                    path,
                    Method {
                        name: path,
                        streams: method.client_streaming || method.server_streaming,
                        ours: true,
                        policy: policy.map(|policy| &*Box::leak(Box::new(policy))),
                    },
                );
                contract.ours.push(path);
            }
            contract.services.push(name.leak());
        }
    }
    contract.ours.sort_unstable();
    contract
});

/// The method of a request's path.
pub(super) fn of(path: &str) -> Method {
    let name = path.strip_prefix('/').unwrap_or(path);
    CONTRACT.methods.get(name).copied().unwrap_or(OTHER)
}

/// Every method of the suite, by name.
pub(super) fn ours() -> impl Iterator<Item = Method> {
    CONTRACT
        .ours
        .iter()
        .filter_map(|name| CONTRACT.methods.get(name))
        .copied()
}

/// The gRPC services that a service of the suite offers: its own package's, those that every one has, and with personal
/// data the log of who read it.
pub(super) fn services(service: &str) -> impl Iterator<Item = &'static str> {
    let own = format!("motcua.{service}.v1.");
    let has_subjects = service == "intake";
    CONTRACT.services.iter().copied().filter(move |name| {
        name.starts_with(&own)
            || name.starts_with("motcua.events.v1.")
            || (has_subjects && name.starts_with("motcua.access.v1."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_says_which_methods_stream() {
        assert!(!of("/motcua.intake.v1.DossierService/SubmitDossier").streams);
        assert!(of("/motcua.events.v1.EventFeedService/Subscribe").streams);
        assert!(of("/grpc.health.v1.Health/Watch").streams);
        assert_eq!(of("/motcua.intake.v1.DossierService/Invented"), OTHER);
    }

    #[test]
    fn a_service_offers_its_package_the_feed_and_its_followers() {
        let intake: Vec<_> = services("intake").collect();
        assert!(intake.contains(&"motcua.intake.v1.DossierService"));
        assert!(intake.contains(&"motcua.events.v1.EventFeedService"));
        assert!(
            intake
                .iter()
                .all(|name| !name.starts_with("motcua.workflow."))
        );
    }
}
