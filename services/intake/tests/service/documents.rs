//! Papers and files: what is there at acceptance, what an upload may be, and that nothing is left lying about.

use std::{collections::BTreeSet, time::Duration};

use motcua_platform::{rpc::Peer, time::to_proto};
use motcua_proto::{
    access::v1::{ListAccessesRequest, access_log_service_client::AccessLogServiceClient},
    events::v1::{CaseFinished, CaseStarted, EventKind, event::Payload},
    intake::v1::{
        AcceptDossierRequest, Document, DocumentHeader, Dossier, DownloadDocumentRequest,
        ListDocumentsRequest, ReuseDocumentRequest, SubmitDossierRequest, SupplementDossierRequest,
        UploadDocumentRequest, document_service_client::DocumentServiceClient,
        download_document_response::Piece as Down, upload_document_request::Piece,
    },
    r#type::v1::{Catalog, Channel, DocumentKind, HandedPaper, RequiredPaper, Role},
};
use ring::digest::{SHA256, digest};
use tokio::{
    sync::mpsc::{self, Sender},
    task::JoinHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{Ward, catalog, registration, stating, violated};

/// A death registration wants a declaration and a notice; whoever has a power of attorney brings it.
pub(crate) fn with_papers() -> Catalog {
    let paper = |id: &str, originals, copies, optional| RequiredPaper {
        id: id.to_owned(),
        title: format!("Giấy {id}"),
        originals,
        copies,
        optional,
        ..RequiredPaper::default()
    };
    let mut catalog = catalog();
    catalog.procedures[0].papers = vec![
        paper("to-khai", 1, 0, false),
        paper("giay-bao-tu", 0, 2, false),
        paper("uy-quyen", 1, 0, true),
    ];
    catalog
}

async fn ward() -> Ward {
    let mut ward = Ward::opens().await;
    ward.applies(with_papers()).await.unwrap();
    ward
}

pub(crate) fn handed(paper: &str, originals: i32, copies: i32) -> HandedPaper {
    HandedPaper {
        paper: paper.to_owned(),
        originals,
        copies,
        ..HandedPaper::default()
    }
}

async fn accept(ward: &mut Ward, dossier: &Dossier) -> Result<Dossier, Status> {
    let request = AcceptDossierRequest {
        name: dossier.name.clone(),
        ..AcceptDossierRequest::default()
    };
    Ok(ward.dossiers.accept_dossier(request).await?.into_inner())
}

pub(crate) fn clerk(ward: &Ward) -> DocumentServiceClient<Peer> {
    DocumentServiceClient::new(ward.of(Role::Receptionist, "receptionist-11593-1", &["11593"]))
}

pub(crate) fn header(dossier: &Dossier, size: usize) -> DocumentHeader {
    DocumentHeader {
        name: dossier.name.clone(),
        kind: DocumentKind::Paper.into(),
        paper: "to-khai".to_owned(),
        media_type: "application/pdf".to_owned(),
        size: i64::try_from(size).unwrap(),
        file_name: "Tờ khai của bà Thử.pdf".to_owned(),
        request_id: Uuid::now_v7().to_string(),
        ..DocumentHeader::default()
    }
}

pub(crate) fn pieces(header: DocumentHeader, content: &[u8]) -> Vec<Piece> {
    let mut pieces = vec![Piece::Header(header)];
    pieces.extend(
        content
            .chunks(50_000)
            .map(|chunk| Piece::Content(chunk.to_vec())),
    );
    pieces.push(Piece::Sha256(digest(&SHA256, content).as_ref().to_vec()));
    pieces
}

pub(crate) async fn send(
    mut client: DocumentServiceClient<Peer>,
    pieces: Vec<Piece>,
) -> Result<Document, Status> {
    let requests = pieces
        .into_iter()
        .map(|piece| UploadDocumentRequest { piece: Some(piece) });
    let answer = client.upload_document(tokio_stream::iter(requests.collect::<Vec<_>>()));
    Ok(answer.await?.into_inner())
}

async fn content(ward: &Ward, name: &str) -> Result<Vec<u8>, Status> {
    content_for(clerk(ward), name).await
}

pub(crate) async fn content_for(
    mut client: DocumentServiceClient<Peer>,
    name: &str,
) -> Result<Vec<u8>, Status> {
    let request = DownloadDocumentRequest {
        name: name.to_owned(),
    };
    let mut pieces = client
        .download_document(stating(request))
        .await?
        .into_inner();
    let (mut content, mut told) = (Vec::new(), None);
    while let Some(message) = pieces.message().await? {
        match message.piece.unwrap() {
            Down::Content(piece) => content.extend(piece),
            Down::Sha256(sha256) => told = Some(sha256),
        }
    }
    assert_eq!(told.unwrap(), digest(&SHA256, &content).as_ref());
    Ok(content)
}

/// An upload that has said its header, and the way to send the rest of it.
async fn begun(
    ward: &Ward,
    header: DocumentHeader,
) -> (
    Sender<UploadDocumentRequest>,
    JoinHandle<Result<Document, Status>>,
) {
    let (pieces, stream) = mpsc::channel(1);
    let mut client = clerk(ward);
    let uploading = tokio::spawn(async move {
        let answer = client.upload_document(ReceiverStream::new(stream)).await?;
        Ok(answer.into_inner())
    });
    let piece = Some(Piece::Header(header));
    pieces.send(UploadDocumentRequest { piece }).await.unwrap();
    (pieces, uploading)
}

/// Waits for it.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap();
}

/// Everything that lies in the store's folder, whatever its name.
fn lying(ward: &Ward) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(ward.documents.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

/// No two pieces of it are alike.
fn noise(bytes: usize) -> Vec<u8> {
    let blocks = (0..=bytes / 32).flat_map(|n| digest(&SHA256, &n.to_le_bytes()).as_ref().to_vec());
    blocks.take(bytes).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_online_dossier_is_accepted_once_every_paper_is_named_or_uploaded() {
    let mut ward = ward().await;
    let dossier = ward
        .submits(SubmitDossierRequest {
            papers: vec![handed("giay-bao-tu", 0, 1)],
            ..registration()
        })
        .await
        .unwrap();
    let refused = accept(&mut ward, &dossier).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let message = refused.message();
    assert!(
        message.contains("to-khai (Giấy to-khai), giay-bao-tu (Giấy giay-bao-tu)")
            && !message.contains("uy-quyen"),
        "{message}"
    );
    // A file takes a paper's place, and what is still missing comes as a supplement.
    let file = noise(1_000);
    send(clerk(&ward), pieces(header(&dossier, file.len()), &file))
        .await
        .unwrap();
    ward.dossiers
        .request_supplement(motcua_proto::intake::v1::RequestSupplementRequest {
            name: dossier.name.clone(),
            missing: "một bản sao giấy báo tử".to_owned(),
            ground: "điều 17".to_owned(),
            ..Default::default()
        })
        .await
        .unwrap();
    let supplement = |papers| SupplementDossierRequest {
        name: dossier.name.clone(),
        provided: "một bản sao nữa".to_owned(),
        papers,
        ..SupplementDossierRequest::default()
    };
    let wrong = supplement(vec![
        handed("ho-chieu", 1, 0),
        handed("to-khai", 0, 0),
        handed("to-khai", -1, 0),
    ]);
    let status = ward.dossiers.supplement_dossier(wrong).await.unwrap_err();
    let fields: BTreeSet<_> = violated(&status).into_iter().collect();
    assert_eq!(
        fields.iter().map(String::as_str).collect::<Vec<_>>(),
        [
            "papers[0].paper",
            "papers[1].originals",
            "papers[2].originals",
            "papers[2].paper"
        ]
    );
    let more = supplement(vec![handed("giay-bao-tu", 0, 1)]);
    ward.dossiers.supplement_dossier(more).await.unwrap();
    let accepted = accept(&mut ward, &dossier).await.unwrap();
    assert_eq!(accepted.papers, [handed("giay-bao-tu", 0, 2)]);
    assert_eq!(accepted.documents.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_counter_nothing_said_means_that_the_receptionist_has_seen_them_all() {
    let mut ward = ward().await;
    let at_counter = |papers| SubmitDossierRequest {
        channel: Channel::Counter.into(),
        accept: true,
        papers,
        ..registration()
    };
    ward.submits(at_counter(Vec::new())).await.unwrap();
    let some = at_counter(vec![handed("to-khai", 1, 0)]);
    let refused = ward.submits(some).await.unwrap_err();
    assert!(refused.message().contains("giay-bao-tu"), "{refused:?}");
    let accepted = match ward.hears(EventKind::DossierAccepted).await.payload {
        Some(Payload::DossierAccepted(accepted)) => accepted,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        accepted.papers,
        [handed("to-khai", 1, 0), handed("giay-bao-tu", 0, 2)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_comes_back_byte_by_byte_and_lies_there_sealed() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let mark = b"unmistakable in whatever lies on a disk";
    for bytes in [1, 65_535, 65_536, 65_537, 3_000_000] {
        let mut file = noise(bytes);
        if bytes > mark.len() {
            file[..mark.len()].copy_from_slice(mark);
        }
        let document = send(clerk(&ward), pieces(header(&dossier, bytes), &file))
            .await
            .unwrap();
        assert_eq!(document.size, i64::try_from(bytes).unwrap());
        assert!(document.file_name.is_empty());
        assert_eq!(content(&ward, &document.name).await.unwrap(), file);
    }
    assert_eq!(lying(&ward).len(), 5);
    for path in lying(&ward) {
        let sealed = std::fs::read(path).unwrap();
        assert!(!sealed.windows(mark.len()).any(|window| window == mark));
    }
    let request = ListDocumentsRequest {
        name: dossier.name.clone(),
    };
    let listed = clerk(&ward).list_documents(stating(request)).await.unwrap();
    let documents = listed.into_inner().documents;
    assert_eq!(documents.len(), 5);
    assert!(
        documents
            .iter()
            .all(|document| document.file_name == "Tờ khai của bà Thử.pdf")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_upload_that_is_wrong_nothing_is_left() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let file = noise(200_000);
    let sound = || pieces(header(&dossier, file.len()), &file);
    let mut cut_off = sound();
    cut_off.truncate(3);
    let mut wrong_hash = sound();
    *wrong_hash.last_mut().unwrap() = Piece::Sha256(vec![0; 32]);
    let mut short = sound();
    short.remove(2);
    let mut long = sound();
    long.insert(2, Piece::Content(vec![0; 10]));
    let mut large_piece = vec![sound().remove(0)];
    large_piece.push(Piece::Content(vec![0; 65_537]));
    let mut twice = sound();
    twice.insert(1, Piece::Header(header(&dossier, 1)));
    let named = |name: &str| {
        let header = DocumentHeader {
            file_name: name.to_owned(),
            ..header(&dossier, file.len())
        };
        pieces(header, &file)
    };
    let of_paper = |paper: &str| {
        let header = DocumentHeader {
            paper: paper.to_owned(),
            ..header(&dossier, file.len())
        };
        pieces(header, &file)
    };
    let huge = DocumentHeader {
        size: 200 * 1024 * 1024,
        ..header(&dossier, 1)
    };
    for (what, pieces, field) in [
        ("cut off in the middle", cut_off, "sha256"),
        ("a wrong hash", wrong_hash, "sha256"),
        ("less than was said", short, "content"),
        ("more than was said", long, "content"),
        ("a large piece", large_piece, "content"),
        ("two headers", twice, "header"),
        ("no header", vec![Piece::Content(vec![1])], "header"),
        ("nothing at all", Vec::new(), "header"),
        ("0 bytes", pieces(header(&dossier, 0), &[]), "size"),
        ("200 MiB", vec![Piece::Header(huge)], "size"),
        ("a folder", named("../../etc/passwd"), "file_name"),
        ("a folder of Windows", named("..\\x.pdf"), "file_name"),
        ("a control character", named("a\u{0}b"), "file_name"),
        ("no name", named(""), "file_name"),
        ("a paper that nobody wants", of_paper("ho-chieu"), "paper"),
        ("a paper without a name", of_paper(""), "paper"),
    ] {
        let status = send(clerk(&ward), pieces).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{what}: {status:?}");
        assert_eq!(violated(&status), [field], "{what}: {status:?}");
        assert!(!status.message().contains("passwd"), "{status:?}");
        assert_eq!(
            lying(&ward),
            [""; 0].map(std::path::PathBuf::from),
            "{what}"
        );
    }
    let elsewhere = ward.of(Role::Receptionist, "receptionist-12345-1", &["12345"]);
    let foreign = send(DocumentServiceClient::new(elsewhere), sound()).await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    let citizen = ward.of(Role::Citizen, "citizen-1", &[]);
    let strangers = send(DocumentServiceClient::new(citizen), sound()).await;
    assert_eq!(strangers.unwrap_err().code(), Code::NotFound);
    assert!(lying(&ward).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_goes_away_in_the_middle_leaves_nothing() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let (pieces, uploading) = begun(&ward, header(&dossier, 10_000_000)).await;
    for _ in 0..120 {
        let piece = Some(Piece::Content(vec![7; 65_536]));
        pieces.send(UploadDocumentRequest { piece }).await.unwrap();
    }
    until(|| !lying(&ward).is_empty()).await;
    uploading.abort();
    until(|| lying(&ward).is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_sent_again_is_kept_once() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let file = noise(100_000);
    let one = pieces(header(&dossier, file.len()), &file);
    let first = send(clerk(&ward), one.clone()).await.unwrap();
    let again = send(clerk(&ward), one.clone()).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(lying(&ward).len(), 1);
    // The same id with another content is another request.
    let Piece::Header(same_id) = one[0].clone() else {
        panic!("it begins with a header");
    };
    let other = noise(file.len() + 1).split_off(1);
    let reused = send(clerk(&ward), pieces(same_id, &other)).await;
    assert_eq!(reused.unwrap_err().code(), Code::AlreadyExists);
    assert_eq!(lying(&ward).len(), 1);
}

/// The one that is whole first is kept; who sends the other learns of it, decides anew, and leaves nothing lying about.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_for_one_paper_one_is_kept_and_the_other_told_so() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let (late, quick) = (noise(200_000), noise(100_000));
    let slow = header(&dossier, late.len());
    let (sending, uploading) = begun(&ward, slow.clone()).await;
    let mut rest = pieces(slow, &late).into_iter().skip(1);
    let piece = rest.next();
    sending.send(UploadDocumentRequest { piece }).await.unwrap();
    until(|| !lying(&ward).is_empty()).await;

    let kept = send(clerk(&ward), pieces(header(&dossier, quick.len()), &quick)).await;
    let kept = kept.unwrap();
    // A file of another paper is no rival.
    let other = DocumentHeader {
        paper: "giay-bao-tu".to_owned(),
        ..header(&dossier, quick.len())
    };
    send(clerk(&ward), pieces(other, &quick)).await.unwrap();
    for piece in rest {
        let piece = Some(piece);
        sending.send(UploadDocumentRequest { piece }).await.unwrap();
    }
    drop(sending);
    let refused = uploading.await.unwrap().unwrap_err();
    assert_eq!(refused.code(), Code::Aborted, "{refused:?}");
    let info = refused.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), &info.metadata["name"]),
        ("OVERTAKEN", &kept.name)
    );
    assert_eq!(lying(&ward).len(), 2);
    assert_eq!(content(&ward, &kept.name).await.unwrap(), quick);

    let again = send(clerk(&ward), pieces(header(&dossier, late.len()), &late)).await;
    assert_eq!(content(&ward, &again.unwrap().name).await.unwrap(), late);

    // However it comes about: never two by two that know nothing of each other, and never none.
    let both = tokio::join!(
        send(clerk(&ward), pieces(header(&dossier, late.len()), &late)),
        send(clerk(&ward), pieces(header(&dossier, quick.len()), &quick)),
    );
    let kept = usize::from(both.0.is_ok()) + usize::from(both.1.is_ok());
    assert!(kept > 0, "{both:?}");
    assert_eq!(lying(&ward).len(), 3 + kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_come_with_their_code_and_a_signature_beside_them() {
    let mut ward = ward().await;
    let dossier = ward
        .submits(SubmitDossierRequest {
            channel: Channel::Counter.into(),
            accept: true,
            ..registration()
        })
        .await
        .unwrap();
    let result = || DocumentHeader {
        kind: DocumentKind::Result.into(),
        paper: String::new(),
        result_code: "KQ.G15.000123".to_owned(),
        ..header(&dossier, 4)
    };
    let early = send(clerk(&ward), pieces(result(), b"%PDF")).await;
    assert_eq!(early.unwrap_err().code(), Code::FailedPrecondition);
    ward.case_says(
        &dossier,
        EventKind::CaseStarted,
        Payload::CaseStarted(CaseStarted::default()),
    );
    ward.case_says(
        &dossier,
        EventKind::CaseFinished,
        Payload::CaseFinished(CaseFinished {
            finished_at: Some(to_proto(crate::world::at("2025-07-01T09:00:00"))),
            outcome: "approved".to_owned(),
            ..CaseFinished::default()
        }),
    );
    ward.hears(EventKind::ResultReady).await;
    let document = send(clerk(&ward), pieces(result(), b"%PDF")).await.unwrap();
    assert_eq!(document.result_code, "KQ.G15.000123");
    let signature = |of: &str| DocumentHeader {
        kind: DocumentKind::Signature.into(),
        result_code: String::new(),
        signature_of: of.to_owned(),
        media_type: "application/pkcs7-signature".to_owned(),
        file_name: "ket-qua.p7s".to_owned(),
        ..result()
    };
    let nothing = send(clerk(&ward), pieces(signature("d7"), b"cms!")).await;
    assert_eq!(violated(&nothing.unwrap_err()), ["signature_of"]);
    let signed = send(clerk(&ward), pieces(signature("d1"), b"cms!"))
        .await
        .unwrap();
    assert_eq!(signed.signature_of, "d1");
    // Papers come before the result.
    let late = send(clerk(&ward), pieces(header(&dossier, 4), b"%PDF")).await;
    assert_eq!(late.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(lying(&ward).len(), 2);
}

/// A submission by one and the same person.
pub(crate) fn known() -> SubmitDossierRequest {
    let mut request = registration();
    if let Some(applicant) = &mut request.applicant {
        applicant.identity_number = "031000000001".to_owned();
    }
    request
}

pub(crate) fn reusing(dossier: &Dossier, document: &str) -> ReuseDocumentRequest {
    ReuseDocumentRequest {
        name: dossier.name.clone(),
        paper: "giay-bao-tu".to_owned(),
        document: document.to_owned(),
        request_id: Uuid::now_v7().to_string(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paper_of_an_earlier_dossier_is_not_asked_for_again() {
    let mut ward = ward().await;
    let earlier = ward.submits(known()).await.unwrap();
    let file = noise(150_000);
    let kept = pieces(header(&earlier, file.len()), &file);
    let kept = send(clerk(&ward), kept).await.unwrap();
    let dossier = ward.submits(known()).await.unwrap();
    let request = reusing(&dossier, &kept.name);
    let taken = clerk(&ward)
        .reuse_document(stating(request.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (&*taken.paper, &taken.reused_from, &taken.sha256),
        ("giay-bao-tu", &kept.name, &kept.sha256)
    );
    // Each dossier has its own.
    assert_eq!(content(&ward, &taken.name).await.unwrap(), file);
    assert_eq!(lying(&ward).len(), 2);
    // A double click.
    let again = clerk(&ward).reuse_document(stating(request)).await.unwrap();
    assert_eq!(again.into_inner(), taken);
    assert_eq!(lying(&ward).len(), 2);
    // It is there at acceptance, and the name of the file with it.
    let status = accept(&mut ward, &dossier).await.unwrap_err();
    assert!(status.message().contains("to-khai"), "{status:?}");
    assert!(!status.message().contains("giay-bao-tu"), "{status:?}");
    let listed = ListDocumentsRequest {
        name: dossier.name.clone(),
    };
    let listed = clerk(&ward).list_documents(stating(listed)).await.unwrap();
    let listed = &listed.into_inner().documents[0];
    assert_eq!(listed.file_name, "Tờ khai của bà Thử.pdf");
    // Whose paper was read is on record, and with which dossier.
    let auditor = ward.of(Role::Auditor, "auditor-1", &[]);
    let accesses = AccessLogServiceClient::new(auditor)
        .list_accesses(ListAccessesRequest::default())
        .await
        .unwrap()
        .into_inner()
        .accesses;
    let read = accesses
        .iter()
        .find(|access| access.method.ends_with("ReuseDocument"))
        .unwrap();
    assert_eq!(read.dossier, earlier.code);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_elses_paper_is_taken_and_nothing_is_left_of_trying() {
    let mut ward = ward().await;
    let theirs = ward.submits(registration()).await.unwrap();
    let file = noise(1_000);
    let kept = pieces(header(&theirs, file.len()), &file);
    let kept = send(clerk(&ward), kept).await.unwrap();
    let dossier = ward.submits(known()).await.unwrap();
    let own = send(clerk(&ward), pieces(header(&dossier, file.len()), &file));
    let own = own.await.unwrap();
    let unwanted = ReuseDocumentRequest {
        paper: "ho-chieu".to_owned(),
        ..reusing(&dossier, &kept.name)
    };
    let nobodys = format!("{}/documents/d9", theirs.name);
    for (what, request, code) in [
        (
            "another person's",
            reusing(&dossier, &kept.name),
            Code::InvalidArgument,
        ),
        (
            "its own",
            reusing(&dossier, &own.name),
            Code::InvalidArgument,
        ),
        (
            "no document",
            reusing(&dossier, &theirs.name),
            Code::InvalidArgument,
        ),
        (
            "one that is not there",
            reusing(&dossier, &nobodys),
            Code::NotFound,
        ),
        (
            "for a paper that nobody wants",
            unwanted,
            Code::InvalidArgument,
        ),
    ] {
        let status = clerk(&ward).reuse_document(stating(request)).await;
        assert_eq!(status.unwrap_err().code(), code, "{what}");
        assert_eq!(lying(&ward).len(), 2, "{what}");
    }
    // Another ward sees neither.
    let elsewhere = ward.of(Role::Receptionist, "receptionist-12345-1", &["12345"]);
    let foreign = DocumentServiceClient::new(elsewhere)
        .reuse_document(stating(reusing(&dossier, &kept.name)))
        .await;
    assert_eq!(foreign.unwrap_err().code(), Code::NotFound);
    assert_eq!(lying(&ward).len(), 2);
}

/// What lies in the store opens in its own place only, whole and in its own order.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_tampered_with_is_not_given_out() {
    let mut ward = ward().await;
    let dossier = ward.submits(registration()).await.unwrap();
    let file = noise(200_000);
    let mut names = Vec::new();
    for _ in 0..2 {
        let sent = send(clerk(&ward), pieces(header(&dossier, file.len()), &file));
        names.push(sent.await.unwrap().name);
    }
    // Which file is whose is found out by taking one away.
    let lying = lying(&ward);
    let sound: Vec<_> = lying
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    std::fs::write(&lying[0], b"").unwrap();
    let first_is_gone = content(&ward, &names[0]).await.is_err();
    let (own, other) = if first_is_gone { (0, 1) } else { (1, 0) };
    let frame = |from: usize| {
        let length = u32::from_be_bytes(sound[own][from..from + 4].try_into().unwrap());
        from + 4 + usize::try_from(length).unwrap()
    };
    let (first, second) = (frame(0), frame(frame(0)));
    let whole = &sound[own];
    let exchanged = [&whole[first..second], &whole[..first], &whole[second..]].concat();
    let missing = [&whole[..first], &whole[second..]].concat();
    let mut turned = whole.clone();
    turned[first / 2] ^= 1;
    for (what, bytes) in [
        ("cut after a frame", whole[..second].to_vec()),
        ("cut in a frame", whole[..second - 1].to_vec()),
        ("without a frame", missing),
        ("two frames exchanged", exchanged),
        ("a bit turned", turned),
        ("another document's", sound[other].clone()),
        ("nothing", Vec::new()),
    ] {
        std::fs::write(&lying[own], bytes).unwrap();
        let status = content(&ward, &names[0]).await.unwrap_err();
        assert_eq!(status.code(), Code::Internal, "{what}: {status:?}");
    }
    std::fs::write(&lying[own], whole).unwrap();
    assert_eq!(content(&ward, &names[0]).await.unwrap(), file);
}
