//! Ends pages: which rows stand on which, what is repeated, what is divided and what is not.

use crate::layout::{Item, Page};

const HAIRLINE: f32 = 0.5;

/// A piece of a cell that no page break divides, such as a line of text.
pub(crate) struct Piece {
    pub(crate) height: f32,
    pub(crate) items: Vec<Item>,
}

pub(crate) struct Cell {
    pub(crate) x: f32,
    pub(crate) width: f32,
    pub(crate) pieces: Vec<Piece>,
}

/// What stands side by side: a paragraph is a row of one cell.
pub(crate) struct Row {
    pub(crate) cells: Vec<Cell>,
    /// Blank around what a cell holds; ruled where there is any.
    pub(crate) padding: f32,
    pub(crate) before: f32,
    pub(crate) after: f32,
    pub(crate) keep: bool,
    /// Whether it may be divided although a page could hold it.
    pub(crate) free: bool,
    /// The head that is repeated above it on a new page.
    pub(crate) head: Option<usize>,
}

impl Row {
    /// Nothing, to be filled in.
    pub(crate) const fn plain() -> Self {
        Self {
            cells: Vec::new(),
            padding: 0.0,
            before: 0.0,
            after: 0.0,
            keep: false,
            free: false,
            head: None,
        }
    }

    fn height(&self) -> f32 {
        let tallest = self
            .cells
            .iter()
            .map(|cell| cell.pieces.iter().map(|piece| piece.height).sum())
            .fold(0.0, f32::max);
        tallest + 2.0 * self.padding
    }

    /// What must find room before the row may begin: two lines of what may be divided, all of anything else.
    fn least(&self, whole: f32) -> f32 {
        let height = self.height();
        let divided = match self.cells.as_slice() {
            [cell] if self.free => cell.pieces.len() > 3,
            // A long row that is not begun leaves a long blank.
            _ if self.padding > 0.0 => height > whole / 3.0,
            _ => height > whole,
        };
        if !divided {
            return height;
        }
        let two = |cell: &Cell| cell.pieces.iter().take(2).map(|piece| piece.height).sum();
        self.cells.iter().map(two).fold(0.0, f32::max) + 2.0 * self.padding
    }
}

struct Pages {
    page: Page,
    heads: Vec<Row>,
    done: Vec<Vec<Item>>,
    items: Vec<Item>,
    y: f32,
    /// Nothing but a table's head stands on the page yet.
    fresh: bool,
}

/// The items of each page.
pub(crate) fn place(page: Page, heads: Vec<Row>, rows: Vec<Row>) -> Vec<Vec<Item>> {
    let mut pages = Pages {
        page,
        heads,
        done: Vec::new(),
        items: Vec::new(),
        y: page.top,
        fresh: true,
    };
    pages.place(rows);
    pages.done.push(pages.items);
    pages.done
}

impl Pages {
    fn place(&mut self, rows: Vec<Row>) {
        let whole = self.page.end() - self.page.top;
        let needs: Vec<f32> = (0..rows.len())
            .map(|at| needed(&rows[at..], whole))
            .collect();
        for (row, needed) in rows.into_iter().zip(needs) {
            if !self.fresh {
                self.y += row.before;
                // Rows that belong together and are longer than any page gain nothing from a new one.
                let needed = if needed > whole {
                    row.least(whole)
                } else {
                    needed
                };
                if self.y + needed > self.page.end() {
                    self.turn(row.head);
                }
            }
            let after = row.after;
            self.put(row);
            self.y += after;
        }
    }

    /// Draws the row, on further pages what finds no room.
    fn put(&mut self, mut row: Row) {
        while self.y + row.height() > self.page.end() {
            let (first, rest) = split(row, self.page.end() - self.y);
            let head = rest.head;
            self.draw(&first);
            self.turn(head);
            row = rest;
        }
        self.draw(&row);
        self.fresh = false;
    }

    fn turn(&mut self, head: Option<usize>) {
        self.done.push(std::mem::take(&mut self.items));
        self.y = self.page.top;
        self.fresh = true;
        if let Some(head) =
            head.filter(|head| self.heads[*head].height() < (self.page.end() - self.page.top) / 2.0)
        {
            let items = drawn_at(&self.heads[head], self.page.left, self.y);
            self.items.extend(items);
            self.y += self.heads[head].height();
        }
    }

    fn draw(&mut self, row: &Row) {
        self.items.extend(drawn_at(row, self.page.left, self.y));
        self.y += row.height();
    }
}

/// The room that the first row needs together with those that it must not be parted from.
fn needed(rows: &[Row], whole: f32) -> f32 {
    let mut needed = 0.0;
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            needed += row.before;
        }
        if !row.keep {
            return needed + row.least(whole);
        }
        needed += row.height() + row.after;
    }
    needed
}

/// The part of a row that has room, and the rest. The first part holds at least one piece, so that the rest grows less.
fn split(row: Row, room: f32) -> (Row, Row) {
    let counts: Vec<usize> = row
        .cells
        .iter()
        .map(|cell| {
            let mut left = room - 2.0 * row.padding;
            cell.pieces
                .iter()
                .take_while(|piece| {
                    left -= piece.height;
                    left >= 0.0
                })
                .count()
        })
        .collect();
    let least = usize::from(counts.iter().all(|count| *count == 0));
    let is_paragraph = row.free && row.cells.len() == 1;
    let mut first = Row {
        cells: Vec::new(),
        ..row
    };
    let mut rest = Row {
        cells: Vec::new(),
        ..row
    };
    for (cell, count) in row.cells.into_iter().zip(counts) {
        let mut pieces = cell.pieces;
        let mut count = count.max(least).min(pieces.len());
        // No line of a paragraph stands alone on the next page.
        if is_paragraph && count > 2 && pieces.len() - count == 1 {
            count -= 1;
        }
        rest.cells.push(Cell {
            x: cell.x,
            width: cell.width,
            pieces: pieces.split_off(count),
        });
        first.cells.push(Cell { pieces, ..cell });
    }
    (first, rest)
}

fn drawn_at(row: &Row, left: f32, top: f32) -> Vec<Item> {
    let mut items = Vec::new();
    let bottom = top + row.height();
    for cell in &row.cells {
        let x = left + cell.x;
        let mut y = top + row.padding;
        for piece in &cell.pieces {
            items.extend(
                piece
                    .items
                    .iter()
                    .cloned()
                    .map(|item| item.moved(x + row.padding, y)),
            );
            y += piece.height;
        }
    }
    if row.padding > 0.0 {
        let edges = row
            .cells
            .iter()
            .map(|cell| cell.x)
            .chain(row.cells.last().map(|cell| cell.x + cell.width));
        items.extend(edges.map(|x| line((left + x, top), (left + x, bottom))));
        let width: f32 = row.cells.iter().map(|cell| cell.width).sum();
        items.extend([top, bottom].map(|y| line((left, y), (left + width, y))));
    }
    items
}

const fn line(from: (f32, f32), to: (f32, f32)) -> Item {
    Item::Line {
        from,
        to,
        thickness: HAIRLINE,
    }
}
