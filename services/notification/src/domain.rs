//! What may happen to messages and templates, and who hears of what. Pure: no I/O, no clock, no SQL.

pub(crate) mod message;
pub(crate) mod particulars;
pub(crate) mod rules;
pub(crate) mod template;
pub(crate) mod words;
