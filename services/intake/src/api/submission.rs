//! Parsing a submission: its own fields, and what they name in the catalog in force. Everything wrong, at once.

use jiff::Timestamp;
use motcua_platform::{
    catalog::Catalog,
    error::Error,
    identity::{Principal, claims::may_be_shown},
    parse::Fields,
    scope::Scope,
    time::local_date,
    vault::{NewSubject, Newcomer},
};
use motcua_proto::{
    intake::v1::SubmitDossierRequest,
    r#type::v1::{
        Channel, HandOverMethod, HandedPaper, PriorityGround, Role,
        helping_organisation::Organisation,
    },
};

use super::particulars;
use crate::domain::{
    applicant::subject,
    command::{Helping, Submission},
    fees::{self, Units},
    papers,
    rules::{Rules, no_agency},
    words::Words,
};

/// Options that a submission may state.
const OPTIONS_MAX: usize = 20;
/// Staff that a submission may keep out.
const RECUSED_MAX: usize = 20;

/// Longest name of an organisation that helps. In characters.
const HELPING_CHARS_MAX: usize = 200;

/// A submission under a catalog, and the identifier that begins its code.
///
/// # Errors
/// Every violation at once; without any, that there is no catalog yet.
pub(super) fn parse(
    request: &SubmitDossierRequest,
    catalog: Option<&Catalog>,
    scope: &Scope,
    caller: Option<(&Principal, Role)>,
    now: Timestamp,
    indexed: impl FnOnce(&NewSubject) -> Newcomer,
) -> Result<(Submission, String), Error> {
    let mut fields = Fields::new();
    let procedure = fields.id("procedure", &request.procedure);
    let receiving_agency = fields.id("receiving_agency", &request.receiving_agency);
    let channel = fields.choice::<Channel>("channel", request.channel);
    let applicant = particulars::applicant(&mut fields, request.applicant.as_ref());
    let hand_over_method =
        fields.optional_choice::<HandOverMethod>("hand_over_method", request.hand_over_method);
    let priority = fields.optional_choice::<PriorityGround>("priority", request.priority);
    let external_code = fields.optional_line("external_code", &request.external_code);
    let on_behalf_of = fields.optional_id("on_behalf_of", &request.on_behalf_of);
    let recused = recused(&mut fields, &request.recused);
    let external_system = external_system(&mut fields, request, caller.map(|(it, _)| it));
    let citizen = citizen(
        &mut fields,
        &request.citizen,
        caller.map_or(Role::Unspecified, |(_, role)| role),
    );
    let priority_reason = fields.optional_text("priority_reason", &request.priority_reason);
    if priority == Some(PriorityGround::Unspecified) && !request.priority_reason.is_empty() {
        fields.reject("priority_reason", "must be empty where nothing goes first");
    }
    let exemption = fields.optional_id("exemption", &request.exemption);
    let exemption_paper =
        exemption_paper(&mut fields, &request.exemption, &request.exemption_paper);
    let helped_by = helped_by(&mut fields, request, catalog, receiving_agency.as_deref());
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
            now,
        )
    });
    if !(0..=SETS_MAX).contains(&request.sets) {
        fields.reject("sets", format!("must be from 1 to {SETS_MAX}"));
    }
    let options = options(&mut fields, &request.options, rules.as_ref());
    let units = Units {
        quantity: request.quantity,
        copies: request.copies,
    };
    match &rules {
        Some(rules) => {
            for violation in papers::violations(&request.papers, &rules.procedure.papers) {
                fields.reject(violation.field, violation.description);
            }
            let asked = fees::Asked {
                units,
                exemption: exemption.as_deref().unwrap_or_default(),
            };
            for violation in fees::violations(asked, rules.procedure, local_date(now)) {
                fields.reject(violation.field, violation.description);
            }
        }
        None => {
            check_units(&mut fields, units);
            paper_ids(&mut fields, &request.papers);
        }
    }
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
            priority_reason: Words::from(priority_reason?),
            options: options?,
            external_code: external_code?,
            external_system: external_system?,
            external_authority: request.external_authority,
            on_behalf_of: on_behalf_of?,
            recused: recused?,
            papers: request.papers.clone(),
            units: rules.as_ref().map_or_else(Units::default, |rules| {
                fees::counted(rules.procedure, units)
            }),
            sets: request.sets.max(1),
            exemption: exemption?,
            exemption_paper: exemption_paper?,
            helped_by: helped_by?,
            citizen: citizen?,
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

/// Sets of papers that one dossier may have.
const SETS_MAX: i32 = 100;

/// What can be said of units before it is known whether the fee is by unit.
pub(super) fn check_units(fields: &mut Fields, units: Units) {
    for violation in units.violations() {
        fields.reject(violation.field, violation.description);
    }
}

/// The paper that shows an exemption, where one is claimed.
pub(super) fn exemption_paper(fields: &mut Fields, exemption: &str, paper: &str) -> Option<Words> {
    let words = fields.optional_line("exemption_paper", paper);
    if exemption.is_empty() && !paper.is_empty() {
        fields.reject("exemption_paper", "is given with an exemption only");
        return None;
    }
    words.map(Words::from)
}

fn found<'a>(
    fields: &mut Fields,
    catalog: &'a Catalog,
    procedure: Option<&String>,
    receiving_agency: Option<&String>,
    on_behalf_of: &str,
    now: Timestamp,
) -> Option<Rules<'a>> {
    // A field that is nonsense by itself has been rejected already; the other one is still looked up.
    let (asked_procedure, asked_agency) = (procedure.is_some(), receiving_agency.is_some());
    let found = Rules::find(
        catalog,
        procedure.map(String::as_str).unwrap_or_default(),
        receiving_agency.map(String::as_str).unwrap_or_default(),
        on_behalf_of,
        now,
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

/// Who helped: an agency of the catalog that does not receive it itself, or the name of an organisation that is not in it.
fn helped_by(
    fields: &mut Fields,
    request: &SubmitDossierRequest,
    catalog: Option<&Catalog>,
    receiving_agency: Option<&str>,
) -> Option<Helping> {
    const AGENCY: &str = "helping_organisation.agency";
    const TITLE: &str = "helping_organisation.title";
    let Some(helping) = &request.helping_organisation else {
        return Some(Helping::default());
    };
    match &helping.organisation {
        Some(Organisation::Agency(code)) => {
            let code = fields.id(AGENCY, code)?;
            if catalog.is_some_and(|catalog| catalog.agency(&code).is_none()) {
                let message = format!("the catalog has no agency '{code}'");
                fields.reject(AGENCY, message);
                return None;
            }
            if receiving_agency == Some(&code) {
                fields.reject(AGENCY, "must be another than the one that receives");
                return None;
            }
            Some(Helping {
                agency: code,
                ..Helping::default()
            })
        }
        Some(Organisation::Title(title)) => {
            let title = fields.line(TITLE, title)?;
            if title.chars().count() > HELPING_CHARS_MAX {
                let message = format!("must have at most {HELPING_CHARS_MAX} characters");
                fields.reject(TITLE, message);
                return None;
            }
            Some(Helping {
                title: Words::from(title),
                ..Helping::default()
            })
        }
        None => {
            fields.reject(
                "helping_organisation",
                "must name an agency of the catalog, or an organisation that is not in it",
            );
            None
        }
    }
}

/// What can be said of papers before it is known which ones the procedure wants.
pub(super) fn paper_ids(fields: &mut Fields, papers: &[HandedPaper]) {
    for (index, handed) in papers.iter().take(papers::PAPERS_MAX).enumerate() {
        fields.id(&format!("papers[{index}].paper"), &handed.paper);
    }
}

/// For which citizen: a system knows who has logged in there, and nobody else says it for them.
fn citizen(fields: &mut Fields, citizen: &str, role: Role) -> Option<String> {
    if citizen.is_empty() {
        return Some(String::new());
    }
    if role != Role::System {
        fields.reject(
            "citizen",
            "is for a system to say that submits for somebody",
        );
        return None;
    }
    let id = fields.id("citizen", citizen)?;
    // A token's subject that is somebody's number is known here by another id.
    if !may_be_shown(&id) {
        fields.reject("citizen", "must be an opaque id, and no number");
        return None;
    }
    Some(id)
}

/// Which other system knows the dossier: one that submits is it itself.
fn external_system(
    fields: &mut Fields,
    request: &SubmitDossierRequest,
    caller: Option<&Principal>,
) -> Option<String> {
    let named = fields.optional_id("external_system", &request.external_system)?;
    let itself = caller
        .filter(|caller| caller.roles.contains(&Role::System))
        .map(|caller| caller.id.as_str());
    let system = match itself {
        Some(itself) if named.is_empty() => {
            if request.external_code.is_empty() && !request.external_authority {
                String::new()
            } else {
                itself.to_owned()
            }
        }
        Some(itself) if named != itself => {
            fields.reject(
                "external_system",
                format!("must be the caller's, '{itself}'"),
            );
            return None;
        }
        _ => named,
    };
    if system.is_empty() && request.external_authority {
        fields.reject(
            "external_system",
            "is required where another system is authoritative",
        );
        return None;
    }
    Some(system)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::catalog;
    use motcua_platform::error::Violation;
    use motcua_proto::{
        intake::v1::{Applicant, ApplicantKind, AuthorisedPerson},
        r#type::v1::{AuthorisationGround, HelpingOrganisation},
    };

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

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
        match parse(request, catalog, &Scope::by_rule(), None, NOW, |_| {
            Newcomer::default()
        }) {
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
        let (submission, identifier) = parse(
            &sound(),
            Some(&catalog()),
            &Scope::by_rule(),
            None,
            NOW,
            |_| Newcomer::default(),
        )
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
        let (submission, _) = parse(
            &request,
            Some(&catalog),
            &Scope::by_rule(),
            None,
            NOW,
            |_| Newcomer::default(),
        )
        .unwrap();
        assert_eq!(submission.procedure, "1.000656");
    }

    #[test]
    fn who_helped_is_an_agency_of_the_catalog_or_a_name_and_never_the_one_that_receives() {
        let helped = |organisation| SubmitDossierRequest {
            helping_organisation: Some(HelpingOrganisation { organisation }),
            ..sound()
        };
        let agency = |code: &str| helped(Some(Organisation::Agency(code.to_owned())));
        let title = |title: &str| helped(Some(Organisation::Title(title.to_owned())));
        for (request, field) in [
            (helped(None), "helping_organisation"),
            (agency("99999"), "helping_organisation.agency"),
            (agency(" "), "helping_organisation.agency"),
            (agency("11593"), "helping_organisation.agency"),
            (title(""), "helping_organisation.title"),
            (title(&"ă".repeat(201)), "helping_organisation.title"),
            (title("Bưu cục\nBến Mây"), "helping_organisation.title"),
        ] {
            assert_eq!(violated(&request, Some(&catalog())), [field]);
        }
        for request in [agency("11407"), title(&"ă".repeat(200))] {
            assert_eq!(violated(&request, Some(&catalog())), [""; 0]);
        }
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
                kind: 79,
                authorised: Some(AuthorisedPerson {
                    phone: "call me".to_owned(),
                    ground: 80,
                    ..AuthorisedPerson::default()
                }),
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
            "applicant.kind",
            "applicant.authorised.full_name",
            "applicant.authorised.phone",
            "applicant.authorised.ground",
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
    fn an_organisation_acts_through_somebody_and_a_power_of_attorney_is_on_paper() {
        let applicant = |authorised| SubmitDossierRequest {
            applicant: Some(Applicant {
                full_name: "Công ty TNHH Thử Nghiệm".to_owned(),
                kind: ApplicantKind::Organisation.into(),
                authorised,
                ..Applicant::default()
            }),
            ..sound()
        };
        let person = |ground: AuthorisationGround, paper: &str| {
            Some(AuthorisedPerson {
                full_name: "Trần Văn Thử".to_owned(),
                ground: ground.into(),
                paper: paper.to_owned(),
                ..AuthorisedPerson::default()
            })
        };
        let nobody = violated(&applicant(None), Some(&catalog()));
        assert_eq!(nobody, ["applicant.authorised"]);
        let without = person(AuthorisationGround::PowerOfAttorney, " ");
        assert_eq!(
            violated(&applicant(without), Some(&catalog())),
            ["applicant.authorised.paper"]
        );
        for sound in [
            person(AuthorisationGround::PowerOfAttorney, "Giấy ủy quyền số 1"),
            person(AuthorisationGround::LegalRepresentative, ""),
        ] {
            assert_eq!(
                violated(&applicant(sound), Some(&catalog())),
                Vec::<String>::new()
            );
        }
    }

    #[test]
    fn a_system_speaks_for_itself_and_others_name_the_system_that_they_mean() {
        let portal = Principal::of("portal", &[Role::System], &["11593"]);
        let clerk = Principal::of("clerk-1", &[Role::Receptionist], &["11593"]);
        let request = |code: &str, system: &str, external_authority| SubmitDossierRequest {
            external_code: code.to_owned(),
            external_system: system.to_owned(),
            external_authority,
            ..sound()
        };
        for (caller, request, system) in [
            (&portal, request("G22-1", "", false), Some("portal")),
            (&portal, request("", "", true), Some("portal")),
            (&portal, request("", "", false), Some("")),
            (&portal, request("G22-1", "ministry", false), None),
            (&clerk, request("G22-1", "", false), Some("")),
            (&clerk, request("G22-1", "ministry", true), Some("ministry")),
            (&clerk, request("G22-1", "", true), None),
        ] {
            let mut fields = Fields::new();
            let found = external_system(&mut fields, &request, Some(caller));
            assert_eq!(found.as_deref(), system, "{request:?}");
            assert_eq!(fields.finish(Some(())).is_err(), system.is_none());
        }
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
            parse(&sound(), None, &Scope::by_rule(), None, NOW, |_| {
                Newcomer::default()
            }),
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
}
