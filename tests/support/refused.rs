//! Why a call was refused, as a client's program reads it.

use std::collections::HashMap;

use motcua_proto::r#type::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A refusal, taken apart.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: Code,
    pub(crate) reason: String,
    pub(crate) metadata: HashMap<String, String>,
    /// Paths of the fields that are wrong.
    pub(crate) fields: Vec<String>,
    pub(crate) message: String,
}

/// Takes a refusal apart, and checks what holds for every one: the domain is ours, the reason one of the closed list.
pub(crate) fn refused(status: &Status) -> Refused {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("a refusal without ErrorInfo: {status:?}"));
    assert_eq!(info.domain, "motcua.vn", "{status:?}");
    let reason = ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason));
    assert!(
        reason.is_some_and(|reason| reason != ErrorReason::Unspecified),
        "an unknown reason: {info:?}"
    );
    let fields = status
        .get_details_bad_request()
        .map(|bad| bad.field_violations)
        .unwrap_or_default()
        .into_iter()
        .map(|violation| {
            assert!(
                !violation.description.is_empty(),
                "{} is wrong, and nothing says why",
                violation.field
            );
            violation.field
        })
        .collect();
    Refused {
        code: status.code(),
        reason: info.reason,
        metadata: info.metadata,
        fields,
        message: status.message().to_owned(),
    }
}
