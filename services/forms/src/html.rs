//! Draws a paper as one HTML page that needs nothing else: no font, picture, script or other file.

use crate::{
    blocks::{Align, Block, Code, Document, Paragraph, Span, Style, Table},
    form::Sheet,
    layout::Page,
};
use std::fmt::Write as _;

/// The page. Sizes are those of the PDF; where lines and pages end is the browser's business.
pub(crate) fn draw(document: &Document, sheet: Sheet) -> String {
    let mut out = Html(String::new());
    out.head(document, sheet);
    for block in &document.blocks {
        out.block(block);
    }
    out.0.push_str("</main>\n</body>\n</html>\n");
    out.0
}

struct Html(String);

impl Html {
    fn head(&mut self, document: &Document, sheet: Sheet) {
        let page = Page::of(sheet, document.landscape);
        let orientation = if document.landscape {
            "landscape"
        } else {
            "portrait"
        };
        self.put("<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
        self.text(&document.title);
        self.put("</title>\n<style>\n");
        let margins = format!(
            "{}pt {}pt {}pt {}pt",
            page.top, page.right, page.bottom, page.left
        );
        self.write(format_args!(
            "@page {{ size: {} {orientation}; margin: {margins}; ",
            sheet.name()
        ));
        self.put("@bottom-center { font: 10pt \"Times New Roman\", \"Liberation Serif\", serif; content: \"");
        if !document.foot.is_empty() {
            self.style_string(&document.foot);
            self.put(" · ");
        }
        self.put("Trang \" counter(page) \"/\" counter(pages); } }\n");
        self.put(STYLE);
        let width = page.width - page.left - page.right;
        self.write(format_args!(
            "@media screen {{ main {{ width: {width}pt; margin: 24pt auto; }} }}\n"
        ));
        self.put("</style>\n</head>\n<body>\n<main>\n");
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Paragraph(paragraph) => self.paragraph(paragraph),
            Block::Columns(columns) => {
                self.put("<div class=\"columns\" style=\"grid-template-columns:");
                for width in &columns.widths {
                    self.write(format_args!(" minmax(0, {:.2}fr)", width * 100.0));
                }
                self.write(format_args!("; margin-top: {:.2}pt\">\n", columns.before));
                for column in &columns.columns {
                    self.put("<div>\n");
                    for block in column {
                        self.block(block);
                    }
                    self.put("</div>\n");
                }
                self.put("</div>\n");
            }
            Block::Table(table) => self.table(table),
            Block::Code(code) => self.code(code),
            Block::Gap(height) => self.write(format_args!(
                "<div style=\"height: {height:.2}pt\"></div>\n"
            )),
        }
    }

    fn paragraph(&mut self, paragraph: &Paragraph) {
        self.write(format_args!(
            "<p style=\"font-size: {:.2}pt; text-align: {}; text-indent: {:.2}pt; margin: {:.2}pt 0 {:.2}pt{}\">",
            paragraph.size,
            align(paragraph.align),
            paragraph.indent,
            paragraph.before,
            paragraph.after,
            if paragraph.keep { "; break-after: avoid" } else { "" },
        ));
        if paragraph.rule.is_some() {
            self.put("<span class=\"ruled\">");
        }
        self.spans(&paragraph.spans);
        if let Some(share) = paragraph.rule {
            self.write(format_args!(
                "<span class=\"rule\" style=\"width: {:.2}%\"></span></span>",
                share * 100.0
            ));
        }
        self.put("</p>\n");
    }

    fn table(&mut self, table: &Table) {
        self.write(format_args!(
            "<table style=\"margin-bottom: {:.2}pt; --padding: {:.2}pt\">\n<colgroup>",
            table.after, table.padding
        ));
        for width in &table.widths {
            self.write(format_args!("<col style=\"width: {:.2}%\">", width * 100.0));
        }
        self.put("</colgroup>\n<thead>\n");
        self.row("th", &table.head);
        self.put("</thead>\n<tbody>\n");
        for row in &table.rows {
            self.row("td", row);
        }
        self.put("</tbody>\n</table>\n");
    }

    fn row(&mut self, tag: &str, cells: &[Paragraph]) {
        self.put("<tr>");
        for cell in cells {
            let align = align(cell.align);
            self.write(format_args!(
                "<{tag} style=\"font-size: {:.2}pt; text-align: {align}\">",
                cell.size
            ));
            self.spans(&cell.spans);
            self.write(format_args!("</{tag}>"));
        }
        self.put("</tr>\n");
    }

    fn spans(&mut self, spans: &[Span]) {
        for span in spans {
            match span {
                Span::Break => self.put("<br>"),
                Span::Text(Style::Regular, text) => self.text(text),
                Span::Text(Style::Bold, text) => {
                    self.put("<b>");
                    self.text(text);
                    self.put("</b>");
                }
                Span::Text(Style::Italic, text) => {
                    self.put("<i>");
                    self.text(text);
                    self.put("</i>");
                }
            }
        }
    }

    fn code(&mut self, code: &Code) {
        self.write(format_args!(
            "<svg class=\"code\" role=\"img\" width=\"{0:.2}pt\" height=\"{0:.2}pt\" viewBox=\"0 0 {1} {1}\" aria-label=\"",
            code.side, code.width
        ));
        self.text(&code.link);
        self.put("\"><path shape-rendering=\"crispEdges\" d=\"");
        for (at, _) in code.dark.iter().enumerate().filter(|(_, dark)| **dark) {
            self.write(format_args!(
                "M{} {}h1v1h-1z",
                at % code.width,
                at / code.width
            ));
        }
        self.put("\"/></svg>\n");
    }

    fn put(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    fn write(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(markup);
    }

    /// Text and the values of attributes: whatever it says, it opens and closes nothing.
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '<' => self.put("&lt;"),
                '>' => self.put("&gt;"),
                '&' => self.put("&amp;"),
                '"' => self.put("&quot;"),
                '\'' => self.put("&#39;"),
                _ => self.0.push(character),
            }
        }
    }

    /// Inside a string of the style sheet every other sign is written by its number.
    fn style_string(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_alphanumeric() || matches!(character, '.' | '-' | ' ') {
                self.0.push(character);
            } else {
                self.write(format_args!("\\{:x} ", u32::from(character)));
            }
        }
    }
}

const fn align(align: Align) -> &'static str {
    match align {
        Align::Left => "left",
        // As in the PDF, whose centred lines are balanced.
        Align::Center => "center; text-wrap: balance",
        Align::Right => "right",
        Align::Justify => "justify",
    }
}

/// What all papers share.
const STYLE: &str = "\
body { margin: 0; color: #000; background: #fff; }
main { font-family: \"Times New Roman\", \"Liberation Serif\", serif; line-height: 1.2; overflow-wrap: anywhere; }
b, th b { font-weight: bold; }
.columns { display: grid; break-inside: avoid; }
.ruled { display: inline-block; max-width: 100%; }
.rule { display: block; margin: 2pt auto 0; border-top: 0.7pt solid; }
.code { display: block; margin: 0 auto; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { border: 0.5pt solid #000; padding: var(--padding); vertical-align: top; font-weight: normal; }
tr { break-inside: avoid; }
";
