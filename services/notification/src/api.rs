//! gRPC in and out: parse, ask, show. No decisions.

mod messages;
mod templates;

pub(crate) use self::{messages::MessageApi, templates::TemplateApi};
