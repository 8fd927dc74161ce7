//! `motcua subject`: answers a person who asks what is held, or wants it erased (law 91/2025/QH15).

use std::{io::BufRead as _, process::ExitCode};

use jiff::Timestamp;
use motcua_platform::{call::PURPOSE_BIN_METADATA, time::from_proto_opt};
use motcua_proto::{
    access::v1::{
        EraseSubjectRequest, ExportSubjectRequest, ExportSubjectResponse,
        subject_service_client::SubjectServiceClient,
    },
    intake::v1::{Dossier, StatementKind},
    r#type::v1::Role,
};
use serde_json::{Value, json};
use tonic::{Request, metadata::MetadataValue};
use uuid::Uuid;

use crate::{Failed, config::Config, feed::Service};

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Print as JSON everything that is held on a person, with its sources and who has read it. The reading is noted.
    Export {
        #[command(flatten)]
        person: Person,
        /// What it is read for: it stands in the log of readings.
        #[arg(long)]
        purpose: String,
    },
    /// Erase a person's data for good, by destroying the key that it is sealed with. What happened stays, and says nothing
    /// personal. Refused while a dossier is under way or must be kept.
    Erase {
        #[command(flatten)]
        person: Person,
        /// Only say whether it could be done.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Whose data.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Person {
    /// Code of one of the person's dossiers.
    #[arg(long, value_name = "CODE")]
    dossier: Option<String>,
    /// Read the number of the person's identity paper from standard input: arguments are seen by others on the machine.
    #[arg(long)]
    identity_number_stdin: bool,
}

impl Person {
    /// Number and dossier; one of them is empty.
    fn read(self) -> Result<(String, String), Failed> {
        let mut number = String::new();
        if self.identity_number_stdin {
            std::io::stdin().lock().read_line(&mut number)?;
        }
        Ok((number.trim().to_owned(), self.dossier.unwrap_or_default()))
    }
}

pub(crate) async fn run(config: &Config, command: Command) -> Result<ExitCode, Failed> {
    let peer = Service::Intake.peer(config, Role::Administrator)?;
    let mut subjects = SubjectServiceClient::new(peer);
    match command {
        Command::Export { person, purpose } => {
            let (identity_number, dossier) = person.read()?;
            let mut request = Request::new(ExportSubjectRequest {
                identity_number,
                dossier,
            });
            request.metadata_mut().insert_bin(
                PURPOSE_BIN_METADATA,
                MetadataValue::from_bytes(purpose.as_bytes()),
            );
            let held = subjects.export_subject(request).await?.into_inner();
            println!("{:#}", export(&held));
        }
        Command::Erase { person, dry_run } => {
            let (identity_number, dossier) = person.read()?;
            let erased = subjects
                .erase_subject(EraseSubjectRequest {
                    identity_number,
                    dossier,
                    validate_only: dry_run,
                    request_id: Uuid::new_v4().to_string(),
                })
                .await?
                .into_inner();
            let what = if dry_run { "can be erased" } else { "erased" };
            println!("{what}: what was said about {}", erased.dossiers.join(", "));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn export(held: &ExportSubjectResponse) -> Value {
    let accesses: Vec<_> = held
        .accesses
        .iter()
        .map(|access| {
            json!({
                "at": time(access.accessed_at.as_ref()),
                "by": access.actor.as_ref().map(|actor| actor.id.as_str()),
                "method": access.method,
                "purpose": access.purpose,
                "dossier": access.dossier,
            })
        })
        .collect();
    let said: Vec<_> = held
        .cases
        .iter()
        .flat_map(|case| {
            case.statements.iter().map(|said| {
                let kind = said.kind().as_str_name();
                json!({
                    "dossier": case.dossier,
                    "about": kind.strip_prefix("CASE_STATEMENT_KIND_").unwrap_or(kind),
                    "revision": said.revision,
                    "text": said.text,
                    "ground": said.ground,
                })
            })
        })
        .collect();
    json!({
        "said_behind_the_counter": said,
        "dossiers": held.dossiers.iter().map(dossier).collect::<Vec<_>>(),
        "accesses": accesses,
    })
}

fn dossier(dossier: &Dossier) -> Value {
    let applicant = dossier.applicant.as_ref().map(|applicant| {
        json!({
            "full_name": applicant.full_name,
            "identity_number": applicant.identity_number,
            "phone": applicant.phone,
            "email": applicant.email,
            "address": applicant.address,
        })
    });
    let said: Vec<_> = dossier
        .statements
        .iter()
        .map(|said| {
            let kind = StatementKind::try_from(said.kind)
                .unwrap_or_default()
                .as_str_name();
            json!({
                "about": kind.strip_prefix("STATEMENT_KIND_").unwrap_or(kind),
                "revision": said.revision,
                "text": said.text,
                "ground": said.ground,
            })
        })
        .collect();
    json!({
        "code": dossier.code,
        "procedure": dossier.procedure,
        "source": {
            "agency": dossier.receiving_agency,
            "channel": dossier.channel().as_str_name(),
            "submitted_at": time(dossier.submitted_at.as_ref()),
        },
        "applicant": applicant,
        "said": said,
    })
}

fn time(at: Option<&prost_types::Timestamp>) -> Option<String> {
    from_proto_opt(at).map(|at: Timestamp| at.to_string())
}
