//! The master key: what wraps the keys of agencies. It never wraps data itself, so it is asked rarely.

mod file;
mod service;

use std::fmt;

use futures::future::BoxFuture;

pub use self::{file::MasterFile, service::MasterService};
use super::{Error, Secret};

/// A key as the master wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// Which generation of the master did it.
    pub generation: String,
    /// What it made of the key.
    pub bytes: Vec<u8>,
}

/// Whoever holds the master key. Of several generations the newest wraps, and all of them unwrap.
pub trait Master: fmt::Debug + Send + Sync {
    /// Wraps a key for one purpose, which `context` names.
    fn wrap<'a>(
        &'a self,
        context: &'a str,
        key: &'a Secret,
    ) -> BoxFuture<'a, Result<Wrapped, Error>>;

    /// Unwraps what was wrapped for this purpose. [`Error::Misfit`] when it was wrapped by another master, or for another
    /// purpose.
    fn unwrap<'a>(
        &'a self,
        context: &'a str,
        wrapped: &'a Wrapped,
    ) -> BoxFuture<'a, Result<Secret, Error>>;
}
