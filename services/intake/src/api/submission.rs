//! Parsing a submission: its own fields, and what they name in the catalog in force. Everything wrong, at once.

use motcua_platform::{
    catalog::Catalog,
    error::Error,
    parse::Fields,
    scope::Scope,
    vault::{NewSubject, Newcomer},
};
use motcua_proto::{
    intake::v1::{Applicant, SubmitDossierRequest},
    r#type::v1::{Channel, HandOverMethod, PriorityGround},
};

use crate::domain::{
    applicant::subject,
    command::Submission,
    rules::{Rules, no_agency},
};

/// Options that a submission may state.
const OPTIONS_MAX: usize = 20;
/// Staff that a submission may keep out.
const RECUSED_MAX: usize = 20;

/// A submission under a catalog, and the identifier that begins its code.
///
/// # Errors
/// Every violation at once; without any, that there is no catalog yet.
pub(super) fn parse(
    request: &SubmitDossierRequest,
    catalog: Option<&Catalog>,
    scope: &Scope,
    indexed: impl FnOnce(&NewSubject) -> Newcomer,
) -> Result<(Submission, String), Error> {
    let mut fields = Fields::new();
    let procedure = fields.id("procedure", &request.procedure);
    let receiving_agency = fields.id("receiving_agency", &request.receiving_agency);
    let channel = fields.choice::<Channel>("channel", request.channel);
    let applicant = applicant(&mut fields, request.applicant.as_ref());
    let hand_over_method =
        fields.optional_choice::<HandOverMethod>("hand_over_method", request.hand_over_method);
    let priority = fields.optional_choice::<PriorityGround>("priority", request.priority);
    let external_code = fields.optional_line("external_code", &request.external_code);
    let on_behalf_of = fields.optional_id("on_behalf_of", &request.on_behalf_of);
    let recused = recused(&mut fields, &request.recused);
    fields.request_id(&request.request_id);
    if let (Some(catalog), Some(agency)) = (catalog, &receiving_agency)
        && catalog.agency(agency).is_some()
        && !scope.acts_for(agency)
    {
        fields.reject("receiving_agency", no_agency(catalog, agency));
    }
    let rules = catalog.and_then(|catalog| {
        found(
            &mut fields,
            catalog,
            procedure.as_ref(),
            receiving_agency.as_ref(),
            on_behalf_of.as_deref().unwrap_or_default(),
        )
    });
    let options = options(&mut fields, &request.options, rules.as_ref());
    // Asked for by a code that it had before, a procedure is taken under the one that it has.
    let procedure = match &rules {
        Some(rules) => Some(rules.procedure.code.clone()),
        None => procedure,
    };
    let identifier = rules
        .as_ref()
        .map(|rules| rules.receiving.identifier.clone())
        .unwrap_or_default();
    let submission = (|| {
        Some(Submission {
            catalog: catalog.map(Catalog::id).unwrap_or_default().to_owned(),
            procedure: procedure?,
            receiving_agency: receiving_agency?,
            channel: channel?,
            newcomer: indexed(&subject(applicant.as_ref()?)),
            applicant: applicant?,
            hand_over_method: match hand_over_method? {
                HandOverMethod::Unspecified => HandOverMethod::Counter,
                method => method,
            },
            priority: priority?,
            options: options?,
            external_code: external_code?,
            on_behalf_of: on_behalf_of?,
            recused: recused?,
            accept: request.accept,
        })
    })();
    let submission = fields.finish(submission)?;
    if catalog.is_none() {
        return Err(Error::NotReady {
            missing: "a catalog of agencies and procedures".to_owned(),
            remedy: "apply one with `motcua catalog apply DIR`",
        });
    }
    Ok((submission, identifier))
}

fn found<'a>(
    fields: &mut Fields,
    catalog: &'a Catalog,
    procedure: Option<&String>,
    receiving_agency: Option<&String>,
    on_behalf_of: &str,
) -> Option<Rules<'a>> {
    // A field that is nonsense by itself has been rejected already; the other one is still looked up.
    let (asked_procedure, asked_agency) = (procedure.is_some(), receiving_agency.is_some());
    let found = Rules::find(
        catalog,
        procedure.map(String::as_str).unwrap_or_default(),
        receiving_agency.map(String::as_str).unwrap_or_default(),
        on_behalf_of,
    );
    match found {
        Ok(rules) => Some(rules),
        Err(violations) => {
            for violation in violations {
                let asked = match violation.field.as_str() {
                    "procedure" => asked_procedure,
                    "receiving_agency" => asked_agency,
                    _ => true,
                };
                if asked {
                    fields.reject(violation.field, violation.description);
                }
            }
            None
        }
    }
}

fn recused(fields: &mut Fields, principals: &[String]) -> Option<Vec<String>> {
    if principals.len() > RECUSED_MAX {
        fields.reject("recused", format!("must be at most {RECUSED_MAX}"));
        return None;
    }
    principals
        .iter()
        .enumerate()
        .map(|(index, principal)| fields.id(&format!("recused[{index}]"), principal))
        .collect::<Vec<_>>()
        .into_iter()
        .collect()
}

fn options(
    fields: &mut Fields,
    options: &[String],
    rules: Option<&Rules<'_>>,
) -> Option<Vec<String>> {
    if options.len() > OPTIONS_MAX {
        fields.reject("options", format!("must be at most {OPTIONS_MAX}"));
        return None;
    }
    let mut sound = true;
    for (index, option) in options.iter().enumerate() {
        let field = format!("options[{index}]");
        let Some(option) = fields.id(&field, option) else {
            sound = false;
            continue;
        };
        if options.iter().take(index).any(|earlier| *earlier == option) {
            sound = false;
            fields.reject(field, "stands twice");
            continue;
        }
        if let Some(rules) = rules
            && !rules.procedure.options.contains(&option)
        {
            sound = false;
            fields.reject(
                field,
                if rules.procedure.options.is_empty() {
                    format!("procedure '{}' has no options", rules.procedure.code)
                } else {
                    format!("must be one of {}", rules.procedure.options.join(", "))
                },
            );
        }
    }
    sound.then(|| options.to_vec())
}

fn applicant(fields: &mut Fields, applicant: Option<&Applicant>) -> Option<Applicant> {
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
        "must be 6 to 20 letters and digits",
    );
    let phone = shaped(
        fields,
        "applicant.phone",
        &applicant.phone,
        is_phone,
        "must be a phone number of 8 to 15 digits, such as 0900000001 or +84900000001",
    );
    let email = shaped(
        fields,
        "applicant.email",
        &applicant.email,
        is_email,
        "must be an e-mail address such as name@example.vn",
    );
    let address = fields.optional_line("applicant.address", &applicant.address);
    Some(Applicant {
        full_name: full_name?,
        identity_number: identity_number?,
        phone: phone?,
        email: email?,
        address: address?,
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
    use crate::domain::tests::catalog;
    use motcua_platform::error::Violation;

    fn sound() -> SubmitDossierRequest {
        SubmitDossierRequest {
            procedure: "1.000656".to_owned(),
            receiving_agency: "11593".to_owned(),
            channel: Channel::Counter.into(),
            applicant: Some(Applicant {
                full_name: "Nguyễn Thị Thử".to_owned(),
                ..Applicant::default()
            }),
            ..SubmitDossierRequest::default()
        }
    }

    fn violated(request: &SubmitDossierRequest, catalog: Option<&Catalog>) -> Vec<String> {
        match parse(request, catalog, &Scope::by_rule(), |_| Newcomer::default()) {
            Err(Error::Invalid(violations)) => violations
                .into_iter()
                .map(|Violation { field, .. }| field)
                .collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn a_submission_without_a_method_is_handed_over_at_the_counter() {
        let (submission, identifier) = parse(&sound(), Some(&catalog()), &Scope::by_rule(), |_| {
            Newcomer::default()
        })
        .unwrap();
        assert_eq!(submission.hand_over_method, HandOverMethod::Counter);
        assert_eq!(submission.catalog, "test-2025");
        assert_eq!(identifier, "H24.11593");
    }

    #[test]
    fn what_is_submitted_under_an_old_code_is_taken_under_the_present_one() {
        let mut proto = crate::domain::tests::proto_catalog();
        proto.procedures[0].aliases = vec!["1.000001".to_owned()];
        let catalog = Catalog::parse(&proto).unwrap();
        let request = SubmitDossierRequest {
            procedure: "1.000001".to_owned(),
            ..sound()
        };
        let (submission, _) = parse(&request, Some(&catalog), &Scope::by_rule(), |_| {
            Newcomer::default()
        })
        .unwrap();
        assert_eq!(submission.procedure, "1.000656");
    }

    #[test]
    fn everything_that_is_wrong_comes_back_at_once() {
        let request = SubmitDossierRequest {
            procedure: "9.999999".to_owned(),
            receiving_agency: "11593-ca".to_owned(),
            channel: 0,
            applicant: Some(Applicant {
                full_name: " ".to_owned(),
                identity_number: "12".to_owned(),
                phone: "call me".to_owned(),
                email: "nobody@nowhere".to_owned(),
                address: "a\u{0}b".to_owned(),
            }),
            hand_over_method: 77,
            priority: 78,
            options: vec!["a b".to_owned()],
            external_code: "x".repeat(400),
            request_id: "seven".to_owned(),
            ..SubmitDossierRequest::default()
        };
        let all = [
            "channel",
            "applicant.full_name",
            "applicant.identity_number",
            "applicant.phone",
            "applicant.email",
            "applicant.address",
            "hand_over_method",
            "priority",
            "external_code",
            "request_id",
            "procedure",
            "receiving_agency",
            "options[0]",
        ];
        assert_eq!(violated(&request, Some(&catalog())), all);
        assert_eq!(
            violated(&SubmitDossierRequest::default(), Some(&catalog())),
            ["procedure", "receiving_agency", "channel", "applicant"]
        );
    }

    #[test]
    fn options_come_from_the_procedures_list_and_once() {
        let options = |options: &[&str]| SubmitDossierRequest {
            procedure: "2.002622".to_owned(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            ..sound()
        };
        assert_eq!(
            violated(&options(&["funeral_costs"]), Some(&catalog())),
            Vec::<String>::new()
        );
        assert_eq!(
            violated(
                &options(&["funeral_costs", "funeral_costs"]),
                Some(&catalog())
            ),
            ["options[1]"]
        );
        assert_eq!(
            violated(&options(&["pension"]), Some(&catalog())),
            ["options[0]"]
        );
    }

    #[test]
    fn without_a_catalog_a_sound_submission_is_told_to_apply_one_and_an_unsound_one_what_is_wrong()
    {
        assert!(matches!(
            parse(&sound(), None, &Scope::by_rule(), |_| Newcomer::default()),
            Err(Error::NotReady { .. })
        ));
        assert_eq!(
            violated(
                &SubmitDossierRequest {
                    channel: 0,
                    ..sound()
                },
                None
            ),
            ["channel"]
        );
    }

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
