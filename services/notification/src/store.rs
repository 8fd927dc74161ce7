//! How messages and templates lie in PostgreSQL.

mod messages;
mod templates;

pub(crate) use self::{
    messages::{Filter, Messages, PENDING, claim, get, list, next_due},
    templates::{Shelf, Templates, list_templates, read_template},
};
