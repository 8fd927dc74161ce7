//! Personal data stay where they belong: in no span, no metric, no log line, no event and no error.

use motcua_proto::{
    intake::v1::{
        Applicant, AuthorisedPerson, Location, PlanVisitRouteRequest, RequestVisitRequest,
        SubmitDossierRequest,
    },
    notification::v1::{SendMessageRequest, message_service_client::MessageServiceClient},
    r#type::v1::{AuthorisationGround, PriorityGround},
    workflow::v1::ChooseLimitRequest,
};
use prost::Message as _;

use crate::support::{
    Collector, Person, Place, Search, Service, Setup, Suite, WARD, date, guardianship,
    linked_death, marriage, online, proto, rows,
};

/// Unmistakable: found anywhere, each of them is a leak.
const SECRETS: [&str; 17] = [
    "Zyx Vô Danh",
    "987654321098",
    "0987123654",
    "zyx.vo.danh@example.vn",
    "hẻm 987 đường Không Có",
    "lý do từ chối kín",
    "điều còn thiếu kín",
    "lời xin lỗi kín",
    "người nhận kín",
    "Zyx Thay Mặt",
    "987654321099",
    "0987123655",
    "giấy ủy quyền kín",
    "lý do ưu tiên kín",
    "lý do đổi thời hạn kín",
    "nhà số 321 ngõ Không Có",
    "21.012345",
];

fn secretive(request: SubmitDossierRequest) -> SubmitDossierRequest {
    let applicant = Applicant {
        full_name: SECRETS[0].to_owned(),
        identity_number: SECRETS[1].to_owned(),
        phone: SECRETS[2].to_owned(),
        email: SECRETS[3].to_owned(),
        address: SECRETS[4].to_owned(),
        authorised: Some(AuthorisedPerson {
            full_name: SECRETS[9].to_owned(),
            identity_number: SECRETS[10].to_owned(),
            phone: SECRETS[11].to_owned(),
            ground: AuthorisationGround::PowerOfAttorney.into(),
            paper: SECRETS[12].to_owned(),
        }),
        ..Applicant::default()
    };
    SubmitDossierRequest {
        applicant: Some(applicant),
        priority: PriorityGround::Elderly.into(),
        priority_reason: SECRETS[13].to_owned(),
        ..request
    }
}

#[tokio::test]
async fn no_span_no_metric_no_log_line_and_no_event_names_anybody() {
    let (collector, url) = Collector::start().await;
    let log = Some("debug,h2=info,hyper=info,hyper_util=info,tower=info");
    let mut suite = Suite::with(Setup {
        otlp: Some(url),
        log,
        ..Setup::default()
    })
    .await;
    suite.clock_at("2025-07-01T08:00").await;
    let (clerk, officer, leader, visitor) = (
        suite.clerk(),
        suite.officer(),
        suite.leader(),
        suite.visitor(),
    );

    let refused = clerk.submits(secretive(online(guardianship()))).await.code;
    clerk.refuses(&refused, SECRETS[5]).await;
    let asked = clerk.submits(secretive(online(guardianship()))).await.code;
    clerk.asks_for(&asked, SECRETS[6]).await;
    clerk.hands_in(&asked, SECRETS[6]).await;
    let code = clerk.submits(secretive(guardianship())).await.code;
    suite.settle().await;
    officer.requests(&code, SECRETS[6]).await;
    suite.settle().await;
    clerk.hands_in(&code, SECRETS[6]).await;
    suite.settle().await;
    let mut extending = Person::extending(&code, "2025-07-08T11:00");
    extending.reason = SECRETS[7].to_owned();
    leader.cases().extend_deadline(extending).await.unwrap();
    officer.approves(WARD, &code).await;
    let task = leader.task(WARD, &code).await;
    leader.returns(&task, SECRETS[5]).await;
    clerk.sees_all(&code).await;
    let mut messages = MessageServiceClient::new(clerk.peer(Service::Notification));
    let request = SendMessageRequest {
        dossier: code.clone(),
        template: "receipt".to_owned(),
        ..Default::default()
    };
    messages.send_message(request).await.unwrap();
    leader.stops(&code, SECRETS[5]).await;

    let home = clerk.submits(secretive(linked_death(&[]))).await.code;
    let somewhere = Location {
        latitude: SECRETS[16].parse().unwrap(),
        longitude: 106.60,
    };
    let arranging = RequestVisitRequest {
        name: format!("dossiers/{home}"),
        window_from: proto("2025-07-01T09:00"),
        window_to: proto("2025-07-01T10:00"),
        address: SECRETS[15].to_owned(),
        location: Some(somewhere),
        ..RequestVisitRequest::default()
    };
    clerk.visits().request_visit(arranging).await.unwrap();
    let planning = PlanVisitRouteRequest {
        agency: WARD.to_owned(),
        date: date("2025-07-01"),
        from: Some(somewhere),
        ..PlanVisitRouteRequest::default()
    };
    let way = visitor.visits().plan_visit_route(planning).await.unwrap();
    assert_eq!(way.into_inner().stops[0].address, SECRETS[15]);
    let verified = clerk.submits(secretive(marriage())).await.code;
    suite.settle().await;
    let choosing = ChooseLimitRequest {
        name: format!("cases/{verified}"),
        limit: "verified".to_owned(),
        reason: SECRETS[14].to_owned(),
        ..ChooseLimitRequest::default()
    };
    officer.cases().choose_limit(choosing).await.unwrap();
    visitor.visits_home(&home, "v1", "").await;
    // What is wrong is refused without being repeated; nor does a second call of another body repeat the first.
    let mut wrong = secretive(guardianship());
    let applicant = wrong.applicant.as_mut().unwrap();
    applicant.phone = format!("{}x", SECRETS[2]);
    applicant.email = format!("{} @", SECRETS[3]);
    applicant.full_name = SECRETS[0].repeat(60);
    let status = clerk.dossiers().submit_dossier(wrong).await.unwrap_err();
    let said = [status.message().as_bytes(), status.details()].concat();
    suite.settle().await;

    // Each place with what must be found there, so that looking is known to work.
    let search = Search::new(
        SECRETS.map(|secret| ("a secret".to_owned(), secret.to_owned())),
        &["applicant.phone", "H24.11593-25", "motcua", "lane starts"],
    );
    let mut places = Vec::new();
    let mut look = |name: String, proof, bytes: &[u8]| {
        let mut place = Place::new(name, proof);
        search.look(bytes, &mut place);
        places.push(place);
    };
    look("a refusal".to_owned(), "applicant.phone", &said);
    for service in Service::ALL {
        let events = suite.events(service, "").await;
        let events: Vec<u8> = events
            .iter()
            .flat_map(|event| event.encode_to_vec())
            .collect();
        // Statistics only listens: it has no history to tell.
        if service != Service::Statistics {
            let name = format!("the events of {}", service.name());
            look(name, "H24.11593-25", &events);
        }
        let mut text = String::new();
        rows(&mut suite.database(service).await, |row| {
            text.push_str(row);
            text.push('\n');
        })
        .await;
        look(
            format!("the rows of {}", service.name()),
            "H24.11593-25",
            text.as_bytes(),
        );
    }
    let letters = suite.letters(&code).join("\n");
    suite.terminate_all().await;
    // Said at level debug alone: no line names a dossier.
    look("the log".to_owned(), "lane starts", suite.log().as_bytes());
    look("the spans".to_owned(), "H24.11593-25", &collector.spans());
    look("the metrics".to_owned(), "motcua", &collector.metrics());
    for place in &places {
        assert!(place.is_clean(), "{place}");
    }
    // They are not lost either: the letter has them.
    assert!(
        letters.contains(SECRETS[0]) && letters.contains(SECRETS[3]),
        "{letters}"
    );
}
