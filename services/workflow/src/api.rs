//! gRPC in and out: parse, ask the ledger or the store, show. No decisions.

mod batches;
mod cases;
mod definitions;
mod substitutions;
mod tasks;

use motcua_platform::{
    archive::Archive, clock::Clock, error::Error, parse::Fields, scope::Scope, vault::Vault,
};
use motcua_proto::workflow::v1 as proto;

pub(crate) use self::{
    cases::CaseServer, definitions::DefinitionServer, substitutions::SubstitutionServer,
    tasks::TaskServer,
};
use crate::{
    domain::{Answered, Case, Surround},
    store,
};

/// What the servers share.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) archive: Archive,
    pub(crate) vault: Vault,
    pub(crate) surround: Surround,
    pub(crate) clock: Clock,
}

impl Desk {
    /// Reads definitions that this process has not seen yet: after a start, or published at another replica.
    async fn know(&self, scope: &Scope, wanted: &[(&str, i32)]) -> Result<(), Error> {
        if wanted
            .iter()
            .all(|(id, version)| self.surround.definitions.get(id, *version).is_some())
        {
            return Ok(());
        }
        let mut reading = self.archive.open(scope).await?;
        store::ensure_versions(
            &self.surround.definitions,
            &mut reading,
            wanted.iter().copied(),
        )
        .await?;
        Ok(())
    }

    /// Reads what a case runs under.
    async fn surroundings_of(&self, scope: &Scope, case: &Case) -> Result<(), Error> {
        if self.surround.catalogs.get(&case.catalog).is_none() {
            let mut reading = self.archive.open(scope).await?;
            self.surround
                .catalogs
                .ensure(&mut reading, [case.catalog.as_str()])
                .await?;
        }
        let wanted: Vec<_> = (0..case.tasks.len())
            .filter_map(|index| case.definition_of(index))
            .collect();
        self.know(scope, &wanted).await
    }

    /// Cases with what their definitions say.
    async fn shown(
        &self,
        scope: &Scope,
        answers: Vec<Answered>,
    ) -> Result<Vec<proto::Case>, Error> {
        let wanted: Vec<_> = answers
            .iter()
            .flat_map(|answer| &answer.definitions)
            .filter(|pinned| pinned.version > 0)
            .map(|pinned| (pinned.id.as_str(), pinned.version))
            .collect();
        self.know(scope, &wanted).await?;
        Ok(answers
            .into_iter()
            .map(|answer| answer.fill(&self.surround.definitions))
            .collect())
    }

    async fn shown_one(&self, scope: &Scope, answer: Answered) -> Result<proto::Case, Error> {
        let mut shown = self.shown(scope, vec![answer]).await?;
        shown
            .pop()
            .ok_or_else(|| Error::Fault("a case has no answer".to_owned()))
    }
}

/// A case's code from its name.
fn code(fields: &mut Fields, name: &str) -> Option<String> {
    fields.name("name", "cases", name)
}

/// The code of a case and the id of a task from the task's name.
fn task_name(fields: &mut Fields, name: &str) -> Option<(String, String)> {
    let parsed = name.split_once("/tasks/").and_then(|(case, task)| {
        let digits = task.strip_prefix('t')?;
        let is_id = !digits.is_empty()
            && digits.len() <= 9
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        let mut own = Fields::new();
        let code = own.name("name", "cases", case).filter(|_| is_id)?;
        Some((code, task.to_owned()))
    });
    if parsed.is_none() {
        fields.reject("name", "must be a name such as cases/CODE/tasks/t1");
    }
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_name_holds_its_case_and_its_id() {
        let mut fields = Fields::new();
        assert_eq!(
            task_name(&mut fields, "cases/H24.11593-250701-0007/tasks/t12"),
            Some(("H24.11593-250701-0007".to_owned(), "t12".to_owned()))
        );
        for bad in [
            "",
            "cases/x",
            "cases/x/tasks/",
            "cases/x/tasks/7",
            "cases//tasks/t1",
            "x/tasks/t1",
            "cases/x/tasks/tt",
        ] {
            assert_eq!(task_name(&mut fields, bad), None, "{bad}");
        }
    }
}
