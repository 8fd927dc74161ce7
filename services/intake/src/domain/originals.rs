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
