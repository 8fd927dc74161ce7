//! `DocumentService`: files in and out, in pieces.

use std::{pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use motcua_platform::{
    call::{Call, acknowledge},
    error::Error,
    ledger::{Accepted, Target, turn_of},
    parse::Fields,
    scope::Scope,
    statement::Statement,
};
use motcua_proto::{
    intake::v1::{
        Document, DocumentHeader, Dossier, DownloadDocumentRequest, DownloadDocumentResponse,
        ListDocumentsRequest, ListDocumentsResponse, ReuseDocumentRequest, StatementKind,
        UploadDocumentRequest, document_service_server::DocumentService,
        download_document_response, upload_document_request,
    },
    r#type::v1::DocumentKind,
};
use ring::digest::{Context as Digest, SHA256};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::DossierApi;
use crate::{
    domain::{
        archive_run::Sha256,
        command::Command,
        documents::{Document as StoredDocument, NewDocument},
        dossier::Dossier as State,
        words::Words,
    },
    store::{self, FRAME_BYTES, Reading, Writing},
};

/// Who sends nothing for as long has gone away.
const PIECE_WITHIN: Duration = Duration::from_secs(60);
/// The largest file.
const SIZE_MAX: i64 = 100 * 1024 * 1024;
/// As the contract names them, for the log of who read what.
const DOWNLOAD_DOCUMENT: &str = "motcua.intake.v1.DocumentService/DownloadDocument";
const LIST_DOCUMENTS: &str = "motcua.intake.v1.DocumentService/ListDocuments";
const UPLOAD_DOCUMENT: &str = "motcua.intake.v1.DocumentService/UploadDocument";

/// What an upload says first, understood.
pub(super) struct Header {
    pub(super) code: String,
    /// Without what only the content tells.
    pub(super) document: StoredDocument,
    pub(super) file_name: Words,
    pub(super) request_id: Option<Uuid>,
    pub(super) way: Way,
    /// See [`NewDocument::beside`].
    pub(super) beside: usize,
}

/// How somebody comes to a dossier's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The dossier is their agency's, or their own.
    Own,
    /// Their agency works on a branch of its case: it needs the papers, and adds its own result.
    Branch,
}

impl Way {
    fn scope(self, call: &Call) -> Scope {
        match self {
            Self::Own => call.scope().clone(),
            Self::Branch => Scope::by_rule(),
        }
    }
}

#[tonic::async_trait]
impl DocumentService for DossierApi {
    async fn upload_document(
        &self,
        request: Request<Streaming<UploadDocumentRequest>>,
    ) -> Result<Response<Document>, Status> {
        let call = Call::enter(&request)?;
        let mut pieces = request.into_inner();
        Ok(acknowledge(self.upload(&call, &mut pieces).await?))
    }

    async fn reuse_document(
        &self,
        request: Request<ReuseDocumentRequest>,
    ) -> Result<Response<Document>, Status> {
        let call = Call::enter(&request)?;
        Ok(acknowledge(self.reuse(&call, request.into_inner()).await?))
    }

    type DownloadDocumentStream =
        Pin<Box<dyn Stream<Item = Result<DownloadDocumentResponse, Status>> + Send>>;

    async fn download_document(
        &self,
        request: Request<DownloadDocumentRequest>,
    ) -> Result<Response<Self::DownloadDocumentStream>, Status> {
        let call = Call::enter(&request)?;
        let (reading, sha256) = self.download(&call, request.into_inner()).await?;
        Ok(Response::new(Box::pin(pieces(reading, sha256))))
    }

    async fn list_documents(
        &self,
        request: Request<ListDocumentsRequest>,
    ) -> Result<Response<ListDocumentsResponse>, Status> {
        let call = Call::enter(&request)?;
        let documents = self.documents(&call, request.into_inner()).await?;
        Ok(Response::new(ListDocumentsResponse { documents }))
    }
}

impl DossierApi {
    /// A dossier for whoever may see its files: those whose it is, and the agencies that work on a branch of its case as long as
    /// they do.
    async fn of_dossier(&self, call: &Call, code: &str) -> Result<(State, Way), Error> {
        let missing = || Error::Missing {
            name: format!("dossiers/{code}"),
        };
        let mut reading = self.archive.open(call.scope()).await?;
        if let Some(state) = store::dossier(&mut reading, code).await? {
            return Ok((state, Way::Own));
        }
        drop(reading);
        let agencies = call.scope().agencies().ok_or_else(missing)?;
        let mut reading = self.archive.open(&Scope::by_rule()).await?;
        let state = store::dossier(&mut reading, code).await?;
        state
            // An end of the whole is none of a branch's, and ends its work all the same.
            .filter(|state| state.place().is_in_work())
            .filter(|state| state.at_work.iter().any(|it| agencies.contains(&it.agency)))
            .map(|state| (state, Way::Branch))
            .ok_or_else(missing)
    }

    async fn upload(
        &self,
        call: &Call,
        pieces: &mut Streaming<UploadDocumentRequest>,
    ) -> Result<Accepted<Document>, Error> {
        let Some(upload_document_request::Piece::Header(header)) = piece(pieces).await? else {
            return Err(Error::field("header", "comes first"));
        };
        let mut header = parse(&header)?;
        // Nothing is written for whoever may not see the dossier; whether the file may be added, the ledger decides.
        let (state, way) = self.of_dossier(call, &header.code).await?;
        if way == Way::Branch && !is_result(&state, &header.document) {
            return Err(Error::field(
                "kind",
                "must be a result or its signature: papers are handed in where the dossier was",
            ));
        }
        header.way = way;
        header.beside = state.files_of(&header.document.paper).count();
        let mut writing = self.contents.write(&self.vault, &header.code).await?;
        match receive(pieces, &mut writing, header.document.size).await {
            Ok(sha256) => header.document.sha256 = sha256,
            Err(error) => {
                writing.give_up().await;
                return Err(error);
            }
        }
        header.document.object = writing.finish().await?;
        self.keep_or_remove(call, UPLOAD_DOCUMENT, header).await
    }

    /// A file that lies in the store is the dossier's from now on, or lies there no longer.
    pub(super) async fn keep_or_remove(
        &self,
        call: &Call,
        method: &'static str,
        header: Header,
    ) -> Result<Accepted<Document>, Error> {
        let object = header.document.object.clone();
        let kept = self.keep(call, method, header).await;
        let is_nobodys = match &kept {
            // Sent before: then the first one is kept. Where that cannot be seen now, the sweep will.
            Ok((_, owner)) => owner.as_ref().is_some_and(|owner| *owner != object),
            Err(error) => is_refusal(error),
        };
        if is_nobodys && let Err(error) = self.contents.remove(&object).await {
            tracing::warn!(object, %error, "a file that was not taken is swept away later");
        }
        kept.map(|(accepted, _)| accepted)
    }

    /// The document, and the object that its content lies in, where that can be seen.
    async fn keep(
        &self,
        call: &Call,
        method: &'static str,
        header: Header,
    ) -> Result<(Accepted<Document>, Option<String>), Error> {
        let Header {
            code,
            document,
            file_name,
            request_id,
            way,
            beside,
        } = header;
        // What makes two uploads the same: everything but where the content lies.
        let body = Document {
            file_name: file_name.expose().clone(),
            ..StoredDocument {
                object: String::new(),
                ..document.clone()
            }
            .to_proto(&code, 0)
        };
        let command = Command::AddDocument(Box::new(NewDocument {
            document,
            file_name,
            beside,
        }));
        let target = Target::Key(code.clone());
        let envelope = call.envelope(method, &body, request_id, target, command);
        let envelope = match way {
            Way::Own => envelope,
            Way::Branch => envelope.admitted_by_rule(),
        };
        let turn = turn_of(&code).to_owned();
        let Accepted { answer, position } = self.ledger.execute(&turn, envelope).await?;
        // The answer is the dossier as it was then: its last document is the one that came with it.
        let Dossier { mut documents, .. } = answer;
        let added = documents
            .pop()
            .ok_or_else(|| Error::Fault("a document was added and is not there".to_owned()))?;
        let owner = self.owner(&code, &added.name).await.ok().flatten();
        let accepted = Accepted {
            answer: added,
            position,
        };
        Ok((accepted, owner))
    }

    /// The object of a document.
    async fn owner(&self, code: &str, name: &str) -> Result<Option<String>, Error> {
        let mut reading = self.archive.open(&Scope::by_rule()).await?;
        let state = store::dossier(&mut reading, code).await?;
        let id = name.rsplit('/').next().unwrap_or_default();
        Ok(state.and_then(|state| state.document(id).map(|(_, it)| it.object.clone())))
    }

    async fn download(
        &self,
        call: &Call,
        body: DownloadDocumentRequest,
    ) -> Result<(Reading, Sha256), Error> {
        let mut fields = Fields::new();
        let named = document_name(&mut fields, "name", &body.name);
        let (code, id) = fields.finish(named)?;
        let missing = || Error::Missing {
            name: body.name.clone(),
        };
        let purpose = call.purpose()?;
        let found = self.of_dossier(call, &code).await;
        let (state, _) = found.map_err(|error| match error {
            Error::Missing { .. } => missing(),
            error => error,
        })?;
        let shown = state.shows_papers_to(&call.actor);
        let document = state.document(&id).filter(|_| shown);
        let (_, document) = document.ok_or_else(missing)?;
        self.accesses
            .note(call, DOWNLOAD_DOCUMENT, purpose, &[&code])
            .await?;
        let content = self.contents.read(&self.vault, &code, &document.object);
        Ok((content.await?, document.sha256))
    }

    async fn documents(
        &self,
        call: &Call,
        body: ListDocumentsRequest,
    ) -> Result<Vec<Document>, Error> {
        let mut fields = Fields::new();
        let code = fields.name("name", "dossiers", &body.name);
        let code = fields.finish(code)?;
        let purpose = call.purpose()?;
        let (state, way) = self.of_dossier(call, &code).await?;
        if !state.shows_papers_to(&call.actor) {
            let name = body.name;
            return Err(Error::Missing { name });
        }
        let mut reading = self.archive.open(&way.scope(call)).await?;
        let names = store::all_statements(&mut reading, &self.vault, &code).await?;
        self.accesses
            .note(call, LIST_DOCUMENTS, purpose, &[&code])
            .await?;
        let documents = state.documents.iter().enumerate();
        Ok(documents
            .map(|(place, document)| Document {
                file_name: file_name_of(&names, place).expose().clone(),
                ..document.to_proto(&code, place)
            })
            .collect())
    }
}

/// Whether it is a result, or the signature of one.
fn is_result(state: &State, document: &StoredDocument) -> bool {
    match document.kind {
        DocumentKind::Result => true,
        DocumentKind::Signature => state
            .document(&document.signature_of)
            .is_some_and(|(_, signed)| signed.kind == DocumentKind::Result),
        DocumentKind::Paper | DocumentKind::Unspecified => false,
    }
}

/// The name of the file of the document at that place.
pub(super) fn file_name_of(statements: &[Statement], place: usize) -> Words {
    let revision = i32::try_from(place + 1).unwrap_or(i32::MAX);
    let named = |said: &&Statement| {
        said.kind == i32::from(StatementKind::FileName) && said.revision == revision
    };
    let said = statements.iter().find(named);
    said.map(|said| said.body.clone()).unwrap_or_default()
}

/// A dossier's code and a document's id.
pub(super) fn document_name(
    fields: &mut Fields,
    field: &str,
    name: &str,
) -> Option<(String, String)> {
    let (dossier, id) = name.split_once("/documents/").unwrap_or((name, ""));
    let code = fields.name(field, "dossiers", dossier);
    if id.is_empty() {
        fields.reject(field, "must be a name such as dossiers/CODE/documents/d1");
    }
    code.map(|code| (code, id.to_owned()))
}

/// Whether the law, or the request itself, is why a document was not taken. Whatever else went wrong, it may have been.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error,
        Error::Invalid(_)
            | Error::Missing { .. }
            | Error::Refused(_)
            | Error::Stale { .. }
            | Error::Overtaken { .. }
            | Error::RequestIdReused(_)
            | Error::Exists { .. }
            | Error::Erased { .. }
    )
}

/// The next piece; none at the end of the stream.
async fn piece(
    pieces: &mut Streaming<UploadDocumentRequest>,
) -> Result<Option<upload_document_request::Piece>, Error> {
    match timeout(PIECE_WITHIN, pieces.message()).await {
        Err(_) => Err(Error::field(
            "content",
            format!("did not come within {} s", PIECE_WITHIN.as_secs()),
        )),
        Ok(Ok(message)) => Ok(message.and_then(|message| message.piece)),
        Ok(Err(status)) => Err(Error::field(
            "content",
            format!("was cut off: {}", status.code().description()),
        )),
    }
}

/// The content into the store, and its SHA-256, which must be the one that comes last.
async fn receive(
    pieces: &mut Streaming<UploadDocumentRequest>,
    writing: &mut Writing,
    size: i64,
) -> Result<Sha256, Error> {
    let mut digest = Digest::new(&SHA256);
    let mut received: i64 = 0;
    let told = loop {
        match piece(pieces).await? {
            Some(upload_document_request::Piece::Content(content)) => {
                if content.len() > FRAME_BYTES {
                    return Err(Error::field(
                        "content",
                        format!("must be at most {FRAME_BYTES} bytes in a piece"),
                    ));
                }
                received += i64::try_from(content.len()).unwrap_or(i64::MAX);
                if received > size {
                    return Err(Error::field(
                        "content",
                        format!("is more than the {size} bytes that the header says"),
                    ));
                }
                digest.update(&content);
                writing.take(&content).await?;
            }
            Some(upload_document_request::Piece::Sha256(told)) => break told,
            Some(upload_document_request::Piece::Header(_)) => {
                return Err(Error::field("header", "comes once"));
            }
            None => {
                return Err(Error::field(
                    "sha256",
                    format!("is missing: the upload was cut off after {received} bytes"),
                ));
            }
        }
    };
    if received != size {
        return Err(Error::field(
            "content",
            format!("is {received} bytes and not the {size} that the header says"),
        ));
    }
    let digest = digest.finish();
    if digest.as_ref() != told {
        return Err(Error::field(
            "sha256",
            "is not that of the content: it was damaged on its way",
        ));
    }
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest.as_ref());
    Ok(sha256)
}

/// The content, then its SHA-256.
fn pieces(
    reading: Reading,
    sha256: Sha256,
) -> impl Stream<Item = Result<DownloadDocumentResponse, Status>> {
    let content = stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(Some(content)) => Some((
                Ok(download_document_response::Piece::Content(content)),
                Some(reading),
            )),
            Ok(None) => None,
            Err(error) => Some((Err(Status::from(error)), None)),
        }
    });
    let last = download_document_response::Piece::Sha256(sha256.to_vec());
    // What could not be read whole has no digest that vouches for it.
    content
        .chain(stream::iter([Ok(last)]))
        .scan(false, |failed, piece| {
            let ended = *failed;
            *failed |= piece.is_err();
            futures::future::ready((!ended).then_some(piece))
        })
        .map(|piece| piece.map(|piece| DownloadDocumentResponse { piece: Some(piece) }))
}

fn parse(header: &DocumentHeader) -> Result<Header, Error> {
    let mut fields = Fields::new();
    let code = fields.name("name", "dossiers", &header.name);
    let kind = fields.choice::<DocumentKind>("kind", header.kind);
    let paper = fields.optional_id("paper", &header.paper);
    let result_code = fields.optional_id("result_code", &header.result_code);
    let signature_of = fields.optional_id("signature_of", &header.signature_of);
    let media_type = fields.line("media_type", &header.media_type);
    let file_name = file_name(&mut fields, &header.file_name);
    let request_id = fields.request_id(&header.request_id);
    if let Some(kind) = kind {
        for (field, value, of) in [
            ("paper", &header.paper, DocumentKind::Paper),
            ("result_code", &header.result_code, DocumentKind::Result),
            (
                "signature_of",
                &header.signature_of,
                DocumentKind::Signature,
            ),
        ] {
            match (kind == of, value.is_empty()) {
                (true, true) => fields.reject(field, "is required of this kind"),
                (false, false) => fields.reject(field, "must be empty of this kind"),
                _ => {}
            }
        }
    }
    if let Some(media_type) = &media_type
        && !is_media_type(media_type)
    {
        fields.reject("media_type", "must be one such as application/pdf");
    }
    if !(1..=SIZE_MAX).contains(&header.size) {
        fields.reject("size", format!("must be from 1 to {SIZE_MAX} bytes"));
    }
    let parsed = (|| {
        Some(Header {
            code: code?,
            document: StoredDocument {
                kind: kind?,
                paper: paper?,
                result_code: result_code?,
                signature_of: signature_of?,
                media_type: media_type?,
                size: header.size,
                sha256: Sha256::default(),
                object: String::new(),
                reused_from: String::new(),
                added_at: jiff::Timestamp::UNIX_EPOCH,
            },
            file_name: Words::from(file_name?),
            request_id: request_id?,
            way: Way::Own,
            beside: 0,
        })
    })();
    fields.finish(parsed)
}

/// A name without folders. The violation never repeats it.
fn file_name(fields: &mut Fields, name: &str) -> Option<String> {
    let line = fields.line("file_name", name)?;
    if line.contains(['/', '\\']) || line == "." || line == ".." || line.chars().count() > 200 {
        fields.reject(
            "file_name",
            "must be the name of a file, without folders, of at most 200 characters",
        );
        return None;
    }
    Some(line)
}

/// RFC 6838, section 4.2.
fn is_media_type(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=127).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    text.split_once('/')
        .is_some_and(|(kind, subtype)| is_name(kind) && is_name(subtype))
}
