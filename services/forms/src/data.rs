//! What is filled into the forms: plain values, as the law's annexes name them.
//!
//! Moments are on Vietnam's clock already. Nothing here has a `Debug`: it is what must not reach a log.

use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// Who issues the paper. A line break in a name holds in the letterhead, and is a blank in sentences.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Office {
    /// The agency that stands above it, as the letterhead names it.
    pub above: Option<String>,
    /// The agency, such as "Ủy ban nhân dân phường Sông Trăng".
    pub agency: String,
    /// The centre or counter that issues the paper for the agency, where there is one.
    pub centre: Option<String>,
    /// The place before the date, such as "Sông Trăng".
    pub place: String,
    /// Where questions are answered.
    pub phone: Option<String>,
}

/// Which paper it is, and of which dossier.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The number of the paper in the agency's own books, such as "12/TNHS".
    pub number: Option<String>,
    /// The dossier's code.
    pub code: String,
    /// Where the dossier's state can be looked up; drawn as a QR code.
    pub link: Option<String>,
    /// What the operators find the dossier's traces by.
    pub trace: Option<String>,
    /// The day of issue. It is an argument, so that a paper printed again carries its first date.
    pub issued: Date,
}

/// The person or organisation whose matter it is.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Applicant {
    /// Name of the person or organisation.
    pub name: String,
    /// Who came in their place.
    pub authorised: Option<Authorised>,
    /// Postal address.
    pub address: String,
    /// Telephone number.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
}

/// Who acts for the applicant, and by what right.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Authorised {
    /// Name of the person.
    pub name: String,
    /// For example "Giấy ủy quyền ngày 02 tháng 3 năm 2026".
    pub ground: String,
    /// Whether the law itself gives the right, as to a guardian, and nobody authorised them.
    pub by_law: bool,
}

/// What is asked for.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Procedure {
    /// The national code.
    pub code: String,
    /// The name in force when the dossier was received.
    pub name: String,
}

/// One line of the table of papers.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Paper {
    /// Name of the paper.
    pub name: String,
    /// What was handed in of it.
    pub kind: PaperKind,
    /// How many.
    pub count: u32,
}

/// What was handed in of a paper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaperKind {
    /// Bản chính.
    Original,
    /// Bản sao.
    Copy,
    /// Bản chụp.
    Photograph,
    /// Bản điện tử.
    Electronic,
}

/// What the applicant pays.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Fee {
    /// In đồng; 0 where nothing is due.
    pub amount: i64,
    /// Whether it was paid when the paper was made.
    pub paid: bool,
    /// The ground of an exemption, or what else must be said.
    pub note: Option<String>,
}

/// Where the register names the dossier.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterEntry {
    /// Quyển số.
    pub book: String,
    /// Số thứ tự.
    pub number: String,
}

/// Who signs, and as what.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Signatory {
    /// For example "Chủ tịch", or "KT. Chủ tịch, Phó Chủ tịch".
    pub capacity: String,
    /// Printed beneath the place for the signature, where it is known.
    pub name: Option<String>,
}

/// Giấy tiếp nhận hồ sơ và hẹn trả kết quả (Mẫu số 01, CT04).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Whose matter.
    pub applicant: Applicant,
    /// What is asked for.
    pub procedure: Procedure,
    /// What was handed in.
    pub papers: Vec<Paper>,
    /// Số lượng hồ sơ (bộ).
    pub sets: u32,
    /// The limit by law in words, such as "03 ngày làm việc".
    pub limit: Option<String>,
    /// When it was received complete and valid.
    pub received_at: DateTime,
    /// When the result is promised.
    pub due_at: DateTime,
    /// Where the result is received.
    pub result_at: String,
    /// What is paid.
    pub fee: Option<Fee>,
    /// Where the register names it.
    pub register: Option<RegisterEntry>,
    /// Who received it.
    pub receiver: Option<String>,
    /// The organisation that helped to submit it, where one did; from the third version of Mẫu 01 on.
    #[serde(default)]
    pub helped_by: Option<String>,
}

/// Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ (Mẫu số 02, CT05).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Supplement {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Whose matter.
    pub applicant: Applicant,
    /// What was asked for.
    pub procedure: Procedure,
    /// When in the dossier's life it is asked.
    pub phase: Phase,
    /// What is missing, item by item.
    pub items: Vec<Missing>,
    /// Why it is needed.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
    /// By when.
    pub until: Option<DateTime>,
    /// Who made the request.
    pub made_by: Option<String>,
}

/// One thing that is missing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// What.
    pub what: String,
    /// How it can be completed.
    pub how: Option<String>,
}

/// When in a dossier's life something is said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before it was received.
    Reception,
    /// While the agency works on it.
    Resolution,
}

/// Phiếu từ chối tiếp nhận, giải quyết hồ sơ (Mẫu số 03, CT06).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Whose matter.
    pub applicant: Applicant,
    /// What was asked for.
    pub procedure: Procedure,
    /// Why it is refused.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
    /// What the applicant can do instead, or where to go.
    pub advice: Option<String>,
    /// Who refuses.
    pub made_by: Option<String>,
}

/// Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết (Mẫu số 04).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Apology {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Whose matter.
    pub applicant: Applicant,
    /// What was asked for.
    pub procedure: Procedure,
    /// When it was received.
    pub received_at: DateTime,
    /// What the receipt promised.
    pub due_at: DateTime,
    /// Why that is not kept.
    pub reason: String,
    /// The new promise.
    pub new_due_at: DateTime,
    /// The head of the agency, or who signs for them.
    pub head: Signatory,
}

/// Thông báo dừng giải quyết hồ sơ (Mẫu số 05).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Stop {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Whose matter.
    pub applicant: Applicant,
    /// What was asked for.
    pub procedure: Procedure,
    /// When it was received, if it was.
    pub received_at: Option<DateTime>,
    /// How far it had come, in words.
    pub phase: String,
    /// Why the work stops.
    pub reason: String,
    /// The legal ground.
    pub ground: String,
    /// What happens with fees already paid.
    pub fees: Option<String>,
    /// What happens with the originals.
    pub originals: Option<String>,
    /// The head of the agency, or who signs for them.
    pub head: Signatory,
}

/// Phiếu kiểm soát quá trình giải quyết hồ sơ (Mẫu số 06).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlSheet {
    /// Who issues it.
    pub office: Office,
    /// Which paper, of which dossier.
    pub reference: Reference,
    /// Name of the applicant.
    pub applicant: String,
    /// What was asked for.
    pub procedure: Procedure,
    /// The agency or unit that resolves it.
    pub responsible: String,
    /// Those that take part.
    pub cooperating: Vec<String>,
    /// When it was received.
    pub received_at: DateTime,
    /// What the receipt promised.
    pub due_at: DateTime,
    /// Each hand-over, in order.
    pub handovers: Vec<Handover>,
}

/// The dossier goes from one hand to the next.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Handover {
    /// The agency or unit that receives it.
    pub unit: String,
    /// The step that it does.
    pub step: Option<String>,
    /// When it was handed over, and by whom.
    pub handed_over: Option<Hand>,
    /// When it was received, and by whom.
    pub received: Option<Hand>,
    /// How the step ended; none while it lasts.
    pub outcome: Option<Outcome>,
    /// Working minutes that the step may take.
    pub planned_minutes: Option<u32>,
    /// Working minutes that it took.
    pub used_minutes: Option<u32>,
    /// What else must be said.
    pub note: Option<String>,
}

/// One side of a hand-over.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Hand {
    /// When.
    pub at: DateTime,
    /// By whom.
    pub by: String,
}

/// How a step ended, measured by its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Trước hạn.
    Early,
    /// Đúng hạn.
    OnTime,
    /// Quá hạn.
    Overdue,
}

/// Sổ theo dõi hồ sơ (Mẫu số 07), for a stretch of days.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Register {
    /// Whose register.
    pub office: Office,
    /// Quyển số.
    pub book: String,
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub until: Date,
    /// Its lines.
    pub lines: Vec<RegisterLine>,
}

/// One dossier in the register.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterLine {
    /// Số thứ tự.
    pub number: String,
    /// The dossier's code.
    pub code: String,
    /// Name of the procedure.
    pub procedure: String,
    /// Số lượng hồ sơ (bộ).
    pub sets: u32,
    /// Name of the applicant.
    pub applicant: String,
    /// Their address.
    pub address: String,
    /// Their telephone number.
    pub phone: Option<String>,
    /// When it was received.
    pub received_at: DateTime,
    /// What was promised.
    pub due_at: DateTime,
    /// When the result was handed over.
    pub handed_over_at: Option<DateTime>,
    /// Who gave the result.
    pub given_by: Option<String>,
    /// Who received it.
    pub received_by: Option<String>,
    /// What else must be said.
    pub note: Option<String>,
}
