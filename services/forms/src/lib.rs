//! The papers that a dossier leaves: typed data in, HTML, PDF and plain text out.
//!
//! The forms of circular 03/2025/TT-VPCP, annex I (Mẫu số 01 to 07), and those that circular 66/2023/TT-BCA puts in their
//! place for residence (CT04 to CT06).
//!
//! ```
//! use motcua_forms::{Form, FormId, Kind, Sheet, data, render};
//!
//! # fn main() -> Result<(), motcua_forms::Error> {
//! # let office = data::Office {
//! #     above: None, agency: "Ủy ban nhân dân phường Sông Trăng".into(), centre: None, place: "Sông Trăng".into(), phone: None,
//! # };
//! let register = Form::Register(data::Register {
//!     office,
//!     book: "01/2026".into(),
//!     from: jiff::civil::date(2026, 3, 1),
//!     until: jiff::civil::date(2026, 3, 31),
//!     lines: Vec::new(),
//! });
//! let paper = render(FormId::latest(Kind::Mau07), Sheet::A4, &register)?;
//! assert!(paper.pdf.starts_with(b"%PDF-"));
//! assert!(paper.html.contains("SỔ THEO DÕI HỒ SƠ"));
//! # Ok(())
//! # }
//! ```
//!
//! # One description, three drawings
//!
//! A template (`templates/*.xml`) is data: minijinja fills it, and what comes out is no HTML but a small description of the
//! paper in blocks (paragraph, columns, table, QR code; `blocks.rs` shows them all). HTML, PDF and text are drawn from that
//! one description. Templates in HTML with a PDF made beside them would be two wordings of one legal paper, and some day
//! they would differ; a browser that prints HTML to PDF would be a thousand times this crate.
//!
//! - **The same data gives the same bytes.** No clock is read and nothing is random: the date of issue is an argument.
//! - **A published template never changes.** What the law changes becomes the next version; whoever keeps a [`FormId`] and
//!   a [`Sheet`] beside the data prints the same paper again.
//! - **Text reads out of the PDF** with its marks; fonts are embedded as subsets. Input is composed (NFC) first.
//! - **What a user wrote is text**, in every drawing: it is escaped, without control characters and without those that are
//!   invisible or turn the direction of writing. A letter that the fonts lack is drawn as □ and reported
//!   ([`Rendered::missing`]).
//! - **Nothing leaves the margins**, however long a name is: words break where they must, pages end where they must, a
//!   table's head is repeated, and places for signatures stay whole.
//!
//! The PDF is written with `pdf-writer`, `subsetter` and `ttf-parser`, which bring one small crate of their own. `krilla`,
//! which stands on the first two, would bring eighteen, among them the largest font libraries there are, for pictures,
//! colours and scripts that these forms do not have. Vietnamese in composed letters needs no shaping.
//!
//! # What is deliberately not in it
//!
//! - gRPC, databases, files, clocks, and other crates of the suite: who may print what, and keeping it, is others' business.
//! - Any rule of law: due dates, amounts and reasons come as arguments. Which form a procedure uses is its data.
//! - Digital signatures, PDF/A and tagged PDF: a signed file is made from this one by whoever holds the key.
//! - Pictures, colours, seals, bar codes other than the QR code, scripts other than Latin, Greek and Cyrillic.
//! - Page breaks in HTML: a browser decides them. The wording is the same; the paper's pages are the PDF's.

mod blocks;
mod clean;
pub mod data;
mod font;
mod form;
mod html;
mod layout;
mod lines;
mod markup;
mod pages;
mod pdf;
mod template;
mod text;
mod words;

pub use form::{Form, FormId, Kind, Sheet, UnknownForm};
pub use words::dong;

use blocks::{Document, Fault};
use font::Fonts;
use layout::Item;

/// A5 holds the same lines as A4, in letters of this share of the size.
const SCALE_A5: f32 = 0.77;

/// A form, drawn.
#[derive(Clone, PartialEq)]
pub struct Rendered {
    /// One page that needs no other file.
    pub html: String,
    /// For printing and keeping.
    pub pdf: Vec<u8>,
    /// The wording alone.
    pub text: String,
    /// Characters that the fonts lack, in order, each once: a person should look at such a paper before it is handed out.
    pub missing: Vec<char>,
}

/// Why a form was not drawn. No error carries what was filled in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data belongs to another form.
    #[error("the data does not fit form {0}; fill in the struct that `Form` names for it")]
    Data(FormId),
    /// This binary has no such version.
    #[error("there is no form {0} in this version of motcua; print it with the one that knows it")]
    Version(FormId),
    /// The form is not made for that sheet.
    #[error("form {form} is not made for {}; print it on A4", sheet.name())]
    Sheet {
        /// Which form.
        form: FormId,
        /// The sheet that was asked for.
        sheet: Sheet,
    },
    /// The look-up link is too long.
    #[error(
        "the look-up link of form {0} does not fit into a QR code; use one of at most 2000 characters"
    )]
    Link(FormId),
    /// Nothing was asked for.
    #[error("there is no paper to be printed; name at least one")]
    Empty,
    /// The template or a font of this binary is broken: a defect of motcua.
    #[error("form {form} cannot be drawn: {what}; report it as a defect")]
    Template {
        /// Which form.
        form: FormId,
        /// Where it failed.
        what: String,
    },
}

/// Draws a form on a sheet.
///
/// # Errors
/// When data, version or sheet do not fit the form, or the link is too long for a QR code.
pub fn render(form: FormId, sheet: Sheet, data: &Form) -> Result<Rendered, Error> {
    let fonts = fonts(form)?;
    let laid = lay(&fonts, form, sheet, data)?;
    let html = html::draw(&laid.document, sheet);
    let text = text::draw(&laid.document);
    let missing = missing(&fonts, &laid.pages);
    let pdf = pdf::write(&fonts, &[laid]).map_err(|error| broken(form, &error))?;
    Ok(Rendered {
        html,
        pdf,
        text,
        missing,
    })
}

/// Several papers in one PDF, to be printed at once: a receipt and its control sheet, or all that one person handed in.
/// Each numbers its own pages.
///
/// # Errors
/// When one of them cannot be drawn; see [`render`].
pub fn bundle(papers: &[(FormId, Sheet, &Form)]) -> Result<Vec<u8>, Error> {
    let Some((first, ..)) = papers.first() else {
        return Err(Error::Empty);
    };
    let fonts = fonts(*first)?;
    let laid = papers
        .iter()
        .map(|(form, sheet, data)| lay(&fonts, *form, *sheet, data))
        .collect::<Result<Vec<_>, _>>()?;
    pdf::write(&fonts, &laid).map_err(|error| broken(*first, &error))
}

/// A paper on its pages, which every drawing starts from.
struct Laid {
    document: Document,
    sheet: Sheet,
    pages: Vec<Vec<Item>>,
}

fn lay(fonts: &Fonts, form: FormId, sheet: Sheet, data: &Form) -> Result<Laid, Error> {
    if !data.fits(form.form) {
        return Err(Error::Data(form));
    }
    let markup = markup::parse(&template::fill(form, data)?)
        .map_err(|what| Error::Template { form, what })?;
    let scale = if sheet == Sheet::A5 { SCALE_A5 } else { 1.0 };
    let document = Document::read(&markup, scale).map_err(|fault| match fault {
        Fault::Template(what) => Error::Template { form, what },
        Fault::Link => Error::Link(form),
    })?;
    if !document.sheets.contains(&sheet) {
        return Err(Error::Sheet { form, sheet });
    }
    let pages = layout::lay(fonts, &document, sheet);
    Ok(Laid {
        document,
        sheet,
        pages,
    })
}

fn fonts(form: FormId) -> Result<Fonts, Error> {
    Fonts::load().map_err(|error| broken(form, &error))
}

fn broken(form: FormId, error: &dyn std::error::Error) -> Error {
    Error::Template {
        form,
        what: error.to_string(),
    }
}

fn missing(fonts: &Fonts, pages: &[Vec<Item>]) -> Vec<char> {
    let mut missing: Vec<char> = pages
        .iter()
        .flatten()
        .filter_map(|item| match item {
            Item::Text { run, .. } => Some(run),
            _ => None,
        })
        .flat_map(|run| {
            run.text
                .chars()
                .filter(|character| !fonts.of(run.style).glyph(*character).found)
        })
        .collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}
