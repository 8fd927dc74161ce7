//! The original papers of a dossier that ended without a result: given back, and to whom. Decree 118/2025, art. 17 and 18.

use jiff::Timestamp;
use motcua_platform::{error::Error, time::to_proto};
use motcua_proto::{
    events::v1::{OriginalsReturned, event::Payload},
    intake::v1::StatementKind,
};

use super::{
    decide::{Happened, statement},
    dossier::Dossier,
    moves::{self, Act},
    words::Words,
};

impl Dossier {
    /// Whether original papers lie here of a dossier that ended without a result, as far as it was written down what came as such.
    #[must_use]
    pub fn holds_originals(&self) -> bool {
        let received = self.reception.iter().flat_map(|it| &it.papers);
        moves::check(Act::ReturnOriginals, self.place()).is_ok()
            && self.originals_returned.is_none()
            && received.chain(&self.papers).any(|it| it.originals > 0)
    }
}

/// Giving them back twice says nothing new. Which papers came as originals is not always written down, so that whoever gives them back
/// says it.
pub(super) fn give_back(
    dossier: &Dossier,
    received_by: &Words,
    now: Timestamp,
) -> Result<Happened, Error> {
    moves::check(Act::ReturnOriginals, dossier.place())?;
    if dossier.originals_returned.is_some() {
        return Ok(Happened::default());
    }
    let (statement_revision, statements) = statement(
        dossier,
        StatementKind::OriginalsReturned,
        received_by,
        &Words::default(),
    );
    Ok(Happened {
        events: vec![Payload::OriginalsReturned(OriginalsReturned {
            returned_at: Some(to_proto(now)),
            statement_revision,
        })],
        statements,
    })
}
