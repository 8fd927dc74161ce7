//! Nonsense on every method of every service. The cases are made from the contract, so that a new method has its own.

use motcua_platform::{policy, rpc::Peer};
use motcua_proto::{
    intake::v1::{
        ApplyCatalogRequest, GetAgencyRequest, GetCalendarRequest, GetDossierRequest,
        GetProcedureRequest, catalog_service_client::CatalogServiceClient,
    },
    notification::v1::{
        GetMessageRequest, GetTemplateRequest, message_service_client::MessageServiceClient,
        template_service_client::TemplateServiceClient,
    },
    r#type::v1::{Agency, Catalog, HandOverMethod},
    workflow::v1::{
        GetCaseRequest, GetControlSheetRequest, GetDefinitionRequest, Task,
        definition_service_client::DefinitionServiceClient,
    },
};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{
    contract::{self, Filling, fields, filled, is_output_only, is_required, path, pool},
    raw::call,
};
use crate::support::{Person, Service, Suite, birth, refused};

/// Fields in which everything can be said: an etag is compared, never read, and a number of a version or an epoch that
/// does not exist is a question like any other.
const ANYTHING_GOES: [&str; 4] = ["etag", "version", "epoch", "after"];

/// Methods that need one of two fields, which the contract cannot say of either.
const ONE_OF_TWO: [&str; 2] = ["ExportSubject", "EraseSubject"];

/// Every method that people and other systems call, with who offers it.
fn methods(pool: &DescriptorPool) -> Vec<(Service, MethodDescriptor)> {
    let mut all = contract::methods(pool);
    all.retain(|(_, method)| is_for_people(method));
    all
}

/// What is wrong with an answer to nonsense, in a sentence; nothing if it is a good refusal.
fn complaint(answer: &Result<Vec<u8>, Status>, wrong: &[String]) -> Option<String> {
    let status = match answer {
        Ok(_) if wrong.is_empty() => return None,
        Ok(_) => return Some(format!("was accepted, although these are wrong: {wrong:?}")),
        Err(status) => status,
    };
    let failed = matches!(
        status.code(),
        Code::Internal | Code::Unknown | Code::Unimplemented | Code::DataLoss
    );
    if failed || status.get_details_error_info().is_none() {
        return Some(format!("failed: {status:?}"));
    }
    let refusal = refused(status);
    let named = |wrong: &&String| {
        refusal.fields.iter().any(|field| {
            field
                .strip_prefix(wrong.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    let unnamed: Vec<_> = wrong.iter().filter(|wrong| !named(wrong)).collect();
    (!unnamed.is_empty()).then(|| {
        format!(
            "names {:?} ({:?}) and not {unnamed:?}",
            refusal.fields, refusal.code
        )
    })
}

/// Somebody who may call the method: the nonsense is what it is to be refused for.
fn caller(suite: &Suite, service: Service, method: &MethodDescriptor) -> Peer {
    let policy = policy::of(&path(method)[1..]).expect("a policy");
    match policy.allow[0].roles().next() {
        Some(role) => suite.person(role, "somebody-1").peer(service),
        None => suite.stranger(service),
    }
}

/// Whether people and other systems may call it at all: a service of the suite says no nonsense.
fn is_for_people(method: &MethodDescriptor) -> bool {
    method.name() != "ListCaseStatements"
}

async fn ask(
    suite: &Suite,
    service: Service,
    method: &MethodDescriptor,
    body: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    call(
        caller(suite, service, method),
        &path(method),
        method.is_server_streaming(),
        body,
    )
    .await
}

/// What a method that takes many takes many of.
fn item(method: &MethodDescriptor) -> Option<MessageDescriptor> {
    match method.input().get_field_by_name("requests")?.kind() {
        Kind::Message(item) => Some(item),
        _ => None,
    }
}

/// The outcome of the first of many, as if it had been asked alone.
fn first_outcome(method: &MethodDescriptor, answer: Vec<u8>) -> Result<Vec<u8>, Status> {
    if item(method).is_none() {
        return Ok(answer);
    }
    let answer = DynamicMessage::decode(method.output(), &answer[..]).expect("an answer");
    let outcomes = answer.get_field_by_name("outcomes").expect("outcomes");
    let outcome = outcomes.as_list().expect("a list")[0].as_message().cloned();
    let outcome = outcome.expect("an outcome");
    let error = outcome.get_field_by_name("error").expect("an error");
    let error = error.as_message().expect("a status");
    let code = error
        .get_field_by_name("code")
        .and_then(|code| code.as_i32());
    match code {
        None | Some(0) => Ok(Vec::new()),
        Some(code) => Err(Status::with_details(
            code.into(),
            "of one item",
            error.encode_to_vec().into(),
        )),
    }
}

#[tokio::test]
async fn an_empty_request_is_told_every_field_that_the_contract_requires() {
    let suite = Suite::start().await;
    let pool = pool();
    let mut complaints = Vec::new();
    for (service, method) in methods(&pool) {
        if method.is_server_streaming() || method.is_client_streaming() {
            // Without a field that is required it begins at once, and goes on. An upload's pieces have tests of their own.
            continue;
        }
        let required: Vec<_> = method
            .input()
            .fields()
            .filter(|field| is_required(&pool, field))
            .map(|field| field.name().to_owned())
            .collect();
        let answer = ask(&suite, service, &method, Vec::new()).await;
        complaints.extend(
            complaint(&answer, &required)
                .map(|why| format!("{} {}: {why}", service.name(), path(&method))),
        );
        if required.is_empty()
            && !ONE_OF_TWO.contains(&method.name())
            && let Err(status) = answer
        {
            complaints.push(format!(
                "{} {}: requires nothing and refuses: {status:?}",
                service.name(),
                path(&method)
            ));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[tokio::test]
async fn a_request_full_of_nonsense_is_told_every_field_at_once() {
    let suite = Suite::start().await;
    let pool = pool();
    let nonsense = [
        (
            "control characters",
            Filling {
                text: "\u{0}\u{1b}[31m".to_owned(),
                enumeration: 999,
                number: -1,
            },
        ),
        (
            "overlong",
            Filling {
                text: "ă".repeat(20_000),
                enumeration: -7,
                number: i32::MIN,
            },
        ),
        (
            "a way out of the directory",
            Filling {
                text: "../\u{7f}; DROP TABLE dossier; --".to_owned(),
                enumeration: i32::MAX,
                number: -2,
            },
        ),
    ];
    let mut complaints = Vec::new();
    for (service, method) in methods(&pool) {
        if method.is_client_streaming() {
            continue;
        }
        for (kind, filling) in &nonsense {
            let request = filled(&method.input(), filling);
            // Of many in one call, each has an outcome of its own: then it is the item that is told.
            let told = match item(&method) {
                Some(item) => filled(&item, filling),
                None => request.clone(),
            };
            let wrong: Vec<_> = fields(&told)
                .into_iter()
                .filter(|field| !is_output_only(&pool, field))
                .filter(|field| !matches!(field.kind(), Kind::Bool))
                .map(|field| field.name().to_owned())
                .filter(|name| !ANYTHING_GOES.contains(&name.as_str()))
                .collect();
            let answer = ask(&suite, service, &method, request.encode_to_vec())
                .await
                .and_then(|answer| first_outcome(&method, answer));
            complaints.extend(
                complaint(&answer, &wrong)
                    .map(|why| format!("{} {}, {kind}: {why}", service.name(), path(&method))),
            );
        }
    }
    // One nonsense alone, where nothing else stops the request before it gets further.
    for (service, method) in methods(&pool) {
        if method
            .input()
            .fields()
            .any(|field| is_required(&pool, &field))
        {
            continue;
        }
        let (_, filling) = &nonsense[0];
        let whole = filled(&method.input(), filling);
        for field in fields(&whole) {
            let mut request = DynamicMessage::new(method.input());
            request.set_field(&field, whole.get_field(&field).into_owned());
            // A stream ends; a number that nobody knows is not nonsense by itself.
            if method.is_server_streaming() && !matches!(field.kind(), Kind::String | Kind::Enum(_))
            {
                continue;
            }
            let answer = ask(&suite, service, &method, request.encode_to_vec()).await;
            complaints.extend(complaint(&answer, &[]).map(|why| {
                format!(
                    "{} {}, only {}: {why}",
                    service.name(),
                    path(&method),
                    field.name()
                )
            }));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    // Nothing of it is left behind, and nothing stands.
    suite.settle().await;
    for service in Service::ALL {
        assert!(suite.serves(service, "").await);
    }
    assert!(!suite.log().contains("panicked"), "a handler panicked");
}

#[tokio::test]
async fn a_catalog_with_a_thousand_faults_is_told_as_many_as_fit_an_answer() {
    let suite = Suite::start().await;
    let agency = |n| Agency {
        code: format!("ward {n}"),
        calendar: "ă".repeat(500),
        ..Agency::default()
    };
    let catalog = Catalog {
        id: "test".to_owned(),
        agencies: (0..1_000).map(agency).collect(),
        ..Catalog::default()
    };
    let request = ApplyCatalogRequest {
        catalog: Some(catalog),
        ..ApplyCatalogRequest::default()
    };
    let mut catalogs = CatalogServiceClient::new(suite.administrator().peer(Service::Intake));
    let refusal = refused(&catalogs.apply_catalog(request).await.unwrap_err());
    assert_eq!(
        (refusal.code, refusal.reason.as_str()),
        (Code::InvalidArgument, "INVALID_FIELDS")
    );
    assert!(refusal.fields.len() > 5, "{refusal:?}");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let suite = Suite::start().await;
    let (clerk, officer) = (suite.clerk(), suite.officer());
    let code = "H24.11593-250701-9999";
    let (dossier, case, task) = (
        format!("dossiers/{code}"),
        format!("cases/{code}"),
        format!("cases/{code}/tasks/t1"),
    );
    let mut catalogs = CatalogServiceClient::new(suite.peer(Service::Intake));
    let mut definitions = DefinitionServiceClient::new(suite.peer(Service::Workflow));
    let mut messages = MessageServiceClient::new(suite.peer(Service::Notification));
    let mut templates = TemplateServiceClient::new(suite.peer(Service::Notification));
    let work = Task {
        name: task.clone(),
        ..Task::default()
    };
    let message = "messages/5b0c5a52-0c5b-4b8e-9d36-2b1f6c1e9a40";
    let statuses = [
        clerk
            .dossiers()
            .get_dossier(GetDossierRequest {
                name: dossier.clone(),
                view: 0,
                ..GetDossierRequest::default()
            })
            .await
            .unwrap_err(),
        clerk
            .dossiers()
            .accept_dossier(Person::accepting(code))
            .await
            .unwrap_err(),
        clerk
            .dossiers()
            .hand_over_result(Person::handing_over(code, HandOverMethod::Post))
            .await
            .unwrap_err(),
        officer
            .cases()
            .get_case(GetCaseRequest { name: case.clone() })
            .await
            .unwrap_err(),
        officer
            .cases()
            .get_control_sheet(GetControlSheetRequest { name: case.clone() })
            .await
            .unwrap_err(),
        officer
            .cases()
            .request_supplement(Person::asking(code, "một giấy tờ"))
            .await
            .unwrap_err(),
        suite
            .leader()
            .cases()
            .extend_deadline(Person::extending(code, "2025-07-08T11:00"))
            .await
            .unwrap_err(),
        officer
            .tasks()
            .complete_task(Person::completing(&work, "approved"))
            .await
            .unwrap_err(),
        catalogs
            .get_agency(GetAgencyRequest {
                name: "agencies/none".to_owned(),
            })
            .await
            .unwrap_err(),
        catalogs
            .get_procedure(GetProcedureRequest {
                name: "procedures/9.999999".to_owned(),
            })
            .await
            .unwrap_err(),
        catalogs
            .get_calendar(GetCalendarRequest {
                name: "calendars/none".to_owned(),
            })
            .await
            .unwrap_err(),
        definitions
            .get_definition(definition("definitions/none", 0))
            .await
            .unwrap_err(),
        definitions
            .get_definition(definition("definitions/linked-death", 99))
            .await
            .unwrap_err(),
        messages
            .get_message(GetMessageRequest {
                name: message.to_owned(),
            })
            .await
            .unwrap_err(),
        templates
            .get_template(GetTemplateRequest {
                name: "templates/none".to_owned(),
            })
            .await
            .unwrap_err(),
    ];
    for (index, status) in statuses.iter().enumerate() {
        let refusal = refused(status);
        assert_eq!(
            (refusal.code, refusal.reason.as_str()),
            (Code::NotFound, "NOT_FOUND"),
            "{index}: {refusal:?}"
        );
        assert!(!refusal.metadata["name"].is_empty());
    }
    // Nothing was numbered or written for any of them.
    suite.clock_at("2025-07-01T08:00").await;
    assert_eq!(clerk.submits(birth()).await.code, "H24.11593-250701-0001");
}

fn definition(name: &str, version: i32) -> GetDefinitionRequest {
    GetDefinitionRequest {
        name: name.to_owned(),
        version,
    }
}

#[tokio::test]
async fn what_is_odd_and_allowed_is_kept_as_it_was_said() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let clerk = suite.clerk();
    let mut request = birth();
    let odd = "Ñguyễn \"Thị\" O'Ví; DROP TABLE dossier;-- \\ 👩‍👧 {{ applicant }} %s";
    request.applicant.as_mut().unwrap().full_name = odd.to_owned();
    let code = clerk.submits(request).await.code;
    suite.settle().await;
    assert_eq!(
        clerk.sees_all(&code).await.applicant.unwrap().full_name,
        odd
    );
    let letters = suite.letters(&code);
    assert!(
        letters[0].contains(&format!("Kính gửi ông/bà {odd},")),
        "{letters:?}"
    );
}
