//! What a message can speak of: a dossier's particulars, in Vietnamese words and the Vietnamese way of writing times.
//!
//! They are put together when a message is sent and are gone when it has left: nothing of them is kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use motcua_platform::{
    catalog::Catalog,
    missing::in_lines,
    time::{from_proto_opt, in_words},
};
use motcua_proto::{
    intake::v1::{Dossier, StatementKind},
    r#type::v1::HandOverMethod,
    workflow::v1::{Case, CaseStatement, CaseStatementKind as Said, Hold},
};
use serde::Serialize;

/// What workflow answers about a case.
#[derive(Debug)]
pub(crate) struct CaseFile {
    /// Where it stands, and what it passed through.
    pub(crate) case: Case,
    /// Everything that was said about it.
    pub(crate) statements: Vec<CaseStatement>,
}

impl CaseFile {
    /// The agency that asked for a supplement.
    fn asks(&self, hold: &Hold) -> String {
        let mut branches = self.case.sub_cases.iter().rev();
        branches
            .find(|branch| branch.branch == hold.branch)
            .map_or(&self.case.competent_agency, |branch| &branch.agency)
            .clone()
    }

    /// What was said of that kind, in that revision or else last; under this name, and its ground.
    fn words(
        &self,
        (kind, revision): (Said, Option<i32>),
        name: &'static str,
    ) -> Vec<(&'static str, String)> {
        let said = self.statements.iter().filter(|said| said.kind() == kind);
        said.filter(|said| revision.is_none_or(|wanted| said.revision == wanted))
            .max_by_key(|said| said.revision)
            .map_or_else(Vec::new, |said| {
                let text = match kind {
                    Said::Missing => in_lines(&said.text),
                    _ => said.text.clone(),
                };
                vec![(name, text), ("ground", said.ground.clone())]
            })
    }

    /// The branch that was refused last: whose agency's, of which procedure, and why.
    fn refused(
        &self,
        title: &dyn Fn(&str) -> String,
        catalog: &Catalog,
    ) -> Vec<(&'static str, String)> {
        let refused = self.case.sub_cases.iter();
        let Some(branch) = refused
            .filter(|branch| branch.statement_revision > 0)
            .max_by_key(|branch| branch.statement_revision)
        else {
            return Vec::new();
        };
        let procedure = catalog.procedure(&branch.procedure);
        let procedure = procedure.map_or_else(String::new, |it| it.title.clone());
        let said = self.words((Said::Outcome, Some(branch.statement_revision)), "reason");
        [("agency", title(&branch.agency)), ("procedure", procedure)]
            .into_iter()
            .chain(said)
            .collect()
    }
}

/// Everything that a template can name, in groups: `dossier`, `applicant`, `agency` (which received), `competent` (which
/// decides), `refusal`, `supplement`, `payment`, `extension`, `limit`, `case`, `branch`, `stop`, `visit`. Every group is there; what is missing in it is undefined.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub(crate) struct Particulars(pub(crate) BTreeMap<&'static str, Values>);

type Values = BTreeMap<&'static str, String>;

impl fmt::Debug for Particulars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Personal data: not even by accident.
        f.debug_struct("Particulars").finish_non_exhaustive()
    }
}

impl Particulars {
    /// A dossier's, as intake shows it in full, with its case where the template speaks of it.
    pub(crate) fn of(dossier: &Dossier, file: Option<&CaseFile>, catalog: &Catalog) -> Self {
        let case = file.map(|file| &file.case);
        let asked = |kind, hold: &Hold, name| {
            let said = (kind, Some(hold.statement_revision));
            file.map_or_else(Vec::new, |file| file.words(said, name))
        };
        let told = |kind, revision| {
            file.map_or_else(Vec::new, |file| file.words((kind, revision), "reason"))
        };
        // A code in a title's place would tell the applicant nothing: what the catalog does not have is missing.
        let title = |code: &str| {
            catalog
                .agency(code)
                .map(|agency| agency.title.clone())
                .unwrap_or_default()
        };
        let procedure = catalog
            .procedure(&dossier.procedure)
            .map(|procedure| procedure.title.clone())
            .unwrap_or_default();
        let said = |kind: StatementKind| {
            dossier
                .statements
                .iter()
                .filter(|said| said.kind() == kind)
                .max_by_key(|said| said.revision)
        };
        let words = |kind, name| -> Vec<_> {
            said(kind).map_or_else(Vec::new, |said| {
                vec![
                    (name, in_lines(&said.text)),
                    ("ground", said.ground.clone()),
                ]
            })
        };
        let at = |at: Option<&prost_types::Timestamp>| {
            from_proto_opt(at).map(in_words).unwrap_or_default()
        };
        let hold = |payment| {
            case.and_then(|case| case.holds.iter().rev().find(|hold| hold.payment == payment))
        };
        Self(BTreeMap::from([
            (
                "dossier",
                values([
                    ("code", dossier.code.clone()),
                    ("procedure", procedure),
                    ("procedure_code", dossier.procedure.clone()),
                    ("submitted_at", at(dossier.submitted_at.as_ref())),
                    ("received_at", at(dossier.received_at.as_ref())),
                    ("due_at", at(dossier.due_at.as_ref())),
                    ("result_ready_at", at(dossier.result_ready_at.as_ref())),
                    (
                        "hand_over",
                        hand_over(dossier.hand_over_method()).to_owned(),
                    ),
                    ("fee", money(dossier.fee_vnd)),
                ]),
            ),
            (
                "applicant",
                values(
                    dossier
                        .applicant
                        .iter()
                        .map(|who| ("full_name", who.full_name.clone())),
                ),
            ),
            (
                "agency",
                values([("title", title(&dossier.receiving_agency))]),
            ),
            (
                "competent",
                values([("title", title(&dossier.competent_agency))]),
            ),
            ("refusal", values(words(StatementKind::Refusal, "reason"))),
            // What the case asked for is workflow's word; intake's older word is not about it.
            (
                "supplement",
                match hold(false) {
                    Some(hold) => {
                        values(asked(Said::Missing, hold, "missing").into_iter().chain([
                            ("due_at", at(hold.supplement_due_at.as_ref())),
                            (
                                "by",
                                title(&file.map_or_else(String::new, |file| file.asks(hold))),
                            ),
                        ]))
                    }
                    None => values(
                        words(StatementKind::SupplementAsked, "missing")
                            .into_iter()
                            .chain(
                                dossier
                                    .supplement_due_at
                                    .as_ref()
                                    .map(|due| ("due_at", at(Some(due)))),
                            ),
                    ),
                },
            ),
            (
                "payment",
                values(case.zip(hold(true)).into_iter().flat_map(|(case, hold)| {
                    // The fee has its ground in the price list; what the work has found has one of its own.
                    asked(Said::Obligation, hold, "reason").into_iter().chain([
                        ("amount", money(case.fee_vnd - case.paid_vnd)),
                        ("due_at", at(hold.supplement_due_at.as_ref())),
                    ])
                })),
            ),
            (
                "extension",
                values(
                    case.filter(|case| case.extended)
                        .into_iter()
                        .flat_map(|case| {
                            told(Said::Apology, None).into_iter().chain([
                                ("first_due_at", at(case.first_due_at.as_ref())),
                                ("due_at", at(case.due_at.as_ref())),
                            ])
                        }),
                ),
            ),
            (
                "case",
                values(case.map(|case| ("due_at", at(case.due_at.as_ref())))),
            ),
            (
                "branch",
                values(file.map_or_else(Vec::new, |file| file.refused(&title, catalog))),
            ),
            ("stop", values(told(Said::Stop, None))),
            (
                "limit",
                values(
                    case.filter(|case| !case.chosen_limit.is_empty())
                        .into_iter()
                        .flat_map(|case| {
                            told(Said::Limit, Some(case.limit_statement_revision))
                                .into_iter()
                                .chain([("due_at", at(case.due_at.as_ref()))])
                        }),
                ),
            ),
            (
                "visit",
                values(dossier.visits.last().into_iter().flat_map(|visit| {
                    let address = said(StatementKind::Visit)
                        .filter(|said| said.revision == visit.address_revision)
                        .map(|said| said.text.clone())
                        .unwrap_or_default();
                    [
                        ("from", at(visit.window_from.as_ref())),
                        ("to", at(visit.window_to.as_ref())),
                        ("address", address),
                    ]
                })),
            ),
        ]))
    }

    /// Invented ones, for checks and previews: every particular is there.
    pub(crate) fn invented() -> Self {
        let group = |name: &'static str, pairs: &[(&'static str, &str)]| {
            (
                name,
                values(
                    pairs
                        .iter()
                        .map(|(name, value)| (*name, (*value).to_owned())),
                ),
            )
        };
        Self(BTreeMap::from([
            group(
                "dossier",
                &[
                    ("code", "H24.11593-260213-0007"),
                    ("procedure", "Đăng ký khai tử"),
                    ("procedure_code", "1.000656"),
                    ("submitted_at", "15 giờ 05 phút, ngày 13/02/2026"),
                    ("received_at", "15 giờ 20 phút, ngày 13/02/2026"),
                    ("due_at", "17 giờ 00 phút, ngày 25/02/2026"),
                    ("result_ready_at", "10 giờ 30 phút, ngày 24/02/2026"),
                    ("hand_over", hand_over(HandOverMethod::Counter)),
                    ("fee", "15.000 đồng"),
                ],
            ),
            group("applicant", &[("full_name", "Nguyễn Văn Thí Dụ")]),
            group(
                "agency",
                &[("title", "Trung tâm Phục vụ hành chính công phường Thí Dụ")],
            ),
            group("competent", &[("title", "Ủy ban nhân dân phường Thí Dụ")]),
            group(
                "refusal",
                &[
                    (
                        "reason",
                        "hồ sơ không thuộc thẩm quyền giải quyết của phường",
                    ),
                    ("ground", "Điều 17 Nghị định số 118/2025/NĐ-CP"),
                ],
            ),
            group(
                "supplement",
                &[
                    ("by", "Ủy ban nhân dân phường Thí Dụ"),
                    ("missing", "bản chính Giấy báo tử"),
                    ("ground", "Điều 17 Nghị định số 118/2025/NĐ-CP"),
                    ("due_at", "17 giờ 00 phút, ngày 06/03/2026"),
                ],
            ),
            group(
                "payment",
                &[
                    ("amount", "15.000 đồng"),
                    ("due_at", "17 giờ 00 phút, ngày 06/03/2026"),
                    ("reason", "lệ phí trước bạ nhà, đất"),
                    ("ground", "Điều 10 Nghị định số 10/2022/NĐ-CP"),
                ],
            ),
            group(
                "extension",
                &[
                    ("reason", "cơ quan phối hợp chưa trả lời xác minh"),
                    ("first_due_at", "17 giờ 00 phút, ngày 25/02/2026"),
                    ("due_at", "17 giờ 00 phút, ngày 02/03/2026"),
                ],
            ),
            group(
                "limit",
                &[
                    ("due_at", "17 giờ 00 phút, ngày 27/02/2026"),
                    ("reason", "phải xác minh nơi cư trú cuối cùng"),
                ],
            ),
            group(
                "branch",
                &[
                    ("agency", "Công an phường Thí Dụ"),
                    ("procedure", "Xóa đăng ký thường trú"),
                    ("reason", "chưa thực hiện nghĩa vụ khai báo"),
                    ("ground", "Điều 24 Luật Cư trú"),
                ],
            ),
            group("case", &[("due_at", "17 giờ 00 phút, ngày 04/03/2026")]),
            group(
                "stop",
                &[
                    ("reason", "không nhận được hồ sơ bổ sung trong thời hạn"),
                    ("ground", "Điều 18 Nghị định số 118/2025/NĐ-CP"),
                ],
            ),
            group(
                "visit",
                &[
                    ("from", "09 giờ 00 phút, ngày 25/02/2026"),
                    ("to", "11 giờ 00 phút, ngày 25/02/2026"),
                    ("address", "số 1, đường Thí Dụ"),
                ],
            ),
        ]))
    }
}

/// Every name that a template can use: `dossier`, `dossier.code`.
pub(crate) fn known() -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (group, values) in Particulars::invented().0 {
        known.insert(group.to_owned());
        known.extend(values.keys().map(|name| format!("{group}.{name}")));
    }
    known
}

/// Those that are there.
fn values(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Values {
    pairs
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// `15.000 đồng`.
fn money(vnd: i64) -> String {
    if vnd == 0 {
        return "không thu".to_owned();
    }
    let digits = vnd.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    format!("{text} đồng")
}

fn hand_over(method: HandOverMethod) -> &'static str {
    match method {
        HandOverMethod::Counter | HandOverMethod::Unspecified => {
            "tại Trung tâm Phục vụ hành chính công"
        }
        HandOverMethod::Post => "qua dịch vụ bưu chính",
        HandOverMethod::Home => "tại nhà",
        HandOverMethod::Online => "trực tuyến",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use motcua_platform::time::to_proto;
    use motcua_proto::{
        intake::v1::{Applicant, Statement},
        r#type::v1::{
            Agency, AgencyKind, Calendar, Catalog as ProtoCatalog, Limit, Procedure, limit::Kind,
        },
    };

    fn at(text: &str) -> Option<prost_types::Timestamp> {
        Some(to_proto(text.parse().unwrap()))
    }

    fn catalog() -> Catalog {
        Catalog::parse(&ProtoCatalog {
            id: "test-2026".into(),
            agencies: vec![Agency {
                code: "11593".into(),
                title: "Trung tâm Phục vụ hành chính công phường Thí Dụ".into(),
                kind: AgencyKind::Ward.into(),
                calendar: "test".into(),
                ..Agency::default()
            }],
            procedures: vec![Procedure {
                code: "1.000656".into(),
                title: "Đăng ký khai tử".into(),
                field: "Hộ tịch".into(),
                limit: Some(Limit {
                    kind: Some(Kind::WorkingDayHalves(2)),
                }),
                definition: "registration".into(),
                competent: AgencyKind::Ward.into(),
                ..Procedure::default()
            }],
            calendars: vec![Calendar {
                id: "test".into(),
                ..Calendar::default()
            }],
            applied_at: None,
            effective_from: None,
        })
        .unwrap()
    }

    #[test]
    fn agencies_and_procedures_have_their_titles() {
        let dossier = Dossier {
            procedure: "1.000656".into(),
            receiving_agency: "11593".into(),
            competent_agency: "11593-ca".into(),
            ..Dossier::default()
        };
        let particulars = Particulars::of(&dossier, None, &catalog());
        assert_eq!(particulars.0["dossier"]["procedure"], "Đăng ký khai tử");
        assert_eq!(
            particulars.0["agency"]["title"],
            "Trung tâm Phục vụ hành chính công phường Thí Dụ"
        );
        assert!(
            particulars.0["competent"].is_empty(),
            "never a code in a title's place"
        );
    }

    #[test]
    fn times_and_money_are_written_the_vietnamese_way() {
        assert_eq!(
            in_words("2026-02-13T08:20:00Z".parse().unwrap()),
            "15 giờ 20 phút, ngày 13/02/2026"
        );
        assert_eq!(
            in_words("2026-02-13T17:05:00Z".parse().unwrap()),
            "00 giờ 05 phút, ngày 14/02/2026"
        );
        assert_eq!(money(0), "không thu");
        assert_eq!(money(500), "500 đồng");
        assert_eq!(money(1_250_000), "1.250.000 đồng");
    }

    #[test]
    fn what_the_dossier_does_not_have_is_not_there() {
        let dossier = Dossier {
            code: "H24.11593-250701-0007".into(),
            ..Dossier::default()
        };
        let particulars = Particulars::of(&dossier, None, &catalog());
        for name in ["due_at", "procedure"] {
            assert!(!particulars.0["dossier"].contains_key(name), "{name}");
        }
        assert!(
            [
                "extension",
                "visit",
                "supplement",
                "payment",
                "agency",
                "competent"
            ]
            .iter()
            .all(|group| particulars.0[group].is_empty())
        );
    }

    #[test]
    fn a_supplement_asked_during_the_case_does_not_quote_the_one_before_acceptance() {
        let dossier = Dossier {
            applicant: Some(Applicant {
                full_name: "Trần Thị Thí Dụ".into(),
                ..Applicant::default()
            }),
            statements: vec![Statement {
                kind: StatementKind::SupplementAsked.into(),
                revision: 1,
                text: "giấy tờ tùy thân".into(),
                ground: String::new(),
            }],
            ..Dossier::default()
        };
        let before = Particulars::of(&dossier, None, &catalog());
        assert_eq!(before.0["supplement"]["missing"], "giấy tờ tùy thân");
        let mut file = CaseFile {
            case: Case {
                holds: vec![Hold {
                    supplement_due_at: at("2026-03-06T10:00:00Z"),
                    statement_revision: 2,
                    ..Hold::default()
                }],
                ..Case::default()
            },
            statements: Vec::new(),
        };
        let during = Particulars::of(&dossier, Some(&file), &catalog());
        assert_eq!(
            during.0["supplement"]["due_at"],
            "17 giờ 00 phút, ngày 06/03/2026"
        );
        assert!(!during.0["supplement"].contains_key("missing"));
        file.statements = vec![
            said(Said::Missing, 1, "giấy báo tử"),
            said(Said::Missing, 2, "sổ hộ khẩu cũ"),
        ];
        let during = Particulars::of(&dossier, Some(&file), &catalog());
        assert_eq!(during.0["supplement"]["missing"], "sổ hộ khẩu cũ");
        assert_eq!(during.0["supplement"]["ground"], "điều 17");
    }

    fn said(kind: Said, revision: i32, text: &str) -> CaseStatement {
        CaseStatement {
            kind: kind.into(),
            revision,
            text: text.to_owned(),
            ground: "điều 17".to_owned(),
        }
    }

    #[test]
    fn what_the_case_says_is_quoted_where_it_belongs() {
        let mut file = CaseFile {
            case: Case {
                extended: true,
                chosen_limit: "verified".into(),
                limit_statement_revision: 1,
                fee_vnd: 308_000,
                paid_vnd: 8_000,
                due_at: at("2026-03-06T10:00:00Z"),
                holds: vec![Hold {
                    payment: true,
                    statement_revision: 1,
                    ..Hold::default()
                }],
                ..Case::default()
            },
            statements: vec![
                said(Said::Obligation, 1, "lệ phí trước bạ"),
                said(Said::Apology, 1, "chưa có trả lời xác minh"),
                said(Said::Limit, 1, "phải xác minh"),
                said(Said::Limit, 2, "công an phải xác minh"),
                said(Said::Stop, 1, "không bổ sung"),
                said(Said::Return, 1, "thiếu chữ ký"),
            ],
        };
        let told = |file: &CaseFile| Particulars::of(&Dossier::default(), Some(file), &catalog()).0;
        let particulars = told(&file);
        assert_eq!(particulars["payment"]["reason"], "lệ phí trước bạ");
        assert_eq!(particulars["payment"]["amount"], "300.000 đồng");
        assert_eq!(
            particulars["extension"]["reason"],
            "chưa có trả lời xác minh"
        );
        assert_eq!(particulars["limit"]["reason"], "phải xác minh");
        assert_eq!(particulars["stop"]["reason"], "không bổ sung");
        assert_eq!(particulars["stop"]["ground"], "điều 17");
        let mut all = particulars.values().flat_map(|group| group.values());
        assert!(
            !all.any(|value| value.contains("thiếu chữ ký")),
            "what colleagues say to each other is in no letter"
        );
        // Asked again, for nothing but the fee.
        file.case.holds.push(Hold {
            payment: true,
            ..Hold::default()
        });
        assert!(!told(&file)["payment"].contains_key("reason"));
    }

    #[test]
    fn particulars_do_not_show_in_logs() {
        assert_eq!(
            format!("{:?}", Particulars::invented()),
            "Particulars { .. }"
        );
    }
}
