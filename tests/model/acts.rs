//! What is asked over the network beside the commands of one dossier or case: submissions, files, many tasks in one call, and
//! who stands in for whom.

use futures::stream;
use motcua_platform::time::to_proto;
use motcua_proto::{
    intake::v1::{
        DocumentHeader, SubmitDossierRequest, UploadDocumentRequest,
        document_service_client::DocumentServiceClient,
        dossier_service_client::DossierServiceClient, upload_document_request::Piece,
    },
    workflow::v1::{
        BatchCompleteTasksRequest, CompleteTaskRequest, CreateSubstitutionRequest,
        EndSubstitutionRequest, Substitution,
        substitution_service_client::SubstitutionServiceClient, task_outcome::Outcome,
        task_service_client::TaskServiceClient,
    },
};
use motcua_workflow::domain::Command as CaseCommand;
use tonic::{Code, Status};
use uuid::Uuid;

use super::{
    calls::{Answer, Caller, said_of},
    deputies::Change,
    steps::Upload,
};

/// What small files hold, and its SHA-256.
pub(super) const CONTENT: &[u8] = b"%PDF-1.7 to khai";
const DIGEST: [u8; 32] = [
    0x30, 0x39, 0x63, 0x3c, 0xda, 0x25, 0xb4, 0x18, 0x44, 0x4e, 0xe1, 0x87, 0x74, 0x9b, 0xbe, 0xbd,
    0xf9, 0x16, 0x6f, 0x78, 0x3b, 0x65, 0xaa, 0x6a, 0xe5, 0x1e, 0x2e, 0x3d, 0x63, 0xca, 0xdd, 0xe2,
];

impl Caller {
    pub(super) async fn submits(&self, request: SubmitDossierRequest) -> Answer {
        let mut client = DossierServiceClient::new(self.intake.clone());
        let answer = client.submit_dossier(request).await;
        answer.map(|it| Some(it.into_inner()))
    }

    /// Sends a file, its content in two pieces.
    pub(super) async fn uploads(&self, header: DocumentHeader, how: Upload) -> Answer {
        let (begin, end) = CONTENT.split_at(CONTENT.len() / 2);
        let mut digest = DIGEST.to_vec();
        if how == Upload::Damaged {
            digest[0] ^= 1;
        }
        let mut pieces = vec![Piece::Header(header), Piece::Content(begin.into())];
        if how != Upload::CutOff {
            pieces.extend([Piece::Content(end.into()), Piece::Sha256(digest)]);
        }
        let pieces = pieces
            .into_iter()
            .map(|piece| UploadDocumentRequest { piece: Some(piece) });
        let mut client = DocumentServiceClient::new(self.intake.clone());
        client
            .upload_document(stream::iter(pieces))
            .await
            .map(|_| None)
    }

    /// Finishes tasks of cases in one call: what came of each, in their order.
    pub(super) async fn completes(
        &self,
        works: &[(&str, &CaseCommand)],
        request_id: Uuid,
    ) -> Vec<Answer> {
        let requests = works.iter().map(|(code, command)| {
            let CaseCommand::Complete {
                task,
                outcome,
                reason,
            } = command
            else {
                panic!("{command:?} finishes no task");
            };
            let [reason, ground] = said_of(reason.as_deref());
            CompleteTaskRequest {
                name: format!("cases/{code}/tasks/{task}"),
                outcome: outcome.clone(),
                request_id: Uuid::new_v5(&request_id, code.as_bytes()).to_string(),
                reason,
                ground,
            }
        });
        let requests: Vec<_> = requests.collect();
        let names: Vec<_> = requests.iter().map(|it| it.name.clone()).collect();
        let mut client = TaskServiceClient::new(self.workflow.clone());
        let answer = client.batch_complete_tasks(BatchCompleteTasksRequest { requests });
        let outcomes = match answer.await {
            Ok(answer) => answer.into_inner().outcomes,
            Err(status) => return works.iter().map(|_| Err(status.clone())).collect(),
        };
        let named: Vec<_> = outcomes.iter().map(|it| it.name.clone()).collect();
        assert_eq!(named, names, "each has its outcome");
        let of_each = outcomes.into_iter().map(|it| match it.outcome.unwrap() {
            Outcome::Task(_) => Ok(None),
            Outcome::Error(error) => Err(Status::new(Code::from(error.code), error.message)),
        });
        of_each.collect()
    }

    /// Decides who stands in for whom: the key of it.
    pub(super) async fn changes(
        &self,
        change: &Change,
        request_id: Uuid,
    ) -> Result<String, Status> {
        let mut client = SubstitutionServiceClient::new(self.workflow.clone());
        let request_id = request_id.to_string();
        let answer = match change {
            Change::Begin(it) => {
                let request = CreateSubstitutionRequest {
                    substitution: Some(Substitution {
                        agency: it.agency.clone(),
                        absent: it.absent.clone(),
                        substitute: it.substitute.clone(),
                        groups: it.groups.clone(),
                        role: it.role.into(),
                        from: Some(to_proto(it.from)),
                        until: Some(to_proto(it.until)),
                        ground: it.ground.clone(),
                        ..Substitution::default()
                    }),
                    request_id,
                };
                client.create_substitution(request).await
            }
            Change::End(key) => {
                let name = format!("substitutions/{key}");
                let request = EndSubstitutionRequest { name, request_id };
                client.end_substitution(request).await
            }
        };
        let name = answer?.into_inner().name;
        Ok(name.strip_prefix("substitutions/").unwrap().to_owned())
    }
}
