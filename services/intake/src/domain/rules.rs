//! What the catalog fixes for one dossier: its procedure, who receives, who decides, and their hours.

use std::sync::Arc;

use jiff::Timestamp;
use motcua_calendar::{Calendar, Due, Limit, OutOfRange};
use motcua_platform::{
    catalog::{self, Catalog},
    error::{Error, Violation},
    time::local_date,
};
use motcua_proto::r#type::v1::{Agency, Limit as ProtoLimit, Procedure};

use super::{
    dossier::Dossier,
    fees::{self, Claim, Fee},
};

/// The applicant is reminded at the close of the day so many working days before.
const SUPPLEMENT_REMINDER_DAYS: u32 = 2;

/// The catalog's words on one dossier.
#[derive(Debug)]
pub struct Rules<'a> {
    /// The procedure.
    pub procedure: &'a Procedure,
    /// The agency whose counter receives.
    pub receiving: &'a Agency,
    /// The agency that decides.
    pub competent: &'a Agency,
    limit: Limit,
    /// The receiving agency's, as it is for the procedure's field: its counter prints the due and hands over.
    calendar: Arc<Calendar>,
}

impl<'a> Rules<'a> {
    /// Finds them, as they stand for what was submitted at that instant. `on_behalf_of` is the ward whose agencies are competent,
    /// where the centre receives for another one; empty for its own. Decree 118/2025, art. 17: reception regardless of boundary.
    ///
    /// # Errors
    /// Every field that names something the catalog does not have.
    pub fn find(
        catalog: &'a Catalog,
        procedure: &str,
        receiving_agency: &str,
        on_behalf_of: &str,
        submitted_at: Timestamp,
    ) -> Result<Self, Vec<Violation>> {
        let violation = |field: &str, description: String| Violation {
            field: field.to_owned(),
            description,
        };
        let found_procedure = catalog.procedure(procedure).ok_or_else(|| {
            violation(
                "procedure",
                format!(
                    "there is no procedure '{procedure}' in catalog '{}'",
                    catalog.id()
                ),
            )
        });
        let found_agency = catalog
            .agency(receiving_agency)
            .ok_or_else(|| no_agency(catalog, receiving_agency))
            .and_then(|agency| {
                if agency.identifier.is_empty() {
                    Err(format!("'{receiving_agency}' receives no dossiers: the catalog gives it no identifier"))
                } else {
                    Ok(agency)
                }
            })
            .map_err(|description| violation("receiving_agency", description));
        let territory = match on_behalf_of {
            "" => receiving_agency,
            ward => ward,
        };
        let found_territory = if on_behalf_of.is_empty() || catalog.agency(territory).is_some() {
            Ok(territory)
        } else {
            Err(violation("on_behalf_of", no_agency(catalog, territory)))
        };
        let (procedure, receiving, territory) =
            match (found_procedure, found_agency, found_territory) {
                (Ok(procedure), Ok(agency), Ok(territory)) => (procedure, agency, territory),
                (procedure, agency, territory) => {
                    return Err(procedure
                        .err()
                        .into_iter()
                        .chain(agency.err())
                        .chain(territory.err())
                        .collect());
                }
            };
        Self::of(catalog, procedure, receiving, territory, submitted_at)
            .map_err(|description| vec![violation("procedure", description)])
    }

    fn of(
        catalog: &'a Catalog,
        procedure: &'a Procedure,
        receiving: &'a Agency,
        territory: &str,
        submitted_at: Timestamp,
    ) -> Result<Self, String> {
        let day = local_date(submitted_at);
        let competent = catalog
            .competent(procedure, territory, day)
            .ok_or_else(|| format!("no agency of '{territory}' decides on '{}'", procedure.code))?;
        let calendar = catalog
            .calendar_for(receiving, &procedure.field)
            .ok_or_else(|| format!("agency '{}' has no calendar", receiving.code))?;
        Ok(Self {
            procedure,
            receiving,
            competent,
            limit: procedure
                .limit
                .as_ref()
                .and_then(catalog::limit)
                .ok_or_else(|| format!("'{}' has no limit that means something", procedure.code))?,
            calendar,
        })
    }

    /// By the calendar that a catalog has for who receives; where it does not have them any more, as before.
    #[must_use]
    pub fn by_calendar_of(mut self, in_force: Option<&'a Catalog>) -> Self {
        let calendar = in_force.and_then(|catalog| {
            let receiving = catalog.agency(&self.receiving.code)?;
            catalog.calendar_for(receiving, &self.procedure.field)
        });
        if let Some(calendar) = calendar {
            self.calendar = calendar;
        }
        self
    }

    /// Whether something new is taken under them today: the procedure is within its days and has not been replaced, and who receives
    /// is there.
    ///
    /// # Errors
    /// Which of them it is, and what has taken its place.
    pub fn are_open(&self, catalog: &Catalog, now: Timestamp) -> Result<(), Error> {
        let (receiving, today) = (self.receiving, local_date(now));
        if let Some(why) = catalog.why_closed(self.procedure, today) {
            return Err(Error::field("procedure", why));
        }
        if catalog::receives_on(receiving, today) {
            return Ok(());
        }
        let others = match receiving.successors.join(", ") {
            none if none.is_empty() => String::new(),
            others => format!(": its place is taken by {others}"),
        };
        let message = format!("'{}' does not receive today{others}", receiving.code);
        Err(Error::field("receiving_agency", message))
    }

    /// The limit, for the contract.
    #[must_use]
    pub fn limit(&self) -> Option<ProtoLimit> {
        self.procedure.limit.clone()
    }

    /// By when a submission, or a supplement to it, must be accepted, asked for more, or refused: working hours of who
    /// receives.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn acceptance_due(&self, handed_in: Timestamp) -> Result<Timestamp, Error> {
        self.calendar
            .add_working_minutes(handed_in, catalog::acceptance_minutes(Some(self.procedure)))
            .map_err(|error| self.unreachable(&error))
    }

    /// By when a supplement asked for before acceptance is to be handed in.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn supplement_due(&self, asked: Timestamp) -> Result<Due, Error> {
        self.working_days_after(asked, catalog::supplement_days(Some(self.procedure)))
    }

    /// When the applicant is reminded of that: as long before as is needed to still find a paper. Never, where so little time is given.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn supplement_reminder(&self, asked: Timestamp) -> Result<Option<Timestamp>, Error> {
        catalog::supplement_days(Some(self.procedure))
            .checked_sub(SUPPLEMENT_REMINDER_DAYS)
            .filter(|days| *days > 0)
            .map(|days| Ok(self.working_days_after(asked, days)?.at))
            .transpose()
    }

    fn working_days_after(&self, instant: Timestamp, days: u32) -> Result<Due, Error> {
        self.calendar
            .term(instant, &Limit::working_days(days), &[])
            .map_err(|error| self.unreachable(&error))
    }

    /// The moment of reception of what is accepted now: as the receipt says, inside the counter's reception hours.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn received_at(&self, now: Timestamp) -> Result<Timestamp, Error> {
        self.calendar
            .received_at(now)
            .map_err(|error| self.unreachable(&error))
    }

    /// When the limit ends, in the hours of who receives and hands over. Decree 118/2025, art. 17; Civil Code 2015, art. 147 and 148.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn due(&self, received: Timestamp) -> Result<Due, Error> {
        self.calendar
            .due(
                received,
                &self.limit,
                catalog::due_hour(self.receiving),
                &[],
            )
            .map_err(|error| self.unreachable(&error))
    }

    /// Whether the competent agency is behind another counter than the one that receives: a ward's centre, its police and whatever
    /// else belongs to it are one house.
    #[must_use]
    pub fn is_elsewhere(&self) -> bool {
        fn house(agency: &Agency) -> &str {
            match agency.parent.as_str() {
                "" => &agency.code,
                parent => parent,
            }
        }
        house(self.receiving) != house(self.competent)
    }

    /// By when what was received then is to be with the competent agency; `None` where that is behind the same counter. Decree
    /// 118/2025, art. 18.
    ///
    /// # Errors
    /// When the calendar does not reach so far.
    pub fn transfer_due(&self, received: Timestamp) -> Result<Option<Timestamp>, Error> {
        if !self.is_elsewhere() {
            return Ok(None);
        }
        self.calendar
            .transfer_due(received, catalog::transfer_cutoff(self.receiving))
            .map(Some)
            .map_err(|error| self.unreachable(&error))
    }

    /// What the dossier costs as it stands, whatever is claimed of it. It depends on how the dossier came in, and on the day through
    /// the catalog in force.
    #[must_use]
    pub fn fee<'d>(&self, dossier: &'d Dossier) -> Fee<'d> {
        let claim = Claim {
            channel: dossier.channel,
            ground: dossier.priority,
            units: dossier.units(),
            exemption: &dossier.exemption,
            on: local_date(dossier.submitted_at),
        };
        fees::fee(self.procedure, claim)
    }

    fn unreachable(&self, error: &OutOfRange) -> Error {
        Error::NotReady {
            missing: format!(
                "working time in the calendar of agency '{}' ({error})",
                self.receiving.code
            ),
            remedy: "apply a catalog whose calendar has opening hours",
        }
    }
}

/// What is said of an agency that does not exist, and of one that the caller does not act for.
#[must_use]
pub fn no_agency(catalog: &Catalog, code: &str) -> String {
    format!(
        "'{code}' is no agency of catalog '{}', or not one that the caller receives for",
        catalog.id()
    )
}
