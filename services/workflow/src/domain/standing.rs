//! Who may act on a case: nobody on what is their own or a relative's, an agency on its own part, whoever has the step's
//! role, and two people where the law wants four eyes.
//!
//! Which methods a role may call at all, and which cases it then reaches, was judged before; here is what follows from
//! where the case stands.

use motcua_platform::{
    error::{Error, Refusal},
    ledger::Context,
};
use motcua_proto::{r#type::v1::Role, workflow::v1::TaskState};

use super::{
    case::{SubCase, Task},
    decide::Desk,
    substitution::Substitution,
    surround::Surround,
};

/// Working on an accepted dossier.
pub(super) const ARTICLE_WORK: &str = "decree 118/2025, art. 18";
/// Who appraises proposes, and who signs decides.
pub(super) const ARTICLE_FOUR_EYES: &str = "decree 118/2025, art. 18 (four eyes)";
/// Conflicts of interest.
pub(super) const ARTICLE_RECUSAL: &str = "law 36/2018/QH14, art. 23";

impl<'a> Desk<'a> {
    /// Nobody acts on a dossier that is their own or a relative's.
    pub(super) fn not_recused(&self) -> Result<(), Error> {
        if self.case.recused.contains(&self.context.actor.id) {
            return Err(self.refuse(
                "the dossier is marked as a relative's or one's own",
                ARTICLE_RECUSAL,
                "leave it to a colleague",
            ));
        }
        Ok(())
    }

    /// The case's time and its end are the competent agency's: a branch's agency has its own part only.
    pub(super) fn for_competent_agency(&self, article: &'static str) -> Result<(), Error> {
        if self.context.scope.acts_for(&self.case.competent_agency) {
            return Ok(());
        }
        Err(self.refuse(
            "another agency decides on the case",
            article,
            "ask the agency that its competent_agency names",
        ))
    }

    /// For a leader of the agency that decides, or whoever stands in for one; answers as [`Self::leads`].
    pub(super) fn for_leader(&self, article: &'static str) -> Result<String, Error> {
        self.for_competent_agency(article)?;
        let agency = &self.case.competent_agency;
        self.leads(|it| it == agency).ok_or_else(|| {
            self.refuse(
                "it is for a leader of the agency that decides on the case",
                article,
                "ask a leader, or whoever stands in for one (CreateSubstitution)",
            )
        })
    }

    /// The leader of an agency for whom the actor stands in, empty for one who leads themselves; `None` where they do not lead.
    pub(super) fn leads(&self, is_agency: impl Fn(&str) -> bool) -> Option<String> {
        leads(self.context, self.surround, is_agency)
    }

    /// The same of the work on a branch, or on the whole where that is empty, on which several agencies may be.
    pub(super) fn leads_work(&self, branch: &str) -> Option<String> {
        match self.case.sub_case(branch) {
            Some(sub_case) => self.leads(|it| it == sub_case.agency),
            None => self.leads(|it| self.context.scope.acts_for(it)),
        }
    }

    /// For whom the actor stands in at present.
    pub(super) fn stands_in(&self) -> Vec<Substitution> {
        let substitutions = &self.surround.substitutions;
        substitutions.of(&self.context.actor.id, self.context.now)
    }

    /// The same at an agency in a role.
    fn stands_in_for(&self, agency: &str, role: Role) -> impl Iterator<Item = Substitution> {
        self.stands_in()
            .into_iter()
            .filter(move |stands| stands.agency == agency && stands.role == role)
    }

    /// Whoever works on the case may find that something is missing.
    pub(super) fn for_working_agency(&self, article: &'static str) -> Result<(), Error> {
        let scope = self.context.scope;
        if self
            .case
            .waiting()
            .any(|(_, task)| scope.acts_for(&task.agency))
        {
            return Ok(());
        }
        self.for_competent_agency(article)
    }

    /// A branch that is under way, where it is the caller's agency's.
    pub(super) fn for_branch(
        &self,
        branch: &str,
        article: &'static str,
    ) -> Result<&'a SubCase, Error> {
        let under_way = self.case.sub_case(branch);
        let Some(sub_case) = under_way.filter(|it| it.finished_at.is_none()) else {
            return Err(Error::field("branch", self.no_such_branch()));
        };
        if !self.context.scope.acts_for(&sub_case.agency) {
            return Err(self.refuse(
                "another agency works on the branch",
                article,
                "leave it to the agency that the branch names",
            ));
        }
        Ok(sub_case)
    }

    /// A task is its agency's.
    pub(super) fn at_its_agency(&self, task: &Task) -> Result<(), Error> {
        if self.context.scope.acts_for(&task.agency) {
            return Ok(());
        }
        Err(refuse_task(
            task,
            "the task is another agency's",
            ARTICLE_WORK,
            "leave it to the agency that the task names",
        ))
    }

    /// A task is its agency's, and within it theirs who have the step's role and belong to its group, or stand in for a colleague who
    /// does; answers with that colleague. What an absent colleague has in hand is the substitute's too, and so is what was taken in
    /// the colleague's place.
    pub(super) fn for_task(&self, task: &Task) -> Result<Option<String>, Error> {
        self.at_its_agency(task)?;
        let in_hand = task.state == TaskState::Claimed && task.assignee != self.context.actor.id;
        let has_role = self.context.roles.contains(&task.role);
        let has_group = task.group.is_empty() || self.context.groups.contains(&task.group);
        if has_role && has_group && !in_hand {
            return Ok(None);
        }
        let standing: Vec<_> = self.stands_in_for(&task.agency, task.role).collect();
        let stands = standing.iter().find(|stands| {
            if in_hand {
                stands.absent == task.assignee
            } else {
                stands.is_of(&task.group) || stands.absent == task.on_behalf_of
            }
        });
        if let Some(stands) = stands {
            return Ok(Some(stands.absent.clone()));
        }
        if !has_role && (in_hand || standing.is_empty()) {
            return Err(refuse_task(
                task,
                "the task is for another role",
                ARTICLE_WORK,
                "leave it to somebody who has the role that the task names, or stands in for them",
            ));
        }
        if !has_role || !has_group {
            return Err(refuse_task(
                task,
                "the task is for those of its group who have its role, and neither the caller is one of them nor whom they stand in for",
                ARTICLE_WORK,
                "leave it to somebody of the group that the task names, or who stands in for them (groups of CreateSubstitution)",
            ));
        }
        Ok(None)
    }

    /// What was asked of a system is answered by it: by its own id, or by whoever belongs to the group of that name. Where it is not
    /// connected, or its answer came on paper, a leader records it, or whoever stands in for one; answers as [`Self::leads`].
    pub(super) fn for_system(&self, task: &Task) -> Result<String, Error> {
        if !self.context.scope.acts_for(&task.agency) {
            return Err(refuse_for_system(task));
        }
        let has_its_name =
            self.context.actor.id == task.system || self.context.groups.contains(&task.system);
        if has_its_name && self.context.roles.contains(&Role::System) {
            return Ok(String::new());
        }
        self.leads(|it| it == task.agency)
            .ok_or_else(|| refuse_for_system(task))
    }

    /// Who prepared does not sign: a leader's step is for somebody who has not completed any other step of the case. One
    /// person may have both roles. Whoever wrote down another system's answer decided nothing by it.
    pub(super) fn is_barred(&self, task: &Task, somebody: &str) -> bool {
        let prepared = |before: &Task| {
            before.role != Role::Leader
                && before.system.is_empty()
                && before.is_completed()
                && before.assignee == somebody
        };
        task.role == Role::Leader && self.case.tasks.iter().any(prepared)
    }

    /// The actor has not prepared what they sign.
    pub(super) fn four_eyes(&self, task: &Task) -> Result<(), Error> {
        if self.is_barred(task, &self.context.actor.id) {
            return Err(refuse_task(
                task,
                "who prepared the case does not sign it",
                ARTICLE_FOUR_EYES,
                "let another leader of the agency sign",
            ));
        }
        Ok(())
    }
}

/// The leader of an agency for whom somebody stands in, empty for one who leads themselves; `None` where they do not lead.
fn leads(
    context: &Context<'_>,
    surround: &Surround,
    is_agency: impl Fn(&str) -> bool,
) -> Option<String> {
    if context.roles.contains(&Role::Leader) {
        return Some(String::new());
    }
    let standing = surround.substitutions.of(&context.actor.id, context.now);
    standing
        .into_iter()
        .filter(|stands| stands.role == Role::Leader)
        .find(|stands| is_agency(&stands.agency))
        .map(|stands| stands.absent)
}

/// An agency's tasks are given out by its leaders, by whoever stands in for one, and by the ward's administrator; answers with the
/// leader who is stood in for.
///
/// # Errors
/// The refusal of whoever is none of them.
pub fn gives_out(
    agency: &str,
    context: &Context<'_>,
    surround: &Surround,
) -> Result<String, Error> {
    if context.roles.contains(&Role::WardAdministrator) {
        return Ok(String::new());
    }
    leads(context, surround, |it| it == agency).ok_or_else(|| {
        Refusal {
            message: "tasks are given out by a leader of their agency".to_owned(),
            article: ARTICLE_WORK,
            state: "NOT_LEADING".to_owned(),
            remedy: "ask a leader, or whoever stands in for one (CreateSubstitution)",
        }
        .into()
    })
}

/// Another system is asked, and nobody else.
pub(super) fn refuse_for_system(task: &Task) -> Error {
    refuse_task(
        task,
        "another system is asked for the outcome",
        ARTICLE_WORK,
        "let the system answer that the task names, or a leader who has its answer on paper record it",
    )
}

/// Nothing is left to do on it.
pub(super) fn refuse_ended(task: &Task) -> Error {
    refuse_task(
        task,
        "the task has ended",
        ARTICLE_WORK,
        "read the case again and work on what is open",
    )
}

pub(super) fn refuse_task(
    task: &Task,
    message: &str,
    article: &'static str,
    remedy: &'static str,
) -> Error {
    let state = task.state.as_str_name();
    Refusal {
        message: message.to_owned(),
        article,
        state: state
            .strip_prefix("TASK_STATE_")
            .unwrap_or(state)
            .to_owned(),
        remedy,
    }
    .into()
}
