//! Substitutions over gRPC.

use std::collections::HashSet;

use motcua_platform::{
    call::{Call, acknowledge},
    error::Error,
    ledger::{Ledger, Target},
    page,
    parse::Fields,
    time::local_date,
};
use motcua_proto::{
    r#type::v1::Role,
    workflow::v1::{self as proto, substitution_service_server::SubstitutionService},
};
use tonic::{Request, Response, Status};

use super::Desk;
use crate::{
    domain::{Substitution, SubstitutionCommand},
    store::{self, Substitutions},
};

/// Longest number of a decision, in characters.
const GROUND_MAX: usize = 60;
/// Groups of somebody who is away at most.
const GROUPS_MAX: usize = 20;
/// The roles that work on tasks.
const ROLES: [Role; 4] = [
    Role::Receptionist,
    Role::Officer,
    Role::Leader,
    Role::HomeVisitor,
];

/// Serves substitutions.
#[derive(Debug, Clone)]
pub(crate) struct SubstitutionServer {
    pub(crate) ledger: Ledger<Substitutions>,
    pub(crate) desk: Desk,
}

/// The number of a decision: it stands in events, so it has no room for names.
fn ground(fields: &mut Fields, text: &str) -> Option<String> {
    let is_number = text.chars().count() <= GROUND_MAX
        && text.starts_with(|first: char| first.is_ascii_digit())
        && text
            .chars()
            .all(|character| character.is_alphanumeric() || "/.-".contains(character));
    if is_number {
        return Some(text.to_owned());
    }
    fields.reject(
        "substitution.ground",
        format!(
            "must be the number of a decision, such as 12/QĐ-UBND, at most {GROUND_MAX} characters"
        ),
    );
    None
}

/// The groups of who is away, each once.
fn groups(fields: &mut Fields, groups: &[String]) -> Option<Vec<String>> {
    if groups.len() > GROUPS_MAX {
        fields.reject(
            "substitution.groups",
            format!("must be at most {GROUPS_MAX}"),
        );
        return None;
    }
    let mut named = HashSet::new();
    fields.each("substitution.groups", groups, |fields, path, group| {
        if !named.insert(group) {
            fields.reject(path, format!("'{group}' stands twice"));
            return None;
        }
        fields.id(path, group)
    })
}

fn parse(fields: &mut Fields, asked: &proto::Substitution) -> Option<Substitution> {
    let agency = fields.id("substitution.agency", &asked.agency);
    let absent = fields.id("substitution.absent", &asked.absent);
    let substitute = fields.id("substitution.substitute", &asked.substitute);
    let role = fields
        .choice("substitution.role", asked.role)
        .filter(|role| {
            let works = ROLES.contains(role);
            if !works {
                fields.reject("substitution.role", "must be a role that works on tasks");
            }
            works
        });
    let groups = groups(fields, &asked.groups);
    let from = fields.instant("substitution.from", asked.from.as_ref());
    let until = fields.instant("substitution.until", asked.until.as_ref());
    let ground = ground(fields, &asked.ground);
    Some(Substitution {
        agency: agency?,
        absent: absent?,
        substitute: substitute?,
        role: role?,
        groups: groups?,
        from: from?,
        until: until?,
        ground: ground?,
        ended_at: None,
    })
}

#[tonic::async_trait]
impl SubstitutionService for SubstitutionServer {
    async fn create_substitution(
        &self,
        request: Request<proto::CreateSubstitutionRequest>,
    ) -> Result<Response<proto::Substitution>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let asked = body.substitution.clone().unwrap_or_default();
        let substitution = parse(&mut fields, &asked);
        let request_id = fields.request_id(&body.request_id);
        let (substitution, request_id) = fields.finish(substitution.zip(request_id))?;
        // Another agency's does not exist for the caller.
        if !call.scope().acts_for(&substitution.agency) {
            return Err(Error::Missing {
                name: format!("agencies/{}", substitution.agency),
            }
            .into());
        }
        let day = local_date(self.desk.clock.now()).strftime("%y%m%d");
        let agency = substitution.agency.clone();
        let envelope = call.envelope(
            "motcua.workflow.v1.SubstitutionService/CreateSubstitution",
            &body,
            request_id,
            Target::Numbered(format!("{agency}-{day}")),
            SubstitutionCommand::Create(substitution),
        );
        Ok(acknowledge(self.ledger.execute(&agency, envelope).await?))
    }

    async fn list_substitutions(
        &self,
        request: Request<proto::ListSubstitutionsRequest>,
    ) -> Result<Response<proto::ListSubstitutionsResponse>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let size = page::size(&mut fields, body.page_size);
        let after = page::key::<String>(&mut fields, &body.page_token);
        let agency = fields.optional_id("agency", &body.agency);
        let ((size, after), agency) = fields.finish(size.zip(after).zip(agency))?;
        let in_force_at = body.in_force_only.then(|| self.desk.clock.now());
        let mut reading = self
            .desk
            .archive
            .open(call.scope())
            .await
            .map_err(Error::from)?;
        let after = after.unwrap_or_default();
        let found = store::substitutions(&mut reading, &agency, in_force_at, &after, size + 1)
            .await
            .map_err(Error::from)?;
        let shown = found
            .iter()
            .map(|(key, substitution)| substitution.to_proto(key))
            .collect();
        let (substitutions, next_page_token) =
            page::cut(shown, size, |substitution: &proto::Substitution| {
                substitution
                    .name
                    .strip_prefix("substitutions/")
                    .unwrap_or_default()
                    .to_owned()
            });
        Ok(Response::new(proto::ListSubstitutionsResponse {
            substitutions,
            next_page_token,
        }))
    }

    async fn end_substitution(
        &self,
        request: Request<proto::EndSubstitutionRequest>,
    ) -> Result<Response<proto::Substitution>, Status> {
        let call = Call::enter(&request)?;
        let body = request.into_inner();
        let mut fields = Fields::new();
        let key = fields.name("name", "substitutions", &body.name);
        let request_id = fields.request_id(&body.request_id);
        let (key, request_id) = fields.finish(key.zip(request_id))?;
        let turn = key.rsplitn(3, '-').last().unwrap_or_default().to_owned();
        let envelope = call.envelope(
            "motcua.workflow.v1.SubstitutionService/EndSubstitution",
            &body,
            request_id,
            Target::Key(key),
            SubstitutionCommand::End,
        );
        Ok(acknowledge(self.ledger.execute(&turn, envelope).await?))
    }
}
