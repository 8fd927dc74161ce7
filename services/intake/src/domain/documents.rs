//! The files of a dossier: papers, results, and signatures beside them.

use jiff::Timestamp;
use motcua_platform::{
    error::{Error, Refusal},
    hex::hex,
    ledger::Context,
    statement::Statement,
    time::to_proto,
};
use motcua_proto::{
    events::v1::{DocumentAdded, event::Payload},
    intake::v1::{Document as ProtoDocument, StatementKind},
    r#type::v1::{DocumentKind, Role},
};
use serde::{Deserialize, Serialize};

use super::{
    archive_run::Sha256,
    decide::Happened,
    dossier::Dossier,
    moves::{self, Act},
    rules::Rules,
    words::{Words, number},
};

/// Documents that one dossier may have.
const DOCUMENTS_MAX: usize = 200;

/// A document. The name of its file is a statement: it may name a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// What it is.
    #[serde(with = "number")]
    pub kind: DocumentKind,
    /// Of a paper: its id in the procedure's list.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub paper: String,
    /// Of a result: its national code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub result_code: String,
    /// Of a signature: the id of the document that it signs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub signature_of: String,
    /// The kind of file.
    pub media_type: String,
    /// Bytes.
    pub size: i64,
    /// Of the content.
    pub sha256: Sha256,
    /// Where the content lies: an opaque id, used once.
    pub object: String,
    /// The document of an earlier dossier that it was taken from; empty for what was uploaded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reused_from: String,
    /// When it was uploaded.
    pub added_at: Timestamp,
}

/// A file that has been uploaded and lies where it is to stay.
#[derive(Debug, Clone)]
pub struct NewDocument {
    /// The document.
    pub document: Document,
    /// The name of its file.
    pub file_name: Words,
    /// Of a paper: how many files of it ([`Dossier::files_of`]) there were when this one began to come.
    pub beside: usize,
}

/// Id of the document at that place: `d1` is the first.
#[must_use]
pub fn document_id(place: usize) -> String {
    format!("d{}", place + 1)
}

impl Document {
    pub(super) fn of(added: &DocumentAdded, added_at: Timestamp) -> Self {
        Self {
            kind: added.kind(),
            paper: added.paper.clone(),
            result_code: added.result_code.clone(),
            signature_of: added.signature_of.clone(),
            media_type: added.media_type.clone(),
            size: added.size,
            sha256: added.sha256[..].try_into().unwrap_or_default(),
            object: added.object.clone(),
            reused_from: added.reused_from.clone(),
            added_at,
        }
    }

    /// As the contract shows it, without the name of its file.
    #[must_use]
    pub fn to_proto(&self, code: &str, place: usize) -> ProtoDocument {
        ProtoDocument {
            name: format!("dossiers/{code}/documents/{}", document_id(place)),
            kind: self.kind.into(),
            paper: self.paper.clone(),
            result_code: self.result_code.clone(),
            signature_of: self.signature_of.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            sha256: hex(self.sha256),
            added_at: Some(to_proto(self.added_at)),
            reused_from: self.reused_from.clone(),
            file_name: String::new(),
        }
    }
}

impl Dossier {
    /// The document of that id, and its place in [`Dossier::documents`].
    #[must_use]
    pub fn document(&self, id: &str) -> Option<(usize, &Document)> {
        let mut documents = self.documents.iter().enumerate();
        documents.find(|(place, _)| document_id(*place) == id)
    }

    /// The places of a paper's files; the last one counts.
    pub fn files_of(&self, paper: &str) -> impl Iterator<Item = usize> {
        let documents = self.documents.iter().enumerate();
        let files =
            documents.filter(move |(_, it)| it.kind == DocumentKind::Paper && it.paper == paper);
        files.map(|(place, _)| place)
    }
}

/// Papers come until the result is ready, results from whoever works on the dossier while there is one to hand over, signatures with
/// either.
pub(super) fn add(
    dossier: &Dossier,
    new: &NewDocument,
    context: &Context<'_>,
    rules: &Rules<'_>,
) -> Result<Happened, Error> {
    let document = &new.document;
    match document.kind {
        DocumentKind::Result => may_add_result(dossier, context)?,
        DocumentKind::Signature => {
            let signed = dossier.document(&document.signature_of);
            let Some((_, signed)) = signed else {
                return Err(Error::field(
                    "signature_of",
                    format!("the dossier has no document '{}'", document.signature_of),
                ));
            };
            match signed.kind {
                DocumentKind::Result => may_add_result(dossier, context)?,
                _ => moves::check(Act::HandIn, dossier.place())?,
            }
        }
        DocumentKind::Paper | DocumentKind::Unspecified => {
            moves::check(Act::HandIn, dossier.place())?;
            let papers = &rules.procedure.papers;
            if !papers.iter().any(|paper| paper.id == document.paper) {
                let ids: Vec<_> = papers.iter().map(|paper| paper.id.as_str()).collect();
                return Err(Error::field(
                    "paper",
                    if ids.is_empty() {
                        "the procedure has no list of papers".to_owned()
                    } else {
                        format!("must be one of {}", ids.join(", "))
                    },
                ));
            }
            // The last one counts, so that whoever sends one must know of those before it.
            if let Some(place) = dossier.files_of(&document.paper).nth(new.beside) {
                return Err(Error::Overtaken {
                    name: format!("dossiers/{}/documents/{}", context.key, document_id(place)),
                });
            }
        }
    }
    let place = dossier.documents.len();
    if place >= DOCUMENTS_MAX {
        return Err(Error::Refused(Refusal {
            message: format!("the dossier has {DOCUMENTS_MAX} documents already"),
            article: moves::RECEPTION,
            state: "DOCUMENTS".to_owned(),
            remedy: "put several papers into one file",
        }));
    }
    Ok(Happened {
        events: vec![Payload::DocumentAdded(DocumentAdded {
            document: document_id(place),
            kind: document.kind.into(),
            paper: document.paper.clone(),
            result_code: document.result_code.clone(),
            signature_of: document.signature_of.clone(),
            media_type: document.media_type.clone(),
            size: document.size,
            sha256: document.sha256.to_vec(),
            object: document.object.clone(),
            reused_from: document.reused_from.clone(),
        })],
        // The revision is the document's number, so that each keeps its own.
        statements: vec![Statement {
            kind: StatementKind::FileName.into(),
            revision: i32::try_from(place + 1).unwrap_or(i32::MAX),
            body: new.file_name.clone(),
            ground: Words::default(),
        }],
    })
}

fn may_add_result(dossier: &Dossier, context: &Context<'_>) -> Result<(), Error> {
    moves::check(Act::AddResult, dossier.place())?;
    let staff = [Role::Receptionist, Role::Officer, Role::Leader];
    if context.roles.iter().any(|role| staff.contains(role)) {
        return Ok(());
    }
    Err(Error::Refused(Refusal {
        message: "a result comes from the agency that decides".to_owned(),
        article: moves::HAND_OVER,
        state: "RESULT".to_owned(),
        remedy: "leave it to the agency's staff",
    }))
}
