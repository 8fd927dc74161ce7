//! What may happen behind the counter: cases, their tasks and definitions. No I/O, no clock, no personal data.
//!
//! | file | answers |
//! | --- | --- |
//! | `definition.rs`, `reading.rs`, `structure.rs`, `loops.rs` | is this definition sound, and how does it hang together? |
//! | `condition.rs` | what do its conditions look at, and are they true? |
//! | `published.rs` | which versions of a definition are there? |
//! | `surround.rs` | what does a decision look at beside the case? |
//! | `case.rs`, `replay.rs` | where does a case stand, and how do events change that? |
//! | `command.rs`, `decide.rs` | what may be asked of a case, and which rule does it meet? |
//! | `follow.rs` | what does an event of intake ask of a case? |
//! | `begin.rs`, `work.rs` | how does it begin, what may be done with a task? |
//! | `hands.rs`, `substitution.rs` | in whose hands is a task, and who stands in for whom? |
//! | `migrate.rs` | may it go on under another version of its definition? |
//! | `ask.rs`, `deadline.rs`, `choose.rs` | what is the applicant asked for, what moves the due, and which limit holds? |
//! | `standing.rs` | who may act on it: whose role, whose agency, whose relative, whose signature? |
//! | `scene.rs` | what does a case run under? |
//! | `engine.rs` | where does a path go on? |
//! | `reckon.rs` | how much time is left, and how much was used? |
//! | `show.rs`, `sheet.rs` | how does the contract show it? |

mod ask;
mod begin;
mod case;
mod choose;
mod command;
mod condition;
mod deadline;
mod decide;
mod definition;
mod engine;
mod external;
mod follow;
mod hands;
mod loops;
mod migrate;
mod published;
mod reading;
mod reckon;
mod replay;
mod scene;
mod sheet;
mod show;
mod standing;
mod structure;
mod substitution;
mod surround;
mod work;

#[cfg(test)]
mod tests;

pub use self::{
    ask::OBLIGATIONS_VND_MAX,
    case::{
        Called, Case, Due, Escalation, Hold, Lease, SubCase, Task, Timer, Touched, task_id,
        task_index,
    },
    command::{Cause, Command, Obligation, Receipt, StatementKind, Words},
    condition::Condition,
    decide::decide,
    definition::{
        Branch, Call, Choice, Definition, External, Optional, Step, Task as TaskStep,
        Timer as TimerStep, Transition, Wait, limit_minutes,
    },
    follow::asked_by,
    published::{Publication, Published, Version},
    replay::apply,
    sheet::control_sheet,
    show::{Answered, PinnedDefinition, answered, fill, show_sub_case, show_task},
    standing::gives_out,
    substitution::{Substitution, SubstitutionCommand},
    surround::{Definitions, InForce, Surround},
    work::is_workable,
};
