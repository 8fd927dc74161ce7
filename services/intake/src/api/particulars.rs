//! The applicant's particulars, as a request has them. No violation repeats a value.

use motcua_platform::parse::Fields;
use motcua_proto::{
    intake::v1::{Applicant, ApplicantKind, AuthorisedPerson},
    r#type::v1::AuthorisationGround,
};

/// What is said of a number that is none.
const IDENTITY_NUMBER: &str = "must be 6 to 20 letters and digits";
/// What is said of a phone number that is none.
const PHONE: &str = "must be a phone number of 8 to 15 digits, such as 0900000001 or +84900000001";

/// Whose matter it is, and who comes in their place.
pub(super) fn applicant(fields: &mut Fields, applicant: Option<&Applicant>) -> Option<Applicant> {
    let Some(applicant) = applicant else {
        fields.reject("applicant", "is required");
        return None;
    };
    let full_name = fields.line("applicant.full_name", &applicant.full_name);
    let identity_number = shaped(
        fields,
        "applicant.identity_number",
        &applicant.identity_number,
        is_identity_number,
        IDENTITY_NUMBER,
    );
    let phone = shaped(fields, "applicant.phone", &applicant.phone, is_phone, PHONE);
    let email = shaped(
        fields,
        "applicant.email",
        &applicant.email,
        is_email,
        "must be an e-mail address such as name@example.vn",
    );
    let address = fields.optional_line("applicant.address", &applicant.address);
    let kind = fields.optional_choice::<ApplicantKind>("applicant.kind", applicant.kind);
    let authorised = match &applicant.authorised {
        Some(person) => authorised(fields, person).map(Some),
        None if kind == Some(ApplicantKind::Organisation) => {
            fields.reject(
                "applicant.authorised",
                "is required: an organisation acts through somebody",
            );
            None
        }
        None => Some(None),
    };
    Some(Applicant {
        kind: match kind? {
            ApplicantKind::Unspecified => ApplicantKind::Person,
            kind => kind,
        }
        .into(),
        authorised: authorised?,
        full_name: full_name?,
        identity_number: identity_number?,
        phone: phone?,
        email: email?,
        address: address?,
    })
}

fn authorised(fields: &mut Fields, person: &AuthorisedPerson) -> Option<AuthorisedPerson> {
    let full_name = fields.line("applicant.authorised.full_name", &person.full_name);
    let identity_number = shaped(
        fields,
        "applicant.authorised.identity_number",
        &person.identity_number,
        is_identity_number,
        IDENTITY_NUMBER,
    );
    let phone = shaped(
        fields,
        "applicant.authorised.phone",
        &person.phone,
        is_phone,
        PHONE,
    );
    let ground = fields.choice::<AuthorisationGround>("applicant.authorised.ground", person.ground);
    let paper = fields.optional_line("applicant.authorised.paper", &person.paper);
    if ground == Some(AuthorisationGround::PowerOfAttorney) && person.paper.trim().is_empty() {
        fields.reject(
            "applicant.authorised.paper",
            "is required with a power of attorney",
        );
        return None;
    }
    Some(AuthorisedPerson {
        full_name: full_name?,
        identity_number: identity_number?,
        phone: phone?,
        ground: ground?.into(),
        paper: paper?,
    })
}

/// An optional line that has a shape where it is given. The violation never repeats the value.
fn shaped(
    fields: &mut Fields,
    field: &str,
    text: &str,
    fits: fn(&str) -> bool,
    otherwise: &str,
) -> Option<String> {
    let text = fields.optional_line(field, text)?;
    if !text.is_empty() && !fits(&text) {
        fields.reject(field, otherwise);
        return None;
    }
    Some(text)
}

/// Identity cards of 9 or 12 digits, passports, and other countries' papers.
fn is_identity_number(text: &str) -> bool {
    (6..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_phone(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    (8..=15).contains(&digits)
        && number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b" .-()".contains(&byte))
}

fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let labels: Vec<_> = domain.split('.').collect();
    !local.is_empty()
        && text.len() <= 254
        && !text.contains(char::is_whitespace)
        && !local.contains('@')
        && labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_and_addresses_are_taken_as_people_write_them() {
        for phone in ["0900000001", "+84 900 000 001", "0225.3.000.001"] {
            assert!(is_phone(phone), "{phone}");
        }
        for phone in ["1234567", "++84900000001", "0900000001x"] {
            assert!(!is_phone(phone), "{phone}");
        }
        assert!(is_email("an.phong@example.vn"));
        for email in [
            "@example.vn",
            "a@b@example.vn",
            "a@.vn",
            "a b@example.vn",
            "a@vn",
        ] {
            assert!(!is_email(email), "{email}");
        }
    }
}
