//! Who stands in for whom: so that no dossier waits because one person is away.
//!
//! A substitution rests on a decision of the agency and lasts for a period. The substitute takes what the absent colleague
//! has in hand, and what is for the colleague's role and groups, a signature included; the history of the case names both. Who is
//! in which group stands in tokens alone, so whoever decides on a substitution names the groups of who is away.

use jiff::{SignedDuration, Timestamp};
use motcua_platform::{
    error::{Error, Refusal},
    ledger::{Context, Decision, Subject},
    time::{from_proto_opt, to_proto, truncated},
};
use motcua_proto::{
    events::v1::{self as events, Event, event::Payload},
    r#type::v1::Role,
    workflow::v1 as proto,
};
use serde::{Deserialize, Serialize};

use super::case::number;

/// Acting for a colleague by authority of the agency's head.
const ARTICLE_SUBSTITUTION: &str =
    "decree 118/2025, art. 7, and decree 30/2020, art. 13 (signing for another)";
/// Longest substitution.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 366);

/// Somebody stands in for a colleague who is away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Substitution {
    /// Code of the agency.
    pub agency: String,
    /// Opaque id of who is away.
    pub absent: String,
    /// Opaque id of who stands in.
    pub substitute: String,
    /// In which role.
    #[serde(with = "number")]
    pub role: Role,
    /// Named groups that the absent colleague belongs to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Since when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Number of the decision that it rests on.
    pub ground: String,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

/// What may be asked of a substitution.
#[derive(Debug, Clone, PartialEq)]
pub enum SubstitutionCommand {
    /// It begins.
    Create(Substitution),
    /// It ends before its time.
    End,
}

impl Substitution {
    /// Whether somebody stands in for somebody at an instant.
    #[must_use]
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && self.from <= now && now < self.until
    }

    /// Whether what is for a named group is the absent colleague's: everything is that is for none.
    #[must_use]
    pub fn is_of(&self, group: &str) -> bool {
        group.is_empty() || self.groups.iter().any(|own| own == group)
    }

    /// As the contract shows it.
    #[must_use]
    pub fn to_proto(&self, key: &str) -> proto::Substitution {
        proto::Substitution {
            name: format!("substitutions/{key}"),
            agency: self.agency.clone(),
            absent: self.absent.clone(),
            substitute: self.substitute.clone(),
            role: self.role.into(),
            from: Some(to_proto(self.from)),
            until: Some(to_proto(self.until)),
            ground: self.ground.clone(),
            groups: self.groups.clone(),
            ended_at: self.ended_at.map(to_proto),
        }
    }

    /// What comes of a command.
    ///
    /// # Errors
    /// A field that cannot be, another agency's substitution, one that is not there.
    pub fn decide(
        before: Option<&Self>,
        command: &SubstitutionCommand,
        context: &Context<'_>,
    ) -> Result<Decision, Error> {
        let (substitution, payload) = match (before, command) {
            (_, SubstitutionCommand::Create(new)) => {
                new.check(context.now)?;
                (new, Some(new.created(context.key)))
            }
            (Some(substitution), SubstitutionCommand::End) => {
                let over = substitution.ended_at.is_some() || context.now >= substitution.until;
                let ended = events::SubstitutionEnded {
                    substitution: context.key.to_owned(),
                    ended_at: Some(to_proto(context.now)),
                };
                (
                    substitution,
                    (!over).then_some(Payload::SubstitutionEnded(ended)),
                )
            }
            (None, SubstitutionCommand::End) => {
                return Err(Error::Missing {
                    name: format!("substitutions/{}", context.key),
                });
            }
        };
        if !context.scope.acts_for(&substitution.agency) {
            return Err(Refusal {
                message: "who stands in for whom is decided by the agency itself".to_owned(),
                article: ARTICLE_SUBSTITUTION,
                state: String::new(),
                remedy: "ask a leader of the agency",
            }
            .into());
        }
        Ok(Decision {
            subject: Subject {
                agency: substitution.agency.clone(),
                ..Subject::default()
            },
            events: payload.into_iter().collect(),
            ..Decision::default()
        })
    }

    fn check(&self, now: Timestamp) -> Result<(), Error> {
        if self.absent == self.substitute {
            return Err(Error::field(
                "substitution.substitute",
                "must be somebody else than absent",
            ));
        }
        if self.until <= self.from || self.until <= now {
            return Err(Error::field(
                "substitution.until",
                "must be after from, and in the future",
            ));
        }
        if self.until.duration_since(self.from) > LONGEST {
            return Err(Error::field(
                "substitution.until",
                "must be at most a year after from",
            ));
        }
        Ok(())
    }

    fn created(&self, key: &str) -> Payload {
        Payload::SubstitutionCreated(events::SubstitutionCreated {
            substitution: key.to_owned(),
            agency: self.agency.clone(),
            absent: self.absent.clone(),
            substitute: self.substitute.clone(),
            role: self.role.into(),
            from: Some(to_proto(self.from)),
            until: Some(to_proto(self.until)),
            ground: self.ground.clone(),
            groups: self.groups.clone(),
        })
    }

    /// The substitution after an event.
    #[must_use]
    pub fn apply(before: Option<Self>, event: &Event) -> Option<Self> {
        let at = |instant: Option<&prost_types::Timestamp>| {
            from_proto_opt(instant).map(truncated).unwrap_or_default()
        };
        match event.payload.as_ref()? {
            Payload::SubstitutionCreated(created) => Some(Self {
                agency: created.agency.clone(),
                absent: created.absent.clone(),
                substitute: created.substitute.clone(),
                role: created.role(),
                from: at(created.from.as_ref()),
                until: at(created.until.as_ref()),
                ground: created.ground.clone(),
                groups: created.groups.clone(),
                ended_at: None,
            }),
            Payload::SubstitutionEnded(ended) => before.map(|before| Self {
                ended_at: Some(at(ended.ended_at.as_ref())),
                ..before
            }),
            _ => before,
        }
    }
}
