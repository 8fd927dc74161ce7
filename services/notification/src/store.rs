//! How messages and templates lie in PostgreSQL.

mod messages;
mod templates;
#[cfg(test)]
mod walls;

pub(crate) use self::{
    messages::{Filter, Messages, PENDING, claim, get, list, next_due},
    templates::{Shelf, Templates, list_templates, read_template},
};
