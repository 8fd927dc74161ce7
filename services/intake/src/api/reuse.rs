//! `DocumentService/ReuseDocument`: what is kept of a person already is not asked for again.

use motcua_platform::{call::Call, error::Error, ledger::Accepted, parse::Fields};
use motcua_proto::{
    intake::v1::{Document, ReuseDocumentRequest},
    r#type::v1::DocumentKind,
};
use uuid::Uuid;

use super::{
    DossierApi,
    documents::{Header, Way, document_name, file_name_of},
};
use crate::{
    domain::documents::Document as State,
    store::{self, Reading, Writing},
};

/// As the contract names it, for the log of who read what.
const REUSE_DOCUMENT: &str = "motcua.intake.v1.DocumentService/ReuseDocument";

/// What is asked, understood.
struct Asked {
    code: String,
    paper: String,
    /// The other dossier.
    source: String,
    id: String,
    request_id: Option<Uuid>,
}

impl DossierApi {
    pub(super) async fn reuse(
        &self,
        call: &Call,
        body: ReuseDocumentRequest,
    ) -> Result<Accepted<Document>, Error> {
        let asked = parse(&body)?;
        let purpose = call.purpose()?;
        let mut reading = self.archive.open(call.scope()).await?;
        let state = store::dossier(&mut reading, &asked.code).await?;
        let state = state.ok_or_else(|| Error::Missing {
            name: format!("dossiers/{}", asked.code),
        })?;
        // Whoever may not see the other dossier learns nothing of it, not even whose it is.
        let missing = || Error::Missing {
            name: body.document.clone(),
        };
        let other = store::dossier(&mut reading, &asked.source).await?;
        let other = other.ok_or_else(missing)?;
        let (place, document) = other.document(&asked.id).ok_or_else(missing)?;
        if document.kind == DocumentKind::Signature {
            return Err(Error::field("document", "is a signature, and no paper"));
        }
        let theirs = self.vault.of_same_persons(&[&asked.code]).await?;
        if !theirs.contains(&asked.source) {
            return Err(Error::field("document", "is another person's"));
        }
        let names = store::all_statements(&mut reading, &self.vault, &asked.source).await?;
        drop(reading);
        self.accesses
            .note(call, REUSE_DOCUMENT, purpose, &[&asked.source])
            .await?;
        let contents = &self.contents;
        let mut content = contents
            .read(&self.vault, &asked.source, &document.object)
            .await?;
        let mut writing = contents.write(&self.vault, &asked.code).await?;
        if let Err(error) = copy(&mut content, &mut writing).await {
            writing.give_up().await;
            return Err(error);
        }
        let header = Header {
            beside: state.files_of(&asked.paper).count(),
            document: State {
                kind: DocumentKind::Paper,
                paper: asked.paper,
                result_code: String::new(),
                object: writing.finish().await?,
                reused_from: body.document,
                ..document.clone()
            },
            file_name: file_name_of(&names, place),
            code: asked.code,
            request_id: asked.request_id,
            way: Way::Own,
        };
        self.keep_or_remove(call, REUSE_DOCUMENT, header).await
    }
}

/// Sealed anew: what lies in the store opens in its own place only.
async fn copy(content: &mut Reading, writing: &mut Writing) -> Result<(), Error> {
    while let Some(frame) = content.next().await? {
        writing.take(&frame).await?;
    }
    Ok(())
}

fn parse(body: &ReuseDocumentRequest) -> Result<Asked, Error> {
    let mut fields = Fields::new();
    let code = fields.name("name", "dossiers", &body.name);
    let paper = fields.id("paper", &body.paper);
    let document = document_name(&mut fields, "document", &body.document);
    let request_id = fields.request_id(&body.request_id);
    if let (Some(code), Some((source, _))) = (&code, &document)
        && code == source
    {
        fields.reject("document", "is the dossier's own");
    }
    let parsed = (|| {
        let (source, id) = document?;
        Some(Asked {
            code: code?,
            paper: paper?,
            source,
            id,
            request_id: request_id?,
        })
    })();
    fields.finish(parsed)
}
