//! What can go wrong, in the words of the domain, and how each of it reaches the caller.
//!
//! One place maps errors to `google.rpc.Status`. The outside gets what it can act on; causes that only an operator
//! can use go to the log, where the failure is handled, and never into the answer.

use std::{collections::HashMap, time::Duration};

use motcua_proto::r#type::v1::ErrorReason;
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

/// The domain of every `ErrorInfo`.
pub const ERROR_DOMAIN: &str = "motcua.vn";

/// An error travels in the trailers, its message twice and escaped, and clients take 8 KiB of trailers by default: what is
/// larger would cost the caller its connection instead of telling it anything. Bytes.
const MESSAGE_BYTES_MAX: usize = 500;
/// Of all field violations together.
const VIOLATIONS_BYTES_MAX: usize = 3_000;
/// Of one of them.
const DESCRIPTION_BYTES_MAX: usize = 250;

/// A field that says nonsense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field: `applicant.full_name`.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub description: String,
}

/// The law says no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({article})")]
pub struct Refusal {
    /// What was refused and why.
    pub message: String,
    /// The article that the rule comes from.
    pub article: &'static str,
    /// Where the resource stands.
    pub state: String,
    /// What the caller can do instead.
    pub remedy: &'static str,
}

/// Everything that a command or a query can answer instead of a result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The request says nonsense; every violation at once.
    #[error("{} field(s) are invalid: {}", .0.len(), list(.0))]
    Invalid(Vec<Violation>),
    /// No such resource, or none that the caller may see.
    #[error("{name} does not exist")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The law says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The resource changed since the caller read it.
    #[error("{name} has changed since it was read; read it again and decide anew")]
    Stale {
        /// Its name.
        name: String,
        /// The etag as it now is.
        etag: String,
    },
    /// Another of its kind came while this one was on its way.
    #[error("{name} came while this was being sent; look at it before sending this again")]
    Overtaken {
        /// Name of the one that came.
        name: String,
    },
    /// The request id was used for another body.
    #[error("request id {0} was used for another request; take a new one")]
    RequestIdReused(String),
    /// A resource of that name exists already.
    #[error("{name} exists already")]
    Exists {
        /// Its name.
        name: String,
    },
    /// Something that must be there first is missing.
    #[error("{missing} is missing; {remedy}")]
    NotReady {
        /// What.
        missing: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A `motcua-after` position that means nothing here.
    #[error("position {position} is {why}")]
    PositionInvalid {
        /// As sent.
        position: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A `motcua-after` position that was not reached in time.
    #[error("position {position} has not been reached yet; try again")]
    PositionNotReached {
        /// As sent.
        position: String,
    },
    /// The database refused this very row.
    #[error("the database refused the row: {0}")]
    RowRefused(String),
    /// The database did not answer, or kept refusing.
    #[error("the database did not answer in time; try again with the same request id")]
    Unavailable,
    /// More requests wait than the service takes.
    #[error("too many requests are waiting; try again in a moment")]
    Overloaded,
    /// No credential, or one that proves nothing.
    #[error("the credential is missing or proves nothing")]
    Unauthenticated,
    /// None of the caller's roles may call the method.
    #[error("{method} is not for this caller; `motcua policy` shows who may call it")]
    Denied {
        /// The method: `motcua.intake.v1.DossierService/AcceptDossier`.
        method: &'static str,
    },
    /// This caller asks too often.
    #[error("too many calls from this caller; try again in {} s", .after.as_secs() + 1)]
    Limited {
        /// When the next call is taken.
        after: Duration,
    },
    /// The personal data that was asked for was erased.
    #[error("the personal data of {name} was erased")]
    Erased {
        /// Whose.
        name: String,
    },
    /// We failed. The text is for the log and never leaves the process.
    #[error("internal failure: {0}")]
    Fault(String),
}

fn list(violations: &[Violation]) -> String {
    violations
        .iter()
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .collect::<Vec<_>>()
        .join("; ")
}

impl Error {
    /// One field is wrong.
    #[must_use]
    pub fn field(field: &str, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation {
            field: field.to_owned(),
            description: description.into(),
        }])
    }

    /// The reason that goes out with it.
    #[must_use]
    pub fn reason(&self) -> ErrorReason {
        match self {
            Self::Invalid(_) => ErrorReason::InvalidFields,
            Self::Missing { .. } => ErrorReason::NotFound,
            Self::Refused(_) => ErrorReason::MoveNotAllowed,
            Self::Stale { .. } => ErrorReason::EtagMismatch,
            Self::Overtaken { .. } => ErrorReason::Overtaken,
            Self::RequestIdReused(_) => ErrorReason::RequestIdReused,
            Self::Exists { .. } => ErrorReason::AlreadyExists,
            Self::NotReady { .. } => ErrorReason::NotReady,
            Self::PositionInvalid { .. } => ErrorReason::PositionInvalid,
            Self::PositionNotReached { .. } => ErrorReason::PositionNotReached,
            Self::RowRefused(_) => ErrorReason::RowRefused,
            Self::Unavailable => ErrorReason::DatabaseUnavailable,
            Self::Overloaded => ErrorReason::Overloaded,
            Self::Unauthenticated => ErrorReason::Unauthenticated,
            Self::Denied { .. } => ErrorReason::MethodDenied,
            Self::Limited { .. } => ErrorReason::RateLimited,
            Self::Erased { .. } => ErrorReason::PersonalDataErased,
            Self::Fault(_) => ErrorReason::Internal,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Invalid(_) | Self::PositionInvalid { .. } | Self::RowRefused(_) => {
                Code::InvalidArgument
            }
            Self::Missing { .. } => Code::NotFound,
            Self::Refused(_) | Self::NotReady { .. } | Self::Erased { .. } => {
                Code::FailedPrecondition
            }
            Self::Unauthenticated => Code::Unauthenticated,
            Self::Denied { .. } => Code::PermissionDenied,
            Self::Stale { .. } | Self::Overtaken { .. } => Code::Aborted,
            Self::RequestIdReused(_) | Self::Exists { .. } => Code::AlreadyExists,
            Self::PositionNotReached { .. } | Self::Unavailable => Code::Unavailable,
            Self::Overloaded | Self::Limited { .. } => Code::ResourceExhausted,
            Self::Fault(_) => Code::Internal,
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match crate::database::severity(&error) {
            crate::database::Severity::Again => {
                tracing::warn!(error = %crate::database::redacted(&error), "the database did not answer");
                Self::Unavailable
            }
            // A value that PostgreSQL cannot hold came from the caller.
            crate::database::Severity::Row => Self::RowRefused(crate::database::redacted(&error)),
            crate::database::Severity::Broken => Self::Fault(crate::database::redacted(&error)),
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut metadata = HashMap::new();
        let mut details = ErrorDetails::new();
        let message = match &error {
            Error::Fault(cause) => {
                tracing::error!(%cause, "a request failed");
                "internal failure; the trace id leads to the cause".to_owned()
            }
            other => cut(&other.to_string(), MESSAGE_BYTES_MAX),
        };
        match &error {
            Error::Invalid(violations) => {
                details.set_bad_request(fitting(violations));
            }
            Error::Missing { name }
            | Error::Exists { name }
            | Error::Erased { name }
            | Error::Overtaken { name } => {
                metadata.insert("name".to_owned(), name.clone());
            }
            Error::Refused(refusal) => {
                metadata.insert("article".to_owned(), refusal.article.to_owned());
                metadata.insert("state".to_owned(), refusal.state.clone());
                metadata.insert("remedy".to_owned(), refusal.remedy.to_owned());
                details.add_precondition_failure_violation(
                    "LAW",
                    refusal.state.clone(),
                    refusal.message.clone(),
                );
            }
            Error::Stale { name, etag } => {
                metadata.insert("name".to_owned(), name.clone());
                metadata.insert("etag".to_owned(), etag.clone());
            }
            Error::NotReady { missing, .. } => {
                metadata.insert("missing".to_owned(), missing.clone());
            }
            Error::PositionInvalid { position, .. } | Error::PositionNotReached { position } => {
                metadata.insert("position".to_owned(), position.clone());
            }
            Error::Denied { method } => {
                metadata.insert("method".to_owned(), (*method).to_owned());
            }
            Error::Limited { after } => {
                details.set_retry_info(Some(*after));
            }
            Error::RequestIdReused(_)
            | Error::Unauthenticated
            | Error::RowRefused(_)
            | Error::Unavailable
            | Error::Overloaded
            | Error::Fault(_) => {}
        }
        if matches!(
            error,
            Error::Unavailable | Error::Overloaded | Error::PositionNotReached { .. }
        ) {
            details.set_retry_info(Some(Duration::from_millis(500)));
        }
        let reason = error.reason().as_str_name();
        let reason = reason.strip_prefix("ERROR_REASON_").unwrap_or(reason);
        details.set_error_info(reason, ERROR_DOMAIN, metadata);
        Status::with_error_details(error.code(), message, details)
    }
}

/// For an answer that carries many outcomes: the error that the one would have been answered with.
impl From<Error> for tonic_types::Status {
    fn from(error: Error) -> Self {
        let status = Status::from(error);
        Self {
            code: status.code().into(),
            message: status.message().to_owned(),
            details: Self::decode(status.details()).unwrap_or_default().details,
        }
    }
}

/// The violations that fit an answer; how many more there are is said last.
fn fitting(violations: &[Violation]) -> Vec<FieldViolation> {
    let mut bytes = 0;
    let mut fitting: Vec<_> = violations
        .iter()
        .map(|violation| {
            FieldViolation::new(
                cut(&violation.field, DESCRIPTION_BYTES_MAX),
                cut(&violation.description, DESCRIPTION_BYTES_MAX),
            )
        })
        .take_while(|violation| {
            bytes += violation.field.len() + violation.description.len();
            bytes <= VIOLATIONS_BYTES_MAX
        })
        .collect();
    let more = violations.len() - fitting.len();
    if more > 0 {
        fitting.push(FieldViolation::new(
            "…",
            format!("{more} more are invalid; mend these first"),
        ));
    }
    fitting
}

fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_fits_the_trailers_however_much_is_wrong() {
        let violations = (0..2_000)
            .map(|n| Violation {
                field: format!("catalog.agencies[{n}].code"),
                description: "ă".repeat(20_000),
            })
            .collect();
        let status = Status::from(Error::Invalid(violations));
        assert!(status.message().len() < 600);
        assert!(status.details().len() < 4_500, "{}", status.details().len());
        let named = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(named[0].field, "catalog.agencies[0].code");
        assert!(
            named
                .last()
                .unwrap()
                .description
                .ends_with("more are invalid; mend these first")
        );
    }

    #[test]
    fn a_refusal_names_the_article_and_the_remedy() {
        let status = Status::from(Error::from(Refusal {
            message: "the dossier is refused already".to_owned(),
            article: "decree 118/2025, art. 17",
            state: "REFUSED".to_owned(),
            remedy: "submit a new dossier",
        }));
        assert_eq!(status.code(), Code::FailedPrecondition);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(info.reason, "MOVE_NOT_ALLOWED");
        assert_eq!(info.metadata["article"], "decree 118/2025, art. 17");
    }

    #[test]
    fn what_failed_inside_stays_inside() {
        let status = Status::from(Error::Fault(
            "relation \"dossier\" does not exist".to_owned(),
        ));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("relation"));
    }
}
