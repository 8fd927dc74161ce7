//! What the contract says about each method.

use std::{collections::HashMap, sync::LazyLock};

use prost::Message;
use prost_types::FileDescriptorSet;

/// A method, as far as transport cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Method {
    /// `motcua.intake.v1.DossierService/SubmitDossier`, or `_OTHER` for what the contract does not know, so that
    /// nobody can fill the metrics with invented names.
    pub(super) name: &'static str,
    /// One side sends more than one message: no deadline, and a slot of another kind.
    pub(super) streams: bool,
    /// A method of the suite. Probes and reflection are neither traced nor measured.
    pub(super) ours: bool,
}

const OTHER: Method = Method {
    name: "_OTHER",
    streams: false,
    ours: true,
};

const AROUND: [Method; 3] = [
    Method {
        name: "grpc.health.v1.Health/Check",
        streams: false,
        ours: false,
    },
    Method {
        name: "grpc.health.v1.Health/Watch",
        streams: true,
        ours: false,
    },
    Method {
        name: "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        streams: true,
        ours: false,
    },
];

struct Contract {
    methods: HashMap<&'static str, Method>,
    services: Vec<&'static str>,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    // Our own build made the descriptors; a test reads them.
    let set = FileDescriptorSet::decode(motcua_proto::FILE_DESCRIPTOR_SET).unwrap_or_default();
    let mut contract = Contract {
        methods: AROUND.map(|method| (method.name, method)).into(),
        services: Vec::new(),
    };
    for file in &set.file {
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            for method in &service.method {
                // Read once and kept for the life of the process: spans and metrics then borrow it.
                let path: &'static str = format!("{name}/{}", method.name()).leak();
                let streams = method.client_streaming() || method.server_streaming();
                contract.methods.insert(
                    path,
                    Method {
                        name: path,
                        streams,
                        ours: true,
                    },
                );
            }
            contract.services.push(name.leak());
        }
    }
    contract
});

/// The method of a request's path.
pub(super) fn of(path: &str) -> Method {
    let name = path.strip_prefix('/').unwrap_or(path);
    CONTRACT.methods.get(name).copied().unwrap_or(OTHER)
}

/// The gRPC services that a service of the suite offers: its own package's, and those that every one has.
pub(super) fn services(service: &str) -> impl Iterator<Item = &'static str> {
    let own = format!("motcua.{service}.v1.");
    CONTRACT
        .services
        .iter()
        .copied()
        .filter(move |name| name.starts_with(&own) || name.starts_with("motcua.events.v1."))
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
