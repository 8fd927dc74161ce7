//! What the forms say: filled in from where the dossier stands, from what was said, and from the dossier's own catalog.
//!
//! A paper says what held when it was issued first, and is kept.

use jiff::Timestamp;
use motcua_calendar::local;
use motcua_forms::{
    Form, Kind,
    data::{
        Applicant as FormApplicant, Authorised, Fee, Missing, Office, Paper, PaperKind, Phase,
        Procedure, Receipt, Reference, Refusal, RegisterEntry, Supplement,
    },
    dong,
};
use motcua_platform::{
    catalog::Catalog,
    error::{Error, Refusal as Refused},
    missing,
    statement::Statement,
};
use motcua_proto::{
    intake::v1::{Applicant, Form as Asked, StatementKind},
    r#type::v1::{
        Agency, AgencyKind, AuthorisationGround, DossierStatus, FormSet, HandOverMethod,
        PriorityGround,
    },
};

pub use super::case_forms::CaseFile;
use super::{
    applicant,
    dossier::{Dossier, Reception},
    fees,
    papers::Handed,
    plain,
};

/// What each agency's counter is called, by law.
pub(super) const CENTRE: &str = "Trung tâm Phục vụ hành chính công";
/// A ward is one of these; its name follows.
const WARDS: [&str; 4] = ["Phường ", "Xã ", "Đặc khu ", "Thị trấn "];

/// Why a supplement is asked for, where its items say what is missing.
pub(super) const INCOMPLETE: &str = "Hồ sơ chưa đầy đủ, chưa hợp lệ theo quy định.";

/// A dossier, and everything else that stands on its papers.
pub struct Particulars<'a> {
    /// Its code.
    pub code: &'a str,
    /// Where it stands.
    pub dossier: &'a Dossier,
    /// The latest statement of each kind.
    pub statements: &'a [Statement],
    /// Its own catalog.
    pub catalog: &'a Catalog,
    /// What the QR code holds.
    pub link: String,
    /// The case, for a form that speaks of it; `None` before it began.
    pub case: Option<&'a CaseFile>,
    /// The step that called the branch whose paper it is; empty for the dossier's own.
    pub branch: &'a str,
}

/// Fills a form in.
///
/// # Errors
/// When the dossier has not come to what the form is about, or its applicant's data was erased.
pub fn fill(asked: Asked, particulars: &Particulars<'_>) -> Result<(Kind, Form), Error> {
    let is_answered = asked == Asked::Refusal && particulars.refused_by_system().is_some();
    if !particulars.branch.is_empty() && !is_answered {
        particulars.begun_branch()?;
    }
    let residence = particulars.form_set() == FormSet::Residence;
    let of = |common, of_residence| if residence { of_residence } else { common };
    Ok(match asked {
        Asked::Receipt => (
            of(Kind::Mau01, Kind::Ct04),
            Form::Receipt(particulars.own_receipt()?),
        ),
        Asked::Supplement => (
            of(Kind::Mau02, Kind::Ct05),
            Form::Supplement(particulars.supplement()?),
        ),
        Asked::Refusal => (
            of(Kind::Mau03, Kind::Ct06),
            Form::Refusal(particulars.refusal()?),
        ),
        Asked::CaseSupplement => (
            of(Kind::Mau02, Kind::Ct05),
            Form::Supplement(particulars.case_supplement()?),
        ),
        Asked::Apology => (Kind::Mau04, Form::Apology(particulars.apology()?)),
        Asked::Stop => (Kind::Mau05, Form::Stop(particulars.stop()?)),
        Asked::ControlSheet => (
            Kind::Mau06,
            Form::ControlSheet(particulars.control_sheet()?),
        ),
        Asked::Unspecified => return Err(Error::field("form", "is required")),
    })
}

impl Particulars<'_> {
    /// The forms that the procedure has in place of the common ones.
    fn form_set(&self) -> FormSet {
        self.catalog
            .procedure(self.procedure_code())
            .map_or(FormSet::Unspecified, |procedure| procedure.form_set())
    }

    /// Who signs, and in whose name, goes by it.
    pub(super) fn competent_kind(&self) -> AgencyKind {
        self.catalog
            .agency(self.competent())
            .map_or(AgencyKind::Unspecified, |agency| agency.kind())
    }

    /// National code of the procedure whose paper it is.
    fn procedure_code(&self) -> &str {
        self.sub_case()
            .map_or(&self.dossier.procedure, |branch| &branch.procedure)
    }

    /// The agency that decides on it.
    fn competent(&self) -> &str {
        let asked = || self.refused_by_system().map(|task| task.agency.as_str());
        self.sub_case()
            .map(|branch| branch.agency.as_str())
            .or_else(asked)
            .unwrap_or(&self.dossier.competent_agency)
    }

    /// Which of its kind a form is about now: the first request for a supplement, the second; 1 for what comes once.
    #[must_use]
    pub fn occasion(&self, asked: Asked) -> i32 {
        let by_system = || {
            self.refused_by_system()
                .filter(|_| self.sub_case().is_none())
        };
        match asked {
            Asked::Supplement => self
                .said(StatementKind::SupplementAsked)
                .map_or(1, |said| said.revision),
            Asked::CaseSupplement => self.case_supplement_revision(),
            // A branch that was called once more is another one.
            Asked::Refusal => {
                by_system().map_or(self.runs().max(1), |task| task.statement_revision)
            }
            Asked::Receipt => self.runs().max(1),
            Asked::Apology | Asked::Stop | Asked::ControlSheet | Asked::Unspecified => 1,
        }
    }

    fn receipt(&self) -> Result<Receipt, Error> {
        let reception =
            self.dossier.reception.as_ref().ok_or_else(|| {
                self.not_yet("it has not been accepted", "accept it (AcceptDossier)")
            })?;
        let (promised, promised_at) = reception.receipt();
        let way = match self.dossier.hand_over_method {
            HandOverMethod::Post => "Qua dịch vụ bưu chính".to_owned(),
            HandOverMethod::Home => "Tại nhà".to_owned(),
            HandOverMethod::Online => "Trực tuyến".to_owned(),
            HandOverMethod::Counter | HandOverMethod::Unspecified => {
                format!("{CENTRE} {}", self.of_ward())
            }
        };
        Ok(Receipt {
            office: self.office(),
            reference: self.reference(reception.received_at),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            papers: self.papers(&reception.papers),
            sets: self.dossier.sets(),
            limit: Some(plain::length_of(promised, false)),
            received_at: local(reception.received_at),
            due_at: local(promised_at),
            result_at: way,
            fee: Some(self.fee(reception)),
            register: Some(register_entry(self.code, reception.received_at)),
            receiver: None,
            helped_by: self.helped_by(),
        })
    }

    /// Which organisation helped to submit it.
    fn helped_by(&self) -> Option<String> {
        if self.dossier.helping_agency.is_empty() {
            let said = self.said(StatementKind::HelpingOrganisation)?;
            return Some(said.body.expose().clone());
        }
        Some(self.title(&self.dossier.helping_agency))
    }

    /// What whoever asks has handed in: the whole dossier at its counter, or its part at a branch's agency.
    fn own_receipt(&self) -> Result<Receipt, Error> {
        let whole = self.receipt()?;
        match self.sub_case() {
            Some(branch) => self.receipt_of(branch, whole),
            None => Ok(whole),
        }
    }

    /// The fee of the receipt; what the case has found to be owed beside it is a note of its own.
    fn fee(&self, reception: &Reception) -> Fee {
        let paid = self.dossier.paid_vnd();
        let amount = reception.receipt_fee_vnd();
        let procedure = self.catalog.procedure(&self.dossier.procedure);
        let counted = procedure
            .filter(|_| self.dossier.quantity > 0)
            .map(|procedure| {
                let one = format!("{} {}", self.dossier.quantity, procedure.fee_unit);
                match self.dossier.copies {
                    copies @ 2.. => format!("tính cho {copies} bản, mỗi bản {one}"),
                    _ => format!("tính cho {one}"),
                }
            });
        let exempted = (reception.exempted_vnd > 0).then(|| {
            format!(
                "đã {} {} cho {} theo Điều 10 Luật Phí và lệ phí số 97/2015/QH13",
                if amount == 0 { "miễn" } else { "giảm" },
                dong(reception.exempted_vnd),
                self.who_is_exempted(reception),
            )
        });
        let found = (reception.obligations_vnd > 0).then(|| {
            format!(
                "nghĩa vụ tài chính xác định trong quá trình giải quyết: {} ({})",
                dong(reception.obligations_vnd),
                if paid >= reception.fee_vnd {
                    "đã nộp"
                } else {
                    "chưa nộp đủ"
                },
            )
        });
        let notes: Vec<_> = counted.into_iter().chain(exempted).chain(found).collect();
        Fee {
            amount,
            paid: amount > 0 && paid >= amount,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// Whose fee is not taken: by the exemption that was claimed, or because they go first.
    fn who_is_exempted(&self, reception: &Reception) -> String {
        self.catalog
            .procedure(&self.dossier.procedure)
            .and_then(|procedure| fees::exemption(procedure, &reception.exemption))
            .map_or_else(
                || who_goes_first(self.dossier.priority).to_owned(),
                |exemption| exemption.title.clone(),
            )
    }

    fn supplement(&self) -> Result<Supplement, Error> {
        let nothing = || {
            self.not_yet(
                "nothing was asked for before acceptance",
                "what the case asked for is FORM_CASE_SUPPLEMENT",
            )
        };
        let asked = self.dossier.asked.as_ref().ok_or_else(nothing)?;
        let said = self
            .said(StatementKind::SupplementAsked)
            .ok_or_else(nothing)?;
        Ok(Supplement {
            office: self.office(),
            reference: self.reference(asked.at),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            phase: Phase::Reception,
            items: items(said.body.expose()),
            reason: self
                .said(StatementKind::SupplementReason)
                .filter(|reason| reason.revision == said.revision)
                .map_or_else(
                    || INCOMPLETE.to_owned(),
                    |reason| reason.body.expose().clone(),
                ),
            ground: said.ground.expose().clone(),
            until: Some(local(asked.due_at)),
            made_by: None,
        })
    }

    fn refusal(&self) -> Result<Refusal, Error> {
        if let Some(branch) = self.sub_case() {
            return self.refusal_of(branch);
        }
        if let Some(task) = self.refused_by_system() {
            return self.refusal_of_system(task);
        }
        if self.dossier.status != DossierStatus::Refused {
            return self.refusal_of_case();
        }
        let said = self
            .said(StatementKind::Refusal)
            .ok_or_else(|| Error::Fault("a refusal has no reason".to_owned()))?;
        Ok(Refusal {
            office: self.office(),
            reference: self.reference(self.dossier.status_since),
            applicant: self.applicant()?,
            procedure: self.procedure(),
            reason: said.body.expose().clone(),
            ground: said.ground.expose().clone(),
            advice: None,
            made_by: None,
        })
    }

    /// A line for each way in which a paper is there.
    fn papers(&self, handed: &[Handed]) -> Vec<Paper> {
        let procedure = self.catalog.procedure(&self.dossier.procedure);
        let title = |id: &str| {
            procedure
                .and_then(|procedure| procedure.papers.iter().find(|paper| paper.id == id))
                .map_or_else(|| id.to_owned(), |paper| paper.title.clone())
        };
        handed
            .iter()
            .flat_map(|handed| {
                [
                    (PaperKind::Original, handed.originals),
                    (PaperKind::Copy, handed.copies),
                    (PaperKind::Photograph, handed.photographs),
                    (PaperKind::Electronic, handed.electronic),
                ]
                .map(|(kind, count)| (&handed.paper, kind, count))
            })
            .filter(|(_, _, count)| *count > 0)
            .map(|(id, kind, count)| Paper {
                name: title(id),
                kind,
                count: count.unsigned_abs(),
            })
            .collect()
    }

    pub(super) fn said(&self, kind: StatementKind) -> Option<&Statement> {
        self.statements
            .iter()
            .find(|said| said.kind == i32::from(kind))
    }

    pub(super) fn not_yet(&self, why: &str, remedy: &'static str) -> Error {
        let status = self.dossier.status.as_str_name();
        Error::Refused(Refused {
            message: format!("the form of {} cannot be printed: {why}", self.code),
            article: "circular 03/2025/TT-VPCP, annex I",
            state: status
                .strip_prefix("DOSSIER_STATUS_")
                .unwrap_or(status)
                .to_owned(),
            remedy,
        })
    }

    pub(super) fn title(&self, code: &str) -> String {
        self.catalog
            .agency(code)
            .map_or_else(|| code.to_owned(), |agency| agency.title.clone())
    }

    /// `phường An Phong`: as it stands after another word.
    pub(super) fn of_ward(&self) -> String {
        within(&self.title(&self.dossier.receiving_agency))
    }

    /// Who receives: the centre; in matters of the police they themselves, who have forms of their own.
    pub(super) fn office(&self) -> Office {
        match self.competent_kind() {
            AgencyKind::Police => self.agency(),
            _ => {
                let receiving = &self.dossier.receiving_agency;
                reached(
                    office_of(&self.title(receiving)),
                    self.catalog.agency(receiving),
                )
            }
        }
    }

    /// Who decides: what its head signs comes from no counter, and not from the ward that received for another.
    pub(super) fn agency(&self) -> Office {
        let competent = self.competent();
        let title = self.title(competent);
        let agency = self.catalog.agency(competent);
        // A unit lies in its ward; what a department decided is handed over where it was received.
        let ward = match agency {
            Some(agency) if agency.kind() == AgencyKind::Department => {
                self.title(&self.dossier.receiving_agency)
            }
            Some(agency) if !agency.parent.is_empty() => self.title(&agency.parent),
            _ => title.clone(),
        };
        let of_ward = office_of(&ward);
        let unit = matches!(
            self.competent_kind(),
            AgencyKind::Police | AgencyKind::SocialInsurance | AgencyKind::Department
        );
        let office = Office {
            agency: if unit { title } else { of_ward.agency },
            centre: None,
            ..of_ward
        };
        reached(office, agency)
    }

    pub(super) fn reference(&self, issued: Timestamp) -> Reference {
        Reference {
            number: None,
            code: self.code.to_owned(),
            link: Some(self.link.clone()),
            trace: Some(self.dossier.trace.clone()).filter(|trace| !trace.is_empty()),
            issued: local(issued).date(),
        }
    }

    pub(super) fn procedure(&self) -> Procedure {
        let code = self.procedure_code();
        Procedure {
            code: code.to_owned(),
            name: self
                .catalog
                .procedure(code)
                .map_or_else(|| code.to_owned(), |procedure| procedure.title.clone()),
        }
    }

    pub(super) fn applicant(&self) -> Result<FormApplicant, Error> {
        let Applicant {
            full_name,
            phone,
            email,
            address,
            authorised,
            ..
        } = self
            .said(StatementKind::Applicant)
            .and_then(|said| applicant::read(said.body.expose()))
            .ok_or_else(|| Error::Fault("a dossier has no applicant".to_owned()))?;
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(FormApplicant {
            name: full_name,
            authorised: authorised.map(|person| Authorised {
                by_law: matches!(
                    person.ground(),
                    AuthorisationGround::LegalRepresentative | AuthorisationGround::Guardian
                ),
                ground: if person.paper.is_empty() {
                    by_right(person.ground()).to_owned()
                } else {
                    person.paper
                },
                name: person.full_name,
            }),
            address,
            phone: given(phone),
            email: given(email),
        })
    }
}

/// An item a line, as whoever asked wrote them.
pub(super) fn items(written: &str) -> Vec<Missing> {
    missing::items(written)
        .map(|(what, how)| Missing {
            what: what.to_owned(),
            how: Some(how.to_owned()).filter(|how| !how.is_empty()),
        })
        .collect()
}

/// `phường An Phong`: as it stands after another word.
fn within(title: &str) -> String {
    let mut letters = title.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// With who stands above it, and the number to call, as the catalog has them.
#[must_use]
pub fn reached(office: Office, agency: Option<&Agency>) -> Office {
    let said = |pick: fn(&Agency) -> &String| {
        let said = agency.map(pick).filter(|said| !said.is_empty());
        said.cloned()
    };
    Office {
        above: said(|agency| &agency.superior),
        phone: said(|agency| &agency.phone),
        ..office
    }
}

/// The centre of a ward that is called so.
#[must_use]
pub fn office_of(title: &str) -> Office {
    let place = WARDS
        .iter()
        .find_map(|ward| title.strip_prefix(ward))
        .unwrap_or(title);
    Office {
        above: None,
        agency: format!("Ủy ban nhân dân\n{}", within(title)),
        centre: Some(CENTRE.to_owned()),
        place: place.to_owned(),
        phone: None,
    }
}

/// A dossier's place in its agency's register (Mẫu 07): a book for each year, and in it the day and the number that its code has.
#[must_use]
pub fn register_entry(code: &str, received_at: Timestamp) -> RegisterEntry {
    let mut parts = code.rsplitn(3, '-');
    let number = parts.next().zip(parts.next());
    RegisterEntry {
        book: local(received_at).year().to_string(),
        number: number.map_or_else(
            || code.to_owned(),
            |(number, day)| format!("{day}-{number}"),
        ),
    }
}

/// Whose matter goes first, and whose fee is exempted.
fn who_goes_first(ground: PriorityGround) -> &'static str {
    match ground {
        PriorityGround::Merit => "người có công với cách mạng",
        PriorityGround::Disability => "người khuyết tật",
        PriorityGround::Elderly => "người cao tuổi",
        PriorityGround::Pregnant => "phụ nữ mang thai",
        PriorityGround::Poor => "hộ nghèo",
        PriorityGround::Unspecified => "đối tượng được ưu tiên",
    }
}

/// By what right somebody acts for the applicant, where no paper says so.
fn by_right(ground: AuthorisationGround) -> &'static str {
    match ground {
        AuthorisationGround::LegalRepresentative => "Người đại diện theo pháp luật",
        AuthorisationGround::Guardian => "Cha, mẹ hoặc người giám hộ",
        AuthorisationGround::Relative => "Người thân thích",
        AuthorisationGround::HiredService => "Dịch vụ nộp hồ sơ, nhận kết quả",
        AuthorisationGround::PowerOfAttorney | AuthorisationGround::Unspecified => {
            "Văn bản ủy quyền"
        }
    }
}
