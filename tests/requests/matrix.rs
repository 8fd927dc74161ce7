//! Who may call what, walked over gRPC: every method, every role, own and foreign agency. What the contract says is what
//! happens, and what is another agency's does not exist.

use motcua_platform::{
    policy::{self},
    rpc::Peer,
};
use motcua_proto::{
    events::v1::SubscribeRequest,
    intake::v1::SubmitDossierRequest,
    policy::v1::{Policy, Scope},
    statistics::v1::{GetSettlementReportRequest, report_service_client::ReportServiceClient},
    r#type::v1::Role,
};
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage as _,
    Value,
};
use tonic::{Code, Status};

use super::{
    contract::{is_required, methods, path, pool},
    raw::{call, call_to_the_end},
};
use crate::support::{self, Identities, Service, Suite, WARD, birth, refused};

/// Another ward of the same city.
const ELSEWHERE: &str = "11407";
/// Somebody without a credential, beside those with one.
const NOBODY: Role = Role::Unspecified;

/// Every role that a token can have.
fn roles() -> impl Iterator<Item = Role> {
    (1..)
        .map_while(|number| Role::try_from(number).ok())
        // The suite's own services have no tokens.
        .filter(|role| *role != Role::Service)
}

fn policy_of(method: &MethodDescriptor) -> &'static Policy {
    let name = &path(method)[1..];
    policy::of(name).unwrap_or_else(|| panic!("{name} has no policy"))
}

/// What the contract lets a role reach with a method; none where it refuses.
fn allowed(method: &MethodDescriptor, role: Role) -> Option<Scope> {
    policy_of(method).allow.iter().find_map(|allowance| {
        let public = allowance.scope() == Scope::Public;
        (public || allowance.roles().any(|it| it == role)).then(|| allowance.scope())
    })
}

/// The way of somebody in this role at this agency.
fn way(suite: &Suite, service: Service, role: Role, agency: &str) -> Peer {
    if role == NOBODY {
        return suite.stranger(service);
    }
    let id = format!("somebody-{}-{agency}", i32::from(role));
    suite.person_of(role, &id, &[agency]).peer(service)
}

/// A request that is sound as far as its fields go, about this resource.
fn sound(pool: &DescriptorPool, message: &MessageDescriptor, about: &About) -> DynamicMessage {
    let mut request = DynamicMessage::new(message.clone());
    for field in message.fields() {
        let value = match (field.name(), field.kind()) {
            ("name", _) => Value::String(about.name.clone()),
            ("dossier", Kind::String) => Value::String(about.code.clone()),
            // To the head, and no further.
            ("until_head", _) => Value::Bool(true),
            // Either this or its items.
            ("missing", Kind::String) => Value::String("Giấy báo tử".to_owned()),
            // Either this or an entry.
            ("applicant", Kind::Message(inner)) => Value::Message(sound(pool, &inner, about)),
            // Either this or several.
            ("form", Kind::Enum(_)) => Value::EnumNumber(1),
            _ if !is_required(pool, &field) => continue,
            ("procedure", _) => Value::String("1.000656".to_owned()),
            ("receiving_agency", _) => Value::String(about.agency.to_owned()),
            ("outcome", _) => Value::String("approved".to_owned()),
            ("document", _) => {
                Value::String("dossiers/H24.11593-250701-0998/documents/d1".to_owned())
            }
            ("version", _) => Value::I32(1),
            ("payment", _) => Value::String("p1".to_owned()),
            ("amount_vnd", _) => Value::I64(1),
            ("correction", _) => Value::String("c1".to_owned()),
            ("visit", _) => Value::String("v1".to_owned()),
            ("template", _) => Value::String("receipt".to_owned()),
            ("identity_ending", _) => Value::String("0001".to_owned()),
            ("window_to", Kind::Message(time)) => Value::Message(instant(&time, 1_752_138_000)),
            (_, Kind::String) => Value::String("mot-dieu".to_owned()),
            (_, Kind::Enum(_)) => Value::EnumNumber(1),
            (_, Kind::Message(inner)) => match inner.full_name() {
                "google.protobuf.Timestamp" => Value::Message(instant(&inner, 1_752_134_400)),
                "google.type.Date" => Value::Message(date(&inner)),
                _ => Value::Message(sound(pool, &inner, about)),
            },
            _ => continue,
        };
        request.set_field(
            &field,
            if field.is_list() {
                Value::List(vec![value])
            } else {
                value
            },
        );
    }
    request
}

fn instant(message: &MessageDescriptor, seconds: i64) -> DynamicMessage {
    let mut time = DynamicMessage::new(message.clone());
    time.set_field_by_name("seconds", Value::I64(seconds));
    time
}

fn date(message: &MessageDescriptor) -> DynamicMessage {
    let mut date = DynamicMessage::new(message.clone());
    for (field, value) in [("year", 2025), ("month", 7), ("day", 1)] {
        date.set_field_by_name(field, Value::I32(value));
    }
    date
}

/// What a request is about.
struct About {
    name: String,
    code: String,
    agency: &'static str,
}

/// The resource that a method's `name` means, of a dossier and one of its messages; none where nobody's data is meant.
fn resource(method: &MethodDescriptor, code: &str, message: &str) -> Option<String> {
    method.input().get_field_by_name("name")?;
    Some(match method.parent_service().name() {
        "CorrectionService"
        | "DossierService"
        | "FormService"
        | "PaymentService"
        | "SynchronisationService"
        | "VisitService" => format!("dossiers/{code}"),
        "DocumentService" if method.name() == "DownloadDocument" => {
            format!("dossiers/{code}/documents/d1")
        }
        "DocumentService" => format!("dossiers/{code}"),
        "CaseService" => format!("cases/{code}"),
        "TaskService" => format!("cases/{code}/tasks/t1"),
        "MessageService" => format!("messages/{message}"),
        _ => return None,
    })
}

async fn ask(peer: Peer, method: &MethodDescriptor, body: Vec<u8>) -> Result<Vec<u8>, Status> {
    call(peer, &path(method), method.is_server_streaming(), body).await
}

/// A body that a stream ends with.
fn empty(method: &MethodDescriptor) -> Vec<u8> {
    if !method.is_server_streaming() {
        return Vec::new();
    }
    SubscribeRequest {
        until_head: true,
        ..SubscribeRequest::default()
    }
    .encode_to_vec()
}

#[tokio::test]
async fn every_method_lets_in_whom_the_contract_names_and_nobody_else() {
    let suite = Suite::start().await;
    let pool = pool();
    let mut walked = 0;
    let mut complaints = Vec::new();
    for (service, method) in methods(&pool) {
        for role in roles().chain([NOBODY]) {
            walked += 1;
            let answer = ask(way(&suite, service, role, WARD), &method, empty(&method)).await;
            let (code, reason) = match &answer {
                Ok(_) => (Code::Ok, String::new()),
                Err(status) => (status.code(), refused(status).reason),
            };
            let shut = matches!(code, Code::PermissionDenied | Code::Unauthenticated);
            let right = match (allowed(&method, role), role) {
                (Some(_), _) => !shut && code != Code::Unimplemented,
                (None, NOBODY) => {
                    (code, reason.as_str()) == (Code::Unauthenticated, "UNAUTHENTICATED")
                }
                (None, _) => (code, reason.as_str()) == (Code::PermissionDenied, "METHOD_DENIED"),
            };
            if !right {
                complaints.push(format!("{} {role:?}: {code:?} {reason}", path(&method)));
            }
        }
        // A credential that proves nothing is worse than none, also where none is needed.
        let forged = suite.stranger(service).bearing("e30.e30.e30").unwrap();
        let code = ask(forged, &method, empty(&method))
            .await
            .map_err(|status| status.code());
        if !matches!(code, Err(Code::Unauthenticated | Code::ResourceExhausted)) {
            complaints.push(format!("{}: a forged token: {code:?}", path(&method)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    // Every method of the contract was asked, at every service that offers it.
    let asked: std::collections::BTreeSet<_> = methods(&pool)
        .iter()
        .map(|(_, method)| path(method))
        .collect();
    assert_eq!(asked.len(), policy::matrix().count());
    assert!(walked > 600, "{walked}");
}

/// What a question about this resource is answered with: the code, the reason and the words, without the resource's own
/// name in them.
fn refusal(answer: Result<Vec<u8>, Status>, about: &About, message: &str) -> Option<Refusal> {
    let status = answer.err()?;
    let text = status
        .message()
        .replace(&about.code, "CODE")
        .replace(message, "ID");
    Some((status.code(), refused(&status).reason, text))
}

type Refusal = (Code, String, String);

#[tokio::test]
async fn what_another_agency_has_does_not_exist_by_name() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    let code = suite.clerk().submits(birth()).await.code;
    suite.settle().await;
    let message = suite.messages(&code).await[0].name.replace("messages/", "");
    let nobodys = (
        "H24.11593-250701-0999",
        "5b0c5a52-0c5b-4b8e-9d36-2b1f6c1e9a40",
    );
    let pool = pool();
    let (mut compared, mut shown) = (0, 0);
    let mut complaints = Vec::new();
    for (service, method) in methods(&pool) {
        let names_one =
            resource(&method, &code, &message).is_some() || method.name() == "SendMessage";
        for role in roles().filter(|_| names_one) {
            let Some(scope) = allowed(&method, role) else {
                continue;
            };
            let about = |code: &str, message: &str| About {
                name: resource(&method, code, message).unwrap_or_default(),
                code: code.to_owned(),
                agency: ELSEWHERE,
            };
            let (theirs, none) = (about(&code, &message), about(nobodys.0, nobodys.1));
            let of = |about: &About| sound(&pool, &method.input(), about).encode_to_vec();
            if scope != Scope::City {
                let foreign = way(&suite, service, role, ELSEWHERE);
                let there = ask(foreign.clone(), &method, of(&theirs)).await;
                let nowhere = ask(foreign, &method, of(&none)).await;
                let there = refusal(there, &theirs, &message);
                let nowhere = refusal(nowhere, &none, nobodys.1);
                compared += 1;
                let hidden = matches!(&there, Some((Code::NotFound, ..)));
                if there != nowhere || !hidden {
                    let path = path(&method);
                    complaints.push(format!("{path} {role:?}: {there:?}, {nowhere:?}"));
                }
            }
            // The same question of those whose it is. A citizen has nothing here, wherever they live.
            if method.name().starts_with("Get") {
                let answer = ask(way(&suite, service, role, WARD), &method, of(&theirs)).await;
                shown += 1;
                if answer.is_ok() == (scope == Scope::Self_) {
                    complaints.push(format!("{} {role:?}, at home: {answer:?}", path(&method)));
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(compared > 60 && shown > 20, "{compared}, {shown}");
}

#[tokio::test]
async fn what_another_agency_has_is_in_no_list_feed_or_report() {
    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    suite.clerk().submits(birth()).await;
    let neighbour = suite.person_of(Role::Receptionist, "receptionist-11407-1", &[ELSEWHERE]);
    let own = neighbour
        .submits(SubmitDossierRequest {
            receiving_agency: ELSEWHERE.to_owned(),
            ..birth()
        })
        .await
        .code;
    suite.settle().await;
    let pool = pool();
    let (mut searched, mut found) = (0, 0);
    let mut complaints = Vec::new();
    for (service, method) in methods(&pool) {
        let reads = ["List", "Get", "Subscribe"]
            .iter()
            .any(|verb| method.name().starts_with(verb));
        if !reads || method.input().get_field_by_name("name").is_some() {
            continue;
        }
        for role in roles() {
            let Some(scope @ (Scope::OwnAgency | Scope::Self_)) = allowed(&method, role) else {
                continue;
            };
            let about = About {
                name: String::new(),
                code: String::new(),
                agency: ELSEWHERE,
            };
            let bare = sound(&pool, &method.input(), &about);
            for request in [bare.clone(), filtered(&bare, WARD)] {
                let way = way(&suite, service, role, ELSEWHERE);
                let body = request.encode_to_vec();
                let answer = match method.is_server_streaming() {
                    true => call_to_the_end(way, &path(&method), body).await,
                    false => ask(way, &method, body).await,
                };
                searched += 1;
                let Ok(bytes) = answer else {
                    complaints.push(format!("{} {role:?}: {answer:?}", path(&method)));
                    continue;
                };
                let says = |words: &str| {
                    bytes
                        .windows(words.len())
                        .any(|window| window == words.as_bytes())
                };
                if says(WARD) {
                    complaints.push(format!("{} {role:?} shows {WARD}", path(&method)));
                }
                // One's own is there, so that looking is known to work; of the archive's runs, of substitutions and of
                // branches there is none yet.
                let none_yet = ["ListArchiveRuns", "ListSubstitutions", "ListSubCases"]
                    .contains(&method.name());
                let of_dossiers = (method.name().starts_with("List") && !none_yet)
                    || (method.name() == "Subscribe" && service != Service::Statistics);
                if request == bare && of_dossiers && scope == Scope::OwnAgency {
                    found += 1;
                    if !says(&own) {
                        complaints.push(format!("{} {role:?} hides {own}", path(&method)));
                    }
                }
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(searched > 80 && found > 30, "{searched}, {found}");

    // Figures hold no codes: they are counted.
    let leader = suite.person_of(Role::Leader, "leader-11407-1", &[ELSEWHERE]);
    for (who, agency, dossiers) in [
        (&leader, "", 1),
        (&leader, ELSEWHERE, 1),
        (&leader, WARD, 0),
        (&suite.supervisor(), "", 2),
        (&suite.supervisor(), WARD, 1),
    ] {
        let request = GetSettlementReportRequest {
            agencies: Some(agency.to_owned())
                .filter(|agency| !agency.is_empty())
                .into_iter()
                .collect(),
            from: support::date("2025-07-01"),
            to: support::date("2025-07-31"),
            as_of: None,
        };
        let report = ReportServiceClient::new(who.peer(Service::Statistics))
            .get_settlement_report(request)
            .await
            .unwrap()
            .into_inner();
        let received = report.total.unwrap_or_default().received;
        assert_eq!(received, dossiers, "{} of '{agency}'", who.id());
    }
}

/// The same list, of an agency's only, wherever it can be asked for so.
fn filtered(list: &DynamicMessage, agency: &str) -> DynamicMessage {
    let mut list = list.clone();
    for field in ["receiving_agency", "competent_agency", "agency", "agencies"] {
        let Some(field) = list.descriptor().get_field_by_name(field) else {
            continue;
        };
        let value = Value::String(agency.to_owned());
        let value = match field.is_list() {
            true => Value::List(vec![value]),
            false => value,
        };
        list.set_field(&field, value);
    }
    list
}

#[tokio::test]
async fn another_system_is_told_what_it_was_granted_and_asks_no_more_than_its_share() {
    use motcua_platform::identity::{Kinds, Principal};
    use motcua_proto::events::v1::{
        EventKind, GetHeadRequest, event_feed_service_client::EventFeedServiceClient,
    };
    use tonic_types::StatusExt as _;

    let suite = Suite::start().await;
    suite.clock_at("2025-07-01T08:00").await;
    suite.clerk().submits(birth()).await;
    suite.settle().await;
    let system = |id: &str, agency: &str, kind: EventKind| {
        let principal = Principal {
            kinds: Kinds::Some([kind].into()),
            ..Principal::of(id, &[Role::System], &[agency])
        };
        let token = Identities::get().token_of(&principal);
        EventFeedServiceClient::new(suite.stranger(Service::Intake).bearing(&token).unwrap())
    };
    let told = async |mut feed: EventFeedServiceClient<Peer>| {
        let asked = SubscribeRequest {
            until_head: true,
            ..SubscribeRequest::default()
        };
        let mut stream = feed.subscribe(asked).await.unwrap().into_inner();
        let (mut kinds, mut through) = (Vec::new(), 0);
        while let Some(batch) = stream.message().await.unwrap() {
            kinds.extend(batch.events.iter().map(|event| event.kind()));
            through = batch.through;
        }
        (kinds, through)
    };
    let (kinds, through) = told(system("registry-1", WARD, EventKind::DossierAccepted)).await;
    assert_eq!(kinds, [EventKind::DossierAccepted]);
    // It knows how far it is, and so how much it may have been spared.
    assert!(through >= 3, "{through}");
    let (kinds, _) = told(system("registry-2", ELSEWHERE, EventKind::DossierAccepted)).await;
    assert_eq!(kinds, []);

    let mut eager = system("registry-3", WARD, EventKind::DossierAccepted);
    let limited = loop {
        if let Err(status) = eager.get_head(GetHeadRequest {}).await {
            break status;
        }
    };
    assert_eq!(
        (limited.code(), refused(&limited).reason.as_str()),
        (Code::ResourceExhausted, "RATE_LIMITED")
    );
    assert!(limited.get_details_retry_info().is_some());
    // Others are not concerned.
    told(system("registry-4", WARD, EventKind::DossierAccepted)).await;
}

#[tokio::test]
async fn no_token_makes_anybody_a_service() {
    let suite = Suite::start().await;
    // The issuer signs no such thing.
    let wanted = std::panic::catch_unwind(|| {
        Identities::get().token("service-notification", Role::Service, &[])
    });
    assert!(wanted.is_err());
    // And whoever is called like a service is one of nobody's staff.
    let impostor = suite.person_of(Role::Citizen, "service-notification", &[]);
    let pool = pool();
    for (service, method) in methods(&pool) {
        let for_services = policy_of(&method)
            .allow
            .iter()
            .any(|allowance| allowance.scope() == Scope::Service);
        if !for_services || allowed(&method, Role::Citizen).is_some() {
            continue;
        }
        let answer = ask(impostor.peer(service), &method, empty(&method)).await;
        let code = answer.map_err(|status| status.code());
        assert_eq!(code, Err(Code::PermissionDenied), "{}", path(&method));
    }
}
