//! The one description of a paper that HTML, PDF and plain text are all drawn from.
//!
//! ```xml
//! <form title="…" foot="…" size="13" sheets="A4 A5" landscape="yes">
//!   <p align="center|left|right|justify" size="13" indent="28" before="3" after="3" keep="yes" rule="0.4">…<b/>…<i/>…<br/></p>
//!   <columns widths="9 11" keep="yes"> <col> <p/> <qr link="…" side="58"/> <gap height="50"/> </col> … </columns>
//!   <table widths="1 5 2" size="11"> <head> <cell>…</cell> </head> <row> <cell align="center">…</cell> </row> </table>
//! </form>
//! ```
//!
//! Lengths are in points, widths in shares, `keep` holds a block on the page of the next one, and `rule` draws a line
//! beneath a paragraph, as long as that share of its longest line.

use crate::{
    form::Sheet,
    markup::{Element, Node},
};
use qrcode::{Color, EcLevel, QrCode};

const PADDING: f32 = 3.0;

/// A whole paper.
pub(crate) struct Document {
    pub(crate) title: String,
    /// Stands beside the page number, where there are several pages, so that a loose sheet finds its way back.
    pub(crate) foot: String,
    pub(crate) landscape: bool,
    pub(crate) sheets: Vec<Sheet>,
    pub(crate) blocks: Vec<Block>,
}

pub(crate) enum Block {
    Paragraph(Paragraph),
    Columns(Columns),
    Table(Table),
    Code(Code),
    Gap(f32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Regular,
    Bold,
    Italic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Center,
    Right,
    Justify,
}

/// A stretch of text in one style, or the end of a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Span {
    Text(Style, String),
    Break,
}

pub(crate) struct Paragraph {
    pub(crate) spans: Vec<Span>,
    pub(crate) align: Align,
    pub(crate) size: f32,
    /// How far the first line stands in.
    pub(crate) indent: f32,
    pub(crate) before: f32,
    pub(crate) after: f32,
    pub(crate) keep: bool,
    pub(crate) rule: Option<f32>,
}

/// Blocks side by side, never divided between pages where one page can hold them.
pub(crate) struct Columns {
    pub(crate) widths: Vec<f32>,
    pub(crate) columns: Vec<Vec<Block>>,
    pub(crate) before: f32,
    pub(crate) keep: bool,
}

/// A ruled table. Its head is repeated on each page.
pub(crate) struct Table {
    pub(crate) widths: Vec<f32>,
    pub(crate) head: Vec<Paragraph>,
    pub(crate) rows: Vec<Vec<Paragraph>>,
    /// Between the rules and what stands in a cell.
    pub(crate) padding: f32,
    pub(crate) after: f32,
}

/// A link as a QR code.
pub(crate) struct Code {
    pub(crate) link: String,
    pub(crate) side: f32,
    /// Modules to a side, without the quiet zone.
    pub(crate) width: usize,
    pub(crate) dark: Vec<bool>,
}

/// Why a filled template is no paper.
#[derive(Debug, PartialEq)]
pub(crate) enum Fault {
    /// The template is wrong.
    Template(String),
    /// The link is longer than a QR code can be.
    Link,
}

impl From<String> for Fault {
    fn from(what: String) -> Self {
        Self::Template(what)
    }
}

impl Document {
    /// The paper that filled markup describes, with all sizes multiplied by `scale`.
    pub(crate) fn read(form: &Element, scale: f32) -> Result<Self, Fault> {
        expect(form, &["form"])?;
        let reader = Reader { scale };
        let size = form.number("size", 13.0)?;
        Ok(Self {
            title: form.attribute("title").unwrap_or_default().to_owned(),
            foot: form.attribute("foot").unwrap_or_default().to_owned(),
            landscape: form.flag("landscape"),
            sheets: [Sheet::A4, Sheet::A5]
                .into_iter()
                .filter(|sheet| {
                    form.attribute("sheets")
                        .unwrap_or("A4")
                        .split(' ')
                        .any(|name| name == sheet.name())
                })
                .collect(),
            blocks: form
                .elements()?
                .into_iter()
                .map(|child| reader.block(child, size))
                .collect::<Result<_, _>>()?,
        })
    }
}

struct Reader {
    scale: f32,
}

impl Reader {
    fn block(&self, element: &Element, size: f32) -> Result<Block, Fault> {
        match element.name.as_str() {
            "columns" => self.columns(element, size).map(Block::Columns),
            "table" => self.table(element, size).map(Block::Table),
            _ => self.simple(element, size),
        }
    }

    /// What may stand in a column as well.
    fn simple(&self, element: &Element, size: f32) -> Result<Block, Fault> {
        expect(element, &["p", "qr", "gap", "columns", "table"])?;
        match element.name.as_str() {
            "p" => Ok(Block::Paragraph(self.paragraph(
                element,
                size,
                Align::Left,
            )?)),
            "qr" => self.code(element).map(Block::Code),
            "gap" => Ok(Block::Gap(element.number("height", 0.0)? * self.scale)),
            name => Err(Fault::Template(format!("<{name}> stands in a column"))),
        }
    }

    fn paragraph(&self, element: &Element, size: f32, default: Align) -> Result<Paragraph, Fault> {
        let align = match element.attribute("align") {
            None => default,
            Some("left") => Align::Left,
            Some("center") => Align::Center,
            Some("right") => Align::Right,
            Some("justify") => Align::Justify,
            Some(_) => {
                return Err(Fault::Template(
                    "align is left, center, right or justify".to_owned(),
                ));
            }
        };
        let mut spans = Vec::new();
        spans_of(element, Style::Regular, &mut spans)?;
        tidy(&mut spans);
        Ok(Paragraph {
            spans,
            align,
            size: element.number("size", size)? * self.scale,
            indent: element.number("indent", 0.0)? * self.scale,
            before: element.number("before", 0.0)? * self.scale,
            after: element.number("after", 0.0)? * self.scale,
            keep: element.flag("keep"),
            rule: element
                .attribute("rule")
                .map(|_| element.number("rule", 0.0))
                .transpose()?,
        })
    }

    fn columns(&self, element: &Element, size: f32) -> Result<Columns, Fault> {
        let mut columns = Vec::new();
        for column in element.elements()? {
            expect(column, &["col"])?;
            columns.push(
                column
                    .elements()?
                    .into_iter()
                    .map(|child| self.simple(child, size))
                    .collect::<Result<Vec<_>, _>>()?,
            );
        }
        Ok(Columns {
            widths: widths(element, columns.len())?,
            columns,
            before: element.number("before", 0.0)? * self.scale,
            keep: element.flag("keep"),
        })
    }

    fn table(&self, element: &Element, size: f32) -> Result<Table, Fault> {
        let size = element.number("size", size)?;
        let mut head = Vec::new();
        let mut rows = Vec::new();
        for row in element.elements()? {
            expect(row, &["head", "row"])?;
            let is_head = row.name == "head";
            let mut cells = Vec::new();
            for cell in row.elements()? {
                expect(cell, &["cell"])?;
                cells.push(self.paragraph(
                    cell,
                    size,
                    if is_head { Align::Center } else { Align::Left },
                )?);
            }
            if is_head {
                head = cells;
            } else {
                rows.push(cells);
            }
        }
        let widths = widths(element, head.len())?;
        if rows.iter().any(|row| row.len() != widths.len()) {
            return Err(Fault::Template(
                "a row has other cells than the head".to_owned(),
            ));
        }
        Ok(Table {
            widths,
            head,
            rows,
            padding: PADDING * self.scale,
            after: element.number("after", 0.0)? * self.scale,
        })
    }

    fn code(&self, element: &Element) -> Result<Code, Fault> {
        let link = element.attribute("link").unwrap_or_default().to_owned();
        let code =
            QrCode::with_error_correction_level(&link, EcLevel::M).map_err(|_| Fault::Link)?;
        Ok(Code {
            link,
            // Not scaled: a code must be read from A5 just as well.
            side: element.number("side", 58.0)?,
            width: code.width(),
            dark: code
                .to_colors()
                .into_iter()
                .map(|color| color == Color::Dark)
                .collect(),
        })
    }
}

fn expect(element: &Element, names: &[&str]) -> Result<(), Fault> {
    if names.contains(&element.name.as_str()) {
        Ok(())
    } else {
        Err(Fault::Template(format!(
            "<{}> stands where {} is expected",
            element.name,
            names.join(" or ")
        )))
    }
}

/// The shares of the columns, which sum to one.
fn widths(element: &Element, count: usize) -> Result<Vec<f32>, Fault> {
    let shares: Vec<f32> = element
        .attribute("widths")
        .unwrap_or_default()
        .split(' ')
        .map(|share| {
            share
                .parse()
                .ok()
                .filter(|share: &f32| share.is_finite() && *share > 0.0)
        })
        .collect::<Option<_>>()
        .ok_or_else(|| {
            Fault::Template(format!("the widths of <{}> are no numbers", element.name))
        })?;
    if shares.len() != count {
        return Err(Fault::Template(format!(
            "<{}> has {} widths for {count} columns",
            element.name,
            shares.len()
        )));
    }
    let sum: f32 = shares.iter().sum();
    Ok(shares.into_iter().map(|share| share / sum).collect())
}

/// The text in an element; the innermost style holds, since there is no bold italic.
fn spans_of(element: &Element, style: Style, spans: &mut Vec<Span>) -> Result<(), Fault> {
    for child in &element.children {
        match child {
            Node::Text(text) => spans.push(Span::Text(style, text.clone())),
            Node::Element(inner) => {
                expect(inner, &["b", "i", "br"])?;
                match inner.name.as_str() {
                    "b" => spans_of(inner, Style::Bold, spans)?,
                    "i" => spans_of(inner, Style::Italic, spans)?,
                    _ => spans.push(Span::Break),
                }
            }
        }
    }
    Ok(())
}

/// Blanks as in HTML: several are one, and at the edges of lines there are none.
fn tidy(spans: &mut Vec<Span>) {
    let mut blank = true;
    for span in spans.iter_mut() {
        match span {
            Span::Break => blank = true,
            Span::Text(_, text) => {
                let mut tidied = String::with_capacity(text.len());
                for character in text.chars() {
                    if character != ' ' {
                        tidied.push(character);
                    } else if !blank {
                        tidied.push(' ');
                    }
                    blank = character == ' ';
                }
                *text = tidied;
            }
        }
    }
    let mut at_end = true;
    for span in spans.iter_mut().rev() {
        match span {
            Span::Break => at_end = true,
            Span::Text(_, text) if at_end => {
                text.truncate(text.trim_end_matches(' ').len());
                at_end = text.is_empty();
            }
            Span::Text(..) => {}
        }
    }
    spans.retain(|span| !matches!(span, Span::Text(_, text) if text.is_empty()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::markup::parse;

    fn read(source: &str) -> Result<Document, Fault> {
        Document::read(&parse(source).unwrap(), 1.0)
    }

    #[test]
    fn blanks_collapse_and_styles_do_not_nest() {
        let document =
            read("<form><p> Một  <b>hai <i>ba</i> </b>\n <br/> bốn </p></form>").unwrap();
        let Block::Paragraph(paragraph) = &document.blocks[0] else {
            panic!("no paragraph")
        };
        assert_eq!(
            paragraph.spans,
            [
                Span::Text(Style::Regular, "Một ".to_owned()),
                Span::Text(Style::Bold, "hai ".to_owned()),
                Span::Text(Style::Italic, "ba".to_owned()),
                Span::Break,
                Span::Text(Style::Regular, "bốn".to_owned()),
            ]
        );
    }

    #[test]
    fn a_wrong_template_is_named() {
        for wrong in [
            "<p/>",
            "<form><x/></form>",
            "<form>text</form>",
            "<form><p align=\"up\"/></form>",
            "<form><p><u/></p></form>",
            "<form><table widths=\"1\"><head><cell/><cell/></head></table></form>",
            "<form><table widths=\"1 0\"><head><cell/><cell/></head></table></form>",
            "<form><table widths=\"1\"><head><cell/></head><row/></table></form>",
            "<form><columns widths=\"1\"><col><table widths=\"1\"/></col></columns></form>",
        ] {
            assert!(matches!(read(wrong), Err(Fault::Template(_))), "{wrong}");
        }
    }

    #[test]
    fn a_link_too_long_for_a_code_is_refused() {
        let source = format!("<form><qr link=\"{}\"/></form>", "x".repeat(3000));
        assert_eq!(read(&source).err(), Some(Fault::Link));
    }
}
