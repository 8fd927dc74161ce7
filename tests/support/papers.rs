//! What invented families submit at the centre of An Phong ward.

use motcua_proto::{
    intake::v1::{Applicant, SubmitDossierRequest},
    r#type::v1::{Channel, HandOverMethod, HandedPaper},
};
use uuid::Uuid;

/// An Phong ward, with its centre.
pub(crate) const WARD: &str = "11593";
/// The police of An Phong ward.
pub(crate) const POLICE: &str = "11593-ca";

/// An invented applicant.
pub(crate) fn family() -> Applicant {
    Applicant {
        full_name: "Nguyễn Thị Ví Dụ".to_owned(),
        identity_number: "031000000001".to_owned(),
        phone: "0900000001".to_owned(),
        email: "vi.du@example.vn".to_owned(),
        address: "Số 1, ngõ Ví Dụ, phường An Phong".to_owned(),
        ..Applicant::default()
    }
}

/// At the counter, complete, and accepted in the same act.
fn counter(procedure: &str) -> SubmitDossierRequest {
    SubmitDossierRequest {
        procedure: procedure.to_owned(),
        receiving_agency: WARD.to_owned(),
        channel: Channel::Counter.into(),
        applicant: Some(family()),
        accept: true,
        request_id: Uuid::new_v4().to_string(),
        ..SubmitDossierRequest::default()
    }
}

/// A death to be registered: the same day.
pub(crate) fn death() -> SubmitDossierRequest {
    counter("1.000656")
}

/// A birth to be registered: the same day.
pub(crate) fn birth() -> SubmitDossierRequest {
    counter("1.001193")
}

/// A guardianship to be registered: three working days.
pub(crate) fn guardianship() -> SubmitDossierRequest {
    counter("1.004837")
}

/// A marriage to be registered: the same day, or three working days where it has to be verified.
pub(crate) fn marriage() -> SubmitDossierRequest {
    counter("1.000894")
}

/// A transaction to be certified: two working days, 50,000 đồng.
pub(crate) fn certification() -> SubmitDossierRequest {
    counter("2.001035")
}

/// A death with everything that follows from it, brought home: ten working days.
pub(crate) fn linked_death(options: &[&str]) -> SubmitDossierRequest {
    SubmitDossierRequest {
        options: options.iter().map(|&option| option.to_owned()).collect(),
        hand_over_method: HandOverMethod::Home.into(),
        ..counter("2.002622")
    }
}

/// The same, sent in through the national portal: it waits for acceptance.
pub(crate) fn online(request: SubmitDossierRequest) -> SubmitDossierRequest {
    SubmitDossierRequest {
        channel: Channel::Portal.into(),
        accept: false,
        papers: papers_of(&request.procedure),
        ..request
    }
}

/// Everything that the procedure wants in every case, by the catalog that is shipped.
pub(crate) fn papers_of(procedure: &str) -> Vec<HandedPaper> {
    let table = include_str!("../../deploy/catalog/papers.csv");
    let mut rows = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(table.as_bytes());
    rows.records()
        .map(|row| row.expect("a table"))
        .filter(|row| &row[0] == procedure && row[3].is_empty() && row[7].is_empty())
        .map(|row| HandedPaper {
            paper: row[1].to_owned(),
            originals: row[4].parse().unwrap_or_default(),
            copies: row[5].parse().unwrap_or_default(),
            photographs: row[6].parse().unwrap_or_default(),
            electronic: 0,
        })
        .collect()
}
