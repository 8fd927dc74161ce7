//! Files of one paper: the last one counts, so that nobody's is put before another's unseen.

use super::{
    table::{file, submitted},
    *,
};

/// The same file, sent by somebody who saw so many before it.
fn seeing(beside: usize) -> Command {
    let Command::AddDocument(mut new) = file(DocumentKind::Paper, "") else {
        unreachable!("a file is one")
    };
    new.beside = beside;
    Command::AddDocument(new)
}

#[test]
fn a_file_that_another_one_of_its_paper_overtook_is_refused_with_the_name_of_that_one() {
    let one = submitted().does(&seeing(0));
    let refused = one.clone().asks(&seeing(0)).unwrap_err();
    let name = format!("dossiers/{CODE}/documents/d2");
    assert!(
        matches!(&refused, Error::Overtaken { name: it } if *it == name),
        "{refused:?}"
    );
    let two = one.does(&seeing(1));
    let refused = two.clone().asks(&seeing(1)).unwrap_err();
    let name = format!("dossiers/{CODE}/documents/d3");
    assert!(
        matches!(&refused, Error::Overtaken { name: it } if *it == name),
        "{refused:?}"
    );
    // Who reads the dossier and sends it again gets it in.
    two.does(&seeing(2));
}
