//! Who acts, and what can be read of what they did. The clients themselves are there for calls that are meant to be
//! refused; `counter.rs` and `office.rs` are the acts.

use motcua_platform::{
    identity::{Agencies, Kinds, Principal},
    rpc::Peer,
};
use motcua_proto::{
    intake::v1::{
        dossier_service_client::DossierServiceClient, form_service_client::FormServiceClient,
        payment_service_client::PaymentServiceClient, visit_service_client::VisitServiceClient,
    },
    notification::v1::{
        ListMessagesRequest, Message, message_service_client::MessageServiceClient,
    },
    statistics::v1::{
        DossierFact, GetSettlementReportRequest, ListDossierFactsRequest, ReconcileRequest,
        ReconcileResponse, SettlementReport, report_service_client::ReportServiceClient,
    },
    r#type::v1::{Actor, Role},
    workflow::v1::{
        case_service_client::CaseServiceClient, task_service_client::TaskServiceClient,
    },
};
use uuid::Uuid;

use super::{
    identities::Identities,
    papers::{POLICE, WARD},
    suite::{Service, Suite},
    time::date,
};

/// The ground that tests name.
pub(super) const GROUND: &str = "Điều 17 Nghị định 118/2025/NĐ-CP";

/// A request id.
pub(super) fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// Somebody who acts.
#[derive(Debug)]
pub(crate) struct Person<'a> {
    pub(super) suite: &'a Suite,
    actor: Actor,
    token: String,
}

impl Suite {
    /// Somebody in a role: staff are those of An Phong ward and its police.
    pub(crate) fn person(&self, role: Role, id: &str) -> Person<'_> {
        let agencies: &[&str] = match role {
            Role::Receptionist
            | Role::Officer
            | Role::Leader
            | Role::HomeVisitor
            | Role::WardAdministrator => &[WARD, POLICE],
            _ => &[],
        };
        self.person_of(role, id, agencies)
    }

    /// Somebody in a role at these agencies.
    pub(crate) fn person_of(&self, role: Role, id: &str, agencies: &[&str]) -> Person<'_> {
        Person {
            suite: self,
            actor: Actor {
                id: id.to_owned(),
                role: role.into(),
            },
            token: Identities::get().token(id, role, agencies),
        }
    }

    /// Somebody of An Phong ward who has several roles at once; acts are told in the first.
    pub(crate) fn person_with(&self, roles: &[Role], id: &str) -> Person<'_> {
        let principal = Principal {
            kinds: Kinds::All,
            ..Principal::of(id, roles, &[WARD])
        };
        Person {
            suite: self,
            actor: Actor {
                id: id.to_owned(),
                role: roles[0].into(),
            },
            token: Identities::get().token_of(&principal),
        }
    }

    /// Looks on, for the city.
    pub(crate) fn supervisor(&self) -> Person<'_> {
        self.person(Role::CitySupervisor, "supervisor-1")
    }

    /// The city's IT staff.
    pub(crate) fn administrator(&self) -> Person<'_> {
        self.person(Role::Administrator, "administrator-1")
    }

    /// Receives and hands over at the ward's counter.
    pub(crate) fn clerk(&self) -> Person<'_> {
        self.person(Role::Receptionist, "receptionist-11593-1")
    }

    /// Works on cases.
    pub(crate) fn officer(&self) -> Person<'_> {
        self.person(Role::Officer, "officer-11593-1")
    }

    /// Decides and signs.
    pub(crate) fn leader(&self) -> Person<'_> {
        self.person(Role::Leader, "leader-11593-1")
    }

    /// Visits homes.
    pub(crate) fn visitor(&self) -> Person<'_> {
        self.person(Role::HomeVisitor, "visitor-11593-1")
    }

    /// A citizen, through the portal.
    pub(crate) fn citizen(&self) -> Person<'_> {
        self.person(Role::Citizen, "citizen-1")
    }

    /// What statistics knows of a dossier.
    pub(crate) async fn fact(&self, code: &str) -> DossierFact {
        let mut reports = ReportServiceClient::new(self.peer(Service::Statistics));
        let request = ListDossierFactsRequest {
            page_size: 1_000,
            ..ListDossierFactsRequest::default()
        };
        let facts = reports
            .list_dossier_facts(request)
            .await
            .expect("statistics answers")
            .into_inner()
            .facts;
        facts
            .into_iter()
            .find(|fact| fact.dossier == code)
            .unwrap_or_else(|| panic!("no fact of {code}"))
    }

    /// The settlement report of the whole city, both days included; its identities are checked.
    pub(crate) async fn report(&self, from: &str, to: &str) -> SettlementReport {
        let mut reports = ReportServiceClient::new(self.peer(Service::Statistics));
        let request = GetSettlementReportRequest {
            from: date(from),
            to: date(to),
            ..GetSettlementReportRequest::default()
        };
        let report = reports
            .get_settlement_report(request)
            .await
            .expect("statistics answers")
            .into_inner();
        for figures in report
            .lines
            .iter()
            .filter_map(|line| line.figures)
            .chain(report.total)
        {
            assert_eq!(
                figures.received,
                figures.received_online + figures.received_direct + figures.carried_over
            );
            assert_eq!(
                figures.resolved,
                figures.resolved_early + figures.resolved_on_time + figures.resolved_overdue
            );
            assert_eq!(
                figures.in_progress,
                figures.in_progress_in_time + figures.in_progress_overdue
            );
            assert_eq!(
                figures.received,
                figures.resolved + figures.in_progress,
                "{figures:?}"
            );
        }
        report
    }

    /// The recount from the feeds.
    pub(crate) async fn reconciles(&self) -> ReconcileResponse {
        let mut reports = ReportServiceClient::new(self.peer(Service::Statistics));
        reports
            .reconcile(ReconcileRequest {})
            .await
            .expect("statistics answers")
            .into_inner()
    }

    /// The messages about a dossier, oldest first.
    pub(crate) async fn messages(&self, code: &str) -> Vec<Message> {
        let mut messages = MessageServiceClient::new(self.peer(Service::Notification));
        let request = ListMessagesRequest {
            dossier: code.to_owned(),
            ..ListMessagesRequest::default()
        };
        messages
            .list_messages(request)
            .await
            .expect("notification answers")
            .into_inner()
            .messages
    }

    /// The letters about a dossier, as they lie in the directory; in no order.
    pub(crate) fn letters(&self, code: &str) -> Vec<String> {
        let files = std::fs::read_dir(self.mail()).expect("the directory of letters");
        files
            .map(|file| std::fs::read_to_string(file.expect("a letter").path()).expect("UTF-8"))
            .filter(|letter| letter.contains(code))
            .collect()
    }
}

impl Person<'_> {
    /// Opaque, never a name.
    pub(crate) fn id(&self) -> &str {
        &self.actor.id
    }

    /// As the contract numbers it.
    pub(super) fn role(&self) -> i32 {
        self.actor.role
    }

    /// This person's way to a service.
    pub(crate) fn peer(&self, service: Service) -> Peer {
        self.of(&self.suite.stranger(service))
    }

    /// A way that this person takes.
    pub(crate) fn of(&self, peer: &Peer) -> Peer {
        peer.bearing(&self.token).expect("a token that travels")
    }

    pub(crate) fn dossiers(&self) -> DossierServiceClient<Peer> {
        DossierServiceClient::new(self.peer(Service::Intake))
    }

    pub(crate) fn visits(&self) -> VisitServiceClient<Peer> {
        VisitServiceClient::new(self.peer(Service::Intake))
    }

    pub(crate) fn payments(&self) -> PaymentServiceClient<Peer> {
        PaymentServiceClient::new(self.peer(Service::Intake))
    }

    pub(crate) fn forms(&self) -> FormServiceClient<Peer> {
        FormServiceClient::new(self.peer(Service::Intake))
    }

    pub(crate) fn cases(&self) -> CaseServiceClient<Peer> {
        CaseServiceClient::new(self.peer(Service::Workflow))
    }

    pub(crate) fn tasks(&self) -> TaskServiceClient<Peer> {
        TaskServiceClient::new(self.peer(Service::Workflow))
    }
}
