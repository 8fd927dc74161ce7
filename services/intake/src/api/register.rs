//! `PrintRegister`: what an agency received, day by day (Mẫu 07).

use jiff::{Timestamp, ToSpan as _, civil::Date};
use motcua_calendar::local;
use motcua_forms::{
    Form, FormId, Kind, Sheet,
    data::{Register, RegisterLine},
    render,
};
use motcua_platform::{
    archive::Reading, call::Call, catalog::Catalog, error::Error, parse::Fields,
    statement::Statement,
};
use motcua_proto::{
    intake::v1::{PrintRegisterRequest, PrintRegisterResponse, StatementKind},
    r#type::v1::Agency,
};

use super::{DossierApi, forms::reckon};
use crate::{
    domain::{
        applicant,
        dossier::Dossier,
        forms::{office_of, reached, register_entry},
    },
    store,
};

/// As the contract names it, for the log of who read what.
const PRINT_REGISTER: &str = "motcua.intake.v1.FormService/PrintRegister";
/// What it is for; nobody has to say so.
const PURPOSE: &str = "the register is printed";
/// Days of one register.
const DAYS_MAX: i32 = 31;
/// Lines of one register.
const LINES_MAX: usize = 2_000;

impl DossierApi {
    pub(super) async fn register(
        &self,
        call: &Call,
        body: PrintRegisterRequest,
    ) -> Result<PrintRegisterResponse, Error> {
        let mut fields = Fields::new();
        let agency = fields.id("agency", &body.agency);
        let from = fields.date("from", body.from.as_ref());
        let to = fields.date("to", body.to.as_ref());
        if let Some((from, to)) = from.zip(to)
            && !(0..DAYS_MAX).contains(&(to - from).get_days())
        {
            fields.reject(
                "to",
                format!("must be within {DAYS_MAX} days of from, and not before it"),
            );
        }
        let ((agency, from), to) = fields.finish(agency.zip(from).zip(to))?;
        let missing = || Error::Missing {
            name: format!("agencies/{agency}"),
        };
        if !call.scope().acts_for(&agency) {
            return Err(missing());
        }
        let in_force = self.in_force().await?;
        let mut reading = self.archive.open(call.scope()).await?;
        let period = begin("from", from)?..begin("to", to.saturating_add(1.day()))?;
        let rows = i64::try_from(LINES_MAX + 1).unwrap_or(i64::MAX);
        let received = store::received(&mut reading, &agency, &period, rows).await?;
        if received.len() > LINES_MAX {
            let message = format!("leaves more than {LINES_MAX} dossiers: take fewer days");
            return Err(Error::field("to", message));
        }
        let catalogs = received.iter().map(|(_, dossier)| dossier.catalog.as_str());
        self.catalogs.ensure(&mut reading, catalogs).await?;
        let named = self
            .named(&agency, in_force.as_deref(), &received)
            .ok_or_else(missing)?;
        let mut lines = Vec::with_capacity(received.len());
        for (code, dossier) in &received {
            let said = said(&mut reading, self, code).await?;
            lines.extend(self.line(code, dossier, said.as_deref()));
        }
        drop(reading);
        let codes: Vec<_> = received.iter().map(|(code, _)| code.as_str()).collect();
        self.accesses
            .note(call, PRINT_REGISTER, PURPOSE, &codes)
            .await?;
        let line_count = i32::try_from(lines.len()).unwrap_or(i32::MAX);
        let register = Form::Register(Register {
            office: reached(office_of(&named.title), Some(&named)),
            book: from.year().to_string(),
            from,
            until: to,
            lines,
        });
        let id = FormId::latest(Kind::Mau07);
        let rendered = reckon(move || render(id, Sheet::A4, &register)).await?;
        Ok(PrintRegisterResponse {
            template: id.to_string(),
            pdf: rendered.pdf,
            html: rendered.html,
            line_count,
        })
    }

    /// The agency as it is named in the catalog in force, or, where that has it no more, in the last one that it received under.
    fn named(
        &self,
        agency: &str,
        in_force: Option<&Catalog>,
        received: &[(String, Dossier)],
    ) -> Option<Agency> {
        let named = |catalog: &Catalog| catalog.agency(agency).cloned();
        in_force.and_then(named).or_else(|| {
            let (_, last) = received.iter().max_by_key(|(_, it)| it.submitted_at)?;
            named(self.catalogs.get(&last.catalog)?.as_ref())
        })
    }

    fn line(
        &self,
        code: &str,
        dossier: &Dossier,
        said: Option<&[Statement]>,
    ) -> Option<RegisterLine> {
        let reception = dossier.reception.as_ref()?;
        let words = |kind: StatementKind| {
            let mut said = said.unwrap_or_default().iter();
            said.find(|said| said.kind == i32::from(kind))
                .map(|said| said.body.expose())
        };
        let applicant = words(StatementKind::Applicant)
            .and_then(|body| applicant::read(body.as_str()))
            .unwrap_or_default();
        let catalog = self.catalogs.get(&dossier.catalog);
        let title = catalog.as_ref().and_then(|catalog| {
            let procedure = catalog.procedure(&dossier.procedure)?;
            Some(procedure.title.clone())
        });
        let helping = match dossier.helping_agency.as_str() {
            "" => words(StatementKind::HelpingOrganisation).cloned(),
            code => {
                let agency = catalog.as_ref().and_then(|catalog| catalog.agency(code));
                Some(agency.map_or_else(|| code.to_owned(), |agency| agency.title.clone()))
            }
        };
        let helped = helping.map(|helping| format!("Hỗ trợ nộp: {helping}"));
        let erased = said
            .is_none()
            .then(|| "Dữ liệu cá nhân đã được xóa".to_owned());
        let notes: Vec<_> = erased.into_iter().chain(helped).collect();
        Some(RegisterLine {
            number: register_entry(code, reception.received_at).number,
            code: code.to_owned(),
            procedure: title.unwrap_or_else(|| dossier.procedure.clone()),
            sets: dossier.sets(),
            applicant: applicant.full_name,
            address: applicant.address,
            phone: Some(applicant.phone).filter(|phone| !phone.is_empty()),
            received_at: local(reception.received_at),
            due_at: local(reception.first_due_at),
            handed_over_at: dossier.handed_over.as_ref().map(|it| local(it.at)),
            given_by: dossier
                .handed_over
                .as_ref()
                .map(|it| it.by.clone())
                .filter(|by| !by.is_empty()),
            received_by: words(StatementKind::HandOver).cloned(),
            note: (!notes.is_empty()).then(|| notes.join("\n")),
        })
    }
}

/// The first instant of the day, by the clock of Việt Nam.
pub(super) fn begin(field: &str, day: Date) -> Result<Timestamp, Error> {
    motcua_calendar::instant(day.at(0, 0, 0, 0))
        .map_err(|error| Error::field(field, error.to_string()))
}

/// What was said of a dossier; `None` once it was erased.
async fn said(
    reading: &mut Reading,
    api: &DossierApi,
    code: &str,
) -> Result<Option<Vec<Statement>>, Error> {
    match store::statements(reading, &api.vault, code).await {
        Ok(said) => Ok(Some(said)),
        Err(Error::Erased { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
