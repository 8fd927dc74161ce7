//! Who helped an applicant to submit.

use motcua_proto::intake::v1::Language;

use super::*;
use crate::domain::plain::tell;

#[test]
fn who_helped_stays_with_the_dossier_and_is_told() {
    let helped = |helping: Helping| {
        let Command::Submit(mut helped) = submission("2.002622", Channel::Counter, true) else {
            unreachable!()
        };
        helped.helped_by = helping;
        Counter::opens("2025-07-01T09:00:00").does(&Command::Submit(helped))
    };
    let last = |counter: &Counter, language| {
        let (catalog, now) = (&counter.catalog, counter.now);
        let told = tell(counter.dossier(), catalog, None, now, language);
        told.last().unwrap().clone()
    };
    let by_post = helped(Helping {
        title: words("Bưu cục Bến Mây"),
        ..Helping::default()
    });
    // What it is called is said to whoever may read what was said, and stands in no event.
    assert_eq!(
        last(&by_post, Language::Vietnamese),
        "Hồ sơ được nộp với sự hỗ trợ của một tổ chức khác."
    );
    assert!(!format!("{:?}", by_post.events).contains("Bến Mây"));
    let said = by_post.statements.iter().find(|said| {
        said.kind == i32::from(StatementKind::HelpingOrganisation) && said.revision == 1
    });
    assert_eq!(said.unwrap().body.expose(), "Bưu cục Bến Mây");
    let replayed = by_post.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, by_post.dossier);
    let by_ward = helped(Helping {
        agency: "11407".to_owned(),
        ..Helping::default()
    });
    assert_eq!(
        last(&by_ward, Language::English),
        "The dossier was submitted with the help of Đơn vị 11407."
    );
    let shown = by_ward.dossier().to_proto(CODE);
    assert_eq!(
        (shown.helping_agency.as_str(), shown.helping_revision),
        ("11407", 0)
    );
}
