//! The applicant's particulars as they are kept: one statement, apart from the events.

use motcua_platform::vault::NewSubject;
use motcua_proto::intake::v1::Applicant;
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
    } = applicant.clone();
    // A struct of strings always has a JSON form.
    serde_json::to_string(&Particulars {
        full_name,
        identity_number,
        phone,
        email,
        address,
    })
    .unwrap_or_default()
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
    } = serde_json::from_str(body).ok()?;
    Some(Applicant {
        full_name,
        identity_number,
        phone,
        email,
        address,
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
}
