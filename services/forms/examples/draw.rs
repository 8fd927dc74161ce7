//! Draws the invented papers of the tests into a folder, for looking at after a change of a template:
//! `cargo run -p motcua-forms --example draw -- FOLDER`.

#[path = "../tests/common/papers.rs"]
mod papers;

use motcua_forms::{Error as Failed, FormId, Sheet, render};
use std::{error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .ok_or("name a folder to draw into")?,
    );
    std::fs::create_dir_all(&folder)?;
    for (kind, form) in papers::forms() {
        for sheet in [Sheet::A4, Sheet::A5] {
            for version in 1..=FormId::latest(kind).version {
                let id = FormId {
                    form: kind,
                    version,
                };
                let drawn = match render(id, sheet, &form) {
                    // Not every form is for the small sheet.
                    Err(Failed::Sheet { .. }) => continue,
                    drawn => drawn?,
                };
                let name = format!("{id}-{}", sheet.name());
                std::fs::write(folder.join(format!("{name}.pdf")), drawn.pdf)?;
                std::fs::write(folder.join(format!("{name}.html")), drawn.html)?;
            }
        }
    }
    for (name, kind, form) in papers::longest() {
        let drawn = render(FormId::latest(kind), Sheet::A4, &form)?;
        std::fs::write(folder.join(format!("longest-{name}.pdf")), drawn.pdf)?;
        std::fs::write(folder.join(format!("longest-{name}.html")), drawn.html)?;
    }
    Ok(())
}
