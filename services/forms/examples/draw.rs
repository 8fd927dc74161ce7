//! Draws the invented papers of the tests into a folder, for looking at after a change of a template:
//! `cargo run -p motcua-forms --example draw -- FOLDER`.

#[path = "../tests/common/papers.rs"]
mod papers;

use motcua_forms::{FormId, Kind, Sheet, render};
use std::{error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(
        std::env::args()
            .nth(1)
            .ok_or("name a folder to draw into")?,
    );
    std::fs::create_dir_all(&folder)?;
    for (kind, form) in papers::forms() {
        let mut sheets = vec![Sheet::A4];
        if matches!(kind, Kind::Mau01 | Kind::Ct04) {
            sheets.push(Sheet::A5);
        }
        for sheet in sheets {
            for version in 1..=FormId::latest(kind).version {
                let id = FormId {
                    form: kind,
                    version,
                };
                let drawn = render(id, sheet, &form)?;
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
