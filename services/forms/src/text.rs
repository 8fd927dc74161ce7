//! Draws a paper as plain text: for searching, for reading aloud, and for comparing.

use crate::blocks::{Block, Document, Paragraph, Span};

/// One line for each paragraph and each row; the cells of a row are divided by bars.
pub(crate) fn draw(document: &Document) -> String {
    let mut out = String::new();
    for block in &document.blocks {
        draw_block(block, &mut out);
    }
    out
}

fn draw_block(block: &Block, out: &mut String) {
    match block {
        Block::Paragraph(paragraph) => {
            draw_paragraph(paragraph, "\n", out);
            out.push('\n');
        }
        Block::Columns(columns) => columns
            .columns
            .iter()
            .flatten()
            .for_each(|block| draw_block(block, out)),
        Block::Table(table) => {
            for row in std::iter::once(&table.head).chain(&table.rows) {
                for (column, cell) in row.iter().enumerate() {
                    if column > 0 {
                        out.push_str(" | ");
                    }
                    draw_paragraph(cell, " ", out);
                }
                out.push('\n');
            }
        }
        Block::Code(code) => {
            out.push_str(&code.link);
            out.push('\n');
        }
        Block::Gap(_) => {}
    }
}

fn draw_paragraph(paragraph: &Paragraph, line_break: &str, out: &mut String) {
    for span in &paragraph.spans {
        out.push_str(match span {
            Span::Text(_, text) => text,
            Span::Break => line_break,
        });
    }
}
