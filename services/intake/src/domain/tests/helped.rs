//! Who helped an applicant to submit.

use motcua_proto::{intake::v1::Language, r#type::v1::helping_organisation::Organisation};

use super::*;
use crate::domain::{dossier::Helping, plain::tell};

#[test]
fn who_helped_stays_with_the_dossier_and_is_told() {
    let helped = |helping: Helping| {
        let Command::Submit(mut helped) = submission("2.002622", Channel::Counter, true) else {
            unreachable!()
        };
        helped.helping_organisation = Some(helping);
        Counter::opens("2025-07-01T09:00:00").does(&Command::Submit(helped))
    };
    let last = |counter: &Counter, language| {
        let (catalog, now) = (&counter.catalog, counter.now);
        let told = tell(counter.dossier(), catalog, None, now, language);
        told.last().unwrap().clone()
    };
    let by_post = helped(Helping::Title("Bưu cục Bến Mây".to_owned()));
    assert_eq!(
        last(&by_post, Language::Vietnamese),
        "Hồ sơ được nộp với sự hỗ trợ của Bưu cục Bến Mây."
    );
    let replayed = by_post.events.iter().fold(None, Dossier::apply);
    assert_eq!(replayed, by_post.dossier);
    let by_ward = helped(Helping::Agency("11407".to_owned()));
    assert_eq!(
        last(&by_ward, Language::English),
        "The dossier was submitted with the help of Đơn vị 11407."
    );
    let shown = by_ward.dossier().to_proto(CODE).helping_organisation;
    assert_eq!(
        shown.unwrap().organisation,
        Some(Organisation::Agency("11407".to_owned()))
    );
}
