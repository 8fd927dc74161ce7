//! The applicant's particulars as they are kept: one statement, apart from the events.

use motcua_platform::vault::NewSubject;
use motcua_proto::{
    intake::v1::{Applicant, ApplicantKind, AuthorisedPerson},
    r#type::v1::AuthorisationGround,
};
use serde::{Deserialize, Serialize};

/// No `Debug`: these are a person's particulars.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Particulars {
    full_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    identity_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    phone: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    address: String,
    #[serde(skip_serializing_if = "is_person")]
    organisation: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorised: Option<Authorised>,
}

/// Who acts for the applicant.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Authorised {
    full_name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    identity_number: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    phone: String,
    ground: i32,
    #[serde(skip_serializing_if = "String::is_empty")]
    paper: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_person(organisation: &bool) -> bool {
    !organisation
}

/// The particulars as the body of a statement: JSON.
#[must_use]
pub fn write(applicant: &Applicant) -> String {
    let Applicant {
        full_name,
        identity_number,
        phone,
        email,
        address,
        kind,
        authorised,
    } = applicant.clone();
    // A struct of strings always has a JSON form.
    serde_json::to_string(&Particulars {
        full_name,
        identity_number,
        phone,
        email,
        address,
        organisation: kind == i32::from(ApplicantKind::Organisation),
        authorised: authorised.map(|person| Authorised {
            ground: person.ground,
            full_name: person.full_name,
            identity_number: person.identity_number,
            phone: person.phone,
            paper: person.paper,
        }),
    })
    .unwrap_or_default()
}

/// By what right somebody acts for the applicant; not set where nobody does.
#[must_use]
pub fn authorisation(applicant: &Applicant) -> AuthorisationGround {
    applicant
        .authorised
        .as_ref()
        .map_or(AuthorisationGround::Unspecified, AuthorisedPerson::ground)
}

/// What the applicant is found by.
#[must_use]
pub fn subject(applicant: &Applicant) -> NewSubject {
    NewSubject {
        identity_number: applicant.identity_number.clone().into(),
        phone: applicant.phone.clone().into(),
        full_name: applicant.full_name.clone().into(),
    }
}

/// The particulars from the body of a statement; `None` when it is not one.
#[must_use]
pub fn read(body: &str) -> Option<Applicant> {
    let Particulars {
        full_name,
        identity_number,
        phone,
        email,
        address,
        organisation,
        authorised,
    } = serde_json::from_str(body).ok()?;
    let kind = if organisation {
        ApplicantKind::Organisation
    } else {
        ApplicantKind::Person
    };
    Some(Applicant {
        full_name,
        identity_number,
        phone,
        email,
        address,
        kind: kind.into(),
        authorised: authorised.map(|person| AuthorisedPerson {
            full_name: person.full_name,
            identity_number: person.identity_number,
            phone: person.phone,
            ground: person.ground,
            paper: person.paper,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn particulars_read_back_as_they_were_written() {
        let applicant = Applicant {
            full_name: "Nguyễn Thị Thử".to_owned(),
            phone: "0900000001".to_owned(),
            kind: ApplicantKind::Person.into(),
            ..Applicant::default()
        };
        let body = write(&applicant);
        assert_eq!(
            body,
            r#"{"full_name":"Nguyễn Thị Thử","phone":"0900000001"}"#
        );
        assert_eq!(read(&body), Some(applicant));
        assert_eq!(read("no JSON"), None);
    }

    #[test]
    fn an_organisation_and_who_acts_for_it_read_back_too() {
        let company = Applicant {
            full_name: "Công ty TNHH Thử Nghiệm".to_owned(),
            identity_number: "0200000001".to_owned(),
            kind: ApplicantKind::Organisation.into(),
            authorised: Some(AuthorisedPerson {
                full_name: "Trần Văn Thử".to_owned(),
                ground: AuthorisationGround::PowerOfAttorney.into(),
                paper: "Giấy ủy quyền ngày 02 tháng 3 năm 2026".to_owned(),
                ..AuthorisedPerson::default()
            }),
            ..Applicant::default()
        };
        assert_eq!(read(&write(&company)), Some(company));
    }
}
