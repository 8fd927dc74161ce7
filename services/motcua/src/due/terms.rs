//! What runs beside a procedure's limit: the wait for an answer, the applicant's time, and the way to another ward.

use std::fmt;

use jiff::Timestamp;
use motcua_calendar::{Calendar, Limit};
use motcua_platform::catalog;
use motcua_proto::r#type::v1::{Agency, Procedure};
use serde_json::json;

use crate::Failed;

/// A wait of its own beside the limit, if it began at the moment that was asked for.
pub(super) struct Term {
    what: &'static str,
    until: Timestamp,
    article: &'static str,
}

impl Term {
    pub(super) fn value(&self) -> serde_json::Value {
        json!({
            "what": self.what,
            "until": motcua_calendar::local(self.until).to_string(),
            "article": self.article,
        })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = motcua_calendar::local(self.until).strftime("%a %Y-%m-%d %H:%M");
        write!(f, "{:<44} by {until}  {}", self.what, self.article)
    }
}

/// What runs beside the limit, by the same calendar.
pub(super) fn terms(
    calendar: &Calendar,
    agency: &Agency,
    procedure: &Procedure,
    from: Timestamp,
) -> Result<Vec<Term>, Failed> {
    let procedure = Some(procedure);
    let failed = |error: motcua_calendar::OutOfRange| Failed::new(error.to_string());
    let answer = calendar.add_working_minutes(from, catalog::acceptance_minutes(procedure));
    let supplement = Limit::working_days(catalog::supplement_days(procedure));
    let supplement = calendar.term(from, &supplement, &[]);
    let transfer = calendar.transfer_due(from, catalog::transfer_cutoff(agency));
    Ok(vec![
        Term {
            what: "a submission online then is answered",
            until: answer.map_err(failed)?,
            article: "decree 118/2025, art. 17",
        },
        Term {
            what: "what is asked for then is handed in",
            until: supplement.map_err(failed)?.at,
            article: "decree 118/2025, art. 17",
        },
        Term {
            what: "received then for another ward, it is there",
            until: transfer.map_err(failed)?,
            article: "decree 118/2025, art. 18",
        },
    ])
}
