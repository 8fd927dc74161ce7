//! Original papers go back once, where a dossier has ended without a result.

use motcua_proto::intake::v1::StatementKind;

use super::*;

pub(super) fn give_back() -> Command {
    Command::ReturnOriginals {
        received_by: words("Nguyễn Thị Thử, chữ ký số 14"),
    }
}

#[test]
fn they_are_given_back_once_and_to_whom_stands_in_no_event() {
    let mut counter =
        Counter::opens("2025-07-01T08:00:00").does(&submission("1.000656", Channel::Counter, true));
    assert!(matches!(counter.asks(&give_back()), Err(Error::Refused(_))));
    let mut counter = counter
        .does(&Command::Withdraw {
            reason: words("không cần nữa"),
            ground: words("khoản 4 Điều 18"),
        })
        .at("2025-07-02T08:00:00")
        .does(&give_back());
    let said: Vec<_> = counter.statements.iter().rev().take(2).collect();
    assert_eq!(said[0].kind, i32::from(StatementKind::OriginalsReturned));
    assert_eq!(said[1].ground.expose(), "khoản 4 Điều 18");
    let shown = counter.dossier().to_proto(CODE);
    assert_eq!(
        (
            shown.originals_returned_at,
            shown.originals_returned_by.as_str()
        ),
        (
            Some(to_proto(at("2025-07-02T08:00:00"))),
            "receptionist-11593-1"
        )
    );
    assert_eq!(counter.asks(&give_back()).unwrap(), [], "once");
    let replayed = counter.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, counter.dossier);
}
