//! The words of messages: templates that come with the software, how templates are checked, and how they are filled in.
//!
//! Filling in is strict: a place without a value is a failure, never a gap or a "none" in somebody's letter. A template
//! says `{% if supplement.due_at is defined %}` where a value may be missing.

use minijinja::{
    Environment, ErrorKind, UndefinedBehavior, Value, syntax::SyntaxConfig, value::Serde,
};
use motcua_platform::error::Violation;

use super::particulars::{Particulars, known};

/// What one rendering may cost, in instructions: a template cannot keep a sender busy.
const FUEL: u64 = 50_000;

/// A template that comes with the software.
#[derive(Debug)]
pub(crate) struct BuiltIn {
    /// Its id.
    pub(crate) id: &'static str,
    /// The first line is the subject, the rest the body.
    text: &'static str,
}

macro_rules! built_in {
    ($($constant:ident = $id:literal),* $(,)?) => {
        $(pub(crate) static $constant: BuiltIn = BuiltIn {
            id: $id,
            text: include_str!(concat!("../../templates/", $id, ".txt")),
        };)*
        /// Every template that comes with the software, by id.
        pub(crate) static BUILT_IN: &[&BuiltIn] = &[$(&$constant),*];
    };
}

built_in! {
    BRANCH_REFUSED = "branch-refused",
    EXTENSION = "extension",
    LIMIT = "limit",
    NEW_DATE = "new-date",
    PAYMENT = "payment",
    PAYMENT_REMINDER = "payment-reminder",
    RECEIPT = "receipt",
    REFUSAL = "refusal",
    RESULT_READY = "result-ready",
    RESULT_READY_HOME = "result-ready-home",
    STOPPED = "stopped",
    SUPPLEMENT = "supplement",
    SUPPLEMENT_REMINDER = "supplement-reminder",
    VISIT = "visit",
    WITHDRAWN = "withdrawn",
}

/// The words of the software's own template.
pub(crate) fn built_in(id: &str) -> Option<Words> {
    BUILT_IN
        .iter()
        .find(|built_in| built_in.id == id)
        .map(|built_in| built_in.words())
}

impl BuiltIn {
    fn words(&self) -> Words {
        let (subject, body) = self.text.split_once('\n').unwrap_or((self.text, ""));
        Words {
            subject: subject.trim().to_owned(),
            body: body.trim().to_owned(),
        }
    }
}

/// A subject and a body: of a template, or filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) body: String,
}

/// A template that is ready to be filled in.
#[derive(Debug)]
pub(crate) struct Compiled {
    environment: Environment<'static>,
    /// Whether it speaks of the case, which intake does not know.
    pub(crate) needs_case: bool,
}

/// A line that holds nothing but a condition leaves no line behind.
fn syntax() -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .unwrap_or_default()
}

const SUBJECT: &str = "subject";
const BODY: &str = "body";

impl Compiled {
    /// Compiles a template.
    ///
    /// # Errors
    /// Where it does not compile: which part, and why.
    pub(crate) fn new(words: &Words) -> Result<Self, (&'static str, minijinja::Error)> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(syntax());
        environment.set_fuel(Some(FUEL));
        let mut needs_case = false;
        for (part, text) in [(SUBJECT, &words.subject), (BODY, &words.body)] {
            environment
                .add_template_owned(part, text.clone())
                .map_err(|error| (part, error))?;
            let template = environment
                .get_template(part)
                .map_err(|error| (part, error))?;
            needs_case |= template.undeclared_variables(true).iter().any(|name| {
                name.starts_with("extension")
                    || name.starts_with("limit")
                    || name.starts_with("payment")
                    || name.starts_with("branch")
                    || name.starts_with("case")
                    || name.starts_with("stop")
                    || name.starts_with("supplement")
            });
        }
        Ok(Self {
            environment,
            needs_case,
        })
    }

    /// Fills it in.
    ///
    /// # Errors
    /// Where a value is missing or the template asks for something that cannot be done: which part, and why.
    pub(crate) fn render(
        &self,
        particulars: &Particulars,
    ) -> Result<Words, (&'static str, minijinja::Error)> {
        let context = Value::from(Serde(particulars));
        let part = |part: &'static str| {
            self.environment
                .get_template(part)
                .and_then(|template| template.render(&context))
                .map_err(|error| (part, error))
        };
        Ok(Words {
            // A header is one line.
            subject: part(SUBJECT)?
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            body: part(BODY)?.trim().to_owned(),
        })
    }

    /// Names that it uses and nobody knows, each with its part and line.
    fn unknown(&self, words: &Words) -> Vec<(&'static str, usize, String)> {
        let globals: Vec<_> = self
            .environment
            .globals()
            .map(|(name, _)| name.to_owned())
            .collect();
        let known = known();
        let mut unknown = Vec::new();
        for (part, text) in [(SUBJECT, &words.subject), (BODY, &words.body)] {
            let Ok(template) = self.environment.get_template(part) else {
                continue;
            };
            for name in template.undeclared_variables(true) {
                if known.contains(&name) || globals.contains(&name) {
                    continue;
                }
                let line = text
                    .lines()
                    .position(|line| line.contains(&name))
                    .map_or(1, |index| index + 1);
                unknown.push((part, line, name));
            }
        }
        unknown.sort();
        unknown
    }
}

/// Checks a template: it compiles, uses only names that are known, and can be filled in. Answers what it makes of
/// invented particulars.
///
/// # Errors
/// Everything that is wrong with it, each with the line.
pub(crate) fn check(words: &Words) -> Result<Words, Vec<Violation>> {
    let compiled = Compiled::new(words).map_err(|error| vec![violation(&error)])?;
    let unknown: Vec<_> = compiled
        .unknown(words)
        .into_iter()
        .map(|(part, line, name)| {
            at(
                part,
                line,
                format!("{name} is not one of a message's particulars"),
            )
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    compiled
        .render(&Particulars::invented())
        .map_err(|error| vec![violation(&error)])
}

fn violation((part, error): &(&'static str, minijinja::Error)) -> Violation {
    let why = error
        .detail()
        .map_or_else(|| error.kind().to_string(), str::to_owned);
    at(part, error.line().unwrap_or(1), why)
}

fn at(part: &str, line: usize, why: String) -> Violation {
    Violation {
        field: format!("template.{part}"),
        description: format!("line {line}: {why}"),
    }
}

/// Why a template could not be filled in, for the event: what it is about and where, never what stood there.
pub(crate) fn reason(id: &str, (part, error): &(&'static str, minijinja::Error)) -> String {
    let what = match error.kind() {
        ErrorKind::UndefinedError => "a particular that the dossier does not have".to_owned(),
        kind => kind.to_string(),
    };
    format!(
        "template {id}: {what} ({part}, line {})",
        error.line().unwrap_or(1)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(subject: &str, body: &str) -> Vec<(String, String)> {
        check(&Words {
            subject: subject.into(),
            body: body.into(),
        })
        .unwrap_err()
        .into_iter()
        .map(|violation| (violation.field, violation.description))
        .collect()
    }

    #[test]
    fn every_template_of_the_software_can_be_filled_in() {
        for built_in in BUILT_IN {
            let words = check(&built_in.words())
                .unwrap_or_else(|wrong| panic!("{}: {wrong:?}", built_in.id));
            assert!(
                words.subject.contains("H24.11593-260213-0007"),
                "{}",
                built_in.id
            );
            assert!(
                words.body.contains("Kính gửi ông/bà Nguyễn Văn Thí Dụ,"),
                "{}",
                built_in.id
            );
            assert!(
                !words.body.contains("{") && !words.body.contains("none"),
                "{}",
                words.body
            );
            assert!(
                !words.body.contains("\n\n\n"),
                "no gap where a line was left out: {}",
                words.body
            );
        }
    }

    #[test]
    fn the_receipt_says_when_the_result_is_due() {
        let words = check(&RECEIPT.words()).unwrap();
        assert_eq!(
            words.subject,
            "Tiếp nhận hồ sơ H24.11593-260213-0007 và hẹn trả kết quả"
        );
        assert_eq!(
            words.body,
            "Kính gửi ông/bà Nguyễn Văn Thí Dụ,

Trung tâm Phục vụ hành chính công phường Thí Dụ đã tiếp nhận hồ sơ đầy đủ, hợp lệ của ông/bà.

Mã hồ sơ: H24.11593-260213-0007
Thủ tục hành chính: Đăng ký khai tử
Cơ quan giải quyết: Ủy ban nhân dân phường Thí Dụ
Thời điểm tiếp nhận: 15 giờ 20 phút, ngày 13/02/2026
Thời điểm hẹn trả kết quả: 17 giờ 00 phút, ngày 25/02/2026
Hình thức trả kết quả: tại Trung tâm Phục vụ hành chính công
Phí, lệ phí: 15.000 đồng

Đây là nội dung của Giấy tiếp nhận hồ sơ và hẹn trả kết quả. Khi nhận kết quả hoặc cần hỏi về hồ sơ, xin ông/bà cho biết mã hồ sơ.

Trân trọng,
Trung tâm Phục vụ hành chính công phường Thí Dụ"
        );
    }

    #[test]
    fn the_apology_names_the_old_date_and_the_new_one() {
        let words = check(&EXTENSION.words()).unwrap();
        assert_eq!(
            words.subject,
            "Xin lỗi và hẹn lại ngày trả kết quả hồ sơ H24.11593-260213-0007"
        );
        assert!(words.body.contains(
            "Thời điểm đã hẹn: 17 giờ 00 phút, ngày 25/02/2026\nThời điểm hẹn lại: 17 giờ 00 phút, ngày 02/03/2026"
        ));
        assert!(words.body.contains("chân thành xin lỗi ông/bà"));
    }

    #[test]
    fn what_is_missing_leaves_no_gap_where_the_template_expects_it() {
        let compiled = Compiled::new(&SUPPLEMENT.words()).unwrap();
        let mut particulars = Particulars::invented();
        particulars.0.insert("supplement", Default::default());
        let words = compiled.render(&particulars).unwrap();
        assert!(
            words
                .body
                .contains("theo Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ tại")
        );
        assert!(!words.body.contains("Thời hạn bổ sung"));
        assert!(!words.body.contains("\n\n\n"), "{}", words.body);
    }

    #[test]
    fn before_acceptance_who_receives_asks_and_no_limit_runs_yet() {
        let compiled = Compiled::new(&SUPPLEMENT.words()).unwrap();
        let mut particulars = Particulars::invented();
        let during = compiled.render(&particulars).unwrap().body;
        if let Some(dossier) = particulars.0.get_mut("dossier") {
            dossier.remove("received_at");
        }
        let before = compiled.render(&particulars).unwrap().body;
        for (body, asks, limit) in [
            (
                &during,
                "Để giải quyết hồ sơ của ông/bà, Ủy ban nhân dân phường Thí Dụ đề nghị",
                "Thời gian chờ bổ sung không tính vào thời hạn giải quyết.",
            ),
            (
                &before,
                "Để tiếp nhận hồ sơ của ông/bà, Trung tâm Phục vụ hành chính công phường Thí Dụ đề nghị",
                "thời hạn giải quyết chỉ bắt đầu tính từ khi hồ sơ đầy đủ, hợp lệ được tiếp nhận.",
            ),
        ] {
            assert!(body.contains(asks) && body.contains(limit), "{body}");
            assert!(!body.contains("\n\n\n"), "{body}");
        }
        assert!(!before.contains("Thời gian chờ bổ sung"), "{before}");
        assert!(
            !before.contains("Ủy ban nhân dân phường Thí Dụ"),
            "{before}"
        );
    }

    #[test]
    fn what_is_missing_where_the_template_needs_it_fails_and_says_no_value() {
        let compiled = Compiled::new(&EXTENSION.words()).unwrap();
        let mut particulars = Particulars::invented();
        particulars.0.insert("extension", Default::default());
        let failed = compiled.render(&particulars).unwrap_err();
        assert_eq!(
            reason("extension", &failed),
            "template extension: a particular that the dossier does not have (body, line 8)"
        );
    }

    #[test]
    fn a_template_that_does_not_compile_is_refused_with_the_line() {
        let wrong = refused("Hồ sơ", "Kính gửi\n{% if %}");
        assert_eq!(wrong[0].0, "template.body");
        assert!(wrong[0].1.starts_with("line 2: "), "{wrong:?}");
    }

    #[test]
    fn unknown_particulars_are_refused_all_at_once_also_where_they_are_not_reached() {
        let wrong = refused(
            "{{ dossier.kode }}",
            "a\n{% if dossier.code is defined %}b{% else %}\n{{ applicant.identity_number }}\n{% endif %}{{ who }}",
        );
        assert_eq!(
            wrong,
            [
                (
                    "template.body".to_owned(),
                    "line 3: applicant.identity_number is not one of a message's particulars"
                        .to_owned()
                ),
                (
                    "template.body".to_owned(),
                    "line 4: who is not one of a message's particulars".to_owned()
                ),
                (
                    "template.subject".to_owned(),
                    "line 1: dossier.kode is not one of a message's particulars".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a_template_that_would_never_end_is_refused() {
        let wrong = refused(
            "a",
            "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}",
        );
        assert!(wrong[0].1.contains("fuel"), "{wrong:?}");
    }

    #[test]
    fn only_templates_that_speak_of_the_case_need_it() {
        let needing: Vec<_> = BUILT_IN
            .iter()
            .filter(|built_in| Compiled::new(&built_in.words()).unwrap().needs_case)
            .map(|built_in| built_in.id)
            .collect();
        assert_eq!(
            needing,
            [
                "branch-refused",
                "extension",
                "limit",
                "new-date",
                "payment",
                "payment-reminder",
                "stopped",
                "supplement",
                "supplement-reminder"
            ]
        );
    }
}
